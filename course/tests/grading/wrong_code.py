"""Programs that students might hand in: the worked solution with small edits, and what each is to be given.

Each case names the points it should get out of 50 and, for every line of the rubric that loses some, the message.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from diffeo_course.grading.rubric import RUBRIC
from diffeo_course.material import material

BASE = (material() / "assignment" / "solution.py").read_text(encoding="utf-8")
CODE = [line.key for line in RUBRIC if line.part == "code"]


@dataclass(frozen=True)
class Case:
    """A submission, and what it should be given.

    Args:
        name: what is wrong or odd about it.
        code: the program; None where `content` is the file.
        points: out of 50.
        reasons: for each line that loses points, the message's key.
        content: the file as bytes, where it is not the program in UTF-8.
        suffix: of the file.
    """

    name: str
    code: str
    points: float
    reasons: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    suffix: str = ".py"


CASES: list[Case] = []


def case(name: str, points: float, reasons: dict[str, str] | None = None) -> Callable[[Callable[[], str]], None]:
    """Register a program under a name."""

    def register(make: Callable[[], str]) -> None:
        CASES.append(Case(name, make(), points, reasons or {}))

    return register


def edited(*changes: tuple[str, str], base: str = BASE) -> str:
    """The worked solution with pieces replaced, each of which has to be in it."""
    for old, new in changes:
        assert old in base, old
        base = base.replace(old, new, 1)
    return base


def body(function: str, *lines: str) -> str:
    """The worked solution with the body of one function replaced; its docstring goes too."""
    pattern = rf"(?ms)^(def {function}\(.*?\):\n).*?(?=^(?:def|class|# ---)|\Z)"
    made, count = re.subn(pattern, lambda found: found[1] + "".join(f"    {line}\n" for line in lines) + "\n\n", BASE)
    assert count == 1, function
    return made


def without(*functions: str, more: str = "") -> str:
    """The worked solution without some functions, with something else at its end."""
    code = BASE
    for function in functions:
        code, count = re.subn(rf"(?ms)^def {function}\(.*?(?=^(?:def|class|# ---)|\Z)", "", code)
        assert count == 1, function
    return code + more


def wrong(name: str, points: float, reasons: dict[str, str], code: str) -> None:
    """Register a program with mistakes."""
    CASES.append(Case(name, code, points, reasons))


# the coupling's lines, shorter
BOTH = ("coupling-forward", "coupling-log-det")
RAW = ("raw, shift = network(mask * x)", "log_scale = (1 - mask) * torch.tanh(raw)")
Z = "x * log_scale.exp() + (1 - mask) * shift"


def forward(returned: str, *first: str) -> str:
    """Another ``coupling_forward``."""
    return body("coupling_forward", *(first or RAW), f"return {returned}")


def both(key: str) -> dict[str, str]:
    """Both lines of ``coupling_forward`` with one message."""
    return dict.fromkeys(BOTH, key)


CASES.append(Case("the worked solution", BASE, 50))

# ---- the coupling
L = "coupling-log-det"
wrong("log-det: sign flipped", 45, {L: "mistake-log-det-sign"}, forward(f"{Z}, -log_scale.sum(1)"))
wrong("log-det: summed over the batch", 45, {L: "mistake-log-det-batch-sum"}, forward(f"{Z}, log_scale.sum()"))
wrong("log-det: mean over the batch", 45, {L: "mistake-log-det-batch-mean"}, forward(f"{Z}, log_scale.sum(1).mean()"))
wrong("log-det: mean instead of sum", 45, {L: "mistake-log-det-mean"}, forward(f"{Z}, log_scale.mean(1)"))
wrong("log-det: not summed", 46.25, {L: "mistake-log-det-unsummed"}, forward(f"{Z}, log_scale"))
wrong("log-det: kept dimensions too", 45, {L: "mistake-log-det-unmasked"}, forward(f"{Z}, torch.tanh(raw).sum(1)"))
wrong("log-det: always zero", 45, {L: "mistake-log-det-zero"}, forward(f"{Z}, torch.zeros(len(x))"))
wrong("log-det: shape (B, 1)", 47.5, {L: "form-shape"}, forward(f"{Z}, log_scale.sum(1, keepdim=True)"))
wrong("log-det: NaN", 45, {L: "not-finite"}, forward(f"{Z}, log_scale.log().sum(1)"))
wrong("log-det: twice too large", 45, {L: "off-by-factor"}, forward(f"{Z}, 2 * log_scale.sum(1)"))
wrong("log-det: not returned", 45, {L: "too-few-returned"}, forward(Z))
wrong(
    "coupling: tanh forgotten",
    45,
    both("mistake-no-tanh"),
    forward(f"{Z}, log_scale.sum(1)", RAW[0], "log_scale = (1 - mask) * raw"),
)
wrong(
    "coupling: mask not used, pixels 0..391 never change",
    40,
    both("mistake-mask-ignored"),
    forward(f"{Z}, log_scale.sum(1)", "mask = (torch.arange(x.shape[1]) < x.shape[1] // 2).float()", *RAW),
)
wrong(
    "coupling: mask the other way round",
    42.5,
    both("mistake-mask-inverted"),
    forward(f"{Z}, log_scale.sum(1)", "mask = 1 - mask", *RAW),
)
wrong(
    "coupling: network sees everything",
    40,
    both("mistake-network-sees-all"),
    forward(f"{Z}, log_scale.sum(1)", "raw, shift = network(x)", RAW[1]),
)
wrong(
    "coupling: network is given the kept half only",
    40,
    both("fault-width"),
    forward(f"{Z}, log_scale.sum(1)", "raw, shift = network(x[:, mask == 1])", RAW[1]),
)
wrong(
    "coupling: exp forgotten",
    40,
    both("mistake-no-exp"),
    forward("z, scale.abs().log().sum(1)", *RAW, "scale = mask + log_scale", "z = x * scale + (1 - mask) * shift"),
)
wrong(
    "coupling: shift before scale",
    45,
    {"coupling-forward": "mistake-shift-first"},
    forward("(x + (1 - mask) * shift) * log_scale.exp(), log_scale.sum(1)"),
)
wrong(
    "coupling: forward and inverse exchanged",
    35,
    {"coupling-forward": "mistake-exchanged", L: "too-few-returned", "coupling-inverse": "mistake-exchanged"},
    edited(
        ("def coupling_forward", "def coupling_other"),
        ("def coupling_inverse", "def coupling_forward"),
        ("def coupling_other", "def coupling_inverse"),
    ),
)
wrong(
    "inverse: scaled once more",
    45,
    {"coupling-inverse": "mistake-inverse-scale-sign"},
    edited(("(z - (1 - mask) * shift) * (-log_scale).exp()", "(z - (1 - mask) * shift) * log_scale.exp()")),
)
wrong(
    "inverse: wrong order",
    45,
    {"coupling-inverse": "mistake-inverse-shift-last"},
    edited(("(z - (1 - mask) * shift) * (-log_scale).exp()", "z * (-log_scale).exp() - (1 - mask) * shift")),
)

# ---- the form of what is returned
wrong("z as float64", 47.5, {"coupling-forward": "form-dtype"}, forward(f"({Z}).double(), log_scale.sum(1)"))
wrong(
    "z as a numpy array",
    45,
    {"coupling-forward": "form-type", L: "form-no-gradient"},
    forward(f"({Z}).numpy(), log_scale.sum(1)"),
)
wrong(
    "input changed in place",
    45,
    both("form-changed"),
    forward("x, log_scale.sum(1)", *RAW, "x *= log_scale.exp()", "x += (1 - mask) * shift"),
)
wrong("split returns nothing", 48, {"split": "nothing-returned"}, body("split", "a, b = x.chunk(2, dim=1)"))
wrong("loss returns text", 46, {"loss": "fault-returned"}, body("loss", "return 'three'"))
wrong("a huge tensor", 47, {"squeeze": "fault-returned"}, body("squeeze", "return torch.zeros(1).expand(10**12)"))

# ---- masks, squeeze, split
M = "checkerboard-mask"
wrong("checkerboard of the other colour", 49, {M: "mistake-mask-other-colour"}, edited(("% 2 == 0).", "% 2 == 1).")))
wrong(
    "stripes", 48, {M: "mistake-mask-rows"}, edited(("((rows + columns) % 2 == 0)", "((rows + 0 * columns) % 2 == 1)"))
)
wrong(
    "second half kept",
    49,
    {"channel-mask": "mistake-mask-second-half"},
    edited(("< channels // 2", ">= channels // 2")),
)
wrong("squeeze by reshape", 47, {"squeeze": "mistake-reshaped"}, edited(("blocks.permute(0, 1, 3, 5, 2, 4)", "x")))
wrong(
    "squeeze in another order",
    48.5,
    {"squeeze": "mistake-squeeze-order"},
    edited(("blocks.permute(0, 1, 3, 5, 2, 4)", "blocks.permute(0, 3, 5, 1, 2, 4)")),
)
wrong(
    "split exchanged", 49, {"split": "mistake-split-exchanged"}, edited(("goes_on, leaves = x", "leaves, goes_on = x"))
)
wrong(
    "split by rows",
    48,
    {"split": "mistake-split-rows"},
    edited(("leaves = x.chunk(2, dim=1)", "leaves = x.chunk(2, dim=2)")),
)

# ---- integers
D, Q = "bits-per-dim", "dequantize"
BITS = "return -log_prob_of_y / (dimensions * math.log(2)) + math.log2(values)"
wrong("divided by values - 1", 47, {Q: "mistake-divided-by-one-less"}, body(Q, "return (x + noise) / (values - 1)"))
wrong("divided by 256 always", 48, {Q: "mistake-values-fixed"}, body(Q, "return (x + noise) / 256"))
wrong("no noise", 46, {Q: "mistake-no-noise"}, body(Q, "return x / values"))
wrong("bits without log2(values)", 47, {D: "mistake-bits-no-constant"}, edited((BITS, BITS[: BITS.index(" + ")])))
wrong("bits with 8 always", 48, {D: "mistake-bits-always-256"}, edited((BITS, BITS.replace("math.log2(values)", "8"))))
wrong(
    "bits in nats", 47, {D: "mistake-bits-nats"}, edited((BITS, "return math.log(values) - log_prob_of_y / dimensions"))
)

# ---- ActNorm, 1x1 convolution, loss
A, C, H = "actnorm-initialize", "conv1x1-forward", "actnorm-forward"
wrong("variance for deviation", 49, {A: "mistake-variance"}, edited(("rows.std(1, unbiased=False)", "rows.var(1)")))
wrong(
    "ActNorm without H*W",
    49,
    {H: "mistake-log-det-no-places"},
    edited(("(places * log_scale.sum())", "log_scale.sum()")),
)
wrong(
    "1x1 convolution without H*W",
    48.5,
    {C: "mistake-log-det-no-places"},
    edited(("(x.shape[2] * x.shape[3] * log_diagonal.sum())", "log_diagonal.sum()")),
)
wrong("W transposed", 48.5, {C: "mistake-transposed"}, edited(('"ij,bjhw->bihw"', '"ji,bjhw->bihw"')))
wrong(
    "P instead of its inverse",
    48.5,
    {"conv1x1-inverse": "mistake-permutation-transposed"},
    edited(("permutation.T @ z", "permutation @ z")),
)
LOG_PROB = "log_prob = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1) + log_det"
wrong("loss without the constant", 48, {"loss": "mistake-loss-no-constant"}, edited((" + math.log(2 * math.pi)", "")))
wrong("loss summed", 48, {"loss": "mistake-loss-sum"}, edited(("-log_prob.mean()", "-log_prob.sum()")))
wrong(
    "loss without log-det", 46, {"loss": "mistake-loss-no-log-det"}, edited((LOG_PROB, LOG_PROB[: -len(" + log_det")]))
)
wrong(
    "loss with the wrong sign of log-det",
    46,
    {"loss": "mistake-loss-log-det-sign"},
    edited((".sum(1) + log_det", ".sum(1) - log_det")),
)
wrong("mean squared error", 46, {"loss": "mistake-loss-squares"}, body("loss", "return (z**2).mean() - log_det.mean()"))

wrong(
    "loss without 1/2 and constant",
    47,
    {"loss": "mistake-loss-no-half"},
    body("loss", "return (z.square().sum(1) - log_det).mean()"),
)
wrong(
    "loss with D log(2 pi)",
    48,
    {"loss": "mistake-loss-constant"},
    edited(("(z.square() + math.log", "(z.square() + 2 * math.log")),
)
wrong("loss of absolute values", 46, {"loss": "number-differs"}, edited(("z.square()", "z.abs()")))
wrong(
    "loss in bits/dim",
    48,
    {"loss": "mistake-loss-bits"},
    edited(("-log_prob.mean()", "-log_prob.mean() / (z.shape[1] * math.log(2))")),
)
wrong(
    "ActNorm with C*H*W",
    49,
    {H: "mistake-log-det-channels"},
    edited(("places = x[0, 0].numel()", "places = x[0].numel()")),
)
wrong("ActNorm with H alone", 48.5, {H: "answer-differs"}, edited(("places = x[0, 0].numel()", "places = x.shape[2]")))
wrong(
    "logarithm of a negative determinant",
    48.5,
    {C: "mistake-log-det-negative"},
    edited(("x.shape[3] * log_diagonal.sum()", "x.shape[3] * torch.logdet(permutation @ left @ right)")),
)
wrong(
    "lower with the identity twice",
    48,
    {C: "mistake-lower-diagonal"},
    edited(("lower.tril(-1) + identity", "lower + identity")),
)
wrong(
    "sign ignored in both directions",
    47,
    {C: "mistake-no-diagonal-sign", "conv1x1-inverse": "mistake-no-diagonal-sign"},
    edited(("torch.diag(sign * log_diagonal.exp())", "torch.diag(log_diagonal.exp())")),
)
wrong(
    "inverses in the order of W",
    48.5,
    {"conv1x1-inverse": "mistake-inverse-order"},
    body(
        "conv1x1_inverse",
        "left, right = _triangles(lower, upper, sign, log_diagonal)",
        "return torch.einsum('ij,bjhw->bihw', permutation.T @ left.inverse() @ right.inverse(), z)",
    ),
)
wrong("log-det: base 2", 46.25, {L: "mistake-log-det-log2"}, forward(f"{Z}, log_scale.exp().log2().sum(1)"))
wrong("log-det: sum of scales", 45, {L: "mistake-log-det-exp"}, forward(f"{Z}, log_scale.exp().sum(1)"))
wrong(
    "coupling: shift where kept, too",
    45,
    {"coupling-forward": "mistake-nothing-kept"},
    forward("x * log_scale.exp() + shift, log_scale.sum(1)"),
)
wrong(
    "coupling: kept twice",
    45,
    {"coupling-forward": "mistake-kept-twice"},
    forward(f"mask * x + {Z}, log_scale.sum(1)"),
)
wrong(
    "coupling: shift and raw exchanged",
    42.5,
    both("mistake-network-order"),
    forward(f"{Z}, log_scale.sum(1)", "shift, raw = network(mask * x)", RAW[1]),
)
wrong("noise of one's own", 48, {Q: "mistake-own-noise"}, body(Q, "return (x + torch.rand(x.shape)) / values"))
wrong("between -1 and 1", 48, {Q: "mistake-both-signs"}, body(Q, "return 2 * (x + noise) / values - 1"))
wrong(
    "bits times ln 2",
    47,
    {D: "mistake-bits-multiplied"},
    edited((BITS, "return -log_prob_of_y * math.log(2) / dimensions + math.log2(values)")),
)
wrong("every other channel", 48, {"split": "mistake-split-alternating"}, body("split", "return x[:, ::2], x[:, 1::2]"))
wrong(
    "second half kept, of four axes",
    49,
    {"channel-mask": "mistake-mask-second-half"},
    body("channel_mask", "return (torch.arange(channels) >= channels // 2).float()[None, :, None, None]"),
)
wrong("z in half precision", 47.5, {"coupling-forward": "form-dtype"}, forward(f"({Z}).half(), log_scale.sum(1)"))

# ---- right numbers, and no gradient
wrong("z detached", 47.5, {"coupling-forward": "form-no-gradient"}, forward(f"({Z}).detach(), log_scale.sum(1)"))
wrong(
    "coupling under no_grad",
    45,
    both("form-no-gradient"),
    edited(("def coupling_forward", "@torch.no_grad()\ndef coupling_forward")),
)
wrong(
    "loss: log-det detached",
    48,
    {"loss": "form-no-gradient"},
    edited((".sum(1) + log_det", ".sum(1) + log_det.detach()")),
)
wrong("loss by item()", 48, {"loss": "form-no-gradient"}, edited(("-log_prob.mean()", "-log_prob.mean().item()")))
wrong(
    "ActNorm by numpy",
    48.5,
    {H: "form-no-gradient"},
    edited(("    z = (x + bias.re", "    x, bias = torch.from_numpy(x.numpy()), bias.detach()\n    z = (x + bias.re")),
)
wrong(
    "gradient broken in place",
    45,
    both("form-gradient-failed"),
    forward(
        "z, log_det",
        *RAW,
        "log_det = log_scale.sum(1)",
        "scale = log_scale.exp()",
        "z = x * scale",
        "scale += 0 * raw",
        "z = z + (1 - mask) * shift",
    ),
)

# ---- missing and failing
wrong("a function is missing", 47, {"squeeze": "fault-missing"}, without("squeeze"))
wrong("one function fails", 46, {"loss": "fault-raised"}, body("loss", "return z / undefined"))
wrong(
    "the template as it is given",
    0,
    dict.fromkeys(CODE, "fault-empty"),
    (material() / "assignment" / "submission.py").read_text(encoding="utf-8"),
)
wrong("syntax error", 0, dict.fromkeys(CODE, "grade-no-python"), edited(("def split(x):", "def split(x)")))
wrong("an empty file", 0, dict.fromkeys(CODE, "grade-no-code"), "\n")

# ---- correct in another style: full marks
UNUSUAL = """
from torch.nn import functional as F

