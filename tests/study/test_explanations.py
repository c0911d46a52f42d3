"""The benchmark of explanations as a study: from its configuration to the leaderboard."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from mmfuse_lib import explanations, study
from mmfuse_lib.cli import app
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.explanations import entries
from mmfuse_lib.explanations.suite import SIZES
from mmfuse_lib.runs import Settings
from mmfuse_lib.study import Study

CONFIG = Path(__file__).parents[2] / "reproduce" / "benchmark.yml"
SIZE = {"n_train": 80, "n_val": 40, "n_test": 60}


def small(**changes: Any) -> dict[str, Any]:
    config = {
        "name": "small",
        "measures": {"explanations": "mmfuse_lib.explanations.measurement:measure"},
        "seeds": 2,
        "settings": {"dim": 4, "epochs": 1, "device": "cpu"},
        "methods": {
            "I2MoE": {}, "JointFusion": {}, "CompositionProbe": {"only": ["digits"]}
        },
        "data": {
            "digits": {"data": "digit_pairs", "data_options": dict(SIZE)},
            "and": {"data": "gaussian_gates", "data_options": {"gate": "and", **SIZE}},
        },
    }  # fmt: skip
    return {**config, **changes}


def test_the_configuration_is_the_suite() -> None:
    config = yaml.safe_load(CONFIG.read_text("utf8"))
    assert list(config["data"]) == list(explanations.tasks())
    for name, entry in config["data"].items():
        data_set, options = explanations.recipe(name)
        assert entry["data"] == data_set
        assert entry["data_options"] == options | SIZES[data_set]
    told = config["methods"]["CompositionProbe"]["only"]
    assert told == [name for name in explanations.tasks() if not name.startswith("gate/")]


def test_entries_of_others_are_trained_as_ours_are() -> None:
    config = yaml.safe_load(CONFIG.read_text("utf8"))
    assert config["settings"] == {"dim": entries.DIM, **entries.TRAINING, "device": "cpu"}
    assert config["seeds"] == entries.SEEDS
    for entry in config["data"].values():
        assert entry.get("encoders") == entries.ENCODERS.get(entry["data"])


def test_from_a_study_to_the_leaderboard(tmp_path: Path) -> None:
    outcome = study.run_study(Study.of(small()), tmp_path, jobs=1, progress=False)
    assert not outcome.failed
    results = study.gather(tmp_path)
    table = explanations.records(results.cells)
    assert set(table["method"]) == {
        "I2MoE", "LSMI on I2MoE", "LSMI on JointFusion", "CompositionProbe"
    }  # fmt: skip
    assert len(table) == 2 * (3 * 2 + 1)
    gate = table[table["task"] == "and"]
    assert gate["auroc"].isna().all()
    assert gate["global_exact"].notna().all()
    # What the file holds is what scoring the same cell again gives.
    board = explanations.leaderboard(table).set_index(["method", "score"])
    assert board.loc[("I2MoE", "auroc"), "n_tasks"] == 1
    assert board.loc[("I2MoE", "global_exact"), "n_tasks"] == 1  # the probe has no gates
    untold = explanations.leaderboard(table[table["method"] != "CompositionProbe"])
    untold = untold.set_index(["method", "score"])
    assert untold.loc[("I2MoE", "global_exact"), "n_tasks"] == 2
    results.save(tmp_path / "found.json")
    again = explanations.records(study.load_results(tmp_path / "found.json").cells)
    assert np.allclose(again["brier"], table["brier"], equal_nan=True)
    shown = CliRunner().invoke(app, ["report", str(tmp_path / "found.json")])
    assert shown.exit_code == 0
    assert "Do explanations hold?" in shown.stdout
    assert "chance" in shown.stdout


def test_data_without_truth_are_refused_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UnknownNameError, match="data set with exact truth 'mfeat'"):
        explanations.shares_of(Settings("I2MoE", "mfeat"))
    monkeypatch.delitem(SIZES, "digit_pairs")
    with pytest.raises(DataError, match=r"I2MoE on digits, seed 0: .*exact truth"):
        Study.of(small())
