"""The browser of samples in a page: it shows the data, filters and sorts them as pandas does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from mmfuse_lib.plots import sample_browser

from . import figures

pytestmark = pytest.mark.browser
KINDS = ["R", "U1", "U2", "S"]
N, K = 60, 4
PIXELS = """(canvas) => [...canvas.getContext('2d')
  .getImageData(0, 0, canvas.width, canvas.height).data].filter((_, k) => k % 4 === 0)"""


def random_arguments(seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    votes = {name: rng.dirichlet(np.ones(K) / 2, size=N) for name in (*KINDS, "all")}
    return {
        "inputs": {"left": rng.random((N, 4, 3)), "right": rng.random((N, 1, 4, 3))},
        "target": rng.integers(K, size=N),
        "prediction": votes["all"].argmax(axis=1),
        "votes": votes,
        "weights": pd.DataFrame(rng.dirichlet(np.ones(4), size=N), columns=KINDS),
        "kind": np.array(KINDS)[np.arange(N) % 4],
    }


GIVEN = random_arguments()


def frame() -> pd.DataFrame:
    """Return a row a sample, in pandas alone."""
    of_pairs = combinations([GIVEN["votes"][k] for k in KINDS], 2)
    odds = np.mean([np.abs(p - q).sum(axis=1) / 2 for p, q in of_pairs], axis=0)
    right = GIVEN["target"] == GIVEN["prediction"]
    return pd.DataFrame({"kind": GIVEN["kind"], "right": right, "odds": odds})


@pytest.fixture(scope="module")
def opened(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open a browser of random samples alone, from the disk."""
    folder = tmp_path_factory.mktemp("samples")
    with figures.alone(chromium, folder, sample_browser(**GIVEN).html) as page:
        yield page


@pytest.fixture
def page(opened: Page) -> Page:
    """Go back to the first of all samples."""
    for name, value in (("kind", "all"), ("right", "all"), ("order", "data")):
        opened.select_option(f"[data-name={name}]", value)
    return opened


def at(page: Page) -> int:
    """Return the number of the sample that is shown, -1 for none."""
    return int(page.locator(".mmfuse-samples").get_attribute("data-sample") or -1)


def walk(page: Page) -> list[int]:
    """Leaf through all samples that are chosen."""
    found = [at(page)]
    while page.locator("[data-do='1']").is_enabled():
        page.click("[data-do='1']")
        found.append(at(page))
    return found


def numbers(page: Page, selector: str) -> NDArray[np.int64]:
    return np.array(page.locator(selector).all_inner_texts()).astype(int)


def test_what_is_shown_is_the_data(page: Page) -> None:
    for i in range(6):
        assert at(page) == i
        votes = np.stack([v[i] for v in GIVEN["votes"].values()])
        shown = numbers(page, "tbody td:not(.weight) span").reshape(5, K)
        np.testing.assert_array_equal(shown, (100 * votes).round())
        weights = numbers(page, "tbody tr:not(:last-child) td.weight span")
        np.testing.assert_array_equal(weights, (100 * GIVEN["weights"].loc[i]).round())
        assert not page.locator("tbody tr:last-child td.weight").is_visible()
        label, told = GIVEN["target"][i], GIVEN["prediction"][i]
        said = page.locator(".said").inner_text()
        assert f"Sample {i}: the label is {label}, decided by {KINDS[i % 4]}" in said
        assert f"the model: {told}, {'right' if told == label else 'wrong'}" in said
        assert page.locator("thead th.true").inner_text() == f"{label} \N{CHECK MARK}"
        for name in ("left", "right"):
            pixels = GIVEN["inputs"][name].reshape(N, -1)
            low, high = pixels.min(), pixels.max()
            drawn = page.get_by_role("img", name=f"the modality {name} sees").evaluate(PIXELS)
            np.testing.assert_allclose(drawn, 255 * (pixels[i] - low) / (high - low), atol=0.51)
        page.click("[data-do='1']")


