"""A study that takes a second or two: tiny data, tiny models."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from mmfuse_lib.study import Study, run_study

TINY: dict[str, Any] = {
    "name": "tiny",
    "methods": {"Unimodal": {}, "joint": {"method": "JointFusion"}},
    "data": {
        "pairs": {
            "data": "digit_pairs",
            "data_options": {"n_train": 200, "n_val": 60, "n_test": 90, "n_classes": 2},
            "epochs": 2,
        }
    },
    "seeds": 2,
    "search": {"lr": [0.001, 0.003]},
    "settings": {"device": "cpu", "dim": 8, "batch_size": 50},
}


@pytest.fixture
def config() -> dict[str, Any]:
    return copy.deepcopy(TINY)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny study was run; not to be written to."""
    folder = tmp_path_factory.mktemp("study") / "tiny"
    run_study(Study.of(TINY), folder, progress=False)
    return folder


def write_config(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / f"{config['name']}.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path
