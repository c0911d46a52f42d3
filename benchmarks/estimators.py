"""Estimators of the decomposition against data whose answer is known.

Every estimator gets the samples alone. What is recorded is its answer, the truth **for the
definition that it estimates** (BROJA for clusters, BATCH and bounds; pointwise for LSMI; the closed
form for Gaussian variables), and its CPU time. The result goes
to ``reproduce/estimators.json``, which the chapter *Measuring it from data* reads.

``python -m benchmarks.estimators`` runs everything. With names of estimators, or ``coverage``, it
runs those alone and keeps the other rows; ``runs`` in the file says when each part was made, and
how.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.timing import REPRODUCE
from mmfuse_lib import data
from mmfuse_lib.core.provenance import provenance
from mmfuse_lib.data.synthetic import digit_pairs, gaussian_gates
from mmfuse_lib.information import ATOMS, decompose
from mmfuse_lib.information.covariance import decompose_gaussian
from mmfuse_lib.information.estimators.batch import batch_pid
from mmfuse_lib.information.estimators.bounds import synergy_bounds
from mmfuse_lib.information.estimators.cluster import SparseCountsWarning, cluster_pid
from mmfuse_lib.information.estimators.estimate import Estimate
from mmfuse_lib.information.estimators.gaussian import gaussian_pid
from mmfuse_lib.information.estimators.lsmi import lsmi_pid

Array = NDArray[np.float64]
Case = dict[str, Any]

OUTPUT = REPRODUCE / "estimators.json"

SEEDS = range(5)
SIZES = (250, 1_000, 2_000, 4_000)

#: The condition from which the others differ in one thing.
BASE: Case = {"data": "and", "noise": 0.5, "dim": 4, "n": 2_000}
CONDITIONS: list[Case] = [
    *(BASE | {"n": n} for n in SIZES),
    *(BASE | {"data": gate} for gate in ("xor", "redundant", "copy")),
    *(BASE | {"noise": noise} for noise in (0.25, 1.0)),
    BASE | {"dim": 32},
    *({"data": name, "noise": 0.0, "dim": None, "n": 2_000} for name in ("digits", "digits+cue")),
]
GAUSSIAN: list[Case] = [
    {"data": "gaussian", "noise": 1.0, "dim": dim, "n": n} for dim in (2, 16) for n in SIZES
]

#: Folds and training steps of the networks: enough for problems of this size.
OPTIONS: dict[str, Case] = {
    "plug-in 16": {"n_clusters": 16, "n_bootstrap": 0},
    "cluster": {},
    "batch": {
        "folds": 3,
        "classifier_steps": 250,
        "steps": 100,
        "batch_size": 512,
        "device": "cpu",
    },
    "lsmi": {"folds": 3, "steps": 250, "n_bootstrap": 0, "device": "cpu"},
    "bounds": {"n_clusters": 4},
    "gaussian": {},
}

#: Tables on which the intervals of `cluster_pid` are checked: AND seen through so many bins.
BINS = (2, 4, 6)
REPEATS = 100
RESAMPLES = 50

#: What can be run alone: estimators, the long ones first, and the check of intervals.
PARTS = ("batch", "lsmi", "cluster", "plug-in 16", "bounds", "gaussian", "coverage")


def cases() -> Iterator[Case]:
    """List every run, the long ones first."""
    for estimator in PARTS[:5]:
        for condition in CONDITIONS:
            # The densities of real images are not known, so LSMI has no truth there.
            if estimator == "lsmi" and condition["data"].startswith("digits"):
                continue
            for seed in SEEDS:
                yield {"estimator": estimator, **condition, "seed": seed}
    for condition in GAUSSIAN:
        for seed in SEEDS:
            yield {"estimator": "gaussian", **condition, "seed": seed}


def run(case: Case) -> Case:
    """Make the data of a case, estimate, and put the truth beside the answer."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SparseCountsWarning)  # the truth stands beside each answer
    x1, x2, y = samples(case)
    start = time.process_time()
    estimate = estimated(case["estimator"], x1, x2, y, case["seed"])
    row = {**case, "seconds": round(time.process_time() - start, 2)}
    row |= {name: _rounded(v) for name, v in zip(ATOMS, estimate.atoms, strict=True)}
    truth = true_atoms(case)
    row |= {f"truth_{name}": _rounded(v) for name, v in zip(ATOMS, truth, strict=True)}
    if estimate.interval is not None:
        for name, (lower, upper) in estimate.interval.iterrows():
            row |= {f"{name}_lower": _rounded(lower), f"{name}_upper": _rounded(upper)}
    return row


