r"""BROJA's optimisation: the least joint information that two tables allow, with a certificate.

Let :math:`D_p` be all tables q with :math:`q(x_1,y)=p(x_1,y)` and :math:`q(x_2,y)=p(x_2,y)`. The
decomposition of Bertschinger et al. (2014) needs :math:`I^* = \min_{q\in D_p} I_q(X_1,X_2;Y)`, of
which `mmfuse_lib.information.pid` makes the atoms: :math:`U_1 = I^* - I(X_2;Y)`, and the others by
the equations there. Since H(Y) is the same for every q, that is the convex program

.. math:: \min_{q \in D_p} -H_q(Y|X_1,X_2)
          = \min_{q \in D_p} \sum q(x_1,x_2,y) \ln \frac{q(x_1,x_2,y)}{q(x_1,x_2)}

whose Lagrangian dual (cf. Makkeh, Theis & Vicente 2018) is

.. math:: \max_{l,m} \sum p(x_1,y)\, l(x_1,y) + \sum p(x_2,y)\, m(x_2,y)
          \quad\text{where}\quad f(x_1,x_2) = \ln\sum_y e^{l(x_1,y)+m(x_2,y)} \le 0.

Chapter 4 of the book writes :math:`\ell_1, \ell_2` for l and m, in bits.

**Certificate.** Any (l, m) satisfies the constraints once :math:`\max_{x_2} f(x_1,x_2)` is taken
off :math:`l(x_1,\cdot)`; its value is then a lower bound. Any q in :math:`D_p` gives an upper
bound. Their difference bounds the error of both, however they were found.

**Algorithm.** With slacks w >= 0 and multipliers t >= 0, the optimality conditions are

.. math:: \sum_{x_2} t\,s_y = p(x_1,y), \quad \sum_{x_1} t\,s_y = p(x_2,y), \quad
          f + w = 0, \quad t\,w = 0, \quad s_y = e^{l+m-f},

so the optimal q is t(x1,x2) s(y|x1,x2): t is how often the pair occurs, s what it says of y. They
are solved by Newton's method on :math:`tw = \mu`, with :math:`\mu \to 0` chosen by a predictor and
a corrector (Mehrotra 1992). In the Newton equations l(x1, .) meets l(x1', .) only through m: where
there are many unknowns or tables, l is eliminated block by block and a system of size
:math:`|X_2||Y|` is left. After every step f + w = 0 is restored exactly, which costs nothing:
lowering l(x1, .) lowers f(x1, .) and changes no s. All arrays carry a leading axis of tables, which
are solved side by side; what belongs to l and to m is kept in one array, the letters of X1 followed
by those of X2.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Array = NDArray[np.float64]

#: Newton steps of a search.
MAX_STEPS = 200

#: Share of the way to the boundary (t = 0 or w = 0) that a step may go.
TO_BOUNDARY = 0.999

#: Least slack, and least share of its even share that each pair gets, at the start.
START_SLACK, START_SHARE = 0.1, 1e-3

#: Share of the slack a step expects that is kept whatever the bend.
MIN_SLACK = 0.3

#: Largest share of the sum of tw that restoring the slacks may add; else the step is halved.
MAX_COST = 0.5
MAX_HALVINGS = 30

#: While the marginals are further off than this many times the sum of tw, tw is not lowered.
MAX_WRONG = 30.0

#: Below this sum of tw, t/w spans so many orders of magnitude that the corrector is refined once.
REFINE_BELOW = 1e-3


class Pace(NamedTuple):
    """How boldly a search steps.

    Attributes
    ----------
    max_bend : float
        Largest change of l + m in one step: beyond it, the exponential is far from its tangent.
    cautious : bool
        Whether the corrector allows for the second-order term of the part of the predictor step
        that can be gone, rather than for that of the full one.
    """

    max_bend: float
    cautious: bool


#: The searches, in turn, each for the tables that none before has brought to the tolerance. The
#: first is the fastest; the second reaches optima far off, where letters are almost sure of a
#: label; the third gets past corners in which bold steps lose their way.
SEARCHES = (Pace(5.0, cautious=False), Pace(40.0, cautious=False), Pace(5.0, cautious=True))

#: Up to this many unknowns the Newton equations of a single table are solved as they are:
#: eliminating costs more.
MAX_WHOLE = 300

#: Relative increase of the diagonal: no pivot is lost to rounding, and refining makes up for it.
ROUNDING = 1e-15

#: Once the sum of tw is this far below the tolerance, or below this many nats, rounding errors are
#: all that is left.
STALLED, NOTHING = 1e-4, 1e-17

#: From this sum of tw on, nats, every point is looked at, however small the tolerance: rounding
#: errors may make the later ones worse.
CLOSE = 5e-10


@dataclass(frozen=True)
class Minimum:
    """Bounds on the minimum of -H_q(Y|X1,X2) over D_p, in nats, and the q that attains one.

    Attributes
    ----------
    lower, upper : ndarray, shape (B,)
        Value of a dual feasible point and of `coupling`.
    coupling : ndarray, shape (B, |X1|, |X2|, |Y|)
        A member of D_p.
    """

    lower: Array
    upper: Array
    coupling: Array


def minimise(p1: Array, p2: Array, tolerance: float) -> Minimum:
    """Minimise -H_q(Y|X1,X2) over the couplings of p(x1,y) and p(x2,y).

    Parameters
    ----------
    p1, p2 : ndarray, shapes (B, |X1|, |Y|) and (B, |X2|, |Y|)
        Pairwise tables of B problems, with one p(y) each. Zeros are allowed.
    tolerance : float
        Nats between the bounds at which a problem counts as solved.

    Returns
    -------
    Minimum
        Where the tolerance was not reached, the best bounds that were found.
    """
    if p2.shape[1] > p1.shape[1]:  # the larger source is the one to eliminate
        swapped = minimise(p2, p1, tolerance)
        return Minimum(swapped.lower, swapped.upper, swapped.coupling.swapaxes(1, 2))
    start = independent_given_label(p1, p2)
    found = Minimum(np.full(len(p1), -np.inf), negative_conditional_entropy(start), start)
    for pace in SEARCHES:
        left = np.flatnonzero(~(found.upper - found.lower <= tolerance))
        if len(left) > 0:
            _search(found, left, _Problem.of(p1[left], p2[left]), tolerance, pace)
    return found


def _search(
    found: Minimum, tables: NDArray[np.intp], problem: "_Problem", tolerance: float, pace: Pace
) -> None:
    """Improve the bounds of the named tables until they are close enough or nothing moves."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        point = _Point.start(problem)
        stalled = max(STALLED * tolerance, NOTHING)
        for _ in range(MAX_STEPS):
            if not (point.tw_sum > max(tolerance, CLOSE)).all():
                _certify(found, tables, point, problem)
                left = (found.upper - found.lower)[tables] > tolerance
                left &= point.tw_sum > stalled
                if not left.any():
                    return
                if not left.all():
                    tables, problem, point = tables[left], problem[left], point[left]
            try:
                point = point.moved(problem, pace)
            except np.linalg.LinAlgError:  # of one table: the others need not suffer
                if len(tables) > 1:
                    for i in range(len(tables)):
                        alone = slice(i, i + 1)
                        _search(found, tables[alone], problem[alone], tolerance, pace)
                break
        _certify(found, tables, point, problem)


