"""The language that the course's commands speak."""

import locale
from pathlib import Path

import pytest
from command import together

from diffeo_course.verbs.language import spoken

VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A system that says nothing of languages, to be told what to say."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(locale, "getlocale", lambda *_: (None, None))
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": ""}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "en"),
        ({"LANG": "kok_IN"}, "en"),  # Konkani
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko"}, "ko"),
        ({"LANG": "ko-KR"}, "ko"),
        ({"LANG": "KO_kr.eucKR"}, "ko"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ko_KR"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_MESSAGES": "en_GB"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "ko"}, "ko"),
        ({"LANGUAGE": "ko_KR:en"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LANGUAGE": "en_US:ko"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "LANGUAGE": "ja:ko:en"}, "ko"),
        ({"LANG": "C", "LANGUAGE": "ko"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LANGUAGE": "C"}, "ko"),
    ],
)
def test_the_locale_chooses_the_language_as_gettext_does(
    variables: dict[str, str], language: str, system: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        system.setenv(name, value)
    assert spoken(None) == language
    assert (spoken("ko"), spoken("en")) == ("ko", "en")


@pytest.mark.parametrize(
    ("name", "language"), [("Korean_Korea", "ko"), ("ko_KR", "ko"), ("English_United States", "en"), ("C", "en")]
)
def test_a_system_without_variables_is_asked(name: str, language: str, system: pytest.MonkeyPatch) -> None:
    system.setattr(locale, "getlocale", lambda *_: (name, "cp949"))
    assert spoken(None) == language


def test_a_locale_that_python_does_not_know_is_english(system: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise ValueError("unknown locale: UTF-8")

    system.setattr(locale, "getlocale", unknown)
    assert spoken(None) == "en"


@pytest.mark.parametrize(("name", "what"), [("ko_KR.UTF-8", "파이썬"), ("C.UTF-8", "Python")])
def test_course_check_speaks_the_locales_language(name: str, what: str, tmp_path: Path) -> None:
    told, english, korean = together(
        ("course", "check"), ("course", "check", "--lang", "en"), ("course", "check", "--lang", "ko"),
        cwd=tmp_path, LC_ALL=name, LANGUAGE="",
    )  # fmt: skip
    assert what in told.out.splitlines()[0]
    assert "Python" in english.out
    assert "파이썬" in korean.out
