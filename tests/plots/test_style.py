"""The palette, as seen by readers with each kind of colour vision."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from mmfuse_lib.plots import LONG_NAMES, PALETTE, color_of, use_style

Array = NDArray[np.float64]

# Machado, Oliveira and Fernandes (2009), severity 1; they act on linear RGB.
VISION: dict[str, Array] = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
RGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = RGB_TO_XYZ.sum(axis=1)


def linear_rgb(color: str) -> Array:
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: Array) -> Array:
    t = RGB_TO_XYZ @ rgb.clip(0, 1) / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, vision: str) -> float:
    """Return the CIELAB distance (CIE 1976) as simulated."""
    seen = [lab(VISION[vision] @ linear_rgb(PALETTE[name])) for name in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def test_the_yardstick_on_known_colours() -> None:
    # Published CIELAB (D65) of sRGB red: 53.24, 80.09, 67.20.
    np.testing.assert_allclose(lab(linear_rgb("#FF0000")), [53.24, 80.09, 67.20], atol=0.02)
    np.testing.assert_allclose(lab(linear_rgb("white")), [100, 0, 0], atol=0.01)
    for matrix in VISION.values():
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=2e-6)  # greys stay as they are


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("one", "other"), [*combinations(["R", "U1", "U2", "S", "joint"], 2)])
def test_colours_of_two_modalities_are_far_apart(one: str, other: str, vision: str) -> None:
    assert distance(one, other, vision) >= 15


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("one", "other"), [*combinations(PALETTE, 2)])
def test_all_colours_are_apart(one: str, other: str, vision: str) -> None:
    assert distance(one, other, vision) > 10


def test_colours_and_long_names_are_for_the_same_names_in_the_books_order() -> None:
    order = ["R", "U1", "U2", "U3", "U4", "S", "joint"]
    assert list(PALETTE) == list(LONG_NAMES) == order
    for table in (PALETTE, LONG_NAMES):
        assert len(set(table.values())) == len(order)


def test_the_colour_of_a_name_and_of_no_name() -> None:
    for name, color in PALETTE.items():
        assert color_of(name) == color
    with pytest.raises(ValueError, match="no colour for 'U9': expected one of R, U1"):
        color_of("U9")


def test_the_style_is_set_and_is_what_matplotlib_knows() -> None:
    with mpl.rc_context():
        mpl.rcdefaults()
        use_style()
        assert mpl.rcParams["figure.constrained_layout.use"]
        assert not mpl.rcParams["axes.spines.top"]
        assert mpl.rcParams["font.size"] >= 12
