"""The process that runs a student's program: ``python -m checker.child FOLDER``."""

import __future__

import ast
import linecache
import sys
import types
from pathlib import Path

import torch

from . import messages, model
from .calling import PROGRAM, Answer, call, failed, find
from .confine import Confinement, confine
from .family import separate
from .gradients import reached
from .messages import GRADIENT


def main(folder: Path) -> None:
    """Run the program, then its functions, one call after another; each answer is written when it is known."""
    calls = messages.unpack_calls((folder / messages.CALLS).read_bytes())
    source = (folder / messages.SOURCE).read_text(encoding="utf-8")
    wanted = Confinement.from_json((folder / messages.CONFINEMENT).read_text(encoding="utf-8"))
    for name in (messages.CALLS, messages.CONFINEMENT):  # what will be asked is not there to be looked up
        (folder / name).unlink()
    separate()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    (folder / messages.READY).touch()
    sys.argv = ["submission.py"]
    confine(folder, folder / messages.WORK, wanted)
    del wanted  # it names folders
    program = types.ModuleType("submission")
    sys.modules["submission"] = program
    errors = run(source, program)
    messages.write_errors(folder, errors)
    for number, asked in enumerate(calls):
        messages.write_answer(folder, number, answered(program, asked))


def run(source: str, program: types.ModuleType) -> list[tuple[int, str]]:
    """Execute a program statement by statement, so that one that fails does not take the others along."""
    errors = []
    body = ast.parse(source, PROGRAM).body
    future = [each for each in body if isinstance(each, ast.ImportFrom) and each.module == "__future__"]
    flags = [getattr(__future__, name.name).compiler_flag for each in future for name in each.names]
    # whoever asks for a function's source (torch.jit.script) finds it
    linecache.cache[PROGRAM] = (len(source), None, source.splitlines(keepends=True), PROGRAM)
    for statement in body:
        try:
            exec(compile(ast.Module([statement], []), PROGRAM, "exec", sum(flags)), program.__dict__)
        except BaseException as error:
            answer = failed(error)
            errors.append((answer.line or statement.lineno, answer.detail))
    return errors


def answered(program: types.ModuleType, asked: messages.Call) -> Answer:
    """The answer to one call."""
    try:
        if asked.question not in ("", GRADIENT):
            return model.answer(program, asked)
        function = find(vars(program), asked.function)
    except BaseException as error:
        return failed(error)
    return reached(function, asked.arguments) if asked.question else call(function, asked.arguments)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
