"""The catalogue of what the course's commands say."""

import re
from string import Formatter

import pytest

from diffeo.course.messages import LANGUAGES, catalogue

PARTICLE = re.compile(r"\}['`\"”’]?(은|는|이|가|을|를|와|과|으로|로)(?=[\s.,)]|$)")


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_every_message_is_in_both_languages_with_the_same_names(key: str) -> None:
    texts = catalogue()[key]
    assert set(texts) == set(LANGUAGES)
    assert all(isinstance(text, str) and text.strip() for text in texts.values())
    names = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in texts.values()]
    assert names[0] == names[1]
    assert not PARTICLE.search(texts["ko"]), "a particle after an inserted name"
    assert "당신" not in texts["ko"]
    assert not re.search("[가-힣]", texts["en"]) or key == "language"
