"""What a report says: settings chosen on validation data, and the test results of these only."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from mmfuse_lib.cli import app
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.core.intervals import mean_interval
from mmfuse_lib.study import (
    EdgeOfGridWarning,
    Results,
    Study,
    at_an_edge,
    gather,
    load_results,
    made_on,
    scores,
    table,
)
from mmfuse_lib.study.cells import Cell
from mmfuse_lib.study.manifest import write_manifest
from mmfuse_lib.study.records import write_record

Config = dict[str, Any]

#: Of two values tried, the best is always at an edge.
pytestmark = pytest.mark.filterwarnings("ignore::mmfuse_lib.study.EdgeOfGridWarning")


def record_of(cell: Cell, val: float, right: list[bool]) -> dict[str, Any]:
    return {
        "key": cell.key,
        "code": cell.code,
        "settings": vars(cell.settings),
        "measures": {},
        "evaluate": "test",
        "results": {
            "evaluation": {
                "val": {"accuracy": val},
                "test": {"accuracy": float(np.mean(right))},
                "right": np.packbits(right).tobytes().hex(),
                "n_test": len(right),
                "n_parameters": 1234,
            }
        },
        "ran": {
            "seconds": 1.0, "cpu_seconds": 2.0, "step_ms": 3.0, "date": "2026-01-01",
            "device": "cpu", "processor": "x", "versions": {"torch": "2"},
        },
    }  # fmt: skip


#: Per row, learning rate and seed: validation score, and which of four test samples are right.
#: Of joint, lr .003 is better on validation data (.75 > .7) and worse on test data.
#: Of left alone, lr .001 is chosen, of right alone, lr .003.
GIVEN: dict[tuple[str, float, int], tuple[float, list[bool]]] = {
    ("joint", 0.001, 0): (0.9, [True, True, True, True]),
    ("joint", 0.001, 1): (0.5, [True, True, True, True]),
    ("joint", 0.003, 0): (0.7, [True, False, True, False]),
    ("joint", 0.003, 1): (0.8, [True, True, False, True]),
    ("Unimodal, left", 0.001, 0): (0.6, [False, True, False, False]),
    ("Unimodal, left", 0.001, 1): (0.6, [True, False, False, False]),
    ("Unimodal, left", 0.003, 0): (0.5, [True, True, True, True]),
    ("Unimodal, left", 0.003, 1): (0.5, [True, True, True, True]),
    ("Unimodal, right", 0.001, 0): (0.1, [True, True, True, True]),
    ("Unimodal, right", 0.001, 1): (0.1, [True, True, True, True]),
    ("Unimodal, right", 0.003, 0): (0.2, [False, False, True, False]),
    ("Unimodal, right", 0.003, 1): (0.2, [False, False, True, False]),
}


def place_of(cell: Cell) -> tuple[str, float, int]:
    return cell.method, cell.settings.lr, cell.settings.seed


@pytest.fixture
def study(config: Config) -> Study:
    return Study.of(config)


@pytest.fixture
def folder(study: Study, tmp_path: Path) -> Path:
    write_manifest(study, tmp_path)
    for cell in study.cells:
        write_record(tmp_path, cell, record_of(cell, *GIVEN[place_of(cell)]))
    return tmp_path


def cell_of(study: Study, *place: Any) -> Cell:
    return next(c for c in study.cells if place_of(c) == place)


def test_the_setting_is_chosen_by_validation_not_by_test(folder: Path) -> None:
    results = gather(folder)
    assert results.setting("pairs", "joint") == {"lr": 0.003}
    assert results.setting("pairs", "Unimodal, left") == {"lr": 0.001}
    found = scores(results, "pairs").set_index(["method", "seed"])["accuracy"]
    assert found["joint"].to_dict() == {0: 0.5, 1: 0.75}
    assert sum(row["chosen"] for row in results.cells) == 6
    assert len(results.cells) == 12
    assert not any("test" in row for row in results.cells if not row["chosen"])


def test_the_synergy_indicator_compares_with_the_chosen_unimodal_cells(folder: Path) -> None:
    """By hand: on seed 0 joint alone is right on sample 0 of four; on seed 1 on 1 and 3."""
    found = scores(gather(folder), "pairs").set_index(["method", "seed"])["synergy_indicator"]
    assert found["joint"].to_dict() == {0: 0.25, 1: 0.5}
    assert found["Unimodal, left"].to_dict() == {0: 0.0, 1: 0.0}


def test_what_results_were_made_on_is_one_line_which_a_report_prints(folder: Path) -> None:
    results = gather(folder)
    assert results.about["cpu_seconds"] == 12 * 2
    line = made_on(results)
    assert line == "12 cells on x, cpu; torch 2; 2026-01-01; CPU 0 minutes"
    assert line in CliRunner().invoke(app, ["report", str(folder)]).output


def test_there_is_no_synergy_indicator_unless_each_modality_was_trained_alone(
    config: Config, tmp_path: Path
) -> None:
    config["methods"]["Unimodal"] = {"method_options": {"modality": "left"}}
    study = Study.of(config)
    write_manifest(study, tmp_path)
    for cell in study.cells:
        method = "Unimodal, left" if cell.method == "Unimodal" else cell.method
        given = GIVEN[method, cell.settings.lr, cell.settings.seed]
        write_record(tmp_path, cell, record_of(cell, *given))
    assert "synergy_indicator" not in scores(gather(tmp_path), "pairs")


def test_a_method_with_cells_to_be_run_is_not_reported(folder: Path, study: Study) -> None:
    (folder / f"{cell_of(study, 'joint', 0.001, 1).key}.json").unlink()
    results = gather(folder)
    assert set(scores(results, "pairs")["method"]) == {"Unimodal, left", "Unimodal, right"}
    assert results.about["missing"] == ["joint on pairs: 1 of 4 cells"]
    with pytest.raises(UnknownNameError, match="method with results on pairs 'joint'"):
        results.setting("pairs", "joint")


def test_a_setting_that_fails_is_not_chosen(folder: Path, study: Study) -> None:
    """Of joint, lr .003: the cell that is left has .8, more than the mean .7 of lr .001."""
    failing = cell_of(study, "joint", 0.003, 0)
    (folder / f"{failing.key}.json").unlink()
    write_record(folder, failing, {"error": "TrainingError: nan", "traceback": "there"})
    results = gather(folder)
    assert results.setting("pairs", "joint") == {"lr": 0.001}
    assert results.about["missing"] == ["joint on pairs: 1 failed cells of settings not chosen"]


def test_a_score_that_does_not_exist_is_less_than_any(folder: Path, study: Study) -> None:
    """R2 may be below 0, and is none where the target does not vary."""
    for cell in study.cells:
        if cell.method == "joint":
            record = record_of(cell, *GIVEN[place_of(cell)])
            r2 = None if cell.settings.lr == 0.003 else -0.5
            record["results"]["evaluation"]["val"] = {"r2": r2}
            write_record(folder, cell, record)
    results = gather(folder)
    assert results.setting("pairs", "joint") == {"lr": 0.001}
    joint = [row for row in results.cells if row["method"] == "joint"]
    assert {row["setting"]["lr"]: row["score"] for row in joint} == {0.001: -0.5, 0.003: None}


def test_cells_of_another_configuration_in_the_folder_are_left_out(
    folder: Path, config: Config
) -> None:
    config["search"] = {"lr": [0.001]}
    write_manifest(Study.of(config), folder)
    results = gather(folder)
    assert len(results.cells) == 6
    assert results.setting("pairs", "joint") == {"lr": 0.001}


def edges_of(grid: list[Any], chosen: Any, others: list[Any] | None = None) -> list[str]:
    """Return what is said of one method's setting among those that were tried."""
    rows = [
        {"data": "d", "method": method, "seed": 0, "setting": {"x": v}, "chosen": v == best}
        for method, values, best in (("m", grid, chosen), ("n", others or [1, 2, 3], 2))
        for v in values
    ]
    return at_an_edge(Results({}, rows), "d")


