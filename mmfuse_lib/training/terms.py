"""What losses return: kept as means, checked for numbers that are none and for terms left out."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmfuse_lib.core.errors import TrainingError, UnusedTermWarning
from mmfuse_lib.core.ranks import gathered
from mmfuse_lib.methods.base import Stage

#: How many batches may pass before their losses are looked at: on a GPU each look waits for it.
CHECK_EVERY = 50


class TermLog:
    """Mean of each loss term over an epoch, looking at the values only now and then."""

    def __init__(self, stage: str, epoch: int) -> None:
        self.stage, self.epoch = stage, epoch
        self.sizes: list[int] = []
        self.terms: dict[str, list[Tensor]] = {}
        self.watched: list[tuple[int, Tensor]] = []
        self.n_checked = 0

    def watch(self, loss: Tensor) -> None:
        """Note a loss of the batch that is being worked on, to be checked when it is time."""
        self.watched.append((len(self.sizes) + 1, loss.detach()))

    def add(self, terms: Mapping[str, Tensor], size: int) -> None:
        """Note the terms of one batch; now and then, check the losses so far."""
        self.watch(terms["total"])
        self.sizes.append(size)
        for name, value in terms.items():
            self.terms.setdefault(name, []).append(value.detach())
        if len(self.sizes) - self.n_checked >= CHECK_EVERY:
            self._check()

    def means(self) -> dict[str, float]:
        """Return the mean over the samples of all ranks of each term.

        In double precision, which MPS lacks.
        """
        self._check()
        sizes = torch.tensor(self.sizes, dtype=torch.float64)
        sums = {
            name: float((torch.stack(values).cpu().double() * sizes).sum())
            for name, values in self.terms.items()
        }
        ranks = gathered((sums, sum(self.sizes)))
        if any(of_rank.keys() != sums.keys() for of_rank, _ in ranks):
            named = " and ".join(", ".join(of_rank) or "nothing" for of_rank, _ in ranks)
            raise TrainingError(
                f"the loss of stage {self.stage!r} names other terms in each process: {named}; "
                "expected the same in all"
            )
        n_samples = sum(n for _, n in ranks)
        return {name: sum(of_rank[name] for of_rank, _ in ranks) / n_samples for name in sums}

    def _check(self) -> None:
        if not self.watched:
            return
        bad = (~torch.isfinite(torch.stack([loss for _, loss in self.watched]))).nonzero()
        if len(bad):
            batch, loss = self.watched[int(bad[0])]
            raise TrainingError(
                f"the loss is {float(loss)} in stage {self.stage!r}, epoch {self.epoch}, batch "
                f"{batch}: try a smaller lr, and check the inputs"
            )
        self.watched.clear()
        self.n_checked = len(self.sizes)


def check_has(stage: Stage, terms: Mapping[str, object], name: str) -> None:
    """Raise `ValueError` unless what the loss (or step) of a stage returns holds a term."""
    what = "loss" if stage.step is None else "step and loss"
    if not isinstance(terms, Mapping):
        raise ValueError(f"the {what} of stage {stage.name!r} returns {terms!r}: expected a dict")
    if name not in terms:
        raise ValueError(
            f"the {what} of stage {stage.name!r} returns {', '.join(terms)}: expected also {name!r}"
        )


def warn_of_unused(stage: Stage, terms: Mapping[str, Tensor], stacklevel: int) -> None:
    """Warn of terms that look as if they were minimised, and are no part of the total."""
    nodes = _graph_of(terms["total"])
    unused = [name for name, x in terms.items() if x.requires_grad and _node_of(x) not in nodes]
    if unused:
        warnings.warn(
            f"stage {stage.name!r} does not minimise {', '.join(map(repr, unused))}: only what is "
            "part of 'total' is minimised. Add to the total what is to be trained on, and detach "
            "what is only recorded",
            UnusedTermWarning,
            stacklevel=stacklevel + 1,
        )


def _node_of(x: Tensor) -> object:
    """Return where a tensor is in the graph of what is computed from it."""
    if x.grad_fn is not None:
        return x.grad_fn
    above: Any = x.view_as(x).grad_fn  # a parameter is found from what is computed from it
    return above.next_functions[0][0]


def _graph_of(x: Tensor) -> set[object]:
    """Return all that a tensor was computed by and from."""
    found: set[object] = set()
    left = deque([_node_of(x)] if x.requires_grad else [])
    while left:
        node: Any = left.pop()
        if node is not None and node not in found:
            found.add(node)
            left.extend(before for before, _ in node.next_functions)
    return found
