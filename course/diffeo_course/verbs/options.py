"""An option that is there or not, and JSON for scripts: as diffeo's own verbs have them."""

import json
import sys
from typing import Annotated, Any

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(show_default=False, negative="")]


def print_json(value: Any) -> None:
    """One JSON document on stdout, in ASCII where it cannot carry every letter."""
    every_letter = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(value, indent=2, ensure_ascii=not every_letter))
