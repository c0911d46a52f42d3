"""What is right in assignment 2, *How much is noise?*, and the samples that each student gets.

Everything is about the gap ``S - R = I(X1,X2;Y) - I(X1;Y) - I(X2;Y)``: it is the same for every
definition of redundancy, and counting overstates it by a known amount.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from book.pipeline.assignments import Case, Data, Question, close

TITLE = "How much is noise?"

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Two gaps that differ by less count as equal: rounding is not evidence.
EQUAL = 1e-9

#: The permutations that a student's data come with; the least p-value is 1 / (1 + PERMUTATIONS).
PERMUTATIONS = 199

#: Half the width of a 95 % interval, in standard errors.
Z = 1.96

#: An estimate less than this many half-widths from 0 is clearly within the interval ...
INSIDE = 0.7

#: ... and one more than this many away is clearly outside.
OUTSIDE = 1.4


# --- the sizes of a table: |X1|, |X2|, |Y| ---------------------------------------------------


@dataclass(frozen=True)
class Sizes:
    """How many values each variable has, and how many samples there are."""

    x1: int
    x2: int
    y: int
    samples: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the table of counts."""
        return self.x1, self.x2, self.y

    def doubled(self) -> Sizes:
        """Twice the values for each source, and twice the samples."""
        return Sizes(2 * self.x1, 2 * self.x2, self.y, 2 * self.samples)


def leading_bias(cells: int, labels: int, samples: int) -> float:
    """Bias in bits of a plug-in information with the label, for a source of so many values."""
    return float((cells - 1) * (labels - 1) / (2 * samples * np.log(2)))


def bias_of_gap(sizes: Sizes) -> float:
    """Bias of the plug-in gap to leading order, in bits."""
    of = {
        cells: leading_bias(cells, sizes.y, sizes.samples)
        for cells in (sizes.x1 * sizes.x2, sizes.x1, sizes.x2)
    }
    return of[sizes.x1 * sizes.x2] - of[sizes.x1] - of[sizes.x2]


# --- estimates ----------------------------------------------------------------------------------


def count(x1: Codes, x2: Codes, y: Codes, shape: tuple[int, int, int]) -> Array:
    """The table of counts."""
    table = np.zeros(shape)
    np.add.at(table, (x1, x2, y), 1)
    return table


def entropies(tables: Array, *, corrected: bool = False) -> Callable[..., Array]:
    """A function of the axes that are summed out: entropies in bits, a row a table of counts."""
    n = tables.sum(axis=(1, 2, 3))

    def of(*summed: int) -> Array:
        counts = tables.sum(axis=summed).reshape(len(tables), -1)
        shares = counts / n[:, None]
        bits = -np.sum(shares * np.log2(np.where(counts > 0, shares, 1)), axis=1)
        if corrected:
            bits = bits + ((counts > 0).sum(axis=1) - 1) / (2 * n * np.log(2))
        return np.asarray(bits)

    return of


def informations(tables: Array, *, corrected: bool = False) -> Array:
    """I(X1;Y), I(X2;Y) and I(X1,X2;Y) of tables of counts, shape (B, 3), in bits."""
    h = entropies(tables, corrected=corrected)
    label = h(1, 2)
    i1 = h(2, 3) + label - h(2)
    i2 = h(1, 3) + label - h(1)
    i12 = h(3) + label - h()
    return np.stack([i1, i2, i12], axis=1)


def gaps(tables: Array, *, corrected: bool = False) -> Array:
    """S - R of tables of counts, in bits."""
    i1, i2, i12 = informations(tables, corrected=corrected).T
    return np.asarray(i12 - i1 - i2)


def shuffle_test(
    x1: Codes, x2: Codes, y: Codes, shape: tuple[int, int, int], permutations: Codes
) -> tuple[float, float]:
    """Mean gap of the shuffled samples, and the p-value of the real one."""
    real = gaps(count(x1, x2, y, shape)[None])[0]
    shuffled = gaps(np.stack([count(x1, x2, y[p], shape) for p in permutations]))
    reached = int((shuffled >= real - EQUAL).sum())
    return float(shuffled.mean()), (1 + reached) / (1 + len(permutations))


