"""`decompose` against dit (its cone solver) and a CVXPY formulation, on the same random tables.

All run in one process on one thread. Times are medians over tables. The error is that of the
synergy, the largest over tables, against the middle of our certified bounds at a tighter tolerance
(the column ``reference_gap``). Writes reproduce/pid_benchmark.json, which chapter 4 draws.
"""

import warnings
from collections.abc import Callable
from importlib import import_module
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.timing import seconds, write
from mmfuse_lib.information import decompose, decompose_batch, mutual_information

Table = NDArray[np.float64]


#: Whose versions matter for the comparison.
PACKAGES = ("numpy", "dit", "ecos", "cvxpy", "clarabel")

#: Shape of the tables, how many, and whether the others are run: at 40x40x10 they take long.
CASES = (
    ((2, 2, 2), 9, True),
    ((3, 3, 3), 9, True),
    ((10, 10, 2), 9, True),
    ((20, 20, 4), 3, True),
    ((20, 20, 10), 3, True),
    ((40, 40, 10), 3, False),
)
BATCH, BATCH_SHAPE = 1_000, (4, 4, 2)


def by_mmfuse(p: Table) -> float:
    """Return the synergy that `decompose` finds."""
    return decompose(p).synergy


def by_dit(p: Table) -> float:
    """Return the synergy that dit's cone solver finds."""
    import dit

    table = dit.Distribution.from_ndarray(p)
    pid = dit.pid.PID_BROJA(table, ((0,), (1,)), (2,), method="cone")
    return float(pid[((0, 1),)])


def by_cvxpy(p: Table) -> float:
    """Return the synergy from the convex program, given to CLARABEL."""
    cp: Any = import_module("cvxpy")  # its stubs lack half of its functions
    n1, n2, n_y = p.shape
    q = [cp.Variable((n1, n2), nonneg=True) for _ in range(n_y)]
    pair = sum(q)
    fits = [cp.sum(q[y], axis=1) == p[:, :, y].sum(axis=1) for y in range(n_y)]
    fits += [cp.sum(q[y], axis=0) == p[:, :, y].sum(axis=0) for y in range(n_y)]
    loss = sum(cp.sum(cp.rel_entr(q[y], pair)) for y in range(n_y))
    least = cp.Problem(cp.Minimize(loss), fits).solve(solver=cp.CLARABEL)
    py = p.sum(axis=(0, 1))
    h_y = float(-(py * np.log2(py)).sum())
    return float(mutual_information(p) - (h_y + float(least) / np.log(2)))


SOLVERS: dict[str, Callable[[Table], float]] = {
    "dit cone": by_dit,
    "cvxpy clarabel": by_cvxpy,
    "mmfuse": by_mmfuse,
}


def tables(shape: tuple[int, ...], count: int) -> Table:
    """Return `count` tables with Dirichlet(1) probabilities."""
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(np.prod(shape)), size=count).reshape(count, *shape)


def measure(shape: tuple[int, int, int], count: int, peers: bool) -> list[dict[str, Any]]:
    """Run the solvers on tables of one shape, taking turns."""
    solvers = SOLVERS if peers else {"mmfuse": by_mmfuse}
    ps = tables(shape, count)
    for run in solvers.values():
        run(ps[0])  # imports and first calls
    exact = [decompose(p, tolerance=1e-8) for p in ps]
    times: dict[str, list[float]] = {name: [] for name in solvers}
    errors: dict[str, list[float]] = {name: [] for name in solvers}
    for p, reference in zip(ps, exact, strict=True):
        for name, run in solvers.items():
            took, synergy = seconds(run, p)
            times[name].append(took)
            errors[name].append(abs(synergy - reference.synergy - reference.gap / 2))
    baseline = median(times.get("dit cone", [float("nan")]))
    return [
        {
            "shape": "x".join(map(str, shape)),
            "solver": name,
            "tables": count,
            "ms": 1e3 * median(times[name]),
            "error_bits": max(errors[name]),
            "reference_gap": max(d.gap for d in exact),
            "ratio": baseline / median(times[name]) if peers else None,
        }
        for name in solvers
    ]


def measure_batch() -> dict[str, Any]:
    """Compare `decompose_batch` with a loop over `decompose`."""
    ps = tables(BATCH_SHAPE, BATCH)
    loop, singly = seconds(lambda: np.array([decompose(p).atoms for p in ps]))
    batch, together = seconds(lambda: decompose_batch(ps).atoms)
    return {
        "tables": BATCH,
        "shape": "x".join(map(str, BATCH_SHAPE)),
        "loop_ms": 1e3 * loop,
        "batch_ms": 1e3 * batch,
        "ratio": loop / batch,
        "largest_difference_bits": float(np.abs(singly - together).max()),
    }


def main() -> None:
    """Print the table and write it to reproduce/."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of dit and CVXPY, about their own dependencies
        rows = [row for case in tqdm(CASES, "shapes") for row in measure(*case)]
        batch = measure_batch()
    print("exact decomposition: milliseconds a table, error in bits, ratio to dit's cone solver")
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:6.1f}x"
        print(
            f"  {row['shape']:<9} {row['solver']:<15} {row['ms']:9.2f} ms"
            f"   {row['error_bits']:.0e} {ratio}"
        )
    print(
        f"  {batch['tables']} tables of {batch['shape']}: loop {batch['loop_ms']:.0f} ms, "
        f"decompose_batch {batch['batch_ms']:.0f} ms, {batch['ratio']:.1f}x"
    )
    write("pid_benchmark.json", "pid", {"rows": rows, "batch": batch}, packages=PACKAGES)


if __name__ == "__main__":
    main()
