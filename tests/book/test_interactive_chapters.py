"""The figures of chapters 1, 3, 5 and 6: what they show is what the library computes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page
from scipy.stats import chi2, norm
from sklearn.datasets import load_digits

from mmfuse_lib import plots
from mmfuse_lib.data.synthetic import gaussian_gates
from mmfuse_lib.information import (
    GATES,
    decompose,
    mutual_information,
    pointwise_atoms,
    pointwise_decomposition,
)

from . import browser as browsing

pytestmark = pytest.mark.browser
Array = NDArray[np.float64]
FIGURES = {
    "adding": plots.adding_scores,
    "residual": plots.shared_residual,
    "counting": plots.counting_bias,
    "surprise": plots.sharing_surprise,
}
HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf8"><meta name="viewport" '
    'content="width=device-width"><title>figure</title><body><main><h1>figure</h1>'
)
Open = Callable[[str], Page]


@pytest.fixture
def open_figure(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a figure alone, from the disk, on a phone with a touch screen."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)

    def opened(name: str) -> Page:
        file = tmp_path / f"{name}.html"
        file.write_text(f"{HEAD}{FIGURES[name]().html}</main></body></html>", "utf8")
        page = context.new_page()
        page.goto(file.as_uri())
        return page

    yield opened
    context.close()


def found(page: Page) -> dict[str, Any]:
    """Read what the figure has computed, with all digits."""
    values: dict[str, Any] = json.loads(
        page.locator(".mmfuse").get_attribute("data-found") or "null"
    )
    return values


def number(text: str) -> float:
    """Read a number with a real minus sign."""
    return float(text.replace("\u2212", "-").replace(",", ""))


def shown(page: Page, key: str) -> float:
    """Read the number beside a bar."""
    return number(page.locator(f"[data-value={key}]").inner_text())


def slide(page: Page, name: str, value: int) -> None:
    page.locator(f"[data-name={name}]").fill(str(value))


def middle(handle: Locator) -> tuple[float, float]:
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag_by_mouse(page: Page, handle: Locator, right: float, down: float) -> None:
    x, y = middle(handle)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2)
    page.mouse.move(x + right, y + down)
    page.mouse.up()


def drag_by_touch(page: Page, handle: Locator, right: float, down: float) -> None:
    x, y = middle(handle)
    screen = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": px, "y": py} for px, py in points]
        screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (x, y))
    for share in (0.25, 0.5, 0.75, 1):
        touch("touchMove", (x + share * right, y + share * down))
    touch("touchEnd")


# A handle of each figure, and how far it is dragged: pixels to the right and down.
HANDLES = {
    "adding": ('[aria-label="score of f for class 0 when a is 1"]', 0, -25),
    "residual": ('[aria-label="epoch, in the chart of residuals"]', 90, 0),
    "counting": ('[aria-label="clusters of each camera"]', 60, 0),
    "surprise": ('[aria-label="surprise of source 1, what it tells stays"]', 0, -60),
}


@pytest.mark.parametrize("how", ["mouse", "touch"])
@pytest.mark.parametrize("name", FIGURES)
def test_handle_follows_pointer(open_figure: Open, name: str, how: str) -> None:
    page = open_figure(name)
    selector, right, down = HANDLES[name]
    handle = page.locator(selector)
    drag = drag_by_mouse if how == "mouse" else drag_by_touch
    drag(page, handle, 0, 0)  # to the middle of the handle
    start, before = number(handle.get_attribute("aria-valuenow") or ""), found(page)
    drag(page, handle, right, down)
    once = number(handle.get_attribute("aria-valuenow") or "")
    assert once > start
    assert found(page) != before
    if name == "surprise":  # this handle has moved away with the pointer
        return
    drag(page, handle, right / 2, down / 2)
    assert start < number(handle.get_attribute("aria-valuenow") or "") < once


@pytest.mark.parametrize("name", FIGURES)
def test_handle_obeys_the_keys(open_figure: Open, name: str) -> None:
    page = open_figure(name)
    handle = page.locator(HANDLES[name][0])
    handle.focus()
    values = []
    for key in ("Home", "ArrowUp", "PageUp", "ArrowLeft", "End"):
        page.keyboard.press(key)
        values.append(number(handle.get_attribute("aria-valuenow") or ""))
    low, up, page_up, left, high = values
    assert low < up < left < page_up < high
    assert left - low == pytest.approx(page_up - up, abs=0.011)  # a surprise is rounded
    assert page.evaluate("document.activeElement.getAttribute('role')") == "slider"


@pytest.mark.parametrize("name", FIGURES)
def test_every_control_is_reached_by_tab_and_has_a_name(open_figure: Open, name: str) -> None:
    page = open_figure(name)
    wanted = page.locator(".mmfuse :is([role=slider], input, select, button)")
    reached = set()
    for _ in range(wanted.count()):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                """() => {
                  const node = document.activeElement;
                  return node.getAttribute('aria-label') || node.labels?.[0]?.textContent ||
                    node.textContent;
                }"""
            )
        )
    assert "" not in reached
    assert len(reached) == wanted.count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_nothing_keeps_readers_out(open_figure: Open, name: str, scheme: Any) -> None:
    page = open_figure(name)
    page.emulate_media(color_scheme=scheme)
    page.evaluate(browsing.AXE.read_text("utf8"))
    assert page.evaluate(browsing.GRAVE) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", FIGURES)
def test_figure_fits_the_screen(open_figure: Open, name: str, width: int) -> None:
    page = open_figure(name)
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate(
        "for (const button of document.querySelectorAll('[data-k=\"3\"]')) button.click()"
    )
    page.evaluate(browsing.DRAWN)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        """() => {
          const root = document.querySelector('.mmfuse'), edge = root.getBoundingClientRect();
          return [...root.querySelectorAll('*')].filter((node) => {
            const box = node.getBoundingClientRect();
            return box.width && (box.left < edge.left - 1 || box.right > edge.right + 1);
          }).map((node) => node.outerHTML.slice(0, 80));
        }"""
    )
    assert beyond == []


@pytest.mark.parametrize("name", FIGURES)
def test_text_is_legible_on_a_phone(open_figure: Open, name: str) -> None:
    """Text in a drawing shrinks with it: at least 11 px, at 340 px for the figure."""
    page = open_figure(name)
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('.mmfuse *')].filter(
          (node) => node.getClientRects().length && [...node.childNodes].some(
            (child) => child.nodeType === 3 && child.data.trim())
        ).map((node) => {
          const svg = node.closest('svg');
          const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
          return scale * parseFloat(getComputedStyle(node).fontSize);
        }))"""
    )
    assert smallest >= 10.9


