"""What an edit works on: a run's flow, and a part of its data."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from diffeo.data import Dataset, Part
    from diffeo.flow import Flow
    from diffeo.runs import Run


@dataclass(frozen=True)
class EditedRun:
    """A flow and the images to edit.

    Attributes:
        folder: the run folder.
        flow: its flow.
        opened: what the folder says of the run.
        data_name: of another data set than the run's own.
        part_name: of the three.
    """

    folder: Path
    flow: "Flow"
    opened: "Run"
    data_name: str | None
    part_name: str

    @cached_property
    def data(self) -> "Dataset":
        """The data set, loaded when it is first asked for: pictures of one's own need none.

        Raises:
            ValueError: if its images are of another shape than the flow's.
        """
        dataset = self.opened.load_data(self.data_name)
        if dataset.shape != self.flow.shape:
            raise ValueError(
                f"{self.folder} is of images of shape {self.flow.shape}, {dataset.name} has {dataset.shape}"
            )
        if self.takes_classes and self.data_name not in (None, self.opened.data_name):
            tell(
                f"note: {self.folder} was trained on {self.opened.data_name}, and takes the classes of {dataset.name} "
                f"for those of the same numbers"
            )
        return dataset

    @property
    def part(self) -> "Part":
        """The part that numbers of images count."""
        part: Part = getattr(self.data, self.part_name)
        return part

    @property
    def takes_classes(self) -> bool:
        """Whether the flow is conditioned on classes."""
        return hasattr(self.flow.embedding, "classes")

    def check_classes(self, *classes: int) -> int:
        """How many classes there are: those that the flow takes, or else those of the data.

        Raises:
            ValueError: if there are none, or none of these numbers.
        """
        count, whose = getattr(self.flow.embedding, "classes", None), f"{self.folder}"
        if count is None:
            count, whose = self.data.classes, self.data.name
        if count is None:
            raise ValueError(f"{whose} has no classes, and this edit needs them")
        for number in classes:
            if not 0 <= number < count:
                raise ValueError(f"{whose} has classes 0 to {count - 1}, got {number}")
        return int(count)

    def check_labels(self, *labels: int) -> str:
        """What the labels of the data name: classes, or groups of rows such as the images of a person.

        Raises:
            ValueError: if there are no labels, or none of these numbers.
        """
        if self.data.classes is not None or self.part.labels is None:
            self.check_classes(*labels)
            return "class"
        found = self.part.labels.unique().tolist()
        for number in labels:
            if number not in found:
                raise ValueError(
                    f"the {self.part_name} part of {self.data.name} has no images labelled {number}. Labels: "
                    f"{', '.join(map(str, found))}"
                )
        return "group"

    def check_examples(self, labels: "Tensor", least: int, where: str) -> None:
        """Refuse labels among which a class has fewer than `least` images.

        Raises:
            ValueError: naming the class.
        """
        counts = labels.bincount(minlength=self.check_classes())
        for number, count in enumerate(counts.tolist()):
            if count < least:
                raise ValueError(
                    f"class {number} of {self.data.name} has {count} images among {where}: {least} are needed"
                )

    def count_levels(self) -> int:
        """How many levels the latent has.

        Raises:
            ValueError: if it is one, of which there is nothing to keep apart.
        """
        count = len(self.flow.level_shapes)
        if count < 2:
            raise ValueError(
                f"the flow of {self.folder} has one level, and this edit is of several. Train one with --model.levels 2"
            )
        return count

    def condition(self, images: "Part") -> "Tensor | None":
        """What the flow is conditioned on for these images: their labels or other condition, or nothing."""
        from diffeo.evaluation import condition_for

        return condition_for(self.flow, images)


def some_rows(part: "Part", rows: "Tensor | slice") -> "Part":
    """Rows of a part with their labels and condition."""
    from diffeo.data import Part

    labels, condition = (None if given is None else given[rows] for given in (part.labels, part.condition))
    return Part(part.x[rows], labels, condition=condition)


def open_run(run: Path, data: str | None, part: str) -> EditedRun:
    """Open a run for an edit.

    Raises:
        ValueError: if the flow is not of images.
    """
    from diffeo.editing.latent import check_images
    from diffeo.runs import read_run

    opened = read_run(run)
    flow = opened.load_flow()
    check_images(flow)
    return EditedRun(run, flow, opened, data, part)


def tell(text: str) -> None:
    """A line for the person, beside what scripts read."""
    print(text, file=sys.stderr)
