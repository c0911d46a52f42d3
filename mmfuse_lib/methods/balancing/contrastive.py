r"""Contrastive pre-training: encoders learn which samples belong together (CLIP, n modalities).

For two modalities, unit vectors u_i and v_k made from sample i in the one and sample k in the
other, and a temperature :math:`\tau`, the loss asks which of the batch's B samples is the partner,
both ways:

.. math:: L = -\frac{1}{2B} \sum_i \left[
          \log \frac{e^{u_i \cdot v_i / \tau}}{\sum_k e^{u_i \cdot v_k / \tau}} +
          \log \frac{e^{u_i \cdot v_i / \tau}}{\sum_k e^{u_k \cdot v_i / \tau}} \right].

No label is used. Up to the error of the estimate, ``log B - L`` is a lower bound on the information
that the modalities have about each other (van den Oord et al. 2018), so what is learned is what
they *share*: redundancy, and nothing that is in one modality alone. The labels come in a second
stage. The method is `Contrastive`.

References
----------
Radford, A., Kim, J. W., et al. (2021). Learning transferable visual models from natural language
supervision. *ICML*.
van den Oord, A., Li, Y. and Vinyals, O. (2018). Representation learning with contrastive predictive
coding. arXiv:1807.03748.
Tian, Y., Krishnan, D. and Isola, P. (2020). Contrastive multiview coding. *ECCV*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import check_numbers
from mmfuse_lib.core.ranks import whole_batch
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods.base import Spec, Stage, Update
from mmfuse_lib.methods.baselines import JointFusion

#: The largest factor 1 / tau of a similarity, as in CLIP.
LARGEST_SCALE = 100.0


class Contrastive(JointFusion):
    """Encoders aligned without labels, then a fusion head on what they have learned.

    Two stages. *Contrastive* trains the encoders, a linear map of each to a common space, and the
    temperature on `contrastive_loss`, summed over all pairs of modalities, with a learning rate
    that rises and falls (`warmup_cosine`). *Supervised* trains the fusion head on the features
    before those maps, by default with the encoders frozen: a probe of what they hold.

    Parameters
    ----------
    spec, encoders
        See `Method`; two or more modalities, and any task.
    fusion : str or callable
        As in `JointFusion`; the default is linear, as in a linear probe.
    finetune : bool
        Whether the second stage trains the encoders, too.
    shared_dim : int
        Length of the vectors that are compared.
    temperature : float
        tau at the start; it is learned. 0.07 in CLIP.
    batch_size : int, optional
        Of the first stage, whose loss gets harder and better with it; by default that of `fit`.
    warmup : float
        Share of the first stage's batches in which the learning rate rises.
    pretraining : float
        Share of the epochs that the first stage takes, between 0 and 1.

    Raises
    ------
    DataError
        For a single modality.
    ValueError
        If an option is out of its range.

    Notes
    -----
    Both stages record ``total``; the first also ``matched``, the share of samples whose partner is
    the nearest of the batch, averaged over pairs and directions (1 / B by chance). What pairs share
    includes what has nothing to do with the label, and a pair that happens to look like another
    counts as wrong.

    **What differs from the paper and its code**

    * Sources: of CLIP, the model at https://github.com/openai/CLIP was read (unit vectors, linear
      maps without bias, the temperature as a learned logarithm, 0.07 at first); its training code
      is not published. That the temperature stays above 1/100, and the shape of the schedule, are
      those of OpenCLIP, https://github.com/mlfoundations/open_clip, which says the first is the
      paper's. Numbers of the paper, such as its weight decay, were not to be had, and none is used.
    * Number of modalities. CLIP has two. Here every pair of n counts alike, the *full graph* of
      Tian et al. (2020), with one temperature for all pairs.
    * Weight decay. An optimiser that decays weights, as `fit`'s default does, decays all here, the
      logarithm of the temperature included; OpenCLIP leaves gains, biases and that one out.
    * Second stage. CLIP is also used without any training on labels, by comparing with texts that
      name the classes; here there are no texts. Its probe is a logistic regression on one encoder;
      ours reads all encoders' features.
    * Scale. CLIP has large encoders, batches and data; nothing of its results is claimed here.
    """

    def __init__(
        self,
        spec: Spec,
        encoders: Mapping[str, nn.Module],
        *,
        fusion: str | Callable[[Sequence[int], int], nn.Module] = "linear",
        finetune: bool = False,
        shared_dim: int = 64,
        temperature: float = 0.07,
        batch_size: int | None = None,
        warmup: float = 0.1,
        pretraining: float = 0.5,
    ) -> None:
        super().__init__(spec, encoders, fusion=fusion)
        check_numbers(f"[{1 / LARGEST_SCALE}, inf)", temperature=temperature)
        check_numbers("[0, 1)", warmup=warmup)
        check_numbers("(0, 1)", pretraining=pretraining)
        self.finetune, self.batch_size = finetune, batch_size
        self.warmup, self.pretraining = warmup, pretraining
        self.project = nn.ModuleDict(
            {m: nn.Linear(d_m, shared_dim, bias=False) for m, d_m in self.dims.items()}
        )
        self.log_scale = Scale(temperature)

    def stages(self, epochs: int) -> list[Stage]:
        """Train without labels, then on them."""
        first = max(1, round(self.pretraining * epochs))
        return [
            Stage(
                "contrastive", first, [self.encoders, self.project, self.log_scale],
                self.contrastive_terms, step=self.contrastive_step, batch_size=self.batch_size,
                lr_step=partial(warmup_cosine, warmup=self.warmup),
            ),
            Stage(
                "supervised", max(1, epochs - first),
                [self.encoders, self.fusion] if self.finetune else [self.fusion], self.task_terms,
            ),
        ]  # fmt: skip

    def shared(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the unit vectors that are compared, one ``(B, shared_dim)`` a modality."""
        maps = self.project.values()
        return [
            F.normalize(to_shared(z_m), dim=1)
            for to_shared, z_m in zip(maps, self.encode(inputs), strict=True)
        ]

    def contrastive_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the loss of the first stage: every pair of modalities, both ways."""
        pairs = list(combinations(map(whole_batch, self.shared(batch.inputs)), 2))
        scale = self.log_scale().exp()
        losses = [contrastive_loss(u, v, scale) for u, v in pairs]
        matched = [matching_accuracy(u, v) for u, v in pairs]
        return {"total": torch.stack(losses).sum(), "matched": torch.stack(matched).mean()}

    def contrastive_step(self, batch: MultimodalData, update: Update) -> dict[str, Tensor]:
        """Train on one batch; keep the temperature where it may be."""
        terms = self.contrastive_terms(batch)
        update(terms["total"])
        self.log_scale.clamp()
        return terms


class Scale(nn.Module):
    """The logarithm of 1 / tau, learned."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(-math.log(temperature)))

    def forward(self) -> Tensor:
        """Return it."""
        return self.value

    @torch.no_grad()
    def clamp(self) -> None:
        """Hold 1 / tau between 1 and `LARGEST_SCALE`."""
        self.value.clamp_(0.0, math.log(LARGEST_SCALE))


