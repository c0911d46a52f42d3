"""The browser of samples: what it writes into its page, and what it refuses."""

import base64
import json
import re
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mmfuse_lib import plots
from mmfuse_lib.core.errors import DataError, UnknownNameError

KINDS = ["R", "U1", "U2", "S"]
N, K = 90, 4
MOST = 300_000  # bytes of a chapter's page


def arguments(seed: int = 0) -> dict[str, Any]:
    """Make random inputs of a browser."""
    rng = np.random.default_rng(seed)
    votes = {name: rng.dirichlet(np.ones(K) / 2, size=N) for name in (*KINDS, "all")}
    gate = rng.dirichlet(np.ones(4), size=N)
    return {
        "inputs": {"left": rng.random((N, 1, 6, 5)), "right": rng.normal(size=(N, 7))},
        "target": rng.integers(K, size=N),
        "prediction": votes["all"].argmax(axis=1),
        "votes": votes,
        "weights": pd.DataFrame(gate, columns=KINDS),
        "kind": rng.choice(KINDS, size=N),
        "each": 10,
    }


def content(html: str) -> dict[str, Any]:
    """Read what a page's script reads."""
    (text,) = re.findall(r"const DATA = (.*);\n", html)
    found: dict[str, Any] = json.loads(text)
    return found


def unpacked(text: str, *shape: int) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(text), dtype=np.uint8).reshape(shape)


@pytest.mark.parametrize("seed", range(3))
def test_the_page_holds_the_data(seed: int) -> None:
    given = arguments(seed)
    found = content(plots.sample_browser(**given).html)
    frame = pd.DataFrame({"kind": given["kind"], "y": given["target"], "p": given["prediction"]})
    expected = frame.groupby("kind").head(10)
    rows = expected.index.to_numpy()
    n = len(rows)
    assert found["numbers"] == rows.tolist()
    assert found["target"] == expected["y"].tolist()
    assert [KINDS[k] for k in found["kind"]] == expected["kind"].tolist()
    assert found["predictions"] == [{"name": "the model", "values": expected["p"].tolist()}]
    (table,) = found["tables"]
    votes = np.stack([v[rows] for v in given["votes"].values()], axis=1)
    np.testing.assert_array_equal(unpacked(table["values"], n, 5, K), (100 * votes).round())
    shares = unpacked(table["weights"], n, 5)
    np.testing.assert_array_equal(shares[:, :4], (100 * given["weights"].loc[rows]).round())
    assert (shares[:, 4] == 255).all()
    assert [row["color"] for row in table["rows"][:4]] == [plots.PALETTE[k] for k in KINDS]
    left, right = found["inputs"]
    assert (left["height"], left["width"], right["height"], right["width"]) == (6, 5, 1, 7)
    for image in (left, right):
        pixels = given["inputs"][image["name"]][rows]
        scaled = (pixels - pixels.min()) / (pixels.max() - pixels.min())
        drawn = unpacked(image["pixels"], n, *pixels.shape[1:])
        np.testing.assert_allclose(drawn / 255, scaled, atol=0.5 / 255 + 1e-9)


def test_samples_are_sorted_by_how_far_the_votes_are_at_odds() -> None:
    given = arguments()
    found = content(plots.sample_browser(**given).html)
    experts = [given["votes"][name] for name in KINDS]  # "all" has no weight
    distances = [np.abs(p - q).sum(axis=1) / 2 for p, q in combinations(experts, 2)]
    odds = pd.Series(np.mean(distances, axis=0)).loc[found["numbers"]]
    expected = odds.sort_values(ascending=False, kind="stable").index
    assert [found["numbers"][k] for k in found["order"]] == expected.tolist()


def test_several_models_and_their_reports() -> None:
    given = arguments()
    reports = {"one": given["weights"], "two": given["weights"][::-1].to_numpy()}
    found = content(
        plots.sample_browser(
            given["inputs"],
            given["target"],
            {"one": given["prediction"], "two": given["target"]},
            reports=reports,
            kind=given["kind"],
        ).html
    )
    (table,) = found["tables"]
    assert table["columns"] == KINDS
    assert table["truth"] == found["kind"]
    assert [p["name"] for p in found["predictions"]] == ["one", "two"]
    values = unpacked(table["values"], N, 2, 4)
    np.testing.assert_array_equal(values[:, 1], (100 * reports["two"]).round())


def test_without_kinds_the_first_of_each_class_are_shown() -> None:
    given = arguments()
    del given["kind"]
    page = plots.sample_browser(**given, class_names=["a", "b", "c", "</script>"])
    found = content(page.html)
    expected = pd.Series(given["target"]).groupby(given["target"]).head(10)
    assert found["numbers"] == expected.index.tolist()
    assert found["kinds"] is None
    assert found["tables"][0]["columns"][3] == "</script>"
    assert page.html.count("</script>") == 1
    assert "the first 10 of each class" in repr(page)


def test_on_paper_a_sentence_counts_what_is_right() -> None:
    given = arguments()
    html = plots.sample_browser(**given).html
    still = re.findall(r'<div class="still note">(.*)</div>', html)[0]
    frame = pd.DataFrame({"kind": given["kind"], "y": given["target"], "p": given["prediction"]})
    shown = frame.groupby("kind").head(10)
    right = shown["y"].eq(shown["p"]).groupby(shown["kind"]).sum()
    assert f"R {right['R']} of 10, U1 {right['U1']} of 10" in still


def test_a_page_is_small_the_same_each_time_and_needs_nothing_from_elsewhere() -> None:
    rng = np.random.default_rng(0)
    given = arguments() | {"each": 50}
    big = {name: rng.random((N, 10, 8)) for name in ("left", "right")}
    page = plots.sample_browser(**given | {"inputs": big})
    assert len(page.html.encode()) < MOST / 4
    assert page == plots.sample_browser(**given | {"inputs": big})
    assert not re.findall(r"https?://|\bsrc=|\bhref=|@import|url\(|fetch\(", page.html)
    empty = len(page.html) - len(json.dumps(content(page.html)))
    assert empty < 40_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"votes": {"R": np.ones((N, K)) * 2}}, r"'R' has numbers outside \[0, 1\]"),
        ({"votes": {"R": np.ones((N - 1, K))}}, r"expected \(90, 4\)"),
        ({"votes": None, "weights": None}, "expected one of them"),
        ({"target": np.zeros(N - 1, int)}, r"'the model' has the shape \(90,\): expected \(89,\)"),
        ({"inputs": {"x": np.ones((N, 2, 3, 4))}}, r"'x' has the shape \(90, 2, 3, 4\)"),
        ({"weights": {"R": np.full(N, 1.5)}}, "'the weight of R' has numbers outside"),
        ({"class_names": ["a"]}, "1 class_names: expected at least 4"),
        ({"each": 0}, "each is 0"),
        ({"kind": None, "reports": {"x": np.ones((N, 4)) / 4}}, "kind is not"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        plots.sample_browser(**arguments() | change)


@pytest.mark.parametrize("change", [{"kind": ["R"] * (N - 1) + ["X"]}, {"weights": {"X": 1}}])
def test_unknown_names_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match="'X'"):
        plots.sample_browser(**arguments() | change)
