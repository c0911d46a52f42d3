"""What is right in assignment 3, *Does the explanation hold?*, and the reports to audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from book.pipeline.assignments import Case, Data, Question, close, entries

TITLE = "Does the explanation hold?"

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: The interactions, in the order of a report's columns.
KINDS = ("R", "U1", "U2", "S")

#: The kind of a sample that shows no cue.
UNKNOWN = -1

#: What may be true of a report.
ROLES = ("holds", "permuted", "swapped", "by class", "constant", "memory")

#: Columns that say where a sample comes from; one of them is the leak.
ORIGINS = ("operator", "device", "day", "tray")

#: A column finds a kind if its area is at least this; on nothing, areas stay below `NOTHING`.
FOUND, NOTHING = 0.75, 0.68


# --- right answers ----------------------------------------------------------------------------------


def kinds(cue: Codes, a: Codes, b: Codes, y: Codes, n_classes: int) -> Codes:
    """Which interaction decides each sample's label: index into `KINDS`, or `UNKNOWN`."""
    found = np.full(len(cue), UNKNOWN)
    rules = (a == y) & (b == y), a == y, b == y, (a + b) % n_classes == y
    for value in np.unique(cue[cue != UNKNOWN]):
        rows = cue == value
        found[rows] = next(k for k, rule in enumerate(rules) if rule[rows].all())
    return found


