"""What is right in assignment 1, *Four numbers from a table*, and the table of each student."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from book.pipeline.assignments import Case, Data, Question, close, entries
from mmfuse_lib.information import decompose, entropy, mutual_information

Array = NDArray[np.float64]
TITLE = "Four numbers from a table"

#: How far the two bounds on a student's own table may be apart, in bits.
GAP = 0.02

#: A student's table: its shape, and how uneven it is (1: all tables alike likely, 0: one cell).
SHAPE, EVENNESS = (3, 3, 4), 0.5

#: The witnesses' error rates, of which a student gets two.
RATES = np.arange(5, 40, 3) / 100

#: What a prediction needs, and is given out before the rest.
FIRST = ("errors",)

#: The proof as it should be.
STEPS = (
    r"1. All pairings $q\in D_p$ have the same $I(X_1;Y)$ and $I(X_2;Y)$, since these depend on the "
    r"pairwise tables.",
    r"2. $I_*$ is the minimum over all pairings of $I_q(X_1,X_2;Y)$, so it is at most $I_q(X_1,X_2;Y)$ "
    r"for each of them.",
    r"3. By the definition of the atoms $R+U_1+U_2 = I_*$, so each pairing bounds the sum from above.",
    r"4. $I_q(X_1,X_2;Y) = H(Y) - H_q(Y|X_1,X_2)$, and $H(Y)$ is the same for all pairings.",
    r"5. $D_p$ is closed and bounded and information is continuous, so some pairing reaches the bound.",
)
#: By the number of the wrong step: what stands there.
WRONG = {
    1: r"1. All pairings $q\in D_p$ have the same $I(X_1,X_2;Y)$, and their $I(X_1;Y)$ and $I(X_2;Y)$ "
    r"differ by the synergy.",
    2: r"2. $I_*$ is the maximum over all pairings of $I_q(X_1,X_2;Y)$, so it is at least that of each "
    r"of them.",
    3: r"3. By the definition of the atoms $R+U_1+U_2+S = I_*$, so the sum of three is "
    r"at least $I_*$ as well.",
    4: r"4. $I_q(X_1,X_2;Y) = H(Y) - H(Y|X_1) + H(Y|X_2)$, and all three terms are the same for all "
    r"pairings.",
    5: r"5. $D_p$ is open and information is continuous, so the bound is never larger than the "
    r"minimum and no pairing reaches it.",
}


def personal(rng: np.random.Generator) -> Data:
    """Return what a student gets: a table, two error rates, a proof with a wrong step."""
    low, high = sorted(rng.choice(RATES, size=2, replace=False))
    errors = np.array([low, high]) if rng.random() < 0.5 else np.array([high, low])
    wrong = int(rng.integers(1, 6))
    steps = [WRONG[wrong] if number == wrong else step for number, step in enumerate(STEPS, 1)]
    return {"errors": errors, "claim": np.array(steps), "table": _table(rng)}


def _table(rng: np.random.Generator) -> Array:
    """Return a table in which every atom is above 0.03 bits, and U1 and U2 are apart."""
    while True:
        cells = int(np.prod(SHAPE))
        p: Array = rng.dirichlet(np.full(cells, EVENNESS)).reshape(SHAPE)
        p = (p + 1e-3) / (1 + cells * 1e-3)
        atoms = decompose(p).atoms
        if atoms.min() > 0.03 and abs(atoms[1] - atoms[2]) > 0.02:
            return p


def _three(p: Array) -> list[float]:
    return [float(mutual_information(p, x=0)), float(mutual_information(p, x=1)),
            float(mutual_information(p))]  # fmt: skip


def _tables(rng: np.random.Generator, *, empty: bool) -> list[Array]:
    made = []
    for shape in ((2, 3, 2), (4, 2, 3), (3, 3, 4)):
        p = rng.dirichlet(np.ones(int(np.prod(shape)))).reshape(shape)
        if empty:
            p = p * (rng.random(shape) < 0.6)
            p[0, 0, 0] += 0.1
        made.append(p / p.sum())
    return made


def _informations(*, empty: bool) -> Any:
    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = []
        for p in _tables(rng, empty=empty):
            one, two, both = _three(p)
            signs = {
                "sources-swapped": close([two, one, both], 1e-6),
                "nats-for-bits": close(np.log(2) * np.array([one, two, both]), 1e-6),
            }
            made.append(Case(close([one, two, both], 1e-6), (p,), signs=signs))
        return made

    return cases


def _re_paired(p: Array, rng: np.random.Generator) -> Array:
    """Return another pairing: part of the way to independence given the label."""
    given = p.sum(axis=1)[:, None] * p.sum(axis=0) / p.sum(axis=(0, 1))
    share = rng.uniform(0.2, 0.9)
    mixed: Array = (1 - share) * p + share * given
    return mixed


def _upper(*, valid: bool) -> Any:
    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = []
        for p in _tables(rng, empty=False):
            q = _re_paired(p, rng)
            if valid:
                truth = float(mutual_information(q))
            else:
                axes = (1, 2) if rng.random() < 0.5 else (0, 2)
                q = np.flip(q, axis=axes[0])
                truth = float(entropy(p.sum(axis=(0, 1))))
            made.append(Case(close(truth, 1e-6), (p, q)))
        return made

    return cases


def proved(p: Array, f1: Array, f2: Array) -> float:
    """Return the lower bound on I* that two factors prove, in bits."""
    if not (np.isfinite(f1).all() and np.isfinite(f2).all()) or min(f1.min(), f2.min()) < 0:
        return 0.0
    if np.einsum("ay,by->ab", f1, f2).max() > 1 + 1e-9:
        return 0.0
    bound = float(entropy(p.sum(axis=(0, 1))))
    for factor, table in ((f1, p.sum(axis=1)), (f2, p.sum(axis=0))):
        if (factor[table > 0] == 0).any():
            return 0.0
        bound += float((table[table > 0] * np.log2(factor[table > 0])).sum())
    return max(0.0, bound)


def _lower(*, valid: bool) -> Any:
    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = []
        for p in _tables(rng, empty=False):
            f1, f2 = (p.sum(axis=m) ** 0.5 for m in (1, 0))
            f1, f2 = (f / f.sum(axis=1, keepdims=True) ** 0.5 for f in (f1, f2))
            largest = np.einsum("ay,by->ab", f1, f2).max()
            f1 = f1 / largest if valid else f1 * 1.2 / largest
            made.append(Case(close(proved(p, f1, f2), 1e-6), (p, f1, f2)))
        if valid:
            p = np.eye(4).reshape(2, 2, 4) / 4  # two coins: factors of 0 where nothing occurs
            f = np.array([[1, 1, 0, 0], [0, 0, 1, 1]]), np.array([[1, 0, 1, 0], [0, 1, 0, 1]])
            made.append(Case(close(2, 1e-6), (p, *(x.astype(float) for x in f))))
        else:
            p = np.full((2, 2, 2), 1 / 8)
            made.append(Case(close(0, 1e-6), (p, np.eye(2), np.eye(2))))
        return made

    return cases


def _prediction(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    def there(found: Any) -> bool:
        values = [float(found[name]) for name in ("R", "U1", "U2", "S")]
        return all(np.isfinite(values)) and max(map(abs, values)) < 10

    return [Case(there)]


def _wrong_step(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    steps = [str(step) for step in own["claim"]]
    number = next(n for n, (a, b) in enumerate(zip(steps, STEPS, strict=True), 1) if a != b)
    return [Case(lambda found: int(found) == number and not isinstance(found, bool))]


def _atoms(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    p = own["table"]
    atoms = decompose(p).atoms
    one, two, both = _three(p)
    signs = {
        "equal-amounts": _four(decompose(p, measure="mmi").atoms),
        "synergy-is-gain": _four([*atoms[:3], both - max(one, two)]),
        "sources-swapped": _four(atoms[[0, 2, 1, 3]]),
        "nats-for-bits": _four(np.log(2) * atoms),
    }
    return [Case(_four(atoms), signs=signs)]


def _four(atoms: Sequence[float] | Array) -> Callable[[Any], bool]:
    return entries(dict(zip(("R", "U1", "U2", "S"), map(float, atoms), strict=True)), 5e-3)


def _swapped(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    atoms = decompose(own["table"]).atoms
    signs = {"sources-swapped": close(atoms, 5e-3)}
    return [Case(close(atoms[[0, 2, 1, 3]], 5e-3), signs=signs)]


def _pairing(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    p = own["table"]
    best = _least(p)

    def right(found: Any) -> bool:
        q = np.asarray(found, dtype=float)
        same = all(np.abs(p.sum(axis=m) - q.sum(axis=m)).max() <= 1e-6 for m in (0, 1))
        told = float(mutual_information(q.clip(0) / q.clip(0).sum()))
        return same and q.min() >= -1e-9 and told <= best + GAP / 2

    return [Case(right)]


def _certificate(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    p = own["table"]
    best = _least(p)

    def right(found: Any) -> bool:
        f1, f2 = (np.asarray(factor, dtype=float) for factor in found)
        return proved(p, f1, f2) >= best - GAP / 2

    return [Case(right)]


def _least(p: Array) -> float:
    """Return I*: what the two sources tell in the worst pairing."""
    return float(mutual_information(p) - decompose(p).synergy)


QUESTIONS = (
    Question("prediction", 2, "1. A prediction of all four atoms is there", "prediction", _prediction),
    Question("wrong_step", 1, "2. The first wrong step", "wrong_step", _wrong_step),
    Question("informations", 2, "3. Three informations", "informations", _informations(empty=False)),
    Question(
        "informations_empty", 1, "3. Three informations, with empty cells", "informations",
        _informations(empty=True),
    ),
    Question("upper", 1, "4. What a pairing proves", "upper", _upper(valid=True)),
    Question("upper_invalid", 1, "4. What no pairing proves", "upper", _upper(valid=False)),
    Question("lower", 1, "5. What valid factors prove", "lower", _lower(valid=True)),
    Question("lower_invalid", 1, "5. What invalid factors prove", "lower", _lower(valid=False)),
    Question("atoms", 3, "6. The atoms of your table", "answers", _atoms),
    Question("swapped", 1, "6. The atoms with the dials swapped", "swapped", _swapped),
    Question("pairing", 1, "6. A pairing that is nearly the worst", "q", _pairing),
    Question("certificate", 1, "6. Factors that nearly prove it", "certificate", _certificate),
)  # fmt: skip
