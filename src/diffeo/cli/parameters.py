"""Parameters that several verbs have, each with its help."""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Images, MaybeNumber, Number, Threads, Whole


def explained(help_text: str) -> Any:
    """What a parameter is for, to annotate it with."""
    return Parameter(help=help_text)


PartName = Literal["train", "validation", "test"]
Count = Annotated[Whole, Parameter(name=["-n", "--n"])]
Force = Annotated[Flag, explained("Write over a file that is there.")]

# Of verbs that use a run.
Model = Annotated[Path, explained("A run folder, or the name of a model that ships (diffeo models lists them).")]
WhichPart = Annotated[PartName, explained("Which part of a data set.")]
Cores = Annotated[
    Threads,
    explained(
        "Threads to compute with; if not given, nor OMP_NUM_THREADS, one for little work, else as many as are fastest."
    ),
]

# Of edits.
RunFolder = Annotated[Path, explained("The run folder.")]
AnyData = Annotated[str | None, explained("A data set; the run's own, if not given.")]
OfImages = Annotated[str | None, explained("The data set that the images are of; the run's own, if not given.")]
Chosen = Annotated[
    Images,
    explained("Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data."),
]
PartOfNumbers = Annotated[PartName, explained("The part of the data that the numbers count.")]

# Of edits that change the class.
Hold = Annotated[
    list[Literal["slant", "thickness", "brightness", "lighting", "nothing"]] | None,
    Parameter(
        negative="",
        help="A measured attribute that should stay as it was, or nothing. May be repeated; slant and thickness, if "
        "not given.",
    ),
]
Strength = Annotated[
    MaybeNumber, explained("Of runs without: how far to move, where 1 is the difference of the means.")
]
MeanRows = Annotated[
    Whole,
    explained("How many training images the means and the directions of held attributes are found from, at most."),
]

# Of edits that restore images.
Walk = Annotated[
    Whole,
    explained(
        "Of the walk to a sample; the likeliest latent is looked for in half as many. More are better, and slower."
    ),
]
Warmth = Annotated[
    Number,
    explained("Of the samples: 1 for the flow's own density; below 1 its middle counts more, and they vary less."),
]