# What the book's theme says about a class that the bars have, too.
GRID = """
.row { display: flex; flex-wrap: wrap; margin: 0 -8px }
.row > * { flex-shrink: 0; margin-top: 8px; max-width: 100%; padding: 0 8px; width: 100% }
"""


@pytest.mark.parametrize("name", ["adding", "counting", "surprise"])
def test_bars_keep_on_one_line_in_the_theme(open_figure: Open, name: str) -> None:
    page = open_figure(name)
    page.evaluate(
        """(text) => {
          const style = document.createElement('style');
          style.textContent = text;
          document.head.prepend(style);
        }""",
        GRID,
    )
    heights = page.locator(".row").evaluate_all("(all) => all.map((x) => x.offsetHeight)")
    assert heights
    assert max(heights) < 32


@pytest.mark.parametrize("k", [2, 3])
def test_scores_are_wide_enough_for_a_finger(open_figure: Open, k: int) -> None:
    page = open_figure("adding")
    page.click(f"[data-k='{k}']")
    handles = page.get_by_role("slider")
    assert handles.count() == 2 * k * k
    least = handles.evaluate_all("(all) => Math.min(...all.map((x) => x.offsetWidth))")
    assert least >= (44 if k == 2 else 24)


@pytest.mark.parametrize("name", FIGURES)
def test_two_copies_do_not_disturb_each_other(open_figure: Open, name: str) -> None:
    page = open_figure(name)
    page.evaluate(
        """(html) => {
          document.body.append(document.createRange().createContextualFragment(html));
        }""",
        FIGURES[name]().html,
    )
    copies = page.locator(".mmfuse")
    assert copies.count() == 2
    handle = copies.nth(1).locator(HANDLES[name][0])
    handle.focus()
    page.keyboard.press("PageUp")
    values = copies.evaluate_all("(all) => all.map((x) => x.dataset.found)")
    assert values[0] != values[1]


