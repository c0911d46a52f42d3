"""What somebody looks like is no information about anybody else."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.information.estimators import (
    Estimate,
    SparseCountsWarning,
    batch_pid,
    cluster_pid,
    lsmi_pid,
)
from mmfuse_lib.information.estimators.cluster import _shuffle

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

BATCH = partial(
    batch_pid, folds=3, hidden=16, classifier_steps=150, steps=40, refine_steps=20, device="cpu"
)
LSMI = partial(lsmi_pid, folds=3, networks=2, steps=150, n_bootstrap=200, device="cpu")
CLUSTER = partial(cluster_pid, n_clusters=4, n_bootstrap=100)
Sampled = tuple[Array, Array, Labels]
NETWORKS = pytest.mark.parametrize("estimator", [BATCH, LSMI])
ALL = pytest.mark.parametrize("estimator", [BATCH, LSMI, CLUSTER])


def people(n_people: int = 24, rows: int = 20, seed: int = 0) -> Sampled:
    """Features that say who somebody is, and who it is."""
    rng = np.random.default_rng(seed)
    who = np.arange(n_people).repeat(rows)
    looks = rng.normal(size=(2, n_people, 3))[:, who]
    x1, x2 = looks + 0.1 * rng.normal(size=looks.shape)
    return x1, x2, who


def witnesses(n: int) -> Sampled:
    """Two reports of the label, each wrong once in five times."""
    y = np.arange(n) % 2
    x1, x2 = np.where(np.random.default_rng(0).random((2, n)) < 0.2, 1 - y, y).astype(float)
    return x1, x2, y


@NETWORKS
def test_features_that_only_identify_people_tell_nothing_of_others(
    estimator: Callable[..., Estimate],
) -> None:
    x1, x2, who = people()
    y = who % 2
    assert estimator(x1, x2, y).total > 0.6
    assert estimator(x1, x2, y, groups=who).total < 0.05


@NETWORKS
def test_what_holds_for_everybody_is_found_with_groups_too(
    estimator: Callable[..., Estimate],
) -> None:
    x1, x2, who = people()
    y = np.random.default_rng(1).integers(2, size=len(who))
    x1, x2 = (np.column_stack([x, 8.0 * y]) for x in (x1, x2))
    found = estimator(x1, x2, y, groups=who)
    assert found.total > 0.9
    assert found.redundancy > 0.85


def test_nobody_is_less_surprising_for_having_been_seen() -> None:
    """Densities too are those of other people: of looks all over the place, lower."""
    x1, x2, who = people()
    known, unknown = (
        LSMI(x1, x2, who % 2, groups=groups).diagnostics["log_density_x1"] for groups in (None, who)
    )
    assert unknown < known - 1


@ALL
def test_intervals_count_people_where_their_rows_are_alike(
    estimator: Callable[..., Estimate],
) -> None:
    """Every row thirty times: with groups as wide as without copies, else too short."""
    copies = np.arange(60).repeat(30)
    x1, x2, y = (of[copies] for of in witnesses(60))
    plain, grouped = (estimator(x1, x2, y, groups=groups) for groups in (None, copies))
    widths = [
        float((e.interval["upper"] - e.interval["lower"])["R"])
        for e in (plain, grouped)
        if e.interval is not None
    ]
    assert widths[1] > 2.5 * widths[0]


@ALL
def test_groups_of_one_row_are_no_groups(estimator: Callable[..., Estimate]) -> None:
    x1, x2, y = witnesses(400)
    ungrouped, alone = (
        estimator(x1, x2, y, groups=groups).interval for groups in (None, np.arange(len(y)))
    )
    assert ungrouped is not None
    assert alone is not None
    widths = [table["upper"] - table["lower"] for table in (ungrouped, alone)]
    assert widths[1].sum() == pytest.approx(widths[0].sum(), rel=0.3)


@ALL
def test_names_of_groups_do_not_matter(estimator: Callable[..., Estimate]) -> None:
    x1, x2, who = people(8)
    y = np.random.default_rng(0).integers(2, size=len(who))
    groups: list[Any] = [who, torch.from_numpy(3 * who - 5), [f"actor {k}" for k in who]]
    first, *others = (estimator(x1, x2, y, groups=g).atoms for g in groups)
    for other in others:
        np.testing.assert_array_equal(first, other)


@ALL
@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.arange(99), r"groups has shape \(99,\): expected one group a sample, \(100,\)"),
        (np.zeros((100, 1), int), "expected one group a sample"),
        (np.zeros(100, int), "all samples are of one group"),
        (np.linspace(0, 1, 100), "groups holds float64: expected integers or strings"),
    ],
)
def test_wrong_groups_are_named(
    estimator: Callable[..., Estimate], groups: Array, message: str
) -> None:
    x = np.random.default_rng(0).normal(size=(100, 2))
    with pytest.raises(DataError, match=message):
        estimator(x, x, np.arange(100) % 2, groups=groups)


@NETWORKS
def test_fewer_groups_than_folds_are_refused(estimator: Callable[..., Estimate]) -> None:
    x = np.random.default_rng(0).normal(size=(100, 2))
    with pytest.raises(DataError, match="there are 2 groups, too few for folds=3"):
        estimator(x, x, np.arange(100) % 2, groups=np.arange(100) // 50)


def test_clusters_are_chosen_on_people_held_out() -> None:
    """Letters that recognise people predict new rows of theirs, and nothing of new people."""
    x1, x2, who = people()
    y = np.random.default_rng(1).permutation(np.arange(24) % 2)[who]
    with pytest.warns(SparseCountsWarning):
        ignoring = cluster_pid(x1, x2, y, n_bootstrap=0)
    holding = cluster_pid(x1, x2, y, n_bootstrap=0, groups=who)
    assert ignoring.diagnostics["n_clusters_1"] >= 8
    assert holding.diagnostics["n_clusters_1"] == 1
    with pytest.raises(DataError, match="there are 3 groups, too few to hold out 4 parts"):
        cluster_pid(x1, x2, y, groups=who % 3)
    assert cluster_pid(x1, x2, y, groups=who % 3, n_clusters=2).total >= 0


def test_shuffled_labels_of_people_stay_with_people() -> None:
    """Looks tell the label of everybody, and of shuffled people too: it means nothing."""
    excluded = []
    for seed in range(10):
        x1, x2, who = people(12, seed=seed)
        y = np.random.default_rng(seed).permutation(np.arange(12) % 2)[who]
        for groups in (None, who):
            interval = cluster_pid(x1, x2, y, n_clusters=4, n_bootstrap=20, groups=groups).interval
            assert interval is not None
            excluded.append(bool((interval["lower"] > 0).any()))
    assert all(excluded[::2])
    assert sum(excluded[1::2]) <= 2


def test_every_group_gets_the_labels_of_another() -> None:
    group = np.repeat([0, 1, 2], [4, 2, 3])
    labels = np.array([5, 5, 5, 5, 6, 6, 7, 8, 9])
    for seed in range(20):
        shuffled = _shuffle(labels, group, np.random.default_rng(seed))
        sets = [tuple(sorted(set(shuffled[group == g].tolist()))) for g in range(3)]
        assert (5,) in sets
        assert (6,) in sets
        assert next(s for s in sets if s not in {(5,), (6,)}) in {(7, 8, 9), (7, 8), (7, 9), (8, 9)}
