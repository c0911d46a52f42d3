r"""The Shapley interaction index over modalities (InterSHAP, Wenderoth et al. 2025).

For the value :math:`v_S` of sets of modalities the index of a pair i, j is

.. math:: \phi_{ij} = \sum_{T \subseteq M \setminus \{i, j\}}
          \frac{|T|!\,(n - |T| - 2)!}{(n - 1)!}
          \bigl(v_{T ij} - v_{Ti} - v_{Tj} + v_T\bigr),

and what modality i does by itself is its Shapley value less half of its indices,
:math:`\phi_{ii} = \phi_i - \tfrac12 \sum_{j \ne i} \phi_{ij}`. All of them sum to
:math:`v_M - v_\emptyset`. With two modalities :math:`\phi_{12} = v_{12} - v_1 - v_2 + v_\emptyset`
and :math:`\phi_{mm} = v_m - v_\emptyset`.

Two measures that use the Shapley value itself stand beside it: MM-SHAP (Parcalabescu & Frank 2023),
the shares of modalities in a decision, and SHAPE (Hu et al. 2022), which asks about accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.explanations.posthoc.coalitions import Array, Coalitions


def intershap(found: Coalitions) -> pd.DataFrame:
    r"""Return main effects and interactions of a model's decision, one row a sample.

    Parameters
    ----------
    found : Coalitions
        What `ask` found. The paper replaces by a fixed value; here partners are samples, ``any`` of
        them for its question and ``likely`` ones for another.

    Returns
    -------
    DataFrame
        A column a modality (its main effect), a column a pair such as ``left x right``, and
        ``share of interaction``, :math:`\sum|\phi_{ij}| / (\sum|\phi_{ij}| + \sum|\phi_{ii}|)`: 0
        where nothing moves. In units of the output: of the probability of the decision.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.explanations import Coalitions, intershap
    >>> sets = {frozenset(): .5, frozenset("a"): .5, frozenset("b"): .5, frozenset("ab"): 1.}
    >>> xor = {kept: np.array([[1 - v, v]]) for kept, v in sets.items()}
    >>> intershap(Coalitions(("a", "b"), xor, rows=0)).iloc[0].to_dict()
    {'a': 0.0, 'b': 0.0, 'a x b': 0.5, 'share of interaction': 1.0}
    """
    value = found.of_decision()
    names = found.modalities
    pairs = {pair: _index(value, names, pair) for pair in combinations(names, 2)}
    columns: dict[str, Array] = {}
    for name in names:
        own = [index for pair, index in pairs.items() if name in pair]
        columns[name] = shapley(value, names, name) - sum(own) / 2
    columns |= {f"{i} x {j}": index for (i, j), index in pairs.items()}
    sizes = {name: np.abs(column) for name, column in columns.items()}
    between = sum((sizes[f"{i} x {j}"] for i, j in pairs), np.zeros(len(found.decided)))
    total = sum(sizes.values(), np.zeros(len(found.decided)))
    share = np.divide(between, total, out=np.zeros_like(total), where=total > 1e-12)
    return pd.DataFrame(columns | {"share of interaction": share})


def mm_shap(found: Coalitions) -> pd.DataFrame:
    r"""Return the share of each modality in a model's decision, :math:`|\phi_m| / \sum|\phi_j|`.

    The paper adds up the values of tokens and patches, and masks them; here a modality is one
    player, and is replaced by partners.

    Parameters
    ----------
    found : Coalitions
        What `ask` found.

    Returns
    -------
    DataFrame
        A row a sample, a column a modality; a row sums to 1, or to 0 where nothing moves.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.explanations import Coalitions, mm_shap
    >>> sets = {frozenset(): .5, frozenset("a"): .5, frozenset("b"): .5, frozenset("ab"): 1.}
    >>> xor = {kept: np.array([[1 - v, v]]) for kept, v in sets.items()}
    >>> mm_shap(Coalitions(("a", "b"), xor, rows=0)).iloc[0].to_dict()
    {'a': 0.5, 'b': 0.5}
    """
    value = found.of_decision()
    sizes = {name: np.abs(shapley(value, found.modalities, name)) for name in found.modalities}
    total = sum(sizes.values(), np.zeros(len(found.decided)))
    return pd.DataFrame(
        {
            name: np.divide(size, total, out=np.zeros_like(total), where=total > 1e-12)
            for name, size in sizes.items()
        }
    )


def shape(found: Coalitions, target: ArrayLike) -> pd.Series:
    r"""Return how much each modality, and their cooperation, contribute to a model's accuracy.

    With :math:`v_S` the accuracy when only S is kept, modality m contributes
    :math:`v_m - v_\emptyset`, and cooperation is
    :math:`v_M - v_\emptyset - \sum_m (v_m - v_\emptyset)`: negative where modalities can stand in
    for each other. One number for a data set, none for a sample. The paper puts zeros in the place
    of a modality; here there are partners.

    Parameters
    ----------
    found : Coalitions
        What ``ask(..., decisions=True)`` found.
    target : array_like of int, shape (N,)
        The labels.

    Returns
    -------
    Series
        An entry a modality, and ``cooperation``; in units of accuracy. They sum to what the model
        gains over guessing by the frequencies of its decisions.

    Raises
    ------
    DataError
        If there is not one label a sample.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.explanations import Coalitions, shape
    >>> sets = {frozenset(): .5, frozenset("a"): .5, frozenset("b"): .5, frozenset("ab"): 1.}
    >>> xor = {kept: np.array([[1 - v, v]]) for kept, v in sets.items()}
    >>> shape(Coalitions(("a", "b"), xor, rows=0), [1]).to_dict()
    {'a': 0.0, 'b': 0.0, 'cooperation': 0.5}
    """
    labels = np.asarray(target)
    if labels.shape != found.decided.shape:
        raise DataError(f"{len(found.decided)} samples need as many labels, got {labels.shape}")
    rows = np.arange(len(labels))
    accuracy = {kept: float(value[rows, labels].mean()) for kept, value in found.values.items()}
    guess = accuracy[frozenset()]
    own = {name: accuracy[frozenset({name})] - guess for name in found.modalities}
    together = accuracy[frozenset(found.modalities)] - guess
    return pd.Series(own | {"cooperation": together - sum(own.values())})


def shapley(value: Mapping[frozenset[str], Array], names: tuple[str, ...], name: str) -> Array:
    """Return the Shapley value of a modality, ``(N,)``."""
    others = [other for other in names if other != name]
    n = len(names)
    total = np.zeros_like(next(iter(value.values())))
    for size in range(n):
        weight = factorial(size) * factorial(n - size - 1) / factorial(n)
        for rest in map(frozenset, combinations(others, size)):
            total += weight * (value[rest | {name}] - value[rest])
    return total


def _index(
    value: Mapping[frozenset[str], Array], names: tuple[str, ...], pair: tuple[str, str]
) -> Array:
    i, j = pair
    others = [other for other in names if other not in pair]
    n = len(names)
    total = np.zeros_like(next(iter(value.values())))
    for size in range(n - 1):
        weight = factorial(size) * factorial(n - size - 2) / factorial(n - 1)
        for rest in map(frozenset, combinations(others, size)):
            total += weight * (
                value[rest | {i, j}] - value[rest | {i}] - value[rest | {j}] + value[rest]
            )
    return total
