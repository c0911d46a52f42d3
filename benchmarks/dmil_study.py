"""The experiments on DMIL that are too long for a chapter.

Called as ``python -m benchmarks.dmil_study PART ..``; the parts are ``search`` (the weights of the
objective, on validation data), ``curve`` (accuracy against the difficulty of synergy), ``causes``
(which part limits it; the remedy without each of its parts), ``probes`` (what level 1 keeps of the
digits), ``ablations`` and ``real`` (UTD-MHAD). Rows are added to ``reproduce/dmil.json``, which the
chapter on DMIL reads; a row that is there is not computed again.

Two parts go to ``reproduce/dmil_regularisers.json``. ``regularisers`` varies lam and alpha
together, on digit pairs and on UTD-MHAD, and reads validation data only. ``chosen`` tests on
UTD-MHAD what validation chose there.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from benchmarks.provenance import provenance
from mmfuse_lib import data, evaluate, fit, methods
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.data.synthetic.labels import composition_weights, draw_symbols
from mmfuse_lib.encoders import MLPEncoder
from mmfuse_lib.evaluation import Evaluation
from mmfuse_lib.explanations.scores import score_report
from mmfuse_lib.methods import DMIL, Method
from mmfuse_lib.methods.base import Stage
from mmfuse_lib.methods.dmil import Bottleneck, IntraLevel

OUTPUT = Path(__file__).parents[1] / "reproduce" / "dmil.json"
OUTPUT_2 = OUTPUT.with_name("dmil_regularisers.json")

SEEDS = range(3)
SPLITS = {"n_train": 12_000, "n_val": 2_000, "n_test": 4_000}
TRAINING: dict[str, Any] = {"epochs": 25, "batch_size": 256, "lr": 2e-3}
DIM = 64
REAL_TRAINING: dict[str, Any] = {"epochs": 60, "batch_size": 32, "lr": 1e-3}

Row = dict[str, Any]


# Variants of the remedy, and of the default, that are no options of the library.


class NoisyResidual(DMIL):
    """The remedy with noise and KL term on N."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, synergy_first=True, **options)
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

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for level in self.modules():
            if isinstance(level, Bottleneck):
                variances = level.maps.bias[..., len(level.has_variance) * level.d :]
                torch.nn.init.constant_(variances.detach(), -5.0)


class OneStage(DMIL):
    """The paper's last stage only."""

    def stages(self, epochs: int) -> list[Stage]:
        """Return one stage."""
        return [Stage("joint", epochs, [self], self.L3, "prediction")]


Build = Callable[..., Method]
FIRST = {"synergy_first": True}
BUILD: dict[str, tuple[Build, Row]] = {
    "joint": (methods.JointFusion.for_data, {}),
    "ensemble": (methods.Ensemble.for_data, {}),
    "I2MoE": (methods.I2MoE.for_data, {}),
    "DMIL": (DMIL.for_data, {}),
    "DMIL, synergy first": (DMIL.for_data, FIRST),
    "linear layers (FC)": (DMIL.for_data, {"variational": False}),
    "level 1 only": (DMIL.for_data, {"levels": "intra"}),
    "level 2 only": (DMIL.for_data, {"levels": "consistency"}),
    "fixed gate": (DMIL.for_data, {"fixed_gate": True}),
    "product fusion": (DMIL.for_data, {"synergy": "product"}),
    "one stage": (OneStage.for_data, {}),
    "quiet start": (QuietStart.for_data, {}),
    "lam = 0.001": (DMIL.for_data, {"lam": 1e-3}),
    "lam = 0.01": (DMIL.for_data, {"lam": 1e-2}),
    "first, noisy N": (NoisyResidual.for_data, {}),
    "first, loss not kept": (NotKept.for_data, FIRST),
    "first, no focus": (Unfocused.for_data, FIRST),
    "first, product fusion": (DMIL.for_data, FIRST | {"synergy": "product"}),
}

#: One change at a time from the weights that were chosen.
SEARCH: list[Row] = [
    {},
    {"lam": 1e-6},
    {"lam": 1e-4},
    {"lam": 1e-3},
    {"alpha": 1e-6},
    {"alpha": 1e-3},
    {"beta": 1.0, "gamma": 1.0},
    {"beta": 0.01, "gamma": 0.01},
]

