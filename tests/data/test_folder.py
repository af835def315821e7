"""A folder of images: what is read, what is named, how it is split."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import diffeo
from diffeo.data.image_files import Unreadable, read_header, read_pixels


def picture(path: Path, width: int = 8, height: int = 8, mode: str = "RGB", seed: int = 0, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Sixty images of two classes."""
    for i in range(60):
        picture(tmp_path / "photos" / ("cat", "dog")[i % 2] / f"{i}.png", seed=i)
    return tmp_path / "photos"


def message(name: str, **options: object) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        diffeo.data.load(name, **options)
    return str(caught.value)


def test_images_become_parts_with_labels_from_subfolders(photos: Path) -> None:
    data = diffeo.data.load(f"folder:{photos}")
    assert data.shape == (3, 8, 8)
    assert data.values == 256
    assert data.class_names == ("cat", "dog")
    assert data.classes == 2
    assert len(data.train) + len(data.validation) + len(data.test) == 60
    assert len(data.train) > 35
    for part in (data.train, data.validation, data.test):
        assert part.files is not None
        assert part.labels is not None
        assert part.x.dtype == torch.uint8
        for x, label, file in zip(part.x, part.labels, part.files, strict=True):
            assert file.startswith(data.class_names[label])
            with Image.open(photos / file) as image:
                assert np.array_equal(x.numpy().transpose(1, 2, 0), np.asarray(image))


def test_what_was_loaded_is_loaded_again_by_its_options(photos: Path) -> None:
    data = diffeo.data.load(f"folder:{photos}", size=4, channels=1)
    again = diffeo.data.load(data.name, **data.options)
    assert data.shape == (1, 4, 4)
    assert torch.equal(data.test.x, again.test.x)


def test_a_file_that_is_added_moves_no_other(photos: Path) -> None:
    before = diffeo.data.load(f"folder:{photos}")
    for i in range(3):
        picture(photos / "cat" / f"0{i}.png", seed=100 + i)
    after = diffeo.data.load(f"folder:{photos}")
    for part in ("train", "validation", "test"):
        assert set(getattr(before, part).files) <= set(getattr(after, part).files)


def test_folders_called_train_val_and_test_are_the_parts(tmp_path: Path) -> None:
    for i, part in enumerate(["train"] * 6 + ["val"] * 2 + ["Test"] * 3):
        picture(tmp_path / part / ("a", "b")[i % 2] / f"{i}.png", seed=i)
    data = diffeo.data.load(f"folder:{tmp_path}")
    assert (len(data.train), len(data.validation), len(data.test)) == (6, 2, 3)
    assert data.class_names == ("a", "b")


def test_a_missing_validation_folder_is_cut_off_train(tmp_path: Path) -> None:
    for i in range(40):
        picture(tmp_path / "train" / f"{i}.png", seed=i)
    picture(tmp_path / "test" / "0.png")
    data = diffeo.data.load(f"folder:{tmp_path}")
    assert len(data.test) == 1
    assert 0 < len(data.validation) < 12
    assert data.classes is None


def test_a_class_called_train_beside_other_classes_is_a_class(tmp_path: Path) -> None:
    for i in range(60):
        picture(tmp_path / ("train", "plane", "test")[i % 3] / f"{i}.png", seed=i)
    assert diffeo.data.load(f"folder:{tmp_path}").class_names == ("plane", "test", "train")


def test_broken_files_are_named_and_skipped_only_when_told_to(photos: Path) -> None:
    (photos / "notes.txt").write_text("no image")
    (photos / "empty.png").touch()
    cut = picture(photos / "cat" / "cut.jpg", 64, 64)
    cut.write_bytes(cut.read_bytes()[:700])
    text = message(f"folder:{photos}", size=8)
    for part in ("3 of 63 files", "notes.txt (no image)", "empty.png (empty)", "cut.jpg (image file is truncated"):
        assert part in text
    assert text.endswith("Use --size 8 --skip-broken")
    data = diffeo.data.load(f"folder:{photos}", size=8, skip_broken=True)
    assert len(data.train) + len(data.validation) + len(data.test) == 60
    assert "left out 3 of 63 files" in data.notes[0]


def test_only_the_first_broken_files_are_named(photos: Path) -> None:
    for i in range(9):
        (photos / f"bad{i}.png").write_text("")
    text = message(f"folder:{photos}")
    assert "bad3.png (empty) and 5 more" in text


