"""Directions of the latent along which an attribute changes: from labels, or from measured numbers."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor

from diffeo.editing.fingerprint import fingerprint
from diffeo.editing.latent import as_rows, decode_images, encode_images
from diffeo.flow import Flow
from diffeo.inputs import Condition
from diffeo.saving import tensors
from diffeo.system.documents import json_object
from diffeo.system.writing import write_atomically

Method = Literal["means", "probe", "whitened"]
HELD_OUT = 5  # every fifth row tests the direction


@dataclass(frozen=True)
class Direction:
    """A step in latent space, after which an attribute is another.

    Attributes:
        vector: ``(D,)``; strength 1 adds it once.
        attribute: what changes.
        method: how it was found.
        unit: what strength 1 is.
        step: how much a number changes by strength 1; 1 for yes or no.
        rows: how many images it was found from.
        score: on images that were held out: for a yes-or-no attribute, the probability that of one image of each
            kind the right one lies further along (area under the ROC curve); for a number, the correlation.
        flow: :func:`fingerprint` of the flow of whose latents it is; None where nothing says so.
    """

    vector: Tensor
    attribute: str
    method: str
    unit: str
    step: float
    rows: int
    score: float
    flow: str | None = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as safetensors.

        Raises:
            FileExistsError: if the file exists.
        """
        from safetensors.torch import save

        path = Path(path)
        if path.exists():
            raise FileExistsError(f"{path} exists. Choose another name, or remove it")
        described = {
            key: value for key, value in asdict(replace(self, vector=torch.empty(0))).items() if key != "vector"
        }
        vector = self.vector.detach().cpu().contiguous()
        write_atomically(path, save({"vector": vector}, metadata={"direction": json.dumps(described)}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Direction":
        """Open what :meth:`save` wrote.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it holds no direction.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"there is no file {path}. A direction is made by: diffeo edit direction")
        try:
            outline = tensors.outline(path)
            described = json_object(outline.metadata["direction"], str(path))
            known = {field.name for field in fields(cls)} - {"vector"}
            if set(described) | {"flow"} != known:  # without the flow in older files
                raise KeyError("direction")
            return cls(vector=tensors.read(path, outline)["vector"], **described)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path} holds no direction. One is made by: diffeo edit direction") from error


def find_direction(z: Tensor, target: Tensor, *, method: Method = "means", attribute: str = "attribute") -> Direction:
    r"""The direction of the latent along which an attribute changes.

    ``means``: for yes or no, the difference :math:`v = m_1 - m_0` of the mean latents of images with and without; for
    a number y, the slope of z on it, :math:`v = \mathrm{cov}(z, y) / \mathrm{sd}(y)`.
    ``probe``: the normal w of a linear probe (logistic, or ridge for numbers), scaled to
    :math:`v = w\, \Delta / \|w\|^2`, so that the probe's value rises by :math:`\Delta`, which is the difference between
    both means, or of numbers one standard deviation. ``whitened``: the probe's normal for latents that were whitened by
    their own covariance first, taken back: entries that vary little move little.

    Args:
        z: ``(N, D)``, by :func:`encode_images`.
        target: ``(N,)``; booleans, or numbers.
        method: see above.
        attribute: its name.

    Raises:
        ValueError: if rows do not fit, z is not finite, or the attribute or z along it does not vary (among the rows
            held out too), or one of both kinds has fewer than 5 images.

    References:
        Kingma and Dhariwal, Glow, 2018, section 6 (means). https://arxiv.org/abs/1807.03039
        Shen et al., InterFaceGAN, 2020 (a probe's normal). https://arxiv.org/abs/2005.09635

    Example:
        >>> z = torch.randn(500, 4)
        >>> direction = find_direction(z, z[:, 1] > 0, method="probe")
        >>> int(direction.vector.argmax()), direction.score > 0.95
        (1, True)
    """
    if z.dim() != 2 or target.shape != z.shape[:1]:
        raise ValueError(
            f"expected z of shape (N, D) and a target of shape (N,), got {tuple(z.shape)} and {tuple(target.shape)}"
        )
    if method not in FITS:
        raise ValueError(f"method must be one of {', '.join(FITS)}, got {method!r}")
    if not bool(z.isfinite().all()):
        broken = int((~z.isfinite().all(1)).nonzero()[0])
        raise ValueError(
            f"z holds NaN or infinity in row {broken}. Use rows of z that are finite: z[z.isfinite().all(1)]"
        )
    binary = target.dtype == torch.bool
    check_target(target, attribute)
    points, wanted = z.double().cpu().numpy(), target.cpu().numpy()
    held_out = _held_out(wanted, binary=binary)
    rows, y = points[~held_out], wanted[~held_out] if binary else wanted[~held_out].astype(np.float64)
    vector = FITS[method](rows, y)
    along = points[held_out] @ vector
    if not binary and along.min() == along.max():
        raise ValueError(f"{attribute}: z does not vary with it, so there is no direction in which it changes")
    return Direction(
        vector=torch.from_numpy(vector).to(z),
        attribute=attribute,
        method=method,
        unit="from images without it to images with it" if binary else "one standard deviation",
        step=1.0 if binary else float(y.std()),
        rows=len(rows),
        score=_score(along, wanted[held_out], binary=binary),
    )


def check_target(target: Tensor, attribute: str) -> None:
    """Refuse an attribute from which no direction can be found: too few images, or all alike.

    Raises:
        ValueError: naming the attribute and what is missing.
    """
    if target.dtype != torch.bool:
        numbers = target.double()
        if len(numbers) < 10 or not bool(numbers.isfinite().all()) or float(numbers.std()) == 0:
            raise ValueError(f"{attribute}: at least 10 finite numbers that differ are needed to find a direction")
        held_out = torch.from_numpy(_held_out(target.cpu().numpy(), binary=False)).to(target.device)
        for named, some in (("every fifth image", numbers[held_out]), ("the other images", numbers[~held_out])):
            if float(some.min()) == float(some.max()):
                raise ValueError(
                    f"{attribute}: {named} all have {float(some[0]):g}, but it has to vary among every fifth, which "
                    f"test a direction, and among the others, which it is found from. Give more or other images"
                )
        return
    counts = {"with": int(target.sum()), "without": int((~target).sum())}
    for word, count in counts.items():
        if count < HELD_OUT:
            raise ValueError(
                f"{attribute}: {count} images {word} it, and at least {HELD_OUT} are needed to find a direction"
            )


def _held_out(wanted: np.ndarray, *, binary: bool) -> np.ndarray:
    """Every fifth row, of each kind."""
    held_out = np.zeros(len(wanted), bool)
    for kind in (True, False) if binary else (None,):
        rows = np.flatnonzero(wanted == kind) if binary else np.arange(len(wanted))
        held_out[rows[HELD_OUT - 1 :: HELD_OUT]] = True
    return held_out


def _means(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    if y.dtype == bool:
        return cast(np.ndarray, z[y].mean(0) - z[~y].mean(0))
    return cast(np.ndarray, (z - z.mean(0)).T @ (y - y.mean()) / (len(y) * y.std()))


def _probe(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    if y.dtype == bool:
        w = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000).fit(z, y).coef_[0]
        step = w @ _means(z, y)
    else:
        w = RidgeCV(alphas=np.logspace(0, 5, 11)).fit(z, y).coef_
        step = y.std()
    return cast(np.ndarray, w * step / max(float(w @ w), 1e-300))


def _whitened(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    from sklearn.covariance import LedoitWolf

    size, axes = np.linalg.eigh(LedoitWolf().fit(z).covariance_)
    root = np.sqrt(size.clip(1e-12))
    white = (z - z.mean(0)) @ (axes / root)
    return cast(np.ndarray, axes @ (root * _probe(white, y)))


FITS = {"means": _means, "probe": _probe, "whitened": _whitened}


def _score(along: np.ndarray, wanted: np.ndarray, *, binary: bool) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(wanted, along)) if binary else float(np.corrcoef(along, wanted)[0, 1])


def sweep(
    flow: Flow,
    x: Tensor,
    direction: Direction,
    strengths: Sequence[float] = (-2, -1, 0, 1, 2),
    *,
    condition: Condition = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Images moved along a direction, ``(B, S, C, H, W)``: decode(encode(x) + strength * vector).

    Args:
        flow: of images.
        x: ``(B, C, H, W)``.
        direction: of this flow's latents.
        strengths: how far, in the direction's unit.
        condition: ``(B, ..)`` or one for all.
        generator: draws the noise inside the cells of integers; the middle is taken if not given.

    Raises:
        ValueError: if images, condition or direction do not fit the flow, or a strength is not finite.

    Example:
        >>> import diffeo
        >>> flow, data = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8), diffeo.data.load("digits")
        >>> z = encode_images(flow, data.train.x)
        >>> bold = find_direction(z, data.train.x.float().mean((1, 2, 3)), attribute="brightness")
        >>> moved = sweep(flow, data.test.x[:3], bold, [-3, 0, 3])
        >>> moved.shape, bool((moved[:, 1] == data.test.x[:3]).all())
        (torch.Size([3, 3, 1, 8, 8]), True)
    """
    if direction.vector.shape != flow.base.shape:
        raise ValueError(
            f"the direction is of {direction.vector.numel()} numbers, and the flow's latent has {flow.base.shape[0]}: "
            f"it was found with another flow"
        )
    if direction.flow not in (None, fingerprint(flow)):
        raise ValueError(
            f"the direction of {direction.attribute} was found with another flow, or other weights of this one. "
            f"Find it again: diffeo edit direction"
        )
    if not len(strengths):
        raise ValueError("at least one strength is needed")
    if not all(map(math.isfinite, strengths)):
        raise ValueError(f"strengths must be finite numbers, got {', '.join(map(str, strengths))}")
    z = encode_images(flow, x, condition, generator=generator)
    steps = torch.as_tensor(list(strengths)).to(z)
    moved = z[:, None] + steps[:, None] * direction.vector.to(z)
    rows = as_rows(flow, condition, len(x))
    images = decode_images(flow, moved.flatten(0, 1), None if rows is None else rows.repeat_interleave(len(steps), 0))
    return images.view(len(x), len(steps), *flow.shape)
