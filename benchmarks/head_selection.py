"""What it is worth to choose DI-MML's fusion head on test data, with its encoders as they are.

The authors' code trains a linear head for 20 epochs on frozen encoders of the last epoch and keeps
the one that is best on the test split. Here the encoders are trained in the setting that the study
chose for DI-MML on validation data, and the same head is trained in the same way (SGD at 0.001,
momentum 0.9, weight decay 0.0001, batches of 16), and after each epoch the prediction is scored on
the validation and on the test split. ``python -m benchmarks.head_selection`` writes
``reproduce/head_selection.json``, which the chapter on reproducing the papers reads.
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.dimml_ablation import DATA, chosen_settings
from mmfuse_lib import fit
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods import DIMML
from mmfuse_lib.methods.dimml import certainty_weights
from mmfuse_lib.runs import Settings, build, load_splits, provenance

RESULT = Path(__file__).parents[1] / "reproduce" / "head_selection.json"
HEAD_EPOCHS = 20


def rows_of_seed(settings: Settings) -> dict[str, Any]:
    """Train encoders, then a head; return both accuracies after each of the head's epochs."""
    splits = load_splits(settings)
    model = build(settings, splits[0])
    assert isinstance(model, DIMML)  # noqa: S101 (for the type checker)
    fit(
        model, splits[0],  # without validation data: the weights of the last epoch stay
        epochs=settings.epochs, batch_size=settings.batch_size, lr=settings.lr,
        seed=settings.seed, device=settings.device, progress=False,
    )  # fmt: skip
    accuracies = train_head(model, splits[0], splits[1:], settings.seed)
    return {"seed": settings.seed, "val": accuracies[0], "test": accuracies[1]}


def train_head(
    model: DIMML, train: MultimodalData, others: tuple[MultimodalData, ...], seed: int
) -> list[list[float]]:
    """Train a linear head on frozen encoders; return the accuracy on each of the other splits."""
    z, scored = features(model, train), [(features(model, split), split) for split in others]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = nn.Linear(z.shape[1], model.spec.n_outputs)
    optimizer = torch.optim.SGD(head.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)
    order = torch.Generator().manual_seed(seed)
    found: list[list[float]] = [[] for _ in others]
    for _ in range(HEAD_EPOCHS):
        for batch in torch.split(torch.randperm(len(z), generator=order), 16):
            optimizer.zero_grad()
            torch.autograd.backward(F.cross_entropy(head(z[batch]), train.target[batch]))
            optimizer.step()
        for accuracies, (z_of, split) in zip(found, scored, strict=True):
            predicted = prediction(model, head, z_of)
            accuracies.append(round(float((predicted == split.target).double().mean()), 4))
    return found


@torch.no_grad()
def features(model: DIMML, split: MultimodalData) -> Tensor:
    """Return the features of all modalities side by side, ``(N, n d)``."""
    return torch.cat(model.eval().encode(split.inputs), dim=1)


@torch.no_grad()
def prediction(model: DIMML, head: nn.Linear, z: Tensor) -> Tensor:
    """Return the classes ``(N,)`` that the modalities' own heads and a new one predict together."""
    parts = z.chunk(len(model.heads), dim=1)
    own = [of(part) for of, part in zip(model.heads.values(), parts, strict=True)]
    logits = torch.stack([*own, head(z)], dim=1)
    weights = certainty_weights(logits, model.certainty_temperature)
    return (weights[..., None] * logits).sum(dim=1).argmax(dim=1)


def main() -> None:
    """Run all data sets and seeds."""
    torch.set_num_threads(1)
    content: dict[str, Any] = {}
    for name in DATA:
        all_settings = chosen_settings(name)
        content[name] = {
            "command": "python -m benchmarks.head_selection",
            "settings": asdict(all_settings[0]),
            "head": {"epochs": HEAD_EPOCHS, "lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-4,
                     "batch_size": 16},
            "date": time.strftime("%Y-%m-%d"),
            **provenance(all_settings[0].device),
            "rows": [rows_of_seed(settings) for settings in tqdm(all_settings, name)],
        }  # fmt: skip
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
