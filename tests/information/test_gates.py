"""The canonical distributions are what their names say, cell by cell."""

import numpy as np
import pytest

from mmfuse_lib.information import GATES, deterministic, entropy, mutual_information, noisy


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("xor", lambda a, b: a ^ b),
        ("and", lambda a, b: a & b),
        ("or", lambda a, b: a | b),
        ("copy", lambda a, b: a),
        ("two_bit_copy", lambda a, b: 2 * a + b),
    ],
)
def test_gates_of_two_independent_bits(name: str, rule) -> None:  # type: ignore[no-untyped-def]
    p = GATES[name]()
    expected = np.zeros_like(p)
    for a in (0, 1):
        for b in (0, 1):
            expected[a, b, rule(a, b)] = 0.25
    np.testing.assert_array_equal(p, expected)


def test_redundant_is_three_copies_of_one_bit() -> None:
    p = GATES["redundant"]()
    assert p[0, 0, 0] == p[1, 1, 1] == 0.5
    assert p.sum() == 1.0


def test_redundant_xor_is_one_of_each() -> None:
    p = GATES["redundant_xor"]()
    expected = np.zeros((4, 4, 4))
    for r in (0, 1):
        for a in (0, 1):
            for b in (0, 1):
                expected[2 * r + a, 2 * r + b, 2 * r + (a + b) % 2] = 1 / 8
    np.testing.assert_array_equal(p, expected)


def test_dyadic_shares_one_bit_between_each_pair() -> None:
    p = GATES["dyadic"]()
    expected = np.zeros((4, 4, 4))
    for a in (0, 1):
        for b in (0, 1):
            for c in (0, 1):
                expected[2 * a + b, 2 * b + c, 2 * a + c] = 1 / 8
    np.testing.assert_array_equal(p, expected)


def test_no_entropy_tells_dyadic_from_redundant_xor() -> None:
    dyadic, triadic = GATES["dyadic"](), GATES["redundant_xor"]()
    subsets: list[tuple[int, ...]] = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    for axes in subsets:
        assert entropy(dyadic, axes=axes) == entropy(triadic, axes=axes)


def test_makers_hand_out_separate_arrays() -> None:
    GATES["xor"]()[:] = 0.0
    assert GATES["xor"]().sum() == 1.0


def test_deterministic_for_three_sources() -> None:
    bits = np.indices((2, 2, 2))
    p = deterministic(np.full((2, 2, 2), 1 / 8), bits.sum(axis=0) % 2)
    assert p.shape == (2, 2, 2, 2)
    assert mutual_information(p) == 1.0
    assert mutual_information(p, x=(0, 1)) == 0.0


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([[0, 1], [1, 0.5]], TypeError, "labels are integers"),
        ([0, 1, 1, 0], ValueError, r"\(4,\) is not \(2, 2\)"),
        ([[0, 1], [1, -1]], ValueError, "counted from 0, got -1"),
    ],
)
def test_labels_that_are_refused(labels: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        deterministic(np.full((2, 2), 0.25), labels)  # type: ignore[arg-type]


def test_noise_flips_a_bit() -> None:
    p = noisy(GATES["redundant"](), 0.1)
    np.testing.assert_allclose(p[0, 0], [0.45, 0.05])
    np.testing.assert_array_equal(p[0, 1], [0, 0])


def test_noise_spreads_over_the_other_labels() -> None:
    np.testing.assert_allclose(noisy([[1.0, 0.0, 0.0, 0.0]], 0.3), [[0.7, 0.1, 0.1, 0.1]])


def test_full_noise_on_a_bit_is_a_relabelling() -> None:
    p = GATES["xor"]()
    np.testing.assert_array_equal(noisy(p, 1.0), p[..., ::-1])
    np.testing.assert_array_equal(noisy(p, 0.0), p)


@pytest.mark.parametrize("eps", [-0.1, 1.1, float("nan")])
def test_noise_that_is_no_probability(eps: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        noisy(GATES["xor"](), eps)


def test_noise_needs_two_labels() -> None:
    with pytest.raises(ValueError, match="single value"):
        noisy([[0.5], [0.5]], 0.1)
