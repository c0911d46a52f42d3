"""The interactive figures of chapter 2: what they show is what the library computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from mmfuse_lib.information import (
    GATES,
    conditional_entropy,
    decompose,
    entropy,
    mutual_information,
)
from mmfuse_lib.plots import Page as Figure
from mmfuse_lib.plots import entropy_table, two_houses

from . import figures

pytestmark = pytest.mark.browser
Array = NDArray[np.float64]
RNG = np.random.default_rng(2)


@pytest.fixture(scope="module")
def houses(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open the way between the houses alone, from the disk; each test goes where it wants."""
    with figures.alone(chromium, tmp_path_factory.mktemp("th"), two_houses().html) as opened:
        yield opened


@pytest.fixture(scope="module")
def square(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open the table of four probabilities alone, from the disk."""
    with figures.alone(chromium, tmp_path_factory.mktemp("et"), entropy_table().html) as opened:
        yield opened


def exact(page: Page, name: str = "exact") -> Array:
    text = page.locator(".mmfuse").get_attribute(f"data-{name}") or ""
    return np.array([float(x) for x in text.split()])


def shown(page: Page, names: list[str]) -> Array:
    texts = [page.locator(f"[data-value={n}]").inner_text() for n in names]
    return np.array([figures.number(text) for text in texts])


def between_houses(t: float) -> Array:
    """Return p(x1, x2, y) of the house in which camera 2 is turned on a share t of evenings.

    X2 is the stair lamp, 0 or 1, or 2 + 2 * hall + switch.
    """
    p = np.zeros((4, 6, 4))
    for hall, a, b in np.ndindex(2, 2, 2):
        lamp = a ^ b
        p[2 * hall + a, lamp, 2 * hall + lamp] += (1 - t) / 8
        p[2 * hall + a, 2 + 2 * hall + b, 2 * hall + lamp] += t / 8
    return p


def ensemble_accuracy(p: Array) -> float:
    """Return the accuracy of ranking labels by p(y|x1) p(y|x2), as chapter 2 has it."""
    score = p.sum(axis=1)[:, None, :] * p.sum(axis=0)[None, :, :]
    best = np.isclose(score, score.max(axis=-1, keepdims=True))
    return float((p * best / best.sum(axis=-1, keepdims=True)).sum())


def hold_houses_to_the_library(page: Page, t: float) -> None:
    p = between_houses(t)
    found = exact(page)
    assert found[0] == pytest.approx(t)
    d = decompose(p, tolerance=1e-9)
    np.testing.assert_allclose(found[1:5], d.atoms, atol=1e-7)
    np.testing.assert_allclose(shown(page, ["R", "U1", "U2", "S"]), d.atoms, atol=5.1e-3)
    informations = [mutual_information(p, x=x) for x in (0, 1, (0, 1))]
    np.testing.assert_allclose(informations, [1, 1, 2], atol=1e-12)
    np.testing.assert_allclose(found[5:8], informations, atol=1e-12)
    np.testing.assert_allclose(shown(page, ["I0", "I1", "I2"]), [1, 1, 2])
    assert found[8] == pytest.approx(ensemble_accuracy(p))


def test_the_way_between_the_houses_agrees_with_the_library(houses: Page) -> None:
    for percent in [0, 100, *RNG.integers(1, 100, 12).tolist()]:
        houses.locator("[data-name=t]").fill(str(percent))
        hold_houses_to_the_library(houses, percent / 100)


def test_the_ends_are_the_two_houses() -> None:
    a, b = (decompose(GATES[name]()).atoms for name in ("two_bit_copy", "redundant_xor"))
    np.testing.assert_allclose(decompose(between_houses(0)).atoms, a, atol=1e-9)
    np.testing.assert_allclose(decompose(between_houses(1)).atoms, b, atol=1e-9)


@pytest.mark.parametrize("by", [figures.drag, figures.swipe])
def test_any_atom_is_dragged_and_the_others_follow(houses: Page, by: Callable[..., None]) -> None:
    for name, place, share in (("U2", 0.3, 0.7), ("S", 0.25, 0.25), ("R", 0.9, 0.9)):
        by(houses, houses.get_by_role("slider", name=f"{name}, in bits"), (0.5, 0.5), (place, 0.5))
        t = exact(houses)[0]
        assert t == pytest.approx(share, abs=0.02)
        hold_houses_to_the_library(houses, t)


def test_keys_move_an_atom(houses: Page) -> None:
    atom = houses.get_by_role("slider", name="U1, in bits")
    figures.press(atom, "End", "ArrowDown", "PageDown")
    assert atom.get_attribute("aria-valuetext") == "0.89 bits"
    hold_houses_to_the_library(houses, 0.11)


def hold_square_to_the_library(page: Page) -> None:
    p = exact(page, "p").reshape(2, 2)  # p[x, y]
    x, y = p.sum(axis=1), p.sum(axis=0)
    wanted = [
        *(entropy(p), entropy(x), entropy(y), conditional_entropy(p.T)),
        *(mutual_information(p), conditional_entropy(p)),
    ]
    np.testing.assert_allclose(exact(page), wanted, atol=1e-9)
    np.testing.assert_allclose(shown(page, [f"'{k}'" for k in range(6)]), wanted, atol=5.1e-4)
    cells = page.locator("td[data-show]").all_inner_texts()
    np.testing.assert_allclose([float(c) for c in cells], p.ravel(), atol=5.1e-4)


def test_square_starts_at_the_camera_of_the_chapter(square: Page) -> None:
    square.get_by_role("button", name="Reset").click()
    np.testing.assert_allclose(exact(square, "p"), [0.45, 0.05, 0.05, 0.45], atol=1e-12)
    hold_square_to_the_library(square)


def test_dragged_squares_agree_with_the_library(square: Page) -> None:
    """Each knob goes to a random place, given in heights and widths of the board."""
    board = square.locator(".board").bounding_box()
    assert board is not None
    for _ in range(12):
        for name, axis in (("fooled", "y"), ("down", "x"), ("right", "y")):
            knob = square.locator(f"[data-knob={name}]")
            box = knob.bounding_box()
            assert box is not None
            share = RNG.random() * 1.2 - 0.1  # also beyond the ends
            target = {
                "x": (board["x"] + share * board["width"] - box["x"]) / box["width"],
                "y": (board["y"] + share * board["height"] - box["y"]) / box["height"],
            }
            end = (target["x"], 0.5) if axis == "x" else (0.5, target["y"])
            figures.drag(square, knob, (0.5, 0.5), end)
            value = np.clip(share if axis == "x" else 1 - share, 0, 1)
            found = float(knob.get_attribute("aria-valuenow") or "nan") / 100
            assert found == pytest.approx(value, abs=0.02)
        hold_square_to_the_library(square)


def test_square_follows_a_finger_and_keys(square: Page) -> None:
    square.get_by_role("button", name="Perfect").click()
    np.testing.assert_allclose(exact(square), [1, 1, 1, 0, 1, 0], atol=1e-12)
    figures.swipe(square, square.locator("[data-knob=right]"), (0.5, 0.5), (0.5, 2.5))
    after = float(square.locator("[data-knob=right]").get_attribute("aria-valuenow") or "nan")
    assert 40 < after < 70
    hold_square_to_the_library(square)
    figures.press(square.locator("[data-knob=down]"), "Home", "PageUp", "ArrowRight")
    assert square.locator("[data-knob=down]").get_attribute("aria-valuetext") == "11 %"
    hold_square_to_the_library(square)


def test_level_borders_mean_no_information(square: Page) -> None:
    square.get_by_role("button", name="Reset").click()
    figures.press(square.locator("[data-knob=right]"), *["PageDown"] * 8)
    assert exact(square)[4] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("make", [two_houses, entropy_table])
def test_figure_has_no_flaws(chromium: Browser, tmp_path: Path, make: Callable[[], Figure]) -> None:
    html = make().html
    assert len(html.encode()) < figures.BUDGET
    with figures.alone(chromium, tmp_path, html) as opened:
        assert figures.flaws(opened) == []
    with figures.alone(chromium, tmp_path, html, scripts=False) as opened:
        assert opened.locator(".still").is_visible()
        assert not opened.locator(".live").is_visible()


SIZES = """() => [...document.querySelectorAll('.mmfuse-et :is(b, .row, .said, .knob, td)')].map(
    (node) => [node.offsetWidth, node.offsetHeight])"""
# What the theme of the pages says of its own rows.
THEME = (
    "<style>.row { flex-wrap: wrap } .row > * { flex-shrink: 0; padding: 9px; width: 100% }</style>"
)


def test_figures_on_one_page_keep_their_styles(chromium: Browser, tmp_path: Path) -> None:
    """Each figure brings the base of all, which must not undo what the one before it says."""
    with figures.alone(chromium, tmp_path, entropy_table().html) as opened:
        alone = opened.evaluate(SIZES)
    together = THEME + entropy_table().html + two_houses().html
    with figures.alone(chromium, tmp_path, together) as opened:
        assert opened.evaluate(SIZES) == alone
