r"""Bounds on synergy where no sample shows both modalities and the label.

Known are three pairwise tables: p(x1,y) and p(x2,y) from labelled unimodal data, p(x1,x2) from
unlabelled pairs. The first two fix R, U1 and U2 of the definition of Bertschinger et al. (2014),
and with them :math:`I^* = \min_{q\in D_p} I_q(X_1,X_2;Y) = R + U_1 + U_2`. The true joint table r
is one of those with the three pairwise tables, and :math:`S = I_r(X_1,X_2;Y) - I^*`. So bounds on
the joint information of all such tables are bounds on S. The question, and the bounds named
"redundancy", "disagreement" and "coupling" below, are those of Liang et al. (ICLR 2024).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, xlogy

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.information.broja import independent_given_label
from mmfuse_lib.information.distributions import as_distribution
from mmfuse_lib.information.entropies import entropy, mutual_information
from mmfuse_lib.information.estimators.cluster import cluster_numbers, to_letters
from mmfuse_lib.information.estimators.estimate import Estimate, interval_table
from mmfuse_lib.information.estimators.pairwise import (
    Tables,
    check_consistent,
    likeliest_tables,
    ratio,
)
from mmfuse_lib.information.estimators.samples import Samples, as_features, as_labels, check_paired
from mmfuse_lib.information.pid import decompose

Array = NDArray[np.float64]
Letters = NDArray[np.int64]

#: Steps after which the additive bound is left as it is; it is valid at any point.
MAX_STEPS = 2_000


def bounds_from_tables(p_x1y: ArrayLike, p_x2y: ArrayLike, p_x1x2: ArrayLike) -> Estimate:
    r"""Bound synergy from the three pairwise tables of a distribution that is not known.

    Parameters
    ----------
    p_x1y, p_x2y, p_x1x2 : array_like, shapes (|X1|, |Y|), (|X2|, |Y|) and (|X1|, |X2|)
        Exact pairwise probabilities.

    Returns
    -------
    Estimate
        ``measure="broja"``. R, U1 and U2 are exact; **synergy is NaN**, for the tables do not
        say what it is, and `interval` has its bounds in row S. Rows R, U1, U2 repeat the values.
        `diagnostics` holds every bound; row S is the largest lower one and the smallest upper one:

        ``lower_redundancy``, ``lower_disagreement``, ``lower_additive``, ``upper_label``,
        ``upper_coupling``, ``upper_majorisation``.

    Raises
    ------
    TypeError, ValueError
        If a table is not a distribution, the shapes do not fit together, or no joint table has
        these three as its pairwise tables.

    Notes
    -----
    **Redundancy** (Liang et al. 2024): :math:`S \ge R - I(X_1;X_2)`. For
    :math:`R - S = I(X_1;Y) - I(X_1;Y|X_2) = I(X_1;X_2) - I(X_1;X_2|Y)`, and the last term is
    not negative.

    **Disagreement** (after Liang et al. 2024, whose bound has a constant that depends on the
    distance chosen and is not given). With :math:`f = r(y|x_1,x_2)` and :math:`f_m = p(y|x_m)`
    the Bayes classifiers, :math:`U_2 + S = I(X_2;Y|X_1) = E\,D(f\|f_1)` and
    :math:`U_1 + S = E\,D(f\|f_2)`. For any f,
    :math:`D(f\|f_1) + D(f\|f_2) \ge -2\log_2\sum_y\sqrt{f_1(y)f_2(y)}` (the minimum over f is at
    :math:`f \propto \sqrt{f_1 f_2}`), hence

    .. math:: S \ge \alpha - \tfrac12(U_1+U_2),\qquad
              \alpha = E_{p(x_1,x_2)}\Big[-\log_2\sum_y\sqrt{p(y|x_1)\,p(y|x_2)}\Big]:

    with the Bhattacharyya distance of the two classifiers the constant is 1, and the mean of U1
    and U2 takes the place of their maximum.

    **Additive**. For any l, m let :math:`g(y|x_1,x_2) \propto e^{l(x_1,y)+m(x_2,y)}`: a classifier
    that adds up the logits of two unimodal ones (late fusion). As
    :math:`E_r D(r(y|x_1,x_2)\|g) \ge 0`, :math:`I_r(X_1,X_2;Y) \ge H(Y) + E_r \log_2 g`, and
    the right side needs pairwise tables only. The best g belongs to the joint table of largest
    entropy with these pairwise tables, which makes it a convex problem (Csiszar 1975). That table
    is one of the possible ones, and g says all it has to say of Y: **no lower bound from these
    tables can be larger**, so the other two never are. Synergy above it is what additive logits
    cannot express.

    **Label**: :math:`S \le H(Y) - I^*`.

    **Coupling** (after Liang et al. 2024): :math:`I_r = H(X_1,X_2) + H(Y) - H(r)`, and r couples
    p(x1,x2) with p(y). The least entropy of a coupling is NP-hard to find, and that of the
    coupling a greedy algorithm finds is too large for a bound. But the cells of p(x1,x2) and of
    p(y) are sums of cells of r, so both majorise r, r is below their greatest lower bound in that
    order, and H(r) is at least its entropy (Cicalese, Gargano & Vaccaro 2019).

    **Majorisation**: the same, with all that is known. r lies below all three pairwise tables;
    given x1 it couples p(x2|x1) with p(y|x1), and so on for x2 and y. The largest of
    these four lower bounds on H(r) is taken. It is at least H(p) for each pairwise table p, so this
    bound is never above the other two.

    References
    ----------
    Liang, P. P. et al. (2024). Multimodal learning without labeled multimodal data: guarantees and
    applications. *ICLR*; arXiv 2306.04539.
    Cicalese, F., Gargano, L. and Vaccaro, U. (2019). Minimum-entropy couplings and their
    applications. *IEEE Transactions on Information Theory* 65(6).

    Examples
    --------
    >>> from mmfuse_lib.information import GATES
    >>> from mmfuse_lib.information.estimators.bounds import bounds_from_tables
    >>> p = GATES["and"]()
    >>> found = bounds_from_tables(p.sum(axis=1), p.sum(axis=0), p.sum(axis=2))
    >>> found.interval.loc["S"].round(2).to_dict()  # AND itself has 0.5
    {'lower': 0.5, 'upper': 0.5}
    """
    p1, p2 = as_distribution(p_x1y, ndim=2), as_distribution(p_x2y, ndim=2)
    p12 = as_distribution(p_x1x2, ndim=2)
    expected = (p1.shape[0], p2.shape[0])
    if p1.shape[1] != p2.shape[1] or p12.shape != expected:
        raise ValueError(
            "expected tables (|X1|, |Y|), (|X2|, |Y|) and (|X1|, |X2|), "
            f"got {p1.shape}, {p2.shape} and {p12.shape}"
        )
    check_consistent((p1, p2, p12))
    return _bound((p1, p2, p12))


def synergy_bounds(
    x1_labelled: Samples,
    y1: Samples,
    x2_labelled: Samples,
    y2: Samples,
    x1_pairs: Samples,
    x2_pairs: Samples,
    *,
    n_clusters: int | tuple[int, int] = 4,
    seed: int = 0,
) -> Estimate:
    """Bound synergy from labelled samples of each modality and unlabelled pairs.

    Each modality is clustered, on all its samples (`mmfuse_lib.information.cluster_pid`). The
    three count tables never agree exactly on how often a cluster or a label occurs, and might even
    be the pairwise tables of no joint table at all. So the tables used are those **of the joint
    table under which all three data sets together are likeliest**. It is found by the EM algorithm
    (Dempster, Laird & Rubin 1977), in which each sample lacks the variable it does not show; where
    the counts agree with each other the tables are the counts. This supposes that the three data
    sets are drawn from one distribution: classes balanced in one and not in the other are a
    contradiction, which ``shift`` makes visible.

    Parameters
    ----------
    x1_labelled, y1 : array_like or Tensor, shapes (N1, ...) and (N1,)
        Samples of the first modality and their integer labels.
    x2_labelled, y2 : array_like or Tensor, shapes (N2, ...) and (N2,)
        The same for the second; other samples, of the same labels.
    x1_pairs, x2_pairs : array_like or Tensor, shapes (N12, ...)
        Samples that show both modalities, unlabelled.
    n_clusters : int or pair of int
        As in `cluster_pid`.
    seed : int
        Of the clustering.

    Returns
    -------
    Estimate
        As from :func:`bounds_from_tables`: synergy is NaN, `interval` has its bounds. `diagnostics`
        also holds ``shift``, the largest total variation distance between a count table and the
        one used; near the sampling noise sqrt(cells / N) nothing is wrong.

    Raises
    ------
    DataError
        If arrays do not fit together, hold NaN or numbers beyond 1e16, or labels are all the
        same.

    Notes
    -----
    The bounds are for the synergy **of the clusters**, and they hold for the tables used: sampling
    noise is not in them. In simulated tables of 4 x 4 x 2 cells the ends scattered by 0.02 to 0.04
    bits with 1000 samples of each kind, 0.01 with 5000, and with more cells the additive bound
    comes out too large (8 x 8 x 2 cells, 1000 samples: by 0.04). Where the true synergy is at an
    end, as for a label that is AND, it is then often outside.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.information.estimators.bounds import synergy_bounds
    >>> a, b = np.random.default_rng(0).integers(2, size=(2, 900))
    >>> y = a & b  # seen with a by some, with b by others, and never with both
    >>> found = synergy_bounds(a[:300], y[:300], b[300:600], y[300:600], a[600:], b[600:])
    >>> lower, upper = found.interval.loc["S"]
    >>> bool(lower < 0.5 < upper)  # the synergy of AND
    True
    """
    features1 = as_features(x1_labelled, "x1_labelled"), as_features(x1_pairs, "x1_pairs")
    features2 = as_features(x2_labelled, "x2_labelled"), as_features(x2_pairs, "x2_pairs")
    labels = as_labels(y1, "y1"), as_labels(y2, "y2")
    check_paired(x1_labelled=features1[0], y1=labels[0])
    check_paired(x2_labelled=features2[0], y2=labels[1])
    check_paired(x1_pairs=features1[1], x2_pairs=features2[1])
    k1, k2 = cluster_numbers(n_clusters)
    letters1, pairs1 = _shared_letters(*features1, k1, seed, "x1")
    letters2, pairs2 = _shared_letters(*features2, k2, seed, "x2")
    label1, label2 = _shared_codes(*labels)
    counts = (
        _count(letters1, label1, like=(pairs1, label2)),
        _count(letters2, label2, like=(pairs2, label1)),
        _count(pairs1, pairs2, like=(letters1, letters2)),
    )
    tables = likeliest_tables(counts)
    shift = max(
        float(np.abs(n / n.sum() - p).sum() / 2) for n, p in zip(counts, tables, strict=True)
    )
    estimate = _bound(tables)
    return replace(estimate, diagnostics={**estimate.diagnostics, "shift": shift})


def _bound(tables: Tables) -> Estimate:
    """Bound the synergy of tables that are known to belong together."""
    p1, p2, p12 = tables
    d = decompose(independent_given_label(p1[None], p2[None])[0])
    least = d.redundancy + d.unique[0] + d.unique[1]  # too large by at most the gap
    h_y = entropy(p1, axes=1)
    lower = {
        "lower_redundancy": d.redundancy - mutual_information(p12),
        "lower_disagreement": _disagreement(tables) - (d.unique[0] + d.unique[1]) / 2,
        "lower_additive": h_y + _additive_log_likelihood(tables) - least,
    }
    h_sum = entropy(p12) + h_y
    upper = {
        "upper_label": h_y,
        "upper_coupling": h_sum - _entropy_of_meet(p12.ravel(), p1.sum(axis=0)),
        "upper_majorisation": h_sum - _least_joint_entropy(tables),
    }
    upper = {name: value - (least - d.gap) for name, value in upper.items()}
    lowest = max(0.0, *lower.values())
    atoms = [d.redundancy, *d.unique]
    highest = max(lowest, min(upper.values()))
    interval = interval_table(np.array([*atoms, lowest]), np.array([*atoms, highest]))
    return Estimate.of(
        [*atoms, np.nan], measure="broja", interval=interval, diagnostics=lower | upper
    )


def _disagreement(tables: Tables) -> float:
    """Return the mean Bhattacharyya distance of p(y|x1) and p(y|x2), in bits."""
    p1, p2, p12 = tables
    overlap = np.sqrt(_given_first(p1)) @ np.sqrt(_given_first(p2)).T
    happens = p12 > 0
    return -float(p12[happens] @ np.log2(overlap[happens]))


def _additive_log_likelihood(tables: Tables) -> float:
    """Return E log2 g of the best classifier g that adds the logits of two unimodal ones.

    The value is that of the logits the optimiser ends with, so it is never too large.
    """
    p1, p2, p12 = tables
    n1, n_y = p1.shape
    impossible = (p1 == 0)[:, None] | (p2 == 0)
    impossible &= (p12 > 0)[:, :, None]

    def loss(parameters: Array) -> tuple[float, Array]:
        one, other = np.split(parameters.reshape(-1, n_y), [n1])
        exponent = np.where(impossible, -np.inf, one[:, None] + other)
        normaliser = logsumexp(exponent, axis=2)
        expected = p12[:, :, None] * np.exp(exponent - normaliser[:, :, None])
        value = (p12 * normaliser).sum() - (p1 * one).sum() - (p2 * other).sum()
        slope = np.concatenate([expected.sum(axis=1) - p1, expected.sum(axis=0) - p2])
        return float(value), slope.ravel()

    naive = np.concatenate([_log(p1), _log(p2) - _log(p2.sum(axis=0))])
    found = minimize(
        loss,
        naive.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_STEPS, "maxfun": 2 * MAX_STEPS, "ftol": 1e-13, "gtol": 1e-9},
    )
    return float(-found.fun / np.log(2))


def _least_joint_entropy(tables: Tables) -> float:
    """Return a lower bound on the entropy of every joint table with these pairwise tables."""
    p1, p2, p12 = tables
    return max(
        _entropy_of_meet(p1.ravel(), p2.ravel(), p12.ravel()),
        _entropy_of_meet(p12, p1),
        _entropy_of_meet(p12.T, p2),
        _entropy_of_meet(p1.T, p2.T),
    )


def _entropy_of_meet(*tables: Array) -> float:
    """Return the entropy of the greatest distribution that all of `tables` majorise, in bits.

    Its largest n entries sum to the least of what the largest n of each table sum to (Cicalese &
    Vaccaro 2002). For matrices it is done row by row, all tables having the same row sums, and the
    cells of all rows together make the distribution.
    """
    length = max(t.shape[-1] for t in tables)
    sums = []
    for t in tables:
        padding = [(0, 0)] * (t.ndim - 1) + [(0, length - t.shape[-1])]
        descending = -np.sort(-np.pad(t, padding), axis=-1)
        sums.append(np.cumsum(descending, axis=-1))
    meet = np.maximum(np.diff(np.min(sums, axis=0), axis=-1, prepend=0.0), 0.0)
    return -float(xlogy(meet, meet).sum() / np.log(2))


def _shared_letters(
    labelled: Array, pairs: Array, n_clusters: int, seed: int, name: str
) -> tuple[Letters, Letters]:
    """Give the samples of one modality letters, by clusters of all of them."""
    if labelled.shape[1] != pairs.shape[1]:
        raise DataError(
            f"{name} has {labelled.shape[1]} features in the labelled samples and "
            f"{pairs.shape[1]} in the pairs: expected the same"
        )
    letters = to_letters(np.concatenate([labelled, pairs]), n_clusters, seed=seed, name=name)
    return letters[: len(labelled)], letters[len(labelled) :]


def _shared_codes(first: Letters, second: Letters) -> tuple[Letters, Letters]:
    """Give numbers to the labels that occur in either, from 0."""
    _, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    return codes[: len(first)], codes[len(first) :]


def _count(a: Letters, b: Letters, like: tuple[Letters, Letters]) -> Array:
    """Count pairs of letters; `like` holds the letters that the other samples have."""
    table: Array = np.zeros(
        [int(max(u.max(), v.max())) + 1 for u, v in zip((a, b), like, strict=True)]
    )
    np.add.at(table, (a, b), 1.0)
    return table


def _given_first(p: Array) -> Array:
    return ratio(p, np.broadcast_to(p.sum(axis=1, keepdims=True), p.shape))


def _log(p: Array) -> Array:
    """Return log p, and 0 where p is 0."""
    return np.log(p, out=np.zeros_like(p), where=p > 0)
