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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

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


def mixture_table(weights: NDArray[np.float64], n_classes: int, cue: bool) -> NDArray[np.float64]:
    """Return the exact ``p(x1, x2, y)`` of a mixture of the four interactions.

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
    return np.asarray(kind_tables(weights, n_classes, cue).sum(axis=0))


def kind_tables(weights: NDArray[np.float64], n_classes: int, cue: bool) -> NDArray[np.float64]:
    """Return the exact ``p(kind, x1, x2, y)``, which `mixture_table` sums over the four kinds."""
    tables = weights[:, None, None, None] * tables_by_kind(n_classes)
    if not cue:
        return np.asarray(tables)
    n = len(INTERACTIONS)
    shown = np.zeros((n, n, n_classes, n, n_classes, n_classes))
    for k in range(n):
        shown[k, k, :, k] = tables[k]
    return shown.reshape(n, n * n_classes, n * n_classes, n_classes)


def digit_table(
    n_classes: int, cue: bool, composition: Mapping[str, float] | None
) -> NDArray[np.float64]:
    """Check the options, then return `mixture_table` for digits ``0 .. n_classes - 1``."""
    check_integers(2, 10, n_classes=n_classes)
    return mixture_table(composition_weights(composition), n_classes, cue)


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
    cue_rows: int,
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
    n_classes, composition, noise
        As in `mmfuse_lib.data.synthetic.digit_pairs.load`.
    cue_rows : int
        Height of the cue; 0 for none.
    make_groups : callable, optional
        Returns, for training, validation and test in turn, who each example of the second modality
        is from.
    """
    weights = composition_weights(composition)
    table = digit_table(n_classes, cue_rows > 0, composition)
    check_integers(**sizes)
    levels = noise_levels(noise, modalities)
    pools_seed, *draw_seeds = np.random.SeedSequence(seed).spawn(1 + len(sizes))
    pools = make_pools(np.random.default_rng(pools_seed))
    groups = [None] * len(pools) if make_groups is None else make_groups()
    train, val, test = (
        _draw_split(
            pool, weights, size, cue_rows=cue_rows, noise=levels,
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
    cue_rows: int,
    noise: Mapping[str, float],
    rng: np.random.Generator,
    table: NDArray[np.float64],
    groups: Groups | None,
) -> MultimodalData:
    """Draw the samples of one split: the symbols, the examples that show them, then the noise.

    Noise comes last, so that it changes no other draw.
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
    if cue_rows:
        inputs = {name: _with_cue(x, kind, cue_rows) for name, x in inputs.items()}
    data = from_arrays(
        {name: x[:, None] for name, x in inputs.items()},
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


def _with_cue(x: NDArray[np.float32], kind: NDArray[np.int64], rows: int) -> NDArray[np.float32]:
    """Add rows with four blocks; the block of the ruling interaction is 1, the others are 0."""
    n_samples, _, width = x.shape
    blocks = np.eye(len(INTERACTIONS), dtype=np.float32)[kind].repeat(width // 4, axis=1)
    cue = np.broadcast_to(blocks[:, None], (n_samples, rows, width))
    return np.concatenate([x, cue], axis=1)
