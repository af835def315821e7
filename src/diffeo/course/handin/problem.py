"""What is wrong or odd about a submission, as data: said in Korean or English when it is shown."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Problem:
    """A message of the catalogue, and the values that it takes."""

    key: str
    values: dict[str, object] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The message in a language."""
        from diffeo.course.messages import say

        return say(self.key, language, **self.values)
