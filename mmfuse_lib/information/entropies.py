r"""Entropy and mutual information of a joint table, exact, in bits.

Convention: ``p`` has one axis per variable, **the last axis is the label Y**, the others are the
sources. An argument that names variables takes one axis or a tuple of axes (which then count as
one variable), negative numbers count from the end, and axes that are not named are summed out.
So for ``p`` of shape ``(|X1|, |X2|, |Y|)``, ``mutual_information(p)`` is :math:`I(X_1,X_2;Y)` and
``mutual_information(p, x=0)`` is :math:`I(X_1;Y)`.

Everything is a sum of entropies, so there is one place where a logarithm of zero could do harm,
and there :math:`0\log 0 = 0`. Sums of exact zeros and cancellations leave errors near 1e-16; a
quantity that cannot be negative is never reported as ``-1e-16``.

References
----------
Shannon, C. E. (1948). A mathematical theory of communication. *Bell System Technical Journal*.
Cover, T. M. and Thomas, J. A. (2006). *Elements of Information Theory*, 2nd ed., chapter 2.
"""

import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.information.distributions import as_distribution

#: One axis, or several that together are one variable.
Axes = int | Sequence[int]

#: A non-negative quantity that comes out this little below zero has only been rounded.
ROUND_OFF = 1e-12


def entropy(p: ArrayLike, axes: Axes | None = None) -> float:
    r"""Return the entropy :math:`H(X) = -\sum_x p(x) \log_2 p(x)`: the questions to know X.

    Parameters
    ----------
    p : array_like
        Probability table, any shape.
    axes : int or sequence of int, optional
        The variables whose (joint) entropy is wanted; default all of them.

    Returns
    -------
    float
        Bits, between 0 (certain) and the logarithm of the number of cells (uniform).

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution or ``axes`` names no axis of it.

    Notes
    -----
    Shannon (1948), section 6; Cover & Thomas (2006), equations 2.1 and 2.8.

    Examples
    --------
    >>> from mmfuse_lib.information import entropy
    >>> entropy([0.5, 0.25, 0.25])
    1.5
    """
    table = as_distribution(p)
    kept = tuple(range(table.ndim)) if axes is None else _axes(table, axes, "axes")
    return _entropy(table, kept)


def conditional_entropy(p: ArrayLike, of: Axes = -1, given: Axes | None = None) -> float:
    """Return the conditional entropy H(of | given): what is still unknown given ``given``.

    Parameters
    ----------
    p : array_like
        Probability table.
    of : int or sequence of int
        The variables in question; default the label.
    given : int or sequence of int, optional
        The variables that are known; default all the others, so a ``(|X1|, |X2|, |Y|)`` table
        gives H(Y | X1, X2). An empty tuple conditions on nothing.

    Returns
    -------
    float
        Bits, at least 0.

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution, or the axes are out of range or overlap.

    Notes
    -----
    H(Z | W) = H(Z, W) - H(W), the chain rule: Cover & Thomas (2006), equation 2.14.

    Examples
    --------
    >>> from mmfuse_lib.information import GATES, conditional_entropy
    >>> xor = GATES["xor"]()
    >>> conditional_entropy(xor, given=0), conditional_entropy(xor)  # one bit seen, both seen
    (1.0, 0.0)
    """
    table = as_distribution(p)
    z = _axes(table, of, "of")
    w = _rest(table, given, of=z)
    return _non_negative(_entropy(table, z + w) - _entropy(table, w))


def mutual_information(p: ArrayLike, x: Axes | None = None, y: Axes = -1) -> float:
    """Return the mutual information I(X;Y): how far knowing X lowers the uncertainty about Y.

    Parameters
    ----------
    p : array_like
        Probability table, at least two axes.
    x : int or sequence of int, optional
        Default: every axis that is not in ``y``, so a ``(|X1|, |X2|, |Y|)`` table gives
        I(X1,X2;Y), what the two sources tell together.
    y : int or sequence of int
        Default: the last axis, the label.

    Returns
    -------
    float
        Bits, between 0 (independent) and the smaller of H(X) and H(Y).

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution, or the axes are out of range or overlap.

    Notes
    -----
    I(X;Y) = H(X) + H(Y) - H(X,Y): Cover & Thomas (2006), equation 2.45.

    Examples
    --------
    >>> from mmfuse_lib.information import GATES, mutual_information
    >>> xor = GATES["xor"]()
    >>> mutual_information(xor, x=0), mutual_information(xor)  # the first bit alone, both
    (0.0, 1.0)
    """
    table = as_distribution(p)
    a, b = _two_groups(table, x, y)
    return _non_negative(_mutual_information(table, a, b))


