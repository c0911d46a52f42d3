"""`fit` against the loop that most people would write: a DataLoader and torch's default AdamW.

Both train the same model on the same data for the same number of steps. Times are the median over
repeats that alternate between the two, on one thread; the ratio is what to look at.

``python -m benchmarks.training cuda`` does so on a GPU, and writes
reproduce/gpu/training_benchmark.json. There the loop moves each batch to the device as it comes.
"""

import sys
from collections.abc import Sequence
from functools import partial
from statistics import median

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.timing import in_turns, write
from mmfuse_lib import data, fit, methods
from mmfuse_lib.core.devices import name_of_device
from mmfuse_lib.data import MultimodalData

EPOCHS, BATCH_SIZE, REPEATS = 3, 128, 5


def by_hand(train: MultimodalData, device: str) -> None:
    """Train `JointFusion` with a DataLoader that collates single samples."""
    model = methods.JointFusion.for_data(train, seed=0).to(device)
    loader = DataLoader(
        TensorDataset(*train.inputs.values(), train.target), batch_size=BATCH_SIZE, shuffle=True
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for batch in loader:
            *views, y = (x.to(device) for x in batch)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(dict(zip(train.modalities, views, strict=True))), y)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    _wait(device)


def by_fit(train: MultimodalData, device: str) -> None:
    """Train `JointFusion` with `fit`."""
    model = methods.JointFusion.for_data(train, seed=0)
    fit(model, train, epochs=EPOCHS, batch_size=BATCH_SIZE, device=device, progress=False)
    _wait(device)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main(device: str = "cpu") -> None:
    """Print median milliseconds a step of both, and their ratio; write those of a GPU to a file."""
    torch.set_num_threads(1)
    train, _, _ = data.load("digit_pairs", n_train=8_000)
    n_steps = EPOCHS * -(-len(train) // BATCH_SIZE)
    ways = {
        "DataLoader loop": partial(by_hand, train, device),
        "fit": partial(by_fit, train, device),
    }
    times = in_turns(ways, REPEATS, warmup=0 if device == "cpu" else 1)
    baseline = median(times["DataLoader loop"])
    print(f"training step, joint model on digit_pairs, batch 128, one thread, {device}")
    found = {name: 1_000 * median(values) / n_steps for name, values in times.items()}
    for name, ms in found.items():
        print(f"  {name:<16} {ms:6.2f} ms   {1_000 * baseline / n_steps / ms:4.1f}x")
    if device == "cuda":
        rounded = {name: round(ms, 3) for name, ms in found.items()}
        content = {"batch_size": BATCH_SIZE, "ms_a_step": rounded}
        of = name_of_device(device)
        write("gpu/training_benchmark.json", "training", content, device, device=of)


def _device(arguments: Sequence[str]) -> str:
    """Return the device that was asked for; the CPU by default."""
    there = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    if unknown := set(arguments) - set(there):
        sys.exit(f"no device {', '.join(sorted(unknown))}: there is {', '.join(there)}")
    return arguments[0] if arguments else "cpu"


if __name__ == "__main__":
    main(_device(sys.argv[1:]))
