"""How people write numbers: which sign is the decimal one, by the evidence of all cells of a column and of its file."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIGNS = (".", ",")  # what can be decimal
ALIKE = {  # signs of other alphabets that mean the same
    r"[\x{2212}\x{2010}-\x{2014}\x{FE63}\x{FF0D}]": "-",
    r"[\x{00A0}\x{2007}\x{2009}\x{202F}\x{3000}]": " ",
    r"[\x{2018}\x{2019}\x{02BC}\x{FF07}\x{00B4}`]|\x{066C}": "'",
    r"\x{FF0B}": "+",
    r"\x{FF0E}|\x{066B}": ".",
    r"\x{FF0C}": ",",
    r"\x{FF05}|\x{066A}": "%",
    r"\x{FF04}": "$",
    r"\x{FFE1}": "£",
    r"\x{FFE5}": "¥",
    r"\x{FFE6}": "₩",
    r"\x{FF08}": "(",
    r"\x{FF09}": ")",
    r"[\x{200E}\x{200F}\x{061C}]": "",  # marks of the direction of writing
}
CURRENCY = (
    r"\p{Sc}|(?i:US|C|A|R|HK|NT|S)\$|(?i:EUR|USD|GBP|CHF|JPY|KRW|CNY|RMB|SEK|NOK|DKK|PLN|CZK|HUF|RUB|INR|BRL|TRY|AUD|CAD|"
    r"NZD|SGD|HKD|TWD|MXN|ZAR|ILS|THB|kr\.?|Fr\.?|Rs\.?|zł|Kč|Ft|euro|won|원|円|元)"
)
UNIT = rf"(?:{CURRENCY}|[%‰])?"
BODY = r"(?i:inf|infinity|nan)|[.,]?[0-9](?:[0-9.,'_ ]*[0-9.,])?"
CELL = (
    rf"^(?P<lead>[-+( ]*)(?P<before>{UNIT})(?P<inner>[-+( ]*)(?P<body>{BODY})(?P<power>(?:[eE][-+]?[0-9]+)?) *"
    rf"(?P<after>{UNIT})(?P<close>[-+) ]*)$"
)
WHOLE_PRICE = r"[.,]-+([^0-9]*)$"  # 5,- and 5.-
BARE = r"^-?[0-9.,]*[0-9]$"
NEGATIVE = ("-", "()")  # as accountants write
SIDES = ("", "+", *NEGATIVE)


@dataclass(frozen=True)
class Written:
    """Cells taken apart: signs and units on one side, digits and what stands between them on the other.

    Attributes:
        digits: pyarrow's ``(cells,)``: what is left of each cell; null where it is no number, however it is read.
        negative: whether it is below zero.
        units: a currency or percent sign, if any.
        fits: whether it is a number if the point, or the comma, is decimal.
        separated: whether it has a point or comma at all.
    """

    digits: Any
    negative: Mask
    units: NDArray[np.object_]
    fits: dict[str, Mask]
    separated: Mask

    def part(self, start: int, stop: int) -> "Written":
        """Some of the cells."""
        some = slice(start, stop)
        return Written(
            self.digits[some],
            self.negative[some],
            self.units[some],
            {sign: fits[some] for sign, fits in self.fits.items()},
            self.separated[some],
        )

    def votes(self, sign: str) -> int:
        """How many cells are numbers only if `sign` is decimal."""
        return int((self.fits[sign] & ~self.fits[_other(sign)]).sum())

    @property
    def open(self) -> Mask:
        """Where a cell is a number either way, and another one: 1.234."""
        return self.fits["."] & self.fits[","] & self.separated

    @property
    def sign(self) -> str | None:
        """The decimal sign, where cells of this column tell."""
        point, comma = self.votes("."), self.votes(",")
        return None if point == comma else "." if point > comma else ","

    @property
    def numeric(self) -> bool:
        """Whether most cells are numbers in some reading."""
        return 2 * int((self.fits["."] | self.fits[","]).sum()) >= max(1, len(self.digits))

    def values(self, sign: str) -> Numbers:
        """``(cells,)``: the numbers, if `sign` is decimal; NaN where a cell is none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        plain = pc.replace_substring_regex(self.digits, rf"[ '_{_other(sign)}]", "")
        plain = pc.replace_substring(plain, sign, ".")
        mask = pa.array(self.fits[sign])
        read = pc.cast(pc.if_else(mask, plain, pa.scalar(None, pa.string())), pa.float64())
        numbers: Numbers = read.to_numpy(zero_copy_only=False).astype(np.float64)
        return np.where(self.negative, -numbers, numbers)


