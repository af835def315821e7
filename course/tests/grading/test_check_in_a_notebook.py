"""The checker inside a notebook."""

import pytest
import torch
from torch import nn

from diffeo_course.grading import check
from diffeo_course.grading.code import draw
from diffeo_course.grading.judging import judge
from diffeo_course.grading.tasks import TASKS
from diffeo_course.sandbox.calling import call
from grading.wrong_claims import program
from grading.wrong_code import BASE


@pytest.mark.parametrize("name", TASKS)
def test_the_worked_solution_is_right(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(name, getattr(program(BASE), name), "en")
    assert capsys.readouterr().out == f"{name}: right.\n"


def test_a_mistake_is_said_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    def squeeze(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(len(x), -1, x.shape[2] // 2, x.shape[3] // 2)

    assert not check("squeeze", squeeze, "ko")
    assert "permute" in (said := capsys.readouterr().out)
    assert "아직 아닙니다" in said


def test_a_module_or_its_class_is_as_good_as_a_function() -> None:
    class Squeeze(nn.PixelUnshuffle):
        def __init__(self) -> None:
            super().__init__(2)

    assert check("squeeze", Squeeze)
    assert check("squeeze", Squeeze())


def test_right_numbers_without_a_gradient_are_not_right(capsys: pytest.CaptureFixture[str]) -> None:
    def loss(z: torch.Tensor, log_det: torch.Tensor) -> torch.Tensor:
        return torch.tensor(program(BASE).loss(z, log_det).item())

    assert not check("loss", loss, "en")
    assert "no gradient passes" in capsys.readouterr().out


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="coupling_forward, coupling_inverse"):
        check("coupling", print)


@pytest.mark.parametrize("name", TASKS)
def test_no_mistake_passes_for_right(name: str) -> None:
    task = TASKS[name]
    for seed in range(3):
        cases = draw(task, seed=seed)
        for mistake in task.mistakes:
            answers = [call(lambda *given, wrong=mistake.function: wrong(*given), case) for case in cases]
            if any(answer.fault for answer in answers):
                continue  # it does not apply to every case: it explains nothing there
            assert any(verdict.findings for verdict in judge(task, cases, answers)), (mistake.key, seed)