@pytest.mark.parametrize("name", FIGURES)
def test_without_scripts_a_text_stands_in(chromium: Browser, tmp_path: Path, name: str) -> None:
    file = tmp_path / "figure.html"
    file.write_text(FIGURES[name]().html, "utf8")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator(".still").is_visible()
    assert not page.locator(".live").is_visible()
    context.close()


# Chapter 1: scores that are added


def set_scores(page: Page, rng: np.random.Generator) -> None:
    """Give every score a random value, by mouse."""
    for handle in page.get_by_role("slider").all():
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + rng.uniform(0, box["height"] - 18)
        page.mouse.click(x, y)


@pytest.mark.parametrize("k", [2, 3])
def test_sums_of_random_scores(open_figure: Open, k: int) -> None:
    page = open_figure("adding")
    page.click(f"[data-k='{k}']")
    rng = np.random.default_rng(k)
    seen = set()
    for _ in range(3):
        set_scores(page, rng)
        values = found(page)
        f, g = np.array(values["f"]) / 10, np.array(values["g"]) / 10
        assert np.abs(f).max() > 0.5
        a, b = np.indices((k, k)).reshape(2, -1)
        y = (a + b) % k
        scores = f[a] + g[b]
        others = np.where(np.eye(k, dtype=bool)[y], -np.inf, scores).max(axis=1)
        won = scores[np.arange(k * k), y] > others + 1e-9
        assert values["won"] == won.tolist()
        texts = page.locator(".pair .name").all_inner_texts()
        assert ["won" in text for text in texts] == won.tolist()
        loss = F.cross_entropy(torch.tensor(scores), torch.tensor(y)).item()
        assert values["loss"] == pytest.approx(loss)
        assert shown(page, "loss") == pytest.approx(loss, abs=0.006)
        assert loss >= np.log(k)  # the theorem
        leads = [text.split() for text in page.locator(".parts").all_inner_texts()]
        own = np.array([[number(x) for x in text[1::2]] for text in leads]).reshape(k, k, 2)
        following = (y + 1) % k
        np.testing.assert_allclose(own[..., 0].ravel(), f[a, y] - f[a, following], atol=1e-9)
        np.testing.assert_allclose(own[..., 1].ravel(), g[b, y] - g[b, following], atol=1e-9)
        assert {
            number(x) for x in page.locator(".total-f, .total-g, .total-all").all_inner_texts()
        } == {0}
        assert f"You win {won.sum()} of {k * k}" in page.locator(".said").inner_text()
        seen.add(int(won.sum()))
    assert max(seen) < k * k


def test_three_of_four_can_be_won(open_figure: Open) -> None:
    """The scores of the exercise: class 1 is ahead by a + b - 1/2."""
    page = open_figure("adding")
    for label, ups in {"f for class 1 when a is 1": 10, "g for class 1 when b is 1": 10}.items():
        page.locator(f'[aria-label="score of {label}"]').focus()
        for _ in range(ups):
            page.keyboard.press("ArrowUp")
    for a in (0, 1):
        page.locator(f'[aria-label="score of f for class 0 when a is {a}"]').focus()
        for _ in range(5):
            page.keyboard.press("ArrowUp")
    assert found(page)["won"] == [True, True, True, False]
    assert found(page)["loss"] == pytest.approx(0.78, abs=0.006)  # as in the exercise
    page.click("text=All scores 0")
    assert sum(found(page)["won"]) == 0
    assert found(page)["loss"] == pytest.approx(np.log(2))


# Chapter 3: the shared residual


