r"""Couplings of two samples, label by label, in a few matrix products.

Given points i of x1 and j of x2 and their shares of each label, :math:`a_y(i) = q(x_{1i}, y)` and
:math:`b_y(j) = q(x_{2j}, y)`, the members of :math:`D_p` that are looked at here are

.. math:: q(i, j, y) = \exp(s_{ij} + u_y(i) + v_y(j)),

where the **affinity** s says which points go together and Sinkhorn's (1967) scaling finds the
**potentials** u and v that give q its marginals. One affinity serves all labels. Nothing is lost:
where :math:`I_q(X_1,X_2;Y)` is least, its Lagrange conditions say
:math:`q(y|i,j) = e^{l_y(i) + m_y(j)}` wherever :math:`q(i,j) > 0`, which is the above with
:math:`s_{ij} = \log q(i,j)`. So no array of size ``n1 * n2 * |Y|`` is ever made: with
:math:`c_{ij} = \log \sum_y e^{u_y(i)+v_y(j)}`, the pair's share is :math:`w = e^{s+c}`, and all
that is needed of q are products of :math:`e^s` with matrices of shape ``(|Y|, n)``.

Everything is in nats and in logarithms; affinities should span less than 80.
"""

import torch
from torch import Tensor

#: Lowest affinity, beneath the highest, that :func:`refine` lets a pair fall to.
FLOOR = -70.0

TINY = 1e-37


