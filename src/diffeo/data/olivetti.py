"""The Olivetti faces: 400 images of 64x64 grey pixels, ten of each of 40 people, who are never in two parts."""

import gzip
import hashlib
import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diffeo.data.dataset import Dataset, Part
from diffeo.data.download import BYTES, SHA256, file_of
from diffeo.system.regular import open_regular

FILE = "olivettifaces.mat"
SAVED_AGAIN = "b1988d02c72fe5b8ee82b5ef3bb7982eafc74f1e1ff0ae0ade35061ad0af534d"  # the same faces, by MATLAB in 2013
PEOPLE, IMAGES, SIDE = 40, 10, 64
VALIDATION = (1, 3, 18, 34)  # people, from 0 in the file's order; drawn at random, once
TEST = (2, 4, 11, 23, 24, 27)


def olivetti() -> Dataset:
    """Train 300 images of 30 people, validation 40 of 4, test 60 of 6.

    Labels are the people's numbers. They are no classes: a flow never sees those of the test part.

    Raises:
        FileNotFoundError: if the file is not there and cannot be downloaded.
        ValueError: if it is damaged, or holds something else.
    """
    import torch

    images = torch.from_numpy(read_faces(file_of("olivetti", FILE)))[:, None]
    person = torch.arange(PEOPLE).repeat_interleave(IMAGES)

    def part(people: set[int]) -> Part:
        rows = torch.tensor([int(who) in people for who in person]).nonzero().flatten()
        return Part(images[rows], person[rows], rows=rows)

    return Dataset(
        "olivetti",
        part(set(range(PEOPLE)) - {*VALIDATION, *TEST}),
        part(set(VALIDATION)),
        part(set(TEST)),
        values=256,
        source="AT&T Laboratories Cambridge, The Database of Faces, 1992 to 1994, as cropped by Sam Roweis",
    )


def read_faces(path: Path) -> NDArray[np.uint8]:
    """The images of the published MATLAB file, packed with gzip or not, ``(400, 64, 64)``.

    Raises:
        ValueError: if it is another file; it is not parsed then, as scipy's reader does not survive every file.
    """
    from scipy.io import loadmat

    faces = loadmat(io.BytesIO(_published(path)), variable_names=["faces"])["faces"]  # (4096, 400)
    return np.ascontiguousarray(faces.T.reshape(-1, SIDE, SIDE).transpose(0, 2, 1))  # a column an image, by columns


def _published(path: Path) -> bytes:
    size = BYTES["olivetti"][FILE]
    advice = f"Get the published {FILE} instead, or remove it to have it downloaded"
    try:
        with open_regular(path) as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            with gzip.GzipFile(fileobj=file) if packed else file as source:
                content = source.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}. {advice}") from error
    if hashlib.sha256(content).hexdigest() not in (SHA256["olivetti"][FILE], SAVED_AGAIN):
        raise ValueError(f"{path} is damaged, or another file than the published one (its SHA-256 differs). {advice}")
    return content
