"""Pairs of programs worth a look: fingerprints of their tokens, whatever the variables are called.

Winnowing as in Schleimer, Wilkerson and Aiken, 2003: the hashes of all runs of `RUN` tokens, of which the smallest in
every window is kept. What the template has, and what most of a class wrote, counts for nothing; but programs that are
nearly the same are a pair however many wrote so: most of a class may have copied one answer.
"""

import io
import keyword
import tokenize
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

RUN = 14  # tokens: about a line of arithmetic
WINDOW = 5
FEWEST = 12  # fingerprints of its own that a program needs before a share of them means something
NEARLY_ALL = 0.8  # share of all but the template from which on two programs are one
MOST = 4000  # fingerprints of a program: of some 1,500 lines
CLASS = 6  # programs from which on "most of them" means something
SKIPPED = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER, tokenize.NEWLINE)


@dataclass(frozen=True)
class Pair:
    """Two programs that have much in common.

    Args:
        first: the key of one of them.
        second: of the other.
        share: of the smaller one's fingerprints, those that both have: 0 to 1.
        first_lines: line numbers in the first where they are.
        second_lines: in the second.
    """

    first: str
    second: str
    share: float
    first_lines: tuple[int, ...]
    second_lines: tuple[int, ...]


def pairs(programs: Mapping[str, str], template: str = "", *, at_least: float = 0.6) -> list[Pair]:
    r"""Pairs that share much of what is their own, the most alike first.

    Args:
        programs: source code by a key, such as the student's number.
        template: what all were given.
        at_least: the share from which on a pair is listed.

    Example:
        >>> one = "def f(a, b):\n    return [a * x ** 2 + b * x - 1 for x in range(10) if x % 3 or a > b]\n" * 8
        >>> [(pair.first, pair.second, pair.share) for pair in pairs({"1": one, "2": one.replace("a", "zz")})]
        [('1', '2', 1.0)]
    """
    given = set(fingerprints(template))
    own = {key: fingerprints(code) for key, code in programs.items()}
    common: Counter[int] = Counter(mark for marks in own.values() for mark in marks)
    most = len(own) / 2 if len(own) >= CLASS else len(own)
    own = {key: {mark: line for mark, line in marks.items() if mark not in given} for key, marks in own.items()}
    kept = {key: {mark: line for mark, line in marks.items() if common[mark] <= most} for key, marks in own.items()}
    found = []
    for first, second in combinations(sorted(kept), 2):
        for marks, least in ((kept, at_least), (own, max(at_least, NEARLY_ALL))):
            smaller = min(len(marks[first]), len(marks[second]))
            both = marks[first].keys() & marks[second].keys()
            if smaller >= FEWEST and len(both) >= least * smaller:
                lines = [tuple(sorted({marks[key][mark] for mark in both})) for key in (first, second)]
                found.append(Pair(first, second, round(len(both) / smaller, 3), *lines))
                break
    return sorted(found, key=lambda pair: (-pair.share, pair.first, pair.second))


def fingerprints(code: str) -> dict[int, int]:
    """The hashes that winnowing keeps, each with the line where it first is."""
    tokens = _tokens(code)
    hashes = [
        (zlib.crc32("\n".join(text for text, _ in tokens[start : start + RUN]).encode()), tokens[start][1])
        for start in range(len(tokens) - RUN + 1)
    ]
    kept: dict[int, int] = {}
    for start in range(max(len(hashes) - WINDOW + 1, min(len(hashes), 1))):
        mark, line = min(hashes[start : start + WINDOW])
        kept.setdefault(mark, line)
        if len(kept) == MOST:
            break
    return kept


def _tokens(code: str) -> list[tuple[str, int]]:
    """Tokens without names of variables, comments, docstrings and layout, each with its line."""
    found: list[tuple[str, int]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type in SKIPPED:
                continue
            text = token.string
            if token.type in (tokenize.INDENT, tokenize.DEDENT):
                continue
            if token.type == tokenize.STRING:
                text = "'s'"
            elif token.type == tokenize.NUMBER:
                text = "0"
            elif token.type == tokenize.NAME and not keyword.iskeyword(text) and not (found and found[-1][0] == "."):
                text = "v"  # what follows a dot, such as torch.exp, is not the student's to rename
            found.append((text, token.start[0]))
    except (tokenize.TokenError, SyntaxError, ValueError):
        pass  # what was read until then is compared
    return [token for token in found if token[0] != "'s'"]
