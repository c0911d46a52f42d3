"""A training step of I2MoE against the same step written as a loop over experts and passes.

The loop is the literal reading of the paper: for each expert, one call with all modalities and one
with each replaced. Encodings are computed once in both, and both draw the same stand-ins, so the
losses must agree. A step is forward, backward and AdamW.

Both run in turn, a few steps each, and every pair of turns gives a ratio: what disturbs the machine
for longer than a turn disturbs both. Reported are the median ratio and the middle half of the
ratios. Time is processor time of one thread on a CPU (other programs do not count), wall time on a
GPU, with the device waited for before the clock is read.

The library runs one expert after the other. What it would bring to keep the weights of all experts
in one tensor, and run them side by side, is measured for the concatenation as well (``stacked``).

``python -m benchmarks.i2moe`` measures on the CPU and, where there is one, on a CUDA GPU; with
``cpu`` or ``cuda`` behind it, there only. Writes reproduce/i2moe_benchmark.json for the CPU, and
reproduce/gpu/i2moe_benchmark.json for the GPU.
"""

import sys
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.timing import in_turns, write
from mmfuse_lib import methods
from mmfuse_lib.core.devices import name_of_device
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.fusion import FUSIONS, Fusion
from mmfuse_lib.methods.i2moe import interaction_losses, make_versions
from mmfuse_lib.training.fit import adamw

FILES = {"cpu": "i2moe_benchmark.json", "cuda": "gpu/i2moe_benchmark.json"}

BACKBONES = ("concat", "gated", "low_rank", "sparse_moe", "transformer")
BATCH_SIZE, FEATURES, HIDDEN = 32, 256, 256
#: Turns of each way and steps in a turn; a step of the slow backbone is long enough by itself.
TURNS, STEPS, SLOW = 15, 5, "transformer"


class PlainConcat(nn.Module):
    """`ConcatFusion` as one would write it, one product for all modalities; the same weights."""

    def __init__(self, dims: Sequence[int], n_outputs: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(sum(dims), hidden), nn.ReLU(), nn.Linear(hidden, n_outputs)
        )

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        """Concatenate, one hidden layer, classify."""
        logits: Tensor = self.net(torch.cat(list(z), dim=1))
        return logits


def by_loop(model: methods.I2MoE, batch: MultimodalData) -> dict[str, Tensor]:
    """Compute the losses of a step as the paper reads: expert by expert, pass by pass."""
    z = model.encode(batch.inputs)
    stand_ins = [torch.randn_like(z_m) for z_m in z]
    complete: list[Tensor] = []
    gates: list[Tensor] = []
    terms: dict[str, Tensor] = {}
    for name, expert in model.experts.items():
        passes = []
        for features in (z, *([*z[:i], s, *z[i + 1 :]] for i, s in enumerate(stand_ins))):
            passes.append(expert(features))
            if isinstance(expert, Fusion) and expert.auxiliary is not None:
                gates.append(expert.auxiliary)
        complete.append(passes[0])
        terms[f"interaction_{name}"] = loss_by_loop(name, passes[0], passes[1:])
    weights = torch.softmax(model.reweight(torch.cat(z, dim=1)) / model.temperature, dim=1)
    logits = mean([weights[:, e : e + 1] * l for e, l in enumerate(complete)]) * len(complete)
    terms["task"] = F.cross_entropy(logits, batch.target)
    asked = mean([terms[f"interaction_{name}"] for name in model.experts])
    terms["total"] = terms["task"] + model.interaction_weight * asked
    if gates:
        terms["gate"] = mean(gates)
        terms["total"] = terms["total"] + terms["gate"]
    return terms


def loss_by_loop(name: str, a: Tensor, b: list[Tensor]) -> Tensor:
    """Compute an expert's interaction loss, replacement by replacement."""
    if name == "R":
        return mean([(1 - F.cosine_similarity(a, b_i)).mean() for b_i in b])
    if name == "S":
        return mean([F.cosine_similarity(a, b_i).mean() for b_i in b])
    i = int(name[1:]) - 1
    others = [b_j for j, b_j in enumerate(b) if j != i]
    return mean([F.triplet_margin_loss(a, b_j, b[i], eps=1e-7) for b_j in others])


