"""CSV as people have it: which letters, which delimiter, whether there is a header."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from diffeo.data.tables.header import is_header
from diffeo.data.tables.reading import Limit
from diffeo.data.typed_names import composed

LEAST = 2**20  # bytes of the beginning by which the file is judged, if it has that many
PIECE = 2**24  # bytes that are decoded at once
WIDE = {  # marks of the order of bytes: those of UTF-32 begin as those of UTF-16 do
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
LINES = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")  # not str.splitlines, to which other signs end lines too
LOOKED_AT = 500  # lines by which the delimiter and the header are found
FEWEST = 4
DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma"}  # where several fit, the first does
MISSING = (
    "", " ", "#N/A", "#NA", "#VALUE!", "#DIV/0!", "N/A", "n/a", "NA", "na", "<NA>", "NaN", "nan", "-nan", "-NaN",
    "NULL", "Null", "null", "None", "none", "NONE", "?", "-", "--", ".",
)  # fmt: skip
DATES = (
    "%Y.%m.%d", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y-%m-%d %H:%M", "%Y년 %m월 %d일",
)  # fmt: skip
GROUPED = re.compile(rb"[1-9]\d{0,2}\.\d{3}(?!\d)")
NO_ASCII = re.compile(r"[^\x00-\x7f]")
CHINESE = r"[\u4e00-\u9fff\uf900-\ufaff]"
BESIDE_LATIN = re.compile(rf"(?<=[A-Za-z]){CHINESE}+|{CHINESE}+(?=[A-Za-z])")
SEPARATOR = re.compile(rb'"?sep=([,;\t])"?[ ,;\t]*\r?[\n\r]')  # a first line that tells Excel how cells are separated
PLAIN = re.compile(r"[-+\u2212]?(\d+|\d{1,3}([.' \xa0\u202f\u2019]\d{3})+)([.,]\d*)?([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Cells:
    """A file's cells.

    Attributes:
        table: pyarrow's, with the types that it finds.
        commas: whether commas separate the cells, or nothing does.
        grouped: whether it has a point with three digits behind it, which may stand between thousands.
        notes: how it was read, where that was not plain.
        read_again: gives the table with other types for some columns, by name.
    """

    table: Any
    commas: bool
    grouped: bool
    notes: list[str]
    read_again: Callable[[dict[str, Any]], Any]


def parse_csv(
    path: Path,
    content: bytes,
    *,
    header: bool | None = None,
    known: Sequence[str] = (),
    limit: Limit | None = None,
) -> Cells:
    """The cells of a file by its content.

    Args:
        path: the file, for messages.
        content: what is in it.
        header: whether its first line names the columns; by comparison with those below if not given.
        known: columns that are wanted.
        limit: of their number.

    Raises:
        ValueError: if it is empty, no text, or its lines have different numbers of cells.
    """
    text, notes = _utf8(path, content)
    told = SEPARATOR.match(text)
    if told is not None:
        text = text[told.end() :]
    if not text.strip():
        raise ValueError(f"{path} is empty")
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")  # as old Macs end lines
    head = _head(text)
    if "\0" in head:
        raise ValueError(f"{path} is no text. Save it as CSV (UTF-8)")
    if not head:
        raise ValueError(f"{path} is empty, or begins with more than {LEAST:,} bytes of blank lines")
    delimiter = told[1].decode() if told is not None else _delimiter(path, head)
    lines = _cells(path, head, delimiter)
    if len(lines[0]) > 1 and all(len(line) == len(lines[0]) + 1 for line in lines[1:]) and len(lines) > 1:
        text, lines[0] = delimiter.encode() + text, ["", *lines[0]]  # R gives the rows' names no name
    width = len(lines[0])
    if limit is not None:
        limit.check_cells(text.count(b"\n") + 1, width, len(text))
    _check_header(path, lines)
    known = [composed(name) for name in known]
    named, judged = is_header([[composed(cell) for cell in line] for line in lines], header, known, MISSING)
    if judged:
        notes.append(f"{judged}, unlike the lines below; --no-header takes it as a row")
    if not named:
        called = "x0" if width == 1 else f"x0, .. x{width - 1}"
        why = "" if header is False else ": the first line is like those below; --header takes it as names"
        notes.append(f"no header{why}; the columns are called {called}")
    names = None if named else [f"x{i}" for i in range(width)]
    alone = width == 1  # an empty line is a row's only cell; of several columns it is no row
    text = text.strip(b"\r\n") if alone else text
    read = partial(_read, path, text, delimiter, names, alone=alone)
    return Cells(read({}), delimiter == ",", GROUPED.search(text) is not None, notes, read)


def _read(
    path: Path, text: bytes, delimiter: str, names: list[str] | None, types: dict[str, Any], *, alone: bool
) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    def read(**options: Any) -> Any:
        return arrow_csv.read_csv(
            pa.BufferReader(text),
            read_options=arrow_csv.ReadOptions(column_names=names, **options),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=b'"' in text, ignore_empty_lines=not alone
            ),
            convert_options=_conversion(types),
        )

    try:
        return read()
    except pa.ArrowInvalid:
        block = max(LEAST, _longest(text) + 1)
        try:
            return read(use_threads=False, block_size=block)  # only so does it know the line
        except pa.ArrowInvalid as error:
            problem = str(error).removeprefix("CSV parse error: ").replace("Row #", "line ")
            if "block boundaries" in problem:
                raise ValueError(
                    f"{path}: a quote is opened and not closed within {block:,} bytes. Close it, or write a quote that "
                    f"is meant as two"
                ) from None
            raise ValueError(
                f"{path}: {problem[:200]} (cells are separated by {DELIMITERS[delimiter]}s). "
                f"Give every line as many cells as the header has"
            ) from None


def _longest(text: bytes) -> int:
    """Bytes of the longest line."""
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
    return int(np.diff(ends, prepend=-1, append=len(text)).max())


def _conversion(types: dict[str, Any]) -> Any:
    from pyarrow import csv as arrow_csv

    return arrow_csv.ConvertOptions(
        null_values=MISSING,
        strings_can_be_null=True,
        timestamp_parsers=[arrow_csv.ISO8601, *DATES],
        column_types=types,
    )


def typed(array: Any) -> Any:
    """A column of strings from another kind of file as a CSV would give it: dates are dates, missing cells are null."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    encoded = array.cast(pa.string()).combine_chunks().dictionary_encode()
    file = io.BytesIO()
    arrow_csv.write_csv(pa.table({"x": encoded.dictionary}), file)
    found = arrow_csv.read_csv(
        io.BytesIO(file.getvalue()),
        read_options=arrow_csv.ReadOptions(block_size=max(LEAST, file.tell() + 1)),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=_conversion({}),
    )["x"].combine_chunks()
    if not pa.types.is_temporal(found.type):  # numbers are for the reader of numbers
        found = pa.array([None if cell in MISSING else cell for cell in encoded.dictionary.to_pylist()], pa.string())
    return found.take(encoded.indices)


