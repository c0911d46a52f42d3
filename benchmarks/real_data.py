"""What interactions real data sets have, by three estimators and three methods.

``python -m benchmarks.real_data`` measures all data sets and writes ``reproduce/real_data.json``,
which the chapter *Real data tour* reads. With names it measures only those and keeps the other
entries, for trying things out: the header is of the last run. With ``--estimator`` it runs that
estimator alone on the named data sets, or on all, and replaces its rows; ``runs`` in the file says
when and how.

Of each data set two modalities are used. **Everything sees the same numbers**: the first 16
principal components of each modality, fitted on training data (the votes of `cremad_votes`, 12
numbers, as they are). Estimators get samples of all splits and score each by networks or counts
that did not learn from it, nor, where it is known whose samples are whose, from any other of the
same person (`ignoring_groups` holds what they say if folds do not care); beside each stands its
answer for the same samples with the labels shuffled, where the truth is zero. Methods are trained
on the training split over three seeds, keep the epoch that is best on validation, and are tested on
the test split, whose reports are averaged.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor

from mmfuse_lib import data, evaluate, fit, methods, runs
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.data.downloaded import cremad_votes
from mmfuse_lib.encoders import MLPEncoder
from mmfuse_lib.information import ATOMS, decompose, decompose_batch, entropy
from mmfuse_lib.information.estimators import (
    Estimate,
    SparseCountsWarning,
    batch_pid,
    cluster_pid,
    lsmi_pid,
)
from mmfuse_lib.methods import Method

Array = NDArray[np.float64]
Splits = tuple[MultimodalData, MultimodalData, MultimodalData]
Entry = dict[str, Any]

OUTPUT = Path(__file__).parents[1] / "reproduce" / "real_data.json"

N_COMPONENTS = 16
MOST_TRAINING, MOST_SAMPLES = 1_500, 2_000
SEEDS = range(3)
DIM, EPOCHS, LR = 32, 30, 1e-3
MANY, BATCH_SIZE, LARGE_BATCH = 1_500, 64, 128  # from MANY training samples on, large batches
RESAMPLES = 200  # of the actors


@dataclass(frozen=True)
class Task:
    """A data set as it is used here.

    Attributes
    ----------
    name : str
        Of the data set.
    options : dict
        What `data.load` gets.
    people : str
        Whose data it is.
    reduce : bool
        Whether modalities are replaced by principal components.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    people: str = ""
    reduce: bool = True


SPOKEN = {"n_classes": 4, "cue": True, "n_train": 1_500, "n_val": 500, "n_test": 1_000}
TASKS = {
    task.name: task
    for task in (
        Task("cremad_votes", people="91 actors, rated by a crowd", reduce=False),
        Task("utd_mhad", people="8 people"),
        Task("mfeat", {"modalities": ["fou", "zer"]}, "unknown writers"),
        Task("cub_image_text", people="none: birds, described by a crowd"),
        Task("mmsd_sarcasm", people="authors of tweets, unknown"),
        Task("rosmap", {"modalities": ["mrna", "meth"]}, "351 people, one sample each"),
        Task("spoken_digits", SPOKEN, "6 speakers, writers of MNIST"),
    )
}

ESTIMATORS: dict[str, Callable[..., Estimate]] = {
    "cluster": partial(cluster_pid, n_bootstrap=100),
    "BATCH": partial(
        batch_pid, folds=3, classifier_steps=250, steps=100, batch_size=512, device="cpu"
    ),
    "LSMI": partial(lsmi_pid, folds=3, steps=250, n_bootstrap=100, device="cpu"),
    # Not corrected, as a warning: eight clusters whatever the number of samples.
    "plug-in 8": partial(cluster_pid, n_clusters=8, n_bootstrap=0),
}

METHODS: dict[str, Callable[..., Method]] = {
    "JointFusion": methods.JointFusion.for_data,
    "DIMML": methods.DIMML.for_data,
    "DMIL": methods.DMIL.for_data,
    "I2MoE": methods.I2MoE.for_data,
}


# What everything sees.