@pytest.mark.parametrize("kind", ["all", "R", "S"])
@pytest.mark.parametrize("right", ["all", "right", "wrong"])
def test_filters_choose_as_pandas_does(page: Page, kind: str, right: str) -> None:
    table = frame()
    is_kind = (table["kind"] == kind) | (kind == "all")
    expected = table.index[is_kind & ((table["right"] == (right == "right")) | (right == "all"))]
    page.select_option("[data-name=kind]", kind)
    page.select_option("[data-name=right]", right)
    assert page.locator("[data-show=place]").inner_text() == f"1 of {len(expected)}"
    if kind != "all":
        assert walk(page) == expected.tolist()


@pytest.mark.parametrize("order", ["most", "least"])
def test_samples_are_sorted_as_pandas_does(page: Page, order: str) -> None:
    table = frame().query("kind == 'U1'").sort_values("odds", ascending=order == "least")
    page.select_option("[data-name=kind]", "U1")
    page.select_option("[data-name=order]", order)
    assert walk(page) == table.index.tolist()


def test_keys_lead_through_the_samples(page: Page) -> None:
    sample = page.locator(".sample")
    figures.press(sample, "ArrowRight", "ArrowRight", "ArrowLeft")
    assert at(page) == 1
    figures.press(sample, "End", "ArrowRight")
    assert at(page) == N - 1
    assert page.locator("[data-do='1']").is_disabled()
    figures.press(sample, "Home", "ArrowLeft")
    assert at(page) == 0
    figures.press(page.locator("[data-name=kind]"), "ArrowRight")
    assert at(page) == 0, "arrows in a list choose from the list"


def test_a_swipe_leads_to_the_next_sample_and_back(page: Page) -> None:
    sample = page.locator(".sample")
    figures.swipe(page, sample, (0.8, 0.3), (0.2, 0.3))
    assert at(page) == 1
    figures.swipe(page, sample, (0.2, 0.3), (0.8, 0.3))
    assert at(page) == 0
    figures.swipe(page, sample, (0.5, 0.3), (0.47, 0.3))
    assert at(page) == 0, "a tap is no swipe"


def test_where_no_sample_is_left_the_page_says_so(chromium: Browser, tmp_path: Path) -> None:
    never_wrong = GIVEN | {"prediction": GIVEN["target"]}
    with figures.alone(chromium, tmp_path, sample_browser(**never_wrong).html) as page:
        page.select_option("[data-name=right]", "wrong")
        assert at(page) == -1
        assert "choose another" in page.locator(".said").inner_text()
        assert not page.locator("table").is_visible()
        page.select_option("[data-name=right]", "all")
        assert page.locator("table").is_visible()


@pytest.mark.parametrize("n_classes", [4, 10])
def test_nothing_is_wrong_with_the_page(chromium: Browser, tmp_path: Path, n_classes: int) -> None:
    rng = np.random.default_rng(0)
    votes = {"a model with a name": rng.dirichlet(np.ones(n_classes), size=N)}
    given = GIVEN | {"votes": GIVEN["votes"] if n_classes == K else votes}
    given = given if n_classes == K else given | {"weights": None}
    reports = {"one": GIVEN["weights"], "two": GIVEN["weights"]}
    html = sample_browser(**given, reports=reports).html
    with figures.alone(chromium, tmp_path, html) as page:
        assert figures.flaws(page) == []


def test_two_copies_do_not_disturb_each_other(chromium: Browser, tmp_path: Path) -> None:
    html = sample_browser(**GIVEN).html
    with figures.alone(chromium, tmp_path, html + html) as page:
        page.locator("[data-do='1']").nth(1).click()
        shown = page.locator(".mmfuse-samples").evaluate_all("(x) => x.map(y => y.dataset.sample)")
        assert shown == ["0", "1"]


def test_without_scripts_a_sentence_stands_in(chromium: Browser, tmp_path: Path) -> None:
    html = sample_browser(**GIVEN).html
    with figures.alone(chromium, tmp_path, html, scripts=False) as page:
        assert "Predicted right: R" in page.locator(".still").inner_text()
        assert not page.locator(".live").is_visible()
