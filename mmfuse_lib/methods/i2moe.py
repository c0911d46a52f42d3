"""I2MoE (Xin et al., ICML 2025): one expert an interaction, taught by taking modalities away.

For n modalities there are n + 2 experts, all of them fusion models of the same kind with weights
of their own: one for redundancy (R), one for what is unique to each modality (U1 .. Un), one for
synergy (S). What makes an expert the expert of its interaction is a loss on how its output *a*
changes when modality i is replaced by something that says nothing (output *b_i*). A reweighting
model gives each expert a weight, per sample: the method's account of which interaction mattered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmfuse_lib.data import MultimodalData
from mmfuse_lib.errors import DataError, UnknownNameError
from mmfuse_lib.fusion import Fusion, make_fusion, with_auxiliary
from mmfuse_lib.methods.base import Method, Spec, Stage, task_terms

#: What takes the place of a modality's encoding ``(B, d)``.
PERTURBATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "noise": torch.randn_like,
    "zero": torch.zeros_like,
    "mean": lambda z: z.mean(dim=0, keepdim=True).expand_as(z),
    "shuffle": lambda z: z[torch.randperm(len(z), device=z.device)],
}

#: The values of the options that are names.
CHOICES = {
    "perturbation": tuple(PERTURBATIONS),
    "weights": ("sample", "global"),
    "losses_on": ("logits", "latent"),
}

#: Distance that a uniqueness or synergy expert is asked to keep, in units of its output.
MARGIN = 1.0


class I2MoE(Method):
    """Interpretable multimodal interaction-aware mixture of experts.

    Output: ``sum_e w_e l_e`` with ``w = softmax(MLP([z_1; ..; z_n]) / T)`` and ``l_e`` expert e's
    logits. Loss: the task's, plus ``lambda / E`` times the sum of the experts' interaction losses,
    plus what the fusion model itself asks for (the balance of a sparse mixture's gate).

    A modality is replaced after its encoder, once a batch, by the same stand-in for all experts;
    no gradient goes through the stand-in. All passes of an expert, complete and with one modality
    replaced, are one call, and share what belongs to a single modality (see `Fusion.parts`).
    Experts run one after the other: side by side, as one stack of weights, they take as long on a
    CPU (``benchmarks/i2moe.py``).

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

    Raises
    ------
    DataError
        If there is only one modality, or a number is out of range.
    UnknownNameError
        If a name is none of those above.
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
    ) -> None:
        super().__init__(spec, encoders)
        n = len(self.encoders)
        names = ("R", *(f"U{m + 1}" for m in range(n)), "S")
        self.interaction_names = _chosen(names, experts)
        _check_numbers(n, interaction_weight, temperature)
        _check_names(perturbation=perturbation, weights=weights, losses_on=losses_on)
        self.interaction_weight, self.temperature = interaction_weight, temperature
        self.perturbation, self.losses_on = perturbation, losses_on
        self.perturbed_passes = _checked_passes(perturbed_passes, n, self.interaction_names)
        dims = list(self.dims.values())
        self.experts = nn.ModuleDict(
            {name: make_fusion(fusion, dims, spec.n_outputs) for name in self.interaction_names}
        )
        self.reweight: nn.Module = _SameForAll(len(self.experts))
        if weights == "sample":
            self.reweight = nn.Sequential(
                nn.Linear(sum(dims), hidden), nn.ReLU(), nn.Linear(hidden, len(self.experts))
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
        return [Stage("experts", epochs, trains=[self], loss=self.loss_terms, monitor="task")]

    def loss_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return ``total``, ``task`` (and ``accuracy``), and each expert's interaction loss."""
        z = self.encode(batch.inputs)
        replaced = self._draw_modalities()
        versions = make_versions(z, {m: PERTURBATIONS[self.perturbation](z[m]) for m in replaced})
        passes = [run_passes(expert, versions) for expert in self.experts.values()]
        logits = torch.stack([logits for logits, _ in passes])
        prediction = task_terms(_mix(logits[:, 0], self._weights(z)), batch.target)
        terms = {"total": prediction["total"], "task": prediction.pop("total"), **prediction}
        if self.interaction_weight > 0:
            is_latent = self.losses_on == "latent"
            outputs = torch.stack([latent for _, latent in passes]) if is_latent else logits
            asked = interaction_losses(self.interaction_names, outputs, replaced).unbind()
            mean = torch.stack(asked).mean()
            terms["total"] = terms["total"] + self.interaction_weight * mean
            names = (f"interaction_{name}" for name in self.interaction_names)
            terms |= dict(zip(names, asked, strict=True))
        return with_auxiliary(terms, self.experts.values())

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
    for name in wanted:
        if name not in names:
            raise UnknownNameError("expert", name, names)
    if len(wanted) == 0:
        raise DataError(f"experts is empty: expected some of {', '.join(names)}")
    return tuple(name for name in names if name in wanted)


def _check_numbers(n: int, interaction_weight: float, temperature: float) -> None:
    if n < 2:
        raise DataError("I2MoE needs two or more modalities; use Unimodal for one")
    if not 0 <= interaction_weight < float("inf"):
        raise DataError(f"interaction_weight is {interaction_weight}: expected a number >= 0")
    if not 0 < temperature < float("inf"):
        raise DataError(f"temperature is {temperature}: expected a number > 0")


def _check_names(**choices: str) -> None:
    for option, name in choices.items():
        if name not in CHOICES[option]:
            raise UnknownNameError(option, name, CHOICES[option])


def _checked_passes(passes: int | None, n: int, experts: Sequence[str]) -> int:
    """Return how many modalities are replaced in a batch."""
    least = 2 if any(name.startswith("U") for name in experts) else 1
    if passes is not None and not least <= passes <= n:
        raise DataError(
            f"perturbed_passes is {passes}: expected {least} .. {n} (a uniqueness expert compares "
            "its own modality with another)"
        )
    return n if passes is None else passes
