"""The suite's tasks and their truth, against tables that are written out here."""

import inspect
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfuse_lib import data, explanations
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import from_arrays
from mmfuse_lib.data.synthetic import gaussian_gates
from mmfuse_lib.data.synthetic.digit_pairs import label_table
from mmfuse_lib.explanations import best_report, kind_probabilities
from mmfuse_lib.explanations.suite import COMPOSITIONS, exact_shares, recipe
from tests.support import xor

LOCAL = [name for name in explanations.tasks() if not name.startswith("spoken")]
SMALL = {"n_train": 60, "n_val": 40, "n_test": 80}


def test_the_suite_has_what_it_promises() -> None:
    names = explanations.tasks()
    assert len(names) == len(set(names)) >= 20
    families = {name.split("/")[0] for name in names}
    assert {"gate", "digits", "digits, no cue", "spoken", "spoken, no cue"} <= families
    assert all(sum(shares) == pytest.approx(1) for shares in COMPOSITIONS.values())


@pytest.mark.parametrize("name", LOCAL)
def test_tasks_load_with_exact_truth(name: str) -> None:
    task = explanations.load_task(name, 1, **SMALL)
    assert task.name == name
    assert (len(task.train), len(task.val), len(task.test)) == (60, 40, 80)
    assert task.decomposition.sum() == pytest.approx(1)
    assert (task.decomposition >= 0).all()
    assert task.has_composition == (not name.startswith("gate"))
    if task.has_composition:
        own = explanations.ExplanationTask.of((task.train, task.val, task.test))
        assert own.decomposition.to_numpy() == pytest.approx(task.decomposition.to_numpy())


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        ("gate/xor", [0, 0, 0, 1]),
        ("gate/copy", [0, 1, 0, 0]),
        ("gate/two_bit_copy", [0, 0.5, 0.5, 0]),
        ("gate/redundant_xor", [0.5, 0, 0, 0.5]),
        # With the cue: I(X1;Y) = I(X2;Y) = 1/2 and 1 in all, of which nothing need be unique.
        ("digits/balanced", [0.5, 0, 0, 0.5]),
        ("digits/U1 or U2", [0.5, 0, 0, 0.5]),
        ("digits/all R", [1, 0, 0, 0]),
        # I1 = .8, I2 = .2, of 1: the weaker source's .2 is redundant.
        ("digits/mostly U1", [0.2, 0.6, 0, 0.2]),
    ],
)
def test_shares_by_hand(name: str, shares: list[float]) -> None:
    data_set, options = recipe(name)
    assert exact_shares(data_set, **options).to_numpy() == pytest.approx(shares, abs=1e-3)


def test_the_composition_of_a_task_is_drawn_with_its_shares() -> None:
    task = explanations.load_task("digits/mostly S", 0, n_test=4_000)
    assert task.test.composition is not None
    found = np.bincount(task.test.composition, minlength=4) / 4_000
    assert found == pytest.approx([0.1, 0.1, 0.1, 0.7], abs=0.03)


def test_spoken_tasks_load_where_the_data_are() -> None:
    folder = os.environ.get("MMFUSE_DATA_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs MMFUSE_DATA_DIR")
    task = explanations.load_task("spoken/mostly U2", 0, **SMALL)
    assert task.train.modalities == ("image", "audio")
    assert task.train.n_classes == 2


def test_defaults_of_the_data_sets_are_those_of_their_truth() -> None:
    """What is left out means the same to the loader and to the truth."""
    for name in ("digit_pairs", "gaussian_gates"):
        given = {"n_train": 4, "n_val": 4, "n_test": 4}
        splits = data.load(name, **given)
        if name == "digit_pairs":
            own = explanations.ExplanationTask.of(splits).decomposition
        else:
            own = exact_shares(name, gate="xor", noise=0.5)
        assert exact_shares(name, **given).to_numpy() == pytest.approx(own.to_numpy())
        defaults = inspect.signature(gaussian_gates.load).parameters
        assert (defaults["gate"].default, defaults["noise"].default) == ("xor", 0.5)
    with pytest.raises(UnknownNameError, match="exact truth"):
        exact_shares("utd_mhad")


