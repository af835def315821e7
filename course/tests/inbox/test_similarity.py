"""Pairs of programs worth a look."""

import random
import re

from diffeo_course.inbox.similarity import fingerprints, pairs
from diffeo_course.material import material

ASSIGNMENT = material() / "assignment"
TEMPLATE = (ASSIGNMENT / "submission.py").read_text(encoding="utf-8")
SOLUTION = (ASSIGNMENT / "solution.py").read_text(encoding="utf-8")

# the same functions, written by somebody else
OTHER = """
import math
import torch
from einops import rearrange

def coupling_forward(x, mask, network):
    kept = x * mask
    s, t = network(kept)
    s = torch.tanh(s)
    z = kept + (1 - mask) * (x * torch.exp(s) + t)
    return z, (s * (1 - mask)).sum(dim=-1)

def coupling_inverse(z, mask, network):
    kept = z * mask
    s, t = network(kept)
    return kept + (1 - mask) * (z - t) * torch.exp(-torch.tanh(s))

def checkerboard_mask(height, width):
    m = torch.zeros(height, width)
    for i in range(height):
        for j in range(width):
            if (i + j) % 2 == 0:
                m[i, j] = 1.0
    return m

def squeeze(x):
    return rearrange(x, "b c (h i) (w j) -> b (c i j) h w", i=2, j=2)

def bits_per_dim(log_prob_of_y, values, dimensions):
    nll = -log_prob_of_y / dimensions
    return nll / math.log(2.0) + math.log2(values)

def actnorm_initialize(x):
    dims = (0, 2, 3) if x.dim() == 4 else (0,)
    return -x.mean(dim=dims), torch.log(1.0 / x.std(dim=dims, unbiased=False))

def loss(z, log_det):
    p = torch.distributions.Normal(0.0, 1.0).log_prob(z).flatten(1).sum(-1)
    return -(p + log_det).mean()
"""


def _disguised(code: str) -> str:
    """Other names, other comments, functions in another order."""
    for number, name in enumerate(("raw", "shift", "log_scale", "rows", "blocks", "left", "right", "columns", "more")):
        code = re.sub(rf"\b{name}\b", f"a_{number}", code)
    code = re.sub('""".*?"""', '"""mine"""', code, flags=re.DOTALL)
    parts = re.split("\n# -{10,}.*\n", code)
    return parts[0] + "\n\n# my own work\n".join(reversed(parts[1:]))


def test_a_copy_with_other_names_order_and_comments_is_caught() -> None:
    found = pairs({"1": SOLUTION, "2": _disguised(SOLUTION), "3": OTHER}, TEMPLATE)
    assert [(pair.first, pair.second) for pair in found] == [("1", "2")]
    assert found[0].share > 0.85


def test_what_the_template_gave_counts_for_nothing() -> None:
    small = TEMPLATE.replace("raise NotImplementedError", "return x")
    assert pairs({"1": TEMPLATE, "2": TEMPLATE, "3": small}, TEMPLATE) == []


def test_what_most_of_a_class_wrote_counts_for_nothing() -> None:
    drawn = random.Random(1)
    mine = [f"def f(a):\n    return a{''.join(drawn.choice('+-*/') + 'a' for _ in range(80))}\n" for _ in range(7)]
    common = SOLUTION[SOLUTION.index("def squeeze") : SOLUTION.index("def unsqueeze")]
    some = {str(number): mine[number] + common for number in range(3)}
    assert pairs(some, TEMPLATE, at_least=0.1)
    assert pairs({str(number): mine[number] + common for number in range(7)}, TEMPLATE, at_least=0.1) == []


def test_a_copy_is_caught_even_where_most_of_a_class_copied_it() -> None:
    copies = {str(number): SOLUTION for number in range(6)} | {"6": _disguised(SOLUTION), "7": OTHER}
    found = {(pair.first, pair.second) for pair in pairs(copies, TEMPLATE)}
    assert len(found) == 7 * 6 / 2
    assert not [pair for pair in found if "7" in pair]


def test_lines_of_a_pair_are_where_the_copied_code_is() -> None:
    copied = SOLUTION[SOLUTION.index("def squeeze") : SOLUTION.index("def dequantize")] * 1
    found = pairs({"1": OTHER + copied, "2": SOLUTION}, TEMPLATE, at_least=0.1)
    first = OTHER.count("\n")
    assert max(found[0].first_lines) > first
    begin, end = (SOLUTION[: SOLUTION.index(name)].count("\n") for name in ("def squeeze", "def dequantize"))
    inside = [begin <= line <= end for line in found[0].second_lines]
    assert sum(inside) > 0.7 * len(inside)


def test_code_that_does_not_parse_is_compared_as_far_as_it_goes() -> None:
    assert fingerprints("") == {}
    assert fingerprints("def f(:\n  '''never closed\n") == {}
    broken = SOLUTION + "\n'''never closed"
    assert pairs({"1": SOLUTION, "2": broken}, TEMPLATE)[0].share > 0.9