def load(task: Task, seed: int = 0) -> Splits:
    """Load a data set, its training split cut to `MOST_TRAINING`, its inputs to components."""
    train, val, test = data.load(task.name, seed=seed, **task.options)
    if len(train) > MOST_TRAINING:
        train = train[_draw(len(train), MOST_TRAINING, seed)]
    if not task.reduce:
        return train, val, test
    reduced = {name: _components(name, train, (train, val, test)) for name in train.inputs}
    made = [
        replace(part, inputs={name: x[k] for name, x in reduced.items()})
        for k, part in enumerate((train, val, test))
    ]
    return made[0], made[1], made[2]


def _components(name: str, train: MultimodalData, parts: Splits) -> list[Tensor]:
    """Return the leading principal components of a modality, divided by the first's deviation."""
    flat = [part.inputs[name].flatten(1).numpy().astype(np.float64) for part in parts]
    pca = PCA(N_COMPONENTS, svd_solver="full" if flat[0].shape[1] < 500 else "randomized",
              random_state=0).fit(flat[0])  # fmt: skip
    scale = np.sqrt(pca.explained_variance_)
    return [torch.tensor(pca.transform(x) / scale, dtype=torch.float32) for x in flat]


def _draw(n: int, wanted: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).permutation(n)[:wanted])


Labels = NDArray[np.int64]


def pool(splits: Splits) -> tuple[Array, Array, Labels, Labels | None]:
    """Return x1, x2, y and, where known, whose they are, of all splits, at most `MOST_SAMPLES`."""
    views = [
        torch.cat([part.inputs[name] for part in splits]).double().numpy()
        for name in splits[0].inputs
    ]
    y = torch.cat([part.target for part in splits]).numpy()
    chosen = np.random.default_rng(0).permutation(len(y))[:MOST_SAMPLES]
    known = [part.groups for part in splits if part.groups is not None]
    groups = torch.cat(known).numpy()[chosen] if known else None
    return views[0][chosen], views[1][chosen], y[chosen], groups


# Measurements.


def estimate(
    x1: Array, x2: Array, y: Labels, groups: Labels | None, names: Sequence[str] = ()
) -> list[Entry]:
    """Run every estimator, or those named, on the labels, and on the labels shuffled."""
    shuffled = np.random.default_rng(1).permutation(y)
    rows = []
    for name in names or ESTIMATORS:
        estimator = ESTIMATORS[name]
        for control, labels in ((False, y), (True, shuffled)):
            start = time.process_time()
            found = estimator(x1, x2, labels, groups=groups, seed=0)
            row: Entry = {"estimator": name, "shuffled": control}
            row |= {atom: _round(v) for atom, v in zip(ATOMS, found.atoms, strict=True)}
            if found.interval is not None:
                for atom, (low, high) in found.interval.loc[list(ATOMS)].iterrows():
                    row |= {f"{atom}_lower": _round(low), f"{atom}_upper": _round(high)}
            row |= {k: _round(v) for k, v in found.diagnostics.items() if k in KEPT}
            rows.append({**row, "seconds": round(time.process_time() - start, 1)})
    return rows


#: Diagnostics that the chapter shows.
KEPT = (
    "n_clusters_1",
    "samples_per_cell",
    *(f"{what}_{atom}" for what in ("plugin", "shuffled", "p") for atom in ATOMS),
)


def train_all(task: Task) -> list[Entry]:
    """Train every method over seeds; returns test accuracy and mean report of each."""
    rows = []
    for seed in SEEDS:
        splits = load(task, seed)
        builds: dict[str, Callable[..., Method]] = {
            f"{name} alone": partial(methods.Unimodal.for_data, modality=name)
            for name in splits[0].inputs
        }
        for name, build in (builds | METHODS).items():
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                encoders = {m: MLPEncoder(s, DIM) for m, s in splits[0].shapes.items()}
            model = build(splits[0], encoders=encoders, dim=DIM, seed=seed)
            fit(
                model, *splits[:2], epochs=EPOCHS, lr=LR, batch_size=_batch_size(splits[0]),
                seed=seed, device="cpu", progress=False,
            )  # fmt: skip
            found = evaluate(model, splits[2], device="cpu")
            report = found.interactions.mean()
            rows.append(
                {
                    "method": name,
                    "seed": seed,
                    "accuracy": _round(found.metrics["accuracy"]),
                    "report": {str(k): _round(v) for k, v in report.items()},
                }
            )
    return rows


