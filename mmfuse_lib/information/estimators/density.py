r"""How surprising a sample is: minus the logarithm of a learned density.

The density is KNIFE's (Pichler et al. 2022): a mixture of M Gaussian kernels whose means,
covariances and weights maximise the likelihood. They are found by expectation-maximisation, which
for mixtures of moderate size gets closer to the truth than gradient ascent, in less time. M, and
whether kernels have full or diagonal covariances, are chosen on validation samples.

References
----------
Pichler, G., Colombo, P., Boudiaf, M., Koliander, G. and Piantanida, P. (2022). A differential
entropy estimator for training neural networks. *ICML*.
Fraley, C. and Raftery, A. E. (2007). Bayesian regularization for normal mixture estimation and
model-based clustering. *Journal of Classification*.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.information.estimators.crossfit import Split, standardise

#: Numbers of kernels that are tried, in this order, until more of them help no member.
N_KERNELS = (1, 2, 4, 8, 16)

#: Added to the variances of standardised features: a kernel is never narrower than 0.01.
FLOOR = 1e-4

#: Rounds of k-means before expectation-maximisation, and rounds of that, at most.
KMEANS_ROUNDS, EM_ROUNDS = 10, 30

#: Expectation-maximisation ends when no member's mean log-density grows by this much (nats).
TOLERANCE = 3e-3


@dataclass(frozen=True)
class HeldOutDensity:
    """Log-densities (nats) of samples under models that never saw them, shape (N,).

    Attributes
    ----------
    mixture : Tensor
        The mixture chosen on validation samples.
    gaussian : Tensor
        A single Gaussian with full covariance, for comparison.
    """

    mixture: Tensor
    gaussian: Tensor


@dataclass(frozen=True)
class _Mixture:
    """F mixtures of M kernels: weights (F, M), means (F, M, d), roots of the precisions.

    ``root[:, k]`` turns a centred sample into a standard one: (F, d, d) for full covariances,
    by matrix product from the right, or (F, 1, d) for diagonal ones, by multiplication.
    """

    log_weight: Tensor
    mean: Tensor
    root: Tensor

    def log_kernels(self, z: Tensor) -> Tensor:
        """Return log(weight x density) of each kernel, (F, M, n), for z of shape (F, n, d)."""
        constant = z.shape[-1] / 2 * math.log(2 * math.pi)
        scores = []
        for k in range(self.mean.shape[1]):
            centred, root = z - self.mean[:, k, None], self.root[:, k]
            diagonal = root.shape[-2] == 1
            white = centred * root if diagonal else centred @ root
            scale = root[:, 0] if diagonal else root.diagonal(dim1=-2, dim2=-1)
            scores.append(scale.log().sum(-1)[:, None] - white.square().sum(-1) / 2 - constant)
        return torch.stack(scores, dim=1) + self.log_weight[..., None]

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z), (F, n)."""
        return self.log_kernels(z).logsumexp(dim=1)


def cross_fit_density(x: Tensor, split: Split, *, seed: int = 0) -> HeldOutDensity:
    """Return the log-density of every sample from a model that never saw it.

    Parameters
    ----------
    x : Tensor, shape (N, d)
        Features of which none is constant. Each is standardised over all samples, and the density
        is that of the standardised features.
    split : Split
        Which samples each model fits, is chosen on, and is asked about.
    seed : int
        Of the first means of the kernels.
    """
    z = standardise(x)
    with isolated_rng(seed, x.device):
        chosen, gaussian = _choose(z[split.train], z[split.valid], z[split.held])
    out = x.new_empty(2, len(x))
    out[0, split.held], out[1, split.held] = chosen, gaussian
    return HeldOutDensity(*out)


