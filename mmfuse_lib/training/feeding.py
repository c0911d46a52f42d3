"""How batches come to the device that computes: ahead of time, where cutting them takes time.

Data that fit on a GPU are put there as a whole, and a batch is cut where it is needed. Data that do
not fit, and large data on the CPU, may be mapped from files, so that cutting a batch reads a disk:
threads cut the next batches while the device computes on one. Threads, and not the processes of a
`torch.utils.data.DataLoader`: cutting is copying, for which NumPy lets other threads run; nothing
is sent from process to process; and processes need a script that guards its main part on Windows
and macOS, where each would also read all of the mapped data to hand it on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from mmfuse_lib.core.devices import free_memory
from mmfuse_lib.data import MultimodalData

#: Batches that are cut while another is computed on, each by its own thread. Memory holds so many.
AHEAD = 4

#: Bytes from which on data on the CPU count as large, also where the CPU computes.
LARGE = 2**30


def move_if_it_fits(data: MultimodalData, device: torch.device) -> MultimodalData:
    """Put the data on the device if they take at most half of its free memory."""
    return data.to(device) if data.nbytes <= free_memory(device) / 2 else data


@contextmanager
def feed(
    data: MultimodalData, batches: Sequence[Tensor], device: torch.device
) -> Iterator[Iterator[MultimodalData]]:
    """Hand out batches on the device, in their order, and leave no thread behind.

    Parameters
    ----------
    data : MultimodalData
        On the device, or on the CPU.
    batches : sequence of Tensor
        The samples of each batch: integers from 0, on the device of the data.
    device : torch.device
        Where the batches are used. To a CUDA device they come from pinned memory, and the program
        does not wait for the copy.

    Yields
    ------
    iterator of MultimodalData
        An error in cutting a batch is raised when it is that batch's turn.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib import data
    >>> from mmfuse_lib.training.feeding import feed
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> batches = torch.arange(200).tensor_split(3)
    >>> with feed(train, batches, torch.device("cpu")) as fed:
    ...     [len(batch) for batch in fed]
    [67, 67, 66]
    """
    if _is_cut_ahead(data, device):
        with ThreadPoolExecutor(AHEAD, thread_name_prefix="feeding") as threads:
            yield _fed(data, batches, device, threads)
    else:
        yield (data.take(index).to(device) for index in batches)


def _is_cut_ahead(data: MultimodalData, device: torch.device) -> bool:
    is_on_cpu = data.target.device.type == "cpu"
    return is_on_cpu and (device.type != "cpu" or data.nbytes >= LARGE)


def _fed(
    data: MultimodalData, batches: Sequence[Tensor], device: torch.device,
    threads: ThreadPoolExecutor,
) -> Iterator[MultimodalData]:  # fmt: skip
    # Only CUDA: to an Apple GPU a copy that is not waited for may read memory that is free again.
    pinned = device.type == "cuda"
    left = iter(batches)
    waiting = deque(threads.submit(_cut, data, index, pinned) for index in islice(left, AHEAD))
    while waiting:
        batch = waiting.popleft().result()
        waiting.extend(threads.submit(_cut, data, index, pinned) for index in islice(left, 1))
        yield batch.each(lambda x: x.to(device, non_blocking=pinned))


def _cut(data: MultimodalData, index: Tensor, pinned: bool) -> MultimodalData:
    return data.each(lambda x: _taken(x.detach(), index, pinned))


def _taken(x: Tensor, index: Tensor, pinned: bool) -> Tensor:
    """Copy samples straight to where they are needed."""
    out = torch.empty((len(index), *x.shape[1:]), dtype=x.dtype, pin_memory=pinned)
    if x.is_contiguous() and x.dtype != torch.bfloat16:
        # NumPy copies on this thread alone; torch would start more threads for each of these.
        np.take(x.numpy(), index.numpy(), axis=0, out=out.numpy(), mode="clip")
    else:
        torch.index_select(x, 0, index, out=out)
    return out
