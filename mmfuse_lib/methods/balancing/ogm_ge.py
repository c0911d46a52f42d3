r"""OGM-GE: gradients modulated on the fly (Peng et al., CVPR 2022).

A joint model whose head is linear is a sum of one vote a modality,

.. math:: \ell = \sum_m \ell_m, \qquad \ell_m = W_m z_m + b / n.

While one modality's votes are better than the others', the gradients of its encoder are made
smaller, so that the others catch up (*OGM*, on-the-fly gradient modulation). Noise as large as the
gradients themselves is added (*GE*, generalisation enhancement). The method is `OGMGE`; the
functions below it are the paper's equations.

References
----------
Peng, X., Wei, Y., Deng, A., Wang, D. and Hu, D. (2022). Balanced multimodal learning via on-the-fly
gradient modulation. *CVPR*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError, check_numbers
from mmfuse_lib.core.ranks import whole_batch
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.fusion import LinearFusion
from mmfuse_lib.methods.base import Spec, Stage, Update, task_terms
from mmfuse_lib.methods.baselines import JointFusion


class OGMGE(JointFusion):
    """Joint training that slows down the encoder of the modality that is ahead.

    One stage, on the cross-entropy of the joint prediction. After each backward pass the gradients
    of the encoders' weights are multiplied by `modulation` of the `discrepancy`, and noise is added
    to them (`modulate`). Both are recorded, as ``rho_m`` and ``k_m`` for each modality m.

    Parameters
    ----------
    spec, encoders
        See `Method`; two or more modalities, and classes.
    alpha : float
        How much the leading modality is slowed down. The authors advise 0.1 for VGGSound and 0.8
        for CREMA-D; 0 leaves the noise alone.
    noise : bool
        Whether noise is added (GE). False is the paper's ablation, OGM.
    modulated : float
        Share of the epochs, from the first, with modulation and noise; half in the authors' code.

    Raises
    ------
    DataError
        For a single modality, for regression, or for several labels a sample.
    ValueError
        If an option is out of its range.

    Notes
    -----
    The recipe of the authors' code is ::

        model = OGMGE.for_data(train, encoders=resnets, alpha=0.8)
        sgd = partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4)
        fit(model, train, val, epochs=100, batch_size=64, lr=1e-3, optimizer=sgd)

    with the learning rate at a tenth from epoch 70 on. An optimiser that divides the gradients by
    their own size, as `fit`'s default AdamW does, takes a part of the modulation out again: only
    how k changes from step to step is left of it. SGD is what the paper modulates.

    **What differs from the paper and its code**

    * Sources: the authors' code at https://github.com/GeWu-Lab/OGM-GE_CVPR2022 was read; of the
      paper only what this code cites of it, its equation 10 (`modulation`).
    * Number of modalities. Paper and code have two. Here rho_m of more is held against the *mean*
      score of the others, which is the paper's ratio for two and 1 where all are equally good. The
      extension is ours. MLA's code has another for three: against the sum of the others' scores,
      so that only a modality better than both together is slowed down.
    * What is modulated. The paper writes all parameters of an encoder. The code changes kernels of
      convolutions only (gradients of four axes); here all weights of two or more axes, so that
      encoders without convolutions are modulated too. Biases and normalisation are left alone.
    * Noise. As in the code: its standard deviation is that of all entries of a weight's gradient,
      before modulation, plus 1e-8. The leading and the other modalities get it alike.
    * Equality. At a ratio of exactly 1 the code slows down the first modality, the equation
      neither; ours follows the equation.
    * Window. The code modulates in the epochs 0 to 50 of 100, both included, ours in the first
      half.
    * Initial weights. Theirs are Xavier's for linear layers, with biases of zero; ours as torch's.
    * Learning rate. Constant here, where the code has one step down at epoch 70.
    * Choice of the epoch. The code keeps the epoch that is best on the test data; `fit` the one
      with the lowest loss on the validation data.
    * Fusion. The code also modulates under summed, gated and FiLM fusion. Ours has the linear head
      only: with the last two there is no vote of a modality alone.
    """

    fusion: LinearFusion

    def __init__(
        self,
        spec: Spec,
        encoders: Mapping[str, nn.Module],
        *,
        alpha: float = 0.1,
        noise: bool = True,
        modulated: float = 0.5,
    ) -> None:
        if spec.task != "classification":
            raise DataError("OGM-GE is defined for classes: it compares probabilities of the label")
        check_numbers("[0, inf)", alpha=alpha)
        check_numbers("[0, 1]", modulated=modulated)
        super().__init__(spec, encoders, fusion="linear")
        self.alpha, self.noise, self.modulated = alpha, noise, modulated

    def stages(self, epochs: int) -> list[Stage]:
        """Train end to end; the first epochs with modulated gradients."""
        step = partial(self.step, n_modulated=round(self.modulated * epochs))
        return [Stage("joint", epochs, [self], self.task_terms, step=step)]

    def votes(self, z: Sequence[Tensor]) -> Tensor:
        """Return ``l_m = W_m z_m + b / n``, ``(n, B, K)``; the logits are their sum."""
        W = torch.split(self.fusion.out.weight, list(self.dims.values()), dim=1)
        b = self.fusion.out.bias / len(z)
        return torch.stack([z_m @ W_m.T + b for z_m, W_m in zip(z, W, strict=True)])

    def step(self, batch: MultimodalData, update: Update, *, n_modulated: int) -> dict[str, Tensor]:
        """Train on one batch: the update of joint training, with the gradients modulated."""
        z = self.encode(batch.inputs)
        terms = task_terms(self.fusion(z), batch.target)
        votes = self.votes([whole_batch(z_m.detach()) for z_m in z]).detach()
        rho = discrepancy(votes, whole_batch(batch.target))
        k = modulation(rho, self.alpha)
        if update.epoch >= n_modulated:
            update(terms["total"])
            k = torch.ones_like(k)
        else:
            update(terms["total"], lambda: self._modulate_encoders(k))
        for m, name in enumerate(self.encoders):
            terms |= {f"rho_{name}": rho[m], f"k_{name}": k[m]}
        return terms

    def _modulate_encoders(self, k: Tensor) -> None:
        for k_m, encoder in zip(k, self.encoders.values(), strict=True):
            for w in encoder.parameters():
                if w.grad is not None and w.ndim > 1:
                    w.grad = modulate(w.grad, k_m, noise=self.noise)


def discrepancy(votes: Tensor, target: Tensor) -> Tensor:
    """Return how far each modality is ahead of the others.

    ``rho_m = s_m / mean_{j != m} s_j``, where ``s_m = sum_i softmax(l_m)[i, y_i]`` is the
    probability that modality m alone gives to the labels of the batch. For two modalities that is
    the paper's ``s_1 / s_2``, and its inverse.

    Parameters
    ----------
    votes : Tensor, shape (n, B, K)
        Logits l_m.
    target : Tensor, shape (B,), int64
        Labels y.

    Returns
    -------
    Tensor, shape (n,)
        Positive; 1 where a modality is as good as the others.
    """
    p = votes.softmax(dim=2)
    s = p.gather(2, target.expand(p.shape[:2]).unsqueeze(2)).sum(dim=(1, 2))
    return s * (len(s) - 1) / (s.sum() - s)


def modulation(rho: Tensor, alpha: float) -> Tensor:
    """Return the factor of each modality's gradients, the paper's equation 10.

    ``k_m = 1 - tanh(alpha * rho_m)`` where rho_m > 1, else 1.
    """
    return torch.where(rho > 1, 1 - torch.tanh(alpha * rho), 1.0)


def modulate(gradient: Tensor, k: Tensor, *, noise: bool) -> Tensor:
    """Return ``k * g + eps``, with Gaussian noise eps of the standard deviation of g's entries."""
    modulated = k * gradient
    if noise and gradient.numel() > 1:
        modulated = modulated + (gradient.std() + 1e-8) * torch.randn_like(gradient)
    return modulated
