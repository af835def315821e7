"""Ways out of the sandbox, tried in earnest: with everything that holds, and with each layer alone."""

import sys
from pathlib import Path

import pytest

import diffeo
from diffeo_course.material import material
from diffeo_course.messages import LANGUAGES
from diffeo_course.sandbox import layers, process
from diffeo_course.sandbox.confine import LAYERS
from diffeo_course.sandbox.kernel import landlock_version
from diffeo_course.sandbox.reading import may_read, rules
from diffeo_course.sandbox.syscalls import filter_program
from diffeo_course.verbs.grade import _held
from reliability.escapes import HOOK, KERNEL, PLAIN, attempts, tried

pytestmark = pytest.mark.whole

linux = pytest.mark.skipif(sys.platform != "linux", reason="what is asked of the kernel is asked of Linux")
held = pytest.mark.skipif(
    sys.platform != "linux" or not filter_program() or not landlock_version(),
    reason="this machine has no libseccomp or no Landlock, and docs/grading.md says what that means",
)
NETWORK = ("udp", "udp_message", "udp_below", "fast_open", "tcp", "web")


@held
@pytest.mark.parametrize("name", attempts())
def test_nothing_gets_out_of_the_sandbox(name: str) -> None:
    assert not tried()[name].out


@held
@pytest.mark.parametrize("name", attempts())
def test_the_kernel_holds_alone(name: str) -> None:
    assert not tried(KERNEL)[name].out


@linux
@pytest.mark.parametrize("name", [name for name, (_, needs) in attempts().items() if needs == PLAIN])
def test_the_hook_holds_plain_python_alone(name: str) -> None:
    assert not tried(HOOK)[name].out


@linux
def test_what_is_tried_gets_out_where_nothing_holds() -> None:
    names = (*NETWORK, "unix", "program", "by_path", "by_commands", "strings_that_lie", "written_outside")
    found = tried(("none",), names)
    assert [name for name in names if not found[name].out] == []


@linux
def test_a_network_of_its_own_holds_where_there_is_no_filter() -> None:
    if "network" not in layers.in_force(("network",)):
        pytest.skip("this machine gives nobody a network of his own")
    assert [name for name, each in tried(("network",), NETWORK).items() if each.out] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_holds_is_said_in_one_line(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "in_force", lambda: dict.fromkeys(("resources", "landlock", "filter", "hook"), 1))
    assert "docs/grading.md" not in _held(language)
    assert "seccomp" in _held(language)
    monkeypatch.setattr(layers, "in_force", lambda: {"resources": 1, "network": 1, "hook": 1})
    assert _held(language).count("\n") == 0
    missing = _held(language).partition(".")[2]
    assert "seccomp" in missing
    assert "Landlock" in missing
    assert "docs/grading.md" in missing


def test_layers_are_tried_not_supposed() -> None:
    found = layers.in_force()
    assert "hook" in found
    assert ("filter" in found) == bool(filter_program())
    assert set(layers.in_force(("hook",))) == {"hook"}
    assert not set(found) & set(layers.missing(found))
    assert set(layers.missing({})) < set(LAYERS)


def test_only_what_python_needs_may_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))  # as the folder of a script is, or the one worked in
    import torch

    found = rules((), ())
    assert may_read(str(Path(torch.__file__).resolve()), found)
    for place in (
        tmp_path,
        Path.home(),
        Path.cwd(),
        Path("/etc/passwd"),
        Path("/root/.ssh/id"),
        Path("/proc/1/cmdline"),
    ):
        assert not may_read(str(place / "x"), found), place


def test_what_is_right_is_closed_wherever_there_is_a_copy_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_packages = tmp_path / "site-packages"
    copy = site_packages / "diffeo_course" / "material" / "assignment"
    copy.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(site_packages))
    found = rules(tuple(process.right()), ())
    assert may_read(str(site_packages / "torch.py"), found)
    for place in (copy, Path(diffeo.__file__).parent, Path(process.__file__).parents[1], material()):
        assert not may_read(str(place / "solution.py"), found), place


def test_what_is_closed_by_name_stays_closed_in_a_place_that_may_be_read(tmp_path: Path) -> None:
    import torch

    library = Path(torch.__file__).resolve().parent
    found = rules((str(library / "inbox"),), (str(tmp_path),))
    assert not may_read(str(library / "inbox" / "20231234.py"), found)
    assert may_read(str(library / "nn" / "__init__.py"), found)
    site_packages = library.parent
    assert may_read(str(library), rules((str(site_packages),), ())), "a place that Python needs is not closed whole"