def test_a_readers_atoms_are_made_shares() -> None:
    split = xor(20)
    atoms = pd.Series({"S": 3.0, "R": 1.0, "U1": 0.0, "U2": 0.0})
    own = explanations.ExplanationTask.of((split, split, split), "mine", atoms)
    assert own.decomposition.tolist() == [0.25, 0, 0, 0.75]


def test_names_that_do_not_exist_are_refused_with_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'digits/balanced'"):
        explanations.load_task("digits/balancd")
    with pytest.raises(UnknownNameError, match="n_train"):
        explanations.load_task("digits/balanced", n_trian=5)


def test_data_without_truth_make_no_task() -> None:
    split = xor(20)
    with pytest.raises(DataError, match="not known"):
        explanations.ExplanationTask.of((split, split, split))
    nothing = from_arrays(split.inputs, split.target, table=np.full((2, 2, 2), 1 / 8))
    with pytest.raises(DataError, match="tell nothing"):
        explanations.ExplanationTask.of((nothing, nothing, nothing))


# What is the best that a report can do?


@settings(deadline=None, max_examples=20)
@given(
    n_classes=st.integers(2, 5),
    cue=st.booleans(),
    weights=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(lambda w: sum(w) > 0),
)
def test_kinds_sum_to_the_label_table(n_classes: int, cue: bool, weights: list[int]) -> None:
    composition = {
        kind: w / sum(weights) for kind, w in zip(("R", "U1", "U2", "S"), weights, strict=True)
    }
    p = kind_probabilities(n_classes=n_classes, cue=cue, composition=composition)
    table = label_table(n_classes=n_classes, cue=cue, composition=composition)
    assert np.allclose(p.sum(axis=0), table)
    assert np.allclose(p.sum(axis=(1, 2, 3)), list(composition.values()))


def test_with_the_cue_a_report_can_be_perfect() -> None:
    posterior, areas = best_report(kind_probabilities(n_classes=3, cue=True))
    assert areas == pytest.approx([1, 1, 1, 1])
    seen = posterior[:, ~np.isnan(posterior[0])]
    assert set(np.unique(seen)) == {0.0, 1.0}


def test_best_areas_without_a_cue_by_hand() -> None:
    # Two classes, a quarter each. On a = b (1/2 of the other kinds, all of R):
    # p(R | a = b) = 1 / (1 + 3/2) = .4, and 0 where a != b. Of the pairs of an R sample with
    # another, the other is at a != b (less likely R) with 1/2, else a tie: .5 + .25.
    _, areas = best_report(kind_probabilities(n_classes=2, cue=False))
    assert areas[0] == pytest.approx(0.75)
    # U1: 1/3 where a != b, .2 where a = b. A U1 sample is at a != b with 1/2; others are with
    # (0 + 1/2 + 1/2) / 3 = 1/3. Wins 1/2 * 2/3, ties 1/2 * 1/3 + 1/2 * 2/3.
    assert areas[1:] == pytest.approx([1 / 3 + 0.5 * 0.5] * 3)


def test_the_label_tells_more_of_the_kind() -> None:
    p = kind_probabilities(n_classes=4, cue=False)
    _, blind = best_report(p)
    _, told = best_report(p, knows_label=True)
    assert (told > blind + 0.03).all()
    assert (told[1:] > blind[1:] + 0.25).all()


def test_no_report_of_the_inputs_beats_the_best() -> None:
    p = kind_probabilities(n_classes=3, cue=False, composition={"R": 0.2, "U1": 0.5, "S": 0.3})
    _, best = best_report(p)
    assert np.isnan(best[2])
    rng = np.random.default_rng(0)
    kind, a, b, _ = np.unravel_index(rng.choice(p.size, size=20_000, p=p.ravel()), p.shape)
    for _ in range(20):
        table = rng.random((3, 3, 4))
        found = explanations.score_report(table[a, b], kind)
        for name, bound in zip(("R", "U1", "S"), best[[0, 1, 3]], strict=True):
            assert found[f"auroc_{name}"] < bound + 0.01
