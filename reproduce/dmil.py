"""Variants of DMIL that are no options of the library, and what its studies measure.

`dmil.yml` asks where DMIL fails and why. `dmil_search.yml` and `dmil_regularisers.yml` vary the
weights of its objective on validation data; `dmil_chosen.yml` tests what the latter chose.
"""

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.data.synthetic.labels import composition_weights, draw_symbols
from mmfuse_lib.evaluation import evaluate
from mmfuse_lib.explanations.scores import score_report
from mmfuse_lib.methods.base import Spec, Stage
from mmfuse_lib.methods.baselines import Ensemble
from mmfuse_lib.methods.dmil import DMIL, Bottleneck, IntraLevel
from mmfuse_lib.runs import Trained
from mmfuse_lib.study.cells import pack_right
from reproduce import rounded

# Variants of the remedy, and of the default.


class NoisyResidual(DMIL):
    """The remedy with noise and KL term on N."""

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module]) -> None:
        super().__init__(spec, encoders, synergy_first=True)
        d, dims = self.classify.weight.shape[1], [*self.dims.values()]
        self.intra = IntraLevel(dims, d, self.spec.n_outputs, (True, True))


class NotKept(DMIL):
    """The remedy, its loss not kept in L1."""

    def L1(self, batch: MultimodalData) -> dict[str, torch.Tensor]:  # noqa: N802
        """Return the terms of the paper's stage one."""
        terms = super().L1(batch)
        return terms | {"total": terms["total"] - terms["task_S"]}


class Unfocused(DMIL):
    """The remedy, its weights all 1."""

    def stages(self, epochs: int) -> list[Stage]:
        """Return the stages, their losses evaluated without weights."""
        plain = patch("mmfuse_lib.methods.dmil.focus", lambda logits, target: None)

        def without(loss: Callable[..., Any]) -> Callable[..., Any]:
            def evaluated(batch: MultimodalData) -> Any:
                with plain:
                    return loss(batch)

            return evaluated

        return [
            Stage(s.name, s.epochs, s.modules, without(s.loss), s.monitor)
            for s in super().stages(epochs)
        ]


class QuietStart(DMIL):
    """The default, its noise small at first: log-variances start at -5."""

    def __init__(self, spec: Spec, encoders: Mapping[str, nn.Module]) -> None:
        super().__init__(spec, encoders)
        for level in self.modules():
            if isinstance(level, Bottleneck):
                variances = level.maps.bias[..., len(level.has_variance) * level.d :]
                torch.nn.init.constant_(variances.detach(), -5.0)


class OneStage(DMIL):
    """The paper's last stage only."""

    def stages(self, epochs: int) -> list[Stage]:
        """Return one stage."""
        return [Stage("joint", epochs, [self], self.L3, "prediction")]


class UpToLevelOne(DMIL):
    """Trained until level 1 is, and no further."""

    def stages(self, epochs: int) -> list[Stage]:
        """Return the stages up to level 1."""
        return [s for s in super().stages(epochs) if s.name in ("synergy", "intra")]


# Measures.


def validation_loss(trained: Trained) -> float:
    """Return the lowest validation loss of the last stage: the prediction's, else the total."""
    frame = trained.history.to_frame().query("split == 'val'")
    values = frame[frame["stage"] == frame["stage"].iloc[-1]].groupby("term")["value"].min()
    return round(float(values["prediction" if "prediction" in values else "total"]), 5)


