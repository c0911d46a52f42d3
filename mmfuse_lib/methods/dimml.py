"""DI-MML: detached, yet interactive multimodal learning (Fan et al., ACM Multimedia 2024).

Every encoder is trained on its own objective, so no modality can take another's learning signal.
They meet in one classifier that all share, and in a one-way contrastive term that moves only
dimensions in which one modality is weak and another strong. A fusion head on the frozen encoders
comes last. The method is `DIMML`; the functions below it are the paper's equations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError, check_numbers
from mmfuse_lib.core.ranks import whole_batch
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.fusion import make_fusion, with_auxiliary
from mmfuse_lib.methods.base import Method, Spec, Stage, common_space, constant, steps, task_terms

#: Samples encoded at a time when dimensions are selected; bounds memory, not the result.
ROWS = 1_024

#: Makes an iterator over batches of features ``(B, d)`` and labels ``(B,)``.
Batches = Callable[[], Iterable[tuple[Tensor, Tensor]]]


class EffectiveDimensions(NamedTuple):
    """How well single dimensions tell the classes, and which ones count as effective.

    Attributes
    ----------
    rates : dict of str to Tensor
        Per modality ``a_m``, shape ``(d,)``: the share of training samples that dimension j alone
        puts next to the centroid of their own class.
    masks : dict of str to Tensor
        Per modality ``E_m``, shape ``(d,)``, bool: rate above the modality's mean rate.
    """

    rates: dict[str, Tensor]
    masks: dict[str, Tensor]


class DIMML(Method):
    """Detached encoders that interact through a shared head and a one-way contrastive term.

    Three stages. *Detached* and *interactive* minimise, with z_m the features of modality m,
    ``sum_m CE(head_m(z_m), y) + w * sum_m CE(shared(z_m), y)``; the latter adds `duc_loss` for
    every ordered pair of modalities, on dimensions that `dimension_rates` selects at its start.
    *Fusion* trains a fusion head on the frozen encoders. A prediction is the mean of the logits
    of all heads, weighted by `certainty_weights`.

    Parameters
    ----------
    spec, encoders
        See `Method`; two or more modalities, and classes. If the feature lengths differ, each
        modality of more than the smallest length gets a linear map to it: the shared head needs
        one space.
    fusion : str or callable
        As in `JointFusion`. The default, ``"linear"``, is that of the authors' code: a sum of
        one term a modality, so synergy is out of its reach. ``"concat"`` adds a hidden layer.
    temperature : float
        tau of `duc_loss`, on the scale of a dot product. The paper uses 50 (CREMA-D, ModelNet40)
        or 10 (AVE, UCF101) for d = 512; 50 also suits digit pairs and default encoders.
    shared_weight : float
        w, the weight of the shared head's loss; 1 in the paper.
    duc_weight : float
        Weight of the contrastive term; 1 in the paper. 0 switches it off.
    warmup : float
        Share of the epochs that the detached stage takes; 20 of 150 in the paper.
    fusion_epochs : float
        Epochs of the fusion stage, as a share of (and on top of) the budget; 20 for 150 in the
        paper.
    certainty_temperature : float
        tau_2 of `certainty_weights`: 1 (CREMA-D, UCF101) or 3 (AVE, ModelNet40) in the paper;
        infinity weighs all heads alike.
    lr_schedule : callable or mapping
        Maps the epoch, counted from 0 over the first two stages, to a factor of the learning rate;
        constant by default. A mapping gives steps: ``{70: 0.1}`` means a tenth from epoch 70 on.
        The fusion stage keeps the full rate.
    one_way : bool
        Whether the teacher is left alone. False is an ablation: both sides move.
    selected : bool
        Whether only selected dimensions move. False is an ablation: all do.

    Raises
    ------
    DataError
        For a single modality, for regression, or for a modality named "fusion".

    Notes
    -----
    The paper trains ResNet-18 with SGD on batches of 16; its recipe is ::

        model = DIMML.for_data(train, temperature=50, lr_schedule={70: 0.1, 140: 0.01})
        sgd = partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4)
        fit(model, train, val, epochs=150, batch_size=16, lr=1e-3, optimizer=sgd)

    Every stage has at least one epoch, whatever the budget. A class that is missing from the
    training data has no centroid and is nobody's nearest.

    **What differs from the paper and its code**

    * Choice of the epoch. Their encoders and own heads are those of the last epoch; their fusion
      head is that of the epoch whose vote is best on the test data. Here each stage keeps the
      epoch with the lowest loss on the validation data, and no test data is looked at. In the
      first two stages that is the loss of the heads that vote, ``sum_m CE(head_m(z_m), y)``, as in
      an ensemble: DUC and the shared head are means, not ends. Called without validation data,
      `fit` keeps the last epoch of every stage.
    * The end of the warm-up. They train 150 epochs with one optimiser. Here it is a boundary of
      stages: the best epoch's weights are restored (where there is validation data), and a new
      optimiser starts, so momentum begins again at zero. There is no option that carries it over.
    * Learning rate. Theirs falls to a tenth at epoch 70 and again at epoch 140; ours is constant
      unless `lr_schedule` says otherwise, as in the recipe above. The fusion stage has the full
      rate in both: theirs is a run of its own, whose 20 epochs do not reach the decay.
    * Fusion head. ``"linear"`` and ``"sum"`` are the same functions as their "concat", which is
      their default, and "sum"; ``"concat"`` here has a hidden layer. Our ``"film"`` and ``"gated"``
      are not theirs: their FiLM modulates the second modality by the first and has no ReLU, their
      gate is a sigmoid of the first modality on the second. A class of one's own gives these.
      Their head starts from Xavier's normal distribution with biases of zero, ours as torch's
      linear layers do.
    * Contrastive term. Where a pair has no dimension to transfer, theirs adds ``log B``, a constant
      without gradient, and ours 0. Theirs exponentiates dot products as they are, which overflows
      for large features; ours takes the largest out first. Otherwise value and gradient agree.
    * Selection. They compute the rates on randomly cropped and mirrored training images, since
      their training set makes a new view at each access; ours sees the images as they are. If a
      class has no training samples all their rates are 0 and nothing is selected; ours leaves the
      class out.
    * Batches. Their last batch of an epoch holds what is left over; here all batches of an epoch
      have nearly the same size. It matters to DUC, which contrasts within a batch.
    * Number of modalities. Their code takes two, with features of one length. Here every ordered
      pair of any number teaches, and features of different lengths are mapped to the shortest.

    Examples
    --------
    >>> from mmfuse_lib import data, methods
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> model = methods.DIMML.for_data(train, dim=16, seed=0)
    >>> [(stage.name, stage.epochs) for stage in model.stages(30)]
    [('detached', 4), ('interactive', 26), ('fusion', 4)]
    >>> model.interaction_names  # certainty weights of its heads, no interactions
    ('left', 'right', 'fusion')
    """

    rates: Tensor
    effective: Tensor

    def __init__(
        self,
        spec: Spec,
        encoders: Mapping[str, nn.Module],
        *,
        fusion: str | Callable[[Sequence[int], int], nn.Module] = "linear",
        temperature: float = 50.0,
        shared_weight: float = 1.0,
        duc_weight: float = 1.0,
        warmup: float = 20 / 150,
        fusion_epochs: float = 20 / 150,
        certainty_temperature: float = 1.0,
        lr_schedule: Callable[[int], float] | Mapping[int, float] = constant,
        one_way: bool = True,
        selected: bool = True,
    ) -> None:
        super().__init__(spec, encoders)
        _check_data(spec)
        check_numbers(
            "(0, inf]", temperature=temperature, certainty_temperature=certainty_temperature
        )
        check_numbers("[0, inf)", shared_weight=shared_weight, duc_weight=duc_weight)
        check_numbers("(0, 1]", warmup=warmup, fusion_epochs=fusion_epochs)
        self.temperature, self.certainty_temperature = temperature, certainty_temperature
        self.shared_weight, self.duc_weight = shared_weight, duc_weight
        self.warmup, self.fusion_epochs = warmup, fusion_epochs
        self.lr_schedule = lr_schedule if callable(lr_schedule) else steps(lr_schedule)
        self.one_way, self.selected = one_way, selected
        self.interaction_names = (*spec.shapes, "fusion")

        n, d = len(self.dims), min(self.dims.values())
        self.project = common_space(self.dims)
        self.heads = nn.ModuleDict({m: nn.Linear(d, spec.n_outputs) for m in self.dims})
        self.shared = nn.Linear(d, spec.n_outputs)
        self.fusion = make_fusion(fusion, [d] * n, spec.n_outputs)
        self.register_buffer("rates", torch.zeros(n, d))
        self.register_buffer("effective", torch.zeros(n, d, dtype=torch.bool))

    def encode(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Return ``[z_1, .., z_n]``, each ``(B, d)``: all modalities in one space."""
        maps = self.project.values()
        return [to_common(z) for to_common, z in zip(maps, super().encode(inputs), strict=True)]

    def head_logits(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return ``(B, n + 1, K)``: the logits of the modalities' own heads and the fusion head."""
        z = self.encode(inputs)
        own = [head(z_m) for head, z_m in zip(self.heads.values(), z, strict=True)]
        return torch.stack([*own, self.fusion(z)], dim=1)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Map inputs to logits ``(B, K)``: the heads', weighted by their certainty."""
        logits = self.head_logits(inputs)
        weights = certainty_weights(logits, self.certainty_temperature)
        return (weights[..., None] * logits).sum(dim=1)

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return ``(B, n + 1)``: the certainty weight of each head (not R, U or S)."""
        return certainty_weights(self.head_logits(inputs), self.certainty_temperature)

    def effective_dimensions(self) -> EffectiveDimensions:
        """Return the rates and masks behind `duc_loss`; zeros before the interactive stage."""
        return EffectiveDimensions(
            dict(zip(self.encoders, self.rates.clone(), strict=True)),
            dict(zip(self.encoders, self.effective.clone(), strict=True)),
        )

    def stages(self, epochs: int) -> list[Stage]:
        """Train detached, then interacting, then the fusion head on what has been learned."""
        unimodal = [self.encoders, self.project, self.heads, self.shared]
        warmup = max(1, round(self.warmup * epochs))
        return [
            Stage(
                "detached", warmup, unimodal, self.detached_terms, "own",
                lr_factor=self.lr_schedule,
            ),
            Stage(
                "interactive", max(1, epochs - warmup), unimodal, self.interactive_terms, "own",
                prepare=self.select_dimensions,
                lr_factor=lambda epoch: self.lr_schedule(warmup + epoch),
            ),
            Stage(
                "fusion", max(1, round(self.fusion_epochs * epochs)), [self.fusion],
                self.fusion_terms,
            ),
        ]  # fmt: skip

    def detached_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the loss of the first stage: nothing of one modality reaches another's encoder."""
        return self._head_terms(self.encode(batch.inputs), batch.target)

    def interactive_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the loss of the second stage: as before, and DUC for every ordered pair."""
        z = self.encode(batch.inputs)
        terms = self._head_terms(z, batch.target)
        z = [whole_batch(z_m) for z_m in z]
        terms["duc"] = torch.stack(
            [
                duc_loss(z[s], z[t], self.transferred(t, s), self.temperature, one_way=self.one_way)
                for t, s in permutations(range(len(z)), 2)
            ]
        ).sum()
        terms["total"] = terms["total"] + self.duc_weight * terms["duc"]
        return terms

    def fusion_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the loss of the third stage: that of the fusion head."""
        logits = self.fusion(self.encode(batch.inputs))
        return with_auxiliary(task_terms(logits, batch.target), [self.fusion])

    def transferred(self, teacher: int, student: int) -> Tensor:
        """Return T, ``(d,)`` bool: the taught dimensions, ``E_teacher`` without ``E_student``."""
        if not self.selected:
            return torch.ones_like(self.effective[student])
        return self.effective[teacher] & ~self.effective[student]

    def select_dimensions(self, train: MultimodalData) -> None:
        """Find the effective dimensions of every modality on the training data."""
        for m, name in enumerate(self.encoders):
            self.rates[m], self.effective[m] = dimension_rates(
                lambda name=name: self._features(name, train),  # type: ignore[misc]
                self.spec.n_outputs,
            )

    def _features(self, name: str, data: MultimodalData) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.rates.device
        for start in range(0, len(data), ROWS):
            x = data.inputs[name][start : start + ROWS].to(device)
            y = data.target[start : start + ROWS].to(device)
            yield self.project[name](self.encoders[name](x)), y

    def _head_terms(self, z: Sequence[Tensor], y: Tensor) -> dict[str, Tensor]:
        pairs = zip(self.heads.values(), z, strict=True)
        own = torch.stack([F.cross_entropy(head(z_m), y) for head, z_m in pairs]).sum()
        shared = torch.stack([F.cross_entropy(self.shared(z_m), y) for z_m in z]).sum()
        return {"total": own + self.shared_weight * shared, "own": own, "shared": shared}


def duc_loss(
    student: Tensor,
    teacher: Tensor,
    dimensions: Tensor,
    temperature: float,
    *,
    one_way: bool = True,
) -> Tensor:
    """Return the dimension-decoupled unidirectional contrastive loss (DUC) of one ordered pair.

    ``-mean_i log softmax_k(z_s[i, T] . sg[z_t[k, T]] / tau)[k = i]``: the student should find its
    own sample among the teacher's, by the taught dimensions T alone. Only these dimensions of the
    student get a gradient, the teacher gets none.

    Parameters
    ----------
    student, teacher : Tensor, shape (B, d)
        Features of the same samples in two modalities.
    dimensions : Tensor, shape (d,), bool
        T. If it is empty the loss is 0.
    temperature : float
        tau.
    one_way : bool
        Whether the gradient stops at the teacher.

    Returns
    -------
    Tensor
        Scalar, in nats, between 0 and infinity; 0 for a batch of one.

    Notes
    -----
    Computed in single precision or better, also under autocast: dot products of raw features
    leave the range of half precision.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dimml import duc_loss
    >>> student, teacher = torch.eye(2), 4 * torch.eye(2)
    >>> both = torch.tensor([True, True])
    >>> own, other = (duc_loss(student, t, both, 1.0) for t in (teacher, teacher.flip(0)))
    >>> bool(own < other)  # nearer to its own sample than to the other
    True
    """
    with torch.autocast(student.device.type, enabled=False):
        precision = torch.promote_types(student.dtype, torch.float32)
        z_s, z_t = student.to(precision), teacher.to(precision)
        if one_way:
            z_t = z_t.detach()
        similarity = (z_s * dimensions) @ z_t.T / temperature
        loss = (similarity.logsumexp(dim=1) - similarity.diagonal()).mean()
        return loss * dimensions.any()


@torch.no_grad()
def dimension_rates(batches: Batches, n_classes: int) -> tuple[Tensor, Tensor]:
    """Rate every dimension on its own as a nearest-centroid classifier; select the better ones.

    Dimension j is right on sample i if ``argmin_k |z[i, j] - mu[k, j]| = y_i``, with mu the class
    means; of centroids equally near the lowest class index counts. Its rate ``a[j]`` is the share
    of samples on which it is right, and it is effective if ``a[j] > mean_j a[j]``: none is, if
    all are equally good.

    Parameters
    ----------
    batches : callable
        Called twice, each time for a fresh iterator over the same features ``(B, d)`` with their
        labels ``(B,)``: the memory needed is that of a batch and of K x d numbers.
    n_classes : int
        K. Classes without samples have no centroid.

    Returns
    -------
    rates : Tensor, shape (d,)
        In [0, 1].
    effective : Tensor, shape (d,), bool
        The selection.

    Raises
    ------
    DataError
        If there is no batch.

    Notes
    -----
    No distance is computed. In one dimension the values nearest to a centroid form an interval
    that ends halfway to the neighbouring centroids, so a sample costs two comparisons a
    dimension, however many classes there are.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dimml import dimension_rates
    >>> z = torch.tensor([[1.0, 0.0], [1.2, 1.0], [5.0, 0.0], [5.1, 1.0]])
    >>> batch = z, torch.tensor([0, 0, 1, 1])
    >>> dimension_rates(lambda: [batch], n_classes=2)  # only the first tells the classes apart
    (tensor([1.0000, 0.5000]), tensor([ True, False]))
    """
    low, high = nearest_intervals(class_means(batches, n_classes))
    n_right = torch.zeros(low.shape[1], dtype=torch.int64, device=low.device)
    n_samples = 0
    for z, y in batches():
        is_right = (z >= low.index_select(0, y)) & (z <= high.index_select(0, y))
        n_right += is_right.sum(dim=0)
        n_samples += len(y)
    effective = n_right * len(n_right) > n_right.sum()  # integers: exact where all are equal
    return n_right / n_samples, effective


@torch.no_grad()
def class_means(batches: Batches, n_classes: int) -> Tensor:
    """Return the mean features of each class, ``(K, d)``; infinite for classes without samples.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dimml import class_means
    >>> batch = torch.tensor([[1.0, 0.0], [3.0, 0.0], [5.0, 1.0]]), torch.tensor([0, 0, 1])
    >>> class_means(lambda: [batch], n_classes=2)
    tensor([[2., 0.],
            [5., 1.]])
    """
    total: Tensor | None = None
    for z, y in batches():
        is_class = F.one_hot(y, n_classes).T.to(torch.float32)
        part = torch.cat([is_class @ z.float(), is_class.sum(dim=1, keepdim=True)], dim=1)
        total = part if total is None else total + part
    if total is None:
        raise DataError("there are no samples to select dimensions on")
    n_of_class = total[:, -1:]
    return torch.where(n_of_class > 0, total[:, :-1] / n_of_class, torch.inf)


def nearest_intervals(centroids: Tensor) -> tuple[Tensor, Tensor]:
    """Return where each class is nearest, per dimension.

    Parameters
    ----------
    centroids : Tensor, shape (K, d), float32
        One number a class and dimension; infinite for a class that is nobody's nearest.

    Returns
    -------
    low, high : Tensor, shape (K, d), float32
        Class k is nearest to the numbers from ``low[k, j]`` to ``high[k, j]``, both included (to
        none, if low is above high). What is equally near to two belongs to the lower class index.
    Exact where no centroid is 1e8 times as large as another: no rounding makes or breaks a tie.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dimml import nearest_intervals
    >>> low, high = nearest_intervals(torch.tensor([[0.0], [1.0], [4.0]]))
    >>> torch.cat([low, high], dim=1).round(decimals=2)  # they meet halfway
    tensor([[  -inf, 0.5000],
            [0.5000, 2.5000],
            [2.5000,    inf]])
    """
    value, k = centroids.cpu().double().sort(dim=0, stable=True)
    # Of equal centroids the first has the lowest index and takes all: the others are out.
    again = torch.zeros_like(value, dtype=torch.bool)
    again[1:] = value[1:] == value[:-1]
    value, order = value.masked_fill(again, torch.inf).sort(dim=0, stable=True)
    k = k.gather(0, order)

    middle = (value[:-1] + value[1:]) / 2
    below, above = _round_down(middle), -_round_down(-middle)
    is_tie, is_lower_index_left = below == above, k[:-1] < k[1:]
    ends = torch.where(is_tie & ~is_lower_index_left, _next_below(below), below)
    starts = torch.where(is_tie & is_lower_index_left, -_next_below(-above), above)
    edge = torch.full_like(ends[:1], torch.inf)
    low, high = torch.empty(2, *value.shape)
    low.scatter_(0, k, torch.cat([-edge, starts]))
    high.scatter_(0, k, torch.cat([ends, edge]))
    return low.to(centroids.device), high.to(centroids.device)


def certainty_weights(logits: Tensor, temperature: float) -> Tensor:
    """Return the weight of every head in the prediction: the surer, the heavier.

    ``pi_j = max softmax(l_j)``, weights ``softmax_j(pi_j / tau_2)``.

    Parameters
    ----------
    logits : Tensor, shape (B, J, K)
        Of J heads.
    temperature : float
        tau_2; infinity gives every head the same weight. As certainties differ by less than 1,
        one head weighs at most ``exp(1 / tau_2)`` times as much as another.

    Returns
    -------
    Tensor, shape (B, J)
        Sums to 1 per sample.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.dimml import certainty_weights
    >>> logits = torch.tensor([[[4.0, 0.0], [0.1, 0.0]]])  # one sample: a sure head, an unsure one
    >>> certainty_weights(logits, temperature=0.5)
    tensor([[0.7138, 0.2862]])
    """
    certainty = logits.softmax(dim=2).amax(dim=2)
    return torch.softmax(certainty / temperature, dim=1)


def _round_down(x: Tensor) -> Tensor:
    """Return the largest single-precision numbers that are at most `x` (double precision)."""
    rounded = x.float()
    return torch.where(rounded.double() > x, _next_below(rounded), rounded)


def _next_below(x: Tensor) -> Tensor:
    return torch.nextafter(x, torch.full_like(x, -torch.inf))


def _check_data(spec: Spec) -> None:
    if spec.task != "classification":
        raise DataError("DI-MML is defined for classes: its dimensions are selected by them")
    spec.check_two("DI-MML")
    if "fusion" in spec.shapes:
        raise DataError("a modality is named 'fusion': DI-MML reports its fusion head so")