def test_all_that_is_wrong_is_said_at_once_with_options_that_work(photos: Path) -> None:
    picture(photos / "cat" / "wide.png", 20, 10)
    (photos / "notes.txt").write_text("no image")
    text = message(f"folder:{photos}", channels=3)
    assert "8x8 (60), 20x10 (1)" in text
    assert "notes.txt" in text
    assert text.endswith("Use --size 8 --channels 3 --skip-broken")
    data = diffeo.data.load(f"folder:{photos}", size=9, channels=3, skip_broken=True)
    assert data.shape == (3, 9, 9)
    assert "were enlarged" in data.notes[1]


def test_systems_leftovers_are_not_looked_at(photos: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "__MACOSX/._0.png", ".thumbnails/1.png"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_text("no image")
    assert diffeo.data.load(f"folder:{photos}").notes == ()


def test_too_few_images_for_three_parts_are_refused(tmp_path: Path) -> None:
    for i in range(2):
        picture(tmp_path / f"{i}.png", seed=i)
    assert "subfolders train, validation and test" in message(f"folder:{tmp_path}")


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    assert "holds no files" in message(f"folder:{tmp_path / 'some'}")
    (tmp_path / "some" / "a.txt").write_text("a")
    assert "no image that can be read: a.txt (no image)" in message(f"folder:{tmp_path / 'some'}")
    assert "table:" in message(f"folder:{tmp_path / 'some' / 'a.txt'}")


def test_wrong_options_are_refused(photos: Path) -> None:
    assert "positive number of pixels" in message(f"folder:{photos}", size=0)
    assert "1 (grey) or 3 (RGB)" in message(f"folder:{photos}", channels=4)


def test_grey_images_give_one_channel_and_mixed_ones_three(tmp_path: Path) -> None:
    for i in range(60):
        picture(tmp_path / f"{i}.png", mode="L", seed=i)
    assert diffeo.data.load(f"folder:{tmp_path}").shape == (1, 8, 8)
    picture(tmp_path / "colour.png")
    assert diffeo.data.load(f"folder:{tmp_path}").shape == (3, 8, 8)


def test_korean_names_are_found_in_either_form(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "사진")
    for i in range(60):
        picture(tmp_path / apart / unicodedata.normalize("NFD", ("고양이", "강아지")[i % 2]) / f"{i}.png", seed=i)
    data = diffeo.data.load(f"folder:{tmp_path}/사진")
    assert data.class_names == ("강아지", "고양이")
    (tmp_path / "other").mkdir()
    for i in range(60):  # the same names as one letter each are in the same parts
        picture(tmp_path / "other" / ("고양이", "강아지")[i % 2] / f"{i}.png", seed=i)
    assert diffeo.data.load(f"folder:{tmp_path}/other").test.files == data.test.files


def test_linked_folders_are_followed_but_not_in_circles(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    os.symlink(photos, tmp_path / "links" / "photos")
    os.symlink(tmp_path / "links", tmp_path / "links" / "self")
    data = diffeo.data.load(f"folder:{tmp_path / 'links'}")
    assert len(data.train) + len(data.validation) + len(data.test) == 60


def test_read_gives_every_image_in_order(photos: Path) -> None:
    part = diffeo.data.read(f"folder:{photos}", size=4, channels=1, skip_broken=True)
    assert part.x.shape == (60, 1, 4, 4)
    assert part.files is not None
    assert list(part.files) == sorted(part.files)
    assert part.rows is not None
    assert part.rows.tolist() == list(range(60))


def test_the_square_in_the_middle_is_kept(tmp_path: Path) -> None:
    pixels = np.zeros((4, 12, 3), np.uint8)
    pixels[:, 4:8] = 200
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_pixels(tmp_path / "a.png", 3, 4) == 200).all()


def test_images_lie_as_their_camera_says(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=100)
    header = read_header(tmp_path / "a.jpg")
    assert (header.width, header.height, header.grey) == (16, 32, True)
    upright = read_pixels(tmp_path / "a.jpg", 1)[0]
    assert upright.shape == (32, 16)
    assert upright[:14].min() > 240
    assert upright[18:].max() < 15


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 200, 32896, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert read_header(tmp_path / "a.png").grey
    assert read_pixels(tmp_path / "a.png", 1).tolist() == [[[0, 1, 128, 255]]]
    Image.fromarray(np.array([[0, 70_000]], np.int32)).save(tmp_path / "b.tif")
    with pytest.raises(Unreadable, match="more than 16 bits"):
        read_pixels(tmp_path / "b.tif", 1)
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "c.tif")
    with pytest.raises(Unreadable, match="no fixed range"):
        read_pixels(tmp_path / "c.tif", 1)


