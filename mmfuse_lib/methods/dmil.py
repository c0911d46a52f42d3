r"""DMIL: redundancy, uniqueness and synergy as parts of a network (Yang et al., CVPR 2026).

**Level 1, within a modality.** What the feature z says of the label by itself, M, is split from
the rest, N. Both are Gaussian bottlenecks, and together they give z back.

**Level 2, across modalities.** What M1 and M2 have in common is the redundant part R, the rest of
each the unique parts U1 and U2; S is the synergistic part, made from the residuals N1 and N2.

Each component has a linear classifier, and a gate weighs their logits per sample:

.. math:: \hat\ell = \sum_{c \in \{R, U_1, U_2, S\}} g_c\, \ell_c, \qquad
          g = \mathrm{softmax}(\mathrm{MLP}([R, U_1, U_2, S])).

References
----------
Yang, Z., Wei, Y., Ni, H., Xu, Z. and Hu, D. (2026). Information-theoretic decomposition for
multimodal interaction learning. *CVPR*.
Alemi, A., Fischer, I., Dillon, J. and Murphy, K. (2017). Deep variational information bottleneck.
*ICLR*.
"""
# ruff: noqa: N802, N815 (the paper's symbols)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError, check_names
from mmfuse_lib.core.ranks import whole_batch
from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.fusion import with_auxiliary
from mmfuse_lib.methods.base import Method, Spec, Stage, task_terms

Terms = dict[str, Tensor]

#: Which levels a model can have: both, level 1 alone, level 2 alone.
LEVELS = ("both", "intra", "consistency")

#: Up to where a log-variance is what its map says: far beyond what training uses.
LOG_MAX = 30.0


# The terms of the objective, each in nats and a mean over the batch.


class Gaussian(NamedTuple):
    """Gaussians with diagonal covariance, ``(.., B, d)``; a point where `log_var` is None.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dmil import Gaussian
    >>> point = Gaussian(torch.ones(8, 4), None)
    >>> bool((point.sample() == 1).all())
    True
    """

    mean: Tensor
    log_var: Tensor | None

    def sample(self) -> Tensor:
        """Draw one value each, so that gradients reach mean and variance."""
        if self.log_var is None:
            return self.mean
        return self.mean + torch.exp(0.5 * self.log_var) * torch.randn_like(self.mean)


