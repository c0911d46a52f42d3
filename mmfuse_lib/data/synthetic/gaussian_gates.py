r"""`gaussian_gates`: a gate seen through Gaussian noise, so features whose decomposition is known.

A triple of symbols (s1, s2, y) is drawn from a gate of `mmfuse_lib.information.GATES`. Each source
is shown as a vector: a mean that stands for its symbol, plus noise N(0, noise^2 I). Symbols of one
bit have the means :math:`\pm\mu`, with :math:`\mu` a random direction of length 1; symbols of two
bits have :math:`\pm\mu \pm\nu`, with :math:`\mu` (the first bit) and :math:`\nu` (the second)
orthogonal.

**Why the truth is known.** Write t for the projections of x1 on its directions, one number a bit.
The rest of x1 is noise that is independent of t and of everything else, so it tells nothing of the
symbols: t is a sufficient statistic. It tells nothing of the decomposition either. Given tables
p(x1,y) and p(x2,y), each coupling of the features projects to one of the statistics with no more
information, and each of the statistics extends, with independent noise, to one of the features
with the same. So the minimum over couplings (Bertschinger et al. 2014) is the same, whatever
``dim`` is. What is left is one number a bit, fine bins of which have probabilities that are
differences of normal distribution functions: `truth`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import norm

from mmfuse_lib.core.errors import DataError, check_integers, check_names, check_numbers
from mmfuse_lib.data.card import DatasetCard
from mmfuse_lib.data.multimodal import INTERACTIONS, MultimodalData, from_arrays
from mmfuse_lib.information import GATES, Decomposition, decompose, pointwise_atoms

Array = NDArray[np.float64]

#: The two sources, in order.
MODALITIES = ("x1", "x2")

#: What the gates of two bits a source are made of: per bit of a source, a gate of one bit. The
#: bit of ``"dyadic"`` that both sources hold has nothing to do with the label, so is left out.
_INDEPENDENT_PARTS = {
    "redundant_xor": lambda: (GATES["redundant"](), GATES["xor"]()),
    "dyadic": lambda: (GATES["copy"](), GATES["copy"]().swapaxes(0, 1)),
}

#: Neighbouring bins are merged until each holds about this probability; with little noise almost
#: none falls between the two means.
LEAST_BIN = 1e-6

#: Certified gap, in bits, up to which a table counts as decomposed: far below the error of bins.
TOLERANCE = 1e-6

#: A bin that a symbol reaches with less than this probability counts as out of its reach.
NEGLIGIBLE = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GaussianGateData(MultimodalData):
    """`MultimodalData` that knows how its features were made.

    Attributes
    ----------
    directions : dict of str to ndarray
        Per modality the orthonormal directions of its bits, shape ``(bits, dim)``, first bit
        first: ``inputs[name] @ directions[name].T`` is all that a feature vector tells.
    noise : float
        Standard deviation of the noise in every direction.
    """

    directions: dict[str, Array]
    noise: float


Splits = tuple[GaussianGateData, GaussianGateData, GaussianGateData]


def load(
    seed: int = 0,
    *,
    gate: str = "xor",
    noise: float = 0.5,
    dim: int = 8,
    n_train: int = 8_000,
    n_val: int = 2_000,
    n_test: int = 4_000,
) -> Splits:
    """Draw the three splits, independently of each other, with one set of directions.

    Parameters
    ----------
    seed : int
        Seed of the directions and of all draws.
    gate : str
        Name in `mmfuse_lib.information.GATES`.
    noise : float
        Standard deviation of the noise in every direction, at least 0; the means of one bit's two
        values are 2 apart. It scales the same draws, so it changes nothing else.
    dim : int
        Length of the feature vectors, at least the number of bits of a symbol (1, or 2 for
        ``"redundant_xor"`` and ``"dyadic"``).

    Returns
    -------
    train, val, test : GaussianGateData
        Modalities ``"x1"`` and ``"x2"``, each ``(N, dim)``. ``label_table()`` is the gate's own
        table, before the noise. No sample has one interaction of its own, so ``composition`` is
        None.
    """
    table = _gate_table(gate)
    check_numbers("[0, inf)", noise=noise)
    bits = _n_bits(table)
    if not (isinstance(dim, int | np.integer) and dim >= bits):
        raise DataError(f"dim is {dim!r}: expected an integer of at least {bits} for gate {gate!r}")
    sizes = {"n_train": n_train, "n_val": n_val, "n_test": n_test}
    check_integers(**sizes)
    direction_seed, *draw_seeds = np.random.SeedSequence(seed).spawn(1 + len(sizes))
    rng = np.random.default_rng(direction_seed)
    directions = {name: _orthonormal(bits, int(dim), rng) for name in MODALITIES}
    splits = [
        _make_split(table, directions, noise, size, np.random.default_rng(s))
        for size, s in zip(sizes.values(), draw_seeds, strict=True)
    ]
    return splits[0], splits[1], splits[2]


def truth(gate: str, noise: float, *, measure: str = "broja", n_bins: int = 48) -> Decomposition:
    r"""Decompose the noisy features; the answer is the same for every ``dim``.

    The table of `quantised_table` is decomposed. Bins can only lose information, so each of the
    three mutual informations is below that of the features (`NEGLIGIBLE` can put less than 1e-6
    bits back). The loss falls as 1 / n_bins^2. Against 128 bins, with noise from 0.01 to 50, no
    atom of any gate is off by more than 2.5e-4 bits with the default.

    A symbol of two bits would need a grid of n_bins^2 cells a source. For
    ``measure="broja"`` it is not needed: ``"redundant_xor"`` and ``"dyadic"`` consist of parts
    that are independent of each other, with one bit a source each, and there the atoms are sums.
    To see that, take two independent systems. A product of couplings is a coupling, so the least
    -H(Y|X1,X2) of the whole is at most the sum of those of the parts. It is at least that too:
    it is at least :math:`\sum p(x_1,y)\,l(x_1,y) + \sum p(x_2,y)\,m(x_2,y)` for all l, m with
    :math:`\sum_y e^{l(x_1,y)+m(x_2,y)} \le 1`, the best of which attain it (Makkeh, Theis &
    Vicente 2018), and sums of those of the parts are such l, m of the whole.

    Parameters
    ----------
    gate : str
        Name in `mmfuse_lib.information.GATES`.
    noise : float
        As in `load`. Without noise the answer is the gate's own.
    measure : str
        As in `mmfuse_lib.information.decompose`, but not ``"pointwise"``: see `pointwise_truth`.
    n_bins : int
        Number of bins of each projection, at least 2.

    Returns
    -------
    Decomposition
        In bits. ``gap`` bounds the error in decomposing the table, not that of the bins.

    Raises
    ------
    DataError, UnknownNameError
        If an argument is out of range, there is no such gate, or the combination of gate and
        measure has no answer here.

    Examples
    --------
    >>> from mmfuse_lib.data.synthetic.gaussian_gates import truth
    >>> clear, blurred = truth("xor", noise=0.1), truth("xor", noise=0.5)
    >>> print(f"{clear.synergy:.2f} {blurred.synergy:.2f}")
    1.00 0.84
    """
    if measure == "pointwise":
        raise DataError(
            "the pointwise measure depends on dim and on the scale of the features, so there is "
            "no truth for all of them: expected another measure, or pointwise_truth(data)"
        )
    bits = _n_bits(_gate_table(gate))
    if bits == 1:
        return decompose(quantised_table(gate, noise, n_bins), measure, tolerance=TOLERANCE)
    if measure != "broja":
        raise DataError(
            f"truth of gate {gate!r} with measure {measure!r} is not available, its symbols have "
            "two bits: expected 'broja', whose atoms add up over independent bits"
        )
    channel = _bin_probabilities(noise, n_bins)
    parts = [
        decompose(_through(channel, part), measure, tolerance=TOLERANCE)
        for part in _INDEPENDENT_PARTS[gate]()
    ]
    atoms = np.sum([part.atoms for part in parts], axis=0)
    return Decomposition.of(atoms, gap=sum(part.gap for part in parts), measure=measure)


def quantised_table(gate: str, noise: float, n_bins: int) -> Array:
    r"""Return the joint table of the binned projections of both sources and the label.

    Since the sources are noisy each on its own,
    :math:`p(b_1,b_2,y) = \sum_{s_1,s_2} p(s_1,s_2,y)\,P(b_1|s_1)\,P(b_2|s_2)`.

    Parameters
    ----------
    gate : str
        Name in `mmfuse_lib.information.GATES`.
    noise : float
        As in `load`.
    n_bins : int
        Number of bins of each projection, at least 2; little noise needs fewer, see `bin_edges`.

    Returns
    -------
    ndarray, shape (b, b, |Y|)
        For two bits a source (b^2, b^2, |Y|), the bin of the second bit counting fastest.

    Raises
    ------
    DataError, UnknownNameError
        If an argument is out of range, or there is no such gate.
    """
    table = _gate_table(gate)
    channel = _bin_probabilities(noise, n_bins)
    if _n_bits(table) == 2:
        channel = np.asarray(np.kron(channel, channel), dtype=np.float64)
    return _through(channel, table)


def _through(channel: Array, table: Array) -> Array:
    """Return p(b1, b2, y) for p(s1, s2, y), each source seen through the channel P(b|s)."""
    return np.asarray(np.einsum("sty,si,tj->ijy", table, channel, channel, optimize=True))


def bin_edges(noise: float, n_bins: int) -> Array:
    r"""Return the inner edges of the bins of a projection t; the outer two bins are tails.

    In a narrow bin around t of width w, the information about the bit that is lost is
    proportional to :math:`p(t)\,\theta'(t)^2 w^3`, where :math:`\sin^2(\theta/2)` is the
    probability that t gives the bit. A density of bins proportional to
    :math:`(p\,\theta'^2)^{1/3}` makes the sum least (the argument of Panter & Dite 1951 for
    squared errors). Here that is :math:`(e^{-t^2/2\sigma^2} / \cosh(t/\sigma^2))^{1/3}`.

    Parameters
    ----------
    noise : float
        Standard deviation of t given the bit.
    n_bins : int
        Number of bins before those that hold next to nothing (`LEAST_BIN`) are merged.

    Returns
    -------
    ndarray, shape (b - 1,)
        Increasing, for b <= n_bins bins.
    """
    check_numbers("[0, inf)", noise=noise)
    check_integers(2, n_bins=n_bins)
    if noise == 0:
        return np.zeros(1)
    # Beyond this the density is less than e^-40 of that at 0.
    t = np.linspace(-1, 1, 20_001) * (np.sqrt(1 + 240 * noise**2) - 1)
    u = t / noise**2
    density = np.exp(-(t * u / 2 + np.logaddexp(u, -u)) / 3)
    below = np.cumsum(density) - density / 2
    edges = np.interp(np.arange(1, n_bins) / n_bins, below / density.sum(), t)
    mass = norm.cdf(edges, -1, noise) / 2 + norm.cdf(edges, 1, noise) / 2
    _, group = np.unique(np.round((mass - 0.5) / LEAST_BIN), return_inverse=True)
    return np.asarray(np.bincount(group, edges) / np.bincount(group))


def _bin_probabilities(noise: float, n_bins: int) -> Array:
    """Return P(bin | bit), shape (2, b)."""
    edges = bin_edges(noise, n_bins)
    if noise == 0:
        return np.eye(2)
    distance = (edges - np.array([[-1.0], [1.0]])) / noise
    below = np.pad(norm.cdf(distance), ((0, 0), (1, 1)), constant_values=(0, 1))
    p = np.diff(below)
    p[p < NEGLIGIBLE] = 0.0
    return np.asarray(p[:, p.any(axis=0)] / p.sum(axis=1, keepdims=True))


def pointwise_truth(data: MultimodalData) -> pd.DataFrame:
    r"""Return the pointwise atoms of each sample, by the exact densities (Finn & Lizier 2018).

    With :math:`h_m = -\log_2 p(x_m)`, :math:`i_m = \log_2 p(x_m|y)/p(x_m)` and i of both,

    .. math:: r = \min(h_1, h_2) - \min(h_1 - i_1, h_2 - i_2), \quad
              u_m = i_m - r, \quad s = i - i_1 - i_2 + r,

    where all densities are mixtures of Gaussians, one for each symbol.

    The informations i depend on the projections alone, but r does not. A *differential* h changes
    with the length of the vector and with the units in which it is measured, by different amounts
    for x1 and x2 if those differ, and in each sample with the noise that tells nothing. The
    comparison of h_1 with h_2 is then about that noise: the longer the vectors, the more it
    resembles a fair coin, and the mean of r tends to (I(X1;Y) + I(X2;Y)) / 2. So half of what
    only one source knows is called redundant, even for ``gate="copy"``, and the other source's
    unique atom is as far below 0. It is a weakness of the definition for continuous features, and
    the truth that an estimator of these atoms should find.

    It is also what `lsmi_pid` should find, which measures each h from its median. In every gate
    both sources have uniform symbols, so here h_1 and h_2 have the same distribution, hence the
    same median, and what is subtracted from both cancels.

    Parameters
    ----------
    data : GaussianGateData
        From `load`, or a part of it, with noise.

    Returns
    -------
    DataFrame
        A row a sample, columns R, U1, U2, S in bits, of either sign.

    Raises
    ------
    DataError
        If the data are not of this kind, or have no noise (and hence no densities).

    Examples
    --------
    >>> from mmfuse_lib import data
    >>> from mmfuse_lib.data.synthetic.gaussian_gates import pointwise_truth
    >>> train, _, _ = data.load("gaussian_gates", seed=0, gate="and", noise=0.3, n_train=200)
    >>> pointwise_truth(train).mean().round(2).to_dict()
    {'R': 0.27, 'U1': -0.07, 'U2': -0.01, 'S': 0.51}
    """
    if not isinstance(data, GaussianGateData):
        raise DataError("the densities of these data are not known: expected gaussian_gates")
    if data.noise == 0:
        raise DataError("without noise the features have no densities: expected noise > 0")
    y = data.target.cpu().numpy()
    with np.errstate(divide="ignore"):
        prior = np.log2(data.label_table())  # (s1, s2, y)
        prior_y = np.log2(data.label_table().sum(axis=(0, 1)))[y]
    first, second = (_log_likelihoods(data, name) for name in MODALITIES)
    likelihood = first[:, :, None] + second[:, None, :]  # (N, s1, s2)
    given = np.moveaxis(prior[:, :, y], -1, 0)  # (N, s1, s2): log p(s1, s2, y)
    whole = _log2_sum(prior, 2)
    h, i = [], []
    for log_p in (first[:, :, None], second[:, None, :], likelihood):
        h.append(-_log2_sum(whole + log_p, (1, 2)))
        i.append(_log2_sum(given + log_p, (1, 2)) - prior_y + h[-1])
    return pd.DataFrame(pointwise_atoms(h[0], h[1], *i), columns=list(INTERACTIONS))


def _log_likelihoods(data: GaussianGateData, name: str) -> Array:
    """Return log2 p(x|s) of each feature vector for each symbol: shape (N, 2^bits).

    A constant that depends on noise and dim alone is left out: both sources share it, so it
    cancels.
    """
    x = data.inputs[name].cpu().numpy().astype(np.float64)
    axes = data.directions[name]
    means = _bit_signs(len(axes)) @ axes
    squares = ((x[:, None] - means) ** 2).sum(axis=-1)
    return np.asarray(-squares / (2 * data.noise**2 * np.log(2)))


def _log2_sum(log2_terms: Array, axis: int | tuple[int, ...]) -> Array:
    """Return log2 of a sum, given log2 of its terms; log 0 is -inf."""
    return np.asarray(logsumexp(log2_terms * np.log(2), axis=axis) / np.log(2))


def _make_split(
    table: Array,
    directions: dict[str, Array],
    noise: float,
    n_samples: int,
    rng: np.random.Generator,
) -> GaussianGateData:
    cells = rng.choice(table.size, size=n_samples, p=table.ravel())
    *symbols, y = np.unravel_index(cells, table.shape)
    features = {}
    for (name, axes), symbol in zip(directions.items(), symbols, strict=True):
        clean = _bit_signs(len(axes))[symbol] @ axes
        features[name] = clean + noise * rng.standard_normal(clean.shape)
    checked = from_arrays(
        features, y, class_names=tuple(str(k) for k in range(table.shape[-1])), table=table
    )
    return GaussianGateData(**vars(checked), directions=directions, noise=noise)


def _gate_table(gate: str) -> Array:
    check_names("gate", [gate], GATES)
    return GATES[gate]()


def _n_bits(table: Array) -> int:
    """Return how many bits a symbol of either source has."""
    return (len(table) - 1).bit_length()


def _bit_signs(bits: int) -> Array:
    """Return -1 or +1 for every bit of every symbol, first bit first: shape (2^bits, bits)."""
    symbols = np.arange(2**bits)[:, None]
    return np.where(symbols >> np.arange(bits)[::-1] & 1, 1.0, -1.0)


def _orthonormal(bits: int, dim: int, rng: np.random.Generator) -> Array:
    q, _ = np.linalg.qr(rng.standard_normal((dim, bits)))
    return np.ascontiguousarray(q.T)


CARD = DatasetCard(
    load=load,
    summary="Two vectors (modalities x1 and x2) that show the symbols of a gate such as XOR or "
    "AND in Gaussian noise: features whose decomposition is known. No download.",
    source="drawn from mmfuse_lib.information.GATES",
    licence="none needed: random draws only",
    citation="Williams & Beer, Nonnegative decomposition of multivariate information, 2010",
)
