"""What a fusion model asks for itself reaches the total of every method that trains it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmfuse_lib import fit
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.fusion import SparseMoEFusion, with_auxiliary
from mmfuse_lib.methods import DIMML, DMIL, I2MoE, JointFusion, Method
from tests.support import xor


class Sparse(SparseMoEFusion):
    """A sparse mixture with a heavy balance, whose router starts by sending all to one network."""

    def __init__(self, dims: Sequence[int], n_outputs: int, balance: float = 1.0) -> None:
        super().__init__(dims, n_outputs, hidden=16, top_k=1, balance=balance)
        with torch.no_grad():
            self.router.weight.zero_()
            self.router.bias.copy_(torch.tensor([3.0, 0.0, 0.0, 0.0]))


class Wrapped(nn.Module):
    """A reader's own module with a fusion model inside."""

    def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
        super().__init__()
        self.inner = Sparse(dims, n_outputs)

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        logits: Tensor = self.inner(z)
        return logits


def as_synergy(n: int, d: int) -> Sparse:
    return Sparse([d] * n, d)


DATA = xor(60)
MODELS: dict[str, tuple[Method, set[str]]] = {
    "joint": (JointFusion.for_data(DATA, fusion=Sparse), {"joint"}),
    "wrapped": (JointFusion.for_data(DATA, fusion=Wrapped), {"joint"}),
    "I2MoE": (I2MoE.for_data(DATA, fusion=Sparse), {"experts"}),
    "I2MoE, no interaction loss": (
        I2MoE.for_data(DATA, fusion=Sparse, interaction_weight=0),
        {"experts"},
    ),
    "DI-MML": (DIMML.for_data(DATA, fusion=Sparse), {"fusion"}),
    "DMIL": (DMIL.for_data(DATA, synergy=as_synergy), {"consistency", "joint"}),
    "DMIL, synergy first": (
        DMIL.for_data(DATA, synergy=as_synergy, synergy_first=True),
        {"synergy", "intra", "consistency", "joint"},
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_gate_gets_the_gradient_of_its_balance_in_every_stage_that_runs_it(name: str) -> None:
    model, expected = MODELS[name]
    found = set()
    for stage in model.stages(25):
        terms = stage.loss(DATA)
        if "gate" not in terms:
            continue
        found.add(stage.name)
        sparse = [m for m in model.modules() if isinstance(m, Sparse)]
        balance = torch.stack([m.auxiliary for m in sparse if m.auxiliary is not None]).mean()
        assert float(balance.detach()) > 2  # 1 is the least, 4 the most
        torch.testing.assert_close(terms["gate"], balance)
        routers = [p for m in sparse for p in m.router.parameters()]
        grad = partial(torch.autograd.grad, inputs=routers, retain_graph=True, allow_unused=True)
        whole, rest = grad(terms["total"]), grad(terms["total"] - terms["gate"])
        for in_all, in_rest, own in zip(whole, rest, grad(balance), strict=True):
            assert own.abs().sum() > 0
            torch.testing.assert_close(in_all - (0 if in_rest is None else in_rest), own)
    assert found == expected


def largest_share(model: Method, data: MultimodalData) -> float:
    """Mean share of the samples that the busiest network of each mixture gets."""
    shares = []

    def note(router: nn.Module, _: object, scores: Tensor) -> None:
        top = scores.flatten(0, -2).argmax(dim=-1)
        shares.append(float(torch.bincount(top, minlength=4).max()) / len(top))

    handles = [
        m.router.register_forward_hook(note) for m in model.modules() if isinstance(m, Sparse)
    ]
    with torch.no_grad():
        model(data.inputs)
    for handle in handles:
        handle.remove()
    return sum(shares) / len(shares)


@pytest.mark.parametrize(
    ("method", "options"), [(JointFusion, {}), (I2MoE, {}), (DIMML, {"fusion_epochs": 1.0})]
)
def test_training_spreads_the_samples_over_the_networks(
    method: type[Method], options: dict[str, Any]
) -> None:
    data = xor(300)
    after = {}
    for balance in (0.0, 1.0):
        model = method.for_data(data, fusion=partial(Sparse, balance=balance), **options)
        assert largest_share(model, data) == 1
        fit(model, data, epochs=15, batch_size=60, lr=1e-2, device="cpu", progress=False)
        after[balance] = largest_share(model, data)
    assert after[0.0] > 0.8  # top_k = 1: the task alone hardly moves the gate
    assert after[1.0] < 0.75


def test_terms_without_auxiliary_are_left_alone() -> None:
    terms = {"total": torch.tensor(2.0), "accuracy": torch.tensor(0.5)}
    assert with_auxiliary(terms, [nn.Linear(2, 2)]) == terms
