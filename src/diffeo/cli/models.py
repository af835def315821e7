"""``diffeo models``: the models that ship, and their cards."""

from diffeo.cli.parse import Flag


def models(name: str | None = None, /, *, json: Flag = False) -> None:
    """List the trained models that ship with diffeo, or show one's card: data, licence, training, figures.

    The list says the size of a row and of the files, whether a class can be asked for (diffeo sample NAME
    --condition 7), and the temperature that samples are drawn at. Each can be given by its name where a run is
    asked for. A folder of the same name comes first.

    For example:
      diffeo models
      diffeo models realnvp-digits
      diffeo sample realnvp-digits

    Parameters
    ----------
    name
        Of a model.
    json
        Print the card, or all of them, as JSON.
    """
    from diffeo.cli.listing import show_list
    from diffeo.cli.output import print_json
    from diffeo.models import card, in_words, names
    from diffeo.models.cards import figure

    if json:
        print_json([card(each) for each in names()] if name is None else card(name))
        return
    if name is not None:
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(in_words(card(name))))
        return
    rows = []
    for each in names():
        one = card(each)
        classes = "no" if one["classes"] is None else f"0 to {one['classes'] - 1}"
        shape = "x".join(map(str, one["data"]["shape"]))
        rows.append(
            (each, shape, f"{one['bytes'] / 1e6:.1f} MB", classes, f"{one['temperature']['value']:g}", figure(one),
             f"{one['about']}; {one['data']['licence']}")
        )  # fmt: skip
    columns = ("name", "rows", "on disk", "class", "drawn at", "test figure", "what it is, and its data's licence")
    show_list(columns, rows, more="diffeo models NAME")