def _check_header(path: Path, lines: list[list[str]]) -> None:
    """Refuse a title or a remark above the header, and cells that are separated by spaces."""
    width = max(map(len, lines))
    words = [cell for cell in lines[0] if cell.strip()]
    if width > 1 and len(words) == 1 and lines[0][0].strip() and not _is_number(words[0]):
        raise ValueError(
            f"{path}: its first line is no header for {width} columns: {lines[0][0][:40]!r}. "
            f"Delete what stands above the line with the columns' names"
        )
    last = lines[-1][0]
    if width == 1 and len(last.split()) > 1 and not _is_number(last) and all(map(_is_number, last.split())):
        raise ValueError(f"{path}: cells are separated by spaces. Separate them by commas, semicolons or tabs")


def _utf8(path: Path, content: bytes) -> tuple[bytes, list[str]]:
    """The content as UTF-8 without a byte order mark, and a remark if it was something else."""
    if content.startswith(codecs.BOM_UTF8):
        content = content[len(codecs.BOM_UTF8) :]
    wide = next((name for mark, name in WIDE.items() if content.startswith(mark)), None)
    if wide is not None:
        text = _decoded(content, wide)
        if text is None:
            raise ValueError(f"{path} begins as {wide.upper()} and does not go on so: it is cut short, or damaged")
        return text.encode(), [f"read as {wide.upper()}"]
    if b"\0" in content[:4096]:
        raise ValueError(f"{path} is no text. Save it as CSV (UTF-8)")
    if _is_utf8(content):
        return content, []
    read = {encoding: text for encoding in ("cp949", "cp1252") if (text := _decoded(content, encoding)) is not None}
    if "cp949" in read and "cp1252" in read and not _is_korean(read["cp949"]):
        del read["cp949"]
    if not read:
        raise ValueError(f"{path} is none of UTF-8, cp949 and cp1252. Save it as CSV (UTF-8)")
    encoding, text = next(iter(read.items()))
    return text.encode(), [f"read as {encoding} (not UTF-8)"]


