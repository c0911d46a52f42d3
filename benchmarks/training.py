"""`fit` against the loop that most people would write: a DataLoader and torch's default AdamW.

Both train the same model on the same data for the same number of steps. Times are the median over
repeats that alternate between the two, on one thread; the ratio is what to look at.
"""

from functools import partial
from statistics import median

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.timing import in_turns
from mmfuse_lib import data, fit, methods
from mmfuse_lib.data import MultimodalData

EPOCHS, BATCH_SIZE, REPEATS = 3, 128, 5


def by_hand(train: MultimodalData) -> None:
    """Train `JointFusion` with a DataLoader that collates single samples."""
    model = methods.JointFusion.for_data(train, seed=0)
    loader = DataLoader(
        TensorDataset(*train.inputs.values(), train.target), batch_size=BATCH_SIZE, shuffle=True
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for *views, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(dict(zip(train.modalities, views, strict=True))), y)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def by_fit(train: MultimodalData) -> None:
    """Train `JointFusion` with `fit`."""
    model = methods.JointFusion.for_data(train, seed=0)
    fit(model, train, epochs=EPOCHS, batch_size=BATCH_SIZE, device="cpu", progress=False)


def main() -> None:
    """Print median milliseconds a step of both, and their ratio."""
    torch.set_num_threads(1)
    train, _, _ = data.load("digit_pairs", n_train=8_000)
    n_steps = EPOCHS * -(-len(train) // BATCH_SIZE)
    ways = {"DataLoader loop": partial(by_hand, train), "fit": partial(by_fit, train)}
    times = in_turns(ways, REPEATS, warmup=0)
    baseline = median(times["DataLoader loop"])
    print("training step, joint model on digit_pairs, batch 128, one thread")
    for name, values in times.items():
        ms = 1_000 * median(values) / n_steps
        print(f"  {name:<16} {ms:6.2f} ms   {baseline / median(values):4.1f}x")
