"""Source code as students save it: any usual encoding, notebooks too, reduced to what defines something."""

import ast
import codecs
import re
import symtable
import unicodedata

from diffeo_course.sandbox.untrusted import one_line, parsed

LARGEST = 128 << 10  # letters of a program: the worked solution has 14,000
MOST_BRACES = 10_000  # Python's parser takes the square of an f-string's parts
MOST_MARKS = 50  # accents on one letter: normalizing takes the square of them
NO_TEXT = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)  # PEP 263
MAGIC = re.compile(r"^\s*(?:[%!]|\w+\s*=\s*[%!])|^\s*\??\w[\w.]*\?{1,2}\s*$")
WHOLE_CELL = re.compile(r"^\s*%%(?!time\b|timeit\b|capture\b)")  # %%bash, %%html: no Python in it


def decoded(data: bytes) -> str:
    r"""Text, whatever it was saved as: UTF-8 with or without BOM, UTF-16, a declared encoding, or cp949.

    Line ends become ``\n``, and a declared encoding is taken out of a program: it holds no longer.

    Raises:
        ValueError: if it is text in none of them.

    Example:
        >>> decoded("이름 = '홍길동'".encode("cp949"))
        "이름 = '홍길동'"
    """
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding).encode("utf-8", "replace").decode()  # UTF-7 can have halves of letters
        except (ValueError, LookupError):  # each encoding fails in its own way
            continue
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        head = [COOKIE.sub("#", line) if COOKIE.match(line) else line for line in lines[:2]]
        return "\n".join([*head, *lines[2:]])
    raise ValueError("text in neither UTF-8 nor cp949 (saved as UTF-8 it can be read)")


