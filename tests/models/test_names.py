"""Names of models and cards that no one would write are refused in one sentence."""

import json
import shutil
from pathlib import Path

import pytest

import diffeo
from diffeo.models import cards, hub, places

NAMES = {
    "too long": "a" * 100_000,
    "too long in a path": "runs/" + "a" * 300 + "/b",
    "of a NUL": "a\0b",
    "of half a letter": "a\ud800b",
    "of a line break": "a\nb",
    "of nothing but dots": "...",
}


@pytest.mark.parametrize("what", NAMES)
def test_a_name_that_no_system_takes_does_not_exist(what: str) -> None:
    for opened in (diffeo.load, diffeo.Flow.from_pretrained, places.find):
        with pytest.raises(FileNotFoundError, match="does not exist") as caught:
            opened(NAMES[what])
        message = str(caught.value)
        assert "\n" not in message
        assert len(message) < 1000
        message.encode()


ADDRESSES = (
    "hf://", "hf://a", "hf://a/b/c", "hf://a/b@" + "r" * 1000, "hf://a/b@../../x", "hf://a/b@-x", "hf://a/b@r\0",
    "hf://" + "a" * 100_000 + "/b", "hf://a/" + "b" * 5000, "hf://a/b\ud800", "hf://../..", "hf://a/b@x y",
    "hf://a b/c",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES, ids=range(len(ADDRESSES)))
def test_an_address_that_the_hub_cannot_have_is_refused_before_it_is_asked(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"expected hf://|is no name of a re") as caught:
        hub.download(address)
    assert len(str(caught.value)) < 1000


DAMAGED = [
    "", "[", "[1]", "null", "{}", '{"data": 1}', '{"name": NaN}', '{"name": 1, "name": 2}', '{"a": ' * 5000,
    '{"parameters": ' + "9" * 5000 + "}",
]  # fmt: skip


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(diffeo.models.folder("realnvp-moons"), tmp_path / "realnvp-moons")
    monkeypatch.setattr(places, "SHIPPED", tmp_path)
    return tmp_path / "realnvp-moons"


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_card_is_named(shipped: Path, text: str) -> None:
    (shipped / "card.json").write_text(text)
    with pytest.raises(ValueError, match=r"card\.json is (damaged|no card of a model): "):
        cards.card("realnvp-moons")
    assert cards.temperature(shipped) is None


def test_a_card_that_lacks_something_is_named_whatever_it_lacks(shipped: Path) -> None:
    whole = json.loads((shipped / "card.json").read_text())
    assert cards.in_words(cards.card("realnvp-moons")).startswith("# realnvp-moons")
    for key in ("parameters", "data", "test", "trained", "verify", "baselines", "temperature"):
        for changed in ({k: v for k, v in whole.items() if k != key}, whole | {key: []}, whole | {key: "x"}):
            (shipped / "card.json").write_text(json.dumps(changed))
            with pytest.raises(ValueError, match=r"card\.json is no card of a model: "):
                cards.in_words(cards.card("realnvp-moons"))
    (shipped / "card.json").write_text(json.dumps(whole))
    (shipped / "config.json").write_text('{"options": [1]}')
    assert cards.card("realnvp-moons")["classes"] is None
