import os
import time

import pytest

from reliability.limited import limited

pytestmark = pytest.mark.whole


def waits():
    time.sleep(60)


def takes():
    return [bytearray(b"x" * (64 << 20)) for _ in range(40)]


def refuses():
    raise ValueError("not this")


@pytest.mark.parametrize(
    ("function", "how"),
    [(os.getpid, "returned"), (waits, "hung"), (takes, "memory"), (refuses, "raised"), (os.abort, "died")],
)
def test_it_is_known_how_a_call_ended(function, how):
    assert limited(function, seconds=2.0, memory=300 << 20).how == how


def test_what_a_call_raises_is_told():
    ended = limited(refuses)
    assert (ended.error, ended.message, ended.own) == ("ValueError", "not this", False)
