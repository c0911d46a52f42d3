"""I2MoE (Xin et al., ICML 2025): one expert an interaction, taught by taking modalities away.

For n modalities there are n + 2 experts, all of them fusion models of the same kind with weights
of their own: one for redundancy (R), one for what is unique to each modality (U1 .. Un), one for
synergy (S). What makes an expert the expert of its interaction is a loss on how its output *a*
changes when modality i is replaced by something that says nothing (output *b_i*). A reweighting
model gives each expert a weight, per sample: the method's account of which interaction mattered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError, check_names, check_numbers
from mmfuse_lib.core.ranks import whole_batch
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.fusion import Fusion, make_fusion, with_auxiliary
from mmfuse_lib.methods.base import Method, Spec, Stage, task_terms

#: What takes the place of a modality's encoding ``(B, d)``.
PERTURBATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "noise": torch.randn_like,
    "zero": torch.zeros_like,
    "mean": lambda z: whole_batch(z.detach()).mean(dim=0, keepdim=True).expand_as(z),
    "shuffle": lambda z: z[torch.randperm(len(z), device=z.device)],
}


#: Distance that a uniqueness or synergy expert is asked to keep, in units of its output.
MARGIN = 1.0


class I2MoE(Method):
    """Interpretable multimodal interaction-aware mixture of experts.

    Output: ``sum_e w_e l_e`` with ``w = softmax(MLP([z_1; ..; z_n]) / T)`` and ``l_e`` expert e's
    logits. Loss: the task's, plus ``lambda / E`` times the sum of the experts' interaction losses,
    plus what the fusion model itself asks for (the balance of a sparse mixture's gate).

    A modality is replaced after its encoder; no gradient goes through the stand-in. All passes of
    an expert, complete and with one modality replaced, are one call, and share what belongs to a
    single modality (see `Fusion.parts`). Experts run one after the other: side by side, as one
    stack of weights, they take as long on a CPU (``benchmarks/i2moe.py``).

    Parameters
    ----------
    spec, encoders
        See `Method`; two or more modalities.
    fusion : str or callable
        What an expert is: a name in `mmfuse_lib.fusion.FUSIONS`, or a class to be called on the
        feature lengths and the number of outputs.
    interaction_weight : float
        lambda. With 0 nothing is perturbed: a plain ensemble with learned weights. The default is
        the largest value that cost no validation loss on digit pairs (``reproduce/``).
    temperature : float
        T: the larger, the more even the weights.
    hidden : int
        Units of the reweighting model's hidden layer.
    perturbation : str
        ``"noise"`` (standard normal, as published), ``"zero"``, ``"mean"`` (of the batch) or
        ``"shuffle"`` (another sample's encoding).
    perturbed_passes : int, optional
        How many modalities, drawn for each batch, are replaced; all by default. Experts whose
        modality is not drawn have no interaction loss in that batch.
    experts : sequence of str, optional
        Which experts there are, among R, U1 .. Un, S; all by default.
    weights : str
        ``"sample"``: from the sample's features; ``"global"``: the same, learned, for all samples.
    losses_on : str
        Where the interaction losses are taken: ``"logits"``, or ``"latent"`` for the vector that
        the last layer of an expert reads.
    shared_start : bool
        Whether all experts start as copies of one, as published, or each from its own weights. On
        digit pairs copies were named better (``reproduce/i2moe_start.json``).
    dropout : float
        Share of the reweighting model's hidden units that are dropped in training; .5 as
        published.
    fresh_stand_ins : bool
        Whether each expert gets stand-ins of its own, as published, or all the same in a batch.
        Matters where stand-ins are drawn: for ``"noise"`` and ``"shuffle"``.
    regression_losses : str
        For regression, ``"margin"``: `interaction_losses`, beside the squared error; or
        ``"published"``: `published_regression_losses`, beside the smooth L1 loss.

    Raises
    ------
    DataError
        If there is only one modality, a number is out of range, or the published losses of a
        regression are asked for where they do not apply.
    UnknownNameError
        If a name is none of those above.

    Notes
    -----
    Their code: github.com/Raina-Xin/I2MoE at 75b578e.

    **What differs from the paper and its code**

    * Stand-ins: their experts draw noise of their own, for each pass; ours see the same noise in a
      batch, so that their losses differ by what they are and not by what they saw, and it is
      drawn once. ``fresh_stand_ins=True`` is theirs.
    * Stand-in "mean": theirs is the mean of all encodings since training began, ours that of the
      batch, which is not out of date while the encoders change. There is no option for theirs.
    * Reweighting model: theirs has one to three linear layers and drops half of the hidden units
      in training; ours has two and drops none. ``dropout=0.5`` is theirs.
    * Epoch: for classes they keep the epoch of the best validation accuracy (macro F1 on MM-IMDb),
      we that of the lowest task loss, which does not tie. There is no option for theirs. For
      regression both keep the epoch of the lowest loss.
    * Losses of a regression: their synergy loss is their redundancy loss, so that the synergy
      expert is asked not to change when a modality is replaced, and their uniqueness loss has
      neither margin nor lower bound; the task's loss is the smooth L1 loss. Ours keep what the
      losses of classes ask for, with squared differences for distances.
      ``regression_losses="published"`` is theirs.
    * Losses in latent space: in their ablation with the transformer the latent vector is detached
      before the losses are taken, so that they train nothing. Ours have a gradient.
      ``losses_on="latent"`` is therefore another experiment than theirs; ``interaction_weight=0``
      trains what theirs trains.
    * Uniqueness loss: they add 1e-7 to each coordinate of a difference before its length is taken;
      we do not. Values agree to 3e-7, and where nothing changes our gradient is 0.
    * Gate of a sparse mixture: its balance is detached in their code, and trains nothing; ours is
      part of the loss.
    * Gradients: on one data set, Enrico, they are clipped after the step, which has no effect. We
      do not clip.
    * Fusion: most of their experts read several tokens a modality, and all have dropout; in one
      of their four models, "moepp", every layer reads the first input, so that only the last
      layer counts. Our encoders give a vector a modality, and an expert is any `Fusion`, without
      dropout.
    * Report: their columns are U1 .. Un, S, R; ours R, U1 .. Un, S, as everywhere in the library.

    Examples
    --------
    >>> from mmfuse_lib import data, evaluate, methods
    >>> train, _, test = data.load("digit_pairs", seed=0, n_train=200, n_test=100)
    >>> model = methods.I2MoE.for_data(train, dim=16, seed=0)
    >>> weights = evaluate(model, test).interactions  # of the experts
    >>> list(weights), bool(weights.sum(axis=1).round(4).eq(1).all())
    (['R', 'U1', 'U2', 'S'], True)
    """

    def __init__(
        self,
        spec: Spec,
        encoders: Mapping[str, nn.Module],
        *,
        fusion: str | Callable[[Sequence[int], int], nn.Module] = "concat",
        interaction_weight: float = 0.1,
        temperature: float = 1.0,
        hidden: int = 128,
        perturbation: str = "noise",
        perturbed_passes: int | None = None,
        experts: Sequence[str] | None = None,
        weights: str = "sample",
        losses_on: str = "logits",
        shared_start: bool = True,
        dropout: float = 0.0,
        fresh_stand_ins: bool = False,
        regression_losses: str = "margin",
    ) -> None:
        super().__init__(spec, encoders)
        n = len(self.encoders)
        names = ("R", *(f"U{m + 1}" for m in range(n)), "S")
        self.interaction_names = _chosen(names, experts)
        spec.check_two("I2MoE")
        check_numbers("[0, inf)", interaction_weight=interaction_weight)
        check_numbers("(0, inf)", temperature=temperature)
        check_numbers("[0, 1)", dropout=dropout)
        check_names("perturbation", [perturbation], PERTURBATIONS)
        check_names("weights", [weights], ("sample", "global"))
        check_names("losses_on", [losses_on], ("logits", "latent"))
        check_names("regression_losses", [regression_losses], ("margin", "published"))
        if regression_losses == "published" and (spec.task, losses_on) != ("regression", "logits"):
            raise DataError(
                "regression_losses='published' is for regression with losses_on='logits', not for "
                f"{spec.task} with losses_on={losses_on!r}"
            )
        self.interaction_weight, self.temperature = interaction_weight, temperature
        self.perturbation, self.losses_on = perturbation, losses_on
        self.fresh_stand_ins = fresh_stand_ins
        self.regression_losses = regression_losses
        self.perturbed_passes = _checked_passes(perturbed_passes, n, self.interaction_names)
        dims = list(self.dims.values())
        self.experts = nn.ModuleDict(
            {name: make_fusion(fusion, dims, spec.n_outputs) for name in self.interaction_names}
        )
        if shared_start:
            first, *others = self.experts.values()
            for expert in others:
                expert.load_state_dict(first.state_dict())
        self.reweight: nn.Module = _SameForAll(len(self.experts))
        if weights == "sample":
            self.reweight = nn.Sequential(
                nn.Linear(sum(dims), hidden),
                nn.Sequential(nn.ReLU(), nn.Dropout(dropout)),
                nn.Linear(hidden, len(self.experts)),
            )
        if losses_on == "latent" and not all(isinstance(e, Fusion) for e in self.experts.values()):
            raise DataError("losses_on='latent' needs a fusion model that is a Fusion, with latent")

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Weigh the experts' logits: one pass an expert."""
        z = self.encode(inputs)
        return _mix(self._expert_logits(z), self._weights(z))

    def interactions(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the experts' weights ``(B, E)``, columns R, U1 .. Un, S; rows sum to 1."""
        return self._weights(self.encode(inputs))

    def expert_outputs(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return each expert's logits ``(B, E, K)``, experts in the order of the weights."""
        return self._expert_logits(self.encode(inputs)).transpose(0, 1)

    def stages(self, epochs: int) -> list[Stage]:
        """Train everything at once; the prediction on validation data picks the epoch."""
        return [Stage("experts", epochs, modules=[self], loss=self.loss_terms, monitor="task")]

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return the loss of the prediction on a batch, of the kind `regression_losses` asks."""
        return self._task_terms(self(batch.inputs), batch.target)

    def loss_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return ``total``, ``task`` (and ``accuracy``), and each expert's interaction loss."""
        z = self.encode(batch.inputs)
        replaced = self._draw_modalities()
        passes = list(self._passes(z, replaced))
        logits = torch.stack([logits for logits, _ in passes])
        prediction = self._task_terms(_mix(logits[:, 0], self._weights(z)), batch.target)
        terms = {"total": prediction["total"], "task": prediction.pop("total"), **prediction}
        if self.interaction_weight > 0:
            is_latent = self.losses_on == "latent"
            outputs = torch.stack([latent for _, latent in passes]) if is_latent else logits
            is_published = self.regression_losses == "published"
            losses = published_regression_losses if is_published else interaction_losses
            asked = losses(self.interaction_names, outputs, replaced).unbind()
            mean = torch.stack(asked).mean()  # of what is recorded: `fit` sees that it is minimised
            terms["total"] = terms["total"] + self.interaction_weight * mean
            names = (f"interaction_{name}" for name in self.interaction_names)
            terms |= dict(zip(names, asked, strict=True))
        return with_auxiliary(terms, self.experts.values())

    def _passes(
        self, z: Sequence[Tensor], replaced: Sequence[int]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield logits and latent vectors of each expert (see `run_passes`)."""
        perturb = PERTURBATIONS[self.perturbation]
        versions = None
        for expert in self.experts.values():
            if versions is None or self.fresh_stand_ins:
                versions = make_versions(z, {m: perturb(z[m]) for m in replaced})
            yield run_passes(expert, versions)

    def _task_terms(self, prediction: Tensor, target: Tensor) -> dict[str, Tensor]:
        if self.regression_losses == "published":
            return {"total": F.smooth_l1_loss(prediction.squeeze(1), target)}
        return task_terms(prediction, target)

    def _expert_logits(self, z: Sequence[Tensor]) -> Tensor:
        return torch.stack([expert(z) for expert in self.experts.values()])

    def _weights(self, z: Sequence[Tensor]) -> Tensor:
        return torch.softmax(self.reweight(torch.cat(list(z), dim=1)) / self.temperature, dim=1)

    def _draw_modalities(self) -> list[int]:
        """Return which modalities are replaced in this batch: all, or a random few."""
        n = len(self.encoders)
        if self.interaction_weight == 0:
            return []
        if self.perturbed_passes == n:
            return list(range(n))
        return sorted(torch.randperm(n)[: self.perturbed_passes].tolist())


class Versions(NamedTuple):
    """What the passes of a batch are made of; see `make_versions`.

    Attributes
    ----------
    of : list of Tensor
        Per modality ``(2, B, d_m)``, features and stand-in, or ``(1, B, d_m)`` without one.
    replaced : list of int
        The p modalities that have a stand-in, in the order of the passes.
    chosen : Tensor
        ``(1 + p, n + p)``: 1 where a pass, in the rows, sees a version. Columns are the versions of
        the first modality, then those of the second, and so on.
    """

    of: list[Tensor]
    replaced: list[int]
    chosen: Tensor


def make_versions(z: Sequence[Tensor], stand_ins: Mapping[int, Tensor]) -> Versions:
    """Put each modality's features and what may take their place in one tensor.

    Parameters
    ----------
    z : sequence of Tensor
        Features ``(B, d_m)``.
    stand_ins : mapping of int to Tensor
        For the modalities to be replaced, by number: what takes their place, ``(B, d_m)``. It gets
        no gradient.
    """
    replaced = list(stand_ins)
    is_own = torch.eye(len(z), device=z[0].device)
    complete = torch.zeros_like(is_own[0])
    is_replaced = torch.stack([complete, *(is_own[m] for m in replaced)])  # (1 + p, n)
    of, columns = [], []
    for m, z_m in enumerate(z):
        columns.append(1 - is_replaced[:, m])
        if m in stand_ins:
            columns.append(is_replaced[:, m])
            of.append(torch.stack([z_m, stand_ins[m].detach()]))
        else:
            of.append(z_m.unsqueeze(0))
    return Versions(of, replaced, torch.stack(columns, dim=1))


def run_passes(expert: nn.Module, versions: Versions) -> tuple[Tensor, Tensor]:
    """Run an expert on the features, and again with each modality replaced, in one call.

    Parameters
    ----------
    expert : nn.Module
        A fusion model.
    versions : Versions
        Of a batch, the same for all experts.

    Returns
    -------
    logits, latent : Tensor
        ``(1 + p, B, K)`` and ``(1 + p, B, H)``: first the complete pass, then one for each of the
        p stand-ins. For a fusion model that is no `Fusion`, latent is the logits again.
    """
    if not isinstance(expert, Fusion):
        rows = _arrange(versions.of, versions.replaced)
        logits = torch.unflatten(expert([x.flatten(0, 1) for x in rows]), 0, rows[0].shape[:2])
        return logits, logits
    parts = expert.parts(versions.of)
    if expert.adds_parts:
        latent = expert.latent([_add(parts, versions.chosen)])
    else:
        latent = expert.latent(_arrange(parts, versions.replaced))
    return expert.out(latent), latent


def interaction_loss(name: str, outputs: Tensor, replaced: Sequence[int]) -> Tensor:
    """Return the interaction loss of one expert.

    Parameters
    ----------
    name : str
        R, U1 .. Un or S.
    outputs : Tensor
        ``(1 + p, B, K)``: the complete pass, then one for each replaced modality.
    replaced : sequence of int
        The p modalities, by number from 0.

    Returns
    -------
    Tensor
        A scalar, see `interaction_losses`.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.methods.i2moe import interaction_loss
    >>> whole, no_first, no_second = torch.tensor([[[3.0, 0.0]], [[0.0, 3.0]], [[3.0, 0.0]]])
    >>> outputs = torch.stack([whole, no_first, no_second])  # of an expert that needs the first
    >>> [round(float(interaction_loss(name, outputs, [0, 1])), 2) for name in ("U1", "U2")]
    [0.0, 5.24]
    """
    return interaction_losses([name], outputs.unsqueeze(0), replaced)[0]


def interaction_losses(names: Sequence[str], outputs: Tensor, replaced: Sequence[int]) -> Tensor:
    """Return the losses that make experts the experts of their interactions.

    With ``a`` the output of the complete pass and ``b_i`` that with modality i replaced:

    - ``Ui``: mean over j != i of ``max(0, |a - b_j| - |a - b_i| + 1)``, a triplet margin loss: be
      sensitive to modality i only;
    - ``S``: mean over i of ``cos(a, b_i)``: let every replacement change the output;
    - ``R``: mean over i of ``1 - cos(a, b_i)``: let no replacement change it.

    A single number has no direction. There (regression) the squared difference takes the place of
    the distance and of ``1 - cos``, and ``max(0, 1 - (a - b_i)^2)`` that of ``cos``.

    Parameters
    ----------
    names : sequence of str
        One an expert: R, U1 .. Un or S.
    outputs : Tensor
        ``(E, 1 + p, B, K)``: per expert the complete pass, then one for each replaced modality.
    replaced : sequence of int
        The p modalities, by number from 0.

    Returns
    -------
    Tensor
        ``(E,)``, means over the batch; 0 for ``Ui`` if modality i is not replaced.
    """
    names, replaced = list(names), list(replaced)
    losses: dict[str, Tensor] = {}
    turned = [name for name in names if name in ("R", "S")]
    if turned:
        rows = torch.stack([outputs[names.index(name)] for name in turned])
        unlike = _unlikeness(rows[:, :1], rows[:, 1:]).unbind()  # each (p, B)
        losses |= {
            name: x.mean() if name == "R" else _likeness(x, outputs.shape[-1]).mean()
            for name, x in zip(turned, unlike, strict=True)
        }
    own = {name: int(name[1:]) - 1 for name in names if name.startswith("U")}
    unique = [name for name, m in own.items() if m in replaced]
    if unique:
        rows = torch.stack([outputs[names.index(name)] for name in unique])
        distance = _distance(rows[:, :1], rows[:, 1:])  # (experts, p, B)
        to_own = [d[replaced.index(own[name])] for name, d in zip(unique, distance, strict=True)]
        # The term of j = i is the margin itself, whatever the outputs.
        asked = torch.relu(distance - torch.stack(to_own).unsqueeze(1) + MARGIN)
        others = (asked.sum(dim=1) - MARGIN).mean(dim=1) / (len(replaced) - 1)
        losses |= dict(zip(unique, others.unbind(), strict=True))
    return torch.stack([losses.get(name, outputs.new_zeros(())) for name in names])


def published_regression_losses(
    names: Sequence[str], outputs: Tensor, replaced: Sequence[int]
) -> Tensor:
    """Return the interaction losses that the authors' code has for regression.

    With ``d_i`` the mean of ``(a - b_i)^2`` over the batch: ``Ui``: mean over j != i of
    ``d_j - d_i``, which has no lower bound; ``R`` *and* ``S``: mean over i of ``d_i``. The synergy
    expert is asked for what the redundancy expert is asked for, that no replacement change its
    output.

    Parameters and result are those of `interaction_losses`.
    """
    replaced = list(replaced)
    changes = (outputs[:, :1] - outputs[:, 1:]).square().mean(dim=(2, 3))  # (experts, p)
    losses = []
    for name, change in zip(names, changes, strict=True):
        if name in ("R", "S"):
            losses.append(change.mean())
        elif (own := int(name[1:]) - 1) in replaced:
            # The term of j = i is 0, whatever the outputs.
            gaps = change - change[replaced.index(own)]
            losses.append(gaps.sum() / (len(replaced) - 1))
        else:
            losses.append(outputs.new_zeros(()))
    return torch.stack(losses)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    if a.shape[-1] == 1:
        return (a - b).square().squeeze(-1)
    distance: Tensor = torch.linalg.vector_norm(a - b, dim=-1)
    return distance


def _unlikeness(a: Tensor, b: Tensor) -> Tensor:
    return _distance(a, b) if a.shape[-1] == 1 else 1 - torch.cosine_similarity(a, b, dim=-1)


def _likeness(unlikeness: Tensor, n_outputs: int) -> Tensor:
    return torch.relu(MARGIN - unlikeness) if n_outputs == 1 else 1 - unlikeness


def _arrange(versions: Sequence[Tensor], replaced: Sequence[int]) -> list[Tensor]:
    """Give each modality an axis of passes: the complete one, then one a replaced modality."""
    split = [x.unbind(0) for x in versions]  # (features, stand-in), or features alone
    return [
        torch.stack([own[0], *(own[int(i == m)] for i in replaced)]) for m, own in enumerate(split)
    ]


def _add(parts: Sequence[Tensor], chosen: Tensor) -> Tensor:
    """Return the sum of all modalities in each pass: its versions, added in one small product."""
    rows = torch.cat([x.flatten(1) for x in parts])
    return torch.unflatten(chosen.to(rows.dtype) @ rows, 1, parts[0].shape[1:])


def _mix(logits: Tensor, weights: Tensor) -> Tensor:
    """Weigh logits ``(E, B, K)`` by ``(B, E)``."""
    return (weights.T.unsqueeze(2) * logits).sum(dim=0)


class _SameForAll(nn.Module):
    """Scores that are learned, and the same for every sample."""

    def __init__(self, n_scores: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(n_scores))

    def forward(self, z: Tensor) -> Tensor:
        return self.scores.expand(len(z), -1)


def _chosen(names: Sequence[str], experts: Sequence[str] | None) -> tuple[str, ...]:
    """Return the experts asked for, in the order of `names`."""
    wanted = names if experts is None else experts
    check_names("expert", wanted, names)
    if len(wanted) == 0:
        raise DataError(f"experts is empty: expected some of {', '.join(names)}")
    return tuple(name for name in names if name in wanted)


def _checked_passes(passes: int | None, n: int, experts: Sequence[str]) -> int:
    """Return how many modalities are replaced in a batch."""
    least = 2 if any(name.startswith("U") for name in experts) else 1
    if passes is not None and not least <= passes <= n:
        raise DataError(
            f"perturbed_passes is {passes}: expected {least} .. {n} (a uniqueness expert compares "
            "its own modality with another)"
        )
    return n if passes is None else passes
