"""``diffeo course check``: whether this machine is ready for the lab."""

import sys

from diffeo_course.verbs.language import MaybeLanguage, spoken
from diffeo_course.verbs.options import Flag, print_json


def check(*, lang: MaybeLanguage = None, json: Flag = False) -> None:
    """Say whether this machine is ready for the lab: a line each, with the fix where something is missing.

    For example:
      diffeo course check
      diffeo course check --lang en

    Parameters
    ----------
    lang
        ko or en: what it speaks; the locale's language, or English, if not given.
    json
        Print what was found as JSON.
    """
    from diffeo_course.check import examine, in_words

    language = spoken(lang)
    found = examine(language)
    if json:
        print_json([{"what": one.what, "status": one.status, "found": one.found, "fix": one.fix} for one in found])
    else:
        print(in_words(found, language))
    if any(one.status == "missing" for one in found):
        sys.stdout.flush()
        sys.exit(1)