def jackknife(table: Array) -> tuple[float, float]:
    """The gap without its bias of order 1/N, and its standard error, by leaving samples out."""
    n, cells = table.sum(), np.argwhere(table > 0)
    weights = table[tuple(cells.T)]
    left_out = np.repeat(table[None], len(cells), axis=0)
    left_out[(np.arange(len(cells)), *cells.T)] -= 1
    without = gaps(left_out)
    mean = weights @ without / n
    estimate = n * gaps(table[None])[0] - (n - 1) * mean
    error = np.sqrt((n - 1) / n * (weights @ (without - mean) ** 2))
    return float(estimate), float(error)


def interval(table: Array) -> tuple[float, float]:
    """An interval of 95 % for the gap of the table that was sampled."""
    estimate, error = jackknife(table)
    return estimate - Z * error, estimate + Z * error


def verdict(low: float, high: float) -> str:
    """What an interval of S - R says."""
    return "synergy" if low > 0 else "redundancy" if high < 0 else "cannot tell"


# --- worlds: the tables that are sampled ----------------------------------------------------------


def shares(n: int, rng: np.random.Generator) -> Array:
    """Shares of n values, none of them rare."""
    return rng.dirichlet(np.full(n, 10.0))


def synergy_table(sizes: Sizes, noise: float, rng: np.random.Generator) -> Array:
    """The label is a sum of both codes, or a toss."""
    first, second = np.ogrid[: sizes.x1, : sizes.x2]
    rule = np.full(sizes.shape, noise / sizes.y)
    rule[first, second, (first + second) % sizes.y] += 1 - noise
    pair = np.outer(shares(sizes.x1, rng), shares(sizes.x2, rng))
    return np.asarray(pair[..., None] * rule)


def unique_table(sizes: Sizes, noise: float, rng: np.random.Generator) -> Array:
    """The label follows the first code alone."""
    rule = np.full((sizes.x1, sizes.y), noise / sizes.y)
    rule[np.arange(sizes.x1), np.arange(sizes.x1) % sizes.y] += 1 - noise
    first, second = shares(sizes.x1, rng), shares(sizes.x2, rng)
    return np.asarray(first[:, None, None] * second[None, :, None] * rule[:, None, :])


def redundancy_table(sizes: Sizes, noise: float, rng: np.random.Generator) -> Array:
    """Each code shows the label, each with noise of its own."""

    def shown(n: int) -> Array:
        """p(x, y) / p(y), shape (n, |Y|)."""
        base = shares(n, rng)[:, None]
        match = base * (np.arange(n)[:, None] % sizes.y == np.arange(sizes.y))
        return np.asarray((1 - noise) * match / match.sum(axis=0) + noise * base)

    label = shares(sizes.y, rng)
    return shown(sizes.x1)[:, None] * shown(sizes.x2)[None, :] * label


def nothing_table(sizes: Sizes, rng: np.random.Generator) -> Array:
    """The label is a toss."""
    pair = np.outer(shares(sizes.x1, rng), shares(sizes.x2, rng))
    return pair[..., None] * shares(sizes.y, rng)


def balanced_table(sizes: Sizes, rng: np.random.Generator) -> Array:
    """As much synergy as redundancy: a mixture of both with a gap of 0."""
    both = synergy_table(sizes, 0.2, rng), redundancy_table(sizes, 0.2, rng)
    low, high = 0.0, 1.0  # share of the synergy table; the gap is below 0 at low, above at high
    for _ in range(40):
        middle = (low + high) / 2
        table = middle * both[0] + (1 - middle) * both[1]
        low, high = (middle, high) if gaps(table[None])[0] < 0 else (low, middle)
    return table


def world(name: str, sizes: Sizes, rng: np.random.Generator) -> Array:
    """The joint table p(x1, x2, y) of a world."""
    make: dict[str, Callable[[], Array]] = {
        "synergy": lambda: synergy_table(sizes, 0.5, rng),
        "redundancy": lambda: redundancy_table(sizes, 0.2, rng),
        "nothing": lambda: nothing_table(sizes, rng),
        "unique": lambda: unique_table(sizes, 0.5, rng),
        "balanced": lambda: balanced_table(sizes, rng),
    }
    return make[name]()