def parts(trained: Trained) -> dict[str, Any]:
    """Return each component's accuracy and mean weight in the gate, by kind where that is known.

    On test data, or on validation data where that is all there is.
    """
    model, split = trained.model, trained.splits[-1]
    if not isinstance(model, DMIL):
        return {}
    with torch.no_grad():
        logits = model.components(split.inputs).logits
    right = {c: (x.argmax(dim=1) == split.target).float() for c, x in logits.items()}
    gate = evaluate(model, split, device="cpu").interactions
    if split.composition is None:
        shares = {c: float(r.mean()) for c, r in right.items()}
        return {"components": rounded(shares), "gate": rounded(gate.mean().to_dict())}
    kinds = [split.composition == k for k in range(len(INTERACTIONS))]
    return {
        "components": {c: [round(float(r[k].mean()), 4) for k in kinds] for c, r in right.items()},
        "gate": [rounded(gate.to_numpy()[k.numpy()].mean(axis=0)) for k in kinds],
    }


def right(trained: Trained) -> dict[str, Any]:
    """Return which test samples are right, for the synergy indicator.

    Of an ensemble also its members': each is a modality alone.
    """
    model, test = trained.model, trained.splits[2]
    found: dict[str, Any] = {"right": pack_right(evaluate(model, test, device="cpu"))}
    if isinstance(model, Ensemble):
        alone = {m: evaluate(model.member(m), test, device="cpu") for m in test.modalities}
        found["right_alone"] = [pack_right(one) for one in alone.values()]
        found["alone"] = {m: round(one.metrics["accuracy"], 4) for m, one in alone.items()}
    return found


def probes(trained: Trained) -> dict[str, float]:
    """Read the left digit off z and N with a linear classifier; return its accuracies.

    On the samples whose label the digit decides, and on those of S, where it decides nothing by
    itself.
    """
    model, settings = trained.model, trained.settings
    assert isinstance(model, DMIL)  # noqa: S101 (for the type checker)
    train, _, test = trained.splits
    digits, kinds = zip(*(_left_digits(settings.data_options, settings.seed, k) for k in (0, 2)),
                        strict=True)  # fmt: skip
    with torch.no_grad():
        at = [model.intra(model.encode(split.inputs)) for split in (train, test)]
    found = {}
    for name, (x_train, x_test) in {
        "z": [x.z[0].numpy() for x in at],
        "N": [x.q_N.mean[0].numpy() for x in at],
    }.items():
        for group, members in (("decides", (0, 1)), ("S", (3,))):
            of_train, of_test = (np.isin(k, members) for k in kinds)
            probe = LogisticRegression(max_iter=300)
            probe.fit(x_train[of_train][:2_500], digits[0][of_train][:2_500])
            score = probe.score(x_test[of_test], digits[1][of_test])
            found[f"{name}, {group}"] = round(score, 4)
    return found


def _left_digits(options: dict[str, Any], seed: int, split: int) -> tuple[Any, Any]:
    """Return the left digit and the kind of each sample, which the data set does not hold."""
    _, *seeds = np.random.SeedSequence(seed).spawn(4)
    n = options[("n_train", "n_val", "n_test")[split]]
    rng = np.random.default_rng(seeds[split])
    a, _, _, kind = draw_symbols(composition_weights(None), n, options["n_classes"], rng)
    return a, kind


#: The terms of the objective.
TERMS = (
    "prediction", "task_1", "task_2", "variational_1", "variational_2", "alignment_2",
    "reconstruction_1", "reconstruction_2",
)  # fmt: skip


def terms(trained: Trained) -> dict[str, float]:
    """Return the terms on training data, unweighted, in the epoch that was kept."""
    kept = trained.history.best_epoch["joint"]
    frame = trained.history.to_frame().query("stage == 'joint' and split == 'train'")
    values = frame[frame["epoch"] == kept].set_index("term")["value"]
    return {term: float(f"{values[term]:.4g}") for term in TERMS}


def areas(trained: Trained) -> dict[str, float]:
    """Return the area under the ROC curve of each column of the gate, on validation data."""
    val = trained.splits[1]
    if val.composition is None:
        return {}
    report = evaluate(trained.model, val, device="cpu").interactions
    found = score_report(report, val.composition.numpy())
    return {kind: round(found[f"auroc_{kind}"], 4) for kind in INTERACTIONS}