def independent_given_label(p1: Array, p2: Array) -> Array:
    """Return p(x1,y) p(x2,y) / p(y): the member of D_p in which Y explains all dependence."""
    py = p1.sum(axis=1)
    weight = np.divide(1.0, py, out=np.zeros_like(py), where=py > 0)
    return np.asarray(p1[:, :, None] * (p2 * weight[:, None])[:, None])


def maximal_coupling(p1: Array, p2: Array) -> Array:
    """Return the member of D_p in which X1 and X2 are the same letter as often as they can be.

    Their alphabets have to be of one size.
    """
    alike = np.minimum(p1, p2)
    q = independent_given_label(p1 - alike, p2 - alike)
    letter = np.arange(p1.shape[1])
    q[:, letter, letter] += alike
    return q


def negative_conditional_entropy(q: Array) -> Array:
    """Return -H_q(Y|X1,X2) in nats of tables (B, |X1|, |X2|, |Y|)."""
    pair = np.broadcast_to(q.sum(axis=-1, keepdims=True), q.shape)
    log_ratio = np.log(np.divide(q, pair, out=np.ones_like(q), where=q > 0))
    return np.asarray((q * log_ratio).sum(axis=(1, 2, 3)))


@dataclass(frozen=True)
class _Rows:
    """Arrays with one leading axis of tables; indexing picks tables from all of them."""

    def __getitem__(self, tables: NDArray[np.bool_] | slice) -> Self:
        return type(self)(*(getattr(self, f.name)[tables] for f in fields(self)))


