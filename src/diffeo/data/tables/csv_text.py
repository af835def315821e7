"""CSV as people have it: which letters, which delimiter, whether there is a header."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma"}  # where several fit, the first does
MISSING = (
    "", " ", "#N/A", "#NA", "#VALUE!", "#DIV/0!", "N/A", "n/a", "NA", "na", "<NA>", "NaN", "nan", "-nan", "-NaN",
    "NULL", "Null", "null", "None", "none", "NONE", "?", "-", "--", ".",
)  # fmt: skip
DATES = (
    "%Y.%m.%d", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y-%m-%d %H:%M", "%Y년 %m월 %d일",
)  # fmt: skip


def parse_csv(path: Path, content: bytes) -> tuple[Any, bool, list[str]]:
    """A table of pyarrow's from a file's content; whether commas in cells may be decimal; remarks.

    Raises:
        ValueError: if it is empty, no text, or its lines have different numbers of cells.
    """
    from pyarrow import ArrowInvalid
    from pyarrow import csv as arrow_csv

    text, notes = _utf8(path, content)
    if not text.strip():
        raise ValueError(f"{path} is empty")
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")  # as old Macs end lines
    head = _head(text)
    delimiter = _delimiter(head)
    lines = list(_cells(head, delimiter))
    first = lines[0]
    _check_header(path, lines)
    counted = [str(i) for i in range(len(first))]  # the header that pandas gives to an array
    headless = all(_is_number(cell) for cell in first) and (first != counted or len(first) == 1)
    if headless:
        notes.append(f"no header: the first line is of numbers, so the columns are called x0, .. x{len(first) - 1}")
    parser = arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in text)
    cells = arrow_csv.ConvertOptions(
        null_values=MISSING, strings_can_be_null=True, timestamp_parsers=[arrow_csv.ISO8601, *DATES]
    )

    def read(**options: bool) -> Any:
        names = [f"x{i}" for i in range(len(first))] if headless else None
        return arrow_csv.read_csv(
            io.BytesIO(text),
            read_options=arrow_csv.ReadOptions(column_names=names, **options),
            parse_options=parser,
            convert_options=cells,
        )

    try:
        table = read()
    except ArrowInvalid:
        try:
            table = read(use_threads=False)  # only so does it know the line
        except ArrowInvalid as error:
            problem = str(error).removeprefix("CSV parse error: ").replace("Row #", "line ")
            raise ValueError(
                f"{path}: {problem[:200]} (cells are separated by {DELIMITERS[delimiter]}s). "
                f"Give every line as many cells as the header has"
            ) from None
    return table, delimiter != ",", notes


def _check_header(path: Path, lines: list[list[str]]) -> None:
    """Refuse a title or a remark above the header, and cells that are separated by spaces."""
    width = max(map(len, lines))
    if width > 1 and len([cell for cell in lines[0] if cell.strip()]) == 1 and lines[0][0].strip():
        raise ValueError(
            f"{path}: its first line is no header for {width} columns: {lines[0][0][:40]!r}. "
            f"Delete what stands above the line with the columns' names"
        )
    words = [len(line[0].split()) for line in lines]
    if width == 1 and words[-1] > 1 and all(map(_is_number, lines[-1][0].split())):
        raise ValueError(f"{path}: cells are separated by spaces. Separate them by commas, semicolons or tabs")


def _utf8(path: Path, content: bytes) -> tuple[bytes, list[str]]:
    """The content as UTF-8 without a byte order mark, and a remark if it was something else."""
    if content.startswith(codecs.BOM_UTF8):
        content = content[len(codecs.BOM_UTF8) :]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16").encode(), ["read as UTF-16"]
    if b"\0" in content[:4096]:
        raise ValueError(f"{path} is no text. Save it as CSV (UTF-8)")
    try:
        content.decode("utf-8")
        return content, []
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp949").encode(), ["read as cp949 (not UTF-8)"]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is neither UTF-8 nor cp949. Save it as CSV (UTF-8)") from None


def _head(text: bytes) -> str:
    """The first lines, up to fifty, without one that is cut off."""
    part = text[: 2**20].decode("utf-8", errors="ignore")
    lines = part.splitlines(keepends=True)
    if len(text) > 2**20 and len(lines) > 1:
        lines = lines[:-1]
    return "".join([line for line in lines if line.strip()][:50])


def _cells(head: str, delimiter: str) -> Iterator[list[str]]:
    yield from csv.reader(io.StringIO(head.replace("\r\n", "\n").replace("\r", " ")), delimiter=delimiter)


def _delimiter(head: str) -> str:
    """The delimiter that gives most lines the same number of cells, more than one."""
    best, score = ",", 0.0
    for delimiter in DELIMITERS:
        counts = Counter(len(row) for row in _cells(head, delimiter))
        cells, lines = max(counts.items(), key=lambda item: (item[1], item[0]))
        if cells > 1 and lines / counts.total() > score:
            best, score = delimiter, lines / counts.total()
    return best


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().replace(",", "."))
    except ValueError:
        return False
    return True
