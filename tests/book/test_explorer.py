"""The explorer: what it shows of a table is what the library computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from mmfuse_lib.information import GATES, decompose, mutual_information, noisy
from mmfuse_lib.plots import explorer

from . import figures

pytestmark = pytest.mark.browser
Array = NDArray[np.float64]
NAMES = ("R", "U1", "U2", "S")


@pytest.fixture(scope="module")
def page(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open the explorer alone, from the disk; each test chooses its own table."""
    with figures.alone(chromium, tmp_path_factory.mktemp("explorer"), explorer().html) as opened:
        yield opened


def choose(page: Page, p: Array) -> None:
    """Show a table by the address that the page of the book writes."""
    numbers = ",".join(np.format_float_positional(x, trim="-") for x in p.ravel())
    page.evaluate(
        "(hash) => { location.hash = hash; dispatchEvent(new Event('hashchange')); }",
        f"p={numbers}",
    )


def table(page: Page) -> Array:
    text = page.locator(".mmfuse-ex").get_attribute("data-p") or ""
    return np.array([float(x) for x in text.split()]).reshape(2, 2, 2)


def exact(page: Page) -> Array:
    """Read the atoms, the gap, the least information and three accuracies, in all digits."""
    text = page.locator(".mmfuse-ex").get_attribute("data-exact") or ""
    return np.array([float(x) for x in text.split()])


def shown(page: Page, names: tuple[str, ...] = NAMES) -> Array:
    texts = [page.locator(f"[data-value={n}]").inner_text() for n in names]
    return np.array([figures.number(text) for text in texts])


def accuracies(p: Array) -> list[float]:
    """Return how often the likeliest label is right, from X1, from X2 and from both."""
    return [float(q.max(axis=-1).sum()) for q in (p.sum(axis=1), p.sum(axis=0), p)]


def hold_to_the_library(page: Page) -> None:
    p = table(page)
    d = decompose(p, tolerance=1e-10)
    found = exact(page)
    gap = found[4]
    assert 0 <= gap < 1e-9
    np.testing.assert_allclose(found[:4], d.atoms, atol=gap + d.gap + 1e-12)
    np.testing.assert_allclose(shown(page), d.atoms, atol=5.1e-4)
    informations = [mutual_information(p, x=x) for x in (0, 1, (0, 1))]
    np.testing.assert_allclose(shown(page, ("I0", "I1", "I2")), informations, atol=5.1e-4)
    np.testing.assert_allclose(found[6:], accuracies(p), atol=1e-12)


RNG = np.random.default_rng(0)


def random_tables() -> list[Array]:
    """Return tables of all kinds: even, peaked, with zeros, and almost without a letter."""
    tables = [RNG.dirichlet(np.full(8, peak)) for peak in (0.1, 0.3, 1.0, 5.0) for _ in range(12)]
    for _ in range(30):
        p = RNG.dirichlet(np.ones(8)) * (RNG.random(8) < 0.6)
        if p.sum() > 0:
            tables.append(p / p.sum())
    for eps in (1e-4, 3e-4, 1e-3, 1e-2):
        tables += [
            noisy(GATES[name](), eps).ravel() for name in ("and", "xor", "copy", "redundant")
        ]
    return [np.round(p, 4).reshape(2, 2, 2) for p in tables]


def test_random_tables_agree_with_the_library(page: Page) -> None:
    for p in random_tables():
        choose(page, p)
        np.testing.assert_allclose(table(page), p / p.sum(), atol=2e-4)
        assert table(page).sum() == pytest.approx(1, abs=1e-12)
        hold_to_the_library(page)


def test_every_gate_agrees_with_the_library(page: Page) -> None:
    names = page.locator("[data-name=gate] option").all_inner_texts()[:-1]
    assert len(names) == 13
    for name in names:
        page.select_option("[data-name=gate]", label=name)
        hold_to_the_library(page)
    page.select_option("[data-name=gate]", label="a little of everything")
    assert min(exact(page)[:4]) > 0.1
    page.select_option("[data-name=gate]", label="a twin of AND")
    np.testing.assert_allclose(shown(page, ("I0", "I1", "I2")), [0.311, 0.311, 0.811])
    assert max(abs(exact(page)[:4] - decompose(GATES["and"]()).atoms)) > 0.07
    for name, gate in (("AND", "and"), ("XOR", "xor"), ("OR", "or"), ("both show Y", "redundant")):
        page.select_option("[data-name=gate]", label=name)
        np.testing.assert_allclose(table(page), GATES[gate](), atol=1e-12)


