"""What studies measure beside accuracy: curves, predictions, reports."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mmfuse_lib import evaluate
from mmfuse_lib.core.errors import UnknownNameError
from mmfuse_lib.runs import Settings, Trained, train
from mmfuse_lib.study import measures
from mmfuse_lib.study.cells import unpack_right

SETTINGS = Settings(
    "DMIL", "digit_pairs", epochs=5, dim=8, device="cpu",
    data_options={"n_train": 120, "n_val": 40, "n_test": 60},
)  # fmt: skip


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(SETTINGS, progress=False)


def test_curves_are_of_the_loss_that_judges_each_stage(trained: Trained) -> None:
    found = measures.curves(trained)
    history = trained.history.to_frame().set_index(["stage", "epoch", "split", "term"])["value"]
    judged_by = {"intra": "task_1", "consistency": "prediction", "joint": "prediction"}
    assert [(r["stage"], r["epoch"]) for r in found if r["split"] == "val"] == [
        ("intra", 1), ("intra", 2), ("consistency", 1), ("joint", 1), ("joint", 2)
    ]  # fmt: skip
    for row in found:
        term = judged_by[row["stage"]]
        expected = history[row["stage"], row["epoch"], row["split"], term]
        assert row["loss"] == pytest.approx(expected, abs=1e-4)
    json.dumps(found)


def test_predictions_can_be_unpacked(trained: Trained) -> None:
    found = measures.predictions(trained)
    tested = evaluate(trained.model, trained.splits[2], device="cpu")
    expected = tested.predictions["correct"].to_numpy(dtype=bool)
    assert np.array_equal(unpack_right(found["right"], found["n"]), expected)


def test_reports_are_scored_without_an_estimate_of_lsmi(trained: Trained) -> None:
    found = measures.reports(trained)
    assert set(found) == {"report"}
    assert 0 <= found["report"]["metrics"]["auroc_S"] <= 1


def test_reports_need_known_truth(trained: Trained) -> None:
    with pytest.raises(UnknownNameError):
        measures.reports(replace(trained, settings=replace(SETTINGS, data="cremad")))
    with pytest.raises(UnknownNameError):
        measures.reports.check(replace(SETTINGS, data="cremad"))  # type: ignore[attr-defined]
