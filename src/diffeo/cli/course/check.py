"""``diffeo course check``: whether this machine is ready for the lab."""

import sys

from diffeo.cli.parse import Flag
from diffeo.course.messages import Language


def check(*, lang: Language = "ko", json: Flag = False) -> None:
    """Say whether this machine is ready for the lab: a line each, with the fix where something is missing.

    For example:
      diffeo course check
      diffeo course check --lang en

    Parameters
    ----------
    lang
        ko or en: what it speaks.
    json
        Print what was found as JSON.
    """
    from diffeo.course.check import examine, in_words

    found = examine(lang)
    if json:
        from diffeo.cli.output import print_json

        print_json([{"what": one.what, "status": one.status, "found": one.found, "fix": one.fix} for one in found])
    else:
        print(in_words(found, lang))
    if any(one.status == "missing" for one in found):
        sys.stdout.flush()
        sys.exit(1)