@pytest.mark.parametrize(
    ("grid", "chosen", "said"),
    [
        ([1, 2, 3], 3, ["d: x 3 is the largest of 3 values tried, and chosen for m"]),
        ([3, 1, 2], 1, ["d: x 1 is the smallest of 3 values tried, and chosen for m"]),
        ([0.1, 0.2], 0.1, ["d: x 0.1 is the smallest of 2 values tried, and chosen for m"]),
        ([1, 2, 3], 2, []), ([1], 1, []), (["a", "b"], "b", []), ([1, None], 1, []),
        ([False, True], True, []), ([[1], [2]], [2], []),
    ],
)  # fmt: skip
def test_a_setting_at_the_edge_of_its_grid_is_warned_of(
    grid: list[Any], chosen: Any, said: list[str]
) -> None:
    assert edges_of(grid, chosen) == said


def test_methods_at_the_same_edge_share_a_line() -> None:
    assert edges_of([1, 2], 2, [2, 1]) == [
        "d: x 2 is the largest of 2 values tried, and chosen for m; n"
    ]


def test_tables_and_reports_warn_of_edges(folder: Path) -> None:
    line = "pairs: lr 0.003 is the largest of 2 values tried, and chosen for Unimodal, right; joint"
    with pytest.warns(EdgeOfGridWarning, match=line):
        table(gather(folder), "pairs")
    shown = CliRunner().invoke(app, ["report", str(folder)])
    assert shown.stderr.count(f"at the edge of its grid: {line}") == 1
    assert "EdgeOfGridWarning" not in shown.output