def mean(values: list[Tensor]) -> Tensor:
    """Return the mean of tensors of the same shape."""
    return torch.stack(values).mean(dim=0)


class Stacked(nn.Module):
    """An I2MoE of `ConcatFusion` experts, their weights in one tensor a layer.

    Parameters
    ----------
    model : I2MoE
        Where encoders, reweighting model and the experts' weights are taken from.
    """

    def __init__(self, model: methods.I2MoE) -> None:
        super().__init__()
        self.encode, self.weigh = model.encode, model._weights
        self.experts, self.weight = model.interaction_names, model.interaction_weight
        self.shared = nn.ModuleList([model.encoders, model.reweight])
        states = [expert.state_dict() for expert in model.experts.values()]

        def stack(key: str) -> nn.Parameter:
            layer = torch.stack([state[key] for state in states])
            return nn.Parameter(layer.transpose(1, 2) if layer.ndim == 3 else layer.unsqueeze(1))

        n = len(model.encoders)
        self.hidden = nn.ParameterList(stack(f"hidden.weights.{m}") for m in range(n))
        self.bias, self.out, self.out_bias = map(stack, ("hidden.bias", "out.weight", "out.bias"))

    def loss_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        """Compute the losses of a step, all experts in each product."""
        z = self.encode(batch.inputs)
        replaced = range(len(z))
        versions = make_versions(z, {m: torch.randn_like(z_m) for m, z_m in enumerate(z)})
        e = len(self.experts)
        parts = [
            torch.bmm(v.flatten(0, 1).expand(e, -1, -1), w).view(e, 2, BATCH_SIZE, -1).unbind(1)
            for v, w in zip(versions.of, self.hidden, strict=True)
        ]
        complete = sum(clean for clean, _ in parts) + self.bias
        passes = [complete, *(complete + (parts[i][1] - parts[i][0]) for i in replaced)]
        latent = torch.relu(torch.cat(passes, dim=1))
        logits = torch.baddbmm(self.out_bias, latent, self.out).view(e, len(passes), BATCH_SIZE, -1)
        mixed = (self.weigh(z).T.unsqueeze(2) * logits[:, 0]).sum(dim=0)
        asked = interaction_losses(self.experts, logits, replaced)
        terms = {f"interaction_{n}": x for n, x in zip(self.experts, asked.unbind(), strict=True)}
        terms["task"] = F.cross_entropy(mixed, batch.target)
        terms["total"] = terms["task"] + self.weight * asked.mean()
        return terms


WAYS: dict[str, Callable[[Any, MultimodalData], dict[str, Tensor]]] = {
    "loop": by_loop,
    "mmfuse": methods.I2MoE.loss_terms,
    "stacked": Stacked.loss_terms,
}


def batch_of(n_modalities: int, device: str) -> MultimodalData:
    """Return a batch of random vectors with random labels of ten classes."""
    rng = torch.Generator().manual_seed(0)
    views = {f"m{m}": torch.randn(BATCH_SIZE, 64, generator=rng) for m in range(n_modalities)}
    return from_arrays(views, torch.randint(10, (BATCH_SIZE,), generator=rng)).to(device)


def make(backbone: str, batch: MultimodalData, device: str, way: str) -> nn.Module:
    """Return a model whose experts have this backbone, `HIDDEN` units wide."""
    kind = PlainConcat if (backbone, way) == ("concat", "loop") else FUSIONS[backbone]

    def fusion(dims: Sequence[int], n_outputs: int) -> nn.Module:
        return kind(dims, n_outputs, hidden=HIDDEN)  # type: ignore[call-arg]

    encoders = {name: nn.Linear(64, FEATURES) for name in batch.modalities}
    for m, encoder in enumerate(encoders.values()):
        torch.nn.init.normal_(encoder.weight, std=0.1, generator=torch.Generator().manual_seed(m))
        torch.nn.init.zeros_(encoder.bias)
    model = methods.I2MoE.for_data(batch.to("cpu"), encoders=encoders, fusion=fusion, seed=0)
    return (Stacked(model) if way == "stacked" else model).to(device).train()


