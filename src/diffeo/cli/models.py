"""``diffeo models``: the models that ship, and their cards."""

from diffeo.cli.parse import Flag


def models(name: str | None = None, /, *, json: Flag = False) -> None:
    """List the trained models that ship with diffeo, or show one's card: data, licence, training, figures.

    Each can be given by its name where a run is asked for. A folder of the same name comes first.

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
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.table import Table

    from diffeo.cli.output import print_json
    from diffeo.models import card, in_words, names
    from diffeo.models.cards import figure

    if json:
        print_json([card(each) for each in names()] if name is None else card(name))
        return
    if name is not None:
        Console().print(Markdown(in_words(card(name))))
        return
    table = Table("name", "test figure", "parameters", "what it is, and its data's licence", box=None, pad_edge=False)
    for one in map(card, names()):
        table.add_row(one["name"], figure(one), f"{one['parameters']:,}", f"{one['about']}; {one['data']['licence']}")
    Console().print(table, highlight=False)