#: What lam and alpha are in `regularisers`, and on which seeds. With four classes: widely on one
#: seed; on five where that showed no delay of the synergy; on two where lam is larger; on three
#: where alignment costs more than a nat a nat. With two classes, where synergy is easy, and on
#: real data: lam alone.
LAM, ALPHA = (1e-6, 1e-5), (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
LARGE_LAM = (1e-5, 1e-4, 1e-3, 1e-2)
FOUR, TWO, REAL = (
    {"data": "digit_pairs", "classes": 4},
    {"data": "digit_pairs", "classes": 2},
    {"data": "utd_mhad"},
)
REGULARISERS: list[tuple[Row, list[tuple[float, float]], range]] = [
    (FOUR, [*product(LAM, ALPHA)], range(1)),
    (FOUR, [(1e-4, 1e-3), (1e-4, 1e-1), (1e-5, 1.0)], range(1)),
    (FOUR, [(1e-4, 1e-5), (1e-3, 1e-5), (1e-2, 1e-5)], range(2)),
    (FOUR, [(1e-5, 10.0)], SEEDS),
    (FOUR, [*product(LAM, (1e-5, 1e-1))], range(1, 5)),
    (TWO, [(lam, 1e-5) for lam in LARGE_LAM], SEEDS),
    (REAL, [(lam, 1e-5) for lam in (*LARGE_LAM, 1e-1)], range(5)),
]

#: The terms of the objective.
TERMS = (
    "prediction", "task_1", "task_2", "variational_1", "variational_2", "alignment_2",
    "reconstruction_1", "reconstruction_2",
)  # fmt: skip


def jobs(part: str) -> Iterator[Row]:
    """Return what each row of a part is about."""
    names: tuple[str, ...]
    if part == "search":
        yield from (
            {"classes": 4, "method": "DMIL", "seed": seed} | change
            for seed in SEEDS
            for change in SEARCH
        )
    elif part == "curve":
        names = ("joint", "I2MoE", "DMIL", "DMIL, synergy first")
        yield from _grid((10, 4, 2, 6), names)
    elif part == "causes":
        names = (
            "first, noisy N", "first, loss not kept", "first, no focus", "linear layers (FC)",
            "first, product fusion", "one stage", "quiet start",
        )  # fmt: skip
        yield from _grid((10,), names)
    elif part == "ablations":
        names = (
            "linear layers (FC)", "level 1 only", "level 2 only", "fixed gate", "product fusion",
            "ensemble", "quiet start",
        )  # fmt: skip
        yield from _grid((4,), names)
    elif part == "probes":
        yield from (
            {"classes": 10, "method": m, "seed": s}
            for s in SEEDS
            for m in ("DMIL", "DMIL, synergy first")
        )
    elif part == "real":
        names = (
            "ensemble",
            "joint",
            "DMIL",
            "DMIL, synergy first",
            "level 1 only",
            "linear layers (FC)",
        )
        yield from ({"method": m, "seed": s} for s in SEEDS for m in names)
    elif part == "chosen":
        names = ("ensemble", "joint", "DMIL", "lam = 0.01", "lam = 0.001")
        yield from ({"method": m, "seed": s} for s in range(5) for m in names)
    elif part == "regularisers":
        for settings, points, seeds in REGULARISERS:
            for seed in seeds:
                yield from (
                    settings | {"lam": lam, "alpha": alpha, "seed": seed} for lam, alpha in points
                )
    else:
        raise SystemExit(f"unknown part {part!r}: {', '.join(PARTS)}")


def _grid(classes: tuple[int, ...], names: tuple[str, ...]) -> Iterator[Row]:
    for seed in SEEDS:
        for K in classes:
            yield from ({"classes": K, "method": name, "seed": seed} for name in names)


def run_digits(job: Row) -> Row:
    """Train one method on `digit_pairs` and return what it does on validation and test data."""
    train, val, test = data.load(
        "digit_pairs", seed=job["seed"], n_classes=job["classes"], **SPLITS
    )
    build, options = BUILD[job["method"]]
    weights = {k: job[k] for k in ("lam", "alpha", "beta", "gamma") if k in job}
    model = build(train, seed=job["seed"], **options, **weights)
    start = time.process_time()
    history = fit(model, train, val, seed=job["seed"], device="cpu", progress=False, **TRAINING)
    row: Row = {"cpu_seconds": round(time.process_time() - start, 1)}
    row["validation_loss"] = _best(history.to_frame())
    result = evaluate(model, test, device="cpu")
    wanted = ("accuracy", *(f"accuracy_{k}" for k in INTERACTIONS))
    row |= {k: round(result.metrics[k], 4) for k in wanted if k in result.metrics}
    if isinstance(model, DMIL):
        row |= _components(model, test, result.interactions.to_numpy())
    if job["classes"] == 4:  # for the synergy indicator
        row["right"] = _as_hex(result)
        if isinstance(model, methods.Ensemble):
            alone = [evaluate(model.member(m), test, device="cpu") for m in train.modalities]
            row["right_alone"] = [_as_hex(r) for r in alone]
    return row


def _as_hex(result: Evaluation) -> str:
    """Return which samples are right, eight in a byte."""
    return np.packbits(result.predictions["correct"].to_numpy(dtype=bool)).tobytes().hex()


def _best(frame: Any) -> float:
    """Return the lowest validation loss of the prediction in the last stage."""
    last = frame[(frame["split"] == "val") & (frame["stage"] == frame["stage"].iloc[-1])]
    term = "prediction" if "prediction" in set(last["term"]) else "total"
    return round(float(last.loc[last["term"] == term, "value"].min()), 5)


def _components(model: DMIL, test: MultimodalData, gate: Any) -> Row:
    """Return accuracy of each component and mean weight in the gate, a list by kind each."""
    with torch.no_grad():
        logits = model.components(test.inputs).logits
    kinds = [cast(torch.Tensor, test.composition) == k for k in range(len(INTERACTIONS))]
    right = {c: (x.argmax(dim=1) == test.target).float() for c, x in logits.items()}
    return {
        "components": {c: [round(float(r[k].mean()), 4) for k in kinds] for c, r in right.items()},
        "gate": [[round(float(g), 4) for g in gate[k.numpy()].mean(axis=0)] for k in kinds],
    }


def run_probe(job: Row) -> Row:
    """Train up to level 1 and read the digits off z and N with a linear classifier.

    On the samples whose label the digit decides, and on those of S, where it decides nothing by
    itself.
    """
    K, seed = job["classes"], job["seed"]
    train, val, test = data.load("digit_pairs", seed=seed, n_classes=K, **SPLITS)
    digits, kinds = zip(*(_left_digit(seed, K, i) for i in (0, 2)), strict=True)

    class UpToLevelOne(DMIL):
        def stages(self, epochs: int) -> list[Stage]:
            return [s for s in super().stages(epochs) if s.name in ("synergy", "intra")]

    model = UpToLevelOne.for_data(train, seed=seed, **BUILD[job["method"]][1])
    fit(model, train, val, seed=seed, device="cpu", progress=False, **TRAINING)
    with torch.no_grad():
        at = [model.intra(model.encode(samples.inputs)) for samples in (train, test)]
    row: Row = {}
    for name, (x_train, x_test) in {
        "z": [x.z[0].numpy() for x in at],
        "N": [x.q_N.mean[0].numpy() for x in at],
    }.items():
        for group, members in (("decides", (0, 1)), ("S", (3,))):
            of_train, of_test = (np.isin(k, members) for k in kinds)
            probe = LogisticRegression(max_iter=300)
            probe.fit(x_train[of_train][:2_500], digits[0][of_train][:2_500])
            row[f"{name}, {group}"] = round(probe.score(x_test[of_test], digits[1][of_test]), 4)
    return row


def _left_digit(seed: int, n_classes: int, split: int) -> tuple[Any, Any]:
    """Return the left digit and the kind of each sample, which the data set does not hold."""
    _, *seeds = np.random.SeedSequence(seed).spawn(4)
    rng = np.random.default_rng(seeds[split])
    a, _, _, kind = draw_symbols(
        composition_weights(None), [*SPLITS.values()][split], n_classes, rng
    )
    return a, kind


def run_real(job: Row) -> Row:
    """Train on UTD-MHAD: subjects 1, 3, 5; 7 for validation; the even ones for the test.

    The encoders are multi-layer perceptrons on the flattened sequences: with 323 training samples
    they do better than recurrent ones.
    """
    train, val, test = data.load("utd_mhad")
    build, options = BUILD[job["method"]]
    with isolated_rng(job["seed"]):
        encoders = {name: MLPEncoder(shape, DIM) for name, shape in train.shapes.items()}
    model = build(train, encoders=encoders, seed=job["seed"], **options)
    start = time.process_time()
    settings = REAL_TRAINING | {"seed": job["seed"], "device": "cpu", "progress": False}
    fit(model, train, val, **settings)
    result = evaluate(model, test, device="cpu")
    row: Row = {
        "cpu_seconds": round(time.process_time() - start, 1),
        "accuracy": round(result.metrics["accuracy"], 4),
        "right": _as_hex(result),
    }
    if isinstance(model, methods.Ensemble):
        alone = {m: evaluate(model.member(m), test, device="cpu") for m in train.modalities}
        row["right_alone"] = [_as_hex(r) for r in alone.values()]
        row["alone"] = {m: round(r.metrics["accuracy"], 4) for m, r in alone.items()}
    if isinstance(model, DMIL):
        with torch.no_grad():
            logits = model.components(test.inputs).logits
        rates = {c: (x.argmax(dim=1) == test.target).float().mean() for c, x in logits.items()}
        row["components"] = {c: round(float(rate), 4) for c, rate in rates.items()}
        gate = result.interactions.mean()
        row["gate"] = {str(c): round(float(g), 4) for c, g in gate.items()}
    return row


def run_regularisers(job: Row) -> Row:
    """Train DMIL with some lam and alpha, and return what it does on validation data.

    The terms of the objective are those of the training split, unweighted, in the epoch that is
    kept.
    """
    seed = job["seed"]
    options: Row = {"lam": job["lam"], "alpha": job["alpha"], "seed": seed}
    if job["data"] == "digit_pairs":
        train, val, _ = data.load("digit_pairs", seed=seed, n_classes=job["classes"], **SPLITS)
        training = TRAINING
    else:
        train, val, _ = data.load(job["data"])
        with isolated_rng(seed):
            options["encoders"] = {n: MLPEncoder(shape, DIM) for n, shape in train.shapes.items()}
        training = REAL_TRAINING
    model = DMIL.for_data(train, **options)
    start = time.process_time()
    history = fit(model, train, val, seed=seed, device="cpu", progress=False, **training)
    row: Row = {"cpu_seconds": round(time.process_time() - start, 1)}
    last = history.to_frame().query("stage == 'joint'")
    losses = last.query("split == 'val' and term == 'prediction'").set_index("epoch")["value"]
    kept = last.query("split == 'train' and epoch == @losses.idxmin()").set_index("term")["value"]
    result = evaluate(model, val, device="cpu")
    row |= {"validation_loss": round(float(losses.min()), 5), "validation": {}}
    wanted = ("accuracy", *(f"accuracy_{k}" for k in INTERACTIONS))
    row["validation"] = {k: round(v, 4) for k, v in result.metrics.items() if k in wanted}
    row["terms"] = {term: float(f"{kept[term]:.4g}") for term in TERMS}
    if val.composition is not None:
        scores = score_report(result.interactions, val.composition.numpy())
        row["auroc"] = {k: round(scores[f"auroc_{k}"], 4) for k in INTERACTIONS}
        row |= _components(model, val, result.interactions.to_numpy())
    return row


PARTS: dict[str, Callable[[Row], Row]] = {
    "search": run_digits,
    "curve": run_digits,
    "causes": run_digits,
    "ablations": run_digits,
    "probes": run_probe,
    "real": run_real,
    "regularisers": run_regularisers,
    "chosen": run_real,
}

#: The parts of each file.
FILES = {
    OUTPUT: [part for part in PARTS if part not in ("regularisers", "chosen")],
    OUTPUT_2: ["regularisers", "chosen"],
}


def main(parts: list[str]) -> None:
    """Compute the rows that are missing, writing the file after each."""
    torch.set_num_threads(1)
    work = [(job["seed"], part, job) for part in parts or PARTS for job in jobs(part)]
    for _, part, job in sorted(work, key=lambda item: item[0]):
        path = next(path for path, held in FILES.items() if part in held)
        if any(job.items() <= r.items() and len(job) == r["keys"] for r in _read(path)[part]):
            continue
        row = job | {"keys": len(job)} | PARTS[part](job)
        content = _read(path)
        content[part].append(row)
        _write(path, content)
        print(part, row, flush=True)


def _read(path: Path) -> dict[str, Any]:
    if path.exists():
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    else:
        content = {}
    return {part: content.get(part, []) for part in FILES[path]}


def _write(path: Path, content: dict[str, Any]) -> None:
    head = {
        **provenance("python -m benchmarks.dmil_study"),
        "training": TRAINING | SPLITS,
    }
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for part, rows in content.items():
        body = ",\n  ".join(json.dumps(row) for row in rows)
        lines.append(
            f" {json.dumps(part)}: [\n  {body}\n ]" if rows else f" {json.dumps(part)}: []"
        )
    path.parent.mkdir(exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
