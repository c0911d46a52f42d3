"""Labels made by a known interaction: the mechanism behind the synthetic tasks.

Two symbols a, b in ``0 .. K-1`` and a label y. One interaction, drawn per sample, decides how they
hang together; y is uniform under each of them:

====  =====================================  ==========================================
R     a = b = y                              either source tells the label
U1    a = y, b independent and uniform       only the first source tells it
U2    b = y, a independent and uniform       only the second source tells it
S     a, b independent, y = (a + b) mod K    only both together tell it (K = 2 is XOR)
====  =====================================  ==========================================
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mmfuse_lib.data.multimodal import INTERACTIONS
from mmfuse_lib.errors import DataError, UnknownNameError


def composition_weights(composition: Mapping[str, float] | None) -> NDArray[np.float64]:
    """Return the share of each interaction, in the order of `INTERACTIONS`.

    Parameters
    ----------
    composition : mapping of str to float, or None
        Shares of ``"R"``, ``"U1"``, ``"U2"``, ``"S"``; missing ones are 0, None means a quarter
        each.

    Raises
    ------
    UnknownNameError
        If a key is none of the four.
    DataError
        If a share is negative or not a number, or the shares do not sum to 1.
    """
    if composition is None:
        return np.full(len(INTERACTIONS), 1 / len(INTERACTIONS))
    if not isinstance(composition, Mapping):
        raise DataError(f"composition is {composition!r}: expected a mapping such as {{'R': 1.0}}")
    for key in composition:
        if key not in INTERACTIONS:
            raise UnknownNameError("interaction", key, INTERACTIONS)
    weights = np.array([composition.get(kind, 0.0) for kind in INTERACTIONS], dtype=np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise DataError(f"composition {dict(composition)}: expected finite shares >= 0")
    if abs(weights.sum() - 1) > 1e-6:
        raise DataError(f"composition {dict(composition)} sums to {weights.sum():.6g}: expected 1")
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


def draw_symbols(
    weights: NDArray[np.float64], n_samples: int, n_classes: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw ``(a, b, y, kind)``, each of shape ``(n_samples,)``, from the mechanism above."""
    kind = rng.choice(len(INTERACTIONS), size=n_samples, p=weights)
    a = rng.integers(n_classes, size=n_samples)
    b = rng.integers(n_classes, size=n_samples)
    shown = [kind == k for k in range(len(INTERACTIONS))]
    b = np.where(shown[0], a, b)
    y = np.select(shown, [a, a, b, (a + b) % n_classes])
    return a, b, y, kind


def symbol_table(weights: NDArray[np.float64], n_classes: int, cue: bool) -> NDArray[np.float64]:
    """Return the exact ``p(x1, x2, y)`` of the mechanism above.

    Parameters
    ----------
    weights : ndarray, shape (4,)
        Share of each interaction.
    n_classes : int
        K.
    cue : bool
        Without a cue x1 = a and x2 = b, shape ``(K, K, K)``. With one, both sources also show
        which interaction c rules the sample: ``x1 = c K + a``, ``x2 = c K + b``, shape
        ``(4K, 4K, K)``.
    """
    a, b = np.indices((n_classes, n_classes)).reshape(2, -1)
    tables: NDArray[np.float64] = np.zeros((len(INTERACTIONS), n_classes, n_classes, n_classes))
    diagonal = np.arange(n_classes)
    tables[0, diagonal, diagonal, diagonal] = 1 / n_classes
    for k, y in enumerate((a, b, (a + b) % n_classes), start=1):
        tables[k, a, b, y] = 1 / n_classes**2
    tables *= weights[:, None, None, None]
    if not cue:
        without_cue: NDArray[np.float64] = tables.sum(axis=0)
        return without_cue
    with_cue = np.zeros((len(INTERACTIONS), n_classes) * 2 + (n_classes,))
    for k, table in enumerate(tables):
        with_cue[k, :, k] = table
    n_symbols = len(INTERACTIONS) * n_classes
    return with_cue.reshape(n_symbols, n_symbols, n_classes)
