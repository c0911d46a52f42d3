"""What all tests share: no windows, one thread, small data, the same random numbers every time."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from matplotlib import pyplot as plt

from mmfuse_lib import data
from mmfuse_lib.core import provenance
from mmfuse_lib.data import MultimodalData

# The examples that hypothesis draws are the same in every run, and take as long as they take.
# Others: pytest --hypothesis-profile=default --hypothesis-seed=1
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")

Splits = tuple[MultimodalData, MultimodalData, MultimodalData]


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup() -> None:
    """Begin each fixture with the same random numbers, whatever was drawn before."""
    _seed()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Begin each test with the same random numbers, whichever tests ran before."""
    _seed()


def _seed() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (the global state is meant)
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def _one_thread_and_no_windows() -> None:
    mpl.use("Agg")
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _figures_are_closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def digits() -> Splits:
    """The default task, small: 4 classes, cue, a quarter of each interaction."""
    return data.load("digit_pairs", seed=0, n_train=400, n_val=120, n_test=200)


@pytest.fixture
def edit_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Let the digest be taken of a copy of the library; return what adds a line to a module."""
    copy = shutil.copytree(provenance.FOLDER, tmp_path / "copy" / "mmfuse_lib")
    real = provenance.path_of

    def path_of(module: str) -> Path | None:
        path = real(module)
        inside = path is not None and path.is_relative_to(provenance.FOLDER)
        return copy / path.relative_to(provenance.FOLDER) if path and inside else path

    def add(module: str, text: str) -> None:
        path = path_of(f"mmfuse_lib.{module}")
        assert path is not None
        path.write_text(path.read_text() + text)
        provenance._READ.pop(f"mmfuse_lib.{module}", None)

    monkeypatch.setattr(provenance, "path_of", path_of)
    monkeypatch.setattr(provenance, "_READ", {})
    return add