def sinkhorn(
    affinity: Tensor, log_a: Tensor, log_b: Tensor, n_iter: int, v: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Find potentials that give a coupling its marginals.

    Parameters
    ----------
    affinity : Tensor, shape (n1, n2)
        s.
    log_a, log_b : Tensor, shape (K, n1) and (K, n2)
        Logarithms of the marginals; both have the same sum over points for each label.
    n_iter : int
        Scalings of the rows and then the columns.
    v : Tensor, shape (K, n2), optional
        Where to start; default 0.

    Returns
    -------
    u, v : Tensor, shape (K, n1) and (K, n2)
        The marginal b is exact, a as good as `n_iter` makes it.
    """
    top = affinity.max()
    kernel = (affinity - top).exp()
    transposed = kernel.T.contiguous()
    log_a, log_b = log_a - top, log_b - top
    v = torch.zeros_like(log_b) if v is None else v
    u = log_a
    for _ in range(n_iter):
        u = log_a - _log_product(v, transposed)
        v = log_b - _log_product(u, kernel)
    return u, v


def coupling_information(affinity: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Return I_q(X1,X2;Y) of a coupling, in nats.

    Parameters
    ----------
    affinity : Tensor, shape (n1, n2)
        s.
    u, v : Tensor, shape (K, n1) and (K, n2)
        Potentials; q sums to 1.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.information.estimators.coupling import coupling_information, sinkhorn
    >>> log_a = torch.tensor([[0.4, 0.1], [0.1, 0.4]]).log()  # q(point, label) of both sources
    >>> independent = torch.zeros(2, 2)  # given the label
    >>> u, v = sinkhorn(independent, log_a, log_a, n_iter=50)
    >>> coupling_information(independent, u, v)
    tensor(0.3192)
    """
    a, b = _marginals(affinity, u, v)
    p_y = b.sum(dim=1)
    c = _log_sum_over_labels(u, v)
    given_pair = (a * u).sum() + (b * v).sum() - ((affinity + c).exp() * c).sum()
    return given_pair - p_y.xlogy(p_y).sum()


def information_gradient(affinity: Tensor, u: Tensor, v: Tensor, n_iter: int) -> Tensor:
    r"""Return the gradient of I_q in the affinity, the potentials following it.

    With the marginals held, a change of s moves :math:`q_y` only by what no change of u and v
    undoes, so by the implicit function theorem

    .. math:: \frac{\partial I_q}{\partial s_{ij}} = -\sum_y q(i,j,y)\,
              [c_{ij} - \alpha_y(i) - \beta_y(j)],

    where :math:`\alpha_y + \beta_y` is the additive fit to c under the weights :math:`q_y`. It is
    found by fitting rows and columns in turn. This is what differentiating through infinitely many
    scalings gives, without storing any.

    Parameters
    ----------
    affinity, u, v : Tensor
        As `sinkhorn` left them.
    n_iter : int
        Turns of the additive fit.

    Returns
    -------
    Tensor, shape (n1, n2)
    """
    kernel = affinity.exp()
    transposed = kernel.T.contiguous()
    c = _log_sum_over_labels(u, v)
    weighted = kernel * c
    eu, ev = u.exp(), v.exp()
    a, b = (eu * (ev @ transposed)).clamp_min(TINY), (ev * (eu @ kernel)).clamp_min(TINY)
    rows, columns = eu * (ev @ weighted.T), ev * (eu @ weighted)
    alpha, beta = torch.zeros_like(u), torch.zeros_like(v)
    for _ in range(n_iter):
        alpha = (rows - eu * ((ev * beta) @ transposed)) / a
        beta = (columns - ev * ((eu * alpha) @ kernel)) / b
    return kernel * ((eu * alpha).T @ ev + eu.T @ (ev * beta)) - weighted * (eu.T @ ev)


def refine(
    affinity: Tensor, log_a: Tensor, log_b: Tensor, steps: int, n_iter: int = 5
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Lower I_q by alternating projections: scale, set s to log q(i,j), repeat.

    :math:`\min_q I_q = \min_r \min_{q \in D_p} KL(q \,\|\, r(x_1,x_2)\,p(y))` is convex in both,
    and each half has this closed form, so no step raises I_q (up to the accuracy of the scaling)
    and the limit is the minimum over **all** couplings of these points. The approach is slow where
    pairs have to die out.

    Parameters
    ----------
    affinity, log_a, log_b : Tensor
        As for :func:`sinkhorn`.
    steps : int
        Projections.
    n_iter : int
        Scalings in each; the last one is followed by 20 times as many.

    Returns
    -------
    affinity, u, v : Tensor

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.information.estimators.coupling import coupling_information, refine
    >>> log_a = torch.tensor([[0.4, 0.1], [0.1, 0.4]]).log()  # q(point, label) of both sources
    >>> affinity, u, v = refine(torch.zeros(2, 2), log_a, log_a, steps=50)
    >>> coupling_information(affinity, u, v)  # as much as one source alone: nothing is unique
    tensor(0.1927)
    """
    u, v = sinkhorn(affinity, log_a, log_b, 4 * n_iter)
    for _ in range(steps):
        log_pair = affinity + _log_sum_over_labels(u, v)
        affinity = log_pair.clamp_min(float(FLOOR) + log_pair.max())
        u, v = sinkhorn(affinity, log_a, log_b, n_iter, v)
    return affinity, *sinkhorn(affinity, log_a, log_b, 20 * n_iter, v)


def lower_bound(u: Tensor, v: Tensor, log_a: Tensor, log_b: Tensor) -> Tensor:
    r"""Return a certified lower bound, in nats, on I_q over all couplings of these points.

    It is the value of the Lagrangian dual, :math:`\sum a\,l + \sum b\,m + H(Y)` subject to
    :math:`\log\sum_y e^{l_y(i) + m_y(j)} \le 0`, at l = u and m = v after the largest c of each
    row, or of each column, is taken off (`mmfuse_lib.information.broja`).

    Parameters
    ----------
    u, v, log_a, log_b : Tensor
        Any potentials; the marginals.
    """
    a, b = log_a.exp(), log_b.exp()
    p_y = b.sum(dim=1)
    c = _log_sum_over_labels(u, v)
    by_row = (a.sum(dim=0) * c.amax(dim=1)).sum()
    by_column = (b.sum(dim=0) * c.amax(dim=0)).sum()
    value = (a * u).sum() + (b * v).sum() - p_y.xlogy(p_y).sum()
    return value - torch.minimum(by_row, by_column)


def _log_product(x: Tensor, kernel: Tensor) -> Tensor:
    """Return log(exp(x) @ kernel) for a kernel of at most 1."""
    top = x.amax(dim=1, keepdim=True)
    return ((x - top).exp() @ kernel).clamp_min(TINY).log() + top


def _log_sum_over_labels(u: Tensor, v: Tensor) -> Tensor:
    """Return c, the logarithm of the sum over y of exp(u_y(i) + v_y(j)), shape (n1, n2)."""
    top_u, top_v = u.amax(dim=0), v.amax(dim=0)
    product = (u - top_u).exp().T @ (v - top_v).exp()
    return product.clamp_min(TINY).log() + top_u[:, None] + top_v


def _marginals(affinity: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return q(i, y) and q(j, y), of shape (K, n1) and (K, n2)."""
    top = affinity.max()
    kernel = (affinity - top).exp()
    a = (u + _log_product(v, kernel.T.contiguous()) + top).exp()
    b = (v + _log_product(u, kernel) + top).exp()
    return a, b