def train(sigma: float, speed: int, who: str) -> tuple[Array, Array]:
    """Train linear encoders by autograd on 20,000 images of 0 and 1.

    Returns the mean 1-norm of the residual, and the share of images that a probe on the right
    encoder gets right (NaN without it), by epoch.
    """
    digits = load_digits()
    means = [np.round(digits.images[digits.target == d].mean(axis=0) / 16 * 15) for d in (0, 1)]
    half = torch.tensor((means[1] - means[0]).ravel() / 30)
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(20_000) % 2
    clean = (2 * y - 1)[:, None] * half
    noisy = clean + sigma * torch.randn(clean.shape, generator=generator, dtype=torch.float64)
    images = {"left": clean, "right": noisy}
    start = torch.randn(64, generator=generator, dtype=torch.float64)
    start -= (start @ half) / (half @ half) * half
    start /= start.norm()
    weights = {m: start.clone().requires_grad_() for m in images if m in who}
    residuals, right = [], []
    for _ in range(61):
        score = torch.stack([images[m] @ w for m, w in weights.items()]).sum(dim=0)
        logits = torch.stack([torch.zeros_like(score), score], dim=1)
        p = logits.softmax(dim=1)
        residuals.append((p - F.one_hot(y)).abs().sum(dim=1).mean().item())
        if "right" in weights:
            read = images["right"] @ weights["right"]
            right.append(((read > 0) == (y == 1)).double().mean().item())
        loss = F.cross_entropy(logits, y)
        gradients = torch.autograd.grad(loss, list(weights.values()))
        with torch.no_grad():
            for (m, w), gradient in zip(weights.items(), gradients, strict=True):
                w -= 0.05 * (speed if m == "left" else 1) * gradient
    return np.array(residuals), np.array(right)