@dataclass(frozen=True)
class Reading:
    """What a file, or its user, says about numbers.

    Attributes:
        given: the decimal sign that the user gave, for what can be read both ways.
        file: the one that other columns have.
        commas: whether commas separate the cells, so that numbers are likely to have points.
    """

    given: str | None = None
    file: str | None = None
    commas: bool = True

    def sign(self, written: Written) -> tuple[str, str, bool]:
        """The decimal sign of a column; why, if that is worth a remark; and whether it is a guess.

        Cells that are numbers in one reading only decide; then what the user gave; then the other columns of the file.
        """
        opened = written.open
        own = written.sign
        if self.given and written.votes(_other(self.given)) <= max(written.votes(self.given), int(opened.sum())):
            return self.given, "", False
        if own is not None:
            against = self.file not in (None, own) and self.given is None
            return own, "", against and written.votes(own) <= int(opened.sum())
        if not opened.any():
            return self.file or ".", "", False
        used, hint = self._hint(written, opened)
        if self.file is not None:
            doubtful = hint == "long" and self.file != used
            why = f"as other columns have decimal {_named(self.file)}"
            return self.file, why if self.file != used or hint == "short" else "", doubtful
        if hint == "long":
            return used, "as others have no sign between thousands", False
        if self.commas:
            why = f"as the file does not tell; --decimal {_other('.')} reads them the other way"
            return ".", why, hint == "short" and used != ","
        return (_other(used) if hint == "short" else used), "", True

    @staticmethod
    def _hint(written: Written, opened: Mask) -> tuple[str, str]:
        """The sign in cells that can be read both ways, and what numbers without one beside them are like.

        ``"short"``: all below 1,000, as if the sign stood between thousands; ``"long"``: above, as if it did not.
        """
        import pyarrow.compute as pc

        plain = written.fits["."] & written.fits[","] & ~written.separated
        cells = written.digits.filter(plain)
        long = pc.any(pc.match_substring_regex(cells, r"^[0-9]{4,}$|[ '_]")).as_py()
        short = pc.any(pc.match_substring_regex(cells, r"^[1-9][0-9]{0,2}$")).as_py()
        commas = pc.any(pc.match_substring(written.digits.filter(opened), ",")).as_py()
        return ("," if commas else "."), ("long" if long else "short" if short else "")


