"""The report: one page, with everything in it, and nothing that comes from elsewhere."""

import html.parser
import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from diffeo.evaluation import fonts, image_grid
from diffeo.runs import read_run, write_report
from runs.made import COLUMNS, table


class Page(html.parser.HTMLParser):
    """The page's text, its tags, its addresses, and whether tags are closed in the order they were opened."""

    EMPTY = ("meta", "img", "input", "br")

    def __init__(self, path: Path):
        super().__init__()
        self.text, self.addresses, self.tags, self.open = "", [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [v for k, v in attributes if k in ("src", "href", "xlink:href", "data", "srcset")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data


def test_the_page_is_whole_and_loads_nothing(trained: Path) -> None:
    for name in ("plane", "images", "table"):
        page = Page(trained / name / "report.html")
        assert page.open == []
        assert all(address.startswith(("data:image/png;base64,", "#")) for address in page.addresses)
        assert not {"link", "iframe", "object", "base"} & set(page.tags)
        text = (trained / name / "report.html").read_text(encoding="utf-8")
        assert "url(http" not in text
        assert "@import" not in text
        assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize("name", ["plane", "images", "table"])
def test_it_shows_the_test_figure_beside_its_baselines_and_the_checks(trained: Path, name: str) -> None:
    summary = json.loads((trained / name / "summary.json").read_text())
    page = Page(trained / name / "report.html")
    bits = "test_bits_per_dim" in summary
    shift = 0.0 if name != "table" else -torch.tensor(2.0).log().item()
    figures = [summary["test_bits_per_dim" if bits else "test_log_likelihood"] + shift]
    figures += [value["mean"] + shift for value in summary["baselines"].values()]
    for figure in figures:
        assert f"{figure:.4f}".replace("-", "−") in page.text
    assert f"{summary['standard_error']:.4f}" in page.text
    assert ("lower is better" if bits else "higher is better") in page.text
    assert ("standardised" in page.text) == (not bits)
    assert "largest error of the round trip" in page.text
    assert ("integral of the density" in page.text) == (name == "plane")
    assert ("integers that came back wrong" in page.text) == bits
    assert ("Columns: samples beside data" in page.text) == (not bits)
    assert ("The mean latent image" in page.text) == bits
    assert ("Memorisation, distances" in page.text) == bits
    assert f"{summary['peak_memory']['process']:,.0f} MiB of memory at the peak" in page.text
    assert "parameters" in page.text
    assert "network passes" in page.text


def test_names_and_commands_are_escaped_and_columns_are_compared(trained: Path) -> None:
    assert "echo '<mark>&'" in Page(trained / "images" / "report.html").text
    page = Page(trained / "table" / "report.html")
    for column in COLUMNS:
        assert column in page.text
    assert "RealNVP on table:판매.csv" in page.text
    assert "3 rows were left out" in page.text
    assert "largest difference" in page.text
    assert not {"cm", "mark"} & set(page.tags)


def test_columns_are_numbered_with_a_legend_where_no_font_has_their_letters(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fonts._glyphs.cache_clear()
    monkeypatch.setattr(fonts, "korean_family", lambda: None)
    run = read_run(trained / "table")
    page = Page(write_report(tmp_path, run.load_flow(), table(), run.summary, run.history))
    fonts._glyphs.cache_clear()
    assert f"1 = {COLUMNS[0]}, 2 = {COLUMNS[1]}, 3 = {COLUMNS[2]}" in page.text


def test_samples_are_shown_epoch_by_epoch_the_first_and_the_last_among_them(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained / "images", folder)
    shutil.rmtree(folder / "samples", ignore_errors=True)
    (folder / "samples").mkdir()
    images = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    for epoch in range(1, 61):
        image_grid(images, 17, pixels=10).save(folder / "samples" / f"{epoch:04}.png")
    steps = len((folder / "steps.csv").read_text().splitlines()) - 1
    losses = "".join(f"{step},{'nan' if step == 1 else 3.0},1.0,0.1\n" for step in range(steps))
    (folder / "steps.csv").write_text("step,loss,gradient_norm,lr\n" + losses)
    run = read_run(folder)
    timings = {"forward": 6.0, "backward": 3.9, "order": 0.05, "noise": 0.05}
    page = Page(
        write_report(folder, run.load_flow(), run.load_data(), {**run.summary, "timings": timings}, run.history)
    )
    text = (folder / "report.html").read_text(encoding="utf-8")
    shown = [int(epoch) for epoch in re.findall(r'data-name="epoch (\d+)"', text)]
    assert len(shown) == 24
    assert (shown[0], shown[-1]) == (1, 60)
    assert 'data-name="kept"' in text
    assert "single steps" in page.text
    assert "forward 60 %, 6.0 s" in page.text
    assert "other 1.0 %, 0.1 s" in page.text


def test_a_figure_that_is_not_finite_costs_no_report(trained: Path, tmp_path: Path) -> None:
    run = read_run(trained / "plane")
    broken = {**run.summary, "test_log_likelihood": None, "standard_error": None, "round_trip_error": None}
    history = [*run.history, {**run.history[-1], "epoch": 3, "train": None, "validation": None}]
    page = Page(write_report(tmp_path, run.load_flow(), run.load_data(), broken, history))
    assert "nan ± –" in page.text
    assert f"{run.summary['baselines']['gaussian']['mean']:.4f}".replace("-", "−") in page.text
