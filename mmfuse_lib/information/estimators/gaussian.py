"""Gaussian sources and a real-valued target: the closed form on the sample covariance."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.information.covariance import gaussian_informations, mmi_atoms
from mmfuse_lib.information.estimators.estimate import Estimate, percentile_interval
from mmfuse_lib.information.estimators.samples import (
    Samples,
    as_features,
    check_paired,
    check_resamples,
)

Array = NDArray[np.float64]

#: Samples that are needed for every direction of (X1, X2, Y).
SAMPLES_PER_DIMENSION = 3


def gaussian_pid(
    x1: Samples, x2: Samples, y: Samples, *, n_bootstrap: int = 200, seed: int = 0
) -> Estimate:
    r"""Estimate the decomposition of jointly Gaussian variables about a real-valued target.

    The three informations are those of the sample covariance, minus their bias, which for Gaussian
    samples does not depend on the covariance. With n = N - 1 and p
    the number of linearly independent features it is

    .. math:: E[\hat I] - I = \frac{1}{2\ln 2}\left[\psi\!\left(\frac{n}{2}\right)
              - \psi\!\left(\frac{n-p}{2}\right)\right] \approx \frac{p}{2 N \ln 2}.

    It follows from :math:`E\ln|W| = \sum_{i=1}^p \psi((n-i+1)/2) + p\ln 2 + \ln|\Sigma|` for a
    Wishart matrix (Misra, Singh & Demchuk 2005). An information that falls below zero, or a joint
    one below that of a single source, is set to that bound, so no atom is negative.

    Parameters
    ----------
    x1, x2 : array_like or Tensor, shape (N, ...)
        Features, flattened to (N, d).
    y : array_like or Tensor, shape (N,)
        A real-valued target.
    n_bootstrap : int
        Resamples for the interval, at least 2; 0 for no interval.
    seed : int
        Of the resampling.

    Returns
    -------
    Estimate
        ``measure="broja"``: for Gaussian variables it equals MMI
        (`mmfuse_lib.information.decompose_gaussian`). `interval` holds 95 % bootstrap intervals
        from samples drawn with replacement, moved by the bias both the estimate and its resamples
        have. `diagnostics`: ``bias`` of the joint information that was taken off, ``dimensions``
        (independent features of both sources), and ``kurtosis`` of the residual of Y after linear
        regression (0 if it is Gaussian).

    Raises
    ------
    DataError
        If arrays do not fit together, hold NaN or numbers beyond 1e16, y is constant or not one
        number a sample, there are fewer than 3 samples per dimension, or the features determine y.

    Notes
    -----
    The decomposition is that of **the Gaussian with this covariance**: it does not see relations
    that are not linear. Where I(X1;Y) = I(X2;Y) exactly, R, the smaller of two noisy numbers, comes
    out too small and S with it (by a term of order 1/sqrt(N)), and the intervals cover less often
    than they say.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib.information.estimators import gaussian_pid
    >>> x1, x2, noise = np.random.default_rng(0).normal(size=(3, 2000))
    >>> found = gaussian_pid(x1[:, None], x2[:, None], x1 + x2 + noise, n_bootstrap=0)
    >>> print(f"R {found.redundancy:.1f}, S {found.synergy:.1f} bits")
    R 0.3, S 0.5 bits
    """
    a, b, target = as_features(x1, "x1"), as_features(x2, "x2"), _as_target(y)
    check_paired(x1=a, x2=b, y=target)
    check_resamples(n_bootstrap)
    n1, n2 = a.shape[1], b.shape[1]
    samples = np.column_stack([a, b, target])
    ranks = np.array([_rank(a), _rank(b), _rank(samples[:, :-1])])
    needed = SAMPLES_PER_DIMENSION * (int(ranks[2]) + 1)
    if len(samples) < needed:
        raise DataError(
            f"{len(samples)} samples are too few for {ranks[2]} features and a target: "
            f"at least {needed} are needed"
        )
    informations = gaussian_informations(_covariance(samples), n1, n2)
    if not np.isfinite(informations).all():
        raise DataError("y is a linear function of the features: the information is infinite")
    bias = _bias(len(samples), ranks)
    atoms = mmi_atoms(_possible(informations - bias))
    interval = None
    if n_bootstrap > 0:
        rng = np.random.default_rng(seed)
        n = len(samples)
        weights = rng.multinomial(n, np.full(n, 1 / n), size=n_bootstrap)
        resampled = np.stack([_covariance(samples, w) for w in weights])
        replicates = gaussian_informations(resampled, n1, n2)
        interval = percentile_interval(mmi_atoms(_possible(replicates - 2 * bias)))
    return Estimate.of(
        atoms,
        measure="broja",
        interval=interval,
        diagnostics={
            "bias": float(bias[2]),
            "dimensions": float(ranks[2]),
            "kurtosis": _residual_kurtosis(samples),
        },
    )


def _as_target(y: Samples) -> Array:
    target = as_features(y, "y")
    if target.shape[1] != 1:
        raise DataError(f"y has {target.shape[1]} numbers a sample: expected one, shape (N,)")
    if np.ptp(target) == 0:
        raise DataError("y is the same for all samples: there is nothing to tell about it")
    return target[:, 0]


def _covariance(samples: Array, weights: NDArray[np.int64] | None = None) -> Array:
    return np.asarray(np.cov(samples, rowvar=False, fweights=weights))


def _rank(features: Array) -> int:
    """Return how many features are linearly independent, up to an added constant."""
    centred = features - features.mean(axis=0)
    scale = centred.std(axis=0)
    spectrum = np.linalg.svd(centred / np.where(scale > 0, scale, 1.0), compute_uv=False)
    return int((spectrum > 1e-6 * spectrum.max()).sum())


def _bias(n_samples: int, ranks: NDArray[np.int64]) -> Array:
    """Return what the informations are too large by, in bits, for each number of features."""
    n = n_samples - 1
    return np.asarray((digamma(n / 2) - digamma((n - ranks) / 2)) / (2 * np.log(2)))


def _possible(informations: Array) -> Array:
    """Return the informations, at least 0 and jointly at least as large as apart."""
    possible: Array = np.maximum(informations, 0.0)
    possible[..., 2] = possible.max(axis=-1)
    return possible


def _residual_kurtosis(samples: Array) -> float:
    centred = samples - samples.mean(axis=0)
    coefficients = np.linalg.lstsq(centred[:, :-1], centred[:, -1], rcond=None)[0]
    residual = centred[:, -1] - centred[:, :-1] @ coefficients
    return float((residual**4).mean() / (residual**2).mean() ** 2 - 3.0)
