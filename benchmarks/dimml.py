"""DI-MML's two steps against their literal forms: the contrastive term and the selection.

Literal means as the equations read: DUC as a loop over the samples of a batch, the selection with
all N x K x d distances to the class centroids. Times are medians over repeats that alternate, on
one thread; memory is what the resident set of a fresh process grows by, at most. Results are
compared before anything is timed.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.timing import in_turns
from mmfuse_lib.methods.dimml import dimension_rates, duc_loss

BATCHES, DIM, TEMPERATURE, REPEATS = (16, 64, 256, 1_024), 512, 10.0, 5
N, K = 6_000, 6


def literal_duc(student: Tensor, teacher: Tensor, dimensions: Tensor) -> Tensor:
    """DUC as it is written: sample by sample, on the selected columns."""
    index = dimensions.nonzero().squeeze(1)
    z_s, z_t = student[:, index], teacher[:, index].detach()
    losses = []
    for i in range(len(z_s)):
        similarity = (z_s[i] * z_t).sum(dim=1) / TEMPERATURE
        similarity = (similarity - similarity.max()).exp()  # it would overflow otherwise
        losses.append(-torch.log(similarity[i] / similarity.sum()))
    return torch.stack(losses).mean()


def our_duc(student: Tensor, teacher: Tensor, dimensions: Tensor) -> Tensor:
    """DUC as the library has it."""
    return duc_loss(student, teacher, dimensions, TEMPERATURE)


def literal_selection(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Select dimensions with all distances at once."""
    centroids = torch.stack([z[y == k].mean(dim=0) for k in range(K)])
    nearest = (z[:, None] - centroids[None]).abs().argmin(dim=1)
    rates = (nearest == y[:, None]).float().mean(dim=0)
    return rates, rates > rates.mean()


def our_selection(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Select dimensions as the library does, from batches of features."""

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        return zip(torch.split(z, 512), torch.split(y, 512), strict=True)

    return dimension_rates(batches, K)


def duc_step(loss: Callable[..., Tensor], inputs: tuple[Tensor, Tensor, Tensor]) -> float:
    """Make one forward and backward pass, and return the loss."""
    value = loss(*inputs)
    value.backward()  # type: ignore[no-untyped-call]
    return value.item()


def duc_inputs(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw features of two modalities, and a quarter of the dimensions."""
    rng = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, n, DIM, generator=rng)
    return student.requires_grad_(), teacher, torch.rand(DIM, generator=rng) < 0.25


def features() -> tuple[Tensor, Tensor]:
    """Draw features in which some dimensions tell the classes better than others."""
    rng = torch.Generator().manual_seed(0)
    y = torch.randint(K, (N,), generator=rng)
    means = torch.randn(K, DIM, generator=rng) * torch.rand(DIM, generator=rng)
    return means[y] + torch.randn(N, DIM, generator=rng), y


def extra_memory(run: Callable[..., Any]) -> float:
    """Return the MiB that a selection needs beyond the features (in a fresh process, on Linux)."""
    torch.set_num_threads(1)
    z, y = features()
    run(z[:60], y[:60])  # loads what is loaded on first use
    Path("/proc/self/clear_refs").write_text("5", "utf8")  # the peak counts from here on
    before = peak_memory()
    run(z, y)
    return peak_memory() - before


def peak_memory() -> float:
    """Return the largest resident set so far, in MiB."""
    lines = Path("/proc/self/status").read_text("utf8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def print_duc() -> None:
    """Compare the contrastive term, forward and backward."""
    print(f"DUC, forward and backward, d = {DIM}, one thread: literal loop against ours")
    for n in BATCHES:
        ways = {f.__name__: partial(duc_step, f, duc_inputs(n)) for f in (literal_duc, our_duc)}
        value, ours = (way() for way in ways.values())
        if abs(value - ours) > 1e-5 * max(1.0, abs(value)):
            raise ValueError(f"the losses differ: {value} and {ours}")
        slow, fast = (1e3 * median(times) for times in in_turns(ways, REPEATS).values())
        print(f"  batch {n:<5} {slow:8.2f} ms {fast:8.2f} ms {slow / fast:6.0f}x")


def print_selection() -> None:
    """Compare the selection of dimensions: time, memory, result."""
    z, y = features()
    (slow_rates, slow_mask), (rates, mask) = literal_selection(z, y), our_selection(z, y)
    if not torch.equal(slow_mask, mask):
        raise ValueError("the selected dimensions differ")
    ways = {f.__name__: partial(f, z, y) for f in (literal_selection, our_selection)}
    slow, fast = (1e3 * median(times) for times in in_turns(ways, REPEATS).values())
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        memory = [pool.submit(extra_memory, f).result() for f in (literal_selection, our_selection)]
    print(f"selection, N = {N}, K = {K}, d = {DIM}: all distances against intervals")
    print(f"  time         {slow:8.1f} ms  {fast:8.1f} ms  {slow / fast:6.0f}x")
    print(f"  extra memory {memory[0]:8.1f} MiB {memory[1]:8.1f} MiB")
    difference = (slow_rates - rates).abs().max().item()
    print(f"  selected     {int(mask.sum())} of {DIM}, the same; rates differ by {difference:.0e}")


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    print_duc()
    print_selection()


if __name__ == "__main__":
    main()