@dataclass(frozen=True)
class _Problem(_Rows):
    """The tables, and which letters and pairs of them can occur with which label."""

    p: Array  # (B, |X1| + |X2|, |Y|): p(x1, y), then p(x2, y)
    possible: NDArray[np.bool_]  # (B, |X1|, |X2|, |Y|): whether x1 and x2 both meet y
    penalty: Array  # -inf where they do not but meet another label, else 0
    pair: NDArray[np.bool_]  # (B, |X1|, |X2|): whether x1 and x2 share a label
    n_pairs: Array  # (B,)
    idle: Array  # (B, |X1| + |X2|, |Y|): 1 where p is 0, so that l or m does not exist

    @classmethod
    def of(cls, p1: Array, p2: Array) -> Self:
        possible = np.asarray((p1 > 0)[:, :, None] & (p2 > 0)[:, None])
        pair = np.asarray(possible.any(axis=-1))
        penalty = np.where(possible | ~pair[..., None], 0.0, -np.inf)
        n_pairs = pair.sum(axis=(1, 2)).astype(np.float64)
        p = np.concatenate([p1, p2], axis=1)
        return cls(p, possible, penalty, pair, n_pairs, (p == 0) * 1.0)

    def parts(self, x: Array) -> tuple[Array, Array]:
        """Return the views of x that belong to X1 and to X2."""
        n1 = self.pair.shape[1]
        return x[:, :n1], x[:, n1:]

    def paired(self, x: Array) -> Array:
        """Return l(x1, y) + m(x2, y) of x = (l, m), shape (B, |X1|, |X2|, |Y|)."""
        l, m = self.parts(x)
        return np.asarray(l[:, :, None] + m[:, None])

    def constraint(self, x: Array) -> tuple[Array, Array]:
        """Return f(x1,x2), -1 for pairs that cannot occur, and s(y|x1,x2), 0 for them."""
        exponent = self.paired(x) + self.penalty
        top = exponent.max(axis=-1, keepdims=True)
        e = np.exp(exponent - top)
        z = e.sum(axis=-1, keepdims=True)
        f = np.where(self.pair, (np.log(z) + top)[..., 0], -1.0)
        return f, e / z * self.pair[..., None]


@dataclass(frozen=True)
class _Point(_Rows):
    """Where the search stands. f = -w throughout; pairs that cannot occur keep t = w = 1."""

    x: Array  # (B, |X1| + |X2|, |Y|): l, then m
    t: Array  # (B, |X1|, |X2|)
    w: Array
    s: Array  # (B, |X1|, |X2|, |Y|)
    q: Array  # t s, the coupling so far
    r: Array  # (B, |X1| + |X2|, |Y|): what its marginals lack
    tw: Array  # (B, |X1|, |X2|), 0 for pairs that cannot occur
    tw_sum: Array  # (B,): the gap, if the marginals were right

    @classmethod
    def at(cls, x: Array, t: Array, w: Array, s: Array, problem: _Problem) -> Self:
        q = t[..., None] * s
        tw = t * w * problem.pair
        return cls(x, t, w, s, q, problem.p - _marginals(q), tw, tw.sum(axis=(1, 2)))

    @classmethod
    def start(cls, problem: _Problem) -> Self:
        """Start where X1 and X2 are independent given Y, pushed off the boundary."""
        p1, p2 = problem.parts(problem.p)
        half_py = np.sqrt(p1.sum(axis=1))[:, None]
        x = np.log(np.divide(problem.p, half_py, out=np.ones_like(problem.p), where=problem.p > 0))
        f, _ = problem.constraint(x)
        top = f.max(axis=2, where=problem.pair, initial=-np.inf, keepdims=True)
        problem.parts(x)[0][...] -= np.where(np.isfinite(top), top, 0.0)
        x, w, s = _restored(x, np.full_like(f, START_SLACK / MIN_SLACK), problem)
        t = independent_given_label(p1, p2).sum(axis=-1)
        t = np.maximum(t, START_SHARE / problem.n_pairs[:, None, None])
        return cls.at(x, np.where(problem.pair, t, 1.0), w, s, problem)

    def moved(self, problem: _Problem, pace: Pace) -> Self:
        """Return the point after a predictor and a corrector step."""
        newton = _Newton(self, problem)
        step = newton.step(-self.tw)
        length = self._to_boundary(step)
        if pace.cautious:
            length = np.minimum(length, _to_bend(step, pace))
        length = length[:, None, None]
        ahead = (self.t + length * step.t) * (self.w + length * step.w) * problem.pair
        share = (ahead.sum(axis=(1, 2)) / self.tw_sum) ** 3
        wrong = np.abs(self.r).sum(axis=(1, 2)) > MAX_WRONG * self.tw_sum
        mu = np.where(wrong, 1.0, share) * self.tw_sum / problem.n_pairs
        part = length**2 if pace.cautious else 1.0
        change = (mu[:, None, None] - part * step.t * step.w) * problem.pair - self.tw
        late = bool(self.tw_sum.min() < REFINE_BELOW)
        return self._followed(newton.step(change, refined=late), problem, pace)

    def _followed(self, step: "_Step", problem: _Problem, pace: Pace) -> Self:
        """Return the point at the end of a step, cut short where the constraints bend away."""
        length = np.minimum(self._to_boundary(step), _to_bend(step, pace))
        for _ in range(MAX_HALVINGS):
            part = length[:, None, None]
            t, expected = self.t + part * step.t, self.w + part * step.w
            x, w, s = _restored(self.x + part * step.x, expected, problem)
            too_far = (t * (w - expected)).sum(axis=(1, 2)) > MAX_COST * self.tw_sum
            if not too_far.any():
                break
            length = np.where(too_far, length / 2, length)
        return self.at(x, t, w, s, problem)

    def _to_boundary(self, step: "_Step") -> Array:
        """Return the largest step up to 1 that keeps t and w positive."""
        slowest = np.minimum(step.t / self.t, step.w / self.w).min(axis=(1, 2))
        return np.asarray(TO_BOUNDARY / np.maximum(-slowest, TO_BOUNDARY))


