r"""BROJA from features, by a learned coupling of batches: BATCH (Liang et al. 2023).

Unique information, redundancy and synergy of Bertschinger et al. (2014) all follow from

.. math:: I^* = \min_{q \in D_p} I_q(X_1,X_2;Y),

over the q with the p(x1,y) and p(x2,y) of the data. On a batch, classifiers give p(y|x1) and
p(y|x2); networks f1 and f2 say which points to put together, by the affinity
:math:`e^{f_1(x_1)\cdot f_2(x_2)}`; Sinkhorn scaling makes a member of :math:`D_p` of it; and
gradient descent lowers its information. Then, with I1, I2 and I12 from the classifiers,
:math:`R = I_1 + I_2 - I^*`, :math:`U_m = I_m - R`, :math:`S = I_{12} - I^*`.

`batch_pid` lists what differs from the paper.

References
----------
Liang, P. P. et al. (2023). Quantifying & modeling multimodal interactions: an information
decomposition framework. *NeurIPS*, section 3.2.
Bertschinger, N. et al. (2014). Quantifying unique information. *Entropy*.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from mmfuse_lib.core.devices import find_device
from mmfuse_lib.core.errors import check_integers
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.information.atoms import atoms_from_redundancy
from mmfuse_lib.information.estimators.calibration import calibrate, contributions
from mmfuse_lib.information.estimators.classifier import cross_fit
from mmfuse_lib.information.estimators.coupling import (
    coupling_information,
    information_gradient,
    lower_bound,
    refine,
    sinkhorn,
)
from mmfuse_lib.information.estimators.estimate import Estimate, interval_table
from mmfuse_lib.information.estimators.samples import Samples, checked_samples, group_sums

Array = NDArray[np.float64]

#: Points of each source in a training batch, and scalings of its coupling.
TRAINING_BATCH, SCALINGS = 128, 20

LEARNING_RATE = 1e-2

#: Width of the networks' hidden layers and of what they put out.
WIDTH, RANK = 32, 16

#: Bound of the learned affinity; the refinement may go beyond it.
MAX_AFFINITY = 6.0

#: Log-odds from which on the networks take a class for ruled out.
MAX_LOG_ODDS = 10.0

#: Half-width of a normal 95 % interval in standard errors.
QUANTILE = 1.959964


@dataclass(frozen=True)
class _Couplings:
    """What was found on the evaluation batches: means over batches in bits, potentials in nats."""

    redundancy: float
    learned: float
    least: float
    bound: float
    u: Array  # (N, K)
    v: Array


def batch_pid(
    x1: Samples,
    x2: Samples,
    y: Samples,
    *,
    folds: int = 5,
    hidden: int = 64,
    classifier_steps: int = 500,
    steps: int = 200,
    refine_steps: int = 60,
    batch_size: int = 256,
    groups: Samples | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: bool = False,
) -> Estimate:
    r"""Estimate the decomposition with a learned coupling.

    Every sample is scored by classifiers that never saw it, and the scores are calibrated. The
    coupling is learned on random batches of the scores and evaluated on disjoint large batches
    that cover all samples, each drawn evenly from all degrees of certainty.

    Parameters
    ----------
    x1, x2 : array_like or Tensor, shape (N, ...)
        Features, flattened to (N, d).
    y : array_like or Tensor of int, shape (N,)
        Labels.
    folds : int
        Number of parts, each scored by classifiers trained on the others.
    hidden : int
        Width of the classifiers' two hidden layers.
    classifier_steps : int
        Updates of the classifiers, at most.
    steps : int
        Updates of the networks that make the affinity.
    refine_steps : int
        Alternating projections after that; 0 gives what the networks learned.
    batch_size : int
        Points of each source in an evaluation batch, at most. Time grows with N times this,
        and bias falls: see the notes.
    groups : array_like or Tensor of int or str, shape (N,), optional
        The person, recording or place that each sample is from. A group stays in one fold, so
        classifiers that score a sample saw no other sample of its group, and the interval counts
        groups, not samples. By default every sample stands alone.
    device : str
        Where to learn, as in `fit`.
    seed : int
        Of the folds and the networks.
    progress : bool
        Show progress bars.

    Returns
    -------
    Estimate
        ``measure="broja"``. The three identities hold exactly. `interval` is normal, 95 %, from
        how much each sample, or group of samples, contributes (infinitesimal jackknife),
        **networks held fixed**: it covers which samples were scored, not what would have been
        learned from others nor the biases below; with a handful of groups it is too short.
        `diagnostics`, in bits:

        * ``label_entropy`` H(Y), and ``cross_entropy_x1``, ``_x2``, ``_joint`` of the calibrated
          scores; the differences are I1, I2 and I12.
        * ``learned_information``, ``least_information``: I of the networks' couplings, and after
          refinement, mean over batches. The second estimates :math:`I^*`.
        * ``gap``: certified; no couplings of these batches are lower by more.

    Raises
    ------
    DataError
        If arrays do not fit together, hold NaN or numbers beyond 1e16, there is only one class, a
        class has fewer samples than there are folds, there are fewer groups than folds, or a class
        is in so few groups that networks would train without it.
    ValueError
        If a number is out of range.

    Notes
    -----
    Atoms are not clipped. S < 0 means that the joint classifier found less than the unimodal ones
    prove to be there: give it more samples, width or steps.

    **Direction of the errors.** :math:`I^*` is a convex function of the pair p(x1,y), p(x2,y) for
    one p(y). So coupling samples in place of distributions, in small batches rather than
    large ones, and couplings that are not yet the best, all err to the same side: R and S come out
    too small, U1 and U2 too large. (For the same reason nothing has to be held out from the
    coupling.) Where U1 = U2 = 0 the samples alone cause an error of order
    :math:`1/\sqrt{N}`, since one source then looks better by chance. What a unimodal classifier
    misses is missing from R or U and counted as S; what the joint one misses is missing from S.

    **What differs from the paper and its code**

    * *Affinity.* Theirs has networks with an output a label, and one affinity a label. Here one
      affinity serves all labels: at the minimum it need not depend on them
      (`mmfuse_lib.information.estimators.coupling`).
    * *What the networks see.* Theirs see the features. Here they see p(y|x1) and p(y|x2).
      :math:`I^*` depends on a source only through these (they are sufficient for Y), so nothing is
      lost, and however many features there are, there is nothing in them to learn by heart.
    * *Scaling.* They differentiate through up to 500 unrolled steps of Sinkhorn's algorithm and
      stop when the margins are within 0.01. Here gradients go through the limit of the scaling,
      not through its steps.
    * *After the networks.* They report what the networks found. Here it is refined by alternating
      projections and comes with a certified bound. ``refine_steps=0`` gives what the networks
      found.
    * *Classifiers.* They train one network a variable on the training data. Here every sample is
      scored by networks that never saw it, and the scores are calibrated.
    * *Batches.* They report batches of 256 samples as they come. Here evaluation batches are dealt
      so that each looks like all samples. ``batch_size`` sets their size, by default the same.
    * *Units.* They report nats, here it is bits.

    Examples
    --------
    >>> from mmfuse_lib import data
    >>> from mmfuse_lib.information.estimators import batch_pid
    >>> train, _, _ = data.load("gaussian_gates", seed=0, gate="xor", noise=0.2, n_train=200)
    >>> x1, x2 = train.inputs.values()
    >>> quick = {"folds": 2, "hidden": 16, "classifier_steps": 200, "steps": 10, "refine_steps": 10}
    >>> found = batch_pid(x1, x2, train.target, **quick)
    >>> found.synergy > 0.8, max(found.unique) < 0.1  # of one bit
    (True, True)
    """
    check_integers(hidden=hidden, classifier_steps=classifier_steps, steps=steps)
    check_integers(0, refine_steps=refine_steps)
    check_integers(2, batch_size=batch_size)
    a, b, codes, group = checked_samples(x1, x2, y, groups)
    counts = np.bincount(codes)
    place = find_device(device)
    target = torch.from_numpy(codes).to(place)

    def log_p_of_label(x: Array) -> Array:
        log_p = cross_fit(
            torch.from_numpy(x).float().to(place), target, len(counts), folds=folds, hidden=hidden,
            steps=classifier_steps, groups=group, seed=seed, progress=progress,
        )  # fmt: skip
        return calibrate(log_p.cpu().double().numpy(), codes)

    log_p1, log_p2, log_p12 = map(log_p_of_label, (a, b, np.concatenate([a, b], axis=1)))
    log_prior = np.log(counts / counts.sum())
    scores = [torch.from_numpy(x.T.copy()).float().to(place) for x in (log_p1, log_p2)]
    prior = torch.from_numpy(log_prior).float().to(place)
    with isolated_rng(seed, place):
        affinity = _learned_affinity(scores, prior, steps, progress)
    found = _couple(affinity, scores, prior, refine_steps, batch_size)

    rows = np.arange(len(codes))
    true1, true2, true12 = (x[rows, codes] / math.log(2) for x in (log_p1, log_p2, log_p12))
    surprise = -log_prior[codes] / math.log(2)
    least = surprise + (
        contributions(log_p1, found.u, codes) + contributions(log_p2, found.v, codes)
    ) / math.log(2)
    i1, i2, i12 = (surprise + true for true in (true1, true2, true12))
    atoms = atoms_from_redundancy(found.redundancy, i1.mean(), i2.mean(), i12.mean())
    return Estimate.of(
        atoms,
        measure="broja",
        interval=_interval(atoms, atoms_from_redundancy(i1 + i2 - least, i1, i2, i12), group),
        diagnostics={
            "label_entropy": float(surprise.mean()),
            "cross_entropy_x1": -float(true1.mean()),
            "cross_entropy_x2": -float(true2.mean()),
            "cross_entropy_joint": -float(true12.mean()),
            "learned_information": found.learned,
            "least_information": found.least,
            "gap": found.least - found.bound,
        },
    )


class _Affinity(nn.Module):
    """Which points go together, from their log-probabilities, (K, n1) and (K, n2)."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.f1, self.f2 = (
            nn.Sequential(
                nn.Linear(2 * n_classes, WIDTH),
                nn.GELU(),
                nn.Linear(WIDTH, WIDTH),
                nn.GELU(),
                nn.Linear(WIDTH, RANK),
            )
            for _ in range(2)
        )

    def forward(self, log_p1: Tensor, log_p2: Tensor) -> Tensor:
        """Return the affinity, shape (n1, n2)."""
        product = self.f1(self._inputs(log_p1)) @ self.f2(self._inputs(log_p2)).T
        return MAX_AFFINITY * torch.tanh(product / MAX_AFFINITY)

    @staticmethod
    def _inputs(log_p: Tensor) -> Tensor:
        """Return probabilities and bounded log-odds, both about from -1 to 1."""
        odds = (log_p - log_p.mean(dim=0)).clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS) / MAX_LOG_ODDS
        return torch.cat([2 * log_p.exp() - 1, odds]).T


