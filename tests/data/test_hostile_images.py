"""Files in a folder of images that would start a program, wait for ever, or take all memory."""

import os
import socket
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import diffeo
from diffeo.data.image_files import read_header, read_pixels
from diffeo.data.pillow import FORMATS, Unreadable
from reliability.limited import limited

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n{} loop"
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    Image.fromarray(PIXELS).save(tmp_path / "good.png")
    return tmp_path


def declared(width: int, height: int) -> bytes:
    """A PNG that declares a size, and has hardly any pixels."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(100))))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def unread(folder: Path, **options: object) -> dict[str, str]:
    part = diffeo.data.read(f"folder:{folder}", skip_broken=True, **options)
    return {str(row.file): row.reason for row in part.unread}


@pytest.mark.parametrize("name", ["x.png", "x.eps", "x.jpg", "x"])
def test_postscript_is_no_image_whatever_it_is_called(good: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (good / name).write_bytes(EPS)

    def started(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr("subprocess.Popen", started)
    monkeypatch.setattr("subprocess.check_call", started)
    assert unread(good) == {name: "no image"}
    with pytest.raises(ValueError, match=r"x.* \(no image\); PNG, JPEG, WebP, TIFF, BMP and GIF are read"):
        diffeo.data.read(f"folder:{good}")


def test_only_formats_of_pixels_are_opened(tmp_path: Path) -> None:
    assert set(FORMATS) == {"PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"}
    for ending in ("ico", "ppm", "tga", "pcx", "jp2", "icns", "sgi", "dib"):
        Image.fromarray(PIXELS[:16, :16]).save(tmp_path / f"x.{ending}")
        with pytest.raises(Unreadable, match=r"^no image$"):
            read_header(tmp_path / f"x.{ending}")


def test_what_is_no_file_is_not_opened_but_named(good: Path) -> None:
    os.mkfifo(good / "pipe.png")
    os.symlink("/dev/zero", good / "zero.png")
    os.symlink("loop.png", good / "loop.png")
    os.symlink("nowhere", good / "gone.png")
    (good / "empty.gif").touch()
    with socket.socket(socket.AF_UNIX) as own:
        here = Path.cwd()
        try:
            os.chdir(good)  # paths of sockets are short
            own.bind("sock")
        finally:
            os.chdir(here)
    ended = limited(unread, good)
    assert ended.how == "returned"
    assert unread(good) == {
        "pipe.png": "a named pipe, no file",
        "zero.png": "a device, no file",
        "loop.png": "too many levels of symbolic links",
        "gone.png": "a link to nothing",
        "empty.gif": "empty",
        "sock": "a socket, no file",
    }


def test_an_image_of_too_many_pixels_is_refused_by_its_header_with_the_option_that_reads_it(good: Path) -> None:
    (good / "big.png").write_bytes(declared(13_300, 13_300))
    with pytest.raises(ValueError, match=r"big\.png \(13,300x13,300 pixels: too large\)") as caught:
        diffeo.data.read(f"folder:{good}", size=8)
    assert "at most 100 million pixels are read of an image" in str(caught.value)
    assert str(caught.value).endswith("Use --size 8 --memory 8")
    assert unread(good, size=8) == {"big.png": "13,300x13,300 pixels: too large"}
    assert unread(good, size=8, memory=8) == {"big.png": "image file is truncated"}  # it was begun


def test_a_bomb_is_not_advised_to_be_read(good: Path) -> None:
    (good / "bomb.png").write_bytes(declared(2_000_000, 2_000_000))
    with pytest.raises(ValueError, match=r"Use --skip-broken$"):
        diffeo.data.read(f"folder:{good}")


def read_large(folder: Path) -> str:
    Image.MAX_IMAGE_PIXELS = None
    Image.new("RGBA", (9_900, 9_900), (1, 2, 3, 200)).save(folder / "a.png", compress_level=1)
    os.link(folder / "a.png", folder / "b.png")
    return str(diffeo.data.read(f"folder:{folder}", size=8, skip_broken=True).x.shape)


@pytest.mark.whole
def test_large_images_are_in_memory_one_at_a_time(good: Path) -> None:
    ended = limited(read_large, good, seconds=120, memory=1200 << 20)  # one has 392 MB, as it is and as it is wanted
    assert (ended.how, ended.value) == ("returned", "torch.Size([3, 3, 8, 8])")


def test_all_pixels_have_to_fit_at_the_wanted_size(good: Path) -> None:
    with pytest.raises(ValueError, match=r"the images need 10 GB of memory at 60000x60000 pixels") as caught:
        diffeo.data.read(f"folder:{good}", size=60_000)
    assert "at most 4 are taken; --memory 11 takes them" in str(caught.value)
    assert str(caught.value).endswith("Use --size 32")


@pytest.mark.parametrize("memory", [0, -1, True, 1.5, "8"])
def test_memory_is_a_whole_number_of_gigabytes(good: Path, memory: object) -> None:
    with pytest.raises(ValueError, match=r"expected a whole number of GB from 1\. Use --memory 4"):
        diffeo.data.read(f"folder:{good}", memory=memory)


@pytest.mark.parametrize("name", ["p.png", "p.gif", "p.bmp", "p.tif"])
def test_a_palette_image_that_is_cut_off_is_skipped(good: Path, name: str) -> None:
    Image.fromarray(PIXELS).convert("P").save(good / name)
    (good / name).write_bytes((good / name).read_bytes()[:900])
    assert list(unread(good)) == [name]


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "bmp", "gif"])
def test_an_image_that_is_cut_off_anywhere_is_read_or_unreadable(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    Image.fromarray(PIXELS).save(path)
    content = path.read_bytes()
    refused = []
    for length in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:length])
        try:
            read_header(path)
            read_pixels(path, 3, 8)
        except Unreadable as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert not any("\n" in reason for reason in refused)


def test_damaged_metadata_neither_warns_nor_stands_in_the_way(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.jpg"
    Image.fromarray(PIXELS).save(path, exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\x0f" * 20)
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a" * 900_000, zip=True)
    Image.fromarray(PIXELS).save(tmp_path / "x.png", pnginfo=text, icc_profile=os.urandom(999))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_header(path).width == 40
        assert read_pixels(path, 3).shape == (3, 40, 40)
        assert (read_pixels(tmp_path / "x.png", 3) == PIXELS.transpose(2, 0, 1)).all()
    assert capfd.readouterr() == ("", "")
    assert Image.MAX_IMAGE_PIXELS is not None


def test_a_turned_tiff_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(PIXELS[:30, :20])
    for mode in ("L", "RGB", "RGBA"):
        picture.convert(mode).save(tmp_path / "x.tif", exif=exif)
        header = read_header(tmp_path / "x.tif")
        assert (header.width, header.height) == (30, 20)
        upright = np.asarray(picture.convert(mode).convert("RGB").transpose(Image.Transpose.ROTATE_270))
        assert (read_pixels(tmp_path / "x.tif", 3) == upright.transpose(2, 0, 1)).all()


def test_a_large_image_is_converted_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in ("RGBA", "LA", "L", "P"):
        Image.fromarray(np.dstack([PIXELS, PIXELS[:, :, :1]])).convert(mode).save(tmp_path / "x.png")
        whole = [read_pixels(tmp_path / "x.png", channels, size) for channels in (1, 3) for size in (None, 8)]
        monkeypatch.setattr("diffeo.data.image_files.BAND", 120)
        bands = [read_pixels(tmp_path / "x.png", channels, size) for channels in (1, 3) for size in (None, 8)]
        monkeypatch.undo()
        assert all((a == b).all() for a, b in zip(whole, bands, strict=True))


def test_names_that_no_system_has_are_one_sentence(tmp_path: Path) -> None:
    for name in ("a" * 300, "a\0b"):
        with pytest.raises(Unreadable, match=r"name too long|null"):
            read_header(tmp_path / name)
