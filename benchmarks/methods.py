"""The table of methods: every method on a task, with the same encoders and the same tuning effort.

``python -m benchmarks.methods TASK [METHOD ...]`` trains the named methods (all by default) in all
settings of the task's grid and on all seeds, and writes ``reproduce/methods_TASK.json``, one entry
a method; entries of other methods are kept. A method's setting is the one with the best validation
accuracy, mean over the seeds; only the test result of that setting is kept. To add a method,
add a line to `candidates`.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from mmfuse_lib import data, evaluate, fit, methods
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.encoders import MLPEncoder
from mmfuse_lib.methods import Method

FOLDER = Path(__file__).parents[1] / "reproduce"
SEEDS = range(5)
DIM = 64

Splits = tuple[MultimodalData, MultimodalData, MultimodalData]
Setting = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """Data, encoders, and the settings that every method is tried in.

    Attributes
    ----------
    name, options
        What `data.load` gets.
    epochs, lrs
        The grid of budgets and learning rates.
    batch_size, patience
        As in `fit`, the same for all.
    encoder
        Called as ``encoder(shape, dim)``; default encoders if None.
    """

    name: str
    options: dict[str, Any]
    epochs: tuple[int, ...]
    lrs: tuple[float, ...]
    batch_size: int
    patience: int = 8
    encoder: Callable[[tuple[int, ...], int], nn.Module] | None = None

    @property
    def grid(self) -> list[Setting]:
        """All settings."""
        return [{"epochs": e, "lr": lr} for e in self.epochs for lr in self.lrs]

    def load(self, seed: int) -> Splits:
        """Load the splits."""
        return data.load(self.name, seed=seed, **self.options)


SIZES = {"n_train": 4_000, "n_val": 1_000, "n_test": 4_000}
NOISY = {"n_classes": 10, "cue": False, "composition": {"R": 1.0}, "noise": {"right": 0.4}}
TASKS: dict[str, Task] = {
    "digit_pairs": Task("digit_pairs", SIZES, (10, 30), (1e-3, 3e-3), 128),
    # The data of the chapter on modality competition, at its strongest noise.
    "noisy_digits": Task(
        "digit_pairs", NOISY | SIZES | {"n_train": 1_600}, (10, 30), (1e-3, 3e-3), 128
    ),
    "utd_mhad": Task("utd_mhad", {}, (20, 60), (3e-4, 1e-3), 32, encoder=MLPEncoder),
}


def candidates(modalities: tuple[str, ...]) -> dict[str, Callable[..., Method]]:
    """List the methods of the table: what builds each, called on training data and seed."""
    alone = {f"{m} alone": partial(methods.Unimodal.for_data, modality=m) for m in modalities}
    return {
        **alone,
        "Ensemble": methods.Ensemble.for_data,
        "JointFusion": methods.JointFusion.for_data,
        "DIMML": methods.DIMML.for_data,
        "DMIL": methods.DMIL.for_data,
        "DMIL, synergy first": partial(methods.DMIL.for_data, synergy_first=True),
        "I2MoE": methods.I2MoE.for_data,
    }


def train(
    task: Task, build: Callable[..., Method], setting: Setting, splits: Splits, seed: int
) -> Method:
    """Build and train a method."""
    shapes = splits[0].shapes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = task.encoder
        encoders = encoder and {name: encoder(shape, DIM) for name, shape in shapes.items()}
    model = build(splits[0], encoders=encoders, dim=DIM, seed=seed)
    fit(
        model, *splits[:2], **setting, batch_size=task.batch_size, patience=task.patience,
        seed=seed, device="cpu", progress=False,
    )  # fmt: skip
    return model


def scores(model: Method, samples: MultimodalData) -> dict[str, float]:
    """Return the metrics on some samples, rounded."""
    metrics = evaluate(model, samples, device="cpu").metrics
    return {name: round(value, 4) for name, value in metrics.items()}


def compare(task: Task, build: Callable[..., Method], label: str) -> dict[str, Any]:
    """Try a method in every setting, choose one on validation, and report it on test."""
    start = time.process_time()
    validation = np.zeros((len(task.grid), len(SEEDS)))
    tested: dict[tuple[int, int], dict[str, float]] = {}
    for column, seed in enumerate(tqdm(SEEDS, label)):
        splits = task.load(seed)
        for row, setting in enumerate(task.grid):
            model = train(task, build, setting, splits, seed)
            validation[row, column] = scores(model, splits[1])["accuracy"]
            tested[row, column] = scores(model, splits[2])
    best = int(validation.mean(axis=1).argmax())
    return {
        "setting": task.grid[best],
        "validation_accuracy": validation.mean(axis=1).round(4).tolist(),
        "test": [tested[best, column] for column in range(len(SEEDS))],
        "seconds": round(time.process_time() - start),
    }


def provenance(name: str, task: Task) -> dict[str, Any]:
    """Return how a file was made."""
    return {
        "command": f"python -m benchmarks.methods {name}",
        "data": {"name": task.name, **task.options},
        "encoders": f"{task.encoder.__name__ if task.encoder else 'default'}, dim {DIM}",
        "grid": task.grid,
        "batch_size": task.batch_size,
        "patience": task.patience,
        "seeds": list(SEEDS),
        "chosen": "the setting with the best validation accuracy, mean over the seeds",
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "packages": {p: version(p) for p in ("numpy", "scikit-learn", "torch")},
        "machine": f"{platform.system()} {platform.machine()}, one thread",
    }


def result_file(name: str) -> Path:
    """Return where the results of a task are."""
    return FOLDER / f"methods_{name}.json"


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a result file; lists of lists and of records one item a line."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run the methods that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.methods")
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("method", nargs="*")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    name, task = arguments.task, TASKS[arguments.task]
    known = candidates(task.load(0)[0].modalities)
    path = result_file(name)
    for label in arguments.method or known:
        entry = compare(task, known[label], label)
        # Read anew each time: another run may have written its methods meanwhile.
        old = json.loads(path.read_text("utf8"))["methods"] if path.exists() else {}
        entries = old | {label: entry}
        ordered = {k: entries[k] for k in (*known, *entries) if k in entries}
        write(path, {**provenance(name, task), "methods": ordered})
        accuracy = [test["accuracy"] for test in entry["test"]]
        print(label, entry["setting"], f"test accuracy {np.mean(accuracy):.4f}")


if __name__ == "__main__":
    main()