def estimated(estimator: str, x1: Array, x2: Array, y: Array, seed: int) -> Estimate:
    """Run an estimator on samples that show both sources and y."""
    options = OPTIONS[estimator] | {"seed": seed}
    if estimator == "bounds":  # a third labelled for x1, a third for x2, a third pairs
        one, other, both = (slice(part, None, 3) for part in range(3))
        return synergy_bounds(x1[one], y[one], x2[other], y[other], x1[both], x2[both], **options)
    others: dict[str, Callable[..., Estimate]] = {
        "batch": batch_pid, "lsmi": lsmi_pid, "gaussian": gaussian_pid
    }  # fmt: skip
    return others.get(estimator, cluster_pid)(x1, x2, y, **options)


def samples(case: Case) -> tuple[Array, Array, Array]:
    """Draw the samples of a case: x1, x2 and y."""
    if case["data"] == "gaussian":
        rng = np.random.default_rng(case["seed"])
        covariance = linear_gaussian(case["dim"], case["noise"])
        drawn = rng.standard_normal((case["n"], len(covariance)))
        drawn = drawn @ np.linalg.cholesky(covariance).T
        return drawn[:, : case["dim"]], drawn[:, case["dim"] : -1], drawn[:, -1]
    train = _splits(case)[0]
    x1, x2 = (x.flatten(1).numpy().astype(np.float64) for x in train.inputs.values())
    return x1, x2, train.target.numpy()


def true_atoms(case: Case) -> Array:
    """Return the exact atoms, by the definition that the estimator estimates."""
    if case["data"] == "gaussian":
        covariance = linear_gaussian(case["dim"], case["noise"])
        return decompose_gaussian(covariance, case["dim"], case["dim"]).atoms
    if case["estimator"] == "lsmi":
        return _pointwise_atoms(case["data"], case["noise"], case["dim"])
    return _broja_atoms(case["data"], case["noise"])


def coverage(case: Case) -> Case:
    """Draw letters from a table again and again; count how often intervals hold the truth."""
    warnings.simplefilter("ignore", SparseCountsWarning)
    p = gaussian_gates.quantised_table("and", BASE["noise"], case["bins"])
    truth, rng = decompose(p, tolerance=1e-6).atoms, np.random.default_rng(case["n"])
    inside, estimates = [], []
    for repeat in range(REPEATS):
        drawn = rng.choice(p.size, size=case["n"], p=p.ravel())
        a, b, y = np.stack(np.unravel_index(drawn, p.shape))
        options = {"n_clusters": len(p), "n_bootstrap": RESAMPLES, "seed": repeat}
        estimate = cluster_pid(a[:, None], b[:, None], y, **options)
        ends = pd.DataFrame(estimate.interval).loc[list(ATOMS)].to_numpy()
        inside.append((ends[:, 0] <= truth + 1e-4) & (truth - 1e-4 <= ends[:, 1]))
        estimates.append(estimate.atoms)
    row = {**case, "repeats": REPEATS}
    for k, name in enumerate(ATOMS):
        row[f"covered_{name}"] = float(np.mean(inside, axis=0)[k])
        row[f"bias_{name}"] = _rounded(np.mean(estimates, axis=0)[k] - truth[k])
    return row


