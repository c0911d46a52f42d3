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
from mmfuse_lib.study import Study, cells
from mmfuse_lib.study.cells import (
    MEASURES,
    Cell,
    _splits,
    attempt,
    compute,
    n_steps,
    pack_right,
    unpack_right,
)
from mmfuse_lib.study.records import write_record
from mmfuse_lib.training.checkpoints import load_checkpoint, save_checkpoint
from mmfuse_lib.training.fit import fit


@pytest.fixture
def cell(config: dict[str, Any]) -> Cell:
    return next(c for c in Study.of(config).cells if c.method == "joint" and c.settings.seed == 1)


@pytest.mark.parametrize("method", ["JointFusion", "DMIL"])
def test_a_cell_holds_what_the_library_gives_when_called_by_hand(
    config: dict[str, Any], method: str
) -> None:
    config["methods"] = {method: {}}
    cell = next(c for c in Study.of(config).cells if c.settings.seed == 1)
    record = compute(cell)
    sizes = cell.settings.data_options
    train, val, test = data.load("digit_pairs", seed=1, **sizes)
    model = methods.get(method).for_data(train, dim=8, seed=1)
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


def test_what_was_computed_before_changes_nothing(config: dict[str, Any]) -> None:
    """Cells of a process share data, and nothing that is random."""
    methods = ("JointFusion", "DIMML", "DMIL", "I2MoE", "Ensemble", "CompositionProbe")
    config |= {"methods": dict.fromkeys(methods), "search": {"lr": [0.003]}}
    cells = Study.of(config).cells
    one_way = {cell.key: compute(cell)["results"] for cell in cells}
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002 (what a careless cell might use)
    assert {cell.key: compute(cell)["results"] for cell in reversed(cells)} == one_way
    _splits.cache_clear()
    alone = {}
    for cell in cells[:6]:
        _splits.cache_clear()
        alone[cell.key] = compute(cell)["results"]
    assert alone.items() <= one_way.items()


# Checkpoints.


def interrupted_after(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a checkpoint be written whenever there can be one, and the n-th be the last."""
    monkeypatch.setattr(cells, "CHECKPOINT_SECONDS", 0.0)
    left = iter(range(n))

    def saved(folder: Path, state: dict[str, Any]) -> None:
        save_checkpoint(folder, state)
        if next(left, n) == n - 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("mmfuse_lib.training.fit.save_checkpoint", saved)


def test_a_cell_that_was_interrupted_goes_on_to_the_same_result(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DI-MML has several stages; the fifth checkpoint comes after the first of them."""
    config["methods"] = {"DIMML": {}}
    cell = Study.of(config).cells[0]
    whole = compute(cell)
    with monkeypatch.context() as patch:
        interrupted_after(5, patch)
        with pytest.raises(KeyboardInterrupt):
            attempt(cell, tmp_path)
    state = load_checkpoint(tmp_path, torch.device("cpu"))
    assert state is not None
    assert state["position"]["stage"] > 0
    rest = attempt(cell, tmp_path)
    assert rest["results"] == whole["results"]
    assert rest["ran"]["step_ms"] is None
    assert whole["ran"]["step_ms"] > 0


def test_a_cell_that_is_quick_writes_no_checkpoint(cell: Cell, tmp_path: Path) -> None:
    assert attempt(cell, tmp_path)["ran"]["step_ms"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_cannot_be_used_is_removed(cell: Cell, tmp_path: Path) -> None:
    folder = tmp_path / "cell"
    folder.mkdir()
    (folder / "last.pt").write_bytes(b"no")
    assert attempt(cell, folder)["error"].startswith("CheckpointError: cannot read")
    assert "results" in attempt(cell, folder)
