"""Verbs that other packages add: each entry point of the group ``diffeo.verbs`` is one.

The name of an entry point is the verb. It leads to a function, whose parameters are read as those of diffeo's own
verbs, or to an ``App`` of cyclopts; neither should import torch before it runs.
"""

from importlib.metadata import EntryPoint, entry_points

from cyclopts import App, Group

from diffeo.system.warning import warn

GROUP = "diffeo.verbs"


def add_verbs(app: App, group: Group) -> None:
    """Add the verbs of other packages to those of an app, in a group of its help.

    One that cannot be had, or whose name is taken, is left out with a warning that names its package.
    """
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        package = entry.dist.name if entry.dist is not None else entry.value
        try:
            _add(app, entry, group)
        except (Exception, SystemExit) as error:  # whatever another package does when it is imported
            why = " ".join(str(error).split()) or type(error).__name__
            warn(f"{package} adds no verb {entry.name}: {why}")


def _add(app: App, entry: EntryPoint, group: Group) -> None:
    if entry.name in app:
        raise ValueError("there is a verb of this name already")
    verb = entry.load()
    if isinstance(verb, App):
        verb.group = group
        app.command(verb, name=entry.name)
    elif callable(verb):
        app.command(verb, name=entry.name, group=group)
    else:
        raise TypeError(f"{entry.value} is neither a function nor an App of cyclopts")