def linear_gaussian(dim: int, noise: float) -> Array:
    """Covariance of (X1, X2, Y): Y is X1's first feature, half of X2's, and noise."""
    sources = np.eye(2 * dim)
    sources[0, dim] = sources[dim, 0] = 0.5
    with_y = sources[:, 0] + 0.5 * sources[:, dim]
    variance = with_y[0] + 0.5 * with_y[dim] + noise**2
    return np.block([[sources, with_y[:, None]], [with_y[None], np.array([[variance]])]])


def _splits(case: Case) -> Any:
    sizes = {"n_train": case["n"], "n_val": 10, "n_test": 10}
    if case["data"].startswith("digits"):
        cue = case["data"].endswith("cue")
        return data.load("digit_pairs", seed=case["seed"], n_classes=2, cue=cue, **sizes)
    gate = {"gate": case["data"], "noise": case["noise"], "dim": case["dim"]}
    return data.load("gaussian_gates", seed=case["seed"], **gate, **sizes)


@cache
def _broja_atoms(name: str, noise: float) -> Array:
    if name.startswith("digits"):
        return decompose(digit_pairs.label_table(n_classes=2, cue=name.endswith("cue"))).atoms
    return gaussian_gates.truth(name, noise).atoms


@cache
def _pointwise_atoms(gate: str, noise: float, dim: int) -> Array:
    """Means over many samples of what LSMI estimates, whose medians of h cancel for these data."""
    sizes = {"n_train": 1, "n_val": 1, "n_test": 200_000}
    drawn = data.load("gaussian_gates", gate=gate, noise=noise, dim=dim, **sizes)[2]
    return gaussian_gates.pointwise_truth(drawn).mean()[list(ATOMS)].to_numpy()


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def main(parts: Collection[str] = PARTS, workers: int = 2) -> None:
    """Run all cases of some parts and write the file, with what it has of the others."""
    os.environ["OMP_NUM_THREADS"] = "1"
    start = time.perf_counter()
    todo = [case for case in cases() if case["estimator"] in parts]
    tables = [{"bins": bins, "n": n} for bins in BINS for n in (250, 1_000, 4_000)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(run, todo))
        covered = list(pool.map(coverage, tables if "coverage" in parts else []))
    total = time.perf_counter() - start
    old = json.loads(OUTPUT.read_text("utf8")) if set(parts) < set(PARTS) else {}
    kept = [row for row in old.get("rows", []) if row["estimator"] not in parts]
    names = "" if set(parts) == set(PARTS) else " " + " ".join(f"'{name}'" for name in parts)
    made = provenance(["benchmarks.estimators"], command=f"python -m benchmarks.estimators{names}")
    spent = {"processes": workers, "seconds": round(total)}
    runs = old.get("runs", {}) | dict.fromkeys(parts, made | spent)
    content: dict[str, Any] = {
        "command": "python -m benchmarks.estimators",
        "runs": {name: runs[name] for name in PARTS},
        "seeds": list(SEEDS),
        "sizes": list(SIZES),
        "options": OPTIONS,
        "coverage": covered or old["coverage"],
    }
    lines = ",\n  ".join(json.dumps(row) for row in sorted(rows + kept, key=_position))
    head = json.dumps(content, indent=1)[:-2]
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(f'{head},\n "rows": [\n  {lines}\n ]\n}}\n', encoding="utf-8")
    if not rows:
        return
    table = pd.DataFrame(rows)
    errors = table[list(ATOMS)].to_numpy(float) - table[[f"truth_{a}" for a in ATOMS]].to_numpy()
    table["worst"] = np.nanmax(np.abs(errors), axis=1)
    print(f"largest error of an atom (bits), mean over {len(SEEDS)} seeds; {total:.0f} s in all")
    summary = table.groupby(["data", "noise", "dim", "n", "estimator"], dropna=False)["worst"]
    print(summary.mean().unstack().round(3).to_string())


def _position(row: Case) -> int:
    """Return the place of a row among those of a whole run."""
    return PARTS.index(row["estimator"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.estimators")
    parser.add_argument("part", nargs="*", choices=PARTS, metavar="PART")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    main(given.part or PARTS, given.workers)
