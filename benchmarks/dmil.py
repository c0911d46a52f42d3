"""A training step of DMIL against the code that one writes first.

The first draft has a layer for each arrow of the paper's figure: for every modality and latent one
for the mean and one for the log-variance, and one classifier each. It comes in two forms: with
every layer evaluated once, and with L1, L2 and the prediction each computed from the inputs, as
three functions of a batch would. All do the same arithmetic on the same number of parameters;
times are the median over repeats that alternate, on one thread, and the ratio is what to look at.
"""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.timing import in_turns, write
from mmfuse_lib import data, methods
from mmfuse_lib.core.devices import name_of_device
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.encoders.registry import default_encoder
from mmfuse_lib.methods.dmil import (
    Gaussian,
    ResidualSynergy,
    alignment,
    reconstruction,
    variational,
)
from mmfuse_lib.training.fit import adamw

BATCH_SIZES, D, WARMUP, REPEATS = (32, 128, 512), 64, 10, 50


class GaussianLayer(nn.Module):
    """Mean and log-variance, a linear layer each."""

    def __init__(self, d_in: int, d: int) -> None:
        super().__init__()
        self.mean, self.log_var = nn.Linear(d_in, d), nn.Linear(d_in, d)

    def forward(self, x: Tensor) -> Gaussian:
        """Map ``(B, d_in)`` to Gaussians ``(B, d)``."""
        return Gaussian(self.mean(x), self.log_var(x))