def _marginals(q: Array) -> Array:
    """Return q(x1, y), then q(x2, y), shape (B, |X1| + |X2|, |Y|)."""
    return np.concatenate([q.sum(axis=2), q.sum(axis=1)], axis=1)


def _restored(x: Array, expected: Array, problem: _Problem) -> tuple[Array, Array, Array]:
    """Return x, w and s with f + w = 0 after a step, which has bent f away from its tangent.

    Each l(x1, .) is lowered, in place, until every slack is at least `MIN_SLACK` of what the step
    expected.
    """
    f, s = problem.constraint(x)
    down = ((f + MIN_SLACK * expected) * problem.pair).max(axis=2, keepdims=True)
    down = np.maximum(down, 0.0)
    problem.parts(x)[0][...] -= down
    return x, np.where(problem.pair, down - f, 1.0), s


@dataclass(frozen=True)
class _Step:
    """A direction, for tables side by side."""

    x: Array  # (B, |X1| + |X2|, |Y|)
    bend: Array  # (B, |X1|, |X2|, |Y|): the change of l + m
    t: Array  # (B, |X1|, |X2|)
    w: Array


def _to_bend(step: _Step, pace: Pace) -> Array:
    """Return the largest step up to 1 that changes no l + m by more than the pace allows."""
    return np.asarray(np.minimum(1.0, pace.max_bend / np.abs(step.bend).max(axis=(1, 2, 3))))


class _Newton:
    """The linear equations of a Newton step, made once for both of its right-hand sides.

    The step in x = (l, m) solves [[D1, C], [C', D2]] dx = b. With matrices of size |Y|,
    A(x1,x2) = t diag(s) + kappa s s' where kappa = t/w - t, D1 is block diagonal with the sums of A
    over x2, D2 with those over x1, and C holds the A themselves.
    """

    def __init__(self, point: _Point, problem: _Problem) -> None:
        self.point, self.problem = point, problem
        self.kappa = point.t / point.w - point.t
        a = (self.kappa[..., None] * point.s)[..., None] * point.s[..., None, :]
        _diagonal(a)[...] += point.q
        d = _marginals(a)
        _diagonal(d)[...] += problem.idle
        _diagonal(d)[...] *= 1 + ROUNDING
        one_small = len(d) == 1 and d.shape[1] * d.shape[2] <= MAX_WHOLE
        self.equations: _Equations = _Whole(d, a) if one_small else _Eliminated(d, a)

    def step(self, change: Array, *, refined: bool = False) -> _Step:
        """Return the step that puts the marginals right and brings tw to tw + change."""
        point, problem = self.point, self.problem
        b = point.r - _marginals((change / point.w)[..., None] * point.s)
        dx = self.equations.solve(b)
        both = problem.paired(dx)
        if refined:  # once more with what is left
            dx = dx + self.equations.solve(b - self._applied(dx, both))
            both = problem.paired(dx)
        dw = -(point.s * both).sum(axis=-1)
        return _Step(dx, both * problem.possible, (change - point.t * dw) / point.w, dw)

    def _applied(self, dx: Array, both: Array) -> Array:
        """Return the left-hand side of the equations, without the blocks."""
        point = self.point
        a = point.q * both + (self.kappa * (point.s * both).sum(axis=-1))[..., None] * point.s
        return _marginals(a) + self.problem.idle * dx


