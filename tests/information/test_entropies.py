"""Values worked out on paper, zeros, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmfuse_lib import information as info
from mmfuse_lib.information import GATES

Table = NDArray[np.float64]

X1, X2, Y = 0, 1, 2
LOG3 = np.log2(3)

# Cover & Thomas's running example (2.2.1): p(x, y), x along the columns there, along axis 1 here.
TWO_DICE = np.array([[4, 2, 1, 1], [2, 4, 1, 1], [2, 2, 2, 2], [8, 0, 0, 0]]) / 32


@pytest.mark.parametrize(
    ("p", "bits"),
    [
        ([1.0], 0.0),
        ([1.0, 0.0], 0.0),
        ([0.5, 0.5], 1.0),
        ([0.25] * 4, 2.0),
        ([0.5, 0.25, 0.125, 0.125], 1.75),
        ([1 / 3] * 3, LOG3),
        # H(1/4) = 2 - (3/4) log2 3
        ([0.25, 0.75], 2 - 0.75 * LOG3),
        (np.eye(8) / 8, 3.0),
    ],
)
def test_entropy(p: Table, bits: float) -> None:
    assert info.entropy(p) == pytest.approx(bits, abs=1e-14)


def test_a_certain_outcome_has_no_negative_zero() -> None:
    assert not np.signbit(info.entropy([1.0, 0.0]))
    assert not np.signbit(info.surprisal([1.0, 0.0])).any()


def test_textbook_example() -> None:
    p = TWO_DICE
    assert info.entropy(p, axes=1) == pytest.approx(7 / 4)
    assert info.entropy(p, axes=0) == pytest.approx(2)
    assert info.conditional_entropy(p, of=1, given=0) == pytest.approx(11 / 8)
    assert info.conditional_entropy(p, of=0, given=1) == pytest.approx(13 / 8)
    assert info.entropy(p) == pytest.approx(27 / 8)
    assert info.mutual_information(p) == pytest.approx(3 / 8)


@pytest.mark.parametrize("eps", [0.0, 0.11, 0.5, 1.0])
def test_binary_symmetric_channel_carries_one_minus_h(eps: float) -> None:
    p = np.array([[1 - eps, eps], [eps, 1 - eps]]) / 2
    h = 0.0 if eps in (0.0, 1.0) else -eps * np.log2(eps) - (1 - eps) * np.log2(1 - eps)
    assert info.mutual_information(p) == pytest.approx(1 - h, abs=1e-14)
    assert info.conditional_entropy(p) == pytest.approx(h, abs=1e-14)


# AND: p(y=1) = 1/4, and X1 = 0 settles Y while X1 = 1 leaves a fair coin, so
# I(X1;Y) = H(1/4) - 1/2; both sources settle Y, so I(X1,X2;Y) = H(1/4), and what is left is 1/2.
H_AND = 2 - 0.75 * LOG3


@pytest.mark.parametrize(
    ("gate", "single", "other", "joint", "conditional", "interaction"),
    [
        ("xor", 0, 0, 1, 1, 1),
        ("and", H_AND - 0.5, H_AND - 0.5, H_AND, 0.5, 1 - H_AND),
        ("or", H_AND - 0.5, H_AND - 0.5, H_AND, 0.5, 1 - H_AND),
        ("copy", 1, 0, 1, 1, 0),
        ("redundant", 1, 1, 1, 0, -1),
        ("two_bit_copy", 1, 1, 2, 1, 0),
        ("redundant_xor", 1, 1, 2, 1, 0),
        ("dyadic", 1, 1, 2, 1, 0),
    ],
)
def test_gates_by_hand(
    gate: str, single: float, other: float, joint: float, conditional: float, interaction: float
) -> None:
    p = GATES[gate]()
    assert info.mutual_information(p, x=X1) == pytest.approx(single, abs=1e-12)
    assert info.mutual_information(p, x=X2) == pytest.approx(other, abs=1e-12)
    assert info.mutual_information(p) == pytest.approx(joint, abs=1e-12)
    assert info.conditional_mutual_information(p) == pytest.approx(conditional, abs=1e-12)
    assert info.interaction_information(p) == pytest.approx(interaction, abs=1e-12)


def test_defaults_are_the_label_and_all_the_rest() -> None:
    p = GATES["and"]()
    assert info.mutual_information(p) == info.mutual_information(p, x=(X1, X2), y=Y)
    assert info.conditional_entropy(p) == info.conditional_entropy(p, of=Y, given=(X1, X2))
    assert info.conditional_mutual_information(p) == info.conditional_mutual_information(
        p, x=X1, y=Y, given=X2
    )


def test_conditioning_on_nothing() -> None:
    p = GATES["and"]()
    assert info.conditional_entropy(p, of=Y, given=()) == info.entropy(p, axes=Y)
    assert info.conditional_mutual_information(p, given=()) == info.mutual_information(p, x=X1)


def test_independent_variables_share_nothing_exactly() -> None:
    p = np.multiply.outer([0.1, 0.2, 0.7], [0.3, 0.3, 0.4])
    assert 0.0 <= info.mutual_information(p) < 1e-15


def test_round_off_is_cut_only_where_theory_forbids_a_negative_value() -> None:
    rng = np.random.default_rng(0)
    independent = [
        np.multiply.outer(rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(7))) for _ in range(50)
    ]
    assert min(info.mutual_information(p) for p in independent) == 0.0
    assert info.interaction_information(GATES["redundant"]()) == -1.0


def test_mixed_noise_survives_tiny_probabilities() -> None:
    p = np.array([[1e-300, 0.5], [0.5, 0.0]])
    assert info.mutual_information(p) == pytest.approx(1.0, abs=1e-14)
    assert info.pointwise_mutual_information(p)[0, 0] == pytest.approx(np.log2(1e-300) + 2)


def test_divergence() -> None:
    assert info.kl_divergence([0.5, 0.5], [0.25, 0.75]) == pytest.approx(1 - 0.5 * LOG3)
    assert info.kl_divergence([0.25, 0.75], [0.5, 0.5]) == pytest.approx(0.75 * LOG3 - 1)
    assert info.kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert info.kl_divergence([1.0, 0.0], [0.5, 0.5]) == 1.0
    assert info.kl_divergence([0.3, 0.7], [0.3, 0.7]) == 0.0


def test_surprisal_in_the_shape_of_the_table() -> None:
    p = np.array([[0.5, 0.0], [0.25, 0.25]])
    np.testing.assert_array_equal(info.surprisal(p), [[1, np.inf], [2, 2]])
    np.testing.assert_array_equal(info.surprisal(p, axes=0), [[1, 1], [1, 1]])
    np.testing.assert_allclose(info.surprisal(p, axes=1), [[2 - LOG3, 2], [2 - LOG3, 2]])


def test_pointwise_information_and_its_zeros() -> None:
    # Rows: x = 0, 1 occur, x = 2 never does; the pair (0, 1) never does.
    p = np.array([[0.5, 0.0], [0.25, 0.25], [0.0, 0.0]])
    expected = [[2 - LOG3, -np.inf], [1 - LOG3, 1], [np.nan, np.nan]]
    np.testing.assert_allclose(info.pointwise_mutual_information(p), expected)


def test_pointwise_conditional_information_and_its_zeros() -> None:
    p = GATES["xor"]()
    values = info.pointwise_conditional_mutual_information(p)
    np.testing.assert_array_equal(values[p > 0], 1.0)
    np.testing.assert_array_equal(values[p == 0], -np.inf)
    never = np.zeros((2, 3, 2))
    never[:, :2] = p
    assert np.isnan(info.pointwise_conditional_mutual_information(never)[:, 2]).all()


def test_pointwise_results_can_be_written_to() -> None:
    values = info.surprisal(GATES["xor"](), axes=Y)
    values[0, 0, 0] = 7.0
    assert values[1, 1, 0] == 1.0


Call = Callable[[], object]
XOR = GATES["xor"]()
HALF: Any = 0.5
NAME: Any = "y"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: info.entropy(XOR, axes=3), ValueError, r"axes=3 is out of range.*axes 0 to 2"),
        (lambda: info.entropy(XOR, axes=(0, -4)), ValueError, "out of range"),
        (lambda: info.entropy(XOR, axes=()), ValueError, "axes names no axis"),
        (lambda: info.entropy(XOR, axes=(0, -3)), ValueError, "names an axis twice"),
        (lambda: info.entropy(XOR, axes=HALF), TypeError, "takes an axis number"),
        (lambda: info.entropy(XOR, axes=NAME), TypeError, "takes an axis number"),
        (lambda: info.mutual_information([0.5, 0.5]), ValueError, "no axis is left for x"),
        (lambda: info.mutual_information(XOR, x=2), ValueError, "axis 2 is in both x and y"),
        (lambda: info.mutual_information(XOR, x=(0, 1), y=1), ValueError, "in both x and y"),
        (lambda: info.mutual_information(XOR, x=5), ValueError, "x=5 is out of range"),
        (lambda: info.conditional_entropy([1.0]), ValueError, "no axis is left for given"),
        (lambda: info.conditional_entropy(XOR, of=0, given=0), ValueError, "both of and given"),
        (
            lambda: info.conditional_mutual_information(XOR[:, 0] * 2),
            ValueError,
            "no axis is left for given",
        ),
        (
            lambda: info.conditional_mutual_information(XOR, given=0),
            ValueError,
            "both x and given",
        ),
        (
            lambda: info.pointwise_conditional_mutual_information(XOR, given=2),
            ValueError,
            "both y and given",
        ),
        (lambda: info.pointwise_mutual_information(XOR, x=-1), ValueError, "both x and y"),
        (lambda: info.surprisal(XOR, axes=9), ValueError, "out of range"),
        (lambda: info.interaction_information(np.eye(2) / 2), ValueError, "three variables"),
        (lambda: info.interaction_information(XOR, x1=1), ValueError, "both x1 and x2"),
        (lambda: info.kl_divergence([1.0], [0.5, 0.5]), ValueError, r"\(1,\) and \(2,\)"),
        (lambda: info.kl_divergence([0.5, 0.5], [0.5, 0.6]), ValueError, "sum to 1"),
    ],
)
def test_refused(call: Call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "measure",
    [
        info.entropy,
        info.conditional_entropy,
        info.mutual_information,
        info.conditional_mutual_information,
        info.interaction_information,
        info.surprisal,
        info.pointwise_mutual_information,
        info.pointwise_conditional_mutual_information,
    ],
)
def test_every_measure_checks_its_table(measure: Callable[[Table], object]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        measure(XOR * 2)
