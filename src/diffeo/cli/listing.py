"""Lists of things with a name, on a terminal of any width."""

from collections.abc import Sequence

GAP, PROSE = 2, 24  # columns between columns; the least that words can be wrapped to


def show_list(columns: Sequence[str], rows: Sequence[Sequence[str]], *, more: str) -> None:
    """Print a row a line: the first columns, as many as fit; the last one, in words, is wrapped where there is room.

    Args:
        columns: their names, the most important first.
        rows: as many texts each.
        more: the command that shows what did not fit.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console()
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    widths[-1] = min(widths[-1], PROSE)
    shown = [k for k in range(len(columns)) if sum(widths[: k + 1]) + GAP * k <= console.width] or [0]
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for k in shown:
        table.add_column(columns[k], no_wrap=k < len(columns) - 1, overflow="fold")
    for row in rows:
        table.add_row(*(row[k] for k in shown))
    console.print(table, highlight=False, markup=False)
    if len(shown) < len(columns):
        console.print(f"{', '.join(columns[len(shown) :])}: {more}", highlight=False, markup=False)