def test_a_study_that_only_validates_reports_every_setting(config: Config, tmp_path: Path) -> None:
    config["methods"]["sizes"] = {
        "method": None, "measures": {"n": "tests.study.test_cells:sizes"}
    }  # fmt: skip
    study = Study.of(config | {"evaluate": "val", "measures": {}})
    write_manifest(study, tmp_path)
    for cell in study.cells:
        if cell.method == "sizes":
            found: Any = {"n": [1, 2]}
        else:
            val = GIVEN[place_of(cell)][0]
            found = {"evaluation": {"val": {"accuracy": val}, "n_parameters": 3}, "more": val}
        record = record_of(cell, 0.0, [True])
        changed = {"evaluate": "val", "measures": cell.measures, "results": found}
        write_record(tmp_path, cell, record | changed)
    results = gather(tmp_path)
    assert len([row for row in results.cells if "val" in row and "more" in row]) == 12
    assert [row["n"] for row in results.cells if row["method"] == "sizes"] == [[1, 2], [1, 2]]
    assert list(table(results, "pairs").index) == ["Unimodal, left", "Unimodal, right", "joint"]
    assert str(table(results, "pairs").loc["joint", "accuracy"]).startswith("75.0")
    assert CliRunner().invoke(app, ["report", str(tmp_path)]).exit_code == 0


def test_what_is_saved_is_what_is_read(folder: Path, tmp_path: Path) -> None:
    results = gather(folder)
    results.save(tmp_path / "all.json")
    again = load_results(tmp_path / "all.json")
    assert again == results
    lines = (tmp_path / "all.json").read_text().splitlines()
    assert sum('"method"' in line and '"seed"' in line for line in lines) == 12


def test_the_table_has_means_and_intervals_in_per_cent(folder: Path) -> None:
    """Half and three quarters: mean 62.5, interval 12.706 * 17.678 / sqrt(2) = 158.8 points."""
    found = table(gather(folder), "pairs")
    assert list(found.index) == ["Unimodal, left", "Unimodal, right", "joint"]
    assert found.loc["joint", "accuracy"] == "62.5 ± 158.8"
    assert mean_interval([50, 75])[1] == pytest.approx(158.8, abs=0.05)
    assert found.loc["joint", "parameters"] == "1,234"
    assert found.loc["joint", "ms a step"] == "3.0"
    assert list(table(gather(folder), "pairs", ["synergy_indicator"])) == ["synergy indicator"]


