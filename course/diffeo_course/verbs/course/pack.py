"""``diffeo course pack``: check an assignment and make one zip of it, with the mail's text."""

from pathlib import Path

from diffeo_course.verbs.language import MaybeLanguage, spoken


def pack(folder: Path = Path(), /, *, id: str, name: str, lang: MaybeLanguage = None, out: Path | None = None) -> None:
    """Check your assignment, show its automatic score, write one zip of less than 10 MB, and print the mail's text.

    For example:
      diffeo course pack --id 20231234 --name 홍길동
      diffeo course pack my-work --id 20231234 --name Gildong --lang en

    Parameters
    ----------
    folder
        Where submission.py and the files that run.py made are; this folder if not given.
    id
        Your student id.
    name
        Your name.
    lang
        ko or en: what it speaks; the locale's language, or English, if not given.
    out
        The zip to write; ID_NAME.zip in that folder if not given.
    """
    from diffeo_course.messages import say
    from diffeo_course.packing import pack as packed

    language = spoken(lang)
    done = packed(folder, id, name, language, out=out)
    print(done.report)
    if done.problems:
        print("\n".join([say("pack-look", language), *(f"  - {problem.text(language)}" for problem in done.problems)]))
    else:
        print(say("pack-fine", language))
    size = f"{done.size / 1_000_000:.1f}"
    print("\n" + say("pack-wrote", language, file=done.path, size=size, number=len(done.files)))
    print(f"\n{say('pack-mail-heading', language)}\n{'-' * 60}\n{done.mail}\n{'-' * 60}")
