"""Training in several processes, one a GPU: how they start, share batches, and end.

``fit(model, train, val, devices=2)`` is called in one process, be it a script, a notebook or
``mmfuse train``. It starts one process a device (a *rank*), hands them what it was given through a
temporary folder, waits, and takes over the weights and the history that the first rank ends with.
New interpreters are started, not copies of this one: CUDA does not survive a fork, and Windows and
macOS have none. A script needs no ``if __name__ == "__main__"``: it is not run again, and classes
and functions defined in it, or in a notebook, travel along. The data is written to the temporary
folder once and mapped into the memory of every rank, so that it is not there n times; set
``TMPDIR`` if the usual place is too small. Under ``torchrun --nproc-per-node 2`` the processes are
there already: each calls `fit` and simply takes part.

**What is the same as in one process.** All ranks shuffle alike and cut the same batches; each then
takes its part of every batch, of as many samples as the others or one fewer. A loss is a mean over
samples, so each rank's is weighted by its share, and gradients are added up: the sum is the
gradient of the whole batch. They are added between the backward pass and the optimiser's step
rather than by wrapping the model in torch's ``DistributedDataParallel``, which sees only calls of
``forward``: a stage computes its loss as it likes, on the parts that it trains, and may step more
than once a batch (on all ranks equally often). The price is that nothing is sent while the backward
pass still runs. What a stage's step does to gradients is done to the sum; where it draws random
numbers, those of the first rank count. Under a scaled loss (``"16-mixed"``) a gradient that
overflows on one rank makes the sum overflow on all, so that all leave out the step. Losses and
accuracies are means over the samples of all ranks, of validation data too; the best epoch and the
end of patience follow from them. The first rank alone writes checkpoints and shows the progress
bar.

**What is the same only because the whole batch is gathered** (`mmfuse_lib.core.ranks.whole_batch`):
the DUC loss of DI-MML and the loss of `Contrastive`, which hold the samples of a batch against each
other; OGM-GE's ratio, MLA's projection, the weights of DMIL's ``synergy_first`` and I2MoE's
stand-ins of kind ``"mean"``, which are computed from means over the batch. A reader's own loss that
looks at the batch as a whole sees a rank's share, unless it does so too.

**What differs from one process.**

* Batch normalisation, in the default encoders of images and in ResNets: in training it uses the
  statistics of a rank's share; those kept for evaluation are averaged over ranks after each epoch.
* Dropout, DMIL's draws and I2MoE's stand-ins of kind ``"noise"``: each rank draws its own numbers,
  from the seed and its rank.
* I2MoE's stand-ins of kind ``"shuffle"`` change places within a rank's share.
* OGM-GE's noise: the numbers are those of the first rank.
* The balance of a sparse mixture's gate is the mean of the balances of the shares.

An epoch's checkpoint holds the random states of all ranks. The number of devices belongs to what a
run is: a run of two continues with two, bit for bit on the same kind of device.

What was run: processes on CPUs, connected by gloo. NCCL between several GPUs was not at hand: that
part was only read, and has a test that is skipped where there are fewer than two.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import cloudpickle
import torch
from torch import Tensor
from torch import distributed as dist

from mmfuse_lib.core.devices import make_fabric
from mmfuse_lib.core.errors import DataError, TrainingError, check_integers, check_names
from mmfuse_lib.core.files import atomic_write
from mmfuse_lib.core.ranks import LostRankError, copy_first, n_ranks, own_rank, total

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")

#: The ways of training on several devices.
STRATEGIES = ("ddp",)

#: Seconds that the other ranks have to end after one has failed, before they are ended.
GRACE = 5.0

#: Files in the folder that a call and its ranks share.
JOB, RESULT, ERROR, MEETING = "job.pt", "result.pt", "error-{}.pickle", "meeting"

#: The program of a rank.
PROGRAM = "from mmfuse_lib.training.ranks import work; work()"

#: In a rank that `launch` started, the folder that it shares with its caller.
_FOLDER: Path | None = None


def check_devices(devices: int, strategy: str, device: str, precision: str) -> None:
    """Refuse what several devices cannot be had for; see `mmfuse_lib.fit`.

    Raises
    ------
    DataError
        If `devices` is no positive integer.
    UnknownNameError
        If there is no such strategy.
    ValueError
        If there are not so many devices, or another number of processes was started by torchrun.
    """
    check_integers(devices=devices)
    check_names("strategy", [strategy], STRATEGIES)
    if devices == 1:
        return
    make_fabric(device, precision)  # refuses what no device has, before processes are started
    kind, _, index = device.partition(":")
    if index:
        raise ValueError(f"device is {device!r}, one device, but devices is {devices}: name a kind")
    if kind == "mps":
        raise ValueError(f"devices is {devices}, but a Mac has one GPU: expected devices=1")
    n_found = torch.cuda.device_count()
    if kind == "auto" and n_found == 0:
        raise ValueError(
            f"devices is {devices}, but torch sees no CUDA device: device='cpu' trains in "
            f"{devices} processes on the CPU"
        )
    if kind in ("auto", "cuda") and devices > n_found:
        raise ValueError(f"devices is {devices}, but torch sees {n_found} CUDA devices")
    if not dist.is_available():
        raise ValueError(f"devices is {devices}, but this torch was built for one process")
    if are_there() and (n_started := int(os.environ["WORLD_SIZE"])) != devices:
        raise ValueError(
            f"devices is {devices}, but torchrun started {n_started} processes: expected as many, "
            "on one machine"
        )


def check_batches(of: str, n_samples: int, batch_size: int, devices: int) -> None:
    """Raise `DataError` if some batch has fewer samples than there are ranks.

    Parameters
    ----------
    of : str
        What is cut into batches, for the message.
    n_samples, batch_size, devices : int
        How it is cut, and for how many.
    """
    least = n_samples // -(-n_samples // batch_size)
    if least < devices:
        raise DataError(
            f"{of}: {n_samples} samples in batches of at most {batch_size} leave {least} to a "
            f"batch, too few for {devices} devices: expected a larger batch_size, or more samples"
        )


def are_there() -> bool:
    """Tell whether torchrun, or `launch`, has started this process as one of several."""
    return dist.is_torchelastic_launched() or _FOLDER is not None


def join(device: str, precision: str, devices: int) -> Fabric:
    """Return the Fabric of this rank, connected to the others."""
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    # A rank of our own is told so: in the job of a cluster Fabric would take it for one of that.
    fabric = make_fabric(device, precision, devices, [LightningEnvironment()] if _FOLDER else [])
    if _FOLDER is not None and not dist.is_initialized():
        place = fabric.device
        dist.init_process_group(
            "nccl" if place.type == "cuda" else "gloo",
            init_method=(_FOLDER / MEETING).as_uri(),
            rank=int(os.environ["RANK"]),
            world_size=devices,
            device_id=place if place.type == "cuda" else None,
        )
    fabric.launch()
    return fabric


def seed_of(seed: int, rank: int) -> int:
    """Return the seed of a rank's own random numbers; that of the first is the run's."""
    if rank == 0:
        return seed
    mixed = torch.Generator().manual_seed(seed)
    return int(torch.randint(2**62, (rank,), generator=mixed)[-1])


def own_share(batch: Tensor) -> Tensor:
    """Return this rank's part of a batch of indices; alone, all of it."""
    return batch if n_ranks() == 1 else batch.tensor_split(n_ranks())[own_rank()]