def test_what_is_no_share_is_not_in_per_cent(folder: Path, study: Study) -> None:
    for cell in study.cells:
        record = record_of(cell, *GIVEN[place_of(cell)])
        numbers = {"r2": 0.25, "mae": 3.0, "micro_f1": 0.25}
        record["results"]["evaluation"] |= {"val": numbers, "test": numbers}
        write_record(folder, cell, record)
    row = table(gather(folder), "pairs").loc["joint"]
    assert row["R²"] == "0.250 ± 0.000"
    assert row["MAE"] == "3.000 ± 0.000"
    assert row["micro-F1"] == "25.0 ± 0.0"


def test_a_finished_study_is_reported_and_gathered(finished: Path, tmp_path: Path) -> None:
    def report(*arguments: object) -> Any:
        return CliRunner().invoke(app, ["report", *map(str, arguments)])

    done = report(finished, "--out", tmp_path / "tiny.json")
    assert done.exit_code == 0, done.output
    results = load_results(tmp_path / "tiny.json")
    assert table(results, "pairs").to_string() in done.output
    assert results.about["hardware"][0]["processor"]
    assert results.about["missing"] == []
    assert results.about["runs"][0]["cells"] == 12
    assert table(results, "pairs").to_string() in report(tmp_path / "tiny.json").output
    one = next(row for row in results.cells if row["chosen"])
    assert {"accuracy", "macro_f1", "auroc", "ece", "accuracy_S", "synergy_indicator"} <= set(
        one["test"]
    )
    written = json.loads((finished / f"{one['key']}.json").read_text())
    assert one["test"]["auroc"] == round(written["results"]["evaluation"]["test"]["auroc"], 5)


def test_what_cannot_be_reported_is_said(folder: Path, study: Study, tmp_path: Path) -> None:
    results = gather(folder)
    with pytest.raises(UnknownNameError, match="Did you mean 'pairs'"):
        table(results, "pair")
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        table(results, "pairs", ["acuracy"])
    with pytest.raises(UnknownNameError, match="part of the results"):
        scores(results, "pairs", "explanation")
    with pytest.raises(DataError, match="cannot be read"):
        gather(tmp_path / "nowhere")
    with pytest.raises(DataError, match="cannot be read as results"):
        load_results(tmp_path / "study.json")
    for method, lr, seed in [m for m in GIVEN if m[1:] == (0.001, 0)]:
        (folder / f"{cell_of(study, method, lr, seed).key}.json").unlink()
    with pytest.raises(DataError, match="no method has all its cells yet"):
        gather(folder)
    for cell in study.cells:
        (folder / f"{cell.key}.json").unlink(missing_ok=True)
    with pytest.raises(DataError, match="no method has all its cells yet"):
        gather(folder)


def test_scores_can_be_of_several_parts_and_of_measures(folder: Path, study: Study) -> None:
    for cell in study.cells:
        record = record_of(cell, *GIVEN[place_of(cell)])
        record["results"]["one"] = cell.settings.seed + 0.123456789
        if cell.method == "joint":
            record["results"]["two"] = {"a": [1, 2], "b": cell.settings.seed}
        write_record(folder, cell, record)
    found = scores(gather(folder), "pairs", "val", "one", "two").set_index(["method", "seed"])
    assert found["one"]["joint", 1] == 1.123456789
    assert found["b"]["joint", 1] == 1
    assert found["a"]["joint", 0] == [1, 2]
    assert found["accuracy"]["joint", 1] == 0.8
    assert found["b"].isna().sum() == 4
    assert set(scores(gather(folder), "pairs", "two")["method"]) == {"joint"}
