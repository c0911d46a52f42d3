"""DI-MML without one of its parts at a time, on the tasks of the table of methods.

Every variant is trained in the setting that `benchmarks.methods` chose for the whole method on
validation data, on the same seeds. ``python -m benchmarks.dimml_ablation TASK ...`` writes
``reproduce/dimml_ablation.json``, which the chapter on DI-MML reads.
"""

import json
import sys
from functools import partial
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.methods import (
    FOLDER,
    SEEDS,
    TASKS,
    Splits,
    Task,
    provenance,
    result_file,
    train,
    write,
)
from mmfuse_lib import evaluate
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods import DIMML

RESULT = FOLDER / "dimml_ablation.json"

#: What is trained, by the options in which it differs from the method.
VARIANTS: dict[str, dict[str, Any]] = {
    "DI-MML": {},
    "no DUC": {"duc_weight": 0.0},
    "both ways": {"one_way": False},
    "all dimensions": {"selected": False},
    "no shared head": {"shared_weight": 0.0},
}


def rows_of_seed(task: Task, setting: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Train every variant on one seed; return a row each, and one a head of the whole method."""
    splits, rows = task.load(seed), []
    for name, options in VARIANTS.items():
        model = train(task, partial(DIMML.for_data, **options), setting, splits, seed)
        assert isinstance(model, DIMML)  # noqa: S101 (for the type checker)
        row = accuracies(model, splits[2])
        rows.append({"variant": name, "seed": seed, **row, **rates(model, splits)})
        if name == "DI-MML":
            rows += [{"variant": v, "seed": seed, **row} for v, row in by_head(model, splits[2])]
    return rows


def accuracies(model: DIMML, samples: MultimodalData) -> dict[str, float]:
    """Return the accuracy, also by kind where it is known."""
    metrics = evaluate(model, samples, device="cpu").metrics
    return {k: round(v, 4) for k, v in metrics.items() if k.startswith("accuracy")}


@torch.no_grad()
def by_head(model: DIMML, samples: MultimodalData) -> list[tuple[str, dict[str, float]]]:
    """Return the accuracies of the unweighted mean of the heads, and of each head alone."""
    logits = model.eval().head_logits(samples.inputs)
    votes = {"no certainty weighting": logits.mean(dim=1)}
    votes |= {f"{name} head only": logits[:, j] for j, name in enumerate(model.interaction_names)}
    return [(name, _by_kind(vote, samples)) for name, vote in votes.items()]


def _by_kind(logits: torch.Tensor, samples: MultimodalData) -> dict[str, float]:
    right = (logits.argmax(dim=1) == samples.target).double()
    found = {"accuracy": right.mean()}
    if samples.composition is not None:
        for k, kind in enumerate(("R", "U1", "U2", "S")):
            found[f"accuracy_{kind}"] = right[samples.composition == k].mean()
    return {name: round(float(value), 4) for name, value in found.items()}


@torch.no_grad()
def rates(model: DIMML, splits: Splits) -> dict[str, float]:
    """Return the mean rate of the dimensions that each modality was to learn, before and after."""
    names = list(model.encoders)
    before = model.rates.clone()
    taught = {
        s: torch.stack([model.effective[t] & ~model.effective[s] for t in others(s, len(names))])
        for s in range(len(names))
    }
    model.eval().select_dimensions(splits[0])
    found: dict[str, float] = {}
    for s, name in enumerate(names):
        mask = taught[s].any(dim=0)
        found[f"{name}_n_taught"] = int(mask.sum())
        found[f"{name}_before"] = round(float(before[s][mask].mean()), 4)
        found[f"{name}_after"] = round(float(model.rates[s][mask].mean()), 4)
    return found


def others(s: int, n: int) -> list[int]:
    """List all modalities but one."""
    return [t for t in range(n) if t != s]


def main() -> None:
    """Run the tasks that the command line names; all by default."""
    torch.set_num_threads(1)
    for name in sys.argv[1:] or TASKS:
        task = TASKS[name]
        chosen = json.loads(result_file(name).read_text("utf8"))["methods"]["DIMML"]["setting"]
        rows = [row for s in tqdm(SEEDS, name) for row in rows_of_seed(task, chosen, s)]
        content = json.loads(RESULT.read_text("utf8")) if RESULT.exists() else {}
        about = provenance(name, task) | {"command": f"python -m benchmarks.dimml_ablation {name}"}
        del about["grid"], about["chosen"]
        write(RESULT, content | {name: {**about, "setting": chosen, "rows": rows}})


if __name__ == "__main__":
    main()
