"""How many threads compute, on a machine that this test makes up: what work takes with each number is told."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import diffeo
from diffeo.system import threads

WIDTH = 16
PIECE = threads.PIECE // WIDTH
ENOUGH = threads.LEAST // WIDTH


class Machine:
    """A machine with cores, whose clock moves by what a row takes with the number of threads that is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cores: int = 4, usual: int = 4):
        self.now, self.number, self.seconds = 0.0, usual, {1: 8.0, 2: 4.0, 3: 3.0, 4: 2.0}
        monkeypatch.setattr(threads, "cores", lambda: cores)
        monkeypatch.setattr(threads, "_defaults", lambda: {usual})
        monkeypatch.setattr(torch, "get_num_threads", lambda: self.number)
        monkeypatch.setattr(torch, "set_num_threads", lambda number: setattr(self, "number", number))
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        for name in threads.NUMBERS:
            monkeypatch.delenv(name, raising=False)

    def work(self, owner: object, rows: int, most: int = 10**9) -> list[tuple[int, int]]:
        """The rows of each slice, and the number of threads that computed it."""
        done = []
        with threads.slices(owner, "decode", rows, (WIDTH,), most) as slices:
            for place in slices:
                count = len(range(*place.indices(rows)))
                done.append((count, self.number))
                self.now += count * self.seconds[self.number] * 1e-6
        return done


class Owner:
    pass


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_little_work_is_done_by_one_thread_in_one_piece(machine: Machine) -> None:
    assert machine.work(Owner(), ENOUGH - 1) == [(ENOUGH - 1, 1)]
    assert machine.number == 4


def test_more_work_is_done_by_what_its_first_rows_show_to_be_fastest(machine: Machine) -> None:
    done = machine.work(Owner(), 10 * ENOUGH)
    assert done == [(PIECE, 1), (PIECE, 1), (PIECE, 2), (PIECE, 4), (10 * ENOUGH - 4 * PIECE, 4)]
    assert machine.number == 4


def test_where_threads_wait_for_one_another_one_does_the_work_and_more_are_not_tried(machine: Machine) -> None:
    machine.seconds = {1: 1.0, 2: 30.0, 4: 300.0}
    assert machine.work(Owner(), 10 * ENOUGH) == [(PIECE, 1), (PIECE, 1), (PIECE, 2), (10 * ENOUGH - 3 * PIECE, 1)]


def test_a_small_gain_is_not_worth_more_threads(machine: Machine) -> None:
    machine.seconds = {1: 1.0, 2: 0.9, 4: 0.88}
    assert machine.work(Owner(), 10 * ENOUGH)[-1][1] == 1


def test_the_choice_is_remembered_for_its_owner_and_made_anew_after_a_while(machine: Machine) -> None:
    owner, other = Owner(), Owner()
    machine.work(owner, 10 * ENOUGH)
    assert machine.work(owner, 10 * ENOUGH) == [(10 * ENOUGH, 4)]
    assert len(machine.work(other, 10 * ENOUGH)) == 5
    machine.now += threads.REMEMBERED + 1
    machine.seconds = {1: 1.0, 2: 2.0, 4: 3.0}  # busy by now
    assert machine.work(owner, 10 * ENOUGH)[-1][1] == 1


def test_every_row_is_in_one_slice_and_none_is_larger_than_asked(machine: Machine) -> None:
    for rows in (0, 1, ENOUGH, 3 * ENOUGH + 7):
        for most in (1, 100, 10**9):
            done = machine.work(Owner(), rows, most)
            assert sum(count for count, _ in done) == rows
            assert max(count for count, _ in done) <= most
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        machine.work(Owner(), 3, 0)
    with pytest.raises(TypeError, match=r"batch_size must be a whole number, how many rows at a time, got 2\.5"):
        machine.work(Owner(), 3, 2.5)


