"""Labels made by a known interaction: the mechanism behind the synthetic tasks.

Two symbols a, b in ``0 .. K-1`` and a label y. One interaction, drawn per sample, decides how they
depend on each other; y is uniform under each of them:

====  =====================================  ==========================================
R     a = b = y                              either source tells the label
U1    a = y, b independent and uniform       only the first source tells it
U2    b = y, a independent and uniform       only the second source tells it
S     a, b independent, y = (a + b) mod K    only both together tell it (K = 2 is XOR)
====  =====================================  ==========================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError, check_integers, check_names, check_numbers
from mmfuse_lib.data.card import Splits
from mmfuse_lib.data.multimodal import INTERACTIONS, MultimodalData, from_arrays

#: Per digit, the examples that may be drawn, ``(n, height, width)``: images or spectrograms.
Pool = Sequence[NDArray[np.float32]]

#: Per digit, who each example is from.
Groups = Sequence[NDArray[np.int64]]

#: From examples and what the cue of each names to examples that show it.
AddCue = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]

#: Which of the two modalities show the cue.
CueIn = Literal["both", "first", "second"]
SHOWN: dict[str, tuple[bool, bool]] = {
    "both": (True, True),
    "first": (True, False),
    "second": (False, True),
}


@dataclass(frozen=True)
class Cue:
    """A sign that tells which interaction rules a sample, or hints at it.

    Parameters
    ----------
    right : float
        How often it names the interaction that rules; else it names each of the other three
        equally often. 1/4 says nothing.
    shown : (bool, bool)
        Whether the first and the second modality show it.
    """

    right: float = 1.0
    shown: tuple[bool, bool] = (True, True)

    @classmethod
    def of(cls, cue: bool | float, cue_in: str) -> Cue | None:
        """Return the cue that a data set's options ask for; None for none."""
        check_names("place of the cue", [cue_in], SHOWN)
        if not isinstance(cue, bool):
            check_numbers("[0, 1]", cue=cue)
        return cls(float(cue), SHOWN[cue_in]) if cue is not False else None

    def draw(self, kind: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw what the cue of each sample names, ``(N,)``; nothing is drawn if it is certain."""
        if self.right == 1:
            return kind
        n = len(INTERACTIONS)
        other = (kind + rng.integers(1, n, size=len(kind))) % n
        return np.where(rng.random(len(kind)) < self.right, kind, other)

    def table(self) -> NDArray[np.float64]:
        """Return ``p(named | kind)``, shape (4, 4), the kind on the first axis."""
        n = len(INTERACTIONS)
        return np.full((n, n), (1 - self.right) / (n - 1)) + np.eye(n) * (
            self.right - (1 - self.right) / (n - 1)
        )


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
    check_names("interaction", composition, INTERACTIONS)
    check_numbers(
        "[0, inf)", **{f"composition: the share of {kind}": x for kind, x in composition.items()}
    )
    weights = np.array([composition.get(kind, 0.0) for kind in INTERACTIONS], dtype=np.float64)
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


def tables_by_kind(n_classes: int) -> NDArray[np.float64]:
    """Return ``p(a, b, y | interaction)`` of the mechanism above, shape ``(4, K, K, K)``."""
    a, b = np.indices((n_classes, n_classes)).reshape(2, -1)
    tables: NDArray[np.float64] = np.zeros((len(INTERACTIONS), n_classes, n_classes, n_classes))
    diagonal = np.arange(n_classes)
    tables[0, diagonal, diagonal, diagonal] = 1 / n_classes
    for k, y in enumerate((a, b, (a + b) % n_classes), start=1):
        tables[k, a, b, y] = 1 / n_classes**2
    return tables


def mixture_table(
    weights: NDArray[np.float64], n_classes: int, cue: bool | float, cue_in: str = "both"
) -> NDArray[np.float64]:
    """Return the exact ``p(x1, x2, y)`` of a mixture of the four interactions.

    Parameters
    ----------
    weights : ndarray, shape (4,)
        Share of each interaction.
    n_classes : int
        K.
    cue, cue_in
        As in `mmfuse_lib.data.synthetic.digit_pairs.load`. Without a cue x1 = a and x2 = b, shape
        ``(K, K, K)``. A source that shows what the cue c names has 4 K values: ``x1 = c K + a``.
    """
    return np.asarray(kind_tables(weights, n_classes, cue, cue_in).sum(axis=0))


def kind_tables(
    weights: NDArray[np.float64], n_classes: int, cue: bool | float, cue_in: str = "both"
) -> NDArray[np.float64]:
    """Return the exact ``p(kind, x1, x2, y)``, which `mixture_table` sums over the four kinds."""
    tables = weights[:, None, None, None] * tables_by_kind(n_classes)
    sign = Cue.of(cue, cue_in)
    if sign is None:
        return np.asarray(tables)
    n, (first, second) = len(INTERACTIONS), sign.shown
    size = (n if first else 1, n if second else 1)
    shown = np.zeros((n, size[0], n_classes, size[1], n_classes, n_classes))
    for kind, named in np.ndindex(n, n):
        one, two = named * first, named * second
        shown[kind, one, :, two] += sign.table()[kind, named] * tables[kind]
    return shown.reshape(n, size[0] * n_classes, size[1] * n_classes, n_classes)


def digit_table(
    n_classes: int,
    cue: bool | float,
    composition: Mapping[str, float] | None,
    cue_in: str = "both",
) -> NDArray[np.float64]:
    """Check the options, then return `mixture_table` for digits ``0 .. n_classes - 1``."""
    check_integers(2, 10, n_classes=n_classes)
    return mixture_table(composition_weights(composition), n_classes, cue, cue_in)


def noise_levels(noise: Mapping[str, float] | None, modalities: Sequence[str]) -> dict[str, float]:
    """Return the standard deviation of the noise of every modality, 0 where none is given."""
    levels = dict.fromkeys(modalities, 0.0)
    if not isinstance(noise, Mapping | None):
        raise DataError(
            f"noise is {noise!r}: expected a mapping such as {{{modalities[0]!r}: 0.5}}"
        )
    given = noise or {}
    check_names("modality", given, modalities)
    check_numbers("[0, inf)", **{f"noise of {name!r}": level for name, level in given.items()})
    return levels | {name: float(level) for name, level in given.items()}


def draw_digit_splits(
    make_pools: Callable[[np.random.Generator], Sequence[Mapping[str, Pool]]],
    modalities: Sequence[str],
    *,
    seed: int,
    sizes: Mapping[str, int],
    n_classes: int,
    cue: bool | float,
    cue_in: str,
    add_cue: AddCue,
    composition: Mapping[str, float] | None,
    noise: Mapping[str, float] | None,
    make_groups: Callable[[], Sequence[Groups]] | None = None,
) -> Splits:
    """Check the options of a data set of digits, then draw its three splits.

    Parameters
    ----------
    make_pools : callable
        Called with a generator of its own. Returns, for training, validation and test in turn, the
        pool of each modality.
    modalities : sequence of str
        Names of the two.
    seed : int
        Seed of the pools and of all draws.
    sizes : mapping of str to int
        Number of samples of each split, under the names of the options.
    n_classes, cue, cue_in, composition, noise
        As in `mmfuse_lib.data.synthetic.digit_pairs.load`.
    add_cue : callable
        From examples ``(N, ..)`` and what the cue names ``(N,)`` to examples that show it.
    make_groups : callable, optional
        Returns, for training, validation and test in turn, who each example of the second modality
        is from.
    """
    weights = composition_weights(composition)
    table = digit_table(n_classes, cue, composition, cue_in)
    sign = Cue.of(cue, cue_in)
    check_integers(**sizes)
    levels = noise_levels(noise, modalities)
    pools_seed, *draw_seeds = np.random.SeedSequence(seed).spawn(1 + len(sizes))
    pools = make_pools(np.random.default_rng(pools_seed))
    groups = [None] * len(pools) if make_groups is None else make_groups()
    train, val, test = (
        _draw_split(
            pool, weights, size, cue=sign, add_cue=add_cue, noise=levels,
            rng=np.random.default_rng(draw_seed), table=table, groups=of,
        )
        for pool, size, draw_seed, of in zip(
            pools, sizes.values(), draw_seeds, groups, strict=True
        )
    )  # fmt: skip
    return train, val, test


def _draw_split(
    pools: Mapping[str, Pool],
    weights: NDArray[np.float64],
    n_samples: int,
    *,
    cue: Cue | None,
    add_cue: AddCue,
    noise: Mapping[str, float],
    rng: np.random.Generator,
    table: NDArray[np.float64],
    groups: Groups | None,
) -> MultimodalData:
    """Draw the samples of one split: the symbols, the examples that show them, then noise and cue.

    These come last, so that they change no other draw.
    """
    n_classes = len(next(iter(pools.values())))
    a, b, y, kind = draw_symbols(weights, n_samples, n_classes, rng)
    drawn = {
        name: _draw_examples(pools[name], digit, rng)
        for name, digit in zip(pools, (a, b), strict=True)
    }
    inputs = {name: np.concatenate(pools[name])[index] for name, index in drawn.items()}
    for name, level in noise.items():
        if level > 0:
            inputs[name] += rng.normal(0, level, inputs[name].shape).astype(np.float32)
    if cue:
        named = cue.draw(kind, rng)
        inputs |= {
            name: add_cue(inputs[name], named)
            for name, shown in zip(pools, cue.shown, strict=True)
            if shown
        }
    data = from_arrays(
        {name: x[:, None] if x.ndim == 3 else x for name, x in inputs.items()},
        y,
        composition=kind,
        class_names=tuple(str(k) for k in range(n_classes)),
        table=table,
    )
    if groups is None:
        return data
    owner = np.concatenate(groups)[drawn[list(pools)[1]]]
    return replace(data, groups=torch.from_numpy(owner))  # not renumbered: splits stay comparable


def _draw_examples(
    pool: Pool, digit: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw one example a sample, uniformly among those of its digit.

    Returns indices into the concatenated pool.
    """
    sizes = np.array([len(examples) for examples in pool])
    first = np.cumsum(sizes) - sizes
    index: NDArray[np.int64] = first[digit] + rng.integers(sizes[digit])
    return index


def cue_in_rows(
    x: NDArray[np.float32], named: NDArray[np.int64], *, rows: int
) -> NDArray[np.float32]:
    """Add rows with four blocks under images; the block of the named interaction is 1."""
    n_samples, _, width = x.shape
    blocks = np.eye(len(INTERACTIONS), dtype=np.float32)[named].repeat(width // 4, axis=1)
    cue = np.broadcast_to(blocks[:, None], (n_samples, rows, width))
    return np.concatenate([x, cue], axis=1)