def take_apart(cells: Any) -> Written:
    """Look at cells, which are pyarrow's strings, one of each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bare = _mask(pc.match_substring_regex(cells, BARE))  # most are, and the pattern of all that may be takes long
    digits, sides, unit = _parts(cells.filter(pa.array(~bare)))
    negative, allowed, units = (np.empty(len(cells), kind) for kind in (bool, bool, object))
    negative[bare], allowed[bare], units[bare] = _mask(pc.starts_with(cells, "-"))[bare], True, ""
    negative[~bare], allowed[~bare], units[~bare] = np.isin(sides, NEGATIVE), np.isin(sides, SIDES), unit
    digits = pc.replace_with_mask(pc.utf8_ltrim(cells, "-"), pa.array(~bare), digits)
    fits = {sign: allowed & _mask(pc.match_substring_regex(digits, _number(sign))) for sign in SIGNS}
    return Written(digits, negative, units, fits, _mask(pc.match_substring_regex(digits, "[.,]")))


def _parts(cells: Any) -> tuple[Any, NDArray[np.str_], NDArray[np.object_]]:
    """The digits of cells, null where there are none; signs and brackets around them; and units."""
    import pyarrow.compute as pc

    plain = pc.replace_substring_regex(_ascii(pc.utf8_trim_whitespace(cells)), WHOLE_PRICE, r"\1")
    lead, before, inner, body, power, after, close = pc.extract_regex(plain, CELL).flatten()
    sides = pc.replace_substring(pc.binary_join_element_wise(lead, inner, close, ""), " ", "")
    units = pc.utf8_rtrim(pc.utf8_lower(pc.binary_join_element_wise(before, after, "")), ".")
    return (
        pc.binary_join_element_wise(body, power, ""),
        sides.to_numpy(zero_copy_only=False).astype(str),
        np.asarray(units.to_numpy(zero_copy_only=False), object),
    )


def same_units(written: Written) -> tuple[Mask, str]:
    """Which cells have the unit of the column, and it: one currency, which may be left out; or percent everywhere."""
    fits = written.fits["."] | written.fits[","]
    counts = Counter(written.units[fits].tolist())
    if not counts:
        return fits, ""
    common = counts.most_common(1)[0][0]
    currencies = [unit for unit in counts if unit and unit not in "%‰"]
    if not common and len(currencies) == 1:
        common = currencies[0]
    bare = common == "" or common not in "%‰"
    return fits & ((written.units == common) | (bare & (written.units == ""))), common


def sign_of_most(point: int, comma: int) -> str | None:
    """The decimal sign of a file by how many of its columns have which, if they agree but for a few."""
    if point == comma or 3 * min(point, comma) > max(point, comma):
        return None
    return "." if point > comma else ","


def may_be_thousands(values: Numbers) -> bool:
    """Whether numbers that were read with decimal points could all have points between thousands."""
    size = np.abs(values[np.isfinite(values)])
    broken = size[size != np.rint(size)]
    thousandths = broken * 1000
    decimal = (broken < 1) | (broken >= 1000) | (np.abs(thousandths - np.rint(thousandths)) > 1e-6)
    return not decimal.any()


def remark(name: str, written: Written, sign: str, why: str, unit: str) -> str:
    """How the cells of a column became numbers; nothing where that is plain."""
    import pyarrow.compute as pc

    digits = written.digits.filter(written.fits[sign])
    remarks = []
    if sign == "," and pc.any(pc.match_substring(digits, ",")).as_py():
        remarks.append(f"the commas in {name} were read as decimal commas")
    elif why and sign == "." and pc.any(pc.match_substring(digits, ".")).as_py():
        remarks.append(f"the points in {name} were read as decimal points")
    between = {_other(sign): _named(_other(sign)), "'": "apostrophes", " ": "spaces", "_": "underscores"}
    for mark, word in between.items():
        if pc.any(pc.match_substring(digits, mark)).as_py():
            remarks.append(f"the {word} in {name} were read as thousands separators")
    if remarks and why:
        remarks[-1] += f", {why}"
    if unit and unit in "%‰":
        remarks.append(f"the signs {unit} in {name} were left out: 52{unit} is 52")
    elif unit:
        remarks.append(f"the signs {unit} in {name} were left out")
    return "; ".join(remarks)


def _number(sign: str) -> str:
    """A pattern of numbers with this decimal sign."""
    groups = "|".join(  # 1,234,567, and 12,34,567 as in India
        rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|[1-9][0-9]?(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}"
        for mark in (rf"[{_other(sign)}]", "'", " ", "_")
    )
    power = "(?:[eE][-+]?[0-9]+)?"
    fraction = rf"(?:[{sign}][0-9]*)?"
    return rf"^(?:[0-9]+{fraction}{power}|[{sign}][0-9]+{power}|(?:{groups}){fraction}|(?i:inf|infinity|nan))$"


def _ascii(cells: Any) -> Any:
    """Cells with the signs and digits of ASCII for those of other alphabets that mean the same."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.all(pc.string_is_ascii(cells)).as_py() is not False:
        return cells
    for pattern, letter in ALIKE.items():
        cells = pc.replace_substring_regex(cells, pattern, letter)
    return pa.array(
        [cell if cell is None or cell.isascii() else _digits(cell) for cell in cells.to_pylist()], pa.string()
    )


def _digits(cell: str) -> str:
    import unicodedata

    return "".join(letter if letter.isascii() else str(unicodedata.decimal(letter, letter)) for letter in cell)


def _mask(found: Any) -> Mask:
    mask: Mask = np.asarray(found.fill_null(False).to_numpy(zero_copy_only=False), bool)
    return mask


def _other(sign: str) -> str:
    return "," if sign == "." else "."


def _named(sign: str) -> str:
    return "points" if sign == "." else "commas"
