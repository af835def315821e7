"""What to say when the command line or a config file is not understood."""

import difflib

from cyclopts import CoercionError, CycloptsError, UnknownCommandError, UnusedCliTokensError

from diffeo.cli.names import did_you_mean

KINDS = {int: "a whole number", float: "a number", bool: "yes or no"}
FLAGS = ("--help", "--version")
ELSEWHERE = {"course": "diffeo-course", "grade": "diffeo-course"}  # verbs, and the packages that add them


def explain(error: CycloptsError, flow: str | None = None) -> str:
    """The error in one line: what was given, what was expected, where to read on.

    Where a flow is named, the help with its options is that of ``diffeo VERB FLOW --help``.
    """
    verb = " ".join(error.command_chain or ())
    text = " ".join(str(error).split())
    if isinstance(error, UnusedCliTokensError):
        text = f"{verb} does not know what to do with {', '.join(map(repr, error.unused_tokens or ()))}."
    elif isinstance(error, UnknownCommandError):
        text = _no_such_verb(error, verb)
    elif isinstance(error, CoercionError) and error.token:
        name = error.token.keyword or (error.argument.name if error.argument else "the option")
        if error.msg is None and error.target_type in KINDS:
            text = f'Invalid value for {name}: expected {KINDS[error.target_type]}, got "{error.token.value}"'
        if error.token.source not in ("", "cli"):  # a config file, whose keys cyclopts writes as [model][steps]
            key = name.strip("[]").replace("][", ".")
            text = text.replace(f" from {error.token.source}", "").replace(name, key)
            text = f"{error.token.source}: {text[0].lower()}{text[1:]}"
    if "Did you mean" not in text and "diffeo " not in text:
        text = text if text.endswith("..") else f"{text.removesuffix('.')}."
        of_flow = flow is not None and ("model." in text or " has no option " in text)
        text = f"{text} {_see(f'{verb} {flow}' if of_flow else verb)}"
    return text


def _see(verb: str) -> str:
    return f"See diffeo {verb}{' ' if verb else ''}--help"


def _no_such_verb(error: UnknownCommandError, group: str) -> str:
    """The nearest verb, of this group of verbs or of all, and every one that there is."""
    word, app = (error.unused_tokens or [""])[0], error.app
    if not group and word in ELSEWHERE:
        return f"diffeo {word} is in another package: pip install {ELSEWHERE[word]}"
    verbs = [name for name in app if not name.startswith("-")] if app is not None else []
    there = f"The verbs{' of ' * bool(group)}{group} are: {', '.join(verbs)}. {_see(group)}"
    if flag := _flag(word):
        return f"there is no verb or option {word}. Did you mean {flag}?"
    if word.startswith("-"):
        return f"the option {word} goes after a verb. {there}"
    hint = did_you_mean(word.lower().strip("-"), [*verbs, *(() if group else ELSEWHERE)])
    return f"there is no verb {word!r}.{hint} {there}"


def _flag(word: str) -> str | None:
    """``--help`` for ``help`` and ``--hlep``."""
    close = difflib.get_close_matches(word, FLAGS, n=1) if word.startswith("-") or f"--{word}" in FLAGS else []
    return close[0] if close else None