def contrastive_loss(u: Tensor, v: Tensor, scale: Tensor) -> Tensor:
    """Return CLIP's loss of one pair of modalities: who belongs to whom, asked both ways.

    Parameters
    ----------
    u, v : Tensor, shape (B, d)
        Unit vectors of the same samples in two modalities.
    scale : Tensor, scalar
        1 / tau.

    Returns
    -------
    Tensor
        Scalar, in nats; log B if all look alike, 0 for a batch of one.
    """
    logits = scale * (u @ v.T)
    partner = torch.arange(len(u), device=u.device)
    return (F.cross_entropy(logits, partner) + F.cross_entropy(logits.T, partner)) / 2


@torch.no_grad()
def matching_accuracy(u: Tensor, v: Tensor) -> Tensor:
    """Return the share of samples nearest to their own partner, averaged over both ways."""
    similarity = u @ v.T
    partner = torch.arange(len(u), device=u.device)
    ways = [(similarity.argmax(dim=way) == partner).float().mean() for way in (0, 1)]
    return torch.stack(ways).mean()


def warmup_cosine(batch: int, n_batches: int, *, warmup: float) -> float:
    """Return the factor of the learning rate: a line up to 1, then half a cosine down to 0.

    Parameters
    ----------
    batch : int
        From 0, within the stage.
    n_batches : int
        Of the stage.
    warmup : float
        Share of the batches on the line.
    """
    n_up = round(warmup * n_batches)
    if batch < n_up:
        return (batch + 1) / n_up
    return (1 + math.cos(math.pi * (batch - n_up) / (n_batches - n_up))) / 2
