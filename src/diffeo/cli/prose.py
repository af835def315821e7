"""Docstrings of verbs as help: paragraphs that a terminal wraps, not the source's lines."""

import inspect

from cyclopts import App

BEFORE_OPTIONS = "Parameters"


def let_lines_flow(app: App) -> None:
    """Join the lines of the paragraphs in the docstrings of all verbs, groups of verbs included."""
    for name in app:
        verb = app[name].default_command
        if inspect.isfunction(verb) and verb.__doc__:
            verb.__doc__ = paragraphs(verb.__doc__)
        elif verb is None:
            let_lines_flow(app[name])


def paragraphs(doc: str) -> str:
    """A docstring with a line for each paragraph of it, and of what it says of an option; examples keep their lines.

    Example:
        >>> print(paragraphs('''First
        ... line.
        ...
        ... For example:
        ...   diffeo data
        ...   diffeo models'''))
        First line.
        <BLANKLINE>
        For example:
          diffeo data
          diffeo models
    """
    joined: list[str] = []
    prose, before = 0, None  # how far the lines of a paragraph are indented; how far the line before was
    for line in inspect.cleandoc(doc).splitlines():
        indent = len(line) - len(line.lstrip()) if line.strip() else None
        if line == BEFORE_OPTIONS:
            prose = 4
        if indent == before == prose:
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line)
        before = indent
    return "\n".join(joined)
