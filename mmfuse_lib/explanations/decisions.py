r"""What a model's decisions use, against what the data hold.

The target of the decomposition is the model's **own decision** (Fang et al. 2026). With the values
:math:`v_S` of all sets of modalities, read as :math:`p(\hat y \mid x_S)`, the information of a
set is

.. math:: I(X_S; \hat Y) = H(\hat Y) - \mathbb E\, H\bigl(v_S(X)\bigr),

in bits, with :math:`H(\hat Y)` that of the mean answer. With labels there is a second target: what
the same answers tell of the *label* is at least
:math:`H(Y) - \mathbb E[-\log_2 v_S(X)_Y]` which falls below 0 where the answers mislead
(the variational bound of chapter 5).

Three informations do not fix four atoms. Every decomposition with atoms from 0 that adds up has

.. math:: \max(0, I_1 + I_2 - I_{12}) \le R \le \min(I_1, I_2),

and with R the other three follow. Both ends are reported, and no definition is chosen.

Only the choice of the target is the paper's. Its estimator is not reproduced here: informations
come from the probabilities of the answers, and atoms have bounds in place of values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.core.errors import DataError, check_integers
from mmfuse_lib.data import INTERACTIONS
from mmfuse_lib.explanations.posthoc.coalitions import Array, Coalitions

#: From the names of the modalities that are kept to answers ``(N, K)`` for all samples.
Answer = Callable[[tuple[str, ...]], ArrayLike]

LEAST = 1e-12  # a probability counts as at least this much


@dataclass(frozen=True, eq=False)
class Decisions:
    """What `decompose_decisions` found.

    Attributes
    ----------
    informations : DataFrame
        In bits. A row a target (``decision``, and ``label`` where labels are given) and set of
        modalities, such as ``left + right``; columns ``bits``, ``low`` and ``high`` (a 95 %
        bootstrap interval over samples) and ``control``, the same with targets shuffled.
    atoms : DataFrame
        In bits. A row a target and atom; columns ``least`` and ``most``. No rows unless there are
        two modalities.
    """

    informations: pd.DataFrame
    atoms: pd.DataFrame


def leave_out(answer: Answer, modalities: Sequence[str]) -> Coalitions:
    """Collect a model's answers with modalities left out: of a model that can do without.

    For a model behind an API, `answer` builds the prompt. It is called once for each set, the empty
    one included: ``2**n`` times for n modalities, each time about all samples.

    Parameters
    ----------
    answer : callable
        From the names of the kept modalities to probabilities ``(N, K)``.
    modalities : sequence of str
        Their names.

    Raises
    ------
    DataError
        If answers have different shapes, or are no probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.explanations import leave_out
    >>> def coin(kept):
    ...     return np.full((3, 2), 0.5)
    >>> sorted(map(sorted, leave_out(coin, ["text", "image"]).values))
    [[], ['image'], ['image', 'text'], ['text']]
    """
    names = tuple(modalities)
    if len(set(names)) != len(names) or len(names) < 2:
        raise DataError(f"two or more modalities of different names are needed, got {list(names)}")
    values = {}
    for size in range(len(names) + 1):
        for kept in combinations(names, size):
            values[frozenset(kept)] = _probabilities(answer(kept), f"with {list(kept)} kept")
    shapes = {value.shape for value in values.values()}
    if len(shapes) > 1:
        raise DataError(f"answers have different shapes: {sorted(shapes)}")
    (shape,) = shapes
    return Coalitions(names, values, rows=shape[0] * len(values))


def decompose_decisions(
    found: Coalitions,
    target: ArrayLike | None = None,
    *,
    n_bootstrap: int = 500,
    seed: int = 0,
) -> Decisions:
    """Say what a model's decisions use of each set of modalities, and what the data hold.

    Parameters
    ----------
    found : Coalitions
        Probabilities, from `ask` or `leave_out`. With *any* partners the values are no conditional
        probabilities, and what is said of decisions is about pairs that need not occur.
    target : array_like of int, shape (N,), optional
        The labels.
    n_bootstrap : int
        Resamples of the samples.
    seed : int
        Of resamples and shuffles.

    Raises
    ------
    DataError
        If values are no probabilities, labels do not fit, or there are fewer than 20 samples, of
        which no interval can be had.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.explanations import decompose_decisions, leave_out
    >>> bits = np.array([(a, b) for a in (0, 1) for b in (0, 1)] * 25)
    >>> def xor(kept):
    ...     return np.eye(2)[bits.sum(axis=1) % 2] if len(kept) == 2 else np.full((100, 2), 0.5)
    >>> used = decompose_decisions(leave_out(xor, ["a", "b"])).atoms
    >>> used.loc["decision"].round(2).to_dict("index")["S"]
    {'least': 1.0, 'most': 1.0}
    """
    check_integers(2, n_bootstrap=n_bootstrap)
    values = {
        kept: _probabilities(value, f"of {sorted(kept)}") for kept, value in found.values.items()
    }
    n = len(found.decided)
    if n < 20:
        raise DataError(f"{n} samples are too few for an interval: 20 or more are needed")
    rng = np.random.default_rng(seed)
    order, draws = rng.permutation(n), rng.integers(n, size=(n_bootstrap, n))
    whole = values[frozenset(found.modalities)]
    sets = [
        kept
        for size in range(1, len(found.modalities) + 1)
        for kept in combinations(found.modalities, size)
    ]
    targets = {"decision": whole}
    if target is not None:
        targets["label"] = np.eye(whole.shape[1])[_labels(target, whole.shape)]
    rows, atoms = {}, {}
    for name, truth in targets.items():
        bits = []
        for kept in sets:
            value = values[frozenset(kept)]
            told = value if name == "decision" else truth
            boot = [_information(told[draw], value[draw]) for draw in draws]
            low, high = np.quantile(boot, [0.025, 0.975])
            bits.append(_information(told, value))
            control = _information(truth[order], value)
            rows[name, " + ".join(kept)] = (bits[-1], low, high, control)
        if len(found.modalities) == 2:
            for atom, ends in zip(INTERACTIONS, _bounds(*bits), strict=True):
                atoms[name, atom] = ends
    names = ["target", "kept"]
    table = pd.DataFrame.from_dict(rows, "index", columns=["bits", "low", "high", "control"])
    table.index = pd.MultiIndex.from_tuples(list(rows), names=names)
    bounds = pd.DataFrame.from_dict(atoms, "index", columns=["least", "most"])
    if atoms:
        bounds.index = pd.MultiIndex.from_tuples(list(atoms), names=["target", "atom"])
    return Decisions(table, bounds)


def _information(told: Array, value: Array) -> float:
    """Return H(mean told) less the mean cross-entropy of told and value, in bits."""
    mean = told.mean(axis=0)
    entropy = -(mean * np.log2(np.maximum(mean, LEAST))).sum()
    crossed = -(told * np.log2(np.maximum(value, LEAST))).sum(axis=1).mean()
    return float(entropy - crossed)


def _bounds(first: float, second: float, both: float) -> list[tuple[float, float]]:
    """Return least and most of R, U1, U2, S that the three informations, cut at 0, allow."""
    one, two = max(first, 0.0), max(second, 0.0)
    all_of_it = max(both, one, two)
    least, most = max(0.0, one + two - all_of_it), min(one, two)
    rest = all_of_it - one - two
    return [
        (least, most), (one - most, one - least), (two - most, two - least),
        (rest + least, rest + most),
    ]  # fmt: skip


def _labels(target: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int64]:
    labels = np.asarray(target)
    fits = labels.shape == shape[:1] and labels.dtype.kind in "iu"
    if not fits or labels.min() < 0 or labels.max() >= shape[1]:
        raise DataError(
            f"labels must be {shape[0]} whole numbers from 0 to {shape[1] - 1}, got "
            f"{labels.dtype} of shape {labels.shape}"
        )
    return labels.astype(np.int64)


def _probabilities(answers: ArrayLike, what: str) -> Array:
    found: Array = np.asarray(answers, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] < 2:
        raise DataError(f"answers {what} must be (N, K), K > 1, got shape {found.shape}")
    if not (found >= -1e-9).all() or not np.allclose(found.sum(axis=1), 1, atol=1e-4):
        raise DataError(f"answers {what} are no probabilities: rows from 0 that sum to 1")
    return found