def _learned_affinity(
    scores: list[Tensor], log_prior: Tensor, steps: int, progress: bool
) -> _Affinity:
    """Lower the information of couplings of random batches."""
    affinity = _Affinity(len(log_prior)).to(log_prior.device)
    optimizer = torch.optim.Adam(affinity.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in tqdm(range(steps), desc="coupling", disable=not progress, leave=False):
        log_p1, log_p2 = (
            x[:, torch.randint(x.shape[1], (TRAINING_BATCH,), device=x.device)] for x in scores
        )
        s = affinity(log_p1, log_p2)
        with torch.no_grad():
            u, v = sinkhorn(s, *_marginals(log_p1, log_p2, log_prior), SCALINGS)
            gradient = information_gradient(s, u, v, SCALINGS)
        optimizer.zero_grad()
        s.backward(gradient)
        optimizer.step()
        schedule.step()
    return affinity


@torch.no_grad()
def _couple(
    affinity: _Affinity, scores: list[Tensor], log_prior: Tensor, refine_steps: int, batch_size: int
) -> _Couplings:
    """Couple batches that cover all samples."""
    potentials = [torch.zeros_like(x) for x in scores]
    batches = list(zip(*(even_batches(x, log_prior, batch_size) for x in scores), strict=True))
    rows = []
    for i, j in batches:
        log_p1, log_p2 = scores[0][:, i], scores[1][:, j]
        log_a, log_b = _marginals(log_p1, log_p2, log_prior)
        s = affinity(log_p1, log_p2)
        learned = coupling_information(s, *sinkhorn(s, log_a, log_b, 5 * SCALINGS))
        s, u, v = refine(s, log_a, log_b, refine_steps)
        least = coupling_information(s, u, v)
        redundancy = _information(log_a) + _information(log_b) - least
        rows.append(torch.stack([redundancy, learned, least, lower_bound(u, v, log_a, log_b)]))
        # q leaves open what is added to u_y and taken off v_y: make all batches alike.
        mean_v = ((log_b - log_prior[:, None]).exp() * v).sum(dim=1, keepdim=True)
        potentials[0][:, i], potentials[1][:, j] = u + mean_v, v - mean_v
    means = (torch.stack(rows).mean(dim=0) / math.log(2)).tolist()
    return _Couplings(*means, *(x.T.cpu().double().numpy() for x in potentials))


def even_batches(log_p: Tensor, log_prior: Tensor, batch_size: int) -> Tensor:
    r"""Deal samples to batches so that each batch looks like all of them.

    Samples are put in order by their likeliest class and, within it, by how much they tell,
    :math:`KL(p(y|x) \| p(y))`, and dealt out in turn. A random batch of n has an I(X;Y) of its own
    that is off by order :math:`1/\sqrt n`; a dealt one is off by much less.

    Parameters
    ----------
    log_p : Tensor, shape (K, N)
        Log-probabilities of the classes.
    log_prior : Tensor, shape (K,)
        log p(y).
    batch_size : int
        Largest batch.

    Returns
    -------
    Tensor of int64, shape (B, n)
        Indices of samples. Where B does not divide N, the last batches repeat some.
    """
    told = (log_p.exp() * (log_p - log_prior[:, None])).sum(dim=0)
    order = np.lexsort((told.cpu().numpy(), log_p.argmax(dim=0).cpu().numpy()))
    n_batches = math.ceil(len(order) / batch_size)
    size = math.ceil(len(order) / n_batches)
    dealt = np.resize(order, size * n_batches).reshape(size, n_batches).T
    return torch.from_numpy(dealt.copy()).to(log_p.device)


def _marginals(log_p1: Tensor, log_p2: Tensor, log_prior: Tensor) -> tuple[Tensor, Tensor]:
    """Return log q(x1, y) and log q(x2, y) of the points of a batch, whose q(y) is the prior."""
    log_a, log_b = (
        x - x.logsumexp(dim=1, keepdim=True) + log_prior[:, None] for x in (log_p1, log_p2)
    )
    return log_a, log_b


def _information(log_a: Tensor) -> Tensor:
    """Return I(X;Y) in nats of a table of logarithms, (K, n)."""
    independent = log_a.logsumexp(dim=0) + log_a.logsumexp(dim=1, keepdim=True)
    return (log_a.exp() * (log_a - independent)).sum()


def _interval(atoms: Array, per_sample: Array, groups: NDArray[np.int64] | None) -> pd.DataFrame:
    """Return a normal interval of means over samples, of which whole groups were drawn."""
    deviations = group_sums(per_sample - per_sample.mean(axis=0), groups)
    error = QUANTILE * deviations.std(axis=0, ddof=1) * math.sqrt(len(deviations))
    return interval_table(atoms - error / len(per_sample), atoms + error / len(per_sample))