def task(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the loss of each of C predictors, ``(C,)``, from ``(C, B, K)`` and ``(B,)``.

    Cross-entropy, an upper bound on H(Y|latent); the mean squared error for regression. With
    `weight`, ``(B,)``, a weighted mean over the batch.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dmil import task
    >>> logits = torch.stack([torch.zeros(8, 2), torch.tensor([[9.0, 0.0]]).expand(8, 2)])
    >>> task(logits, torch.zeros(8, dtype=torch.int64)).round(decimals=2)  # a guess, a sure head
    tensor([0.6900, 0.0000])
    """
    losses = _losses(logits, target)
    return (losses if weight is None else losses * weight).mean(dim=-1)


def _losses(logits: Tensor, target: Tensor) -> Tensor:
    """Return the loss of each predictor on each sample, ``(C, B)``."""
    if target.is_floating_point():
        return (logits.squeeze(-1) - target).square()
    log_p = F.log_softmax(logits, dim=-1)
    return -log_p.gather(-1, target.expand(logits.shape[:-1]).unsqueeze(-1)).squeeze(-1)


def focus(logits: Tensor, target: Tensor) -> Tensor:
    """Return weights ``(B,)`` of mean 1: large where no modality alone finds the label (ours).

    They are ``prod_m (1 - p_m(y))``, from the logits ``(n, B, K)`` of the modalities, without
    gradient; for regression, the smallest of the squared errors.
    """
    losses = _losses(logits.detach(), target)
    if target.is_floating_point():
        alone = losses.min(dim=0).values
    else:
        alone = (-torch.expm1(-losses)).prod(dim=0)
    return alone / whole_batch(alone).mean().clamp_min(1e-2)


def variational(q: Gaussian) -> Tensor:
    """Return KL(q || N(0, I)), an upper bound on the information that a latent keeps.

    Summed over the d dimensions and over all axes before the batch.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dmil import Gaussian, variational
    >>> standard = Gaussian(torch.zeros(8, 4), torch.zeros(8, 4))
    >>> told = Gaussian(torch.full((8, 4), 2.0), torch.zeros(8, 4))
    >>> variational(standard), variational(told)  # nats that a latent is charged for
    (tensor(0.), tensor(8.))
    """
    if q.log_var is None:
        return q.mean.new_zeros(())
    kl = 0.5 * (q.mean.square() + q.log_var.exp() - 1 - q.log_var)
    return kl.sum(dim=-1).mean(dim=-1).sum()


def alignment(q: Gaussian, v: Gaussian) -> Tensor:
    """Return KL(q || v), summed over the d dimensions and over all axes before the batch.

    With q = q(R|M1,M2) and v = v_m(R|M_m) it bounds I(R;M1,M2|M_m) from above: what R says that
    modality m could not say alone. Between points it is that of Gaussians of variance 1.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dmil import Gaussian, alignment
    >>> here, there = Gaussian(torch.zeros(8, 4), None), Gaussian(torch.ones(8, 4), None)
    >>> alignment(here, here), alignment(here, there)  # nats: half a squared distance
    (tensor(0.), tensor(2.))
    """
    distance = (q.mean - v.mean).square()
    if q.log_var is None or v.log_var is None:
        kl = 0.5 * distance
    else:
        log_precision = soft_clamp(-v.log_var)
        log_ratio = q.log_var + log_precision
        kl = 0.5 * (log_ratio.exp() + distance * log_precision.exp() - 1 - log_ratio)
    return kl.sum(dim=-1).mean(dim=-1).sum()


def reconstruction(x: Tensor, x_hat: Tensor) -> Tensor:
    """Return the squared error of ``(.., B, d)``, a mean over B and d, summed over what precedes.

    Up to constants it bounds -I(latents; x) from above. That holds for a given x: where the network
    makes x itself, callers detach it, or x shrinks until nothing is left to reconstruct.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dmil import reconstruction
    >>> reconstruction(torch.zeros(8, 4), torch.full((8, 4), 0.5))
    tensor(0.2500)
    """
    return (x - x_hat).square().mean(dim=(-1, -2)).sum()


# The parts of the network.


class ParallelLinear(nn.Module):
    """n linear maps side by side, in one product: ``(n, B, d_in)`` to ``(n, B, d_out)``."""

    def __init__(self, n: int, d_in: int, d_out: int) -> None:
        super().__init__()
        bound = d_in**-0.5
        self.weight = nn.Parameter(torch.empty(n, d_in, d_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n, 1, d_out).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Map the i-th batch by the i-th map."""
        return torch.baddbmm(self.bias, x, self.weight)

    def last(self, x: Tensor) -> Tensor:
        """Map ``(B, d_in)`` by the last map alone, to ``(1, B, d_out)``."""
        return torch.addmm(self.bias[-1], x, self.weight[-1]).unsqueeze(0)


class Bottleneck(nn.Module):
    """n maps to latents: ``(n, B, d_in)`` to one Gaussian ``(n, B, d)`` for each latent.

    Parameters
    ----------
    n, d_in, d : int
        Maps, length of what each sees, length of a latent.
    has_variance : sequence of bool
        One a latent; those without variance are points, and their map is a linear layer.
    """

    def __init__(self, n: int, d_in: int, d: int, has_variance: Sequence[bool]) -> None:
        super().__init__()
        self.d, self.has_variance = d, tuple(has_variance)
        self.maps = ParallelLinear(n, d_in, (len(has_variance) + sum(has_variance)) * d)

    def forward(self, x: Tensor) -> list[Gaussian]:
        """Return the latents' Gaussians."""
        parts = list(self.maps(x).split(self.d, dim=-1))  # all means, then the log-variances
        means, log_vars = parts[: len(self.has_variance)], parts[len(self.has_variance) :]
        return [
            Gaussian(mean, soft_clamp(log_vars.pop(0)) if has_variance else None)
            for mean, has_variance in zip(means, self.has_variance, strict=True)
        ]

    def draw(self, q: Gaussian) -> Tensor:
        """Return a sample in training, the mean in evaluation."""
        return q.sample() if self.training else q.mean


def soft_clamp(log: Tensor) -> Tensor:
    """Return logarithms as they are up to `LOG_MAX`; what exceeds it, as its own logarithm.

    An untrained map of large latents would else give variances beyond what a float can hold. Unlike
    clipping, this leaves a gradient that leads back.
    """
    excess = torch.relu(log - LOG_MAX)
    return log - (excess - torch.log1p(excess))


def decoder(n: int, d: int) -> nn.Sequential:
    """Return n decoders 2d -> d/2 -> ReLU -> d."""
    hidden = max(1, d // 2)
    return nn.Sequential(ParallelLinear(n, 2 * d, hidden), nn.ReLU(), ParallelLinear(n, hidden, d))


class IntraLevel(nn.Module):
    """Level 1: z_m to M_m, which predicts, and N_m, which does not.

    Parameters
    ----------
    dims : sequence of int
        Lengths of the encoders' features.
    d : int
        Length of z_m (after a linear map), of M_m and of N_m.
    n_outputs : int
        K.
    has_variance : pair of bool
        Whether M and N have a variance.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dmil import IntraLevel
    >>> level = IntraLevel([64, 32], d=16, n_outputs=4, has_variance=(True, True))
    >>> level([torch.zeros(8, 64), torch.zeros(8, 32)]).M.shape  # of two modalities
    torch.Size([2, 8, 16])
    """

    def __init__(
        self, dims: Sequence[int], d: int, n_outputs: int, has_variance: tuple[bool, bool]
    ) -> None:
        super().__init__()
        n = len(dims)
        self.embed = nn.ModuleList(nn.Linear(d_m, d) for d_m in dims)
        self.bottleneck = Bottleneck(n, d, d, has_variance)
        self.decode = decoder(n, d)
        self.classify = ParallelLinear(n, d, n_outputs)

    def forward(self, features: Sequence[Tensor]) -> Intra:
        """Map n features ``(B, d_m)`` to z, M and N, each ``(n, B, d)``."""
        z = torch.stack([embed(f) for embed, f in zip(self.embed, features, strict=True)])
        q_m, q_n = self.bottleneck(z)
        return Intra(z, q_m, q_n, self.bottleneck.draw(q_m), self.bottleneck.draw(q_n))

    def terms(self, at: Intra, logits: Tensor, target: Tensor) -> Terms:
        """Return the terms of L1, given the logits ``(n, B, K)`` of M."""
        z_hat = self.decode(torch.cat([at.M, at.N], dim=-1))
        return {
            "task_1": task(logits, target).sum(),
            "variational_1": variational(at.q_M) + variational(at.q_N),
            "reconstruction_1": reconstruction(at.z.detach(), z_hat),
            **accuracies(logits, target, [f"M{m + 1}" for m in range(len(logits))]),
        }


class Undivided(nn.Module):
    """Level 1 left out: M_m and N_m are both z_m itself (an ablation)."""

    def __init__(self, dims: Sequence[int], d: int, n_outputs: int) -> None:
        super().__init__()
        self.embed = nn.ModuleList(nn.Linear(d_m, d) for d_m in dims)
        self.classify = ParallelLinear(len(dims), d, n_outputs)

    def forward(self, features: Sequence[Tensor]) -> Intra:
        """Map n features ``(B, d_m)`` to z, ``(n, B, d)``, in all three roles."""
        z = torch.stack([embed(f) for embed, f in zip(self.embed, features, strict=True)])
        return Intra(z, Gaussian(z, None), Gaussian(z, None), z, z)

    def terms(self, at: Intra, logits: Tensor, target: Tensor) -> Terms:
        """Return the one term that is left of L1."""
        names = [f"M{m + 1}" for m in range(len(logits))]
        return {"task_1": task(logits, target).sum(), **accuracies(logits, target, names)}


class Intra(NamedTuple):
    """What level 1 makes of a batch: tensors ``(n, B, d)``."""

    z: Tensor
    q_M: Gaussian
    q_N: Gaussian
    M: Tensor
    N: Tensor


class ConsistencyLevel(nn.Module):
    """Level 2: the means of M_1 and M_2 to R, U_1 and U_2.

    Parameters
    ----------
    d : int
        Length of M_m and of each component.
    has_variance : bool
        Whether R, U_1 and U_2 have a variance.
    """

    def __init__(self, d: int, has_variance: bool) -> None:
        super().__init__()
        self.redundant = Bottleneck(1, 2 * d, d, [has_variance])  # q(R | M_1, M_2)
        self.unique = Bottleneck(2, d, d, [has_variance])  # q(U_m | M_m)
        self.from_one = Bottleneck(2, d, d, [has_variance])  # v_m(R | M_m)
        self.decode = decoder(2, d)

    def forward(self, M: Tensor) -> Consistency:
        """Map the means of M, ``(2, B, d)``, to R ``(1, B, d)`` and U ``(2, B, d)``."""
        (q_r,) = self.redundant(torch.cat([M[0], M[1]], dim=-1).unsqueeze(0))
        (q_u,) = self.unique(M)
        return Consistency(M, q_r, q_u, self.redundant.draw(q_r), self.unique.draw(q_u))

    def terms(self, at: Consistency) -> Terms:
        """Return the terms of L2 without the classifiers'."""
        (v,) = self.from_one(at.M)
        M_hat = self.decode(torch.cat([at.R.expand_as(at.U), at.U], dim=-1))
        return {
            "variational_2": variational(at.q_R) + variational(at.q_U),
            "alignment_2": alignment(at.q_R, v),
            "reconstruction_2": reconstruction(at.M.detach(), M_hat),
        }


class Consistency(NamedTuple):
    """What level 2 makes of a batch: M and U ``(2, B, d)``, R ``(1, B, d)``."""

    M: Tensor
    q_R: Gaussian
    q_U: Gaussian
    R: Tensor
    U: Tensor


class ProductSynergy(nn.Module):
    """``S = W [N_1; ..; N_n; products] + b``, a product for every two or more modalities.

    XOR of two signs is their product, so the product makes it linear.
    """

    def __init__(self, n: int, d: int) -> None:
        super().__init__()
        self.subsets = [s for size in range(2, n + 1) for s in combinations(range(n), size)]
        self.out = nn.Linear((n + len(self.subsets)) * d, d)

    def forward(self, N: Tensor) -> Tensor:
        """Map ``(n, B, d)`` to ``(B, d)``."""
        products = [N[list(subset)].prod(dim=0) for subset in self.subsets]
        S: Tensor = self.out(torch.cat([*N, *products], dim=-1))
        return S


class ResidualSynergy(nn.Module):
    """Multi-layer fusion of the residuals, each normalised: two hidden layers of 4d with ReLU.

    The paper says "residual multi-layer fusion" and, where we could read it, no more. That the
    word means the residuals N_m, that they are normalised (`LayerNorm`), and the number, width and
    activation of the layers are our guess. There is no skip connection, another reading of the
    word.
    """

    def __init__(self, n: int, d: int) -> None:
        super().__init__()
        self.normalise = nn.LayerNorm(d, elementwise_affine=False)
        self.net = nn.Sequential(
            nn.Linear(n * d, 4 * d),
            nn.ReLU(),
            nn.Linear(4 * d, 4 * d),
            nn.ReLU(),
            nn.Linear(4 * d, d),
        )

    def forward(self, N: Tensor) -> Tensor:
        """Map ``(n, B, d)`` to ``(B, d)``."""
        S: Tensor = self.net(torch.cat([*self.normalise(N)], dim=-1))
        return S


SYNERGY: dict[str, Callable[[int, int], nn.Module]] = {
    "residual": ResidualSynergy,
    "product": ProductSynergy,
}


def accuracies(logits: Tensor, target: Tensor, names: Sequence[str]) -> Terms:
    """Return the accuracy of each of ``(C, B, K)`` predictors; nothing for regression."""
    if target.is_floating_point():
        return {}
    rates = (logits.argmax(dim=-1) == target).float().mean(dim=-1)
    return {f"accuracy_{name}": rate for name, rate in zip(names, rates, strict=True)}


@dataclass(frozen=True)
class Components:
    """What `DMIL` makes of a batch.

    Attributes
    ----------
    latents : dict of str to Tensor
        M1 .. Mn and N1 .. Nn of level 1 and the components (R, U1, U2, S), each ``(B, d)``.
    logits : dict of str to Tensor
        Logits of each component's classifier, ``(B, K)``.
    """

    latents: dict[str, Tensor]
    logits: dict[str, Tensor]


class DMIL(Method):
    """Decompose, predict from each component, weigh by a gate.

    With three modalities there is level 1 only, as in the paper: the components are then what each
    modality predicts alone, M1 .. M3, and S; no redundant or unique part is claimed.

    Parameters
    ----------
    spec, encoders
        See `Method`; two modalities, or three.
    synergy : str or callable
        How S is made from the residuals: ``"residual"`` (a multi-layer fusion), ``"product"``
        (linear in N_1, N_2 and their product), or a class to be called on (n, d).
    levels : str, optional
        ``"both"`` (default for two modalities), ``"intra"`` (default for three) or
        ``"consistency"``: the last two are ablations for two modalities.
    variational : bool
        Gaussian latents; False puts linear layers in their place (the FC ablation).
    fixed_gate : bool
        Weigh all components alike (an ablation).
    synergy_first : bool
        Our remedy for synergy that is hard to learn, not part of the paper. A stage before the
        others trains encoders and synergy branch, and its loss stays in L1, so that the encoders
        keep what only both modalities together can use; S learns from the samples that no
        modality solves alone (`focus`); N has no noise and no KL term.
    latent_dim : int
        d, the length of every latent.
    lam, alpha, beta, gamma : float
        Weights of the KL terms to N(0, I), of the alignment, and of the losses of level 1 and 2 in
        the last stage. Not published; chosen on validation data. At 1e-5, `lam` and `alpha` are
        nearly off, see the notes.

    Raises
    ------
    DataError
        If there are not two or three modalities, or level 2 is asked for with three; for data with
        several labels a sample.
    UnknownNameError
        If `synergy` or `levels` has no such name.

    Notes
    -----
    **What differs from the paper and its code**

    * Code: the authors announce theirs at https://github.com/GeWu-Lab/DMIL. It was not to be had
      on 2026-11-30, so this list is about the paper as we could read it, and no number of ours
      has been held against theirs.
    * Weights: `lam`, `alpha`, `beta` and `gamma` are not published in a place that we could read.
      Ours were chosen on validation data of digit pairs. At these, KL and alignment terms of
      hundreds or thousands of nats cost a few hundredths of a nat or less beside a cross-entropy
      of 1.4: the bottlenecks are practically open, and what regularises is the noise that the
      latents start with. A larger `lam` closes them. On digit pairs that delays synergy; on
      UTD-MHAD, with few samples, `lam` of 1e-3 to 1e-1 had a lower validation loss. Choose it on
      validation data of your own.
    * Synergy: the paper calls its branch a residual multi-layer fusion. Its layers, their
      normalisation and that "residual" means N_1 and N_2 are our guess (`ResidualSynergy`);
      `synergy` takes another.
    * Reconstruction: its target is held constant here, or the encoders would shrink what is to be
      reconstructed. The paper's formula does not say so.
    * Gate: the second stage minimises the loss of the prediction, too, because the gate occurs
      nowhere else and would not be trained.
    * Stages: 10 epochs for level 1 and 5 for level 2 are the paper's. Of a budget below 25 epochs
      they get 40 % and 20 %, which is ours. So is what chooses the epoch that a stage hands on:
      the validation loss of level 1's classifiers, then that of the prediction.
    * Size: latents of 512 in the paper, of 64 here; `latent_dim=512` gives theirs.
    * Large log-variances, beyond 30, are replaced by something that grows more slowly: only an
      untrained map of large features gets there, and would overflow.
    * Regression, with a squared error in place of the cross-entropy, is ours, and so is
      `synergy_first`.
    * As in the paper: latents are sampled in training and are means in evaluation; level 2 reads
      the means of M; three modalities have level 1 only.

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> model = methods.DMIL.for_data(train, dim=16, seed=0)
    >>> [stage.name for stage in model.stages(30)]
    ['intra', 'consistency', 'joint']
    >>> model.interaction_names
    ('R', 'U1', 'U2', 'S')
    """

    def __init__(
        self,
        spec: Spec,
        encoders: Mapping[str, nn.Module],
        *,
        synergy: str | Callable[[int, int], nn.Module] = "residual",
        levels: str | None = None,
        variational: bool = True,
        fixed_gate: bool = False,
        synergy_first: bool = False,
        latent_dim: int = 64,
        lam: float = 1e-5,
        alpha: float = 1e-5,
        beta: float = 0.1,
        gamma: float = 0.1,
    ) -> None:
        super().__init__(spec, encoders)
        if spec.task == "multilabel":
            raise DataError("DMIL is defined for classes and regression, not for several labels")
        levels = _check_levels(levels, list(self.encoders))
        n, d, K, dims = len(self.encoders), latent_dim, spec.n_outputs, list(self.dims.values())
        # What a level minimises, and how much it weighs; any other term is only recorded.
        self.weights = {
            "task_1": 1.0, "variational_1": lam, "reconstruction_1": 1.0,
            "task_2": 1.0, "variational_2": lam, "alignment_2": alpha, "reconstruction_2": 1.0,
        }  # fmt: skip
        self.beta, self.gamma, self.synergy_first = beta, gamma, synergy_first
        self.intra = (
            Undivided(dims, d, K)
            if levels == "consistency"
            else IntraLevel(dims, d, K, (variational, variational and not synergy_first))
        )
        self.consistency = None if levels == "intra" else ConsistencyLevel(d, variational)
        self.synergy = _make_synergy(synergy, n, d)
        self.interaction_names = (
            (*(f"M{m + 1}" for m in range(n)), "S") if levels == "intra" else INTERACTIONS
        )
        c = len(self.interaction_names)
        self.classify = ParallelLinear(c, d, K)
        self.gate = (
            None if fixed_gate else nn.Sequential(nn.Linear(c * d, d), nn.ReLU(), nn.Linear(d, c))
        )

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Weigh the components' logits by the gate."""
        return self._run(inputs).prediction

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the gate ``(B, C)``: the weight of each component in each sample's logits."""
        return self._run(inputs).gate

    def components(self, inputs: Mapping[str, Tensor]) -> Components:
        """Return all latents, and the logits of each component."""
        at = self._run(inputs)
        names = self.interaction_names
        latents = {
            f"{latent}{m + 1}": x
            for latent in "MN"
            for m, x in enumerate(getattr(at.intra, latent))
        }
        latents |= dict(zip(names, at.latents, strict=True))
        return Components(latents, dict(zip(names, at.logits, strict=True)))

    def stages(self, epochs: int) -> list[Stage]:
        """Level 1, then level 2 on what level 1 found, then all: 10, 5 and the remaining epochs.

        Of a budget below 25 epochs the first two get 40 % and 20 %. With `synergy_first` there is
        a stage before them, with 40 % of the budget.
        """
        zero = 2 * epochs // 5 if self.synergy_first else 0
        rest = epochs - zero
        first, second = min(10, 2 * rest // 5), min(5, rest // 5)
        level1 = [self.encoders, self.intra]
        branch = [self.synergy, self.classify]
        heads = [part for part in (self.consistency, *branch, self.gate) if part is not None]
        if self.synergy_first:
            intra = Stage("intra", first, [*level1, *branch], self.L1)
        else:
            intra = Stage("intra", first, level1, self.L1, "task_1")
        stages = [
            Stage("synergy", zero, [*level1, *branch], self.L0),
            intra,
            Stage("consistency", second, heads, self.L2, "prediction"),
            Stage("joint", rest - first - second, [self], self.L3, "prediction"),
        ]
        return [stage for stage in stages if stage.epochs > 0]

    def L0(self, batch: MultimodalData) -> Terms:
        """Return the terms of the stage before the others (ours).

        The modalities' classifiers, which say where to focus, do not pull at the encoders.
        """
        at = self.intra(self.encode(batch.inputs))
        logits = self.intra.classify(at.q_M.mean.detach())
        terms = {"task_1": task(logits, batch.target).sum()}
        terms |= self._branch_terms(at, logits, batch.target)
        terms = {"total": terms["task_1"] + terms["task_S"]} | terms
        return with_auxiliary(terms, [self.synergy])

    def L1(self, batch: MultimodalData) -> Terms:
        """Return the terms of stage one."""
        at = self.intra(self.encode(batch.inputs))
        logits = self.intra.classify(at.M)
        terms = self.intra.terms(at, logits, batch.target)
        terms = {"total": self._total(terms)} | terms
        if self.synergy_first:
            terms |= self._branch_terms(at, logits, batch.target)
            terms["total"] = terms["total"] + terms["task_S"]
            terms = with_auxiliary(terms, [self.synergy])
        return terms

    def L2(self, batch: MultimodalData) -> Terms:
        """Return the terms of stage two: those of level 2, and the prediction for the gate."""
        at = self._run(batch.inputs)
        weight = None
        if self.synergy_first:
            weight = focus(self.intra.classify(at.intra.M), batch.target)
        terms = self._terms_2(at, batch.target, weight)
        output = self._output(at, batch.target)
        terms = {"total": output["prediction"] + self._total(terms)} | output | terms
        return with_auxiliary(terms, [self.synergy])

    def L3(self, batch: MultimodalData) -> Terms:
        """Return the terms of stage three."""
        at = self._run(batch.inputs)
        logits = self.intra.classify(at.intra.M)
        first = self.intra.terms(at.intra, logits, batch.target)
        weight = focus(logits, batch.target) if self.synergy_first else None
        second = self._terms_2(at, batch.target, weight)
        output = self._output(at, batch.target)
        levels = self.beta * self._total(first) + self.gamma * self._total(second)
        terms = {"total": output["prediction"] + levels} | output | first | second
        return with_auxiliary(terms, [self.synergy])

    def _run(self, inputs: Mapping[str, Tensor]) -> _Pass:
        """Evaluate every part that a prediction needs, once."""
        intra = self.intra(self.encode(inputs))
        if self.consistency is None:
            consistency, sources = None, intra.M
        else:
            consistency = self.consistency(intra.q_M.mean)
            sources = torch.cat([consistency.R, consistency.U])
        latents = torch.cat([sources, self.synergy(intra.N).unsqueeze(0)])
        logits = self.classify(latents)
        flat = latents.transpose(0, 1).flatten(1)
        c = len(latents)
        gate = (
            flat.new_full((len(flat), c), 1 / c)
            if self.gate is None
            else self.gate(flat).softmax(dim=1)
        )
        prediction = torch.einsum("bc,cbk->bk", gate, logits)
        return _Pass(intra, consistency, latents, logits, gate, prediction)

    def _branch_terms(self, at: Intra, logits: Tensor, target: Tensor) -> Terms:
        """Return the loss of the synergy branch alone, where no modality is right alone."""
        of_S = self.classify.last(self.synergy(at.N))
        loss = task(of_S, target, focus(logits, target)).sum()
        return {"task_S": loss} | accuracies(of_S, target, ["S"])

    def _terms_2(self, at: _Pass, target: Tensor, weight: Tensor | None) -> Terms:
        """Return the terms of L2, the samples of S weighted."""
        others, of_S = task(at.logits[:-1], target), task(at.logits[-1:], target, weight)
        terms = {"task_2": others.sum() + of_S.sum()}
        if self.consistency is not None and at.consistency is not None:
            terms |= self.consistency.terms(at.consistency)
        return terms | accuracies(at.logits, target, self.interaction_names)

    def _output(self, at: _Pass, target: Tensor) -> Terms:
        """Return the terms of the method's own prediction, and the mean weights of the gate."""
        terms = task_terms(at.prediction, target)
        weights = zip(self.interaction_names, at.gate.mean(dim=0).detach(), strict=True)
        return {"prediction": terms.pop("total")} | terms | {f"gate_{c}": g for c, g in weights}

    def _total(self, terms: Terms) -> Tensor:
        """Return the weighted sum of a level's loss terms, those in `weights`."""
        return torch.stack(
            [self.weights[k] * x for k, x in terms.items() if k in self.weights]
        ).sum()


class _Pass(NamedTuple):
    intra: Intra
    consistency: Consistency | None
    latents: Tensor
    logits: Tensor
    gate: Tensor
    prediction: Tensor


def _check_levels(levels: str | None, modalities: Sequence[str]) -> str:
    n = len(modalities)
    if n not in (2, 3):
        raise DataError(
            f"DMIL needs two modalities, or three (then with level 1 only); the data has "
            f"{n}: {list(modalities)}"
        )
    levels = levels or ("both" if n == 2 else "intra")
    check_names("levels", [levels], LEVELS)
    if n == 3 and levels != "intra":
        raise DataError(
            f"levels={levels!r} needs two modalities, the data has {list(modalities)}: "
            "redundant and unique parts are defined for two. Use levels='intra'"
        )
    return levels


def _make_synergy(synergy: str | Callable[[int, int], nn.Module], n: int, d: int) -> nn.Module:
    if not isinstance(synergy, str):
        return synergy(n, d)
    check_names("synergy", [synergy], SYNERGY)
    return SYNERGY[synergy](n, d)
