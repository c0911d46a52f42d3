"""The picture between XOR and AND: what it shows is what the library computes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from mmfuse_lib.information import (
    GATES,
    conditional_mutual_information,
    decompose,
    mutual_information,
)
from mmfuse_lib.plots import PALETTE, xor_to_and

from . import browser as browsing
from . import figures

pytestmark = pytest.mark.browser
Array = NDArray[np.float64]
NAMES = ("R", "U1", "U2", "S")
POSITIONS = [
    (0, 0, "flip"),
    (30, 0, "flip"),
    (50, 15, "flip"),
    (100, 0, "flip"),
    (100, 20, "flip"),
    (0, 25, "camera"),
    (65, 10, "camera"),
    (100, 25, "camera"),
]


def table(a: float, e: float, kind: str) -> Array:
    """Return p(x1, x2, y) of a position of the first three controls."""
    flip, sees = np.array([[1 - e, e], [e, 1 - e]]), np.eye(2)
    first = np.array([[1 - e, e], [0, 1]]) if kind == "camera" else sees
    second = np.array([[1, 0], [e, 1 - e]]) if kind == "camera" else flip
    p = (1 - a) * GATES["xor"]() + a * GATES["and"]()
    return np.asarray(np.einsum("aby,ai,bj->ijy", p, first, second))


def implied(p: Array, q: Array) -> Array:
    """Return the atoms that follow if q takes the place of the best coupling."""
    iq = mutual_information(q)
    i1, i2, i12 = mutual_information(p, x=0), mutual_information(p, x=1), mutual_information(p)
    return np.array([i1 + i2 - iq, iq - i2, iq - i1, i12 - iq])


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """Open the picture alone, from the disk."""
    with figures.alone(chromium, tmp_path, xor_to_and().html, width=1280) as opened:
        yield opened


def move(page: Page, a: int, e: int, kind: str) -> None:
    page.select_option("[data-name=kind]", kind)
    for name, value in (("a", a), ("e", e)):
        page.locator(f"[data-name={name}]").fill(str(value))


def shown(page: Page) -> Array:
    """Read the four numbers beside the bars."""
    texts = [page.locator(f"[data-value={n}]").inner_text() for n in NAMES]
    return np.array([figures.number(text) for text in texts])


def shown_tables(page: Page) -> tuple[Array, Array]:
    cells = page.locator("table.plain tbody td").all_inner_texts()
    numbers = np.array(cells, dtype=float).reshape(2, 2, 2, 2)
    return numbers[:, :, 0], numbers[:, :, 1]


def exact(page: Page) -> Array:
    """Read the atoms with more digits than are shown."""
    text = page.locator(".mmfuse-xa").get_attribute("data-atoms")
    return np.array([float(x) for x in (text or "").split()])


@pytest.mark.parametrize("position", POSITIONS)
def test_solve_gives_the_decomposition(page: Page, position: tuple[int, int, str]) -> None:
    a, e, kind = position
    move(page, a, e, kind)
    page.click("[data-do=solve]")
    expected = decompose(table(a / 100, e / 100, kind)).atoms
    np.testing.assert_allclose(exact(page), expected, atol=1e-7)
    np.testing.assert_allclose(shown(page), expected, atol=6e-4)
    assert "the least that is possible" in page.locator(".said").inner_text()


@pytest.mark.parametrize("position", POSITIONS)
def test_q_starts_at_p_where_synergy_seems_zero(page: Page, position: tuple[int, int, str]) -> None:
    a, e, kind = position
    move(page, a, e, kind)
    p = table(a / 100, e / 100, kind)
    of_p, of_q = shown_tables(page)
    np.testing.assert_allclose(of_p, p, atol=6e-4)
    np.testing.assert_allclose(of_q, p, atol=6e-4)
    expected = implied(p, p)
    assert expected[3] == pytest.approx(0)
    assert expected[1] == pytest.approx(conditional_mutual_information(p, x=0, given=1))
    np.testing.assert_allclose(exact(page), expected, atol=1e-8)


@pytest.mark.parametrize("position", POSITIONS)
def test_each_pairing_keeps_the_pairwise_tables(page: Page, position: tuple[int, int, str]) -> None:
    a, e, kind = position
    move(page, a, e, kind)
    p = table(a / 100, e / 100, kind)
    least = decompose(p)
    for point in itertools.product((0, 700), repeat=2):
        for y, value in enumerate(point):
            slider = page.locator(f"[data-name=t{y}]")
            if slider.is_enabled():
                slider.fill(str(value))
        _, q = shown_tables(page)
        np.testing.assert_allclose(q.sum(axis=1), p.sum(axis=1), atol=1.1e-3)
        np.testing.assert_allclose(q.sum(axis=0), p.sum(axis=0), atol=1.1e-3)
        np.testing.assert_allclose(shown(page), implied(p, q / q.sum()), atol=0.02)
        r, u1, u2, s = exact(page)
        assert r <= least.redundancy + 1e-8
        assert s <= least.synergy + 1e-8
        assert u1 >= least.unique[0] - 1e-8
        assert u2 >= least.unique[1] - 1e-8


def test_pairing_without_freedom_cannot_be_moved(page: Page) -> None:
    """With AND, a lit lamp leaves no choice: both sources are 1."""
    move(page, 100, 0, "flip")
    assert page.locator("[data-name=t0]").is_enabled()
    assert page.locator("[data-name=t1]").is_disabled()
    assert "fixed" in page.locator("[data-show=t1]").inner_text()


def test_tap_on_the_map_moves_q(page: Page) -> None:
    move(page, 0, 0, "flip")
    page.click("[data-do=back]")
    np.testing.assert_allclose(exact(page), [-1, 1, 1, 0], atol=1e-8)
    page.locator("canvas").tap(position=middle(page))  # half and half: no information
    np.testing.assert_allclose(exact(page), [0, 0, 0, 1], atol=1e-3)


def middle(page: Page) -> Any:
    """Return the middle of the map's square; 26 pixels at its left and 20 below are text."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    return {"x": (box["width"] + 26 - 8) / 2, "y": (box["height"] + 8 - 20) / 2}


