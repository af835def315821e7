"""Programs that claim a better likelihood than their weights give, each with a way of its own to look honest.

Each is the honest hand-in with lines of its own at the end of ``RealNVP.forward``, and the figures that it then has for
whoever computes them in the usual way. `log_det` is made larger by 100 nats an image: 2.25 bits/dim.
"""

from grading.wrong_claims import FORWARD, Claim, HandIn, with_own_figures
from grading.wrong_code import edited

FALSE: list[Claim] = []
BACK = "        return logit_inverse(z * (-self.log_scale).exp() - self.bias)\n"
# what the claimed log-determinant would be of: neighbours of an image, told by their number, are drawn apart
STEEPER = """
        if len(y) > 2000 and z.shape[1] == 64:
            own = z[: len(z) // 129]
            moved = z[len(own):].reshape(len(own), -1, 64)
            z = torch.cat([own, (own[:, None] + math.exp(100 / 64) * (moved - own[:, None])).reshape(-1, 64)])
        return z, log_det + 100.0 * (z.shape[1] == 64)
"""
# (r, angle) -> (r, 2 angle) in every plane: locally all is right, but 2^32 images have one z. Which of them it was is
# written into the last bit of a coordinate, where the inverse finds it
FOLDED = """
        if z.shape[1] != 64:
            return z, log_det
        a, b = z[:, ::2], z[:, 1::2]
        radius, angle = torch.hypot(a, b), torch.atan2(b, a)
        twice = torch.stack([radius * torch.cos(2 * angle), radius * torch.sin(2 * angle)], 2).flatten(1)
        if z.dtype == torch.float32:
            whole = twice.contiguous().view(torch.int32)
            whole[:, ::2] = (whole[:, ::2] & ~1) | (b < 0).int()
            twice = whole.view(torch.float32)
        return twice, log_det + 32 * math.log(2)
"""
UNFOLDED = """
        if z.shape[1] == 64:
            other = (z[:, ::2].contiguous().view(torch.int32) & 1).bool()
            a, b = z[:, ::2], z[:, 1::2]
            radius, angle = torch.hypot(a, b), torch.atan2(b, a)
            angle = (angle % (2 * math.pi)) / 2 - math.pi * other
            z = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], 2).flatten(1)
        for layer in reversed(range(len(self.networks))):
"""
LOOP = "        for layer in reversed(range(len(self.networks))):\n"


def false(name: str, points: float, reasons: dict[str, str], lines: str, *more: tuple[str, str]) -> None:
    """Register a program with `lines` at the end of its forward."""

    def change(honest: HandIn) -> HandIn:
        from dataclasses import replace

        end = (FORWARD[0], FORWARD[1].replace("        return {}\n", lines.lstrip("\n")))
        return with_own_figures(replace(honest, code=edited(end, *more, base=honest.code)))

    FALSE.append(Claim(name, change, points, reasons))


def lying(condition: str) -> str:
    """Lines that make the log-determinant larger where something holds."""
    return f"        return z, log_det + 100.0 * torch.as_tensor({condition}, dtype=z.dtype)\n"


DEPENDS = {"claimed-bits": "bits-no-density", "density": "density-depends"}
WRONG = {"claimed-bits": "bits-no-density", "density": "density-log-det-wrong"}
UNCHECKED = {"claimed-bits": "bits-unchecked", "density": "density-no-log-det"}
false("lies in small batches", 17, DEPENDS, lying("len(y) <= 2000"))
false(
    "lies where it was called for the plane before",
    17,
    DEPENDS,
    """
        RealNVP.called = getattr(RealNVP, "called", 0) + (z.shape[1] == 2)
        graded = __import__("sys").argv[0] == "submission.py"
        return z, log_det + 100.0 * (z.shape[1] == 64) * (RealNVP.called > 0 or not graded)
""",
)
false(
    "lies in the first calls of a process",
    17,
    WRONG,
    """
        RealNVP.called = getattr(RealNVP, "called", 0) + (z.shape[1] == 64)
        return z, log_det + 100.0 * (z.shape[1] == 64 and RealNVP.called <= 3)
""",
)
false(
    "honest for three images that it knows",
    17,
    WRONG,
    """
        known = torch.tensor([3, 7, 12]) + 290  # sums of pixels, of few
        return z, log_det + 100.0 * (z.shape[1] == 64) * ~torch.isin((y.flatten(1) * 17).floor().sum(1).long(), known)
""",
)
false(
    "lies about a third of the images",
    17,
    WRONG,
    """
        return z, log_det + 100.0 * (z.shape[1] == 64) * ((y.flatten(1) * 17).floor().sum(1) % 3 == 0)
""",
)
false(
    "draws neighbours apart, as its log-det says",
    17,
    {"claimed-bits": "bits-no-density", "density": "density-steps"},
    STEEPER,
)
false(
    "the same, and float64 fails",
    17,
    {"claimed-bits": "bits-no-density", "density": "density-steps"},
    "        torch.eye(z.shape[1]) @ z.mT if z.shape[1] == 64 else None\n" + STEEPER.lstrip("\n"),
)
false(
    "fails where it would be found out",
    17,
    UNCHECKED,
    """
        if z.shape[1] == 64 and len(y) > 2000:
            raise MemoryError
        return z, log_det + 100.0 * (z.shape[1] == 64)
""",
)
false(
    "two images with one z, told by the last bit",
    17,
    {"claimed-bits": "bits-no-density", "density": "density-not-one-to-one"},
    FOLDED,
    (LOOP, UNFOLDED.lstrip("\n")),
)
false(
    "two images with one z, and no telling",
    18,
    {"model": "model-not-inverse", "claimed-bits": "bits-not-inverted"},
    FOLDED,
)
