"""Publishing a flow at the hub and opening it from there, against a hub at 127.0.0.1."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from command import NOBODY, diffeo, environment
from hub_server import COMMIT, Hub, hub

import diffeo as library
from diffeo.saving.pretrained import readme

pytestmark = pytest.mark.whole

PUBLISH = """
import diffeo, torch
torch.manual_seed(0)
flow = diffeo.RealNVP(2, couplings=2, width=8)
flow.initialize(torch.randn(64, 2))
flow.save_pretrained("local")
print(flow.push_to_hub("someone/small-moons", card="Trained on two moons.", license="mit", token="secret"))
"""

OPEN = """
import diffeo, torch
here = diffeo.load("local")
for opened in (
    diffeo.load("hf://someone/small-moons"),
    diffeo.load("hf://someone/small-moons@" + "c" * 40),
    diffeo.RealNVP.from_pretrained("someone/small-moons"),
):
    assert all(torch.equal(a, b) for a, b in zip(opened.state_dict().values(), here.state_dict().values(), strict=True))
"""

REFUSED = """
import diffeo, sys
flow = diffeo.RealNVP(2, couplings=2, width=8)
for what in (
    lambda: diffeo.load("hf://someone/nothing"),
    lambda: diffeo.load("hf://someone/small-moons@elsewhere"),
    lambda: diffeo.load("hf://someone/empty"),
    lambda: diffeo.load("hf://someone"),
    lambda: diffeo.RealNVP.from_pretrained("runs/mine"),
    lambda: diffeo.load("hf://some!one/$"),
    lambda: flow.push_to_hub("someone/small-moons", token="wrong"),
    lambda: flow.push_to_hub("small-moons"),
):
    try:
        what()
    except (ValueError, OSError) as error:
        print(str(error).replace("\\n", "|"))
"""


@pytest.fixture(scope="module")
def there() -> Iterator[Hub]:
    with hub() as server:
        server.repositories["someone/empty"] = {"README.md": b"nothing"}
        yield server


@pytest.fixture(scope="module")
def place(there: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder beside which a flow has been published; the hub's cache and the flow lie in it."""
    folder = tmp_path_factory.mktemp("hub")
    printed = python(PUBLISH, folder, there.address)
    assert printed.strip().endswith(f"{there.address}/someone/small-moons/commit/{COMMIT}")
    return folder


def at(folder: Path, address: str) -> dict[str, str]:
    return {"HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "HF_TOKEN": "", "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}  # fmt: skip


def python(code: str, folder: Path, address: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
        env=environment(**at(folder, address)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_published_flow_opens_to_the_last_bit_and_once_opened_without_the_hub(there: Hub, place: Path) -> None:
    assert set(there.repositories["someone/small-moons"]) == {"README.md", "config.json", "model.safetensors"}
    python(OPEN, place, there.address)
    python(OPEN, place, NOBODY)


def test_the_command_samples_from_the_hub(there: Hub, place: Path) -> None:
    diffeo("sample", "hf://someone/small-moons", "-n", 5, cwd=place, **at(place, there.address))
    assert len((place / "samples.csv").read_text().splitlines()) == 6
    done = diffeo("sample", "hf://someone/nothing", cwd=place, status=1, **at(place, there.address))
    assert done.stderr == (
        "diffeo: hf://someone/nothing: the hub has no such repository, or does not show it to you. "
        "Check the name, or log in with: hf auth login\n"
    )


def test_every_refusal_is_a_line_that_says_what_to_do(there: Hub, place: Path) -> None:
    nothing, revision, empty, short, folder, odd, denied, alone = python(REFUSED, place, there.address).splitlines()
    assert "hf://someone/nothing: the hub has no such repository" in nothing
    assert "@elsewhere: the repository has no such revision" in revision
    assert "hf://someone/empty holds no model of diffeo: config.json is missing" in empty
    assert "expected hf://USER/NAME" in short
    assert "there is no folder runs/mine; hf://runs/mine: the hub has no such repository" in folder
    assert "hf://some!one/$" in odd
    assert "hf auth login" in denied
    assert "expected USER/NAME, got 'small-moons'" in alone
    unreached = python(REFUSED, place, NOBODY).splitlines()
    assert "the hub cannot be reached" in unreached[0]
    assert "the hub cannot be reached" in unreached[6]


LARGE = """
import diffeo
from diffeo.models import hub
for name in ("model.safetensors", "config.json"):
    hub.LARGEST[name] = 10
    try:
        diffeo.load("hf://someone/small-moons")
    except ValueError as error:
        print(error)
"""


def test_what_is_too_large_is_not_fetched(there: Hub, place: Path, tmp_path: Path) -> None:
    asked = python(LARGE, tmp_path, there.address).splitlines()
    size = len(there.repositories["someone/small-moons"]["model.safetensors"])
    assert asked[0] == (
        f"hf://someone/small-moons: model.safetensors has {size:,} bytes, and at most 10 are fetched. To open it "
        "nevertheless: hf download someone/small-moons config.json model.safetensors --local-dir small-moons"
    )
    assert asked[1].startswith("hf://someone/small-moons: config.json has ")
    assert not list(tmp_path.rglob("model.safetensors"))


def test_without_huggingface_hub_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r'pip install "diffeo\[hub\]"'):
        library.load("hf://someone/small-moons")


def test_the_hub_is_not_asked_for_a_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.chdir(tmp_path)
    library.RealNVP(2, couplings=1, width=4).save_pretrained("runs/mine")
    assert isinstance(library.RealNVP.from_pretrained("runs/mine"), library.RealNVP)
    with pytest.raises(FileNotFoundError, match="runs/yours does not exist"):
        library.load("runs/yours")


def test_the_model_card_begins_with_what_the_hub_reads(there: Hub, place: Path) -> None:
    text = there.repositories["someone/small-moons"]["README.md"].decode()
    _, front, body = text.split("---\n", 2)
    about = yaml.safe_load(front)
    assert about["library_name"] == "diffeo"
    assert about["license"] == "mit"
    assert "normalizing-flow" in about["tags"]
    assert 'diffeo.load("hf://someone/small-moons")' in body
    assert "Trained on two moons." in body
    torch.manual_seed(0)
    images = readme(library.NICE((1, 8, 8), values=17, width=8), "someone/digits")
    assert yaml.safe_load(images.split("---\n")[1])["pipeline_tag"] == "unconditional-image-generation"
