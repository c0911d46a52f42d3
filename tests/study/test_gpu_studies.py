"""The studies of the GPU lab: what their comments and the chapter say of them is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmfuse_lib.data.raw.sample import write_cremad
from mmfuse_lib.runs import build, load_splits
from mmfuse_lib.study import Study, configuration


def schedules(grid: Study) -> dict[str, list[tuple[str, int]]]:
    """Return the stages of each method, with their epochs."""
    found = {}
    for cell in {cell.method: cell for cell in grid.cells}.values():
        model = build(cell.settings, load_splits(cell.settings)[0])
        found[cell.method] = [(s.name, s.epochs) for s in model.stages(cell.settings.epochs)]
    return found


def shrink(plan: dict[str, Any], column: str, **options: Any) -> Study:
    """Return the grid of a plan with small encoders, on a CPU, and one seed."""
    settings = {"precision": "32-true", "device": "cpu", "dim": 8}
    small = {"name": "image", "width": 2}
    entry = plan["data"][column]
    entry |= {"encoders": dict.fromkeys(entry["encoders"], small)}
    entry["data_options"] |= options
    return Study.of({**plan, "settings": plan["settings"] | settings, "seeds": 1})


def test_the_lab_is_the_papers_schedules_in_shares_of_six_epochs() -> None:
    plan = configuration("gpu_lab")
    assert plan["data"]["spoken_digits"]["data_options"]["n_train"] == 60_000
    assert (plan["seeds"], plan["settings"]["epochs"]) == (5, 6)
    # The images of digit pairs take the place of a download.
    options = {"n_train": 60, "n_val": 20, "n_test": 20}
    plan["data"] = {"digit_pairs": {"encoders": {"left": "resnet18", "right": "resnet18"},
                                    "data_options": {"n_classes": 4}}}  # fmt: skip
    assert schedules(shrink(plan, "digit_pairs", **options)) == {
        "joint": [("joint", 6)],
        "ensemble": [("left", 6), ("right", 6)],
        "DI-MML": [("detached", 1), ("interactive", 5), ("fusion", 1)],
        "DMIL": [("intra", 2), ("consistency", 1), ("joint", 3)],
        "I2MoE": [("experts", 6)],
    }


def test_cremad_is_trained_on_the_papers_schedules(tmp_path: Path) -> None:
    root = write_cremad(tmp_path, n_actors=3, n_test=4)
    grid = shrink(configuration("cremad"), "cremad", root=str(root))
    assert {cell.settings.batch_size for cell in grid.cells} == {16}
    assert schedules(grid) == {
        "joint": [("joint", 150)],
        "ensemble": [("audio", 150), ("video", 150)],
        "OGM-GE": [("joint", 150)],
        "DI-MML": [("detached", 20), ("interactive", 130), ("fusion", 20)],
        "DMIL": [("intra", 10), ("consistency", 5), ("joint", 135)],
        "I2MoE": [("experts", 150)],
    }