def conditional_mutual_information(
    p: ArrayLike, x: Axes = 0, y: Axes = -1, given: Axes | None = None
) -> float:
    """Return the conditional mutual information I(X;Y|Z): what X adds about Y if Z is known.

    Parameters
    ----------
    p : array_like
        Probability table.
    x, y : int or sequence of int
        Default: the first source and the label.
    given : int or sequence of int, optional
        Default: all axes in neither ``x`` nor ``y``, so a ``(|X1|, |X2|, |Y|)`` table gives
        I(X1;Y|X2). An empty tuple conditions on nothing and gives I(X;Y).

    Returns
    -------
    float
        Bits, at least 0. It may be smaller or larger than I(X;Y).

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution, the axes are out of range or overlap, or none is left to
        condition on.

    Notes
    -----
    I(X;Y|Z) = H(X,Z) + H(Y,Z) - H(X,Y,Z) - H(Z): Cover & Thomas (2006), equation 2.60.

    Examples
    --------
    >>> from mmfuse_lib.information import GATES, conditional_mutual_information
    >>> conditional_mutual_information(GATES["xor"]())  # the first bit, for who knows the second
    1.0
    """
    table = as_distribution(p)
    a, b, c = _three_groups(table, x, y, given)
    return _non_negative(
        _entropy(table, a + c)
        + _entropy(table, b + c)
        - _entropy(table, a + b + c)
        - _entropy(table, c)
    )


def interaction_information(p: ArrayLike, x1: Axes = 0, x2: Axes = 1, y: Axes = -1) -> float:
    """Return the interaction information I(X1;Y|X2) - I(X1;Y): what X2 does to X1.

    The sign convention is McGill's (1954): **positive when synergy outweighs redundancy**. In
    the decomposition of Williams & Beer (2010) it equals S - R. The co-information of Bell (2003)
    is its negative. It does not change when the three variables trade places.

    Parameters
    ----------
    p : array_like
        Probability table, at least three axes.
    x1, x2, y : int or sequence of int
        Default: the first two axes and the last one.

    Returns
    -------
    float
        Bits, of either sign; between ``-min`` and ``+min`` of the three entropies.

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution, or the axes are out of range or overlap.

    Examples
    --------
    >>> from mmfuse_lib.information import GATES, interaction_information
    >>> interaction_information(GATES["xor"]()), interaction_information(GATES["redundant"]())
    (1.0, -1.0)
    """
    table = as_distribution(p)
    if table.ndim < 3:
        raise ValueError(f"interaction is between three variables, this table has {table.ndim}")
    a, b, c = _axes(table, x1, "x1"), _axes(table, x2, "x2"), _axes(table, y, "y")
    _check_disjoint(x1=a, x2=b, y=c)
    together = _mutual_information(table, a + b, c)
    return together - _mutual_information(table, a, c) - _mutual_information(table, b, c)


def kl_divergence(p: ArrayLike, q: ArrayLike) -> float:
    r"""Return the relative entropy :math:`D(p\|q)`: extra bits paid for believing q if p holds.

    Parameters
    ----------
    p, q : array_like
        Two distributions over the same cells, so of the same shape.

    Returns
    -------
    float
        Bits, at least 0; infinite where ``q`` rules out something that happens under ``p``.

    Raises
    ------
    TypeError, ValueError
        If either is not a distribution or the shapes differ.

    Notes
    -----
    Cover & Thomas (2006), equation 2.26.

    Examples
    --------
    >>> from mmfuse_lib.information import kl_divergence
    >>> kl_divergence([1.0, 0.0], [0.25, 0.75])
    2.0
    """
    truth, belief = as_distribution(p), as_distribution(q)
    if truth.shape != belief.shape:
        raise ValueError(f"p and q need one shape, got {truth.shape} and {belief.shape}")
    happens = truth > 0
    with np.errstate(divide="ignore"):
        cost = np.log2(truth[happens]) - np.log2(belief[happens])
    return _non_negative(float(truth[happens] @ cost))


