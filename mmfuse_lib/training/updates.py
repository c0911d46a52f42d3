"""One step of the optimiser: the only place where weights change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from mmfuse_lib.methods.base import Stage
from mmfuse_lib.training.ranks import add_up_gradients, take_gradients_of_first
from mmfuse_lib.training.terms import TermLog

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass
class OptimizerUpdate:
    """The `mmfuse_lib.methods.base.Update` of one epoch of a stage.

    `share` is the part of the batch's samples that this rank has: losses are means over these.
    """

    fabric: Fabric
    optimizer: Any
    stage: Stage
    log: TermLog
    epoch: int
    n_batches: int
    batch: int = -1
    count: int = 0
    share: float = 1.0

    def begin_batch(self, share: float = 1.0) -> None:
        """Go to the next batch, and to the learning rate that it has."""
        self.batch += 1
        self.share = share
        if self.stage.lr_step is not None:
            done, total = self.epoch * self.n_batches, self.stage.epochs * self.n_batches
            self._set_rate(self.stage.lr_step(done + self.batch, total))
        elif self.batch == 0:
            self._set_rate(self.stage.lr_factor(self.epoch))

    def __call__(self, loss: Tensor, gradients: Callable[[], None] | None = None) -> None:
        """Minimise a loss from within a stage's own step, which runs under autocast."""
        self.log.watch(loss)
        self.count += 1
        with torch.autocast(self.fabric.device.type, enabled=False):
            self.minimise(loss, gradients)
        torch.clear_autocast_cache()  # it holds copies of the weights as they were before

    def minimise(self, loss: Tensor, gradients: Callable[[], None] | None = None) -> None:
        """Take one optimiser step on a loss."""
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.optimizer.zero_grad()
        self.fabric.backward(loss if self.share == 1 else loss * self.share)
        add_up_gradients(parameters)
        if gradients is not None or self.stage.clip is not None:
            self._unscale()
        if gradients is not None:
            with torch.no_grad():
                gradients()
            take_gradients_of_first(parameters)
        if self.stage.clip is not None:
            clip_grad_norm_(parameters, self.stage.clip)
        self.optimizer.step()

    def _unscale(self) -> None:
        """Undo the scaling of the loss that half precision needs.

        Fabric's own way refuses optimisers that do it by themselves, as fused ones; torch does not.
        """
        scaler = getattr(self.fabric.strategy.precision, "scaler", None)
        if scaler is not None:
            scaler.unscale_(self.optimizer.optimizer)

    def _set_rate(self, factor: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