def test_any_coupling_gives_a_bound_and_a_bad_one_a_gap(page: Page) -> None:
    """The certificate is computed: it trusts nothing about the coupling that it is made from."""
    script = explorer().html.split("<script>")[1].split("</script>")[0]
    base = script[script.index("const BITS") : script.index("const NAMES")]
    tables = [RNG.dirichlet(np.ones(8)).reshape(2, 2, 2) for _ in range(40)]
    places = [RNG.random(2).tolist() for _ in tables]
    bounds = page.evaluate(
        f"([tables, places]) => {{ {base}; return tables.map((p, k) => {{ const d = share(p);"
        "return [solve(d), places[k]].map((t) => lowerBound(d, pairing(d, t))); }); }",
        [[p.tolist() for p in tables], places],
    )
    least = np.array([mutual_information(p) - decompose(p).synergy for p in tables])
    good, bad = np.transpose(bounds)
    np.testing.assert_allclose(good, least, atol=1e-8)
    assert (bad < least + 1e-9).all()
    assert (bad < least - 1e-3).mean() > 0.5


@pytest.mark.parametrize("by", [figures.drag, figures.swipe])
def test_a_cell_is_dragged_and_the_others_make_room(page: Page, by: Callable[..., None]) -> None:
    page.select_option("[data-name=gate]", label="AND")
    cell = page.get_by_role("slider", name="X1 = 1, X2 = 1, Y = 0")
    by(page, cell, (0.02, 0.5), (0.4, 0.5))
    p = table(page)
    assert p[1, 1, 0] == pytest.approx(0.4, abs=0.02)
    np.testing.assert_allclose(
        p[[0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]], (1 - p[1, 1, 0]) / 4, atol=1e-4
    )
    hold_to_the_library(page)
    assert page.locator("[data-name=gate]").input_value() == ""


def test_keys_move_a_cell_and_nothing_is_lost_at_the_end(page: Page) -> None:
    page.select_option("[data-name=gate]", label="AND")
    cell = page.get_by_role("slider", name="X1 = 0, X2 = 0, Y = 0")
    figures.press(cell, "End")
    assert table(page)[0, 0, 0] == 1
    assert cell.get_attribute("aria-valuetext") == "1"
    np.testing.assert_allclose(shown(page), 0)
    figures.press(cell, *["PageDown"] * 7, *["ArrowLeft"] * 5)
    np.testing.assert_allclose(table(page), GATES["and"](), atol=2e-4)
    figures.press(cell, "Home")
    assert table(page)[0, 0, 0] == 0
    hold_to_the_library(page)


def test_python_gets_the_table_that_is_shown(page: Page) -> None:
    page.click("[data-do=random]")
    line = page.locator("code").inner_text()
    from_python = eval(line, {"np": np, "decompose": decompose})  # noqa: S307
    np.testing.assert_allclose(from_python.atoms, exact(page)[:4], atol=1e-7)


def test_page_of_its_own_holds_the_table_in_its_address(chromium: Browser, tmp_path: Path) -> None:
    with figures.alone(chromium, tmp_path, explorer().html) as opened:
        opened.select_option("[data-name=gate]", label="XOR")
        assert opened.evaluate("location.hash") == ""
        (tmp_path / "figure.html").rename(tmp_path / "explorer.html")
        opened.goto((tmp_path / "explorer.html").as_uri())
        opened.select_option("[data-name=gate]", label="XOR")
        opened.wait_for_function("location.hash === '#p=0.25,0,0,0.25,0,0.25,0.25,0'")
        opened.reload()
        np.testing.assert_allclose(table(opened), GATES["xor"]())


def test_a_finger_that_scrolls_drags_nothing(page: Page) -> None:
    page.select_option("[data-name=gate]", label="AND")
    before = table(page)
    figures.swipe(
        page, page.get_by_role("slider", name="X1 = 0, X2 = 1, Y = 1"), (0.5, 3), (0.5, -3)
    )
    np.testing.assert_allclose(table(page), before)


def test_explorer_has_no_flaws(chromium: Browser, tmp_path: Path) -> None:
    with figures.alone(chromium, tmp_path, explorer().html) as opened:
        assert figures.flaws(opened) == []
    assert len(explorer().html.encode()) < figures.BUDGET


def test_without_scripts_a_true_table_stands_in(chromium: Browser, tmp_path: Path) -> None:
    with figures.alone(chromium, tmp_path, explorer().html, scripts=False) as opened:
        assert not opened.locator(".live").is_visible()
        cells = opened.locator(".still tbody td").all_inner_texts()
    tables = [GATES[n]() for n in ("xor", "and", "copy", "redundant")] + [
        noisy(GATES["xor"](), 0.1)
    ]
    expected = [decompose(p).atoms for p in tables]
    np.testing.assert_allclose(np.array(cells, float).reshape(5, 4), expected, atol=5.1e-4)