def _batch_size(train: MultimodalData) -> int:
    return LARGE_BATCH if len(train) >= MANY else BATCH_SIZE


def measure(task: Task) -> Entry:
    """Return the entry of a data set."""
    start = time.process_time()
    splits = load(task)
    target = splits[2].target
    most = int(torch.bincount(splits[0].target).argmax())
    x1, x2, y, groups = pool(splits)
    shares = np.bincount(y) / len(y)
    entry: Entry = {
        "modalities": list(splits[0].inputs),
        "people": task.people,
        "options": task.options,
        "rows": [len(part) for part in splits],
        "classes": splits[0].n_classes,
        "samples": len(y),
        "label_bits": _round(entropy(shares)),
        "majority": _round(float((target == most).double().mean())),
        "groups": None if groups is None else len(np.unique(groups)),
        "estimates": estimate(x1, x2, y, groups),
        "batch_size": _batch_size(splits[0]),
        "methods": train_all(task),
    }
    if groups is not None:
        entry["ignoring_groups"] = estimate(x1, x2, y, None)
    if splits[0].table is not None:
        truth = decompose(splits[0].label_table())
        entry["truth"] = {a: _round(v) for a, v in zip(ATOMS, truth.atoms, strict=True)}
    return entry | {"seconds": round(time.process_time() - start)}


def measure_again(task: Task, names: Sequence[str], old: Entry) -> Entry:
    """Return an entry with the rows of the named estimators made anew."""
    x1, x2, y, groups = pool(load(task))
    new = old | {"estimates": _replaced(old["estimates"], estimate(x1, x2, y, groups, names))}
    if groups is not None:
        ignoring = estimate(x1, x2, y, None, names)
        new["ignoring_groups"] = _replaced(old["ignoring_groups"], ignoring)
    return new


def _replaced(old: list[Entry], new: list[Entry]) -> list[Entry]:
    """Put the rows that were made anew into the places of the old ones."""
    fresh = {(row["estimator"], row["shuffled"]): row for row in new}
    return [fresh.get((row["estimator"], row["shuffled"]), row) for row in old]


# What people perceive.


def perception() -> Entry:
    """Return the tables of CREMA-D's votes, and intervals of their atoms.

    Actors are resampled, not clips: clips of one actor resemble each other.
    """
    rng = np.random.default_rng(0)
    tables: Entry = {}
    intervals: list[Entry] = []
    for target in TARGETS:
        for rater in RATERS:
            by_actor = cremad_votes.perception_tables(target, majority=rater == "majority")
            counts = rng.multinomial(len(by_actor), _even(len(by_actor)), RESAMPLES)
            drawn = np.tensordot(counts, by_actor, 1)
            total = by_actor.sum(axis=0)
            tables[f"{target}, {rater}"] = np.round(total / total.sum(), 8).tolist()
            versions = {"all": drawn}
            if rater == "one rater":
                versions |= {e: against(drawn, k) for k, e in enumerate(cremad_votes.EMOTIONS)}
            for emotion, resampled in versions.items():
                p = resampled / resampled.sum(axis=(1, 2, 3), keepdims=True)
                atoms = decompose_batch(p, tolerance=1e-5).atoms
                lower, upper = np.quantile(atoms, [0.025, 0.975], axis=0)
                for k, atom in enumerate(ATOMS):
                    intervals.append(
                        {
                            "target": target,
                            "rater": rater,
                            "emotion": emotion,
                            "atom": atom,
                            "lower": _round(lower[k]),
                            "upper": _round(upper[k]),
                            "mean": _round(atoms[:, k].mean()),
                        }
                    )
    return {
        "emotions": list(cremad_votes.EMOTIONS),
        "actors": len(by_actor),
        "clips": round(total.sum()),
        "resamples": RESAMPLES,
        "tables": tables,
        "intervals": intervals,
    }


TARGETS: tuple[Literal["perceived"], Literal["acted"]] = ("perceived", "acted")
RATERS = ("one rater", "majority")


def against(table: Array, k: int) -> Array:
    """Return a table with the target *this emotion or not*."""
    one = table[..., k]
    return np.stack([table.sum(axis=-1) - one, one], axis=-1)


def _even(n: int) -> Array:
    return np.full(n, 1 / n)


# The file.


def _round(value: Any) -> float:
    return round(float(value), 4)


