"""Calibrated classifiers: what a variable tells about the label, sample by sample.

References
----------
Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern neural
networks. *ICML*.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from mmfuse_lib.core.errors import check_integers
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.information.estimators.crossfit import Split, split_folds, standardise

#: Samples of a member in one update, and AdamW's settings. The rate falls along a half cosine.
BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 128, 3e-3, 1.0

#: Members are scored on their validation samples every so many updates. Training ends when none has
#: become better for so many scores in a row.
CHECK_EVERY, PATIENCE = 20, 6

#: Temperatures that are tried.
TEMPERATURES = torch.logspace(-0.5, 1.0, 46)


@dataclass(frozen=True)
class _Networks:
    """F networks with two hidden layers."""

    weights: list[Tensor]
    biases: list[Tensor]

    def logits(self, x: Tensor) -> Tensor:
        """Return (F, n, K) for x of shape (F, n, d)."""
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if layer else x, weight)
        return x


def cross_fit(
    x: Tensor,
    y: Tensor,
    n_classes: int,
    *,
    folds: int = 5,
    networks: int = 3,
    hidden: int = 64,
    steps: int = 1000,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Tensor:
    """Return log p(y | x) of every sample from networks that never saw that sample.

    Parameters
    ----------
    x : Tensor, shape (N, d)
        Features, on the device that shall do the work. Each is standardised over all
        samples.
    y : Tensor of int64, shape (N,)
        Labels from 0 to ``n_classes - 1``, on the same device.
    n_classes : int
        K.
    folds : int
        Parts that are held out in turn.
    networks : int
        Networks of each fold, of which the probabilities are averaged.
    hidden : int
        Width of the two hidden layers.
    steps : int
        Updates at most. Of the samples that are not held out, a fifth (another one for each
        network) ends the training and sets the temperature.
    groups : ndarray of int64, shape (N,), optional
        As in `split_folds`: all samples of a group are scored by networks that saw none of them.
    seed : int
        Of the folds, the first weights and the batches.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Tensor, shape (N, K)
        Nats. Minus the mean over the true classes is a held-out cross-entropy, so on average at
        least H(Y|X).

    Raises
    ------
    DataError
        If a class has fewer than `folds` samples, or groups are too few (see `split_folds`).
    ValueError
        If `folds` is below 2, or another number below 1.
    """
    check_integers(hidden=hidden, steps=steps)
    split = split_folds(y, folds, networks=networks, groups=groups, seed=seed)
    x = standardise(x)
    with isolated_rng(seed, x.device):
        fitted = _trained(x, y, split, (x.shape[1], hidden, hidden, n_classes), steps, progress)
    temperature = _temperature(fitted.logits(x[split.valid]), y[split.valid])
    log_p = (fitted.logits(x[split.held]) / temperature).log_softmax(dim=-1)
    mean = log_p.reshape(folds, networks, -1, n_classes).logsumexp(dim=1) - math.log(networks)
    out = x.new_empty(len(x), n_classes)
    out[split.held[::networks]] = mean
    return out


def _trained(
    x: Tensor, y: Tensor, split: Split, widths: tuple[int, ...], steps: int, progress: bool
) -> _Networks:
    """Train all members at once, each to its best score on its validation samples.

    They share no weight, so the gradient of the sum of their losses is each one's own.
    """
    networks = _untrained(len(split.train), widths, x.device)
    weights = [*networks.weights, *networks.biases]
    for w in weights:
        w.requires_grad_(True)
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    rows = torch.arange(len(split.train), device=x.device)[:, None]
    best = [w.detach().clone() for w in weights]
    lowest = torch.full((len(rows),), torch.inf, device=x.device)
    waited = 0
    for step in tqdm(range(1, steps + 1), desc="classifier", disable=not progress, leave=False):
        columns = torch.randint(split.train.shape[1], (len(rows), BATCH_SIZE), device=x.device)
        batch = split.train[rows, columns]
        optimizer.zero_grad()
        loss = _cross_entropy(networks.logits(x[batch]), y[batch]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % CHECK_EVERY and step < steps:
            continue
        with torch.no_grad():
            score = _cross_entropy(networks.logits(x[split.valid]), y[split.valid])
            better = score < lowest
            lowest = torch.where(better, score, lowest)
            for kept, w in zip(best, weights, strict=True):
                kept[better] = w[better]
        waited = 0 if bool(better.any()) else waited + 1
        if waited == PATIENCE:
            break
    n_layers = len(networks.weights)
    return _Networks(best[:n_layers], best[n_layers:])


def _untrained(members: int, widths: tuple[int, ...], device: torch.device) -> _Networks:
    """Draw weights uniformly, as `torch.nn.Linear` does."""
    return _Networks(
        weights=[
            (2 * torch.rand(members, a, b, device=device) - 1) / math.sqrt(a)
            for a, b in pairwise(widths)
        ],
        biases=[torch.zeros(members, 1, b, device=device) for b in widths[1:]],
    )


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean over the samples of each member, in nats, shape (F,)."""
    return -logits.log_softmax(dim=-1).gather(-1, y[..., None]).mean(dim=(1, 2))


def _temperature(logits: Tensor, y: Tensor) -> Tensor:
    """Return what each member's logits are best divided by (Guo et al. 2017), (F, 1, 1)."""
    grid = TEMPERATURES.to(logits.device)
    losses = torch.stack([_cross_entropy(logits / t, y) for t in grid])
    return grid[losses.argmin(dim=0)][:, None, None]
