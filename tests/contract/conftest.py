"""Cases as parameters, and the table of what was tested: ``make contract``."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.registry import BASES, BIJECTIONS, DOORS, ELEMENTWISE, FLOWS, Case, embedded, redraw, small_terms

CASES = {**BIJECTIONS, **FLOWS}
SEEDS: dict[Case, int] = {}  # that redraw every log-det term of a case away from zero
POINTS = {
    1: "round trip", 2: "log-det", 3: "types", 4: "meta", 5: "small", 6: "rows", 7: "state", 8: "scales", 9: "checks",
    10: "tracing", 11: "samples", 12: "files", "declared": "declared",
    "gradients": "gradients", "copies": "copies", "training": "training",
}  # fmt: skip


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=list(FLOWS))
def flow_case(request: pytest.FixtureRequest) -> Case:
    return FLOWS[request.param]


@pytest.fixture(params=list(ELEMENTWISE))
def elementwise(request: pytest.FixtureRequest) -> Any:
    return ELEMENTWISE[request.param]


@pytest.fixture(params=list(BASES))
def base(request: pytest.FixtureRequest) -> Any:
    return BASES[request.param]()


@pytest.fixture(params=list(DOORS))
def door(request: pytest.FixtureRequest) -> Any:
    return DOORS[request.param]()


@pytest.fixture
def make() -> Any:
    """Build a case's object with redrawn parameters."""

    def build(case: Case, dtype: torch.dtype = torch.float32) -> Any:
        torch.manual_seed(0)
        item = case.make().eval().double()
        x, condition = case.x(torch.float64), case.condition(item, torch.float64)
        for seed in range(SEEDS.get(case, 0), 200):
            redraw(item, seed)
            if case in SEEDS or case.volume_preserving or not small_terms(item, x, embedded(item, condition)):
                break
        SEEDS[case] = seed
        return item.to(dtype)

    return build


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--contract-table", type=Path, help="write the table point x component to this file")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "point(name): the point of the contract that a test holds")
    table = config.getoption("--contract-table", None)
    if table is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(table))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    names = ("case", "flow_case", "elementwise", "base", "door", "name")
    for item in items:
        marker = item.get_closest_marker("point")
        given = getattr(getattr(item, "callspec", None), "params", {})
        component = next((str(given[name]).split(" ")[0] for name in names if name in given), "any layer")
        if component.rpartition("-")[2].isdigit():  # a fixture's folder
            component = "saved files"
        if marker is not None:
            item.user_properties.append(("point", (marker.args[0], component)))


class Table:
    """Counts tests by point and component while they run."""

    def __init__(self, path: Path):
        self.path = path
        self.passed: Counter[tuple[Any, str]] = Counter()
        self.failed: Counter[tuple[Any, str]] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, cell in report.user_properties:
            if name == "point" and (report.when == "call" or report.failed):
                (self.passed if report.passed else self.failed)[tuple(cell)] += 1

    def pytest_sessionfinish(self) -> None:
        self.path.write_text("\n".join(self.lines()) + "\n", encoding="utf-8")

    def lines(self) -> Iterator[str]:
        cells = [*self.passed, *self.failed]
        points = [point for point in POINTS if any(cell[0] == point for cell in cells)]
        components = [*dict.fromkeys(component for _, component in sorted(cells, key=lambda cell: cell[1].lower()))]
        heads = [f"{point} {POINTS[point]}" if isinstance(point, int) else POINTS[point] for point in points]
        yield f"| component | {' | '.join(heads)} |"
        yield f"| --- |{' ---: |' * len(points)}"
        for component in components:
            row = [self._cell((point, component)) for point in points]
            yield f"| {component} | {' | '.join(row)} |"
        yield ""
        passed, failed = sum(self.passed.values()), sum(self.failed.values())
        yield f"{passed:,} tests passed, {failed} failed; {len(components)} rows."

    def _cell(self, cell: tuple[Any, str]) -> str:
        if self.failed[cell]:
            return f"**{self.failed[cell]} failed**"
        return str(self.passed[cell]) if self.passed[cell] else ""
