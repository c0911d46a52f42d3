"""Figures of single chapters: self-contained, small, the same each time."""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
from scipy.optimize import linprog

from mmfuse_lib import plots
from mmfuse_lib.plots import Page

FIGURES = (
    plots.adding_scores,
    plots.shared_residual,
    plots.counting_bias,
    plots.sharing_surprise,
)


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_needs_nothing_from_elsewhere(figure: Callable[[], Page]) -> None:
    html = figure()._repr_html_()
    outside = r"(?:https?:)?//\w+\.(?!w3\.org/2000/svg)|\bsrc=|\bhref=|@import|url\(|fetch\("
    assert not re.findall(outside, html)
    assert "/* base" not in html
    assert len(html.encode()) < 40_000


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_is_the_same_each_time(figure: Callable[[], Page]) -> None:
    assert figure() == figure()
    assert "\n" not in repr(figure())


@pytest.mark.parametrize(("k", "most"), [(2, 3), (3, 7)])
def test_no_scores_win_more_pairs_than_the_figure_says(k: int, most: int) -> None:
    """Whether some pairs can be won together is a linear programme; all sets of pairs are tried."""
    pairs = list(itertools.product(range(k), repeat=2))

    def winnable(won: Iterable[Sequence[int]]) -> bool:
        rows = []
        for a, b in won:
            y = (a + b) % k
            for other in set(range(k)) - {y}:
                row = np.zeros((2, k, k))
                row[0, a, [other, y]] = row[1, b, [other, y]] = [1, -1]
                rows.append(row.ravel())
        free = [(None, None)] * (2 * k * k)
        lead = np.full(len(rows), -1.0)  # any lead can be scaled to 1
        programme = linprog(np.zeros(2 * k * k), A_ub=np.array(rows), b_ub=lead, bounds=free)
        return bool(programme.status == 0)

    assert any(winnable(won) for won in itertools.combinations(pairs, most))
    assert not any(winnable(won) for won in itertools.combinations(pairs, most + 1))
    words = {3: "three of the\nfour pairs", 7: "seven of the nine"}
    assert words[most] in plots.adding_scores().html
