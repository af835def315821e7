"""What a hand-in leaves for the checker to read, and figures that are false: rows of the table of escapes.

Each says what was tried, what it needs, and what came of it. "held" where the checker went on and the hand-in lost what
it tried for.
"""

from collections.abc import Callable

from diffeo_course.handin.source import definitions
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.messages import Call
from diffeo_course.sandbox.process import run
from grading.false_claims import FALSE
from grading.graded import analysis
from grading.wrong_claims import Claim
from reliability.limited import limited

Row = tuple[str, str, str]
LIMITS = Limits(call=10, load=10, memory=1 << 30)
PLAIN = "plain Python"
WAITS = "    while True:\n        pass\n"
TENSORS = """
def forge():
    import os
    text = "{" + ",".join('"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % n for n in range(10**6)) + "}"
    with open("../0.answer.part", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text.encode())
    os.rename("../0.answer.part", "../0.answer")
    while True:
        pass
"""


def _left(what: str, program: str) -> Callable[[], Row]:
    def row() -> Row:
        ended = limited(_fault, program, seconds=120.0, memory=1 << 30)
        if (ended.how, ended.value) == ("returned", "forged"):
            return what, PLAIN, "held (forged)"
        return what, PLAIN, f"**{ended.how} {ended.value or ended.error}**"

    return row


def _fault(program: str) -> str:
    return run(program, [Call("forge", ())], limits=LIMITS).answers[0].fault


def _loaded(content: str) -> str:
    return f"class Never:\n    with open('../loaded.json', 'w') as file:\n        file.write({content})\n{WAITS}"


def _many_lines() -> Row:
    code = "a0 = 1\n" + "".join(f"a{n + 1} = a{n}\n" for n in range(8000)) + "def f():\n    return a8000\n"
    how = limited(definitions, code).how
    return "8,000 lines `a1 = a0` ..", "nothing runs", "held (linear)" if how == "returned" else f"**{how}**"


def _figure(claim: Claim) -> Callable[[], Row]:
    def row() -> Row:
        given = analysis(claim)
        reasons = given.reasons.get("claimed-bits", ())
        result = f"held ({', '.join(reasons)})" if reasons else "**confirmed**"
        return f"a false figure: {claim.name}", PLAIN, result

    return row


ROWS: list[Callable[[], Row]] = [
    _left("`[[1e999, 1]]` where the checker looks for errors", _loaded("'[[1e999, 1]]'")),
    _left("200,000 brackets where the checker looks for errors", _loaded("'[' * 200_000")),
    _left("an answer of 1 million empty tensors", TENSORS),
    _many_lines,
    *(_figure(claim) for claim in FALSE),
]