def _is_utf8(content: bytes) -> bool:
    """Whether it is, looked at in pieces: as one text it could take four times its bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    pieces = range(0, len(content), PIECE)
    try:
        for start in pieces:
            decoder.decode(content[start : start + PIECE], final=start + PIECE >= len(content))
    except UnicodeDecodeError:
        return False
    return True


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_korean(text: str) -> bool:
    """Whether text that cp949 reads was meant so: `Größe °C` comes out as a Chinese letter and a rare syllable."""
    letters, odd = set(NO_ASCII.findall(text)), set("".join(BESIDE_LATIN.findall(text)))
    common = {letter for letter in letters - odd if _in_euc_kr(letter)}
    return 2 * len(common) > len(letters)


def _in_euc_kr(letter: str) -> bool:
    try:
        return bool(letter.encode("euc_kr"))
    except UnicodeEncodeError:
        return False


def _head(text: bytes) -> str:
    """The first lines that are not blank, without one that is cut off; line ends are newlines."""
    end = LEAST
    while text.count(b"\n", 0, end) < FEWEST and end < len(text):
        end *= 2  # lines of very wide tables
    lines = LINES.findall(text[:end].decode("utf-8", errors="ignore"))
    if len(text) > end and len(lines) > 1:
        lines = lines[:-1]
    return "".join([line for line in lines if line.strip()][:LOOKED_AT])


def _cells(path: Path, head: str, delimiter: str) -> list[list[str]]:
    """The cells of some lines, however long these are."""
    text = io.StringIO(head.replace("\r\n", "\n").replace("\r", " "))
    before = csv.field_size_limit(len(head) + 1)  # a line is one cell where the delimiter is another
    try:
        return list(csv.reader(text, delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(f"{path} is no CSV: {error}") from error
    finally:
        csv.field_size_limit(before)


def _delimiter(path: Path, head: str) -> str:
    """The delimiter that gives most lines the same number of cells, more than one."""
    best, score = ",", 0.0
    for delimiter in [mark for mark in DELIMITERS if mark in head]:
        counts = Counter(len(row) for row in _cells(path, head, delimiter))
        cells, lines = max(counts.items(), key=lambda item: (item[1], item[0]))
        if cells > 1 and lines / counts.total() > score:
            best, score = delimiter, lines / counts.total()
    first, *rest = LINES.findall(head)
    if best == "," and "," not in first and "," in "".join(rest) and all(map(_is_number, rest)):
        return ";"  # a name, and numbers with decimal commas below
    return best


def _is_number(cell: str) -> bool:
    return PLAIN.fullmatch(cell.strip()) is not None