def provenance(names: Sequence[str]) -> Entry:
    """Return how the file was made."""
    return {
        "command": " ".join(("python -m benchmarks.real_data", *names)),
        "inputs": f"the first {N_COMPONENTS} principal components of each modality",
        "encoders": f"MLPEncoder, dim {DIM}",
        "fit": {"epochs": EPOCHS, "lr": LR},
        "seeds": list(SEEDS),
        "most_training": MOST_TRAINING,
        "most_samples": MOST_SAMPLES,
        "date": time.strftime("%Y-%m-%d"),
        **runs.provenance("cpu"),
        "packages": {p: version(p) for p in ("scikit-learn", "scipy")},
    }


def write(found: Entry, names: Sequence[str]) -> None:
    """Write what was found, and of a run of named data sets, what the file has of the others."""
    old = json.loads(OUTPUT.read_text("utf8")) if names and OUTPUT.exists() else {}
    entries = old.get("data", {}) | found
    content = {
        **provenance(names),
        "runs": {k: v for k, v in old.get("runs", {}).items() if k not in names},
        "perception": found.get("perception", old.get("perception", {})),
        "data": {k: entries[k] for k in TASKS if k in entries},
    }
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(_lines(content) + "\n", encoding="utf-8")


def write_again(name: str, entry: Entry, estimators: Sequence[str]) -> None:
    """Write the entry of a data set, of which some estimators were run alone, and say so."""
    content = json.loads(OUTPUT.read_text("utf8"))
    content["data"][name] = entry
    chosen = " ".join(f"--estimator '{estimator}'" for estimator in estimators)
    made = {
        "command": f"python -m benchmarks.real_data {name} {chosen}",
        "date": time.strftime("%Y-%m-%d"),
        **runs.provenance("cpu"),
        "packages": {p: version(p) for p in ("scikit-learn", "scipy")},
    }
    alone = content.pop("runs", {})
    alone[name] = alone.get(name, {}) | dict.fromkeys(estimators, made)
    measured = {key: content.pop(key) for key in ("perception", "data")}
    OUTPUT.write_text(_lines(content | {"runs": alone} | measured) + "\n", encoding="utf-8")


def _lines(value: Any, depth: int = 0) -> str:
    """Return JSON with a line a key, down to records and tables, which get one line each."""
    nested = isinstance(value, dict) and any(isinstance(v, dict | list) for v in value.values())
    records = isinstance(value, list) and value and isinstance(value[0], dict)
    if depth > 4 or not (nested or records):
        return json.dumps(value)
    pad, inner = " " * depth, " " * (depth + 1)
    if records:
        body = ",\n".join(inner + json.dumps(v) for v in value)
        return f"[\n{body}\n{pad}]"
    body = ",\n".join(f"{inner}{json.dumps(k)}: {_lines(v, depth + 1)}" for k, v in value.items())
    return f"{{\n{body}\n{pad}}}"


def main() -> None:
    """Measure the data sets that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.real_data")
    parser.add_argument("name", nargs="*", help=f"of perception, {', '.join(TASKS)}")
    parser.add_argument("--estimator", action="append", choices=ESTIMATORS, default=[])
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SparseCountsWarning)  # samples a cell are in the file
    given, found = parser.parse_args(), {}
    names = given.name
    if given.estimator:
        for name in names or TASKS:
            old = json.loads(OUTPUT.read_text("utf8"))["data"][name]
            write_again(name, measure_again(TASKS[name], given.estimator, old), given.estimator)
            print(name, flush=True)
        return
    for name in names or ("perception", *TASKS):
        start = time.process_time()
        found[name] = perception() if name == "perception" else measure(TASKS[name])
        write(found, names)
        print(f"{name}: {time.process_time() - start:.0f} s of processor time", flush=True)
    content = json.loads(OUTPUT.read_text("utf8"))
    for name, entry in content["data"].items():
        print(f"\n{name}", entry.get("truth", ""))
        print(pd.DataFrame(entry["estimates"])[["estimator", "shuffled", *ATOMS]].to_string())
        accuracy = pd.DataFrame(entry["methods"]).groupby("method", sort=False)["accuracy"]
        print(accuracy.mean().round(3).to_dict(), "majority", entry["majority"])


if __name__ == "__main__":
    main()
