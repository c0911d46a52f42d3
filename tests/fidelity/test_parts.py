"""Every part is as near to the authors' code as rounding allows; where it is not, on purpose."""

import math
from collections.abc import Callable

import pytest
import torch

from mmfuse_lib import methods
from mmfuse_lib.methods.dimml import dimension_rates, duc_loss
from tests.fidelity import parts
from tests.fidelity.parts import Part, apart, cases


@pytest.mark.parametrize("part", parts.PARTS, ids=lambda part: part.__name__)
def test_a_part_gives_the_numbers_of_the_authors(part: Callable[[], Part]) -> None:
    found = part()
    assert found.cases > 0
    assert found.value <= found.value_limit
    if found.gradient is not None and found.gradient_limit is not None:
        assert found.gradient <= found.gradient_limit


@pytest.mark.parametrize("difference", parts.DIFFERENCES, ids=lambda one: one.__name__)
def test_a_difference_is_there_and_the_option_removes_it(
    difference: Callable[[], parts.Difference],
) -> None:
    found = difference()
    assert found.theirs != found.ours
    if found.with_option is not None:
        assert found.with_option <= 1e-12


def test_every_file_is_used_and_a_missing_case_would_be_noticed() -> None:
    files = {path.stem for path in parts.HERE.glob("*.npz")}
    expected = {"dimml_duc": 8, "dimml_selection": 4, "dimml_certainty": 5, "dimml_fusion": 2,
                "i2moe_losses": 6, "i2moe_weights": 4, "lsmi": 6}  # fmt: skip
    assert files == {*expected, "broja"}
    assert {name: len(list(cases(name))) for name in expected} == expected


def test_what_one_modality_may_learn_is_what_only_the_other_knows() -> None:
    for case in cases("dimml_selection"):
        model = methods.DIMML(*_two(case["z1"].shape[1]))
        model.effective = torch.stack([case["effective1"], case["effective2"]])
        assert torch.equal(model.transferred(teacher=0, student=1), case["only1"])
        assert torch.equal(model.transferred(teacher=1, student=0), case["only2"])


def test_no_dimension_gives_no_loss_where_theirs_is_a_constant() -> None:
    (case,) = [parts.Case(parts.arrays("dimml_duc"), "empty")]
    none = torch.zeros(case["z1"].shape[1], dtype=torch.bool)
    assert case.number("loss_returned") == pytest.approx(2 * math.log(len(case["z1"])))
    assert float(duc_loss(case["z1"], case["z2"], none, 10.0)) == 0.0


def test_a_class_without_samples_selects_nothing_in_theirs_and_is_left_out_in_ours() -> None:
    case = parts.Case(parts.arrays("dimml_selection"), "missing")
    K = int(case.number("n_classes"))
    rates, effective = dimension_rates(lambda: [(case["z1"], case["labels"])], K)
    assert not case["rates1_returned"].any()
    assert rates.min() > 0
    assert effective.any()


def test_a_difference_beyond_the_limit_would_be_noticed() -> None:
    (case, *_) = cases("dimml_duc")
    shifted = duc_loss(case["student"], case["teacher"], case["mask"], 1.01 * case.number("tau"))
    assert apart(shifted, case["loss"]) > parts.duc().value_limit


def _two(d: int) -> tuple[methods.base.Spec, dict[str, torch.nn.Module]]:
    spec = methods.base.Spec({"x1": (d,), "x2": (d,)}, "classification", ("0", "1"))
    return spec, {"x1": torch.nn.Identity(), "x2": torch.nn.Identity()}