class FirstDraft(nn.Module):
    """DMIL with a layer for each arrow.

    Parameters
    ----------
    model : DMIL
        Whose encoders, sizes and weights of the terms are used.
    repeats_work : bool
        Whether each of the three parts of L3 starts from the inputs.
    """

    def __init__(self, model: methods.DMIL, repeats_work: bool) -> None:
        super().__init__()
        K = model.spec.n_outputs
        self.repeats_work, self.weights = repeats_work, model.weights
        self.encoders = nn.ModuleDict(
            {n: default_encoder(s, D) for n, s in model.spec.shapes.items()}
        )
        pair = range(2)
        self.embed = nn.ModuleList(nn.Linear(D, D) for _ in pair)
        self.to_M, self.to_N, self.to_U, self.to_v = (
            nn.ModuleList(GaussianLayer(D, D) for _ in pair) for _ in range(4)
        )
        self.to_R = GaussianLayer(2 * D, D)
        self.decode_z, self.decode_M = (
            nn.ModuleList(
                nn.Sequential(nn.Linear(2 * D, D // 2), nn.ReLU(), nn.Linear(D // 2, D))
                for _ in pair
            )
            for _ in range(2)
        )
        self.from_M = nn.ModuleList(nn.Linear(D, K) for _ in pair)
        self.synergy = ResidualSynergy(2, D)
        self.classify = nn.ModuleList(nn.Linear(D, K) for _ in range(4))
        self.gate = nn.Sequential(nn.Linear(4 * D, D), nn.ReLU(), nn.Linear(D, 4))

    def level1(self, inputs: dict[str, Tensor]) -> list[tuple[Tensor, Gaussian, Gaussian]]:
        """Return z, q_M and q_N of each modality."""
        zs = [e(self.encoders[n](inputs[n])) for n, e in zip(inputs, self.embed, strict=True)]
        return [(z, self.to_M[m](z), self.to_N[m](z)) for m, z in enumerate(zs)]

    def loss(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Return L3."""
        lam, alpha, y = self.weights["variational_1"], self.weights["alignment_2"], batch.target
        parts = self.level1(batch.inputs)
        N, total = [], torch.zeros((), device=y.device)
        for m, (z, q_M, q_N) in enumerate(parts):
            M = q_M.sample()
            N.append(q_N.sample())
            total = total + F.cross_entropy(self.from_M[m](M), y)
            total = total + lam * (variational(q_M) + variational(q_N))
            z_hat = self.decode_z[m](torch.cat([M, N[m]], 1))
            total = total + reconstruction(z.detach(), z_hat)
        if self.repeats_work:
            parts = self.level1(batch.inputs)
        total = total + self.components_loss(parts, N, y, lam, alpha)
        if self.repeats_work:
            parts = self.level1(batch.inputs)
        logits, g = self.predict(parts, N)
        return {"total": total + F.cross_entropy((g.unsqueeze(-1) * logits).sum(1), y)}

    def components_loss(
        self,
        parts: list[tuple[Tensor, Gaussian, Gaussian]],
        N: list[Tensor],
        y: Tensor,
        lam: float,
        alpha: float,
    ) -> Tensor:
        """Return L2."""
        means = [q_M.mean for _, q_M, _ in parts]
        q_R, q_U = (
            self.to_R(torch.cat(means, 1)),
            [t(M) for t, M in zip(self.to_U, means, strict=True)],
        )
        R, U = q_R.sample(), [q.sample() for q in q_U]
        self.kept = [R, *U, self.synergy(torch.stack(N))]
        total = lam * (variational(q_R) + sum(variational(q) for q in q_U))
        for m, M in enumerate(means):
            total = total + alpha * alignment(q_R, self.to_v[m](M))
            total = total + reconstruction(M.detach(), self.decode_M[m](torch.cat([R, U[m]], 1)))
        self.kept_logits = [c(x) for c, x in zip(self.classify, self.kept, strict=True)]
        return total + torch.stack([F.cross_entropy(x, y) for x in self.kept_logits]).sum()

    def predict(
        self, parts: list[tuple[Tensor, Gaussian, Gaussian]], N: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the components' logits ``(B, 4, K)`` and the gate ``(B, 4)``."""
        if not self.repeats_work:
            latents, logits = self.kept, self.kept_logits
        else:
            means = [q_M.mean for _, q_M, _ in parts]
            R = self.to_R(torch.cat(means, 1)).sample()
            U = [t(M).sample() for t, M in zip(self.to_U, means, strict=True)]
            latents = [R, *U, self.synergy(torch.stack(N))]
            logits = [c(x) for c, x in zip(self.classify, latents, strict=True)]
        return torch.stack(logits, 1), self.gate(torch.cat(latents, 1)).softmax(1)


def stepper(
    model: nn.Module, loss: Callable[[MultimodalData], dict[str, Tensor]]
) -> Callable[[MultimodalData], None]:
    """Return a function that makes one training step."""
    optimizer = adamw(list(model.parameters()), 1e-3)

    def step(batch: MultimodalData) -> None:
        optimizer.zero_grad()
        total: Any = loss(batch)["total"]
        total.backward()
        optimizer.step()

    return step


def compare(train: MultimodalData, batch_size: int) -> dict[str, float]:
    """Return the median milliseconds a step of each."""
    model = methods.DMIL.for_data(train, dim=D, latent_dim=D)
    draft, twice = FirstDraft(model, repeats_work=False), FirstDraft(model, repeats_work=True)
    steps = {
        "a layer an arrow, parts anew": stepper(twice, twice.loss),
        "a layer an arrow, once each": stepper(draft, draft.loss),
        "DMIL": stepper(model, model.L3),
    }
    ways = {name: partial(step, train[:batch_size]) for name, step in steps.items()}
    times = in_turns(ways, REPEATS, warmup=WARMUP)
    return {name: 1_000 * median(values) for name, values in times.items()}


def main() -> None:
    """Print milliseconds a step and ratios, and write them to ``reproduce/dmil_benchmark.json``."""
    torch.set_num_threads(1)
    train, _, _ = data.load("digit_pairs", n_train=1_000, n_classes=10)
    rows = []
    for batch_size in BATCH_SIZES:
        result = compare(train, batch_size)
        baseline = next(iter(result.values()))
        print(f"DMIL, stage three, digit_pairs, d = {D}, batch {batch_size}, one thread")
        for name, ms in result.items():
            print(f"  {name:<30} {ms:6.2f} ms   {baseline / ms:4.2f}x")
            ratio = round(baseline / ms, 2)
            rows.append({"batch": batch_size, "code": name, "ms": round(ms, 2), "ratio": ratio})
    write("dmil_benchmark.json", "dmil", {"rows": rows}, device=name_of_device("cpu"))


if __name__ == "__main__":
    main()