def draw(table: Array, n: int, rng: np.random.Generator) -> tuple[Codes, Codes, Codes]:
    """N samples of a joint table."""
    cells = rng.choice(table.size, size=n, p=table.ravel() / table.sum())
    x1, x2, y = np.unravel_index(cells, table.shape)
    return x1, x2, y


# --- what a student gets -----------------------------------------------------------------------

Samples = tuple[Codes, Codes, Codes]

#: What may stand behind the sensors of a firm, by the verdict that they deserve.
WORLDS = {
    "synergy": "synergy",
    "redundancy": "redundancy",
    "nothing": "cannot tell",
    "unique": "cannot tell",
    "balanced": "cannot tell",
}


def clear(table: Array) -> str | None:
    """The verdict on a table of counts, or None where honest intervals might differ about it."""
    estimate, error = jackknife(table)
    by_cells = gaps(table[None], corrected=True)[0]
    reach = [abs(e) / (Z * error) for e in (estimate, by_cells)]
    if max(reach) > INSIDE and min(reach) < OUTSIDE:
        return None
    return verdict(estimate - Z * error, estimate + Z * error)


def personal_sizes(rng: np.random.Generator) -> Sizes:
    """Sizes with five to eight samples a cell."""
    x1, x2, y = (int(rng.integers(*ends)) for ends in ((4, 7), (3, 6), (2, 4)))
    cells = x1 * x2 * y
    return Sizes(x1, x2, y, 10 * int(rng.integers(5 * cells, 8 * cells) // 10))


def clear_samples(name: str, sizes: Sizes, rng: np.random.Generator) -> Samples:
    """Samples of a world that show what stands behind them, and not by a hair."""
    while True:
        samples = draw(world(name, sizes, rng), sizes.samples, rng)
        if clear(count(*samples, sizes.shape)) == WORLDS[name]:
            return samples


def personal(rng: np.random.Generator) -> Data:
    """Return what a student gets: sizes, a proof with a wrong step, samples and permutations."""
    sizes = personal_sizes(rng)
    name = str(rng.choice(list(WORLDS)))
    x1, x2, y = clear_samples(name, sizes, rng)
    wrong = int(rng.integers(1, len(_PROOF.STEPS) + 1))
    return {
        "sizes": np.array([*sizes.shape, sizes.samples]),
        "proof": np.array([_PROOF.CLAIM, *_PROOF.proof(wrong)]),
        "x1": x1,
        "x2": x2,
        "y": y,
        "permutations": np.stack([rng.permutation(sizes.samples) for _ in range(PERMUTATIONS)]),
    }


def _proof_module() -> Any:
    """Return the module of the proof, which lies beside this one."""
    spec = importlib.util.spec_from_file_location("proof", Path(__file__).with_name("proof.py"))
    if spec is None or spec.loader is None:
        raise ImportError("proof.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_PROOF = _proof_module()


# --- what is asked ------------------------------------------------------------------------------


def _prediction(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    expected = {"bias of I(X1;Y)", "bias of S - R", "bias of S - R, all doubled"}

    def there(found: Any) -> bool:
        return set(found) == expected and bool(
            np.isfinite([float(v) for v in found.values()]).all()
        )

    return [Case(there)]


def _wrong_step(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    steps = [str(step) for step in own["proof"][1:]]
    number = next(n for n, (a, b) in enumerate(zip(steps, _PROOF.STEPS, strict=True), 1) if a != b)
    return [Case(lambda found: int(found) == number and not isinstance(found, bool))]


def _counts(rng: np.random.Generator, *, empty: bool) -> list[Array]:
    """Return tables of counts of several shapes; all cells in use, or not."""
    made = []
    for shape in ((2, 3, 2), (4, 3, 3), (5, 2, 4)):
        counts = rng.integers(1, 30, size=shape).astype(float)
        if empty:
            counts *= rng.random(shape) < 0.5
            counts[0, 0, 0] += 5
            counts[-1, -1, -1] += 5
        made.append(counts)
    return made


def _informations(*, empty: bool) -> Any:
    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = _counts(rng, empty=empty)
        return [Case(close(informations(c[None])[0], 1e-6), (c,)) for c in made]

    return cases


def _corrected(*, empty: bool) -> Any:
    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = _counts(rng, empty=empty)
        return [Case(close(gaps(c[None], corrected=True)[0], 1e-6), (c,)) for c in made]

    return cases


def _shuffle(part: int) -> Any:
    """Cases of the test by shuffling: 0 asks for the mean gap, 1 for the p-value."""

    def cases(rng: np.random.Generator, own: Data) -> Sequence[Case]:
        made = []
        for name in ("nothing", "synergy", "redundancy"):
            sizes = Sizes(3, 4, 2, 90)
            samples = draw(world(name, sizes, rng), sizes.samples, rng)
            shuffles = np.stack([rng.permutation(sizes.samples) for _ in range(29)])
            right = close(shuffle_test(*samples, sizes.shape, shuffles)[part], 1e-6)
            arguments = (*samples, np.array(sizes.shape), shuffles)
            made.append(Case(_entry(part, right), arguments))
        return made

    return cases


def _entry(part: int, right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda found: right(found[part])


#: Each of these worlds is sampled so often; an interval has to hold the truth in this share ...
TIMES, COVERED = 60, 0.8

#: ... and may be so many times as wide as that of the solution.
WIDER = 2.0


def _interval(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    made = []
    for name in WORLDS:
        sizes = Sizes(4, 3, 2, 200)
        table = world(name, sizes, rng)
        truth = gaps(table[None])[0]
        samples = [draw(table, sizes.samples, rng) for _ in range(TIMES)]
        widths = [np.ptp(interval(count(*s, sizes.shape))) for s in samples]
        calls = [(*s, np.array(sizes.shape)) for s in samples]
        made.append(Case(_covers(float(truth), float(np.mean(widths))), calls, many=True))
    return made


def _covers(truth: float, width: float) -> Callable[[Any], bool]:
    def right(found: Any) -> bool:
        low, high = np.asarray(found, dtype=float).T
        held = np.mean((low <= truth + EQUAL) & (truth - EQUAL <= high))
        return bool(held >= COVERED and np.mean(high - low) <= WIDER * width)

    return right


def _numbers(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    shape = tuple(int(size) for size in own["sizes"][:3])
    samples = own["x1"], own["x2"], own["y"]
    table = count(*samples, shape)  # type: ignore[arg-type]
    shuffled, p = shuffle_test(*samples, shape, own["permutations"])  # type: ignore[arg-type]
    truth = {
        "plug-in gap": float(gaps(table[None])[0]),
        "corrected gap": float(gaps(table[None], corrected=True)[0]),
        "shuffled gap": shuffled,
        "p-value": p,
    }

    def right(found: Any) -> bool:
        return all(abs(float(found[name]) - value) < 1e-4 for name, value in truth.items())

    return [Case(right)]


def _verdict(rng: np.random.Generator, own: Data) -> Sequence[Case]:
    shape = tuple(int(size) for size in own["sizes"][:3])
    truth = verdict(*interval(count(own["x1"], own["x2"], own["y"], shape)))  # type: ignore[arg-type]
    return [Case(lambda found: found["verdict"] == truth)]


QUESTIONS = (
    Question(
        "prediction", 3, "1. A prediction of three biases is there", "prediction", _prediction
    ),
    Question("wrong_step", 1, "2. The first wrong step", "wrong_step", _wrong_step),
    Question(
        "informations", 2, "3. Three informations", "informations", _informations(empty=False)
    ),
    Question(
        "informations_empty",
        1,
        "3. Three informations, with empty cells",
        "informations",
        _informations(empty=True),
    ),
    Question("corrected", 1, "4. A correction", "corrected_gap", _corrected(empty=False)),
    Question(
        "corrected_empty",
        2,
        "4. A correction, with empty cells",
        "corrected_gap",
        _corrected(empty=True),
    ),
    Question("shuffled", 2, "5. What shuffled labels give", "shuffle_test", _shuffle(0)),
    Question("p_value", 2, "5. The p-value", "shuffle_test", _shuffle(1)),
    Question(
        "interval", 4, "6. An interval that covers, and is not too wide", "interval", _interval
    ),
    Question("numbers", 2, "7. The four numbers of your samples", "answers", _numbers),
    Question("verdict", 1, "7. The verdict on your samples", "answers", _verdict),
)
