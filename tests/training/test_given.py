"""What is given to fit: it works, or an error before any work says what does."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import diffeo
from diffeo import Chain, Coupling, Flow, Glow, RealNVP, fit


class Pairs(Dataset[Any]):
    """Rows and labels, one at a time."""

    def __init__(self, *, pairs: bool):
        self.pairs = pairs

    def __len__(self) -> int:
        return 60

    def __getitem__(self, i: int) -> Any:
        return (torch.full((4,), float(i)), i) if self.pairs else torch.full((4,), float(i))


def flow(**options: Any) -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(4, couplings=2, width=8, **options)


def rows(n: int = 60) -> torch.Tensor:
    return torch.randn(n, 4, generator=torch.Generator().manual_seed(0))


def labels(n: int = 60) -> torch.Tensor:
    return torch.arange(n) % 3


def loss(model: Flow, *given: Any, **options: Any) -> float:
    return fit(model, *given, **{"epochs": 1, "batch_size": 20, "progress": False, **options}).best["validation"]


# ---- what works


def test_every_way_to_give_the_same_rows_trains_alike() -> None:
    x = rows()
    expected = loss(flow(), x)
    assert loss(flow(), x.clone().requires_grad_()) == expected
    assert loss(flow(), TensorDataset(x)) == expected
    wide = x.double().numpy()
    wide.flags.writeable = False
    assert loss(flow(), wide) == expected
    assert loss(flow(), np.asfortranarray(x.numpy())[::-1][::-1]) == expected
    assert loss(flow().double(), wide.astype("float32")) == pytest.approx(expected, abs=1e-4)


def test_data_that_requires_gradients_gets_none() -> None:
    x = rows().requires_grad_()
    loss(flow(), x)
    assert x.grad is None


def test_every_way_to_give_the_same_labels_trains_alike() -> None:
    x, y = rows(), labels()
    expected = loss(flow(classes=3), x, y)
    for same in (y.int(), y.byte(), y[:, None], y.numpy(), y.numpy().astype("int32")[:, None]):
        assert loss(flow(classes=3), x, same) == expected
    assert loss(flow(classes=3), TensorDataset(x, y)) == expected
    held = (x[:10], y[:10, None])
    assert loss(flow(classes=3), x, y, validation=held) == loss(
        flow(classes=3), x, y, validation=TensorDataset(*held[:1], y[:10])
    )


def test_a_condition_of_one_number_may_be_a_row_of_numbers() -> None:
    x, c = rows(), torch.rand(60)
    expected = loss(flow(condition_shape=1), x, c[:, None])
    assert loss(flow(condition_shape=1), x, c) == expected
    assert loss(flow(condition_shape=1), x, c.double().numpy()) == pytest.approx(expected, abs=1e-6)


def test_densities_and_samples_take_conditions_as_fit_does() -> None:
    x, given, of_classes = rows(3), flow(condition_shape=1), flow(classes=3)
    with torch.no_grad():
        for parameter in (*given.parameters(), *of_classes.parameters()):
            parameter.add_(0.3 * torch.randn_like(parameter))
        c = torch.rand(3, 1)
        expected = given.log_prob(x, c)
        assert expected.unique().numel() == 3
        for same in (c[:, 0], c.double().numpy(), c[:, 0].tolist()):
            assert torch.equal(given.log_prob(x, same), expected)
        one = given.log_prob(x, c[:1])
        assert torch.equal(given.log_prob(x, c[0]), one)
        assert torch.equal(given.log_prob(x, float(c[0])), one)
        expected = of_classes.log_prob(x, labels(3))
        for same in (labels(3)[:, None], labels(3).int(), labels(3).numpy()):
            assert torch.equal(of_classes.log_prob(x, same), expected)
        assert of_classes.sample(3, labels(3)[:, None]).shape == (3, 4)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_fit_works_where_gradients_are_switched_off(mode: Callable[[], Any]) -> None:
    expected, model = loss(flow(condition_shape=1), rows(), torch.ones(60).cumsum(0)), flow(condition_shape=1)
    with mode():
        x, c = rows() + 0, torch.ones(60).cumsum(0)  # made inside, too
        assert loss(model, x, c) == expected
        assert not torch.is_grad_enabled()
    assert not any(tensor.is_inference() for tensor in model.state_dict().values())
    assert loss(model, rows(), torch.ones(60).cumsum(0)) < expected


def test_two_rows_are_enough() -> None:
    with pytest.warns(UserWarning, match="constant"):
        loss(flow(), rows(2))  # one to train on
    loss(flow(), rows(2), validation=rows(1))


# ---- what is refused, with advice that is then followed


def follow(advice: str, **names: Any) -> Any:
    """Carry out a line of advice."""
    exec(advice, {"torch": torch, "diffeo": diffeo, **names}, names)
    return names


def refused(kind: type[Exception], message: str, model: Any, *given: Any, **options: Any) -> None:
    """It is refused, and the flow is as it was."""
    before = copy.deepcopy(model.state_dict()) if isinstance(model, nn.Module) else {}
    with pytest.raises(kind, match=message):
        loss(model, *given, **options)
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in before.items())


def test_rows_and_conditions_with_a_graph_are_refused_with_both_ways_out() -> None:
    encoder = nn.Linear(6, 4)
    z = encoder(torch.randn(60, 6))
    refused(ValueError, r"x\.detach\(\); to train both, minimise -flow\.log_prob", flow(), z)
    loss(flow(), z.detach())
    refused(ValueError, r"conditions .*condition\.detach\(\)", flow(condition_shape=4), rows(), z)
    refused(ValueError, r"x\.detach\(\)", flow(), rows(), validation=z)
    refused(ValueError, r"x\.detach\(\)", flow(), TensorDataset(z))


@pytest.mark.parametrize("pairs", [True, False])
def test_loaders_and_map_style_data_sets_are_refused_with_a_line_that_works(pairs: bool) -> None:
    refused(TypeError, r"pass loader\.dataset", flow(), DataLoader(TensorDataset(rows()), 8))
    data = Pairs(pairs=pairs)
    part = "[0]" if pairs else ""
    line = f"x = torch.cat([batch{part} for batch in loader])"
    refused(TypeError, line.replace("[", r"\[").replace("(", r"\(").replace(")", r"\)"), flow(), DataLoader(data, 8))
    assert loss(flow(), follow(line, loader=DataLoader(data, 8))["x"])
    line = f"x = torch.stack([dataset[i]{part} for i in range(len(dataset))])"
    refused(TypeError, line.replace("[", r"\[").replace("(", r"\(").replace(")", r"\)"), flow(), data)
    assert loss(flow(), follow(line, dataset=data)["x"])


def test_half_precision_is_refused_with_advice_that_works() -> None:
    x = rows()
    for dtype in (torch.float16, torch.bfloat16):
        with pytest.raises(TypeError) as refusal:
            loss(flow(), x.to(dtype))
        assert str(refusal.value).endswith("Use x.to(torch.float32)")
        loss(flow(), x.to(dtype).to(torch.float32))
        refused(TypeError, r"Use flow\.float\(\) or flow\.double\(\)", flow().to(dtype), x.to(dtype))
        refused(TypeError, r"flow\.float\(\)", flow().to(dtype), x)
        whole = Glow((1, 4, 4), values=4, steps=1, width=4).to(dtype)
        refused(TypeError, r"flow\.float\(\)", whole, torch.randint(0, 4, (60, 1, 4, 4)))
    refused(TypeError, r"x\.to\(torch\.float32\), or flow\.to\(torch\.float64\)", flow(), x.double())
    loss(flow().to(torch.float64), x.double())
    refused(TypeError, r"Use x\.to\(torch\.float32\)$", flow(), x.long())
    refused(TypeError, r"condition\.to\(torch\.float32\)", flow(condition_shape=1), x, labels())


def test_wrappers_of_a_flow_are_refused_and_name_it() -> None:
    inner = flow()
    refused(TypeError, r"a DataParallel around it\. Pass flow\.module\..*torchrun", nn.DataParallel(inner), rows())
    loss(nn.DataParallel(inner).module, rows())
    refused(TypeError, r"Pass flow\._orig_mod\. .* flow\.compile\(\)", torch.compile(inner, backend="eager"), rows())
    refused(TypeError, r"Pass flow\.module\._orig_mod", nn.DataParallel(torch.compile(inner, backend="eager")), rows())
    refused(TypeError, r"a ModuleDict around it\. Pass flow\.density$", nn.ModuleDict({"density": inner}), rows())
    plain, compiled = flow(), flow()
    compiled.compile(backend="eager")
    assert loss(compiled, rows()) == pytest.approx(loss(plain, rows()), abs=1e-4)
    refused(TypeError, r"diffeo\.Flow\(layers, diffeo\.StandardNormal", Chain([Coupling(4, diffeo.MLP(2, 4))]), rows())
    refused(TypeError, "a flow first, then the data, got a Tensor first", rows(), inner)
    refused(TypeError, "The flow comes first", inner, inner)


def test_a_flow_that_was_built_in_inference_mode_is_refused() -> None:
    with torch.inference_mode():
        constant = flow()
        refused(ValueError, "Build or load it outside", constant, rows())
    refused(ValueError, "Build or load it outside", constant, rows())


def test_other_containers_are_refused_with_the_way_to_a_tensor() -> None:
    class DataFrame:
        """As those of pandas and polars."""

        def to_numpy(self) -> np.ndarray:
            return x.double().numpy()

    x, frame = rows(), DataFrame()
    refused(TypeError, r"a DataFrame\. Use torch\.tensor\(x\.to_numpy\(\)\.astype\('float32'\)\)", flow(), frame)
    loss(flow(), torch.tensor(frame.to_numpy().astype("float32")))
    refused(TypeError, r"Use torch\.tensor\(x\)", flow(), x.tolist())
    loss(flow(), torch.tensor(x.tolist()))
    refused(TypeError, r"torch\.stack\(x\) of rows", flow(), list(x))
    refused(TypeError, r"diffeo\.data\.load\('moons'\)", flow(), "moons")
    refused(TypeError, r"part\.x", flow(), diffeo.data.load("moons").train)
    refused(TypeError, r"x\.to_dense\(\)", flow(), x.to_sparse())
    refused(TypeError, r"x\.astype\('float32'\)", flow(), x.long().numpy())
    refused(TypeError, r"x\.astype\('float32'\)", flow(), x.numpy().astype(object))
    refused(ValueError, r"x\.filled\(0\)", flow(), np.ma.masked_less(x.numpy(), 0.0))


def test_labels_that_are_no_integers_are_refused_with_advice_that_works() -> None:
    x, y = rows(), labels()
    for wrong in (y.float(), y > 0):
        refused(ValueError, r"from 0 to 2, got torch\.\w+\. Use labels\.long\(\)", flow(classes=3), x, wrong)
        loss(flow(classes=3), x, wrong.long())
    refused(TypeError, r"Use condition\.astype\('int64'\)", flow(classes=3), x, y.double().numpy())
    refused(ValueError, "from 0 to 2, got 0 to 3", flow(classes=3), x, y + (y == 2))


def test_integers_as_floats_are_refused_with_advice_that_works() -> None:
    x = torch.randint(0, 4, (60, 4))
    refused(ValueError, r"Use x\.long\(\)", flow(values=4), x.float())
    loss(flow(values=4), x.float().long())
    refused(ValueError, r"pass \(x \* 3\)\.round\(\)\.long\(\)", flow(values=4), x / 3)
    loss(flow(values=4), (x / 3 * 3).round().long())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((rows(0),), "at least two rows are needed, got 0"),
        ((rows(1),), "at least two rows are needed, got 1"),
        ((torch.tensor(1.0),), r"expected shape \(B, 4\), got \(\)"),
        ((rows()[0],), r"expected shape \(B, 4\), got \(4,\)"),
        ((rows(), labels()), "takes none"),
        ((TensorDataset(rows(), labels()),), r"rows alone\. Pass those: fit\(flow, dataset\.tensors\[0\]\)"),
        ((TensorDataset(rows()), labels()), "brings its own conditions"),
    ],
)
def test_rows_that_do_not_fit_are_refused(given: tuple[Any, ...], message: str) -> None:
    refused(ValueError, message, flow(), *given)


def test_conditions_that_do_not_fit_are_refused() -> None:
    x, model = rows(), flow(condition_shape=2)
    refused(ValueError, "60 rows of data, but 1 of conditions", model, x, torch.rand(1, 2))
    refused(ValueError, "60 rows of data, but 1 of conditions", flow(classes=3), x, torch.tensor(1))
    refused(TypeError, "expected the conditions as a torch.Tensor, got a int", flow(classes=3), x, 1)
    refused(ValueError, r"expected a condition of shape \(60, 2\), got \(60,\)", model, x, torch.rand(60))
    refused(
        ValueError,
        r"of shape \(60,\), got \(60, 3\)\..*labels\.argmax\(1\)",
        flow(classes=3),
        x,
        torch.eye(3)[labels()],
    )
    refused(ValueError, "a condition is needed", model, x)
    refused(ValueError, "a condition is needed", model, x, torch.rand(60, 2), validation=rows(5))


def test_rows_that_are_not_finite_are_named_as_they_were_given() -> None:
    for i in range(60):
        x, c = rows(), torch.rand(60)
        x[i, 1] = c[i] = torch.nan
        refused(ValueError, rf"fit: 1 of 60 rows hold NaN or infinity \(rows {i}\)", flow(), x)
        refused(ValueError, rf"1 of 60 conditions hold .*\(rows {i}\)", flow(condition_shape=1), rows(), c)
    x = rows()
    x[7] = torch.inf
    refused(ValueError, r"1 of 60 validation rows hold .*\(rows 7\)", flow(), rows(), validation=x)


def test_the_advice_to_drop_rows_that_are_not_finite_works() -> None:
    x, c = rows(), torch.rand(60)
    x[3, 1], c[5] = torch.nan, torch.inf
    model = flow(condition_shape=1)
    for _ in range(2):
        with pytest.raises(ValueError, match="hold NaN or infinity") as refusal:
            loss(model, x, c)
        found = follow(str(refusal.value).partition("Drop them: ")[2], x=x, condition=c)
        x, c = found["x"], found["condition"]
    assert len(x) == len(c) == 58
    loss(model, x, c)