def surprisal(p: ArrayLike, axes: Axes | None = None) -> NDArray[np.float64]:
    r"""Return the surprise :math:`h(x) = -\log_2 p(x)` of each outcome.

    Parameters
    ----------
    p : array_like
        Probability table.
    axes : int or sequence of int, optional
        The variables whose outcome is looked at; default all of them.

    Returns
    -------
    ndarray
        Bits, **of the shape of** ``p`` (constant along the axes that are not looked at), so that
        index ``[x1, x2, y]`` is what that sample has. ``+inf`` where the outcome is impossible.

    Raises
    ------
    TypeError, ValueError
        If ``p`` is not a distribution or ``axes`` names no axis of it.

    Notes
    -----
    Its mean is the entropy. Take means over what can happen: ``h[p > 0] @ p[p > 0]``.

    Examples
    --------
    >>> from mmfuse_lib.information import surprisal
    >>> surprisal([0.5, 0.25, 0.25])
    array([1., 2., 2.])
    """
    table = as_distribution(p)
    kept = tuple(range(table.ndim)) if axes is None else _axes(table, axes, "axes")
    return _surprisal(table, kept)


def pointwise_mutual_information(
    p: ArrayLike, x: Axes | None = None, y: Axes = -1
) -> NDArray[np.float64]:
    r"""Return the pointwise information :math:`i(x;y) = \log_2 \frac{p(x,y)}{p(x)p(y)}`.

    Parameters
    ----------
    p : array_like
        Probability table.
    x, y : int or sequence of int
        As in :func:`mutual_information`.

    Returns
    -------
    ndarray
        Bits, of the shape of ``p``: positive where x makes y likelier, negative where it
        misleads. ``-inf`` where x and y both occur but never together, NaN where one of them
        never occurs (the arithmetic of log 0 and 0/0).

    Raises
    ------
    TypeError, ValueError
        As in :func:`mutual_information`.

    Notes
    -----
    Its mean is the mutual information: ``i[p > 0] @ p[p > 0]``. Fano (1961), chapter 2.

    Examples
    --------
    >>> from mmfuse_lib.information import pointwise_mutual_information
    >>> weather = [[0.5, 0.0], [0.25, 0.25]]  # clear or cloudy sky, dry or wet street
    >>> pointwise_mutual_information(weather).round(2)
    array([[ 0.42,  -inf],
           [-0.58,  1.  ]])
    """
    table = as_distribution(p)
    a, b = _two_groups(table, x, y)
    with np.errstate(invalid="ignore"):
        return _surprisal(table, a) + _surprisal(table, b) - _surprisal(table, a + b)


def pointwise_conditional_mutual_information(
    p: ArrayLike, x: Axes = 0, y: Axes = -1, given: Axes | None = None
) -> NDArray[np.float64]:
    r"""Return the pointwise I(X;Y|Z): :math:`\log_2 \frac{p(x,y|z)}{p(x|z)p(y|z)}`.

    Parameters
    ----------
    p : array_like
        Probability table.
    x, y, given : int or sequence of int
        As in :func:`conditional_mutual_information`.

    Returns
    -------
    ndarray
        Bits, of the shape of ``p``. ``-inf`` where (x,z) and (y,z) occur but (x,y,z) does not,
        NaN where (x,z) or (y,z) never occurs.

    Raises
    ------
    TypeError, ValueError
        As in :func:`conditional_mutual_information`.

    Notes
    -----
    Its mean is the conditional mutual information: ``i[p > 0] @ p[p > 0]``.
    """
    table = as_distribution(p)
    a, b, c = _three_groups(table, x, y, given)
    with np.errstate(invalid="ignore"):
        return (
            _surprisal(table, a + c)
            + _surprisal(table, b + c)
            - _surprisal(table, a + b + c)
            - _surprisal(table, c)
        )