def _choose(fits: Tensor, checks: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Return log-densities of `asked` under the best mixtures and under one Gaussian, (F, n)."""
    best_check = fits.new_full((len(fits),), -torch.inf)
    best = gaussian = fits.new_empty(asked.shape[:2])
    for diagonal in (False, True):
        best_of_kind = torch.full_like(best_check, -torch.inf)
        for n_kernels in N_KERNELS:
            if not diagonal and n_kernels > max(1, _most_full_kernels(*fits.shape[1:])):
                break
            mixture = _fit(fits, n_kernels, diagonal)
            check, score = mixture.log_density(checks).mean(dim=1), mixture.log_density(asked)
            if n_kernels == 1 and not diagonal:
                gaussian = score
            best = torch.where((check > best_check)[:, None], score, best)
            best_check = torch.maximum(check, best_check)
            if not bool((check > best_of_kind).any()):
                break
            best_of_kind = torch.maximum(check, best_of_kind)
    return best, gaussian


def _most_full_kernels(n: int, dim: int) -> int:
    """Return how many full covariances have no more numbers than there are samples."""
    return n // (dim * (dim + 1) // 2)


def _fit(z: Tensor, n_kernels: int, diagonal: bool) -> _Mixture:
    """Run expectation-maximisation from k-means clusters, for z of shape (F, n, d)."""
    prior = _prior(z, n_kernels, diagonal)
    mixture = _maximise(z, _clusters(z, n_kernels), prior)
    before = torch.full_like(z[:, 0, 0], -torch.inf)
    for _ in range(EM_ROUNDS if n_kernels > 1 else 0):
        scores = mixture.log_kernels(z)
        total = scores.logsumexp(dim=1)
        now = total.mean(dim=1)
        if bool((now - before < TOLERANCE).all()):
            break
        mixture, before = _maximise(z, (scores - total[:, None]).exp(), prior), now
    return mixture


def _prior(z: Tensor, n_kernels: int, diagonal: bool) -> Tensor:
    """Return the covariance of all samples, shrunk so that `n_kernels` of it fill their volume."""
    centred = z - z.mean(dim=1, keepdim=True)
    volume = float(n_kernels ** (2 / z.shape[-1]))
    return _scatter(centred, centred, diagonal) / (z.shape[1] * volume)


def _maximise(z: Tensor, share: Tensor, prior: Tensor) -> _Mixture:
    """Return the likeliest mixture when kernel k owns ``share[f, k, i]`` of sample i.

    The covariance `prior` counts as d + 2 samples of each kernel (Fraley & Raftery 2007), and
    says whether covariances are diagonal: (F, 1, d), or full: (F, d, d). Each kernel's weight
    counts one sample more than it owns, so none dies.
    """
    dim, diagonal = z.shape[-1], prior.shape[-2] == 1
    owned = share.sum(dim=-1)
    mean = share @ z / owned.clamp_min(1e-6)[..., None]
    roots = []
    for k in range(share.shape[1]):
        centred = z - mean[:, k, None]
        own = _scatter(centred, centred * share[:, k, :, None], diagonal)
        covariance = (own + (dim + 2) * prior) / (owned[:, k] + dim + 2)[:, None, None]
        roots.append(_root_of_precision(covariance, diagonal))
    weight = (owned + 1) / (owned + 1).sum(dim=1, keepdim=True)
    return _Mixture(weight.log(), mean, torch.stack(roots, dim=1))


def _scatter(a: Tensor, b: Tensor, diagonal: bool) -> Tensor:
    """Sum products over samples: (F, d, d), or its diagonal as (F, 1, d)."""
    return (a * b).sum(dim=1, keepdim=True) if diagonal else a.transpose(1, 2) @ b


def _root_of_precision(covariance: Tensor, diagonal: bool) -> Tensor:
    if diagonal:
        return (covariance + FLOOR).rsqrt()
    eye = torch.eye(covariance.shape[-1], device=covariance.device)
    factor = torch.linalg.cholesky(covariance + FLOOR * eye)
    inverse: Tensor = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
    return inverse.mT


def _clusters(z: Tensor, k: int) -> Tensor:
    """Return 0/1 shares (F, k, n): k-means from seeds that are far apart (k-means++)."""
    rows = torch.arange(len(z), device=z.device)
    centres = z[rows, torch.randint(z.shape[1], (len(z),), device=z.device)][:, None]
    while centres.shape[1] < k:
        distance = torch.cdist(z, centres).amin(dim=-1).square() + 1e-12
        chosen = z[rows, torch.multinomial(distance, 1)[:, 0]]
        centres = torch.cat([centres, chosen[:, None]], dim=1)
    share = _nearest(z, centres)
    for _ in range(KMEANS_ROUNDS):
        centres = share @ z / share.sum(dim=-1).clamp_min(1)[..., None]
        share = _nearest(z, centres)
    return share


def _nearest(z: Tensor, centres: Tensor) -> Tensor:
    nearest = torch.cdist(z, centres).argmin(dim=-1)
    return F.one_hot(nearest, centres.shape[1]).to(z.dtype).transpose(1, 2)
