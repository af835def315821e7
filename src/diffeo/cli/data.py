"""``diffeo data``: the data sets that have a name, and whether they are on this machine."""

from typing import Annotated

from cyclopts import Parameter


def data(*, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the data sets: what they are, their size and licence, and whether they are on this machine.

    Besides these, folder:PATH is your images and table:PATH your table.

    For example:
      diffeo data

    Parameters
    ----------
    json
        Print JSON, for scripts.
    """
    import json as to_json

    from diffeo.cli.listing import show_list
    from diffeo.data import SOURCES

    if json:
        listed = []
        for name, source in SOURCES.items():
            state, path = source.where()
            rows = dict(zip(("train", "validation", "test"), source.rows, strict=True))
            listed.append(
                {
                    "name": name, "about": source.about, "rows": rows, "shape": list(source.shape),
                    "licence": source.licence, "state": state, "path": None if path is None else str(path),
                    "download": source.size or None,
                }
            )  # fmt: skip
        print(to_json.dumps(listed, indent=2))
        return
    lines = []
    for name, source in SOURCES.items():
        state, _ = source.where()
        words = {"download": f"no, {source.size} to get", "absent": "no"}
        size = f"{sum(source.rows):,} of {'x'.join(map(str, source.shape))}"
        lines.append((name, size, words.get(state, state), f"{source.about}; {source.licence}"))
    lines.append(("folder:PATH", "yours", "", "images, with labels from subfolders"))
    lines.append(("table:PATH", "yours", "", "CSV, Parquet, npy or npz"))
    show_list(("name", "rows", "on this machine", "what it is, and its licence"), lines, more="diffeo data --json")
