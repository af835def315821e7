"""What is wrong or odd about a submission, as data: said in Korean or English when it is shown."""

from dataclasses import dataclass, field

LONGEST = 300  # letters of what a hand-in says, such as a file's name


@dataclass(frozen=True)
class Problem:
    """A message of the catalogue, and the values that it takes."""

    key: str
    values: dict[str, object] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The message in a language."""
        from diffeo_course.messages import say

        return say(self.key, language, **{name: _short(value) for name, value in self.values.items()})


def _short(value: object) -> object:
    return f"{value[:LONGEST]} .." if isinstance(value, str) and len(value) > LONGEST else value
