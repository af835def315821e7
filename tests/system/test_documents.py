"""JSON of others is read, or refused in one sentence that names the file."""

import os
from pathlib import Path
from typing import Any

import pytest

from diffeo.system.documents import DEEPEST, json_object, read_bytes, read_json
from reliability.limited import limited

DAMAGED: dict[str, tuple[Any, str]] = {
    "empty": ("", "expecting value in line 1, column 1"),
    "cut": ('{"a": [1,', "not valid JSON"),
    "two values": ("{} {}", "extra data"),
    "a list": ("[1]", "expected a JSON object, {..}, got a list"),
    "a number": ("7", "got a number"),
    "null": ("null", "got null"),
    "not UTF-8": (b'{"a": "\xff"}', "byte 7 is not UTF-8 text"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "byte 0 is not UTF-8 text"),
    "twice the same key": ('{"a": 1, "b": {"c": 1, "c": 1}}', "the key 'c' is there twice"),
    "NaN": ('{"a": NaN}', "NaN is no JSON number"),
    "infinity": ('{"a": [-Infinity]}', "-Infinity is no JSON number"),
    "a float beyond floats": ('{"a": -1e400}', "the number -1e400 is too large"),
    "an integer of 5,000 digits": ('{"a": ' + "9" * 5000 + "}", "a number has 5,000 digits"),
    "deep lists": ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "100,001 deep"),
    "deep objects": ('{"a": ' * 2000 + "1" + "}" * 2000, "2,000 deep"),
    "deep and never closed": ("[" * 100_000, "100,000 deep"),
    "half of a letter": (r'{"a": ["\ud800"]}', r"the escape \ud800 is half of a letter"),
    "a key of a million letters": ('{"' + "k" * 10**6 + '": 1, "' + "k" * 10**6 + '": 2}', "(1,000,000 letters)"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged_json_is_refused_in_one_sentence_that_names_the_file(tmp_path: Path, what: str) -> None:
    content, said = DAMAGED[what]
    path = tmp_path / "run.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match="is damaged: ") as caught:
        read_json(path)
    message = str(caught.value)
    assert message.startswith(f"{path} is damaged: ")
    assert said in message
    assert "\n" not in message
    assert len(message) < 300 + len(str(path))


def test_what_json_allows_is_read() -> None:
    deep: Any = 1
    for _ in range(DEEPEST - 1):
        deep = [deep]
    text = (
        r'{"brackets": "[[[{\"[[[", "letter": "\ud83d\ude00", "whole": 123456789012345678901234567890, "tiny": 1e-400'
    )
    found = json_object("\ufeff" + text + ', "deep": ' + "[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1) + "}", "it")
    assert found == {
        "brackets": '[[[{"[[[', "letter": "😀", "whole": 123456789012345678901234567890, "tiny": 0.0, "deep": deep
    }  # fmt: skip


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b'{"a": 1}')
    assert read_json(path, largest=8) == {"a": 1}
    with pytest.raises(ValueError, match=r"large\.json has 8 bytes, and at most 7 are read"):
        read_json(path, largest=7)
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole
    with pytest.raises(ValueError, match="has 1,099,511,627,776 bytes"):
        read_json(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    ended = limited(read_json, tmp_path / "pipe.json")
    assert (ended.how, ended.own) == ("raised", True)
    assert "pipe.json is a named pipe, no file" in ended.message
    with pytest.raises(ValueError, match="/dev/zero is a device, no file"):
        read_bytes("/dev/zero", largest=10)


def _million_quotes() -> None:
    json_object('{"a": "' + '\\"' * 2_000_000, "it")


def _million_brackets() -> None:
    json_object("[" * 5_000_000, "it")


def _short_values() -> int:
    return len(json_object('{"a": [' + "{}," * 2_500_000 + "0]}", "it")["a"])


@pytest.mark.parametrize("read", [_million_quotes, _million_brackets, _short_values])
def test_the_largest_texts_take_seconds(read: Any) -> None:
    assert limited(read).how in ("raised", "returned")