# The arithmetic, on tables and axes that have been checked.


def _entropy(table: NDArray[np.float64], kept: tuple[int, ...]) -> float:
    """Return the entropy of the variables on the axes ``kept``; of no variables, 0."""
    marginal = _marginal(table, kept)
    happens = marginal[marginal > 0]
    return _non_negative(-float(happens @ np.log2(happens)))


def _mutual_information(
    table: NDArray[np.float64], a: tuple[int, ...], b: tuple[int, ...]
) -> float:
    return _entropy(table, a) + _entropy(table, b) - _entropy(table, a + b)


def _surprisal(table: NDArray[np.float64], kept: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the surprise of the outcome on the axes ``kept``, in the shape of the whole table."""
    with np.errstate(divide="ignore"):
        h = 0.0 - np.log2(_marginal(table, kept))
    return np.broadcast_to(h, table.shape).copy()


def _marginal(table: NDArray[np.float64], kept: tuple[int, ...]) -> NDArray[np.float64]:
    """Sum out every axis that is not kept, leaving it with length 1."""
    summed = tuple(axis for axis in range(table.ndim) if axis not in kept)
    # Sums of rounded numbers may end a hair above 1, whose logarithm would have the wrong sign.
    marginal: NDArray[np.float64] = np.minimum(table.sum(axis=summed, keepdims=True), 1.0)
    return marginal


def _non_negative(bits: float) -> float:
    """Take rounding errors off a quantity that theory says is at least 0."""
    return 0.0 if -ROUND_OFF < bits <= 0.0 else bits


# Which axes are meant.


def _axes(
    table: NDArray[np.float64], axes: Axes, name: str, *, may_be_empty: bool = False
) -> tuple[int, ...]:
    """Return ``axes`` as non-negative numbers, or say what is wrong with them."""
    named = axes if isinstance(axes, Sequence) else (axes,)
    try:
        numbers = [operator.index(axis) for axis in named]
    except TypeError:
        raise TypeError(f"{name} takes an axis number or several, got {axes!r}") from None
    if not numbers and not may_be_empty:
        raise ValueError(f"{name} names no axis: give at least one")
    for axis in numbers:
        if not -table.ndim <= axis < table.ndim:
            raise ValueError(
                f"{name}={axes!r} is out of range: a table of shape {table.shape} has axes "
                f"0 to {table.ndim - 1}"
            )
    found = tuple(axis % table.ndim for axis in numbers)
    if len(set(found)) < len(found):
        raise ValueError(f"{name}={axes!r} names an axis twice")
    return found


def _others(table: NDArray[np.float64], taken: tuple[int, ...], name: str) -> tuple[int, ...]:
    rest = tuple(axis for axis in range(table.ndim) if axis not in taken)
    if not rest:
        raise ValueError(
            f"no axis is left for {name}: a table of shape {table.shape} has too few variables"
        )
    return rest


def _two_groups(
    table: NDArray[np.float64], x: Axes | None, y: Axes
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    b = _axes(table, y, "y")
    a = _others(table, b, "x") if x is None else _axes(table, x, "x")
    _check_disjoint(x=a, y=b)
    return a, b


def _three_groups(
    table: NDArray[np.float64], x: Axes, y: Axes, given: Axes | None
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    a, b = _two_groups(table, x, y)
    return a, b, _rest(table, given, x=a, y=b)


def _rest(
    table: NDArray[np.float64], given: Axes | None, **groups: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the axes that are given: by default all that are in no other group."""
    if given is None:
        return _others(table, sum(groups.values(), ()), "given")
    rest = _axes(table, given, "given", may_be_empty=True)
    _check_disjoint(**groups, given=rest)
    return rest


def _check_disjoint(**groups: tuple[int, ...]) -> None:
    """Refuse an axis that is in two groups at once."""
    owner: dict[int, str] = {}
    for name, axes in groups.items():
        for axis in axes:
            if axis in owner:
                raise ValueError(f"axis {axis} is in both {owner[axis]} and {name}")
            owner[axis] = name
