"""A reader's own methods and data sets, named in a configuration."""

from pathlib import Path

import pytest

from mmfuse_lib import data, evaluate, fit, methods, runs
from mmfuse_lib.core.errors import DataError, UnknownNameError

OWN = """
from mmfuse_lib import data
from mmfuse_lib.methods import JointFusion

class Mine(JointFusion):
    pass

def load(seed=0, n=20):
    return data.load("digit_pairs", seed=seed, n_train=n, n_val=n, n_test=n)

class Passing(JointFusion):
    def __init__(self, spec, encoders, **options):
        super().__init__(spec, encoders, **options)

def load_passing(seed=0, **options):
    return data.load("digit_pairs", seed=seed, **options)

def load_two(seed=0):
    return load(seed)[:2]

number = 3
"""


@pytest.fixture(autouse=True)
def _own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_file.py").write_text(OWN, "utf8")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_own_methods_and_data_are_found_and_work() -> None:
    splits = data.load("own_file:load", seed=3, n=30)
    assert [len(part) for part in splits] == [30, 30, 30]
    model = methods.get("own_file:Mine").for_data(splits[0], dim=8)
    assert type(model).__name__ == "Mine"
    fit(model, *splits[:2], epochs=1, device="cpu", progress=False)
    assert 0 <= evaluate(model, splits[2], device="cpu").metrics["accuracy"] <= 1


def test_options_that_are_passed_on_reach_who_takes_them() -> None:
    sizes = {"n_train": 30, "n_val": 20, "n_test": 10}
    splits = data.load("own_file:load_passing", **sizes)
    assert [len(part) for part in splits] == [30, 20, 10]
    options = {"fusion": "linear"}
    settings = runs.Settings("own_file:Passing", "digit_pairs", method_options=options)
    model = runs.build(settings, splits[0])
    assert type(getattr(model, "fusion", None)).__name__ == "LinearFusion"
    with pytest.raises(UnknownNameError, match="unknown option of 'digit_pairs' 'n_trai'"):
        data.load("own_file:load_passing", n_trai=3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_fil:Mine", "cannot import 'own_fil'.*PYTHONPATH"),
        (":Mine", "cannot import ''"),
        ("own_file:Yours", "own_file has no 'Yours'"),
        ("own_file:load", "expected a subclass of mmfuse_lib.methods.Method"),
        ("own_file:number", "expected a subclass"),
    ],
)
def test_own_methods_that_are_none_are_named(name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        methods.get(name)


def test_own_data_that_are_none_are_named() -> None:
    with pytest.raises(DataError, match="expected a function of the seed"):
        data.load("own_file:number")
    with pytest.raises(DataError, match="expected train, val, test"):
        data.load("own_file:load_two")
    with pytest.raises(UnknownNameError, match="unknown option of 'own_file:load' 'm'"):
        data.load("own_file:load", m=20)
