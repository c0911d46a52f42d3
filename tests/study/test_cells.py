"""What a cell computes, and which files count as done."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmfuse_lib import data, evaluate, methods
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.evaluation import Evaluation
from mmfuse_lib.runs import Loaded, Trained, load_splits, make_optimizer, train
from mmfuse_lib.study import Study, cells, gather, run_study
from mmfuse_lib.study.cells import (
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


def test_steps_of_a_stage_with_its_own_batch_size_are_counted_by_it(cell: Cell) -> None:
    """200 samples: 2 batches of 100 in the epoch of the first stage, 4 of 50 in the second's."""
    settings = replace(cell.settings, method="Contrastive", method_options={"batch_size": 100})
    trained = train(settings, load_splits(settings), progress=False)
    assert {r["stage"] for r in trained.history.records} == {"contrastive", "supervised"}
    assert n_steps(trained) == 2 + 4


def test_steps_are_counted_over_all_stages(
    cell: Cell, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 samples in batches of 50, 2 epochs: 8 steps; an ensemble of two takes 16."""
    counted = []
    monkeypatch.setattr(cells, "evaluation", lambda trained: counted.append(n_steps(trained)))
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


# Measures of a reader's own.

HERE = "tests.study.test_cells"


def sizes(loaded: Loaded) -> list[int]:
    return [len(split) for split in loaded.splits]


def length_of_z(trained: Trained) -> dict[str, int]:
    z = trained.model.encode(trained.splits[1].inputs)
    return {"dim": z[0].shape[1]}


def test_more_can_be_measured_in_the_order_of_the_configuration(
    cell: Cell, config: dict[str, Any]
) -> None:
    config["measures"] = {"sizes": f"{HERE}:sizes"}
    config["methods"]["joint"]["measures"] = {"z": f"{HERE}:length_of_z"}
    more = next(
        c for c in Study.of(config).cells if c.method == "joint" and c.settings == cell.settings
    )
    record = compute(more)
    assert list(record["results"]) == ["evaluation", "sizes", "z"]
    assert record["results"]["sizes"] == [200, 60, 90]
    assert record["results"]["z"] == {"dim": 8}
    assert record["measures"] == {"sizes": f"{HERE}:sizes", "z": f"{HERE}:length_of_z"}
    assert record["results"]["evaluation"] == compute(cell)["results"]["evaluation"]
    assert more.key != cell.key


def tensor_of(loaded: Loaded) -> dict[str, Any]:
    return {"ok": 1, "mean": loaded.splits[0].inputs["left"].mean()}


def test_what_a_file_cannot_hold_fails_the_cell_and_says_which_measure(
    config: dict[str, Any],
) -> None:
    config["measures"] = {"mean": f"{HERE}:tensor_of"}
    error = attempt(Study.of(config).cells[0])["error"]
    assert "the measure 'mean' returned what JSON cannot hold" in error
    assert "Tensor" in error


def test_another_evaluation_takes_the_place_of_the_librarys(config: dict[str, Any]) -> None:
    config["measures"] = {"evaluation": f"{HERE}:length_of_z"}
    assert compute(Study.of(config).cells[0])["results"] == {"evaluation": {"dim": 8}}


def accuracies(trained: Trained) -> Any:
    return {"val": {"accuracy": 0.5}, "test": {"accuracy": 0.6}}


def test_another_evaluation_need_not_say_which_samples_are_right(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["measures"] = {"evaluation": f"{HERE}:accuracies"}
    study = Study.of(config)
    for ran in (len(study.cells), 0):  # what is done stays done
        assert run_study(study, tmp_path, progress=False).ran == ran
    found = gather(tmp_path)
    assert {row["test"]["accuracy"] for row in found.cells if row["chosen"]} == {0.6}


def test_another_evaluation_returns_a_mapping(config: dict[str, Any]) -> None:
    config["measures"] = {"evaluation": f"{HERE}:sizes"}
    with pytest.raises(DataError, match="'evaluation' returned no mapping"):
        compute(Study.of(config).cells[0])


def test_a_row_without_a_method_measures_the_data(config: dict[str, Any]) -> None:
    config["methods"]["sizes"] = {"method": None, "measures": {"n": f"{HERE}:sizes"}, "seeds": 1}
    (alone,) = [c for c in Study.of(config).cells if c.method == "sizes"]
    assert (alone.setting, alone.settings.seed) == ({}, 0)
    record = compute(alone)
    assert record["results"] == {"n": [200, 60, 90]}
    assert record["ran"]["step_ms"] is None


def test_a_study_that_only_validates_keeps_the_test_split_from_all_measures(
    config: dict[str, Any],
) -> None:
    config |= {"measures": {"n": f"{HERE}:sizes"}, "evaluate": "val"}
    config["methods"]["the data"] = {"method": None, "measures": {"n": f"{HERE}:sizes"}}
    for cell in (c for c in Study.of(config).cells if c.method in ("joint", "the data")):
        found = compute(cell)["results"]
        assert found["n"] == [200, 60]
        assert not {"test", "right"} & found.get("evaluation", {}).keys()


def test_the_digest_of_a_cell_covers_its_measures(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    config["measures"] = {"one": "my_measures:one"}

    def code_with(text: str) -> str:
        (tmp_path / "my_measures.py").write_text(text)
        for name in ("my_measures", "my_numbers"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return Study.of(config).cells[0].code

    (tmp_path / "my_numbers.py").write_text("ONE = 1\n")
    text = "from my_numbers import ONE\n\ndef one(trained):\n    return ONE\n"
    before = code_with(text)
    assert code_with(text + "\n# a remark\n") == before
    assert code_with(text + "\nTWO = 2\n") != before
    (tmp_path / "my_numbers.py").write_text("ONE = 11\n")
    assert code_with(text) != before


def test_an_error_is_returned_and_threads_are_as_before(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(trained: object) -> dict[str, Any]:
        assert torch.get_num_threads() == 1
        raise ZeroDivisionError("no")

    monkeypatch.setattr(cells, "evaluation", broken)
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
    found = {"auroc": float("nan"), "all": [1.0, float("inf")]}
    monkeypatch.setattr(cells, "evaluation", lambda trained: found)
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
    state = load_checkpoint(tmp_path)
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
