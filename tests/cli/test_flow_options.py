"""The options of a flow are its constructor's: read from its file, typed, shown and refused as they are."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from command import TOLD, environment, together
from cyclopts import App, CycloptsError, Parameter

import diffeo
from diffeo.cli import flows as reading
from diffeo.cli import model, recipe
from diffeo.cli.app import app
from diffeo.cli.flows import FROM_DATA, Option, flows, options, read
from diffeo.cli.model import chosen, flow_in, options_of, refuse_others, with_options

PUBLIC = {
    name for name in diffeo.__all__ if isinstance(cls := getattr(diffeo, name), type) and diffeo.Flow in cls.__bases__
}


def test_every_public_flow_is_on_the_command_line() -> None:
    assert set(flows().values()) == PUBLIC
    assert all(word == name.lower() for word, name in flows().items())


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_what_is_read_from_the_file_is_what_python_says_of_the_class(name: str) -> None:
    cls = getattr(diffeo, name)
    signature = inspect.signature(cls).parameters
    doc = f" {' '.join(cls.__doc__.split())} "
    expected = {option: p for option, p in signature.items() if option not in FROM_DATA}
    found = options(name)
    assert [option.name for option in found] == list(expected)
    for option in found:
        assert option.kind == expected[option.name].annotation
        assert option.default == expected[option.name].default
        assert f" {option.name}: {option.text} " in doc
        assert option.text.endswith(".")


TOY = '''
"""A flow."""
from typing import Literal
from diffeo.flows.preprocessing import Preprocessing
from diffeo.somewhere import Elsewhere

Shape = tuple[int, ...]

class Toy(Flow):
    """Made up.

    Args:
        shape: of a row.
        a: of one line.
        tail_bound: of two lines,
            which are one.

            And a paragraph.
        kind: a word: of two.

    Raises:
        ValueError: never.
    """

    def __init__(self, shape: int, *, values: int | None = None, {options}):
        pass
'''


def toy(folder: Path, written: str) -> list[Option]:
    (folder / "toy.py").write_text(TOY.replace("{options}", written), encoding="utf-8")
    return list(read(folder / "toy.py", "Toy"))


def test_every_kind_of_option_is_read(tmp_path: Path) -> None:
    for written, default in {
        "int": "3", "float | None": "None", "bool": "True", "str": "'x'", "Shape": "(8, 8)", "Shape | None": "None",
        "Literal['b', 'c'] | None": "'c'", "Preprocessing": "'logit'",
    }.items():  # fmt: skip
        (option,) = toy(tmp_path, f"a: {written} = {default}")
        scope: dict[str, Any] = {}
        exec("from typing import Literal\nfrom diffeo.flows.preprocessing import Preprocessing", scope)
        assert option == Option("a", eval(written, scope | {"Shape": tuple[int, ...]}), eval(default), "of one line.")
    assert toy(tmp_path, "tail_bound: float = -1.5") == [
        Option("tail_bound", float, -1.5, "of two lines, which are one. And a paragraph.")
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a: dict = None", "a is dict, and options are int, float, bool"),
        ("a: list[int] = None", "a is list[int], and options are"),
        ("a: int | str = 3", "a is int | str, and options are"),
        ("a: Literal[1, 2] = 1", "a is Literal[1, 2], and options are"),
        ("a: Elsewhere = 3", "somewhere.py"),
        ("a: Nowhere = 3", "it is not seen what Nowhere is"),
        ("a: int = 3 + x", "the default of a is no constant: 3 + x"),
        ("a: int", "a needs an annotation, a default, and a line among the Args"),
        ("b: int = 3", "b needs an annotation, a default, and a line among the Args"),
    ],
)
def test_what_cannot_be_read_is_said_in_plain_words(
    written: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((ValueError, OSError)):
        toy(tmp_path, written)
    monkeypatch.setattr(reading, "_files", lambda: {"Toy": tmp_path / "toy.py"})
    monkeypatch.setattr(reading, "flows", lambda: {"toy": "Toy"})
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        options.__wrapped__("toy")
    assert str(refused.value).startswith(f"{tmp_path / 'toy.py'}: the options of Toy cannot be read: ")


WORDS = [
    ("train glow mnist", "glow"),
    ("train GLOW mnist --epochs 3", "glow"),
    ("train --out glow realnvp moons", "realnvp"),
    ("train --model.steps 3 glow mnist", "glow"),
    ("train --epochs 3 --no-conditional nice moons --seed 1", "nice"),
    ("train moons --flow realnvp", None),  # moons is in the place of the flow: refused
    ("train --data moons --flow realnvp", "realnvp"),
    ("train --flow=glow --data=mnist", "glow"),
    ("train -- glow mnist", "glow"),
    ("config realnvp glow", "realnvp"),
    ("train --config file.yaml", "glow"),
    ("train --config=file.yaml --model.steps 3", "glow"),
    ("train realnvp moons --config file.yaml", "realnvp"),
    ("train --config realnvp-moons", "realnvp"),
    ("train --config nowhere.yaml", None),
    ("train --config broken.yaml", None),
    ("train --tracker glow", None),
    ("train glow mnist --epohcs 3", "glow"),
    ("train glow mnist --epochs many", "glow"),
    ("train glwo mnist", None),
    ("train", None),
    ("train --resume glow", None),
]


@pytest.mark.parametrize(("words", "flow"), WORDS)
def test_the_flow_is_found_wherever_it_stands(
    words: str, flow: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file.yaml").write_text("flow: glow\ndata: mnist\nmodel:\n  steps: 2\n", encoding="utf-8")
    Path("broken.yaml").write_text("flow: [glow\n", encoding="utf-8")
    assert flow_in(app, words.split()) == flow
    assert flow_in(app, [words.split()[0], "--help", *words.split()[1:]]) == flow


def rows(out: str) -> set[str]:
    return set(re.findall(r"^\u2502 (--model\.[\w-]+)", out, re.MULTILINE))


def test_help_shows_the_options_of_the_flow_and_of_no_other(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("flow: nice\n", encoding="utf-8")
    asked = {
        ("train", "glow", "mnist", "--help"): "glow",
        ("train", "--help", "realnvp"): "realnvp",
        ("config", "nice", "moons", "--help"): "nice",
        ("train", "--config", "c.yaml", "-h"): "nice",
        ("train", "--help"): None,
        ("config", "--help"): None,
        ("train", "--epochs", "x", "--help"): None,
    }
    for (words, flow), one in zip(asked.items(), together(*asked, cwd=tmp_path), strict=True):
        assert one.status == 0, words
        assert rows(one.out) == {f"--model.{option.word}" for option in (options(flow) if flow else ())}, words
        assert "each has options of its own, shown by diffeo train FLOW --help. [choices: glow," in one.out
    glow = together(("train", "glow", "--help"), cwd=tmp_path)[0].out
    assert re.search(r"--model\.steps INT +K, the steps at every level\. \[default: 8\]", glow)


def test_an_option_of_another_flow_is_refused_where_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("flow: realnvp\ndata: moons\nmodel:\n  width: 8\n  steps: 3\n", encoding="utf-8")
    said = "realnvp has no option 'steps'. It belongs to glow. There are: couplings, depth, levels, "
    line, file, both, none = together(
        ("train", "--model.steps", 3, "realnvp", "moons"),
        ("train", "--config", "c.yaml"),
        ("train", "--config", "c.yaml", "nice"),
        ("train", "--config", "c.yaml", "--model.steps", "none", "--json"),
        cwd=tmp_path,
        before=TOLD,
    )
    assert (line.status, line.errors.startswith(f"diffeo: {said}")) == (1, True)
    assert (file.status, file.errors.startswith(f"diffeo: c.yaml, line 5: {said}")) == (2, True)
    assert both.errors.startswith("diffeo: c.yaml, line 5: nice has no option 'steps'. It belongs to glow.")
    assert none.json["flow"]["width"] == 8


def test_a_config_holds_every_option_of_the_flow_with_what_it_means(tmp_path: Path) -> None:
    for flow, one in zip(
        flows(), together(*(("config", flow, "digits") for flow in flows()), cwd=tmp_path), strict=True
    ):
        found = yaml.safe_load(one.out)["model"]
        assert found == {o.word: list(o.default) if isinstance(o.default, tuple) else o.default for o in options(flow)}
        for option in options(flow):
            first = option.text.split(". ")[0].rstrip(".")
            assert re.search(
                rf"^  {option.word}: .*# {re.escape(first[:1].upper() + first[1:])}$", one.out, re.MULTILINE
            )


KINDS = (
    Option("bins", int, 8, "how many."),
    Option("tail_bound", float, 3.0, "of the tails."),
    Option("hidden", tuple[int, ...], (8, 8), "sizes."),
    Option("residual", bool, True, "whether it is added."),
    Option("name", str | None, None, "a name."),
    Option("kind", Literal["a", "b"], "a", "one of two."),
)
FILE = "flow: toy\nmodel:\n  bins: 3\n  tail_bound: 1e-2\n  hidden: [4, 5]\n  residual: no\n  name: no\n  kind: b\n"


def test_options_of_every_kind_are_typed_on_the_command_line_and_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (model, reading):
        monkeypatch.setattr(module, "flows", lambda: {"toy": "Toy"})
        monkeypatch.setattr(module, "options", lambda flow: KINDS)
    monkeypatch.setattr(model, "every_option", lambda: {option.name: option for option in KINDS})
    (tmp_path / "c.yaml").write_text(FILE, encoding="utf-8")
    told: list[dict[str, Any]] = []

    def train(flow: str | None = None, *, config: Path | None = None, model: Any = None) -> None:
        told.append(chosen("toy", model))

    toy = App(help_format="plaintext", default_parameter=Parameter(negative_iterable=()))
    toy.command(with_options(train, options_of("toy")), config=(recipe.fill, refuse_others))
    for words in (
        "toy", "toy --model.bins 8 --model.name none --model.residual --model.hidden none --model.kind a",
        "toy --model.bins=3 --model.tail-bound .01 --model.hidden 4,5 --model.no-residual --model.name no "
        "--model.kind b",
        f"--config {tmp_path / 'c.yaml'}", f"toy --model.hidden 6 --model.residual --config {tmp_path / 'c.yaml'}",
    ):  # fmt: skip
        toy(["train", *words.split()], exit_on_error=False, print_error=False, result_action="return_value")
    given = {"bins": 3, "tail_bound": 0.01, "hidden": (4, 5), "residual": False, "name": "no", "kind": "b"}
    over = {name: value for name, value in given.items() if name != "residual"} | {"hidden": (6,)}
    assert told == [{}, {}, given, given, over]
    for words, said in (
        ("--model.bins 1.5", "a whole number"),
        ("--model.hidden 3,x", "whole numbers such as 3 or 3,17"),
        ("--model.tail-bound wide", "a number"),
        ("--model.kind c", "Choose from"),
    ):
        with pytest.raises(CycloptsError, match=said):
            toy(["train", "toy", *words.split()], exit_on_error=False, print_error=False)


BROKEN = """
import ast, sys
parse = ast.parse
def parsed(text, *others, **named):
    return parse(str(text) + "(" * ("class NICE(" in str(text)), *others, **named)
