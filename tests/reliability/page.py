"""The tables of docs/reliability.md, each between its marks, as a command made it."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def put(name: str, table: str, page: Path = PAGE) -> None:
    """Write a table between ``<!-- NAME -->`` and ``<!-- end of NAME -->``, in place of the one that was there."""
    text = page.read_text(encoding="utf-8")
    between = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)", re.DOTALL)
    if not between.search(text):
        raise ValueError(f"{page} has no marks of {name}")
    page.write_text(between.sub(lambda _: f"\n{table.strip()}\n\n", text), encoding="utf-8")


def not_stated(row: str, texts: list[str]) -> list[str]:
    """Which of the texts are not in a row of the table of limits."""
    section = PAGE.read_text(encoding="utf-8").partition("## Limits\n")[2].partition("\n## ")[0]
    (line,) = (line for line in section.splitlines() if line.startswith(f"| {row}"))
    return [text for text in texts if text not in line]