class _Equations(Protocol):
    """Made of the diagonal blocks d, (B, |X1| + |X2|, |Y|, |Y|), and the blocks a of C."""

    def solve(self, b: Array) -> Array:
        """Return dx for a right-hand side, both of shape (B, |X1| + |X2|, |Y|)."""


class _Whole:
    """The equations of one table as they are: a symmetric matrix."""

    def __init__(self, d: Array, a: Array) -> None:
        (_, n, n_y, _), n1 = d.shape, a.shape[1]
        matrix = np.zeros((n, n_y, n, n_y))
        matrix[:n1, :, n1:] = a[0].swapaxes(1, 2)
        matrix[n1:, :, :n1] = a[0].transpose(1, 2, 0, 3)
        x, y = np.arange(n), np.arange(n_y)
        matrix[x, :, x] = d[0]
        # l + c(y), m - c(y) is the same point for every c: the step must not move along it.
        matrix[n1:, y, n1:, y] += 1.0
        self.lu, self.pivots, info = lapack.dgetrf(matrix.reshape(n * n_y, n * n_y).T)
        if info != 0:
            raise np.linalg.LinAlgError("singular matrix")

    def solve(self, b: Array) -> Array:
        x: Array = lapack.dgetrs(self.lu, self.pivots, b.ravel())[0]
        return x.reshape(b.shape)


class _Eliminated:
    """The equations with l eliminated."""

    def __init__(self, d: Array, a: Array) -> None:
        b, n1, n2, n_y, _ = a.shape
        self.d1, d2 = d[:, :n1], d[:, n1:]
        self.c = a.swapaxes(2, 3).reshape(b, n1 * n_y, n2 * n_y)
        c_blocks = self.c.reshape(b, n1, n_y, n2 * n_y)
        self.d1_inverse_c = np.linalg.solve(self.d1, c_blocks).reshape(self.c.shape)
        schur = -self.c.swapaxes(1, 2) @ self.d1_inverse_c
        blocks = schur.reshape(b, n2, n_y, n2, n_y)
        x2, y = np.arange(n2), np.arange(n_y)
        blocks[:, x2, :, x2] += d2.swapaxes(0, 1)
        blocks[:, :, y, :, y] += 1.0  # as in `_Whole`
        self.schur = schur

    def solve(self, b: Array) -> Array:
        n1 = self.d1.shape[1]
        x = np.linalg.solve(self.d1, b[:, :n1, :, None]).reshape(len(b), -1, 1)
        right = b[:, n1:].reshape(len(b), -1, 1) - self.c.swapaxes(1, 2) @ x
        dm = np.linalg.solve(self.schur, right)
        dl = x - self.d1_inverse_c @ dm
        return np.concatenate([dl, dm], axis=1).reshape(b.shape)


def _diagonal(blocks: Array) -> Array:
    """Return a view of the diagonals of the square matrices in the last two axes."""
    view: Array = np.einsum("...yy->...y", blocks)
    return view


def _certify(found: Minimum, tables: NDArray[np.intp], point: _Point, problem: _Problem) -> None:
    """Turn a point into bounds, and keep those that are better than what was found before."""
    spare = point.w.min(axis=2, where=problem.pair, initial=np.inf)[..., None]
    x = point.x.copy()
    problem.parts(x)[0][...] += np.where(np.isfinite(spare), spare, 0.0)
    lower = (x * problem.p).sum(axis=(1, 2))
    q = _onto_marginals(point.q, *problem.parts(problem.p))
    _keep_better(found, tables, Minimum(lower, negative_conditional_entropy(q), q))


def _keep_better(found: Minimum, tables: NDArray[np.intp], new: Minimum) -> None:
    found.lower[tables] = np.fmax(found.lower[tables], new.lower)
    better = new.upper < found.upper[tables]
    found.upper[tables[better]] = new.upper[better]
    found.coupling[tables[better]] = new.coupling[better]


def _onto_marginals(q: Array, p1: Array, p2: Array) -> Array:
    """Change q as little as needed to give it exactly the marginals p(x1,y) and p(x2,y).

    What is too much is scaled down, what is then missing is put back as an outer product
    (Altschuler, Weed & Rigollet 2017, algorithm 2, for each y).
    """
    q = q * _at_most_one(p1, q.sum(axis=2))[:, :, None]
    q = q * _at_most_one(p2, q.sum(axis=1))[:, None]
    missing1 = np.maximum(p1 - q.sum(axis=2), 0.0)
    missing2 = np.maximum(p2 - q.sum(axis=1), 0.0)
    return q + independent_given_label(missing1, missing2)


def _at_most_one(wanted: Array, present: Array) -> Array:
    return np.minimum(1.0, np.divide(wanted, present, out=np.ones_like(wanted), where=present > 0))