def losses(model: nn.Module, batch: MultimodalData, way: str) -> dict[str, float]:
    """Return the losses of a batch, with the stand-ins of a fixed seed."""
    torch.manual_seed(0)
    return {k: float(v.detach()) for k, v in WAYS[way](model, batch).items()}


def stepper(model: nn.Module, batch: MultimodalData, way: str) -> Callable[[], None]:
    """Return a function that makes one training step."""
    optimizer = adamw(list(model.parameters()), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        WAYS[way](model, batch)["total"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def seconds_a_step(step: Callable[[], None], steps: int, device: str) -> float:
    """Return the mean time of a few training steps; on the CPU, that of the process."""

    def now() -> float:
        if device == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    start = now()
    for _ in range(steps):
        step()
    return (now() - start) / steps


def measure(backbone: str, n_modalities: int, device: str) -> dict[str, Any]:
    """Compare both ways on one backbone."""
    batch = batch_of(n_modalities, device)
    ways = ("loop", "mmfuse", "stacked") if backbone == "concat" else ("loop", "mmfuse")
    models = {way: make(backbone, batch, device, way) for way in ways}
    found = {way: losses(model, batch, way) for way, model in models.items()}
    n = 1 if backbone == SLOW and device == "cpu" else STEPS
    steps = {way: stepper(model, batch, way) for way, model in models.items()}
    times = in_turns(steps, TURNS, time_of=lambda step: seconds_a_step(step, n, device))
    expert = next(iter(models["mmfuse"].experts.values()))  # type: ignore[operator]
    n_weights = sum(p.numel() for p in expert.parameters())
    row = {
        "device": device,
        "backbone": backbone,
        "modalities": n_modalities,
        "weights_per_expert": n_weights,
        **{f"{way}_ms": round(1e3 * median(values), 2) for way, values in times.items()},
        **ratio("ratio", times["loop"], times["mmfuse"]),
        "largest_loss_difference": max(
            abs(found[way][k] - value) for way in ways for k, value in found["loop"].items()
        ),
    }
    if "stacked" in times:
        row |= ratio("ratio_of_stacked_to_mmfuse", times["mmfuse"], times["stacked"])
    return row


def ratio(name: str, slow: list[float], fast: list[float]) -> dict[str, Any]:
    """Return the median ratio of turns, and its middle half."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    low, middle, high = (round(q, 2) for q in quantiles(ratios, n=4))
    return {name: middle, f"{name}_middle_half": [low, high]}


def describe(row: dict[str, Any]) -> str:
    """Return a row as a line of the printed table."""
    low, high = row["ratio_middle_half"]
    stacked = row.get("ratio_of_stacked_to_mmfuse")
    side_by_side = (
        f"   stacked {row['stacked_ms']:.1f} ms, {stacked:.2f}x mmfuse" if stacked else ""
    )
    return (
        f"  {row['device']:<5} {row['modalities']} modalities  {row['backbone']:<12} "
        f"loop {row['loop_ms']:7.1f} ms   mmfuse {row['mmfuse_ms']:7.1f} ms   "
        f"{row['ratio']:4.2f}x ({low:.2f} to {high:.2f})   "
        f"losses differ by {row['largest_loss_difference']:.0e}{side_by_side}"
    )


def run_on(device: str) -> None:
    """Print milliseconds a step and ratios on a device, and write them to its file."""
    rows = []
    for n in (2, 3):
        for backbone in BACKBONES:
            rows.append(measure(backbone, n, device))
            print(describe(rows[-1]), flush=True)
    write(FILES[device], "i2moe", {"rows": rows}, device, device=name_of_device(device))


def main(devices: Sequence[str] = ()) -> None:
    """Measure on these devices: by default on all there are."""
    torch.set_num_threads(1)
    there = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    if unknown := set(devices) - set(there):
        sys.exit(f"no device {', '.join(sorted(unknown))}: there is {', '.join(there)}")
    print(f"training step of I2MoE, batch {BATCH_SIZE}, {HIDDEN} hidden units, one thread")
    for device in devices or there:
        run_on(device)


if __name__ == "__main__":
    main(sys.argv[1:])
