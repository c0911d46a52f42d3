"""Processes that train one model together, and what they tell each other.

Such a process is a *rank*, numbered from 0. Each holds the whole model and sees its share of every
batch (see `mmfuse_lib.training.ranks`). Everywhere else there is one rank, which is told nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

from mmfuse_lib.core.errors import TrainingError

T = TypeVar("T")

#: Whether this process trains with others at the moment. That torch has connected it to others is
#: not enough: a script may do that for ends of its own.
_TAKES_PART = False


class LostRankError(TrainingError):
    """Another rank does not answer: it has failed or was killed, and knows better why."""


@contextmanager
def taking_part() -> Iterator[None]:
    """Let the functions of this module speak with the other ranks, which torch has connected."""
    global _TAKES_PART
    _TAKES_PART = True
    try:
        yield
    finally:
        _TAKES_PART = False


def n_ranks() -> int:
    """Return how many processes train together; 1 for one alone."""
    return dist.get_world_size() if _TAKES_PART else 1


def own_rank() -> int:
    """Return this process's number, from 0."""
    return dist.get_rank() if _TAKES_PART else 0


def whole_batch(x: Tensor) -> Tensor:
    """Return the rows of all ranks, in the order of the batch; of one rank alone, `x` itself.

    For losses that hold the samples of a batch against each other, and for means over the batch
    that a loss is not linear in. Every rank has to call it equally often. A loss computed from what
    it returns is the same on all ranks, and its gradient reaches the rows of each.

    Parameters
    ----------
    x : Tensor, shape (B, ...)
        Of this rank's samples. Numbers of rows may differ between ranks.

    Raises
    ------
    LostRankError
        If another rank has ended.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.core.ranks import whole_batch
    >>> x = torch.eye(2)
    >>> whole_batch(x) is x
    True
    """
    if n_ranks() == 1:
        return x
    whole: Tensor = _WholeBatch.apply(x, gathered(len(x)))  # type: ignore[no-untyped-call]
    return whole


class _WholeBatch(torch.autograd.Function):
    """Rows of all ranks one below the other; their gradient is the sum of those of all ranks."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, sizes: list[int]) -> Tensor:
        start = sum(sizes[: own_rank()])
        ctx.own = slice(start, start + len(x))
        whole = x.new_zeros((sum(sizes), *x.shape[1:]))
        whole[ctx.own] = x
        return total(whole)  # all but one addend are zeros: nothing is rounded

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return total(gradient.clone(memory_format=torch.contiguous_format))[ctx.own], None


def total(x: Tensor) -> Tensor:
    """Add up a tensor over the ranks, in place, and return it: the same bits on all of them."""
    if n_ranks() > 1:
        with _peers():
            dist.all_reduce(x)
    return x


def gathered(value: T) -> list[T]:
    """Return each rank's value, in order of the ranks; anything that can be pickled."""
    values: list[Any] = [value] * n_ranks()
    if n_ranks() > 1:
        with _peers():
            dist.all_gather_object(values, value)
    return values


def of_first(value: T) -> T:
    """Return the value that the first rank has."""
    values = [value]
    if n_ranks() > 1:
        with _peers():
            dist.broadcast_object_list(values, src=0)
    return values[0]


def copy_first(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors by those of the first rank."""
    if n_ranks() > 1:
        with _peers(), torch.no_grad():
            for x in tensors:
                same = x.contiguous()
                dist.broadcast(same, src=0)
                x.copy_(same)


def agree_on_buffers(model: nn.Module) -> None:
    """Make the buffers the same: means of what is a float, such as batch-normalisation statistics.

    What is no float, a count or a mask, is taken from the first rank. What is the same everywhere
    keeps its bits: a mean of three would round it.
    """
    if n_ranks() == 1:
        return
    for x in model.buffers():
        own = x.detach().clone()
        copy_first([x])
        if x.is_floating_point():
            differs = total((own != x).to(x.dtype)) > 0
            x.copy_(torch.where(differs, total(own) / n_ranks(), x))


@contextmanager
def _peers() -> Iterator[None]:
    """Tell a rank that is gone from an error of this one."""
    try:
        yield
    except RuntimeError as error:
        raise LostRankError(f"another of the {n_ranks()} ranks has ended: {error}") from error
