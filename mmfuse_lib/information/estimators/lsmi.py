r"""Interaction of every single sample, from features: LSMI (Yang et al. 2025).

It estimates what Finn & Lizier (2018) define pointwise. With the surprise
:math:`h_m = -\log p(x_m)` and the information :math:`i_m = \log p(y|x_m) - \log p(y)`,

.. math:: r &= \min(h_1, h_2) - \min(h_1 - i_1, h_2 - i_2), \\
          u_m &= i_m - r, \qquad s = i_{12} - r - u_1 - u_2,

and the atoms are means over samples. Classifiers estimate i, densities estimate h. Densities enter
only through :math:`h_1 - h_2`, and r lies between :math:`i_1` and :math:`i_2` whatever they are:
it is :math:`i_1` where x1 is by far the less surprising of the two, and :math:`i_2` where x2 is.
Other than in the paper, each h is measured from its median over the samples. `lsmi_pid` lists all
that differs.

References
----------
Yang, Z., Wang, H. and Hu, D. (2025). Efficient quantification of multimodal interaction at sample
level. *ICML*.
Finn, C. and Lizier, J. T. (2018). Pointwise partial information decomposition using the
specificity and ambiguity lattices. *Entropy*.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfuse_lib.core.devices import find_device
from mmfuse_lib.core.errors import DataError, check_integers, check_names
from mmfuse_lib.information.atoms import ATOMS
from mmfuse_lib.information.estimators.classifier import cross_fit
from mmfuse_lib.information.estimators.crossfit import split_folds
from mmfuse_lib.information.estimators.density import cross_fit_density
from mmfuse_lib.information.estimators.estimate import Estimate, percentile_interval
from mmfuse_lib.information.estimators.samples import Samples, checked_samples, group_sums
from mmfuse_lib.information.pointwise import pointwise_atoms, published_adjustment

Array = NDArray[np.float64]

#: What may be done with the atoms of all samples, (N, 4), before their means are reported.
ADJUSTMENTS: Final[Mapping[str, Callable[[Array], Array]]] = {
    "none": lambda atoms: atoms,
    "published": published_adjustment,
}


def lsmi_pid(
    x1: Samples,
    x2: Samples,
    y: Samples,
    *,
    folds: int = 5,
    networks: int = 3,
    hidden: int = 64,
    steps: int = 1000,
    n_bootstrap: int = 200,
    adjust: str = "none",
    groups: Samples | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: bool = False,
) -> Estimate:
    r"""Estimate the pointwise decomposition, sample by sample.

    Every sample is scored by three calibrated classifiers and two densities that never saw it
    (cross-fitting), so that nothing looks informative because it was memorised.

    Parameters
    ----------
    x1, x2 : array_like or Tensor, shape (N, ...)
        Features, flattened to (N, d). Features that never vary are left out.
    y : array_like or Tensor of int, shape (N,)
        Labels.
    folds : int
        Number of parts, each scored by networks trained on the others.
    networks : int
        Classifiers a part and variable, whose probabilities are averaged.
    hidden : int
        Width of the classifiers' two hidden layers.
    steps : int
        Updates of the classifiers, at most.
    n_bootstrap : int
        Resamples for the interval; 0 for no interval.
    adjust : str
        ``"none"`` reports the atoms as they are, ``"published"`` moves those of all samples as the
        authors' code does (`mmfuse_lib.information.published_adjustment`), in each resample anew.
    groups : array_like or Tensor of int or str, shape (N,), optional
        The person, recording or place that each sample is from. A group stays in one fold, so
        networks and densities that score a sample saw no other sample of its group, and groups
        are resampled, not samples. Where nothing carries over to other groups, the atoms can sum
        to less than zero. By default every sample stands alone.
    device : str
        Where to learn, as in `fit`.
    seed : int
        Of the folds, the networks and the resampling.
    progress : bool
        Show progress bars.

    Returns
    -------
    Estimate
        ``measure="pointwise"``. `per_sample` has a row a sample. `interval` holds 95 % bootstrap
        intervals over samples (or groups), **networks and medians held fixed**: they cover which
        samples were drawn, not what networks would have been learned from others, and not the
        errors named in the notes.
        `diagnostics`, in bits:

        * ``label_entropy`` H(Y), and ``cross_entropy_x1``, ``_x2``, ``_joint``, held out. What the
          difference to H(Y) shows is a lower bound, on average, of the information that is there.
        * ``log_density_x1``, ``_x2``, held out, and ``gaussian_log_density_x1``, ``_x2``, those of
          a single Gaussian (standardised features; higher is better, and one sample that a
          density finds impossible can make a mean very low).
        * ``lowest_redundancy``, ``highest_redundancy``: means of :math:`\min(i_1, i_2)` and
          :math:`\max(i_1, i_2)`, between which R lies for any densities at all.

    Raises
    ------
    DataError
        If arrays do not fit together, hold NaN or numbers beyond 1e16, a source never varies, there
        is only one class, a class has fewer samples than there are folds, there are fewer groups
        than folds, or a class is in so few groups that networks would train without it.
    ValueError
        If `folds`, `networks`, `hidden`, `steps` or `n_bootstrap` is out of range.
    UnknownNameError
        If there is no such adjustment.

    Notes
    -----
    Atoms of a sample may be negative, and so may the means of U1 and U2: the definition knows
    misinformation. A label that copies x1, with x2 independent of it, has R = S = -U2 > 0 where
    other definitions say U1 = I(X1;Y) and nothing else. The authors' code moves all samples then:
    see ``adjust``. By default this function moves nothing.

    **Where h is measured from.** Of continuous features h is the
    logarithm of a density, so :math:`h_1 - h_2` has no natural zero: c times x1 adds
    :math:`d_1 \log c` to it, and in the copy above that alone moves R from I(X1;Y) to 0. The
    authors take features and densities as they come. Here the atoms are those of
    :math:`h_m - \mathrm{median}(h_m)` in place of :math:`h_m`: a sample's surprise next to what is
    usual for its source.

    * The answer is the same for a source that is scaled, shifted, rotated or otherwise mapped
      linearly, as long as the map can be undone (up to what diagonal covariances and chance do).
      The mean, the differential entropy, would do the same. But a single sample that the densities
      find impossible, such as the only image in which a pixel is lit, would decide it alone.
    * For sources whose surprises have one and the same distribution nothing changes: it is the
      definition of Finn & Lizier, as on the data set `gaussian_gates`.
    * The zero is given up where there is one. Of discrete sources the h are sizes, and the less a
      source can vary the less it can share. Here a source that nearly never varies shares like any
      other. Decompose a table of discrete sources with ``decompose(p, "pointwise")``.
    * The sums R + U1, R + U2 and R + U1 + U2 + S are informations whatever h is measured from. R
      alone is a convention. It still changes with nonlinear maps, and with features of noise, which
      are surprising without telling anything: with many of them, in either source, R tends to
      (I(X1;Y) + I(X2;Y)) / 2.

    **What differs from the paper and its code**

    * *Adjustment.* Their code moves the atoms of all samples where a mean of R or S, or else of U1
      or U2, is negative. Here they stay, because a negative mean is part of the definition and the
      move makes R the smaller information, whatever the densities say. ``adjust="published"``
      gives theirs.
    * *Where h is measured from.* They take features and densities as they come. Here h is measured
      from its median, so that units do not matter (above). There is no option for theirs:
      `mmfuse_lib.information.pointwise_atoms` makes atoms of any h.
    * *Held out or not.* Their code trains on one split and reports that split and another; the
      training split is read in a new random order for every classifier and density, so that i and
      h of a row belong to different samples there. Here every sample is scored by networks that
      never saw it, so that nothing looks informative because it was memorised.
    * *Classifiers.* They train one network a variable with two hidden layers, for a number of
      epochs that is set. Here `networks` of them are averaged, stopped on samples of their own and
      calibrated.
    * *Densities.* Theirs is a mixture of five kernels with full covariances, trained by gradient
      steps; the gradients are not cleared between steps, so each step follows the sum of all
      before. Here one to sixteen kernels are fitted by expectation-maximisation, and their number
      and kind are chosen on samples held out from the fit.
    * *Prior.* They take all classes as equally likely: i = log K + log p(y|x). Here p(y) is the
      share of the class.
    * *Units.* They report nats, here it is bits.

    Examples
    --------
    >>> from mmfuse_lib import data
    >>> from mmfuse_lib.information.estimators import lsmi_pid
    >>> train, _, _ = data.load("gaussian_gates", seed=0, noise=0.2, dim=1, n_train=200)  # of XOR
    >>> x1, x2 = train.inputs.values()
    >>> quick = {"folds": 2, "networks": 1, "hidden": 16, "steps": 200, "n_bootstrap": 0}
    >>> found = lsmi_pid(x1, x2, train.target, **quick)
    >>> found.synergy > 0.8, found.per_sample.shape  # bits, and an answer for each sample
    (True, (200, 4))
    """
    check_names("adjustment", [adjust], ADJUSTMENTS)
    check_integers(0, n_bootstrap=n_bootstrap)
    a, b, codes, group = checked_samples(x1, x2, y, groups)
    counts = np.bincount(codes)
    place = find_device(device)
    target = torch.from_numpy(codes).to(place)
    sources = [_varying(a, "x1").to(place), _varying(b, "x2").to(place)]

    def log_p_of_label(x: Tensor) -> Array:
        log_p = cross_fit(
            x, target, len(counts), folds=folds, networks=networks, hidden=hidden, steps=steps,
            groups=group, seed=seed, progress=progress,
        )  # fmt: skip
        return _bits(log_p.gather(1, target[:, None])[:, 0])

    log_p = [log_p_of_label(x) for x in (*sources, torch.cat(sources, dim=1))]
    log_prior = np.log2(counts / counts.sum())[codes]
    i1, i2, i12 = (posterior - log_prior for posterior in log_p)
    split = split_folds(target, folds, groups=group, seed=seed)
    densities = [cross_fit_density(x, split, seed=seed) for x in sources]
    h1, h2 = (_surprise(density.mixture) for density in densities)
    as_they_are = pointwise_atoms(h1, h2, i1, i2, i12)
    move = ADJUSTMENTS[adjust]
    atoms = move(as_they_are)
    diagnostics = {
        "label_entropy": -log_prior,
        "cross_entropy_x1": -log_p[0],
        "cross_entropy_x2": -log_p[1],
        "cross_entropy_joint": -log_p[2],
        "log_density_x1": _bits(densities[0].mixture),
        "log_density_x2": _bits(densities[1].mixture),
        "gaussian_log_density_x1": _bits(densities[0].gaussian),
        "gaussian_log_density_x2": _bits(densities[1].gaussian),
        "lowest_redundancy": np.minimum(i1, i2),
        "highest_redundancy": np.maximum(i1, i2),
    }
    return Estimate.of(
        atoms.mean(axis=0),
        measure="pointwise",
        interval=_interval(as_they_are, move, group, n_bootstrap, seed) if n_bootstrap else None,
        per_sample=pd.DataFrame(atoms, columns=list(ATOMS)),
        diagnostics={name: float(values.mean()) for name, values in diagnostics.items()},
    )


def _varying(features: Array, name: str) -> Tensor:
    """Return the features that vary, standardised, as float32."""
    deviation = features.std(axis=0)
    varies = deviation > 1e-12 * np.abs(features).max(axis=0)
    if not varies.any():
        raise DataError(f"{name} is the same for all samples: it can tell nothing")
    scaled = (features - features.mean(axis=0))[:, varies] / deviation[varies]
    return torch.from_numpy(scaled).float()


def _surprise(log_density: Tensor) -> Array:
    """Return ``h = -log p(x)`` of each sample in bits, from its median over the samples."""
    h = -_bits(log_density)
    surprise: Array = h - np.median(h)
    return surprise


def _bits(nats: Tensor) -> Array:
    return nats.cpu().numpy().astype(np.float64) / math.log(2)


def _interval(
    atoms: Array,
    move: Callable[[Array], Array],
    groups: NDArray[np.int64] | None,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Return a percentile bootstrap interval of means over samples, drawing whole groups."""
    sums, sizes = group_sums(atoms, groups), group_sums(np.ones(len(atoms)), groups)
    n = len(sums)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=n_bootstrap)
    means = weights @ sums / (weights @ sizes)[:, None]
    return percentile_interval(np.concatenate([move(mean[None]) for mean in means]))
