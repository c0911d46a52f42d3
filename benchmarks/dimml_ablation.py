"""DI-MML without one of its parts at a time, on the data sets of the default study.

Every variant is trained as a cell of the study is, in the setting that the study chose for the
whole method on validation data (``reproduce/book.json``), on the same ten seeds.
``python -m benchmarks.dimml_ablation DATA ...`` writes ``reproduce/dimml_ablation.json``, which the
chapter on DI-MML reads.
"""

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from mmfuse_lib import evaluate
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods import DIMML
from mmfuse_lib.runs import Settings, Splits, load_splits, provenance, read_settings, train
from mmfuse_lib.study import Study, load_results

FOLDER = Path(__file__).parents[1] / "reproduce"
RESULT = FOLDER / "dimml_ablation.json"
DATA = ("digit_pairs", "utd_mhad")
SEEDS = range(10)

#: What is trained, by the options in which it differs from the method.
VARIANTS: dict[str, dict[str, Any]] = {
    "DI-MML": {},
    "no DUC": {"duc_weight": 0.0},
    "both ways": {"one_way": False},
    "all dimensions": {"selected": False},
    "no shared head": {"shared_weight": 0.0},
    "concat head": {"fusion": "concat"},  # a hidden layer
    "low-rank head": {"fusion": "low_rank"},  # products of the modalities' features
}


def chosen_settings(name: str) -> list[Settings]:
    """Return what the study chose for DI-MML on a data set, with each of our seeds."""
    config = read_settings(FOLDER / "book.yml")
    config |= {"methods": {"DIMML": {}}, "data": {name: config["data"][name]}}
    chosen = load_results(FOLDER / "book.json").setting(name, "DIMML")
    settings = next(cell.settings for cell in Study.of(config).cells if cell.setting == chosen)
    return [replace(settings, seed=seed) for seed in SEEDS]


def rows_of_seed(settings: Settings) -> list[dict[str, Any]]:
    """Train every variant on one seed; return a row each, and one a head of the whole method."""
    splits, rows, seed = load_splits(settings), [], settings.seed
    for name, options in VARIANTS.items():
        varied = replace(settings, method_options={**settings.method_options, **options})
        model = train(varied, splits, progress=False).model
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
    """Run the data sets that the command line names; both by default."""
    torch.set_num_threads(1)
    for name in sys.argv[1:] or DATA:
        all_settings = chosen_settings(name)
        rows = [row for settings in tqdm(all_settings, name) for row in rows_of_seed(settings)]
        content = json.loads(RESULT.read_text("utf8")) if RESULT.exists() else {}
        content[name] = {
            "command": f"python -m benchmarks.dimml_ablation {name}",
            "settings": asdict(all_settings[0]),
            "seeds": [settings.seed for settings in all_settings],
            "date": time.strftime("%Y-%m-%d"),
            **provenance("cpu"),
            "rows": rows,
        }
        RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
