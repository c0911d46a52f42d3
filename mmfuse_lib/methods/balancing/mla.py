r"""MLA: modalities trained in turn, through one head (Zhang et al., CVPR 2024).

Each batch is learned from one modality at a time: its encoder and a head that all modalities share
take a step on that modality's loss alone. So that a step for one modality does not undo in the head
what was learned for another, the gradient of the head's weight W is projected away from the
features that it has seen, by a matrix P from recursive least squares:

.. math:: \nabla W \leftarrow \nabla W\, P, \qquad
          P \leftarrow P - \frac{P \bar h \bar h^\top P}{\alpha + \bar h^\top P \bar h}, \quad
          P \leftarrow P / \lVert P \rVert_F,

with :math:`\bar h` the mean features of the batch in the modality before. A prediction is the mean
of the modalities' logits, each weighted by how sure it is. The method is `MLA`; the functions below
it are its equations.

References
----------
Zhang, X., Yoon, J., Bansal, M. and Yao, H. (2024). Multimodal representation learning by
alternating unimodal adaptation. *CVPR*.
Zeng, G., Chen, Y., Cui, B. and Yu, S. (2019). Continual learning of context-dependent processing in
neural networks. *Nature Machine Intelligence* 1, 364-372.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError, check_numbers
from mmfuse_lib.core.ranks import whole_batch
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods.base import Method, Spec, Stage, Update, common_space, task_terms


class MLA(Method):
    """Encoders trained in turn through one shared head; predictions weighted by certainty.

    One stage. For each batch and modality m in order: an update on ``CE(head(h_m), y)``, with h_m
    the features of m, in which the gradient of the head's weight is multiplied by P; then P takes
    in the mean of h_m (`projection_after`). All updates share one optimiser and its state; what a
    modality's loss does not depend on, the other encoders, stays where it is.

    Parameters
    ----------
    spec, encoders
        See `Method`; two or more modalities, and classes. If the feature lengths differ, each
        modality of more than the smallest length gets a linear map to it: the head needs one space.
    projected : bool
        Whether the head's gradient is projected. False is an ablation.
    alpha : float
        alpha of `projection_after`: the larger, the less a batch takes away from P.
    dynamic : bool
        Whether predictions are weighted by certainty. False is an ablation: all weigh the same.

    Raises
    ------
    DataError
        For a single modality, for regression, or for several labels a sample.
    ValueError
        If `alpha` is not positive.

    Notes
    -----
    P is a buffer, ``P``, so checkpoints hold it, and the epoch that is kept keeps its own. It
    matters for training alone.

    Predictions are sums of one term a modality, up to their weights: as an ensemble, MLA cannot
    learn synergy. `interactions` returns the weights.

    The recipe of the authors' code is ::

        sgd = partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4)
        fit(model, train, val, epochs=100, batch_size=64, lr=1e-3, optimizer=sgd)

    with the learning rate at a tenth from epoch 70 on. The projection is one of gradients: an
    update is orthogonal to the features only where it is a multiple of the gradient, as in SGD, and
    not under AdamW, `fit`'s default, which scales each weight by itself.

    **What differs from the paper and its code**

    * Sources: the authors' code was read, at
      https://github.com/Cecile-hi/Multimodal-Learning-with-Alternating-Unimodal-Adaptation, and the
      paper's abstract. Its equations were not to be had, so P is that of recursive least squares as
      in Zeng et al. (2019), which the code resembles.
    * Projection. In the code as we read it P is never applied: it looks for a parameter named
      ``module.weight`` in a layer whose parameters are ``weight`` and ``bias``. ``projected=False``
      is therefore what it computes.
    * P. Where the equation divides by the number ``alpha + h' P h``, the code divides entry by
      entry by a matrix, ``alpha + P h h'``. Ours is the equation.
    * Whose features. The code would take in the features of the very modality whose gradient is
      about to be projected; ours takes them in after its update, so that a gradient is projected
      away from what came *before*, the last modality of the last batch included.
    * alpha. In the code it falls within each epoch, from 0.1 to 0.01; ours is constant.
    * Size of P. As in the code P is divided by its Frobenius norm whenever it changes, so no
      gradient grows, and P never dies out. It shortens the gradient of W, at d features by about
      the square root of d: this slows the head down under SGD, not under AdamW.
    * Momentum. The code asks for PyTorch 1.8, where cleared gradients are zeros: the encoder of one
      modality moves once more, by momentum and weight decay, in the step of the next. Here it
      rests.
    * Weights of the prediction. ``exp(-entropy)``, normalised, in both; here the entropy is that of
      a sample's class probabilities. The code takes the softmax over the *batch* and sums all
      entries, so its weights are one number a batch and depend on which samples are tested
      together.
    * Without dynamic weights the code has fixed ones, 1/2 each for two modalities and .35, .25 and
      .4 for three; ours are equal.
    * Number of modalities. The code has two or three, with features of one length; ours any number.
    * Initial weights. Theirs are Xavier's for linear layers, with biases of zero; ours as torch's.
    * Learning rate and choice of the epoch. Constant here, where the code has one step down at
      epoch 70; the code keeps the epoch that is best on the test data, `fit` the one whose
      prediction has the lowest loss on the validation data.
    """

    P: Tensor

    def __init__(
        self,
        spec: Spec,
        encoders: Mapping[str, nn.Module],
        *,
        projected: bool = True,
        alpha: float = 0.1,
        dynamic: bool = True,
    ) -> None:
        super().__init__(spec, encoders)
        if spec.task != "classification":
            raise DataError("MLA is defined for classes: it weighs predictions by their entropy")
        spec.check_two("MLA")
        check_numbers("(0, inf)", alpha=alpha)
        self.projected, self.alpha, self.dynamic = projected, alpha, dynamic
        self.interaction_names = tuple(spec.shapes)
        self.project = common_space(self.dims)
        d = min(self.dims.values())
        self.head = nn.Linear(d, spec.n_outputs)
        self.register_buffer("P", torch.eye(d))

    def features(self, inputs: Mapping[str, Tensor], modality: str) -> Tensor:
        """Return h_m, ``(B, d)``."""
        h: Tensor = self.project[modality](self.encoders[modality](inputs[modality]))
        return h

    def unimodal_logits(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return ``(B, n, K)``: what the head makes of each modality."""
        self.spec.check_inputs(inputs, self.encoders)
        return torch.stack([self.head(self.features(inputs, m)) for m in self.encoders], dim=1)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Map inputs to logits ``(B, K)``: the modalities', weighted by their certainty."""
        return self._fuse(self.unimodal_logits(inputs))

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return ``(B, n)``: the weight of each modality's logits (not R, U or S)."""
        return self._weights(self.unimodal_logits(inputs))

    def stages(self, epochs: int) -> list[Stage]:
        """Train all modalities in turn; keep the epoch that predicts best."""
        return [Stage("alternating", epochs, [self], self.terms, "prediction", step=self.step)]

    def terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the loss of each modality, their sum, and the loss of the prediction."""
        return self._terms(self.unimodal_logits(batch.inputs), batch.target)

    def step(self, batch: MultimodalData, update: Update) -> dict[str, Tensor]:
        """Train on one batch, one modality after the other."""
        self.spec.check_inputs(batch.inputs, self.encoders)
        logits = []
        for modality in self.encoders:
            h = self.features(batch.inputs, modality)
            logits.append(self.head(h))
            loss = F.cross_entropy(logits[-1], batch.target)
            update(loss, self._project_gradient if self.projected else None)
            if self.projected:
                self.P = projection_after(self.P, whole_batch(h.detach()), self.alpha)
        return self._terms(torch.stack(logits, dim=1).detach(), batch.target)

    def _project_gradient(self) -> None:
        if self.head.weight.grad is not None:
            self.head.weight.grad = self.head.weight.grad @ self.P

    def _weights(self, logits: Tensor) -> Tensor:
        if self.dynamic:
            return entropy_weights(logits)
        return torch.full_like(logits[..., 0], 1 / len(self.encoders))

    def _fuse(self, logits: Tensor) -> Tensor:
        return (self._weights(logits)[..., None] * logits).sum(dim=1)

    def _terms(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        losses = [F.cross_entropy(l_m, target) for l_m in logits.unbind(dim=1)]
        output = task_terms(self._fuse(logits).detach(), target)
        return {
            "total": torch.stack(losses).sum(),
            "prediction": output["total"],
            "accuracy": output["accuracy"],
            **dict(zip((f"loss_{m}" for m in self.encoders), losses, strict=True)),
        }


@torch.no_grad()
def projection_after(P: Tensor, features: Tensor, alpha: float) -> Tensor:
    """Return P after a batch of features with mean h, a step of recursive least squares.

    ``P - k k' / (alpha + h' k)`` with ``k = P h``, divided by its Frobenius norm. Without the
    division, and with alpha near 0, P becomes the projection on what is orthogonal to all h so far.

    Parameters
    ----------
    P : Tensor, shape (d, d)
        Symmetric; the identity at first.
    features : Tensor, shape (B, d)
        Of the modality that was trained on.
    alpha : float
        Positive.

    Returns
    -------
    Tensor, shape (d, d)
        Symmetric, of norm 1. In single precision or better, also under autocast.
    """
    with torch.autocast(P.device.type, enabled=False):
        h = features.to(P.dtype).mean(dim=0)
        k = P @ h
        P = P - torch.outer(k, k) / (alpha + h @ k)
        shorter: Tensor = P / torch.linalg.vector_norm(P)
        return shorter


def entropy_weights(logits: Tensor) -> Tensor:
    """Return the weight of every modality in the prediction; the lower its entropy, the higher.

    ``w_m = exp(-H_m) / sum_j exp(-H_j)``, with ``H_m`` the entropy of ``softmax(l_m)`` in nats.

    Parameters
    ----------
    logits : Tensor, shape (B, n, K)
        Of n modalities.

    Returns
    -------
    Tensor, shape (B, n)
        Sums to 1 per sample.
    """
    log_p = logits.log_softmax(dim=2)
    entropy = -(log_p.exp() * log_p).sum(dim=2)
    return torch.softmax(-entropy, dim=1)
