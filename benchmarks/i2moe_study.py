"""What I2MoE's experts carry: ablations where the truth is known, and two sets of real data.

Five parts, each a file in reproduce/ that the chapter on I2MoE draws:

- ``digits``: digit pairs, whose interactions are known per sample. Every ablation of the paper.
- ``utd_mhad``: three modalities of 27 actions, people of the test split never seen in training.
- ``cremad``: regression, the level of anger that people rated who heard and saw a clip.
- ``search``: interaction weight and temperature, on the validation splits of the first two. The
  test splits are not looked at.
- ``start``: do the names fit better if all experts start as copies of one? Four settings, all
  with known interactions, and twelve paired seeds that no other part uses. The rule, written
  before the first result was looked at: on the validation splits, take for each run the mean area
  under the ROC curve of R, U1, U2 and S, and for each seed the mean difference over the settings.
  The published start, as copies, is the default, unless starting apart is better in this, or
  predicts better by half a point, with a 95 % interval that excludes 0.

Rows that a file already has are not computed again. Run with
``python -m benchmarks.i2moe_study digits utd_mhad cremad search start``; a number behind the names
is the seconds after which no further row is begun.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from benchmarks.provenance import provenance
from mmfuse_lib import data, evaluate, fit, methods
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.encoders import MLPEncoder

FOLDER = Path(__file__).parents[1] / "reproduce"
SEEDS = range(5)
Splits = tuple[MultimodalData, MultimodalData, MultimodalData]
Row = dict[str, Any]

#: Options of `methods.I2MoE` by the name of the ablation. The first is the method itself; the last
#: four are where the library and the authors' code differ, or did.
DIGITS: dict[str, dict[str, Any]] = {
    "I2MoE": {},
    "no interaction loss": {"interaction_weight": 0.0},
    "lambda 0.01": {"interaction_weight": 0.01},
    "lambda 1": {"interaction_weight": 1.0},
    "global weights": {"weights": "global"},
    "R and S only": {"experts": ("R", "S")},
    "latent space": {"losses_on": "latent"},
    "zero": {"perturbation": "zero"},
    "mean": {"perturbation": "mean"},
    "shuffle": {"perturbation": "shuffle"},
    "starts apart": {"shared_start": False},
    "starts apart, no loss": {"shared_start": False, "interaction_weight": 0.0},
    "own stand-ins": {"fresh_stand_ins": True},
    "dropout": {"dropout": 0.5},
}
UTD_MHAD: dict[str, dict[str, Any]] = {
    "I2MoE": {},
    "no interaction loss": {"interaction_weight": 0.0},
    "lambda 0.01": {"interaction_weight": 0.01},
    "two passes": {"perturbed_passes": 2},
}
CREMAD = {
    "I2MoE": {},
    "no interaction loss": {"interaction_weight": 0.0},
    "lambda 0.01": {"interaction_weight": 0.01},
}


def load_digits(seed: int) -> Splits:
    """Digit pairs of four classes with the cue, a quarter of each interaction."""
    return data.load("digit_pairs", seed=seed, n_train=2_000, n_test=2_000)


def load_utd_mhad(seed: int) -> Splits:
    """Skeleton, inertial sensor and depth; nothing is drawn."""
    return data.load("utd_mhad", modalities=("skeleton", "inertial", "depth"))


def load_cremad(seed: int) -> Splits:
    """Rated level of anger, in standard deviations of the training targets."""
    train, val, test = data.load("cremad_votes", seed=seed, target="level")
    mean, scale = train.target.mean(), train.target.std()
    a, b, c = (replace(part, target=(part.target - mean) / scale) for part in (train, val, test))
    return a, b, c


Part = tuple[Callable[[int], Splits], dict[str, dict[str, Any]], dict[str, Any]]
PARTS: dict[str, Part] = {
    "digits": (load_digits, DIGITS, {"epochs": 12, "lr": 2e-3, "batch_size": 64}),
    "utd_mhad": (load_utd_mhad, UTD_MHAD, {"epochs": 30, "lr": 1e-3, "batch_size": 32}),
    "cremad": (load_cremad, CREMAD, {"epochs": 10, "lr": 2e-3, "batch_size": 128}),
}
DIM, HIDDEN = 32, 64

#: What the search goes through, for each data set and seed: every pair of lambda and T.
SEARCH: dict[str, tuple[float, ...]] = {
    "interaction_weight": (0.0, 0.01, 0.1, 0.5, 1.0),
    "temperature": (1.0, 2.0, 4.0),
}
SEARCH_DATA, SEARCH_SEEDS = ("digits", "utd_mhad"), range(3)

#: Where both starts are compared. ``own`` encoders are those of the other parts, else the library's
#: defaults; ``data`` goes to the data set, ``fit`` to `fit`.
START: dict[str, dict[str, Any]] = {
    "as in the ablations": {"own": True, "data": {"n_train": 2_000}, "fit": PARTS["digits"][2]},
    "library's defaults": {"data": {"n_train": 4_000}},
    "six classes": {
        "own": True,
        "data": {"n_train": 2_000, "n_classes": 6},
        "fit": PARTS["digits"][2],
    },
    "with patience": {
        "own": True,
        "data": {"n_train": 2_000},
        "fit": {"epochs": 60, "lr": 1e-3, "batch_size": 64, "patience": 10},
    },
}
STARTS, START_SEEDS = {"apart": False, "as one": True}, range(100, 112)


def rows_to_do(part: str, done: list[Row]) -> Iterator[tuple[str, int]]:
    """Yield names and seeds of the runs that are missing, seed by seed."""
    there = {(row["name"], row["seed"]) for row in done}
    for seed in SEEDS:
        for name in ("joint", "ensemble", *PARTS[part][1]):
            if (name, seed) not in there:
                yield name, seed


def run(part: str, name: str, seed: int) -> Row:
    """Train one model and measure it on the test split."""
    load, ablations, options = PARTS[part]
    splits = load(seed)
    kinds: dict[str, Any] = {"joint": methods.JointFusion, "ensemble": methods.Ensemble}
    build = kinds.get(name, methods.I2MoE).for_data
    encoders = make_encoders(splits[0], seed)
    model = build(splits[0], encoders=encoders, seed=seed, **ablations.get(name, {}))
    history = fit(model, *splits[:2], seed=seed, device="cpu", progress=False, **options)
    row: Row = {"name": name, "seed": seed, "metrics": rounded(evaluate(model, splits[2]).metrics)}
    if isinstance(model, methods.I2MoE):
        row["val_task"] = validation_loss(history.to_frame(), history.best_epoch["experts"])
        row |= measure_experts(model, splits[2])
    if isinstance(model, methods.Ensemble):
        for modality in splits[2].modalities:
            alone = evaluate(model.member(modality), splits[2]).metrics
            row[f"alone_{modality}"] = rounded(alone)
    return row


def search_to_do(done: list[Row]) -> Iterator[tuple[int, str, float, float]]:
    """Yield seed, data, lambda and T of the runs that are missing, seed by seed."""
    keys = ("seed", "data", *SEARCH)
    there = {tuple(row[key] for key in keys) for row in done}
    cells: Iterator[Any] = product(SEARCH_SEEDS, SEARCH_DATA, *SEARCH.values())
    for cell in cells:
        if cell not in there:
            yield cell


def run_search(seed: int, part: str, weight: float, temperature: float) -> Row:
    """Train one model, and read off its validation losses in the epoch that was kept."""
    load, _, options = PARTS[part]
    train, val, _ = load(seed)
    model = methods.I2MoE.for_data(
        train,
        encoders=make_encoders(train, seed),
        seed=seed,
        interaction_weight=weight,
        temperature=temperature,
    )
    history = fit(model, train, val, seed=seed, device="cpu", progress=False, **options)
    frame, best = history.to_frame(), history.best_epoch["experts"]
    at_best = frame.query("split == 'val' and epoch == @best").set_index("term")["value"]
    given = {"seed": seed, "data": part, "interaction_weight": weight, "temperature": temperature}
    return {**given, "epoch": best, **rounded(at_best.drop("total").to_dict())}


def start_to_do(done: list[Row]) -> Iterator[tuple[int, str, str]]:
    """Yield seed, setting and start of the runs that are missing, seed by seed."""
    there = {(row["seed"], row["setting"], row["start"]) for row in done}
    for cell in product(START_SEEDS, START, STARTS):
        if cell not in there:
            yield cell


def run_start(seed: int, setting: str, start: str) -> Row:
    """Train one model, and see what it knows of the validation and of the test split."""
    given = START[setting]
    splits = data.load("digit_pairs", seed=seed, n_test=2_000, **given["data"])
    model = methods.I2MoE.for_data(
        splits[0],
        encoders=make_encoders(splits[0], seed) if "own" in given else None,
        seed=seed,
        shared_start=STARTS[start],
    )
    options = given.get("fit", {})
    history = fit(model, *splits[:2], seed=seed, device="cpu", progress=False, **options)
    row: Row = {"seed": seed, "setting": setting, "start": start}
    row["epoch"] = history.best_epoch["experts"]
    for name, split in zip(("val", "test"), splits[1:], strict=True):
        found = measure_experts(model, split)
        accuracy = evaluate(model, split, device="cpu").metrics["accuracy"]
        alone = {
            kind: found["expert_accuracy_by_kind"][e][e] for e, kind in enumerate(INTERACTIONS)
        }
        row[name] = {"accuracy": round(accuracy, 4), "auroc": found["auroc"], "alone": alone}
    return row


def make_encoders(train: MultimodalData, seed: int) -> dict[str, MLPEncoder]:
    """Return small encoders that flatten their input: few samples, and one processor."""
    with isolated_rng(seed):
        return {name: MLPEncoder(shape, DIM, HIDDEN) for name, shape in train.shapes.items()}


def validation_loss(frame: Any, best: int) -> float:
    """Return the validation loss of the prediction in the epoch that was kept."""
    at_best = frame.query("split == 'val' and term == 'task' and epoch == @best")
    return round(float(at_best["value"].iloc[0]), 4)


@torch.no_grad()
def measure_experts(model: methods.I2MoE, test: MultimodalData) -> Row:
    """Return what the experts do: their weights and, for classes, their votes."""
    names = model.interaction_names
    w = model.interactions(test.inputs).numpy()
    logits = model.expert_outputs(test.inputs)
    row: Row = {"names": list(names), "mean_weights": rounded(w.mean(axis=0))}
    if test.task == "regression":
        row["expert_rmse"] = rounded(
            (logits[..., 0] - test.target[:, None]).square().mean(0) ** 0.5
        )
        return row
    right = (logits.argmax(dim=2) == test.target[:, None]).numpy()
    votes = logits.argmax(dim=2)
    differ = (votes != votes[:, :1]).any(dim=1).numpy()
    mixture = (model(test.inputs).argmax(dim=1) == test.target).numpy()
    row["disagree"] = round(float(differ.mean()), 4)
    row["accuracy_disagree"] = round(float(mixture[differ].mean()), 4)
    row["expert_accuracy"] = rounded(right.mean(axis=0))
    if test.composition is None:
        by_class = [w[test.target.numpy() == k].mean(axis=0) for k in range(test.n_classes)]
        return {**row, "weights_by_class": rounded(np.array(by_class))}
    kind = np.array(INTERACTIONS)[test.composition.numpy()]
    groups = [kind == k for k in INTERACTIONS]
    row["weights_by_kind"] = rounded(np.array([w[g].mean(axis=0) for g in groups]))
    row["expert_accuracy_by_kind"] = rounded(np.array([right[g].mean(axis=0) for g in groups]))
    row["auroc"] = {
        name: round(float(roc_auc_score(kind == name, w[:, e])), 4) for e, name in enumerate(names)
    }
    row["accuracy_without"] = {
        name: rounded(accuracy_without(e, w, logits, test, groups)) for e, name in enumerate(names)
    }
    return row


def accuracy_without(
    expert: int, w: Any, logits: torch.Tensor, test: MultimodalData, groups: list[Any]
) -> Any:
    """Return the accuracy per kind when an expert is left out of the sum."""
    kept = torch.as_tensor(np.delete(w, expert, axis=1))
    others = torch.as_tensor(np.delete(logits.numpy(), expert, axis=1))
    right = ((kept[..., None] * others).sum(dim=1).argmax(dim=1) == test.target).numpy()
    return np.array([right[g].mean() for g in groups])


def rounded(values: Any) -> Any:
    """Round to four places, for a small file."""
    if isinstance(values, dict):
        return {k: round(v, 4) for k, v in values.items()}
    return np.asarray(values, dtype=np.float64).round(4).tolist()


def settings_of(part: str) -> dict[str, Any]:
    """Return what a part varies and what it keeps, for its file."""
    sizes = {"dim": DIM, "hidden": HIDDEN}
    if part == "search":
        return {"search": SEARCH, "options": sizes | {d: PARTS[d][2] for d in SEARCH_DATA}}
    if part == "start":
        return {"settings": START, "starts": STARTS, "options": sizes}
    return {"ablations": PARTS[part][1], "options": sizes | PARTS[part][2]}


def write(part: str, rows: list[Row]) -> None:
    """Write what there is, with its provenance."""
    content = {
        **provenance(f"python -m benchmarks.i2moe_study {part}"),
        **settings_of(part),
    }
    head = json.dumps(content, indent=1)[:-2]
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    path = FOLDER / f"i2moe_{part}.json"
    path.write_text(f'{head},\n "rows": [\n  {lines}\n ]\n}}\n', encoding="utf-8")


def main(parts: list[str], limit: float = float("inf")) -> None:
    """Compute the missing rows of these parts, for at most `limit` seconds."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    for part in parts or [*PARTS, "search", "start"]:
        path = FOLDER / f"i2moe_{part}.json"
        rows: list[Row] = json.loads(path.read_text())["rows"] if path.exists() else []
        for compute, cell in cells_of(part, rows):
            if time.perf_counter() - start > limit:
                return
            rows.append(compute(*cell))
            write(part, rows)
            print(*cell, rows[-1].get("metrics", rows[-1].get("task")), flush=True)


def cells_of(part: str, done: list[Row]) -> list[tuple[Callable[..., Row], tuple[Any, ...]]]:
    """Return what is missing in a part: a function, and what to call it with."""
    if part == "search":
        return [(run_search, cell) for cell in search_to_do(done)]
    if part == "start":
        return [(run_start, cell) for cell in start_to_do(done)]
    return [(run, (part, *cell)) for cell in rows_to_do(part, done)]


if __name__ == "__main__":
    limits = [float(a) for a in sys.argv[1:] if a.isdigit()]
    main([a for a in sys.argv[1:] if not a.isdigit()], *limits)