ast.parse = parsed
from diffeo.cli import main
main(sys.argv[1:])
"""


def test_a_flow_that_cannot_be_read_is_in_the_way_of_its_own_commands_only(tmp_path: Path) -> None:
    models, other, own = (
        subprocess.run(
            [sys.executable, "-c", BROKEN, *words.split()],
            cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", env=environment(), check=False,
        )
        for words in ("models", "train glow moons --help", "train nice moons")
    )  # fmt: skip
    assert (models.returncode, other.returncode, own.returncode) == (0, 0, 1)
    assert re.fullmatch(r"diffeo: .*nice\.py: the options of NICE cannot be read: .*\n", own.stderr)


def test_an_option_that_is_not_understood_points_to_the_help_that_shows_it(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("flow: nice\ndata: moons\nmodel:\n  steps: 3\n", encoding="utf-8")
    line, word, file = together(
        ("train", "glow", "digits", "--model.steps", "4,5"),
        ("config", "glow", "digits", "--model.preprocessing", "none-such"),
        ("train", "--config", "c.yaml"),
        cwd=tmp_path,
    )
    assert line.errors.strip().endswith("See diffeo train glow --help")
    assert word.errors.strip().endswith("See diffeo config glow --help")
    assert file.errors.strip().endswith("See diffeo train nice --help")


def test_an_option_is_a_switch_in_every_flow_or_in_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "flows", lambda: {"one": "One", "other": "Other"})
    own = {"one": (Option("deep", bool, False, "."),), "other": (Option("deep", int, 3, "."),)}
    monkeypatch.setattr(reading, "options", own.__getitem__)
    with pytest.raises(ValueError, match="deep of other is a switch"):
        reading.every_option()
