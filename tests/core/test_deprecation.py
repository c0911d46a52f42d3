"""Old names work, warn where they are used, and are gone when they were announced to be."""

import ast
import inspect
import math
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from packaging.version import Version
from torch import nn

import mmfuse_lib
from mmfuse_lib import data, methods
from mmfuse_lib.core.deprecation import renamed_argument, renamed_names
from mmfuse_lib.methods import Stage

LIBRARY = Path(mmfuse_lib.__file__).parent


@renamed_argument("colour", "color", removed_in="0.3")
def paint(color: str, times: int = 1) -> str:
    return color * times


def test_an_argument_works_under_its_old_name_and_the_caller_is_warned() -> None:
    said = r"argument colour of paint is called color now, and goes in mmfuse 0\.3"
    old: Any = paint
    with pytest.warns(FutureWarning, match=said) as warned:
        assert old(colour="red", times=2) == "redred"
    assert warned[0].filename == __file__
    assert paint("blue") == paint(color="blue") == "blue"  # warnings are errors here
    assert list(inspect.signature(paint).parameters) == ["color", "times"]


def test_both_names_at_once_are_refused() -> None:
    old: Any = paint
    with pytest.raises(TypeError, match="given colour and color: color is enough"):
        old(colour="red", color="blue")


def test_a_stage_takes_what_it_trains_under_the_old_name() -> None:
    part, loss, kind = nn.Linear(1, 1), cast(Any, dict), cast(Any, Stage)
    with pytest.warns(FutureWarning, match="argument trains of Stage is called modules now"):
        old = kind("joint", 3, trains=[part], loss=loss)
    assert old == Stage("joint", 3, modules=[part], loss=loss)
    assert list(inspect.signature(Stage).parameters)[:4] == ["name", "epochs", "modules", "loss"]
    assert replace(old, epochs=4).epochs == 4
    assert pickle.loads(pickle.dumps(replace(old, modules=[], loss=dict))).name == "joint"  # noqa: S301


def test_a_name_of_a_module_is_found_where_it_went() -> None:
    find = renamed_names("old", {"root": "math:sqrt"}, removed_in="0.3")
    with pytest.warns(FutureWarning, match=r"old\.root is called math\.sqrt now") as warned:
        assert find("root") is math.sqrt
    assert warned[0].filename == __file__
    with pytest.raises(AttributeError, match="module 'old' has no attribute 'sqrt'"):
        find("sqrt")


def test_the_interval_is_still_found_beside_evaluate() -> None:
    with pytest.warns(FutureWarning, match=r"core\.intervals\.mean_interval now") as warned:
        from mmfuse_lib.evaluation import mean_interval  # type: ignore[attr-defined]
    assert mean_interval is mmfuse_lib.mean_interval
    assert warned[0].filename == __file__


def test_fit_is_still_found_in_training() -> None:
    train, _, _ = data.load("digit_pairs", seed=0, n_train=40)
    model = methods.JointFusion.for_data(train, dim=4, seed=0)
    from mmfuse_lib.training import fit  # now a module

    with pytest.warns(
        FutureWarning, match=r"training\.fit is called mmfuse_lib\.fit now"
    ) as warned:
        history = fit(model, train, epochs=1, device="cpu", progress=False)  # type: ignore[operator]
    assert warned[0].filename == __file__
    with pytest.warns(FutureWarning, match=r"is called mmfuse_lib\.training\.fit\.History now"):
        from mmfuse_lib.training import History  # type: ignore[attr-defined]
    assert isinstance(history, History)
    with pytest.raises(ImportError, match="Hstory"):
        from mmfuse_lib.training import Hstory  # type: ignore[attr-defined]  # noqa: F401


def announced(text: str) -> list[str]:
    """Return the versions in which something goes."""
    return [
        str(keyword.value.value)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "removed_in" and isinstance(keyword.value, ast.Constant)
    ]


def test_what_was_announced_to_go_is_gone() -> None:
    assert announced('f("a", removed_in="0.1")\ng(removed_in=later)') == ["0.1"]
    now = Version(mmfuse_lib.__version__)
    for path in LIBRARY.rglob("*.py"):
        for version in announced(path.read_text("utf8")):
            assert re.fullmatch(r"\d+\.\d+", version)
            assert Version(version) > now, f"{path.name}: what goes in {version} is still there"