squeeze = lambda x: F.pixel_unshuffle(x, 2)
unsqueeze = nn.PixelShuffle(2)
split = lambda x: torch.tensor_split(x, 2, dim=1)
channel_mask = lambda channels: torch.tensor([True] * (channels // 2) + [False] * (channels - channels // 2))


class CheckerboardMask(nn.Module):
    def forward(self, height, width):
        return torch.ones(1, 1, height, width) - torch.tensor(
            [[(i + j) % 2 for j in range(width)] for i in range(height)]
        )


class Coupling:
    def forward(self, x, mask, network):
        kept = mask.bool()
        raw, shift = network(torch.where(kept, x, torch.zeros_like(x)))
        s = torch.tanh(raw).masked_fill(kept, 0.0)
        return torch.where(kept, x, torch.addcmul(shift, x, s.exp())), torch.einsum("bd->b", s)

    def inverse(self, z, mask, network):
        kept = mask.bool()
        raw, shift = network(z.masked_fill(~kept, 0.0))
        return torch.where(kept, z, (z - shift) / torch.tanh(raw).exp())


def loss(z, log_det):
    normal = torch.distributions.Independent(torch.distributions.Normal(torch.zeros_like(z), 1.0), 1)
    return torch.stack([-(a + b) for a, b in zip(normal.log_prob(z), log_det)]).mean()
"""
CASES.append(
    Case(
        "lambdas, modules, classes: another style",
        without(
            "squeeze", "unsqueeze", "split", "channel_mask", "checkerboard_mask", "coupling_forward",
            "coupling_inverse", "loss", more=UNUSUAL,
        ),
        50,
    )
)  # fmt: skip
LOOPS = """
def actnorm_initialize(x):
    std, mean = torch.std_mean(x, dim=[i for i in range(x.dim()) if i != 1], keepdim=True)
    return -mean, -(std + 1e-6).log()


def conv1x1_forward(x, P, L, U, s, d):
    W = P @ (torch.tril(L, -1) + torch.eye(len(L))) @ (torch.triu(U, 1) + torch.diag(s * torch.exp(d)))
    z = nn.functional.conv2d(x, W[:, :, None, None])
    return z, torch.linalg.slogdet(W)[1] * x.size(2) * x.size(3) * torch.ones(x.size(0))


def conv1x1_inverse(z, P, L, U, s, d):
    W = P @ (torch.tril(L, -1) + torch.eye(len(L))) @ (torch.triu(U, 1) + torch.diag(s * torch.exp(d)))
    return nn.functional.conv2d(z, torch.inverse(W)[:, :, None, None]), None


def checkerboard_mask(높이, 너비):
    판 = torch.zeros(높이, 너비, dtype=torch.int64)
    for i in range(높이):
        for j in range(너비):
            판[i][j] = 1 if (i + j) % 2 == 0 else 0
    return 판
"""
CASES.append(
    Case(
        "loops, conv2d, slogdet, Korean names: another style",
        without("actnorm_initialize", "conv1x1_forward", "conv1x1_inverse", "checkerboard_mask", more=LOOPS),
        50,
    )
)
CASES.append(Case("saved as cp949", "", 50, content=BASE.replace("×", "x").encode("cp949", "replace")))
CASES.append(Case("BOM and CRLF", "", 50, content=b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode()))
CASES.append(
    Case(
        "trains when it is loaded, for ever, and asks for input",
        BASE + "\nname = input('name? ')\nmodel = RealNVP()\nwhile True:\n    model(torch.rand(64, 64))\n",
        50,
    )
)
OTHERWISE = """
import functools
from typing import TYPE_CHECKING
from torch.nn import functional as F
if TYPE_CHECKING:
    from torch import Tensor
if torch.cuda.is_available():
    device = "cuda"
else:
    device = "cpu"
CACHE = {}
CACHE["half"] = 0.5


def logged(function):
    @functools.wraps(function)
    def inner(*given, **named):
        return function(*given, **named)

    return inner


class Squeeze:
    def __call__(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, 2)

    def inverse(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x, 2)


@torch.jit.script
def channel_mask(channels: int):
    return (torch.arange(channels) < channels // 2).float()


def split(x):
    yield x[:, : (half := x.shape[1] // 2)]
    yield x[:, half:]


@logged
def checkerboard_mask(높이, 너비):
    if 높이 == 1:
        return (1 - torch.arange(너비) % 2)[None].float().to(device)
    위 = checkerboard_mask(높이 - 1, 너비)
    return torch.cat([위, 1 - 위[-1:]])


def coupling_forward(x, mask, network):
    raw, shift = network(mask * x)
    z, log_scale, moves = x.clone(), torch.tanh(raw) * (1 - mask), mask == 0
    z[:, moves] = z[:, moves] * log_scale[:, moves].exp() + shift[:, moves]
    return z, log_scale.sum(1)


def loss(z, log_det):
    def one(row, more):
        return CACHE["half"] * (row**2 + math.log(2 * math.pi)).sum() - more

    return torch.vmap(one)(z, log_det).mean()
"""
CASES.append(
    Case(
        "conditions, a cache, jit, a generator, vmap: another style",
        "from __future__ import annotations\n"
        + without(
            "squeeze", "unsqueeze", "split", "channel_mask", "checkerboard_mask", "coupling_forward", "loss",
            more=OTHERWISE,
        ),
        50,
    )
)  # fmt: skip
