"""DI-MML without one of its parts, and with a fusion head that is chosen as the authors' code does.

`dimml_ablation.yml` trains all of it in the settings that the default study chose for the method.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import check_names
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods.base import Spec
from mmfuse_lib.methods.dimml import DIMML, certainty_weights
from mmfuse_lib.runs import Loaded, Trained, build
from mmfuse_lib.training.fit import fit

# Variants that train as the method does and predict otherwise.


class Unweighted(DIMML):
    """Predicts by the unweighted mean of the heads."""

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Map inputs to logits ``(B, K)``."""
        return self.head_logits(inputs).mean(dim=1)


class OneHead(DIMML):
    """Predicts by one head: that of a modality, or ``"fusion"``."""

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module], *, modality: str) -> None:
        super().__init__(spec, encoders)
        check_names("head", [modality], self.interaction_names)
        self.head = self.interaction_names.index(modality)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Map inputs to logits ``(B, K)``."""
        return self.head_logits(inputs)[:, self.head]


# Measures.


@torch.no_grad()
def rates(trained: Trained) -> dict[str, float]:
    """Return the mean rate of the dimensions that each modality was to learn, before and after."""
    model = trained.model
    assert isinstance(model, DIMML)  # noqa: S101 (for the type checker)
    before, n = model.rates.clone(), len(model.encoders)
    masks = [
        torch.stack([model.effective[t] & ~model.effective[s] for t in range(n) if t != s]).any(0)
        for s in range(n)
    ]
    model.eval().select_dimensions(trained.splits[0])
    found: dict[str, float] = {}
    for s, (name, taught) in enumerate(zip(model.encoders, masks, strict=True)):
        found[f"{name}_n_taught"] = int(taught.sum())
        found[f"{name}_before"] = round(float(before[s][taught].mean()), 4)
        found[f"{name}_after"] = round(float(model.rates[s][taught].mean()), 4)
    return found


#: The head of the authors' code, and how it is trained.
HEAD_EPOCHS, HEAD_BATCH = 20, 16
HEAD_SGD = {"lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-4}


def head_by_epoch(loaded: Loaded) -> dict[str, Any]:
    """Train encoders to the last epoch and on them a linear head, as the authors' code does.

    The code keeps the head that is best on the test split. Returned is the accuracy of the whole
    prediction with it after each of its epochs, on the validation and on the test split.
    """
    settings, (train, *others) = replace(loaded.settings, method="DIMML"), loaded.splits
    model = build(settings, train)
    assert isinstance(model, DIMML)  # noqa: S101 (for the type checker)
    fit(
        model, train,  # without validation data: the weights of the last epoch stay
        epochs=settings.epochs, batch_size=settings.batch_size, lr=settings.lr,
        seed=settings.seed, device=settings.device, progress=False,
    )  # fmt: skip
    z, scored = _features(model, train), [(_features(model, split), split) for split in others]
    with isolated_rng(settings.seed):
        head = nn.Linear(z.shape[1], model.spec.n_outputs)
    optimizer = torch.optim.SGD(head.parameters(), **HEAD_SGD)  # type: ignore[arg-type]
    order = torch.Generator().manual_seed(settings.seed)
    found: list[list[float]] = [[] for _ in others]
    for _ in range(HEAD_EPOCHS):
        for batch in torch.split(torch.randperm(len(z), generator=order), HEAD_BATCH):
            optimizer.zero_grad()
            torch.autograd.backward(F.cross_entropy(head(z[batch]), train.target[batch]))
            optimizer.step()
        for accuracies, (z_of, split) in zip(found, scored, strict=True):
            right = _predict(model, head, z_of) == split.target
            accuracies.append(round(float(right.double().mean()), 4))
    return dict(zip(("val", "test"), found, strict=True))


@torch.no_grad()
def _features(model: DIMML, split: MultimodalData) -> Tensor:
    """Return the features of all modalities side by side, ``(N, n d)``."""
    return torch.cat(model.eval().encode(split.inputs), dim=1)


@torch.no_grad()
def _predict(model: DIMML, head: nn.Linear, z: Tensor) -> Tensor:
    """Return the classes ``(N,)`` that the modalities' own heads and a new one predict together."""
    parts = z.chunk(len(model.heads), dim=1)
    own = [of(part) for of, part in zip(model.heads.values(), parts, strict=True)]
    logits = torch.stack([*own, head(z)], dim=1)
    weights = certainty_weights(logits, model.certainty_temperature)
    return (weights[..., None] * logits).sum(dim=1).argmax(dim=1)
