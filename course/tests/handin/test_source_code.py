"""Source code as students save it."""

import json

import pytest

from diffeo_course.handin.source import decoded, defined, definitions, of_notebook
from handed_in import CODE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_any_usual_encoding_is_read(encoding: str) -> None:
    assert decoded(CODE.encode(encoding)) == CODE


def test_line_ends_of_windows_and_old_macs_become_ordinary() -> None:
    assert decoded(b"a = 1\r\nb = 2\rc = 3\n") == "a = 1\nb = 2\nc = 3\n"


def test_a_declared_encoding_is_followed_and_taken_out() -> None:
    text = decoded("# -*- coding: euc-kr -*-\n이름 = 1\n".encode("euc-kr"))
    assert text.splitlines()[1] == "이름 = 1"
    assert "coding" not in text
    assert decoded("# coding: nonsense\n이름 = 1\n".encode()).endswith("이름 = 1\n")


def test_what_is_no_text_is_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        decoded(b"\xff\x00\x81\x20\xff")


def _notebook(*cells: object) -> str:
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": cell} for cell in cells]})


def test_a_notebook_gives_its_code_without_what_is_for_ipython() -> None:
    code = of_notebook(
        _notebook(
            "%matplotlib inline\n!pip install torch\nimport torch",
            ["def loss(z):\n", "    %time\n", "    return z % 2\n"],
            "%%bash\nrm -rf nothing",
            "%%time\nx = 7\nloss?",
        )
    )
    space: dict[str, object] = {}
    exec(compile(code.replace("import torch", ""), "notebook", "exec"), space)
    assert callable(space["loss"])
    assert space["x"] == 7
    assert "# rm -rf nothing" in code


def test_markdown_and_broken_notebooks_are_no_code() -> None:
    text = json.dumps({"cells": [{"cell_type": "markdown", "source": "# 제목"}]})
    assert of_notebook(text).strip() == ""
    for broken in ("{", "[]", '{"cells": [{"cell_type": "code"}]}'):
        with pytest.raises(ValueError, match="not a notebook"):
            of_notebook(broken)


def test_definitions_keep_what_functions_use_on_its_own_line() -> None:
    code = (
        "import math\n"
        "SCALE = 2\n"
        "HALF = SCALE / 4\n"
        "history = train()\n"
        "@decorated\n"
        "def f(x):\n"
        "    return HALF * x\n"
        "for epoch in range(10):\n"
        "    train()\n"
        "g = lambda x: f(x)\n"
        "class Model:\n"
        "    size = g\n"
    )
    kept = definitions(code).split("\n")
    lines = code.split("\n")
    assert [number for number, line in enumerate(kept) if line] == [0, 1, 2, 4, 5, 6, 9, 10, 11]
    assert all(line in ("", lines[number]) for number, line in enumerate(kept))


def test_names_are_found_even_where_the_code_does_not_parse() -> None:
    assert defined("def loss(z:\n  x = = 1\nclass RealNVP(nn.Module):\nsplit = lambda x: x\n") == {
        "loss",
        "RealNVP",
        "split",
    }


def test_definitions_keep_what_is_set_under_a_condition_or_part_by_part() -> None:
    code = (
        "if torch.cuda.is_available():\n"
        "    device = 'cuda'\n"
        "    print('fast')\n"
        "else:\n"
        "    device = 'cpu'\n"
        "cache = {}\n"
        "cache['half'] = 0.5\n"
        "def f(x):\n"
        "    loss = x\n"
        "    return loss.to(device) * cache['half']\n"
        "loss = train()\n"
        "if loss:\n"
        "    loss = train()\n"
        "if __name__ == '__main__':\n"
        "    device = train()\n"
        "    fit(device)\n"
    )
    kept = definitions(code).split("\n")
    assert [number for number, line in enumerate(kept) if line] == list(range(10))
