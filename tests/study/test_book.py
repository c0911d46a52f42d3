"""The results in the repository are those of the configuration in the repository."""

from dataclasses import asdict
from pathlib import Path

import pytest

from mmfuse_lib.runs import read_settings
from mmfuse_lib.study import Results, Study, load_results, scores, table
from mmfuse_lib.study.cells import key_of

#: Most settings of the default study have two values, so that one is at an edge.
pytestmark = pytest.mark.filterwarnings("ignore::mmfuse_lib.study.EdgeOfGridWarning")

FOLDER = Path(__file__).parents[2] / "reproduce"
ROWS = (
    "Ensemble", "JointFusion", "DIMML", "DMIL", "DMIL, lam 0.001", "DMIL, synergy first", "I2MoE",
)  # fmt: skip


@pytest.fixture(scope="module")
def results() -> Results:
    return load_results(FOLDER / "book.json")


def test_the_results_are_complete_and_of_this_configuration(results: Results) -> None:
    assert results.about["config"] == read_settings(FOLDER / "book.yml")
    assert [
        m for m in results.about["missing"] if "failed cells of settings not chosen" not in m
    ] == []
    assert results.data == ["digit_pairs", "spoken_digits", "utd_mhad"]


def test_the_cells_are_those_of_this_configuration(results: Results) -> None:
    """A change of the settings, or of how they are hashed, asks for the study to be run again.

    A change of the code does so where it changes a result, which only running it can tell.
    """
    config = read_settings(FOLDER / "book.yml")
    digits = {"digit_pairs": config["data"]["digit_pairs"]}
    cells = {
        (c.method, c.settings.seed, str(c.setting)): c
        for c in Study.of(config | {"data": digits}).cells
    }
    rows = [row for row in results.cells if row["data"] == "digit_pairs"]
    assert len(rows) == len(cells)
    for row in rows:
        cell = cells[row["method"], row["seed"], str(row["setting"])]
        assert row["key"] == key_of(row["code"], asdict(cell.settings), cell.measures)


@pytest.mark.parametrize("data", ["digit_pairs", "spoken_digits", "utd_mhad"])
def test_every_method_has_five_seeds_and_its_place_in_the_table(
    results: Results, data: str
) -> None:
    found = scores(results, data)
    alone = [m for m in found["method"].unique() if m.startswith("Unimodal, ")]
    assert len(alone) == 2
    assert list(table(results, data).index) == [*alone, *ROWS]
    assert found.groupby("method")["seed"].apply(list).map(lambda s: s == [0, 1, 2, 3, 4]).all()
    assert found["accuracy"].between(0, 1).all()


def test_what_one_modality_knows_is_no_synergy(results: Results) -> None:
    for data in results.data:
        found = scores(results, data).set_index("method")["synergy_indicator"]
        assert (found.filter(like="Unimodal") == 0).all()
        assert (found >= 0).all()
