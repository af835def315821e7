"""Names whose bytes are no UTF-8, as a zip from a Korean Windows leaves them on Linux."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import diffeo
from diffeo.cli.output import as_json
from diffeo.data.typed_names import existing
from diffeo.system.letters import readable

pytestmark = pytest.mark.whole

PHOTO, PLACE, SALES = (os.fsdecode(bytes.fromhex(name)) for name in ("bbe7c1f8", "bdc7bdc0", "b8c5c3e2"))


@pytest.fixture(autouse=True)
def _a_disk_with_such_names(tmp_path: Path) -> None:
    try:
        (tmp_path / PLACE).mkdir()
    except OSError:
        pytest.skip("this file system takes no names but UTF-8")


def test_such_names_are_shown_in_letters() -> None:
    assert [readable(name) for name in (PHOTO, PLACE, f"/x/{SALES}.csv")] == ["사진", "실습", "/x/매출.csv"]
    assert readable(os.fsdecode(b"\xe9t\xe9")) == "été"
    assert readable(os.fsdecode(b"\xff\x81")) == "\\udcff\\udc81"
    assert as_json({"data": SALES}).encode() == '{\n  "data": "매출"\n}'.encode()


def test_a_table_with_such_a_name_in_such_a_folder_is_found_by_its_letters_too(tmp_path: Path) -> None:
    rows = "".join(f"{x},{y}\n" for x, y in np.random.default_rng(0).normal(size=(200, 2)))
    path = tmp_path / PLACE / f"{SALES}.csv"
    path.write_text("x,y\n" + rows)
    data = diffeo.data.load(f"table:{path}")
    assert data.name == f"table:{tmp_path}/실습/매출.csv"
    assert data.source == "매출.csv"
    assert existing(f"{tmp_path}/실습/매출.csv") == path
    assert diffeo.data.load(data.name).train.x.equal(data.train.x)
    path.write_text("x,y\n1,2\n")
    with pytest.raises(ValueError, match=r"매출\.csv has 1 row"):
        diffeo.data.load(f"table:{path}")
    with pytest.raises(FileNotFoundError, match=r"매출\.csv does not exist"):
        diffeo.data.load(f"table:{path}/{SALES}.csv")


def test_images_and_classes_with_such_names_are_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in (PHOTO, "dog"):
        (tmp_path / folder).mkdir()
        for i in range(40):
            name = f"{SALES}{i}.png" if i % 2 else f"{i}.png"
            Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(tmp_path / folder / name)
    (tmp_path / PLACE).rmdir()
    data = diffeo.data.load(f"folder:{tmp_path}")
    assert data.class_names == ("dog", "사진")
    part = diffeo.data.read(f"folder:{tmp_path}")
    assert part.files is not None
    assert "사진/매출1.png" in part.files
    (tmp_path / PHOTO / f"{SALES}.txt").write_text("no image")
    with pytest.raises(ValueError, match=r"사진/매출.txt \(no image\)"):
        diffeo.data.load(f"folder:{tmp_path}")


def test_a_name_spelt_anew_in_utf8_moves_no_image_to_another_part(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / PLACE).rmdir()
    for i in range(60):
        Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).save(tmp_path / f"{SALES}{i}.png")
    before = diffeo.data.load(f"folder:{tmp_path}").test.files
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / readable(file.name))
    assert diffeo.data.load(f"folder:{tmp_path}").test.files == before


def test_a_run_in_such_a_folder_is_text_and_finds_its_data(tmp_path: Path) -> None:
    from command import DIFFEO, environment

    here = tmp_path / PLACE
    rows = "".join(f"{x},{y}\n" for x, y in np.random.default_rng(0).normal(size=(200, 2)))
    (here / f"{SALES}.csv").write_text("x,y\n" + rows)
    train = ["train", "realnvp", f"table:{SALES}.csv", "--epochs", "1", "--quiet", "--model.couplings", "2"]
    for command in (train, ["evaluate", "runs/realnvp-매출"]):
        done = subprocess.run([*DIFFEO, *command], cwd=here, capture_output=True, env=environment(), check=False)
        assert done.returncode == 0, done.stderr
        assert "매출.csv" in done.stdout.decode("utf-8")
    run = here / "runs" / "realnvp-매출"
    assert f"table:{tmp_path}/실습/매출.csv" in (run / "run.json").read_text(encoding="utf-8")
    assert "매출.csv" in (run / "report.html").read_text(encoding="utf-8")
