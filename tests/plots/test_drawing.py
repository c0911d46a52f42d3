"""Drawings of mechanisms: valid, readable, in the book's colours, dark where the page is dark."""

import re
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from mmfuse_lib import plots
from mmfuse_lib.core.errors import UnknownNameError
from mmfuse_lib.plots.drawing import _DARK, SVG

FOLDER = Path(plots.__file__).parent / "mechanisms"
NAMES = sorted(path.stem for path in FOLDER.glob("*.svg"))
INTERACTIONS = {plots.PALETTE[name] for name in ("R", "U1", "U2", "S")}
#: Ink, lines and grounds, and what is written on a colour.
ALLOWED = INTERACTIONS | set(_DARK) | {"#000000", "#ffffff", "none"}
SMALLEST = 11  # pixels, where the drawing is 340 px wide


def read(name: str) -> Tree.Element:
    return Tree.fromstring((FOLDER / f"{name}.svg").read_text("utf8"))  # noqa: S314


def test_there_is_a_drawing_for_each_mechanism() -> None:
    assert NAMES == [
        "ensemble_and_joint", "garbling", "levels", "one_way_lane", "passes", "re_pairing",
        "shared_residual",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_says_in_words_what_it_shows(name: str) -> None:
    root, drawing = read(name), plots.mechanism(name)
    assert root.attrib["role"] == "img"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert drawing.title == root[0].text
    assert drawing.text == root[1].text
    assert len(drawing.text) > 100
    assert repr(drawing) == f"{drawing.title}. {drawing.text}"
    assert drawing.svg in drawing._repr_html_()


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_has_only_the_books_colours(name: str) -> None:
    used = {e.get(what, "none") for e in read(name).iter() for what in ("fill", "stroke")}
    assert used <= ALLOWED
    assert used & INTERACTIONS


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_is_legible_on_a_phone(name: str) -> None:
    root = read(name)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    sizes = [float(e.attrib["font-size"]) for e in root.iter() if "font-size" in e.attrib]
    assert width <= 400
    assert height < 2 * width
    assert min(sizes) * 340 / width >= SMALLEST
    for text in root.iter(f"{SVG}text"):
        assert 0 < float(text.attrib["x"]) < width
        assert 0 < float(text.attrib["y"]) < height
        assert "".join(text.itertext()).strip()


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_needs_nothing_from_elsewhere(name: str) -> None:
    html = plots.mechanism(name)._repr_html_()
    assert not re.findall(r"href|url\(|@import|<script|<image|<!--|\bid=", html)
    assert re.findall(r"https?://[^\"]+", html) == ["http://www.w3.org/2000/svg"]
    assert len(html.encode()) < 25_000


def test_ink_has_a_counterpart_in_the_dark() -> None:
    html = plots.mechanism("levels")._repr_html_()
    for light, dark in _DARK.items():
        (variable,) = set(re.findall(rf"(--c\d): {light};", html))
        assert set(re.findall(rf"{variable}: ([^;]+);", html)) == {light, dark}
        for what in ("fill", "stroke"):
            assert f'[{what}="{light}"] {{ {what}: var({variable}); }}' in html


def test_an_unknown_drawing_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 're_pairing'.*one_way_lane"):
        plots.mechanism("repairing")