@pytest.mark.parametrize("by", [figures.drag, figures.swipe])
def test_q_is_dragged_over_the_map(page: Page, by: Callable[..., None]) -> None:
    """At XOR the square is all of the map: from the corner of p to where the sources agree."""
    page.set_viewport_size({"width": 390, "height": 844})
    move(page, 0, 0, "flip")
    by(page, page.locator("canvas"), (0.85, 0.8), (0.99, 0.01))
    assert page.locator("[data-show=t0]").inner_text() == "100.0 %"
    assert page.locator("[data-show=t1]").inner_text() == "100.0 %"
    np.testing.assert_allclose(exact(page), [0, 0, 0, 1], atol=1e-8)


def test_keys_move_q_in_both_directions(page: Page) -> None:
    move(page, 0, 0, "flip")
    page.click("[data-do=back]")
    figures.press(page.locator("canvas"), *["ArrowLeft"] * 3, "PageUp", "Shift+ArrowUp")
    assert page.locator("[data-show=t0]").inner_text() == "97.0 %"
    assert page.locator("[data-show=t1]").inner_text() == "20.0 %"
    text = page.locator("canvas").get_attribute("aria-valuetext") or ""
    assert "97 % of cases when Y is 0 and 20 % when Y is 1" in text
    assert text.endswith("the least is 0.000")


def test_keyboard_alone_is_enough(page: Page) -> None:
    page.locator("[data-name=a]").focus()
    page.keyboard.press("End")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.do") == "solve":
            break
    page.keyboard.press("Enter")
    expected = decompose(GATES["and"]()).atoms
    np.testing.assert_allclose(shown(page), expected, atol=6e-4)


def test_every_control_has_a_name(page: Page) -> None:
    assert page.locator(".mmfuse-xa").get_by_role("slider").count() == 5
    names = page.locator("input").evaluate_all("(all) => all.map((x) => x.labels.length)")
    assert names == [1, 1, 1, 1]
    assert "map" in (page.locator("canvas").get_attribute("aria-label") or "")


def colors(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """() => {
          const style = getComputedStyle(document.querySelector('.mmfuse-xa'));
          return {ink: style.color, card: style.backgroundColor};
        }"""
    )
    return found


@pytest.mark.parametrize("by", ["theme", "system"])
def test_dark_colours(page: Page, by: str) -> None:
    page.emulate_media(color_scheme="light")
    light = colors(page)
    if by == "theme":
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
    else:
        page.emulate_media(color_scheme="dark")
    dark = colors(page)
    assert light == {"ink": "rgb(34, 34, 34)", "card": "rgb(255, 255, 255)"}
    assert dark == {"ink": "rgb(232, 232, 236)", "card": "rgb(29, 34, 41)"}
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert colors(page) == light


def test_bars_have_the_colours_of_the_book(page: Page) -> None:
    used = page.locator(".track i").evaluate_all(
        "(all) => all.map((x) => getComputedStyle(x).backgroundColor)"
    )
    wanted = [tuple(int(PALETTE[n][k : k + 2], 16) for k in (1, 3, 5)) for n in NAMES]
    assert used == [f"rgb{color}" for color in wanted]


def test_picture_has_no_flaws(page: Page) -> None:
    assert figures.flaws(page) == []
    assert len(xor_to_and().html.encode()) < figures.BUDGET


def test_controls_atoms_and_map_fit_a_phone_at_once(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(browsing.DRAWN)
    boxes = [page.locator(x).bounding_box() for x in ("legend >> nth=0", "[data-do=solve]")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["y"] + boxes[1]["height"] - boxes[0]["y"] < 600
    frame = page.locator("canvas").bounding_box()
    assert frame is not None
    assert frame["width"] == pytest.approx(frame["height"], abs=1)


def test_two_copies_do_not_disturb_each_other(page: Page) -> None:
    page.evaluate(
        """(html) => {
          document.body.append(document.createRange().createContextualFragment(html));
        }""",
        xor_to_and().html,
    )
    roots = page.locator(".mmfuse-xa")
    assert roots.count() == 2
    roots.nth(1).locator("[data-name=a]").fill("100")
    values = roots.evaluate_all("(all) => all.map((x) => x.dataset.atoms)")
    assert values[0] != values[1]


def test_without_scripts_a_sentence_stands_in(chromium: Browser, tmp_path: Path) -> None:
    with figures.alone(chromium, tmp_path, xor_to_and().html, scripts=False) as opened:
        assert opened.locator(".still").is_visible()
        assert not opened.locator(".live").is_visible()
