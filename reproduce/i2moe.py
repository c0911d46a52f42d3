"""What the studies of I2MoE measure of its experts, and a data set of theirs.

`i2moe.yml` has the ablations, where the truth is known and on two sets of real data;
`i2moe_search.yml` chooses the interaction weight and the temperature on validation data;
`i2moe_start.yml` asks whether experts should start as copies of one.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.data.downloaded import cremad_votes
from mmfuse_lib.evaluation import evaluate
from mmfuse_lib.methods.baselines import Ensemble
from mmfuse_lib.methods.i2moe import I2MoE
from mmfuse_lib.runs import Splits, Trained
from reproduce import rounded


def anger(seed: int = 0) -> Splits:
    """Return the level of anger that people rated, in standard deviations of training targets."""
    splits = cremad_votes.load(seed=seed, target="level")
    mean, scale = splits[0].target.mean(), splits[0].target.std()
    return tuple(replace(split, target=(split.target - mean) / scale) for split in splits)


def terms(trained: Trained) -> dict[str, float]:
    """Return the terms of the loss on validation data, in the epoch that was kept."""
    frame = trained.history.to_frame().query("split == 'val'")
    stage = frame["stage"].iloc[-1]
    at = frame[(frame["stage"] == stage) & (frame["epoch"] == trained.history.best_epoch[stage])]
    found: dict[str, float] = rounded(dict(zip(at["term"], at["value"], strict=True)))
    return found


def alone(trained: Trained) -> dict[str, Any]:
    """Return the test metrics of each member of an ensemble: a modality alone."""
    model, test = trained.model, trained.splits[2]
    if not isinstance(model, Ensemble):
        return {}
    return {m: rounded(evaluate(model.member(m), test).metrics) for m in test.modalities}


def experts(trained: Trained) -> dict[str, Any]:
    """Return what the experts do on the test split: their weights and, for classes, votes."""
    return _experts(trained.model, trained.splits[2])


def names_fit(trained: Trained) -> dict[str, Any]:
    """Return how well the names fit on validation and on test data.

    The accuracy, the area under the ROC curve of each column, and each expert's accuracy alone on
    the samples of its kind.
    """
    found = {}
    for name, split in zip(("val", "test"), trained.splits[1:], strict=True):
        of = _experts(trained.model, split)
        own = {k: of["expert_accuracy_by_kind"][e][e] for e, k in enumerate(INTERACTIONS)}
        accuracy = evaluate(trained.model, split, device="cpu").metrics["accuracy"]
        found[name] = {"accuracy": round(accuracy, 4), "auroc": of["auroc"], "alone": own}
    return found


@torch.no_grad()
def _experts(model: Any, split: MultimodalData) -> dict[str, Any]:
    if not isinstance(model, I2MoE):
        return {}
    names = model.interaction_names
    w = model.interactions(split.inputs).numpy()
    logits = model.expert_outputs(split.inputs)
    found: dict[str, Any] = {"names": list(names), "mean_weights": rounded(w.mean(axis=0))}
    if split.task == "regression":
        errors = (logits[..., 0] - split.target[:, None]).square().mean(0) ** 0.5
        return found | {"expert_rmse": rounded(errors)}
    votes = logits.argmax(dim=2)
    right = (votes == split.target[:, None]).numpy()
    differ = (votes != votes[:, :1]).any(dim=1).numpy()
    mixture = (model(split.inputs).argmax(dim=1) == split.target).numpy()
    found["disagree"] = round(float(differ.mean()), 4)
    found["accuracy_disagree"] = round(float(mixture[differ].mean()), 4)
    found["expert_accuracy"] = rounded(right.mean(axis=0))
    if split.composition is None:
        by_class = [w[split.target.numpy() == k].mean(axis=0) for k in range(split.n_classes)]
        return found | {"weights_by_class": rounded(by_class)}
    kind = np.array(INTERACTIONS)[split.composition.numpy()]
    groups = [kind == k for k in INTERACTIONS]
    return found | {
        "weights_by_kind": rounded([w[g].mean(axis=0) for g in groups]),
        "expert_accuracy_by_kind": rounded([right[g].mean(axis=0) for g in groups]),
        "auroc": {
            name: round(float(roc_auc_score(kind == name, w[:, e])), 4)
            for e, name in enumerate(names)
        },
        "accuracy_without": {
            name: rounded(_accuracy_without(e, w, logits, split, groups))
            for e, name in enumerate(names)
        },
    }


def _accuracy_without(
    expert: int, w: Any, logits: torch.Tensor, split: MultimodalData, groups: list[Any]
) -> list[Any]:
    """Return the accuracy per kind when an expert is left out of the sum."""
    kept = torch.as_tensor(np.delete(w, expert, axis=1))
    others = torch.as_tensor(np.delete(logits.numpy(), expert, axis=1))
    right = ((kept[..., None] * others).sum(dim=1).argmax(dim=1) == split.target).numpy()
    return [right[g].mean() for g in groups]
