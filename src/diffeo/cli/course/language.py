"""The language in which a command of the course speaks."""

from typing import Literal

Language = Literal["ko", "en"]
