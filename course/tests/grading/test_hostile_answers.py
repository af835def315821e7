"""What a program leaves for the checker to read: no answer of ours, whatever it is, is ever more than that."""

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from diffeo_course.grading import analysis, code, grade
from diffeo_course.handin.reading import read
from diffeo_course.sandbox import messages
from diffeo_course.sandbox.calling import Answer
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.messages import Call, Forged, read_answer, read_errors
from diffeo_course.sandbox.process import Outcome, run
from grading.graded import honest
from grading.wrong_claims import ID
from reliability.limited import limited

pytestmark = pytest.mark.whole

SAID = {"values": 1, "kinds": ["Tensor"], "changed": False, "fault": "", "detail": "", "line": 0}


def _put(folder: Path, **said: object) -> None:
    answer = {"answer": json.dumps(SAID | said)}
    (folder / "0.answer").write_bytes(save({"0": torch.ones(2), "_": torch.zeros(0)}, answer))


def _header(text: bytes, rest: bytes = b"") -> bytes:
    return len(text).to_bytes(8, "little") + text + rest


@pytest.mark.parametrize(
    "content",
    [
        b'[[1e999, "x"]]',
        b"[" * 200_000,
        b'[[NaN, "x"]]',
        b'[[-1, "x"]]',
        b"[[" + b"9" * 5000 + b', "x"]]',
        b'[[1, "x", 2]]',
        b'{"1": "x"}',
        b"[1]",
        b"null",
        b"\xff",
        b"",
        b'[[1, "x"]]' + b" " * (1 << 20),
        json.dumps([[1, "x"]] * 1001).encode(),
    ],
    ids=lambda content: content[:12].decode("latin-1"),
)
def test_what_was_not_loaded_by_us_is_forged(content: bytes, tmp_path: Path) -> None:
    (tmp_path / messages.LOADED).write_bytes(content)
    with pytest.raises(Forged):
        read_errors(tmp_path)


def test_errors_of_loading_are_lines_and_short_texts(tmp_path: Path) -> None:
    assert read_errors(tmp_path) is None
    messages.write_errors(tmp_path, [(3, "\x1b[2J\ud800 a\nb" + "x" * 9999)])
    ((line, text),) = read_errors(tmp_path) or []
    assert (line, len(text)) == (3, 300)
    assert text.startswith("[2J a b")


@pytest.mark.parametrize(
    "said",
    [
        {"fault": "xyz"},
        {"fault": "died"},
        {"fault": ["raised"]},
        {"values": 1e999},
        {"values": 2},
        {"kinds": []},
        {"kinds": 3},
        {"line": -1},
        {"line": 1e999},
        {"line": 10**300},
        {"detail": [[[[[[] for _ in range(3)]]]]] * 2, "line": None},
    ],
    ids=str,
)
def test_an_answer_that_says_what_we_do_not_is_forged(said: dict[str, object], tmp_path: Path) -> None:
    _put(tmp_path, **said)
    with pytest.raises(Forged):
        read_answer(tmp_path, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"all right",
        _header(b"[" * 200_000),
        _header(b'{"__metadata__": {"answer": "' + b"[" * 200_000 + b'"}}'),
        (1 << 62).to_bytes(8, "little") + b"{}",
        _header(b'{"0": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}}', b"\0" * 8),
        _header(b'{"0": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}', b"\0"),
        _header(b'{"0": {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}}', b"\0" * 4),
        _header(b'{"0": {"dtype": "F32", "shape": [1e999], "data_offsets": [0, 4]}}', b"\0" * 4),
    ],
    ids=range(9),
)
def test_what_is_no_answer_is_forged(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "0.answer").write_bytes(content)
    with pytest.raises(Forged):
        read_answer(tmp_path, 0)


def _million_empty_tensors(folder: Path) -> None:
    entry = b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    (folder / "0.answer").write_bytes(_header(b"{" + b",".join(entry % number for number in range(1_000_000)) + b"}"))


def test_a_million_empty_tensors_are_not_looked_through(tmp_path: Path) -> None:
    _million_empty_tensors(tmp_path)
    ended = limited(read_answer, tmp_path, 0, memory=400 << 20)
    assert (ended.how, ended.error) == ("raised", "Forged"), ended


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are made otherwise on Windows")
def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("[]")
    os.symlink(tmp_path / "theirs", tmp_path / messages.LOADED)
    os.mkfifo(tmp_path / "0.answer")
    os.symlink("/dev/zero", tmp_path / "1.answer")
    os.symlink("/nowhere", tmp_path / "2.answer")
    with pytest.raises(Forged):
        read_errors(tmp_path)
    for number in range(3):
        with pytest.raises(Forged):
            read_answer(tmp_path, number)


def test_answers_that_are_too_large_together_are_not_read(tmp_path: Path) -> None:
    messages.write_answer(tmp_path, 0, Answer([torch.zeros(1 << 20)], ["Tensor"]))
    fault = read_answer(tmp_path, 0, room=1 << 20)
    assert fault is not None
    assert (fault.fault, fault.detail) == ("returned", "4 MB")


@pytest.mark.skipif(sys.platform == "win32", reason="an open file is not replaced on Windows")
def test_a_program_that_writes_for_the_checker_loses_what_it_writes_for() -> None:
    program = """
import os, pathlib
def honest():
    return 7.0
def forges():
    pathlib.Path("../1.answer").write_text("[" * 200_000)
    pathlib.Path("../0.answer").write_text("[" * 200_000)
    os._exit(0)
"""
    limits = Limits(call=2, load=5, memory=1 << 30)
    honest_one, forged = run(program, [Call("honest", ()), Call("forges", ())], limits=limits).answers
    assert (honest_one.fault, forged.fault) == ("", "forged")
    lines = ('open("../loaded.json", "w").write("[[1e999, 2]]")', "while True:", "    pass")
    loading = "class Never:\n" + "".join(f"    {line}\n" for line in lines) + program
    assert run(loading, [Call("honest", ())], limits=limits).answers[0].fault == "forged"


SHAPES = [(), (0,), (7,), (256,), (256, 1), (256, 64), (256, 8, 8), (256, 0), (0, 64), (1, 1, 1, 1, 1)]
KINDS = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_answers_of_every_shape_and_type_are_judged(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that comes back ends the checker, or has to be left to a person."""

    def answered(source: str, calls: list[Call], **options: object) -> Outcome:
        shapes = [SHAPES[(number + each) % len(SHAPES)] for each in range(3)]
        values = [(torch.arange(256**2) % 7 - 3).float()[: max(1, torch.Size(shape).numel())] for shape in shapes]
        values = [
            (value[:0] if not torch.Size(shape).numel() else value)
            .reshape(shape)
            .to(KINDS[(number + each) % len(KINDS)])
            for each, (shape, value) in enumerate(zip(shapes, values, strict=True))
        ]
        return Outcome([Answer(values[: 1 + each % 3], ["x"] * (1 + each % 3)) for each in range(len(calls))])

    for module in (code, analysis):
        monkeypatch.setattr(module, "run", answered)
    report = grade(read(honest().packed(tmp_path / f"{ID}.zip")), "en", key="a key of tests")
    assert "grade-unjudged" not in {reason for line in report.lines for reason in line.reasons}
    assert report.to_text()