def _encodings(data: bytes) -> list[str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    declared = [
        found[1] for line in data.split(b"\n", 2)[:2] if (found := COOKIE.match(line.decode("latin-1"))) is not None
    ]
    return ["utf-8-sig", *(name for name in declared if _is_text(name)), "cp949"]


def _is_text(encoding: str) -> bool:
    """Whether it is a way to write text, read in a time that grows as the text does."""
    try:
        return codecs.lookup(encoding).name not in NO_TEXT
    except (LookupError, ValueError):
        return False


def check_size(code: str) -> str:
    """The code, if it can be parsed in no time.

    Raises:
        ValueError: if it is larger than a hand-in's, or made to be slow.
    """
    if len(code) > LARGEST:
        raise ValueError(f"{len(code) >> 10} KB of code, at most {LARGEST >> 10} KB")
    if (braces := code.count("{")) > MOST_BRACES:
        raise ValueError(f"{braces:,} braces, at most {MOST_BRACES:,}")
    marks = 0
    for letter in () if code.isascii() else code:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks > MOST_MARKS:
            raise ValueError(f"more than {MOST_MARKS} accents on one letter")
    return code


def of_notebook(text: str) -> str:
    """The code cells of a notebook, joined; lines for IPython only become comments.

    Raises:
        ValueError: if it is no notebook.
    """
    try:
        cells = parsed(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        joined = [source if isinstance(source, str) else "".join(source) for source in sources]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not a notebook of format 4 ({type(error).__name__}: {one_line(error)})") from error
    code = "\n\n".join(_without_magics(cell) for cell in joined) + "\n"
    return code.encode("utf-8", "replace").decode()  # JSON can have halves of letters


def _without_magics(cell: str) -> str:
    lines = cell.replace("\r\n", "\n").split("\n")
    whole = bool(WHOLE_CELL.match(next((line for line in lines if line.strip()), "")))
    kept = []
    for line in lines:
        magic = whole or (MAGIC.match(line) is not None and not line.lstrip().startswith("%s"))
        # `pass` keeps a block whole whose only line it was
        kept.append(line[: len(line) - len(line.lstrip())] + f"pass  # {line.strip()}" if magic else line)
    return "\n".join(kept)


def defined(code: str) -> set[str]:
    """Names of the functions and classes at its outer level, also where it does not parse."""
    return set(re.findall(r"^(?:async\s+)?(?:def|class)\s+(\w+)", code, re.MULTILINE)) | set(
        re.findall(r"^(\w+)\s*(?::[^=\n]+)?=(?!=)", code, re.MULTILINE)
    )


def definitions(code: str) -> str:
    r"""The code without what only runs: imports, functions, classes, and the assignments that these use.

    Training at a file's outer level is left out. Lines keep their numbers, so that errors name the student's own.

    Raises:
        SyntaxError: if it is not Python.

    Example:
        >>> definitions("import math\nfit()\nHALF = 0.5\ndef f():\n    return HALF\nprint(f())")
        'import math\n\nHALF = 0.5\ndef f():\n    return HALF\n'
    """
    body = ast.parse(code).body
    kept = [node for node in body if _defines(node)]
    setting: dict[str, list[ast.stmt]] = {}  # which assignments set a name
    for node in body:
        for name in _set(node) if _assigns(node) and not _defines(node) else ():
            setting.setdefault(name, []).append(node)
    chosen = {id(node) for node in kept}
    for node in kept:  # it grows meanwhile: each is looked at once
        for name in _used(node) & setting.keys():
            more = [each for each in setting.pop(name) if id(each) not in chosen]
            chosen |= {id(each) for each in more}
            kept += more
    lines, inside = code.split("\n"), set[int]()
    for group in _together(body):
        if any(id(node) in chosen for node in group):
            inside |= set(range(_first_line(group[0]) - 1, max(node.end_lineno or 0 for node in group)))
    return "\n".join(line if number in inside else "" for number, line in enumerate(lines))


def _together(body: list[ast.stmt]) -> list[list[ast.stmt]]:
    """Statements, those that share a line as one."""
    found: list[list[ast.stmt]] = []
    for node in body:
        if found and _first_line(node) <= (found[-1][-1].end_lineno or 0):
            found[-1].append(node)
        else:
            found.append([node])
    return found


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Try):
        return all(_defines(each) or isinstance(each, (ast.Assign, ast.Pass)) for each in node.body)
    return isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def _assigns(node: ast.stmt) -> bool:
    """Whether it only sets or defines something: ``if torch.cuda.is_available(): device = "cuda"`` too."""
    if isinstance(node, (ast.If, ast.With)):
        inside = [*node.body, *getattr(node, "orelse", [])]
        return all(_defines(each) or _assigns(each) or _says(each) for each in inside)
    return isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign))


def _says(node: ast.stmt) -> bool:
    """Whether it does nothing that matters: ``pass``, a text, a ``print``."""
    if not isinstance(node, ast.Expr):
        return isinstance(node, ast.Pass)
    called = node.value.func if isinstance(node.value, ast.Call) else None
    return isinstance(node.value, ast.Constant) or (isinstance(called, ast.Name) and called.id == "print")


def _set(node: ast.stmt) -> set[str]:
    """The names that it binds, imports or changes a part of: ``cache[0] = 1`` sets `cache`."""
    table = symtable.symtable(ast.unparse(node), "", "exec")
    bound = {each.get_name() for each in table.get_symbols() if each.is_assigned() or each.is_imported()}
    parts = [each for each in ast.walk(node) if isinstance(each, (ast.Attribute, ast.Subscript))]
    changed = [each.value for each in parts if isinstance(each.ctx, ast.Store)]
    return bound | {each.id for each in changed if isinstance(each, ast.Name)}


def _used(node: ast.stmt) -> set[str]:
    """The names of the program's outer level that something in it looks up; those of functions' own are none."""
    tables = [symtable.symtable(ast.unparse(node), "", "exec")]
    found = set[str]()
    for table in tables:
        outermost = table.get_type() == "module"
        found |= {x.get_name() for x in table.get_symbols() if x.is_referenced() and (outermost or x.is_global())}
        tables += table.get_children()
    return found
