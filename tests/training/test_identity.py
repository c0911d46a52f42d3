"""What makes a run this run: the same in every process, other wherever a result could be other."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mmfuse_lib.core.provenance import object_digest
from mmfuse_lib.encoders import SequenceEncoder
from mmfuse_lib.methods import DMIL, JointFusion
from mmfuse_lib.training.identity import Identity, _plain
from tests.support import xor

ROOT = Path(__file__).parents[2]


def identity_of(value: Any) -> Identity:
    found = Identity()
    found.add("x", value)
    return found


def model_identity(model: nn.Module) -> Identity:
    found = Identity()
    found.add_model(model)
    return found


def made(code: str, name: str = "f") -> Any:
    """What a notebook's cell defines."""
    names: dict[str, Any] = {"__name__": "__main__", "np": np}
    exec(code, names)  # noqa: S102
    return names[name]


OTHER_PROCESS = """
from tests.training.test_identity import model_identity
from mmfuse_lib.methods import DMIL
from mmfuse_lib.methods.base import steps
from tests.support import xor
model = DMIL.for_data(xor(30), seed=1)
model.kinds, model.schedule = {"b", "a", "c"}, steps({70: 0.1})
found = model_identity(model)
print(found.settings, found.digests)
"""


def test_it_is_the_same_in_every_process() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", OTHER_PROCESS],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (1, 2)
    }
    assert len(said) == 1
    (text,) = said
    assert "'schedule.ordered': '[[70, 0.1]]'" in text
    assert "'kinds': \"{'a', 'b', 'c'}\"" in text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x): return x + 1", "def f(x): return x + 2"),
        ("def f(x): return x + 1", "def f(x): return x - 1"),
        ("def f(x, y=1): return x + y", "def f(x, y=2): return x + y"),
        ("def f(x, *, y=1): return x + y", "def f(x, *, y=2): return x + y"),
        ("w = 1\ndef f(x): return x * w", "w = 2\ndef f(x): return x * w"),
        ("def g(x): return 1\ndef f(x): return g(x)", "def g(x): return 2\ndef f(x): return g(x)"),
        ("def f(x): return [y + 1 for y in x]", "def f(x): return [y + 2 for y in x]"),
        ("def f(x): return np.sin(x)", "def f(x): return np.cos(x)"),
        ("def f(x): return x in {'a', 'b'}", "def f(x): return x in {'a', 'c'}"),
        ("class f:\n  w = 1", "class f:\n  w = 2"),
        ("class f:\n  def g(self): return 1", "class f:\n  def g(self): return 2"),
        ("class f:\n  @staticmethod\n  def g(): return 1",
         "class f:\n  @staticmethod\n  def g(): return 2"),
        ("class f:\n  @property\n  def g(self): return 1",
         "class f:\n  @property\n  def g(self): return 2"),
        ("class g:\n  w = 1\nclass f(g): pass", "class g:\n  w = 2\nclass f(g): pass"),
        ("def f(x):\n  try: return x\n  except ValueError: return 1",
         "def f(x):\n  try: return x\n  except TypeError: return 1"),
    ],
)  # fmt: skip
def test_other_code_is_other(one: str, other: str) -> None:
    assert identity_of(made(one)) == identity_of(made(one))
    assert identity_of(made(one)) != identity_of(made(other))


@pytest.mark.parametrize(
    "other",
    [
        "\n\n# a remark\ndef f(x):\n  'Say it otherwise.'\n  return x + w\nw = 1",
        "w = 1\nunused = 3\ndef f(x):\n  'Say it.'\n\n  return (x  +  w)  # a remark",
    ],
)
def test_remarks_and_places_do_not_count(other: str) -> None:
    one = "w = 1\ndef f(x):\n  'Say it.'\n  return x + w"
    assert object_digest(made(one), _plain) == object_digest(made(other), _plain)


def test_functions_that_call_each_other_have_an_end() -> None:
    code = "def g(n): return f(n)\ndef f(n): return n and g(n - 1)"
    assert object_digest(made(code), _plain) == object_digest(made(code), _plain)
    endless: dict[str, Any] = {"w": 1}
    endless["itself"] = endless
    assert identity_of(endless).settings == {"x.w": 1}


@pytest.mark.parametrize(
    ("value", "settings"),
    [
        (3, {"x": 3}),
        (np.float32(0.5), {"x": 0.5}),
        ({"a": 1, "b": {"c": "d"}}, {"x.a": 1, "x.b.c": "d"}),
        ([1, (2, None)], {"x": "[1, [2, None]]"}),
        (partial(torch.optim.SGD, momentum=0.9), {"x": "torch.optim.sgd.SGD", "x.momentum": 0.9}),
        (torch.float32, {"x": "torch.float32"}),
        (nn.Parameter(torch.zeros(2)), {"x": "a parameter"}),
    ],
)
def test_what_can_be_read_is_readable(value: Any, settings: dict[str, Any]) -> None:
    assert identity_of(value) == Identity(settings)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.zeros(2), torch.ones(2)),
        (torch.zeros(2), torch.zeros(1, 2)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)),
        (np.zeros(2), np.ones(2)),
    ],
)
def test_other_arrays_are_other(one: Any, other: Any) -> None:
    assert identity_of(one) != identity_of(other)


def test_a_difference_says_what_is_here_and_what_there() -> None:
    one = Identity({"a": 1, "b": float("nan"), "c": "x" * 99}, {"w": "1"})
    other = Identity({"a": 2, "b": float("nan"), "c": "y", "d": None}, {"v": "1"})
    assert one.differences(one) == []
    assert one.differences(other) == [
        "a is 1, there it is 2",
        f"c is {'x' * 77}..., there it is y",
        "d is not set, there it is None",
        "it has other w",
        "it has other v",
    ]


def test_evaluating_a_model_does_not_make_it_another() -> None:
    data = xor(30)
    model = JointFusion.for_data(data, fusion="sparse_moe")
    before = model_identity(model)
    model(data.inputs)
    assert model_identity(model) == before


def test_a_recurrent_encoder_is_described_without_its_weights() -> None:
    encoders = [SequenceEncoder((5, 3), 4) for _ in range(2)]
    one, other = map(model_identity, encoders)
    assert one.differences(other) == ["it has other initial weights"]


def test_how_a_model_was_built_is_no_part_of_what_it_is() -> None:
    data = xor(30)
    model, explicit = DMIL.for_data(data), DMIL.for_data(data, encoders={}, dim=64, lam=1e-5)
    assert model.recipe != explicit.recipe
    assert model_identity(model) == model_identity(explicit)
    del model.recipe
    assert model_identity(model) == model_identity(explicit)
    assert "recipe" not in str(model_identity(explicit).settings)


@pytest.mark.parametrize("options", [{"lam": 1e-3}, {"alpha": 1.0}, {"beta": 0.5}, {"gamma": 0.5}])
def test_options_of_a_method_that_are_no_weights_count(options: dict[str, Any]) -> None:
    data = xor(30)
    found = model_identity(DMIL.for_data(data, **options)).differences(
        model_identity(DMIL.for_data(data))
    )
    assert found
    assert all(f" is {next(iter(options.values()))}, there" in line for line in found)
