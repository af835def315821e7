"""What classes declare: no less than the registry says, and no less than their parts allow."""

import inspect
import warnings

import pytest
import torch

from contract.registry import (
    BASES,
    BIJECTIONS,
    DOORS,
    ELEMENTWISE,
    FLOWS,
    Case,
    Declared,
    bijection_of,
    embedded,
    public_classes,
)
from diffeo import (
    MLP,
    ActNorm,
    Additive,
    Affine,
    Bijection,
    Chain,
    Coupling,
    Flatten,
    Flow,
    Inverse,
    Logit,
    Quantizer,
    Split,
    StandardNormal,
)

pytestmark = pytest.mark.filterwarnings("ignore:RealNVP of one feature")

TAKES_A_CONDITION = {"classes", "condition_shape", "conditioner", "rest", "bijection", "layers"}  # names of options


class Weak(Bijection):
    """Promises as little as it can."""

    log_det_kind = "estimated"
    inverse_kind = "iterative"
    traces = ("encode",)
    tolerance = 500.0
    domain = "(0, 1)"
    encode_passes = 3
    decode_passes = 7


WEAK = Declared("estimated", "iterative", frozenset({"encode"}), 500.0)


def test_every_public_class_has_a_case_of_its_own() -> None:
    """Being a part of another case is not enough: what is tested there is the whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        covered = {type(case.make()) for case in (*BIJECTIONS.values(), *FLOWS.values())}
    covered |= {type(item) for item in ELEMENTWISE.values()}
    covered |= {type(make()) for table in (BASES, DOORS) for make in table.values()}
    assert public_classes() - covered == {Bijection}


@pytest.mark.parametrize("part", [Affine, Additive, StandardNormal, Quantizer])
def test_parts_are_known_by_their_methods(part: type) -> None:
    assert part in public_classes()
    assert MLP not in public_classes()


def test_what_takes_a_condition_has_a_case_with_one_and_a_case_without() -> None:
    found: dict[type, set[bool]] = {}
    for case in (*BIJECTIONS.values(), *FLOWS.values()):
        item = case.make()
        found.setdefault(type(item), set()).add(bijection_of(item).condition_shape is not None)
    takes = {cls for cls in found if TAKES_A_CONDITION & set(inspect.signature(cls).parameters)}
    assert {cls for cls, kinds in found.items() if kinds == {True, False}} == takes


def test_every_option_of_every_network_is_tried() -> None:
    """At another value than its default; and conditions of each kind that a network takes."""
    from diffeo import networks

    found: dict[tuple[str, str], set[str]] = {}
    for case in (*BIJECTIONS.values(), *FLOWS.values()):
        for module in case.make().modules():
            if type(module).__module__.startswith("diffeo.networks"):
                for option, value in module._options.items():
                    found.setdefault((type(module).__name__, option), set()).add(repr(value))
                    if option == "condition_shape":
                        kind = "none" if value is None else f"{len(value)} dimensions"
                        found.setdefault((type(module).__name__, "condition"), set()).add(kind)
    for name, network in vars(networks).items():
        if isinstance(network, type):
            for option, parameter in inspect.signature(network).parameters.items():
                assert found[name, option] - {repr(parameter.default)}, (name, option)
    for name in ("ConvNet", "ResidualConvNet", "ZeroConv"):
        assert found[name, "condition"] == {"none", "1 dimensions", "3 dimensions"}, name


@pytest.mark.point("declared")
def test_a_class_declares_what_the_registry_says(case: Case) -> None:
    bijection = bijection_of(case.make())
    assert Declared.by(bijection) == case.declares
    ends = None if case.uniform is None else f"({-case.margin or 0:g}, {case.uniform + case.margin:g})"
    assert bijection.domain == ("real" if ends is None else ends)


@pytest.mark.point("declared")
def test_what_declares_nothing_is_held_to_the_strictest() -> None:
    assert Declared.by(Bijection()) == Declared()
    assert (Bijection.domain, Bijection.codomain, Bijection.condition_shape) == ("real", "real", None)


@pytest.mark.point("declared")
def test_an_inverse_declares_what_its_bijection_does_the_other_way_round() -> None:
    inverse = Inverse(Weak())
    assert Declared.by(inverse) == Declared("estimated", "iterative", frozenset({"decode"}), 500.0)
    assert (inverse.domain, inverse.codomain) == ("real", "(0, 1)")
    assert (inverse.encode_passes, inverse.decode_passes) == (7, 3)


@pytest.mark.point("declared")
@pytest.mark.parametrize(
    ("whole", "passes"),
    [
        (lambda: Chain([ActNorm(2), Weak(), ActNorm(2)]), (3, 7)),
        (lambda: Chain([Chain([Weak()]), Coupling(2, MLP(1, 2))]), (4, 8)),
        (lambda: Split((4,), Weak(), MLP(2, 4)), (4, 8)),
        (lambda: Split((4,), Weak()), (3, 7)),
        (lambda: Flow(Chain([Weak()]), StandardNormal(2)).bijection, (3, 7)),
    ],
    ids=["chain", "chain in a chain", "split", "split without prior", "flow"],
)
def test_a_whole_declares_the_weakest_of_its_parts(whole, passes: tuple[int, int]) -> None:
    bijection = whole()
    assert Declared.by(bijection) == WEAK
    assert (bijection.encode_passes, bijection.decode_passes) == passes


@pytest.mark.point("declared")
def test_a_chain_is_from_its_first_layers_domain_to_its_last_layers_codomain() -> None:
    chain = Chain([Logit(3, alpha=0.0), ActNorm(2), Inverse(Logit(5, alpha=0.0))])
    assert (chain.domain, chain.codomain) == ("(0, 3)", "(0, 5)")
    assert (Chain([]).domain, Chain([Flatten((2,))]).codomain) == ("real", "real")


@pytest.mark.point("declared")
def test_the_declared_cost_is_what_is_run(case: Case, make) -> None:
    """In evaluations of the networks of couplings and splits."""
    item = make(case)
    bijection = bijection_of(item)
    networks = [
        network
        for module in bijection.modules()
        for network in (getattr(module, "conditioner", None), getattr(module, "prior", None))
        if network is not None
    ]
    runs: list[str] = []
    for network in networks:
        network.register_forward_hook(lambda *_: runs.append("run"))
    with torch.no_grad():
        condition = embedded(item, case.condition(item, torch.float32))
        z, _ = bijection.encode(case.x(torch.float32), condition)
        assert len(runs) == bijection.encode_passes
        runs.clear()
        bijection.decode(z, condition)
        assert len(runs) == bijection.decode_passes