def test_transparent_parts_are_white_and_palettes_are_colours(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[9, 9, 9, 0], [9, 8, 7, 255]]], np.uint8)).save(tmp_path / "a.png")
    assert read_pixels(tmp_path / "a.png", 3)[:, 0].T.tolist() == [[255, 255, 255], [9, 8, 7]]
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "b.png", transparency=0)
    assert not read_header(tmp_path / "b.png").grey
    assert read_pixels(tmp_path / "b.png", 3)[:, 0].T.tolist() == [[255, 255, 255], [40, 50, 60]]
    Image.new("CMYK", (1, 1), (0, 0, 0, 255)).save(tmp_path / "c.jpg", quality=100)
    assert read_pixels(tmp_path / "c.jpg", 3).max() < 5


def pixels_of(part: diffeo.data.Part) -> set[bytes]:
    return {x.numpy().tobytes() for x in part.x}


def test_equal_images_are_in_one_part_whatever_they_are_called(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for i in range(60):
        picture(root / "cat" / f"{i}.png", seed=i)
        picture(root / "cat" / f"{i} (1).png", seed=i)
        picture(root / "dog" / f"사본 {i}.bmp", seed=i)  # another format, and another class
    data = diffeo.data.load(f"folder:{root}")
    parts = [pixels_of(part) for part in (data.train, data.validation, data.test)]
    assert [len(p) for p in parts] == [len(p) // 3 for p in (data.train, data.validation, data.test)]
    assert sum(len(p) for p in parts) == 60
    assert len(parts[0] | parts[1] | parts[2]) == 60  # none in two parts
    assert data.notes == ("120 of 180 images equal another: they are in the same part",)


def test_an_image_that_is_renamed_or_joined_by_colours_stays_in_its_part(tmp_path: Path) -> None:
    for i in range(60):
        picture(tmp_path / "a" / f"{i}.png", mode="L", seed=i)
        picture(tmp_path / "b" / f"{59 - i}.bmp", mode="L", seed=i)
    picture(tmp_path / "b" / "colour.png", seed=60)
    a, b = (diffeo.data.load(f"folder:{tmp_path / name}") for name in "ab")
    assert (a.shape, b.shape) == ((1, 8, 8), (3, 8, 8))
    for part in ("train", "validation", "test"):
        grey = {x[0].numpy().tobytes() for x in getattr(b, part).x}
        assert pixels_of(getattr(a, part)) <= grey


def test_copies_across_folders_that_are_the_parts_are_counted(tmp_path: Path) -> None:
    for i in range(30):
        picture(tmp_path / "train" / f"{i}.png", seed=i)
    for i in range(5):
        picture(tmp_path / "val" / f"v{i}.png", seed=i + 28)  # two of train
        picture(tmp_path / "test" / f"t{i}.png", seed=i + 32)  # one of val
    data = diffeo.data.load(f"folder:{tmp_path}")
    assert (len(data.train), len(data.validation), len(data.test)) == (30, 5, 5)
    assert data.notes == (
        "3 of 40 images equal another: 2 of 5 validation images equal one of an earlier part, "
        "1 of 5 test images equal one of an earlier part",
    )


def test_what_is_lost_of_images_is_counted(tmp_path: Path) -> None:
    for i in range(60):
        picture(tmp_path / f"{i}.png", mode="L", seed=i)
    picture(tmp_path / "seen through.png", mode="LA", seed=60)
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 900).save(tmp_path / "deep.png")
    frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (1, 2)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert set(diffeo.data.load(f"folder:{tmp_path}").notes) == {
        "1 of 63 images have an alpha channel: transparent parts became white",
        "1 of 63 images have 16 bits a channel, which became 8",
        "1 of 63 images are animations or have several pages, of which the first counts",
    }


def test_parts_by_name_are_those_of_old_runs(photos: Path) -> None:
    data = diffeo.data.load(f"folder:{photos}", part_by="name")
    assert data.test.files == ("cat/4.png", "cat/54.png", "dog/3.png", "dog/33.png")
    assert data.options["part_by"] == "name"
    assert diffeo.data.load(f"folder:{photos}").options["part_by"] == "pixels"
    assert "expected 'pixels' or 'name'" in message(f"folder:{photos}", part_by="names")
