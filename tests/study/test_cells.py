"""What a cell computes, and which files count as done."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmfuse_lib import data, evaluate, methods
from mmfuse_lib.evaluation import Evaluation
from mmfuse_lib.runs import make_optimizer
from mmfuse_lib.study import Study
from mmfuse_lib.study.cells import (
    MEASURES,
    Cell,
    attempt,
    compute,
    n_steps,
    pack_right,
    unpack_right,
)
from mmfuse_lib.study.records import write_record
from mmfuse_lib.training import fit


@pytest.fixture
def cell(config: dict[str, Any]) -> Cell:
    return next(c for c in Study.of(config).cells if c.method == "joint" and c.settings.seed == 1)


def test_a_cell_holds_what_the_library_gives_when_called_by_hand(cell: Cell) -> None:
    record = compute(cell)
    sizes = cell.settings.data_options
    train, val, test = data.load("digit_pairs", seed=1, **sizes)
    model = methods.JointFusion.for_data(train, dim=8, seed=1)
    fit(
        model, train, val, epochs=2, batch_size=50, lr=0.001, seed=1, device="cpu",
        optimizer=make_optimizer({"name": "adamw"}), progress=False,
    )  # fmt: skip
    found = record["results"]["evaluation"]
    tested = evaluate(model, test, device="cpu")
    assert found["test"] == tested.metrics
    assert found["val"] == evaluate(model, val, device="cpu").metrics
    assert found["n_parameters"] == sum(p.numel() for p in model.parameters())
    right = unpack_right(found["right"], found["n_test"])
    assert right.tolist() == tested.predictions["correct"].tolist()
    assert len(right) == 90
    assert record["ran"]["versions"]["torch"] == torch.__version__
    assert "threads: 1" in record["ran"]["device"]
    assert record["ran"]["processor"]
    assert record["ran"]["step_ms"] > 0


def test_steps_are_counted_over_all_stages(
    cell: Cell, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 samples in batches of 50, 2 epochs: 8 steps; an ensemble of two takes 16."""
    counted = []
    monkeypatch.setitem(MEASURES, "evaluation", lambda trained: counted.append(n_steps(trained)))
    config["methods"] = {"Ensemble": {}}
    for c in (cell, Study.of(config).cells[0]):
        attempt(c)
    assert counted == [8, 16]


@pytest.mark.parametrize("n", [1, 7, 8, 9, 100])
def test_packing_loses_nothing(n: int) -> None:
    import pandas as pd

    right = np.random.default_rng(n).random(n) < 0.5
    tested = Evaluation({}, pd.DataFrame({"correct": right}), pd.DataFrame())
    packed = pack_right(tested)
    assert packed is not None
    assert len(packed) == 2 * (-(-n // 8))
    assert unpack_right(packed, n).tolist() == right.tolist()
    assert pack_right(Evaluation({}, pd.DataFrame({"prediction": right}), pd.DataFrame())) is None


def test_more_can_be_measured(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MEASURES, "n_splits", lambda trained: {"n": len(trained.splits)})
    more = Cell(cell.method, cell.data, cell.entry, cell.settings, measures=("n_splits",))
    record = compute(more)
    assert record["results"]["n_splits"] == {"n": 3}
    assert record["measures"] == ["n_splits"]
    assert record["results"]["evaluation"] == compute(cell)["results"]["evaluation"]


def test_an_error_is_returned_and_threads_are_as_before(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(trained: object) -> dict[str, Any]:
        assert torch.get_num_threads() == 1
        raise ZeroDivisionError("no")

    monkeypatch.setitem(MEASURES, "evaluation", broken)
    torch.set_num_threads(2)
    try:
        found = attempt(cell)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert found["error"] == "ZeroDivisionError: no"
    assert "def broken" not in found["error"]
    assert "broken" in found["traceback"]


def test_numbers_that_json_lacks_become_null(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        MEASURES, "evaluation", lambda trained: {"auroc": float("nan"), "all": [1.0, float("inf")]}
    )
    write_record(tmp_path, cell, attempt(cell))
    text = (tmp_path / f"{cell.key}.json").read_text()
    assert json.loads(text)["results"]["evaluation"] == {"auroc": None, "all": [1.0, None]}