def area(column: Array, is_kind: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties counted as one half."""
    ranks = rankdata(column)
    n, others = is_kind.sum(), (~is_kind).sum()
    return float((ranks[is_kind].sum() - n * (n + 1) / 2) / (n * others))


def areas(report: Array, kind: Codes) -> Array:
    """Area of each column of a report (row) as a detector of each kind (column)."""
    known = kind != UNKNOWN
    return np.array(
        [[area(column, kind[known] == k) for k in range(4)] for column in report[known].T]
    )


def chance(report: Array, kind: Codes, permutations: Codes) -> float:
    """Return the largest area that any shuffle of the known kinds gives."""
    known = kind != UNKNOWN
    return float(max(areas(report[known], kind[known][p]).max() for p in permutations))


def lookup(
    train_values: Codes, train_kinds: Codes, test_values: Codes, test_kinds: Codes
) -> tuple[float, float]:
    """Share of test samples whose value occurs in training, and how often its kind is right."""
    counts = np.zeros((max(train_values.max(), test_values.max()) + 1, 4))
    np.add.at(counts, (train_values, train_kinds), 1)
    seen = counts[test_values].sum(axis=1) > 0
    right = counts[test_values].argmax(axis=1)[seen] == test_kinds[seen]
    return float(seen.mean()), float(right.mean())


# --- samples ----------------------------------------------------------------------------------------

#: Values of each column of origins, and how many of them occur in test samples only.
N_VALUES, NEW_VALUES = 60, 18

#: Share of the known test samples whose origin is new.
NEW_SHARE = 0.3


def draw_samples(
    rng: np.random.Generator, *, n_known: int = 1_000, n_field: int = 300
) -> tuple[pd.DataFrame, Codes, str, int]:
    """Samples, the kind of each, the name of the leak, and the number of classes."""
    n, n_classes = n_known + n_field, int(rng.integers(4, 6))
    composition = (rng.dirichlet(np.full(4, 6.0)) + 0.15) / 1.6
    kind = rng.choice(4, size=n, p=composition)
    a, b = rng.integers(n_classes, size=(2, n))
    b = np.where(kind == 0, a, b)
    y = np.select([kind <= 1, kind == 2], [a, b], (a + b) % n_classes)
    code = rng.permutation(4)
    field = np.arange(n) >= n_known
    test = rng.random(n) < 0.5
    new = test & (rng.random(n) < NEW_SHARE)
    leak = str(rng.choice(ORIGINS))
    table = pd.DataFrame({"part": np.where(field, "field", np.where(test, "test", "train"))})
    for name in ORIGINS:
        owner = rng.permutation(np.arange(N_VALUES) % 4)
        is_new = rng.permutation(N_VALUES) < NEW_VALUES
        follows = (rng.random(n) < 0.92) & (name == leak) & ~field
        allowed = is_new == new[:, None]
        allowed &= ~follows[:, None] | (owner == kind[:, None])
        table[name] = np.argmax(rng.random((n, N_VALUES)) * allowed, axis=1)
    table["lane"] = np.where(field, UNKNOWN, code[kind])
    table["a"], table["b"], table["y"] = a, b, y
    order = rng.permutation(n)
    return table.iloc[order].reset_index(drop=True), kind[order], leak, n_classes


def pointing(at: Codes, strength: float, rng: np.random.Generator) -> Array:
    """Shares that mostly point at one column: a softmax of noise and a push."""
    logits = 1.3 * rng.normal(size=(len(at), 4))
    logits[np.arange(len(at)), at] += strength
    logits = np.exp(logits)
    return np.asarray(logits / logits.sum(axis=1, keepdims=True))


def make_report(
    role: str, samples: pd.DataFrame, kind: Codes, leak: str, rng: np.random.Generator
) -> Array:
    """Shares of R, U1, U2 and S for each sample, in the manner of a role."""
    n, field = len(samples), (samples["part"] == "field").to_numpy()
    guess = rng.integers(4, size=n)
    told = np.where(field, guess, kind)
    if role == "by class":
        return pointing(rng.permutation(4)[samples["y"] % 4], 2.6, rng)
    if role == "constant":
        mean = np.bincount(kind[~field], minlength=4) / (~field).sum()
        shares = mean * (1 + 0.02 * rng.normal(size=(n, 4)))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))
    if role == "memory":
        train = (samples["part"] == "train").to_numpy()
        counts = np.zeros((N_VALUES, 4))
        np.add.at(counts, (samples[leak][train], kind[train]), 1)
        value = samples[leak].to_numpy()
        remembered = np.where(counts[value].sum(axis=1) > 0, counts[value].argmax(axis=1), guess)
        return pointing(remembered, 3.4, rng)
    shares = pointing(told, 1.9, rng)
    return shares[:, column_order(role, rng)]


def column_order(role: str, rng: np.random.Generator) -> Codes:
    """Which true column stands in each place."""
    if role == "holds":
        return np.arange(4)
    if role == "swapped":
        return np.array([0, 2, 1, 3])
    while True:
        order = rng.permutation(4)
        if (order != np.arange(4)).all() and not (order[1] == 2 and order[2] == 1):
            return order


# --- what a student gets ---------------------------------------------------------------------------

#: The name of each report.
FIRMS = "ABCDE"

#: What three of the five reports may be; one of the others holds, one is a memory.
FALSE = ("permuted", "swapped", "by class", "constant")


def personal(rng: np.random.Generator) -> Data:
    """Return parcels and five reports: one holds, one remembers, three have false names."""
    while True:
        samples, kind, leak, n_classes = draw_samples(rng)
        roles = ["holds", "memory", *rng.choice(FALSE, size=3, replace=False)]
        roles = [str(role) for role in rng.permutation(roles)]
        reports = [make_report(role, samples, kind, leak, rng) for role in roles]
        found = audit(samples, reports, n_classes)
        if found["leak"] == leak and found["clear"] and list(found["words"].values()) == roles:
            break
    share = rng.dirichlet(np.full(4, 8.0)).round(2)
    share[3] = 1 - share[:3].sum()
    data = {name: samples[name].to_numpy() for name in samples.columns}
    data["part"] = data["part"].astype("U5")
    data |= {f"report_{name}": report for name, report in zip(FIRMS, reports, strict=True)}
    return data | {
        "n_classes": np.array(n_classes),
        "composition": share,
        "hit": np.array(round(float(rng.uniform(0.55, 0.85)), 2)),
    }


def audit(samples: pd.DataFrame, reports: Sequence[Array], n_classes: int) -> dict[str, Any]:
    """Return what a careful student finds, and whether it is clear by a margin."""
    lane, a, b, y = (samples[name].to_numpy() for name in ("lane", "a", "b", "y"))
    kind = kinds(lane, a, b, y, n_classes)
    part, known = samples["part"].to_numpy(), kind != UNKNOWN
    train, test = part == "train", part == "test"
    by_origin = {
        name: lookup(samples[name][train], kind[train], samples[name][test], kind[test])[1]
        for name in ORIGINS
    }
    first, second = sorted(by_origin.values())[::-1][:2]
    leak = max(by_origin, key=lambda name: by_origin[name])
    new = test & known & ~samples[leak].isin(set(samples[leak][train])).to_numpy()
    words, clear = {}, first > second + 0.15
    for name, report in zip(FIRMS, reports, strict=True):
        of_test, of_new = areas(report[test], kind[test]), areas(report[new], kind[new])
        chute = areas(report[test], samples["y"].to_numpy()[test]).max()
        if of_test.max() < NOTHING:
            words[name] = "by class" if chute > FOUND else "constant"
            clear &= of_test.max() < NOTHING - 0.02 and abs(chute - FOUND) > 0.03
        elif of_new.max() < FOUND:
            words[name] = "memory"
            clear &= of_new.max() < FOUND - 0.03
        else:
            finds = tuple(int(k) for k in of_test.argmax(axis=1))
            known_names: dict[tuple[int, ...], str] = {
                (0, 1, 2, 3): "holds",
                (0, 2, 1, 3): "swapped",
            }
            words[name] = known_names.get(finds, "permuted")
            clear &= of_test.max(axis=1).min() > FOUND and of_new.max() > FOUND + 0.03
    memory = next((n for n, word in words.items() if word == "memory"), FIRMS[0])
    own = np.diag(areas(reports[FIRMS.index(memory)][new], kind[new]))
    return {"words": words, "leak": leak, "new": float(own.mean()), "clear": bool(clear)}


# --- what is asked ------------------------------------------------------------------------------


def _audited(own: Data) -> dict[str, Any]:
    columns = ("part", *ORIGINS, "lane", "a", "b", "y")
    samples = pd.DataFrame({name: own[name] for name in columns})
    reports = [own[f"report_{name}"] for name in FIRMS]
    return audit(samples, reports, int(own["n_classes"]))


def _prediction(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    expected = {"area of S", "area of U1, swapped", "area of S, constant"}

    def there(found: Any) -> bool:
        return set(found) == expected and all(0 <= float(v) <= 1 for v in found.values())

    return [Case(there)]


def _parcels(rng: np.random.Generator, lanes: int) -> tuple[Codes, Codes, Codes, Codes, int]:
    """Return kinds, lanes and digits of some parcels in so many lanes."""
    n, n_classes = int(rng.integers(80, 160)), int(rng.integers(3, 7))
    there = rng.permutation(4)[:lanes]
    kind = there[rng.integers(lanes, size=n)]
    kind[: 20 * lanes] = np.tile(there, 20)
    a, b = rng.integers(n_classes, size=(2, n))
    a[: 4 * lanes], b[: 4 * lanes] = 1, 2  # digits that tell the rules apart
    b = np.where(kind == 0, a, b)
    return kind, rng.permutation(4)[kind], a, b, n_classes


def _kinds(*, unknown: bool) -> Any:
    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = []
        for lanes in (4, 3, 2, 1):
            kind, lane, a, b, n_classes = _parcels(rng, lanes)
            y = np.select([kind <= 1, kind == 2], [a, b], (a + b) % n_classes)
            if unknown:
                hidden = rng.random(len(lane)) < 0.3
                hidden[: 4 * lanes] = False
                lane, kind = np.where(hidden, UNKNOWN, lane), np.where(hidden, UNKNOWN, kind)
            made.append(Case(close(kind, 0), (lane, a, b, y, np.array(n_classes))))
        return made

    return cases


def _reported(rng: np.random.Generator, *, awkward: bool) -> tuple[Array, Codes]:
    n = int(rng.integers(60, 120))
    kind = rng.integers(4, size=n)
    kind[:8] = np.tile(np.arange(4), 2)
    report = pointing(kind, float(rng.uniform(0.5, 2)), rng)
    if awkward:
        report = report.round(1)
        kind = np.where(rng.random(n) < 0.2, UNKNOWN, kind)
        kind[:8] = np.tile(np.arange(4), 2)
    return report, kind


def _areas(*, awkward: bool) -> Any:
    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = [_reported(rng, awkward=awkward) for _ in range(4)]
        return [Case(close(areas(report, kind), 1e-6), (report, kind)) for report, kind in made]

    return cases


def _chance(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    made = []
    for _ in range(3):
        report, kind = _reported(rng, awkward=True)
        n = int((kind != UNKNOWN).sum())
        shuffles = np.stack([rng.permutation(n) for _ in range(15)])
        truth = chance(report, kind, shuffles)
        made.append(Case(close(truth, 1e-6), (report, kind, shuffles)))
    return made


def _lookup(*, new: bool) -> Any:
    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = []
        for values in (12, 30):
            train = rng.permutation(np.arange(200) % values)
            test = rng.integers(values + (values // 3 if new else 0), size=90)
            kind, asked = rng.integers(4, size=200), rng.integers(4, size=90)
            truth = lookup(train, kind, test, asked)
            made.append(Case(close(truth, 1e-6), (train, kind, test, asked)))
        return made

    return cases


def _words(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    truth = _audited(own)["words"]
    return [Case(lambda found: dict(found["words"]) == truth)]


def _leak(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    truth = _audited(own)["leak"]
    return [Case(lambda found: found["leak"] == truth)]


def _new_area(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    right = entries({"area": _audited(own)["new"]}, 1e-3)
    return [Case(lambda found: right({"area": found["area on new origins"]}))]


QUESTIONS = (
    Question("prediction", 2, "1. A prediction of three areas is there", "prediction", _prediction),
    Question("kinds", 2, "2. What decides in each lane", "kinds", _kinds(unknown=False)),
    Question("kinds_unknown", 1, "2. Parcels of unknown lane", "kinds", _kinds(unknown=True)),
    Question("areas", 2, "3. A table of areas", "areas", _areas(awkward=False)),
    Question(
        "areas_awkward", 1, "3. Areas with ties and unknown kinds", "areas", _areas(awkward=True)
    ),
    Question("chance", 2, "4. What chance reaches", "chance_area", _chance),
    Question("lookup", 2, "5. A memory", "lookup", _lookup(new=False)),
    Question("lookup_new", 1, "5. A memory that meets new values", "lookup", _lookup(new=True)),
    Question("words", 2, "6. A word for each of your reports", "answers", _words),
    Question("leak", 1, "6. The column that the memory uses", "answers", _leak),
    Question("new_area", 1, "6. What is left of the memory on new origins", "answers", _new_area),
)
