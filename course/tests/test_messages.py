"""The catalogue of what the course's commands say."""

import re
from string import Formatter

from diffeo_course.messages import LANGUAGES, catalogue

PARTICLE = re.compile(r"\}['`\"”’]?(은|는|이|가|을|를|와|과|으로|로)(?=[\s.,)]|$)")


def faults(texts: dict[str, str]) -> list[str]:
    """What is wrong with a message."""
    if set(texts) != set(LANGUAGES):
        return [f"languages {sorted(texts)}"]
    names = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in texts.values()]
    found = {
        "empty": not all(text.strip() for text in texts.values()),
        "other names in the other language": names[0] != names[1],
        "a particle after an inserted name": PARTICLE.search(texts["ko"]),
        "당신": "당신" in texts["ko"],
        "Korean in the English text": re.search("[가-힣]", texts["en"]),
    }
    return [what for what, there in found.items() if there]


def test_every_message_is_in_both_languages_with_the_same_names() -> None:
    found = {key: faults(texts) for key, texts in catalogue().items() if key != "language"}
    assert len(found) > 200
    assert not {key: wrong for key, wrong in found.items() if wrong}


def test_a_faulty_message_would_be_noticed() -> None:
    assert faults({"ko": "글"}) == ["languages ['ko']"]
    wrong = faults({"ko": "당신의 `{name}`은", "en": "{other} 글"})
    assert wrong == [
        "other names in the other language", "a particle after an inserted name", "당신", "Korean in the English text",
    ]  # fmt: skip
