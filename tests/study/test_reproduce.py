"""The studies behind the book: their configurations run, and measure what their files hold."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from mmfuse_lib import data, methods
from mmfuse_lib.information.estimators import Estimate
from mmfuse_lib.runs import Loaded, Settings, read_settings
from mmfuse_lib.study import Study, load_results
from mmfuse_lib.study.cells import Cell, compute
from reproduce.dimml import OneHead, Unweighted
from reproduce.real_data import components, estimates, plug_in_8

FOLDER = Path(__file__).parents[2] / "reproduce"
STUDIES = [
    "dimml_ablation", "dmil", "dmil_search", "dmil_regularisers", "i2moe", "i2moe_search",
    "i2moe_start",
]  # fmt: skip
ABOUT = ("data", "method", "seed", "setting", "score", "cpu_seconds", "chosen", "key", "code",
         "step_ms")  # fmt: skip
TINY = {"n_train": 300, "n_val": 100, "n_test": 120}


@cache
def on_digits(name: str) -> Study:
    """Return the part of a study that needs no download."""
    config = read_settings(FOLDER / f"{name}.yml")
    columns = {k: v for k, v in config["data"].items() if "digit_pairs" in (k, v.get("data"))}
    rows = {}
    for row, entry in config["methods"].items():
        only = [column for column in entry.get("only", columns) if column in columns]
        if only:
            rows[row] = {**entry, "only": only}
    return Study.of(config | {"data": columns, "methods": rows})


def place(cell: Cell) -> tuple[Any, ...]:
    return cell.data, cell.method, cell.settings.seed, str(cell.setting)


@pytest.mark.parametrize("name", STUDIES)
def test_a_file_has_the_cells_of_its_configuration(name: str) -> None:
    results, study = load_results(FOLDER / f"{name}.json"), on_digits(name)
    rows = [(r["data"], r["method"], r["seed"], str(r["setting"])) for r in results.cells]
    assert results.about["config"] == read_settings(FOLDER / f"{name}.yml")
    assert {r for r in rows if r[0] in study.modalities} == {place(c) for c in study.cells}
    assert len(set(rows)) == len(rows)


def shrunk(cell: Cell) -> Cell:
    """Return the same cell with little data and few epochs, enough for every stage to have one."""
    options = cell.settings.data_options | TINY
    return replace(cell, settings=replace(cell.settings, data_options=options, epochs=4))


def assert_covers(measured: Any, held: Any) -> None:
    """Check that all names in what a file holds are measured, in lists and mappings too."""
    assert type(measured) is type(held) or {type(measured), type(held)} == {int, float}
    if isinstance(held, dict):
        for name, value in held.items():
            assert_covers(measured[name], value)
    elif isinstance(held, list):
        assert bool(measured) == bool(held)
        assert_covers(measured[0], held[0])


@pytest.mark.parametrize("name", STUDIES)
def test_a_configuration_measures_what_its_file_holds(name: str) -> None:
    rows = load_results(FOLDER / f"{name}.json").cells
    tried = set()
    for cell in on_digits(name).cells:
        kind = cell.settings.method, tuple(cell.measures)
        if kind in tried:
            continue
        tried.add(kind)
        row = next(r for r in rows if (r["data"], r["method"]) == (cell.data, cell.method))
        results = compute(shrunk(cell))["results"]
        results = results.pop("evaluation", {}) | results
        assert_covers(results, {part: row[part] for part in row if part not in ABOUT})


@pytest.mark.parametrize("name", ["digit_pairs", "utd_mhad"])
def test_the_ablation_is_trained_in_the_setting_that_the_study_chose(name: str) -> None:
    """On validation data, for the whole method."""
    book = load_results(FOLDER / "book.json")
    chosen = book.setting(name, "DIMML")
    given, own = book.about["config"], read_settings(FOLDER / "dimml_ablation.yml")
    expected = {**given["settings"], **given["data"][name], **chosen}
    expected.pop("search", None)
    assert {**own["settings"], **own["data"][name]} == expected


def test_variants_of_dimml_predict_by_other_heads_of_the_same_model() -> None:
    train, _, test = data.load("digit_pairs", n_train=100, n_val=50, n_test=50)
    whole = methods.DIMML.for_data(train, seed=0)
    logits = whole.head_logits(test.inputs)
    assert torch.equal(Unweighted.for_data(train, seed=0)(test.inputs), logits.mean(dim=1))
    for k, head in enumerate(("left", "right", "fusion")):
        one = OneHead.for_data(train, seed=0, modality=head)
        assert torch.equal(one(test.inputs), logits[:, k])
    with pytest.raises(ValueError, match=r"unknown head 'lef'. Did you mean 'left'"):
        OneHead.for_data(train, modality="lef")


def test_estimators_see_components_and_a_control() -> None:
    splits = components(
        0, of="digit_pairs", options={"n_train": 1_600, "n_val": 200, "n_test": 400}
    )
    assert [len(split) for split in splits] == [1_500, 200, 400]
    assert splits[0].shapes == {"left": (16,), "right": (16,)}
    assert splits[0].inputs["left"][:, 0].std() == pytest.approx(1, abs=1e-3)
    rows = plug_in_8(Loaded(Settings("", "d"), splits))
    assert [(row["shuffled"], row["ignoring_groups"]) for row in rows] == [
        (False, False), (True, False),
    ]  # fmt: skip
    told, control = (sum(row[atom] for atom in ("R", "U1", "U2", "S")) for row in rows)
    assert told > 2 * control
    in_groups = tuple(replace(s, groups=torch.arange(len(s)) % 20) for s in splits)
    rows = estimates(lambda *x, groups, seed: _known(groups), Loaded(Settings("", "d"), in_groups))
    assert [row["R"] for row in rows] == [1.0, 1.0, 0.0, 0.0]
    assert [row["ignoring_groups"] for row in rows] == [False, False, True, True]


def _known(groups: Any) -> Any:
    """Return an estimate that says whether it was told of groups."""
    return Estimate(float(groups is not None), (0.0, 0.0), 0.0, measure="broja")