def test_what_the_user_said_holds(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.number = 3  # by torch.set_num_threads
    assert machine.work(Owner(), 10 * ENOUGH) == [(10 * ENOUGH, 3)]
    machine.number = 4
    assert threads.given() is None
    for name in threads.NUMBERS:
        monkeypatch.setenv(name, "4")
        assert threads.given() == 4
        assert machine.work(Owner(), 10 * ENOUGH) == [(10 * ENOUGH, 4)]
        monkeypatch.delenv(name)
    with threads.computing_with(2):
        assert machine.work(Owner(), 10 * ENOUGH) == [(10 * ENOUGH, 2)]
    assert machine.number == 4


def test_the_number_is_put_back_after_an_error(machine: Machine) -> None:
    with pytest.raises(RuntimeError), threads.computing_with(1):
        raise RuntimeError
    assert machine.number == 4
    machine.seconds = {}
    with pytest.raises(KeyError, match="1"):  # in a slice that one thread works on
        machine.work(Owner(), 1)
    assert machine.number == 4
    assert threads.given() is None


def test_an_owner_is_not_kept_alive(machine: Machine) -> None:
    owner = Owner()
    machine.work(owner, 10 * ENOUGH)
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(("cores", "expected"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_the_candidates_are_powers_of_two_and_all_cores(
    cores: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores", lambda: cores)
    assert threads.candidates() == expected


def test_cores_are_those_that_affinity_and_cgroup_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_granted", lambda: float("inf"))
    if hasattr(os, "sched_getaffinity"):
        assert threads.cores() == len(os.sched_getaffinity(0))
    for granted, expected in ((0.5, 1), (1.0, 1)):
        monkeypatch.setattr(threads, "_granted", lambda granted=granted: granted)
        assert threads.cores() == expected


def test_the_cgroups_share_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own" / "inner").mkdir(parents=True)
    (tmp_path / "own" / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "own" / "inner" / "cpu.max").write_text("max 100000\n")
    membership = tmp_path / "cgroup"
    membership.write_text("0::/own/inner\n")
    assert threads._granted(membership, tmp_path) == 1.5
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("70000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert threads._granted(membership, tmp_path) == 0.7
    assert threads._granted(tmp_path / "none", tmp_path / "none") == float("inf")


def started(code: str, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in (*threads.NUMBERS, *threads.WAITING)}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_waiting_threads_sleep_unless_the_user_says_otherwise() -> None:
    shown = "import os, sys; print(os.environ.get('OMP_WAIT_POLICY'), 'torch' in sys.modules)"
    assert started("import diffeo; " + shown) == "passive False"
    assert started("import diffeo; " + shown, OMP_WAIT_POLICY="active") == "active False"
    assert started("import diffeo; " + shown, GOMP_SPINCOUNT="100") == "None False"
    assert started("import torch, diffeo; " + shown) == "None True"  # its threads have their way already


def test_torchs_own_number_says_nothing_and_any_other_does() -> None:
    shown = "import torch; from diffeo.system import threads; {}print(threads.given())"
    assert started(shown.format("")) == "None"
    assert started(shown.format("torch.set_num_threads(977); ")) == "977"
    assert started(shown.format(""), OMP_NUM_THREADS="1") == "1"


def test_samples_and_densities_do_not_depend_on_how_their_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = diffeo.load("realnvp-moons")
    generator = torch.Generator()
    whole, again = (flow.sample(40_000, generator=generator.manual_seed(0), batch_size=40_000) for _ in range(2))
    assert torch.equal(whole, again)
    with torch.no_grad():
        density = flow.log_prob(whole)
    monkeypatch.setattr(threads, "cores", lambda: 2)
    monkeypatch.setattr(threads, "given", lambda: None)
    cut = flow.sample(40_000, generator=generator.manual_seed(0))
    assert threads._fastest[flow]["decode"]
    with torch.no_grad():
        cut_density = flow.log_prob(whole, batch_size=40_000)
    assert threads._fastest[flow]["encode"]
    assert torch.allclose(cut, whole, atol=1e-5)
    assert torch.allclose(cut_density, density, atol=1e-4)
    assert torch.get_num_threads() == 1


def test_several_threads_sample_at_once_and_leave_the_number_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cores", lambda: 2)
    monkeypatch.setattr(threads, "given", lambda: None)
    flow = diffeo.load("realnvp-moons")
    expected = flow.sample(40_000, generator=torch.Generator().manual_seed(3))
    found: list[torch.Tensor] = []

    def draw() -> None:
        found.append(flow.sample(40_000, generator=torch.Generator().manual_seed(3)))

    def joined(*targets: Callable[[], None]) -> None:
        workers = [threading.Thread(target=target) for target in targets]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    joined(draw, draw, draw)
    assert len(found) == 3
    assert all(torch.allclose(one, expected, atol=1e-5) for one in found)
    assert torch.get_num_threads() == 1
