"""``diffeo edit``: pictures, measurements, and what is refused before any work."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command import diffeo, together
from PIL import Image

import diffeo as library
from diffeo.cli.app import app
from diffeo.cli.edit import edit
from diffeo.editing import encode_images, find_direction
from diffeo.evaluation import condition_for

pytestmark = pytest.mark.whole

COMMANDS = [name for name in edit if not name.startswith("-")]
OF_THE_PAGE = {
    "interpolate", "temperature", "levels", "reconstruct", "mix", "neighbours", "direction", "sweep", "class",
    "measure",
}  # fmt: skip


def a_run(folder: Path, flow: library.Flow, data: str, **options: str) -> None:
    """A run folder without the training: a flow whose layers that depend on data are set."""
    dataset = library.data.load(data, **options)
    if not flow.initialized:
        flow.initialize(dataset.train.x, condition_for(flow, dataset.train))
    flow.save_pretrained(folder)
    (folder / "run.json").write_text(json.dumps({"data": {"name": data, "options": options}}), encoding="utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    torch.manual_seed(0)
    a_run(folder / "plain", library.Glow((1, 8, 8), values=17, levels=2, steps=1, width=4), "digits")
    a_run(folder / "classes", library.Glow((1, 8, 8), values=17, classes=10, levels=1, steps=1, width=4), "digits")
    small = library.Glow((1, 8, 8), values=17, condition_shape=(1, 4, 4), levels=1, steps=1, width=4)
    a_run(folder / "images", small, "digits", condition="downscaled")
    a_run(folder / "points", library.RealNVP(2, couplings=2, width=4), "moons")
    return folder


def test_every_command_explains_itself_with_an_example(tmp_path: Path) -> None:
    whole, *each = together(("edit",), *(("edit", name, "--help") for name in COMMANDS), cwd=tmp_path)
    assert len(COMMANDS) >= 10
    for name, one in zip(COMMANDS, each, strict=True):
        assert f"│ {name} " in whole.out
        usage, _, what, *more = one.out.splitlines()
        assert usage.startswith(f"Usage: diffeo edit {name}")
        assert what.endswith(".")
        assert any(line.startswith(f"  diffeo edit {name} ") for line in more)
        options = [line for line in one.out.splitlines() if line.startswith(("│ --", "│ *  --"))]
        assert all(len(line.strip("│ *").split("  ", 1)[1].split()) > 2 for line in options), options


def test_every_edit_writes_its_picture(place: Path) -> None:
    cases = {
        "interpolate": ("plain", "--from", "3,8", "--to", "17,0", "--steps", 5, "--path", "spherical", "--levels", 1),
        "temperature": ("plain", "--at", "0,0.5,1", "-n", 3),
        "levels": ("plain", "--images", "3,17", "-n", 4),
        "reconstruct": ("plain", "--images", "3,17"),
        "mix": ("plain", "--images", "3", "--with", "17"),
        "neighbours": ("plain", "-n", 20, "--shown", 3, "--nearest", 2),
        "class": ("plain", "--images", "3,17", "--to", "8,9", "--rows", 300),
    }
    sizes = {"interpolate": (2, 5), "temperature": (3, 3), "levels": (2, 5), "reconstruct": (2, 3), "mix": (1, 3),
             "neighbours": (3, 3), "class": (2, 3)}  # fmt: skip
    done = together(
        *(("edit", name, *words, "--out", f"{name}.png", "--json") for name, words in cases.items()), cwd=place
    )
    for name, one in zip(cases, done, strict=True):
        assert (one.json["edit"], one.json["images"]) == (name, list(sizes[name]))
        down, across = sizes[name]
        with Image.open(place / f"{name}.png") as picture:
            scale = picture.size[0] // (9 * across + 1)
            assert picture.size == ((9 * across + 1) * scale, (9 * down + 1) * scale)


def test_an_ending_of_an_animation_animates(place: Path) -> None:
    words = ("edit", "interpolate", "plain", "--from", 3, "--to", 17, "--steps", 4, "--out")
    gif, apng, again = together((*words, "i.gif"), (*words, "i.apng"), (*words, "i.gif"), cwd=place)
    assert gif.out == "wrote i.gif: 1 row of 4 images\n"
    assert apng.status == 0
    for name in ("i.gif", "i.apng"):
        with Image.open(place / name) as picture:
            assert picture.n_frames == 6, name  # there and back
    assert (again.status, again.errors) == (
        1,
        "diffeo: i.gif exists. Choose another name, or write over it with --force\n",
    )


def test_a_direction_is_found_kept_and_followed(place: Path) -> None:
    found, also, swept, strange = together(
        ("edit", "direction", "plain", "--attribute", "brightness", "--out", "bright.safetensors", "--json"),
        ("edit", "direction", "plain", "--class", 7, "--against", 1, "--method", "probe", "--out", "7.safetensors"),
        ("edit", "sweep", "plain", "--images", 3, "--direction", "bright.safetensors", "--steps", 3, "--json"),
        ("edit", "sweep", "classes", "--images", 3, "--direction", "bright.safetensors", "--out", "strange.png"),
        cwd=place,
    )
    assert found.json["score"] > 0.5
    assert also.out.startswith("wrote 7.safetensors: class 7 against 1, from ")
    assert swept.json["strengths"] == [-3.0, 0.0, 3.0]
    assert (strange.status, "found with another flow" in strange.errors) == (1, True)
    weaker, same, stronger = swept.json["measured"]
    assert weaker < same < stronger
    assert same == float(library.data.load("digits").test.x[3].float().mean())
    with Image.open(place / "sweep.png") as picture:
        pixels = np.asarray(picture)
    first, _, last = np.array_split(pixels, 3, axis=1)
    assert last.mean() > first.mean()


def test_a_run_conditioned_on_images_is_edited_under_them(place: Path) -> None:
    bright = ("edit", "direction", "images", "--attribute", "brightness", "--rows", 300, "--json")
    found, also, swept, warm, *refused = together(
        (*bright, "--out", "i.safetensors"),
        ("edit", "direction", "images", "--class", 7, "--against", 1, "--rows", 300, "--out", "i7.safetensors"),
        ("edit", "sweep", "images", "--images", 3, "--direction", "i.safetensors", "--out", "is.png", "--json"),
        ("edit", "temperature", "images", "--images", "3,4", "--out", "it.png", "--json"),
        ("edit", "temperature", "images", "--out", "ix.png"),
        ("edit", "class", "images", "--images", 3, "--temperature", 0.5, "--out", "ix.png"),
        ("edit", "measure", "images", "-n", 5, "--out", "ix.json"),
        cwd=place,
    )
    rows = library.data.load("digits", condition="downscaled").train
    z = encode_images(library.load(place / "images"), rows.x[:300], rows.condition[:300])
    expected = find_direction(z, library.editing.brightness(rows.x[:300, 0]))
    assert found.json["score"] == pytest.approx(expected.score, abs=1e-4)
    assert (also.status, warm.json["images"], len(swept.json["measured"])) == (0, [2, 8], 9)
    messages = ("diffeo edit temperature images --images 0,1,2", "the class stays as it is", "the class stays as it is")
    for one, message in zip(refused, messages, strict=True):
        assert (one.status, message in one.errors, one.errors.count("\n")) == (1, True, 1), one.errors
    assert not [*place.glob("ix.*")]


def test_classes_of_other_data_are_noted(place: Path) -> None:
    for part, count in (("train", 10), ("validation", 1), ("test", 1)):
        for name in ("cat", "dog"):
            (place / "pets" / part / name).mkdir(parents=True)
            for i in range(count):
                Image.new("L", (8, 8), i).save(place / "pets" / part / name / f"{i}.png")
    words = ("--images", "0", "--at", "1", "--out")
    own, other, plain = together(
        ("edit", "temperature", "classes", "digits", *words, "own-data.png"),
        ("edit", "temperature", "classes", "folder:pets", *words, "other-data.png", "--json"),
        ("edit", "temperature", "plain", "folder:pets", *words, "plain-data.png"),
        cwd=place,
    )
    assert (own.status, own.errors, plain.status, plain.errors) == (0, "", 0, "")
    assert other.json["edit"] == "temperature"
    assert other.errors.startswith("note: classes was trained on digits, and takes the classes of ")
    assert other.errors.count("\n") == 1


def test_what_is_hidden_does_not_look_like_the_frame(place: Path) -> None:
    (done,) = together(("edit", "inpaint", "plain", "--images", 3, "-n", 2, "--steps", 4, "--out", "h.png"), cwd=place)
    assert done.status == 0, done.errors
    with Image.open(place / "h.png") as picture:
        times = picture.size[0] // (9 * 5 + 1)
        pixels = np.asarray(picture)[::times, ::times]
    hidden, frame = pixels[1:9, 14:18], int(pixels[0, 0])
    assert np.unique(hidden).tolist() == [64, 191]
    assert frame not in hidden
    assert (hidden[:, 1:] != hidden[:, :-1]).all()
    assert (hidden[1:] != hidden[:-1]).all()


def test_a_measurement_has_all_its_figures(place: Path) -> None:
    text, plain, single = together(
        ("edit", "measure", "classes", "-n", 40, "--rows", 300, "--out", "measured.json"),
        ("edit", "measure", "plain", "-n", 40, "--hold", "nothing", "--strength", 1, "--json"),
        ("edit", "measure", "classes", "-n", 1, "--hold", "nothing"),
        cwd=place,
    )
    assert text.status == 0, text.errors
    for word in ("the classifier gets", "reached the class wanted", "slant: moved by", "thickness: moved by",
                 "between samples of it", "samples at temperature 0.8 recognised as their class"):  # fmt: skip
        assert word in text.out
    assert (single.status, "nan" in single.out, "recognised as their class: " in single.out) == (0, False, True)
    found = json.loads((place / "measured.json").read_text())
    assert set(found["changes"]) == {"thickness", "slant", "brightness"}
    assert 0 <= found["recognised"]["mean"] <= 1
    assert found["classifier_accuracy"]["mean"] > 0.9
    assert plain.json["recognised"] is None
    assert plain.json["changes"]["slant"]["between_samples"] is None


def test_what_cannot_work_is_refused_before_any_work(place: Path) -> None:
    (place / "there.png").touch()
    pair = ("--from", 3, "--to", 17)
    cases = (
        (("interpolate", "plain", "--from", 3, "--to", 360), "no image 360: the test part of digits has images 0 to"),
        (("interpolate", "plain", "--from", "-1", "--to", 3), "there is no image -1"),
        (("interpolate", "plain", "--from", "3,4", "--to", 5), "--from and --to need as many numbers, got 2 and 1"),
        (("interpolate", "plain", *pair, "--levels", 2), "levels 0 (the coarsest) to 1, got 2"),
        (("interpolate", "plain", *pair, "--out", "x.jpg"), "use .png, or .gif or .apng"),
        (("interpolate", "plain", *pair, "--out", "there.png"), "there.png exists"),
        (("interpolate", "plain", *pair, "--out", "nowhere/x.png"), "there is no folder nowhere"),
        (("interpolate", "points", *pair), "editing is of images"),
        (("interpolate", "plain", "moons", *pair), "moons has (2,)"),
        (("interpolate", "nowhere", *pair), "nowhere does not exist"),
        (("levels", "classes", "--images", 3, "--out", "l.png"), "Train one with --model.levels 2"),
        (("mix", "classes", "--images", 3, "--with", 4, "--out", "l.png"), "Train one with --model.levels 2"),
        (("class", "plain", "--images", 3, "--to", 10, "--out", "l.png"), "digits has classes 0 to 9, got 10"),
        (("class", "plain", "--images", 3, "--temperature", 0.5, "--out", "l.png"), "use --strength"),
        (("class", "classes", "--images", 3, "--strength", 2, "--out", "l.png"), "use --temperature"),
        (("direction", "classes", "--class", 7), "Use diffeo edit class classes"),
        (("direction", "plain", "--class", 7, "--rows", 20), "images with it, and at least 5 are needed"),
        (("class", "plain", "--images", 3, "--rows", 10, "--out", "l.png"), "among the first 10 training rows"),
        (("class", "plain", "--images", 3, "--hold", "nothing", "--hold", "slant", "--out", "l.png"), "beside another"),
        (("direction", "plain"), "give either --attribute or --class"),
        (("direction", "plain", "--class", 7, "--against", 7), "another class"),
        (("sweep", "plain", "--images", 3, "--direction", "none.safetensors"), "diffeo edit direction"),
        (("sweep", "plain", "--images", 3, "--direction", "none", "--reach", "inf"), "--reach must be a finite number"),
        (("levels", "plain", "--images", 3, "--temperature", "nan", "--out", "l.png"), "at least 0, got nan"),
        (("class", "classes", "--images", 3, "--temperature", "-1", "--out", "l.png"), "at least 0, got -1.0"),
        (("class", "plain", "--images", 3, "--strength", "inf", "--out", "l.png"), "a finite number, got inf"),
        (("measure", "classes", "--sample-temperature", "nan"), "at least 0, got nan"),
    )  # fmt: skip
    before = set(place.iterdir())
    found = together(*(("edit", *words) for words, _ in cases), cwd=place)
    for one, (words, message) in zip(found, cases, strict=True):
        assert one.status == 1, words
        assert message in one.errors, words
        assert one.errors.count("\n") == 1
    assert set(place.iterdir()) == before


def test_numbers_are_written_with_commas_or_one_by_one(place: Path) -> None:
    once, wrong = together(
        ("edit", "reconstruct", "plain", "--images", 3, "--images", "4,5", "--out", "three.png", "--json"),
        ("edit", "reconstruct", "plain", "--images", "3,x"),
        cwd=place,
    )
    assert once.json["numbers"] == [3, 4, 5]
    assert wrong.status == 2
    assert 'expected numbers of images such as 3,17, or files such as mine.png, got "x"' in wrong.errors


def test_the_commands_on_the_page_are_understood() -> None:
    page = (Path(__file__).parents[2] / "docs" / "editing.md").read_text(encoding="utf-8")
    commands = [line.split() for line in page.splitlines() if line.startswith("    diffeo edit ")]
    for words in commands:
        app.parse_args(words[1:], exit_on_error=False, print_error=False)
    assert {words[2] for words in commands} == OF_THE_PAGE
    for name in OF_THE_PAGE:
        assert f"`{name}`" in page


def test_an_edit_runs_in_a_process_of_its_own(place: Path) -> None:
    done = diffeo("edit", "reconstruct", "plain", "--images", 3, "--out", "own.png", cwd=place)
    assert done.stdout == "wrote own.png: 1 row of 3 images\n"
