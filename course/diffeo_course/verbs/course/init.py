"""``diffeo course init``: the kit, in a folder."""

from pathlib import Path

from diffeo_course.verbs.language import MaybeLanguage, spoken
from diffeo_course.verbs.options import Flag, print_json


def init(
    directory: Path,
    /,
    *,
    lang: MaybeLanguage = None,
    instructor: Flag = False,
    wheel: list[Path] | None = None,
    json: Flag = False,
) -> None:
    """Write what the lecture hour and the lab need, offline: slides, notebooks, code, assignment, wheels, data, fonts.

    For example:
      diffeo course init flows --lang en
      diffeo course init teacher --lang ko --instructor

    Parameters
    ----------
    directory
        A new folder, or an empty one. Nothing is overwritten.
    lang
        ko or en: of slides, notebooks and texts; the locale's language, or English, if not given.
    instructor
        Add solutions, the lecturer's guide, and exam questions with answers.
    wheel
        Of diffeo or of diffeo-course, to put into the kit; can be given twice. What is not given is made from this
        installation.
    json
        Print what was written as JSON.
    """
    from diffeo_course.kit import in_words, write_kit

    language = spoken(lang)
    written = write_kit(directory, language=language, instructor=instructor, wheels=wheel or ())
    if json:
        print_json({"directory": str(directory), "files": written})
    else:
        print(in_words(directory, written, language))
