"""What to say when the command line or a config file is not understood."""

import difflib

from cyclopts import CoercionError, CycloptsError, UnknownCommandError, UnusedCliTokensError

KINDS = {int: "a whole number", float: "a number", bool: "yes or no"}
FLAGS = ("--help", "--version")


def explain(error: CycloptsError) -> str:
    """The error in one line: what was given, what was expected, where to read on."""
    verb = " ".join(error.command_chain or ())
    text = " ".join(str(error).split())
    if isinstance(error, UnusedCliTokensError):
        text = f"{verb} does not know what to do with {', '.join(map(repr, error.unused_tokens or ()))}."
    elif isinstance(error, UnknownCommandError) and (meant := _flag(error)):
        text = f"there is no verb or option {(error.unused_tokens or [''])[0]}. Did you mean {meant}?"
    elif isinstance(error, CoercionError) and error.token:
        name = error.token.keyword or (error.argument.name if error.argument else "the option")
        if error.msg is None and error.target_type in KINDS:
            text = f'Invalid value for {name}: expected {KINDS[error.target_type]}, got "{error.token.value}"'
        if error.token.source not in ("", "cli"):  # a config file, whose keys cyclopts writes as [model][steps]
            key = name.strip("[]").replace("][", ".")
            text = text.replace(f" from {error.token.source}", "").replace(name, key)
            text = f"{error.token.source}: {text[0].lower()}{text[1:]}"
    if "Did you mean" not in text and "diffeo " not in text:
        text = f"{text.rstrip('.')}. See diffeo {verb}{' ' if verb else ''}--help"
    return text


def _flag(error: UnknownCommandError) -> str | None:
    """``--help`` for ``help`` and ``--hlep``."""
    word = (error.unused_tokens or [""])[0]
    close = difflib.get_close_matches(word, FLAGS, n=1) if word.startswith("-") or f"--{word}" in FLAGS else []
    return close[0] if close else None