def add_up_gradients(parameters: Iterable[Tensor]) -> None:
    """Make the gradients of all ranks their sum; none where no rank has one."""
    if n_ranks() == 1:
        return
    trained = list(parameters)
    has_own = torch.tensor([float(p.grad is not None) for p in trained])
    flat = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in trained]
    summed = total(torch.cat([*flat, has_own.to(flat[0].device)]))
    *gradients, has_any = torch.split(summed, [*(len(g) for g in flat), len(trained)])
    # Who has all gradients need not look what the others have: on a GPU a look waits for it.
    is_there = [True] * len(trained) if bool(has_own.all()) else (has_any > 0).tolist()
    for p, gradient, there in zip(trained, gradients, is_there, strict=True):
        if there:
            p.grad = gradient.view_as(p).to(p.dtype)


def take_gradients_of_first(parameters: Iterable[Tensor]) -> None:
    """Overwrite gradients by those of the first rank, after a step has changed them at random."""
    copy_first(p.grad for p in parameters if p.grad is not None)


def launch(train: Callable[[], T], devices: int, checkpoints: Path | None = None) -> T:
    """Run a function in several new processes, and return what it returns in the first.

    Parameters
    ----------
    train : callable
        Called in each; it and its result are pickled, tensors go to the CPU.
    devices : int
        How many.
    checkpoints : Path, optional
        Where a run is to be continued from, if a process is killed; for the message.

    Raises
    ------
    TrainingError
        If what they need cannot be pickled or written, or if a process is killed or ends without a
        word.
    Exception
        What the function raises in one of them; the others are ended. A note on it has the
        traceback and names the rank.
    """
    # A rank that was just ended may hold files open for a moment: Windows deletes none of these.
    with tempfile.TemporaryDirectory(prefix="mmfuse-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            torch.save(train, folder / JOB, pickle_module=cloudpickle)
        except (OSError, RuntimeError) as error:  # torch answers a full disk with the latter
            raise TrainingError(
                f"cannot hand the data to {devices} processes through {folder}: {error}. Another "
                "place is taken from the environment variable TMPDIR"
            ) from error
        except (TypeError, pickle.PicklingError) as error:
            raise TrainingError(
                f"cannot hand the model, its options or the data to other processes: {error}"
            ) from error
        workers: list[subprocess.Popen[bytes]] = []
        try:
            for rank in range(devices):
                workers.append(_start(rank, devices, folder))
            codes = _wait(workers)
        finally:
            _end(workers)
        if any(code != 0 for code in codes):
            _raise_first(codes, folder, checkpoints)
        result, caught = _load(folder / RESULT)
    for warning in caught:
        warnings.warn(warning, stacklevel=3)  # at the call of `fit`
    found: T = result
    return found


def _load(path: Path, *, mmap: bool = False) -> Any:
    return torch.load(path, map_location="cpu", weights_only=False, mmap=mmap)


def _start(rank: int, devices: int, folder: Path) -> subprocess.Popen[bytes]:
    there = {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(devices),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }  # fmt: skip
    # All ranks are on this machine, whose name need not have an address.
    loopback = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    if loopback is not None and "GLOO_SOCKET_IFNAME" not in os.environ:
        there["GLOO_SOCKET_IFNAME"] = loopback
    n_threads = max(1, torch.get_num_threads() // devices)
    return subprocess.Popen(  # noqa: S603 (our own interpreter and program)
        [sys.executable, "-c", PROGRAM, str(folder), str(n_threads)],
        env={**os.environ, **there},
        stdin=subprocess.PIPE,
    )


def _wait(workers: Sequence[subprocess.Popen[bytes]]) -> list[int | None]:
    """Return how the processes ended; None for those that still run long after one has failed."""
    until = float("inf")
    while True:
        codes = [worker.poll() for worker in workers]
        if None not in codes or time.monotonic() > until:
            return codes
        if until == float("inf") and any(codes):
            until = time.monotonic() + GRACE
        time.sleep(0.02)


def _end(workers: Iterable[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.wait()
        if worker.stdin is not None:
            worker.stdin.close()


def _raise_first(codes: Sequence[int | None], folder: Path, checkpoints: Path | None) -> NoReturn:
    """Raise what went wrong first: an error of a rank, else that one was killed."""
    again = "With a checkpoint_dir the same call could continue"
    if checkpoints is not None:
        again = f"The same call continues from the checkpoint in {checkpoints}"
    lost = None
    for rank in range(len(codes)):
        path = folder / ERROR.format(rank)
        if path.exists():
            error: BaseException = pickle.loads(path.read_bytes())  # noqa: S301 (our own rank's)
            if not isinstance(error, LostRankError):
                raise error
            lost = error
    for rank, code in enumerate(codes):
        if code and not (folder / ERROR.format(rank)).exists():
            raise TrainingError(
                f"rank {rank} of {len(codes)} {_fate(code)}, so all were ended. {again}"
            )
    raise lost or TrainingError(f"a rank ended without a word. {again}")


def _fate(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code} and no error of its own"
    name = signal.Signals(-code).name
    return f"was killed by {name}{' (is the memory full?)' if name == 'SIGKILL' else ''}"


def work() -> None:
    """Be a rank: the program that `launch` starts."""
    global _FOLDER
    folder, n_threads = Path(sys.argv[1]), int(sys.argv[2])
    _FOLDER = folder
    rank = int(os.environ["RANK"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the caller's, who ends its ranks
    threading.Thread(target=_end_with_caller, daemon=True).start()
    try:
        torch.set_num_threads(n_threads)
        train = _load(folder / JOB, mmap=True)
        with warnings.catch_warnings(record=rank == 0) as caught:
            if rank > 0:
                warnings.simplefilter("ignore")  # the first says it for all
            result = train()
        if rank == 0:
            said = [warning.message for warning in caught or ()]
            torch.save((result, said), folder / RESULT, pickle_module=cloudpickle)
    except BaseException as error:
        word = _pickled(error, rank)
        atomic_write(folder / ERROR.format(rank), lambda file: file.write(word))
        os._exit(1)  # at once: the others wait for an answer, and are not waited for
    if dist.is_initialized():
        dist.destroy_process_group()


def _end_with_caller() -> None:
    with contextlib.suppress(OSError):
        os.read(0, 1)  # nothing is ever written: it returns when the caller is gone
    os._exit(1)


def _pickled(error: BaseException, rank: int) -> bytes:
    """Pickle an error with its traceback as a note; what cannot be read again as its text."""
    text = "".join(traceback.format_exception(error))
    note = f"On rank {rank} of {os.environ['WORLD_SIZE']}:\n{text}"
    error.__traceback__ = error.__cause__ = error.__context__ = None
    error.add_note(note)
    try:
        packed: bytes = cloudpickle.dumps(error)
        pickle.loads(packed)  # noqa: S301 (written a line above)
    except Exception:
        plain = TrainingError(f"{type(error).__name__}: {error}")
        plain.add_note(note)
        return pickle.dumps(plain)
    return packed
