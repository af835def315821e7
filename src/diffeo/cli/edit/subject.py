"""What an edit works on: a run's flow, a part of its data, and the file that the picture goes to."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from diffeo.data import Dataset, Part
    from diffeo.flow import Flow
    from diffeo.runs import Run


@dataclass(frozen=True)
class Subject:
    """A flow and the images to edit.

    Attributes:
        run: the run folder.
        flow: its flow.
        opened: what the folder says of the run.
        data_name: of another data set than the run's own.
        part_name: of the three.
    """

    run: Path
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
            raise ValueError(f"{self.run} is of images of shape {self.flow.shape}, {dataset.name} has {dataset.shape}")
        if self.takes_classes and self.data_name not in (None, self.opened.data_name):
            tell(
                f"note: {self.run} was trained on {self.opened.data_name}, and takes the classes of {dataset.name} for "
                f"those of the same numbers"
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

    def choose(self, images: "Sequence[int | str]", *, labels: Sequence[int] | None = None) -> "Part":
        """The images of these numbers, or in these files, in this order.

        What is on a picture of one's own is for the flow to say, if it takes classes: the class under which it is
        likeliest. `labels` are what the user says.

        Raises:
            ValueError: if there is no such image, or labels of another count.
            FileNotFoundError: if there is no such file.
        """
        files = [image for image in images if isinstance(image, str)]
        if not files:
            try:
                return self._rows([image for image in images if isinstance(image, int)])
            except FileNotFoundError as error:
                raise FileNotFoundError(f"{error}\nPictures of your own need no data: --images mine.png") from error
        from diffeo.cli.edit.own import own_images

        if len(files) < len(images):
            raise ValueError("give numbers of images, or files, not both")
        return own_images(self, files, labels)

    def _rows(self, numbers: Sequence[int]) -> "Part":
        import torch

        for number in numbers:
            if not 0 <= number < len(self.part):
                raise ValueError(
                    f"there is no image {number}: the {self.part_name} part of {self.data.name} has images 0 to "
                    f"{len(self.part) - 1}"
                )
        return some_rows(self.part, torch.tensor(list(numbers)))

    def check_classes(self, *classes: int) -> int:
        """How many classes there are: those that the flow takes, or else those of the data.

        Raises:
            ValueError: if there are none, or none of these numbers.
        """
        count, whose = getattr(self.flow.embedding, "classes", None), f"{self.run}"
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
                f"the flow of {self.run} has one level, and this edit is of several. Train one with --model.levels 2"
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


def restyler(
    subject: Subject,
    held: Sequence[str],
    *,
    temperature: float | None,
    strength: float | None,
    rows: int,
    from_samples: bool = False,
) -> "Callable[[Part, Tensor], Tensor]":
    """How this run's images are brought to other classes: from images with labels and the classes wanted to images.

    The directions of what is held are found from training images, or `from_samples` of the flow, which need no data.

    Raises:
        ValueError: if no edit can change the class of such a run's images, or an option does not belong to it.
    """
    from diffeo import editing
    from diffeo.bases import check_temperature
    from diffeo.editing.style import check_class_edit, check_strength

    flow, with_classes = subject.flow, subject.takes_classes
    check_class_edit(flow)
    if with_classes and strength is not None:
        raise ValueError(f"--strength is for runs without classes, and {subject.run} has them: use --temperature")
    if not with_classes and temperature is not None:
        raise ValueError(f"--temperature is for runs trained with --conditional, unlike {subject.run}: use --strength")
    if temperature is not None:
        check_temperature(temperature)
    if strength is not None:
        check_strength(strength)
    if rows < 10:
        raise ValueError(f"--rows must be at least 10, got {rows}")
    train = _drawn(flow, rows) if with_classes and from_samples else subject.data.train
    if not with_classes:
        subject.check_examples(_labels(train)[:rows], 1, f"the first {rows} training rows")
    options: dict[str, Any] = {"hold": editing.attribute_directions(flow, train, held, rows=rows) if held else []}
    if with_classes:
        options |= {} if temperature is None else {"temperature": temperature}
        return lambda images, targets: editing.change_class(flow, images.x, _labels(images), targets, **options)
    some = some_rows(train, slice(rows))
    means = editing.class_means(editing.encode_images(flow, some.x), _labels(some), subject.check_classes())
    options |= {"means": means} | ({} if strength is None else {"strength": strength})
    return lambda images, targets: editing.move_to_class(flow, images.x, _labels(images), targets, **options)


def _drawn(flow: "Flow", rows: int) -> "Part":
    """Samples of a flow with classes, in place of training images."""
    import torch

    from diffeo.data import Part
    from diffeo.runs import sample_labels

    labels = sample_labels(flow, rows)
    return Part(flow.sample(rows, labels, generator=torch.Generator().manual_seed(0)), labels)


def held_attributes(hold: Sequence[str] | None) -> list[str]:
    """What ``--hold`` names: slant and thickness if it was not given, nothing for ``nothing``.

    Raises:
        ValueError: if ``nothing`` stands beside another.
    """
    if hold is None:
        return ["slant", "thickness"]
    if "nothing" in hold and len(hold) > 1:
        raise ValueError("--hold nothing cannot stand beside another --hold")
    return [name for name in hold if name != "nothing"]


def _labels(images: "Part") -> "Tensor":
    if images.labels is None:
        raise ValueError("the images have no labels, and a change of class needs them")
    return images.labels


def open_subject(run: Path, data: str | None, part: str, out: Path | None) -> Subject:
    """Open a run for an edit; what would make it fail is found before anything is computed.

    Raises:
        ValueError: if the flow is not of images, or `out` is no picture.
    """
    from diffeo.editing.latent import check_images
    from diffeo.evaluation import check_picture
    from diffeo.runs import read_run

    if out is not None:
        check_picture(out)
    opened = read_run(run)
    flow = opened.load_flow()
    check_images(flow)
    return Subject(run, flow, opened, data, part)


def tell(text: str) -> None:
    """A line for the person, beside what scripts read."""
    print(text, file=sys.stderr)


def write_strip(subject: Subject, images: "Tensor", out: Path, *, json: bool, **what: Any) -> None:
    """Write rows of images ``(B, S, C, H, W)`` as a picture or an animation, and say so."""
    from diffeo.cli.output import counted, print_json
    from diffeo.evaluation import strip_picture
    from diffeo.io import write_atomically

    shown, values = drawable(images, None if subject.flow.door is None else subject.flow.door.values)
    write_atomically(out, strip_picture(shown, values, out.suffix.lower()))
    if json:
        print_json({"file": str(out), "run": str(subject.run), **what, "images": list(images.shape[:2])})
    else:
        print(f"wrote {out}: {counted(images.shape[0], 'row')} of {counted(images.shape[1], 'image')}")


def drawable(images: "Tensor", values: int | None) -> tuple["Tensor", int]:
    """Images as integers that a picture can show, and how many values they have; continuous ones from least to most."""
    if values is not None:
        return images, values
    low, high = float(images.min()), float(images.max())
    return ((images - low) * (255 / max(high - low, 1e-12))).round(), 256