@pytest.mark.parametrize("seed", range(4))
def test_residuals_are_those_of_gradient_descent(open_figure: Open, seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise, speed = int(rng.integers(1, 16)), int(rng.integers(1, 21))
    page = open_figure("residual")
    slide(page, "noise", noise)
    slide(page, "speed", speed)
    together, joint_right = train(noise / 10, speed, "left right")
    left, _ = train(noise / 10, speed, "left")
    alone, own_right = train(noise / 10, speed, "right")
    handle = page.locator(HANDLES["residual"][0])
    for epoch in [0, *rng.integers(1, 60, size=3), 60]:
        box = handle.bounding_box()
        assert box is not None
        across = box["x"] + box["width"] * (44 + (322 - 44) * epoch / 60) / 330
        page.mouse.click(across, box["y"] + box["height"] / 2)
        values = found(page)
        assert (values["sigma"], values["speed"], values["epoch"]) == (noise / 10, speed, epoch)
        expected = [together[epoch], left[epoch], alone[epoch]]
        np.testing.assert_allclose(values["residual"], expected, atol=0.012)
        if epoch:
            knows = [joint_right[epoch], own_right[epoch]]
            np.testing.assert_allclose(values["knows"], knows, atol=0.025)
        sizes = [number(x) for x in page.locator(".size").all_text_contents()]
        shared, own_left, own = values["residual"]
        np.testing.assert_allclose(sizes, [shared, shared, own_left, own], atol=0.0051)


def test_sharing_starves_the_slow_encoder_only(open_figure: Open) -> None:
    """What the text beside the figure says: a tenth against two thirds, 70 % against 90 %."""
    page = open_figure("residual")
    values = found(page)
    assert (values["epoch"], values["speed"], values["sigma"]) == (20, 10, 0.5)
    np.testing.assert_allclose(values["residual"][::2], [0.1, 2 / 3], atol=0.02)
    np.testing.assert_allclose(values["knows"], [0.7, 0.9], atol=0.01)
    slide(page, "speed", 1)
    joint, own = found(page)["knows"]
    assert 0.01 < own - joint < 0.05


def arrow_lengths(page: Page) -> list[float]:
    lengths: list[float] = page.locator(".arrow").evaluate_all(
        "(all) => all.map((x) => x.getBBox().width)"
    )
    return lengths


def test_arrows_are_as_long_as_residuals(open_figure: Open) -> None:
    page = open_figure("residual")
    shared, left, right = found(page)["residual"]
    np.testing.assert_allclose(
        arrow_lengths(page), 142 * np.array([shared, shared, left, right]), atol=0.1
    )


# Chapter 5: what counting makes up


def difference(table: Array) -> float:
    """Return S - R, which no definition of redundancy changes."""
    p = table / table.sum()
    sources = mutual_information(p, x=0), mutual_information(p, x=1)
    return float(mutual_information(p) - sum(sources))


def endless(k: int) -> Array:
    """Return the table of k equally likely cells a camera, by SciPy."""
    grid = np.linspace(-9, 9, 400_001)
    ranks = (norm.cdf(grid, -1) + norm.cdf(grid, 1)) / 2
    edges = np.interp(np.arange(1, k) / k, ranks, grid)
    cuts = np.concatenate([[-np.inf], edges, [np.inf]])
    cells = np.stack([np.diff(norm.cdf(cuts, mean)) for mean in (-1, 1)])
    return np.asarray(np.einsum("aby,ai,bj->ijy", GATES["and"](), cells, cells))


@pytest.mark.parametrize("seed", range(4))
def test_counts_and_prediction(open_figure: Open, seed: int) -> None:
    rng = np.random.default_rng(seed)
    page = open_figure("counting")
    for _ in range(seed):
        page.click("text=Draw again")
    for mixed in (False, True):
        if mixed:
            page.click("text=Shuffle the labels")
        for size in rng.integers(0, 9, size=2):
            k = int(rng.integers(2, 21))
            slide(page, "n", int(size))
            slide(page, "k", k)
            values = found(page)
            table, n = np.array(values["table"], dtype=float), values["n"]
            assert (table.shape, table.sum()) == ((k, k, 2), n)
            assert values["mixed"] == mixed
            kept = 0 if mixed else difference(endless(k))
            assert values["counted"] == pytest.approx(difference(table), abs=1e-9)
            assert values["kept"] == pytest.approx(kept, abs=1e-7)
            bias = (k - 1) ** 2 / (2 * n * np.log(2))  # the proposition, K = 2
            assert values["predicted"] == pytest.approx(kept + bias, abs=1e-7)
            for key in ("truth", "kept", "predicted", "counted"):
                assert shown(page, key) == pytest.approx(values[key], abs=6e-4)


def test_truth_is_that_of_the_features(open_figure: Open) -> None:
    exact = gaussian_gates.truth("and", 1.0)
    value = found(open_figure("counting"))["truth"]
    assert value == pytest.approx(exact.synergy - exact.redundancy, abs=3e-4)


def test_samples_come_from_the_cameras(open_figure: Open) -> None:
    """A goodness of fit of the largest data set, and another one when drawn again."""
    page = open_figure("counting")
    slide(page, "n", 8)
    slide(page, "k", 6)
    tables = []
    for _ in range(3):
        table = np.array(found(page)["table"], dtype=float)
        expected = 16_000 * endless(6)
        distance = ((table - expected) ** 2 / expected).sum()
        assert 0.001 < chi2.sf(distance, df=71) < 0.999
        tables.append(table)
        page.click("text=Draw again")
    assert not np.array_equal(tables[0], tables[1])


@pytest.mark.parametrize("mixed", [False, True])
def test_prediction_holds_on_average(open_figure: Open, mixed: bool) -> None:
    page = open_figure("counting")
    slide(page, "n", 6)  # 4,000 samples in 8 x 8 x 2 cells
    slide(page, "k", 8)
    if mixed:
        page.click("text=Shuffle the labels")
    gaps = []
    for _ in range(40):
        values = found(page)
        gaps.append(values["counted"] - values["predicted"])
        page.click("text=Draw again")
    bias = 49 / (2 * 4_000 * np.log(2))
    assert abs(np.mean(gaps)) < max(0.25 * bias, 3 * np.std(gaps) / 40**0.5)


def test_shuffling_moves_labels_only(open_figure: Open) -> None:
    page = open_figure("counting")
    before = np.array(found(page)["table"])
    page.click("text=Shuffle the labels")
    after = np.array(found(page)["table"])
    np.testing.assert_array_equal(before.sum(axis=2), after.sum(axis=2))
    np.testing.assert_array_equal(before.sum(axis=(0, 1)), after.sum(axis=(0, 1)))
    assert not np.array_equal(before, after)
    assert page.locator("[data-do=shuffle]").get_attribute("aria-pressed") == "true"
    page.click("text=Shuffle the labels")
    np.testing.assert_array_equal(np.array(found(page)["table"]), before)


# Chapter 6: surprises that are shared


def sample_of(table: Array, at: tuple[int, int, int]) -> list[float]:
    """Return R, U1, U2, S of an outcome of a table."""
    return [float(x) for x in pointwise_decomposition(table)[at]]


STARTS = {
    "AND: (0, 1), label 0": ("and", (0, 1, 0)),
    "AND: (1, 1), label 1": ("and", (1, 1, 1)),
    "XOR: any sample": ("xor", (0, 1, 1)),
    "two copies of the label": ("redundant", (1, 1, 1)),
    "COPY: source 2 is a coin": ("copy", (1, 0, 1)),
    "robot A: any parcel": ("redundant_xor", (0, 0, 0)),
}


def test_samples_to_start_from(open_figure: Open) -> None:
    page = open_figure("surprise")
    assert page.locator("[data-name=start] option").all_inner_texts() == list(STARTS)
    for name, (gate, at) in STARTS.items():
        page.locator("[data-name=start]").select_option(label=name)
        atoms = sample_of(GATES[gate](), at)
        np.testing.assert_allclose(found(page)["atoms"], atoms, atol=1e-9)
        bars = [shown(page, atom) for atom in ("R", "U1", "U2", "S")]
        np.testing.assert_allclose(bars, atoms, atol=6e-4)
    copy = decompose(GATES["copy"](), "pointwise").atoms
    np.testing.assert_allclose(sample_of(GATES["copy"](), (1, 0, 1)), copy)


@pytest.mark.parametrize("seed", range(3))
def test_atoms_of_random_surprises(open_figure: Open, seed: int) -> None:
    rng = np.random.default_rng(seed)
    page = open_figure("surprise")
    handles = page.locator(".grip")
    assert handles.count() == 4
    for n, _ in itertools.product(range(4), range(2)):
        before = found(page)["terms"]
        drag_by_mouse(page, handles.nth(n), 0, rng.uniform(-80, 80))
        slide(page, "i12", int(rng.integers(-300, 301)))
        values = found(page)
        h1, h2, i1, i2, i12 = values["terms"]
        if n % 2 == 0:  # a surprise moves, what is told stays
            assert (i1, i2) == (before[2], before[3])
        else:
            assert (h1, h2) == (before[0], before[1])
        atoms = pointwise_atoms(h1, h2, i1, i2, i12)
        np.testing.assert_allclose(values["atoms"], atoms, atol=1e-12)
        bars = [shown(page, atom) for atom in ("R", "U1", "U2", "S")]
        np.testing.assert_allclose(bars, atoms, atol=6e-4)
        cells = [number(x) for x in page.locator("tbody td:last-child").all_inner_texts()]
        np.testing.assert_allclose(cells, [i1, i2, i12], atol=6e-4)
        r, u1, u2, s = atoms
        np.testing.assert_allclose([r + u1, r + u2, r + u1 + u2 + s], [i1, i2, i12])
        assert "bits" in page.locator(".said").inner_text()


def test_units_move_the_atoms(open_figure: Open) -> None:
    """What the text beside the figure says: observation 1 of AND, twice as surprising."""
    page = open_figure("surprise")
    assert np.round(found(page)["atoms"], 3).tolist() == [0.415, 0, -1, 1]
    page.locator(HANDLES["surprise"][0]).focus()
    page.keyboard.press("PageUp")
    np.testing.assert_allclose(found(page)["atoms"], [-0.585, 1, 0, 0], atol=6e-4)
    assert "multiplied by 2" in page.locator(".said").inner_text()
