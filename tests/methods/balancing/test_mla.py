"""MLA: the equations by hand, the alternation by hand, and what it can and cannot learn."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib import evaluate, fit
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.methods import MLA
from mmfuse_lib.methods.balancing.mla import entropy_weights, projection_after
from tests.methods.balancing.support import ByHand, linear_map, strong_and_weak, three
from tests.support import weights, xor

LN_2 = math.log(2.0)


def test_the_projection_after_one_batch_by_hand() -> None:
    features = torch.tensor([[3.0, 1.0], [1.0, -1.0]])  # mean (2, 0)
    P = projection_after(torch.eye(2), features, alpha=4.0)  # 1 - 4 / (4 + 4), then norm 1
    torch.testing.assert_close(P, torch.diag(torch.tensor([0.5, 1.0])) / math.sqrt(1.25))


def test_with_alpha_near_0_what_was_seen_is_projected_out() -> None:
    P, seen = torch.eye(5), torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    for h in seen:
        P = projection_after(P, h[None], alpha=1e-7)
    torch.testing.assert_close(P @ seen.T, torch.zeros(5, 3), atol=1e-5, rtol=0)
    orthogonal = torch.linalg.svd(seen).Vh[3:]
    torch.testing.assert_close(P, orthogonal.T @ orthogonal / math.sqrt(2), atol=1e-5, rtol=0)


def test_the_projection_is_in_single_precision_under_autocast() -> None:
    features = torch.tensor([[1.0, 1 / 3]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = projection_after(torch.eye(2), features, alpha=0.1)
    assert torch.equal(inside, projection_after(torch.eye(2), features, alpha=0.1))


def test_the_surer_modality_weighs_more() -> None:
    logits = torch.tensor([[[0.0, 0.0], [100.0, 0.0]], [[5.0, 5.0], [0.0, 0.0]]])  # H: ln 2, 0
    expected = torch.tensor([[1 / 3, 2 / 3], [1 / 2, 1 / 2]])
    torch.testing.assert_close(entropy_weights(logits), expected)


def tiny(**options: Any) -> MLA:
    """Two modalities whose only sample has the features (1, 0) and (0, 2)."""
    data = from_arrays({"a": [[1.0], [1.0]], "b": [[2.0], [2.0]]}, [0, 1])
    encoders = {"a": linear_map([[1.0], [0.0]]), "b": linear_map([[0.0], [1.0]])}
    model = MLA.for_data(data, encoders=encoders, **options)
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    return model


ONE = from_arrays({"a": [[1.0]], "b": [[2.0]]}, [0], class_names=("0", "1"))


def test_the_alternation_by_hand() -> None:
    model, update = tiny(alpha=1.0), None
    update = ByHand(model)
    terms = model.step(ONE, update)
    # a: p = (1/2, 1/2), dL/dl = (-1/2, 1/2); P is still the identity. After it, with h = (1, 0),
    # P = diag(1/2, 1) / c with c = sqrt(5)/2, and the head's bias is (1/2, -1/2).
    c = math.sqrt(1.25)
    p = torch.tensor([0.5, -0.5]).softmax(dim=0)[1].item()  # b's probability of the wrong class
    assert update.losses == pytest.approx([LN_2, -math.log(1 - p)])
    # b: h = (0, 2), dL/dW = (-p, p) h', times P; and its mean joins P.
    expected = torch.tensor([[0.5, 2 * p / c], [-0.5, -2 * p / c]])
    torch.testing.assert_close(model.head.weight.detach(), expected)
    torch.testing.assert_close(model.head.bias.detach(), torch.tensor([0.5 + p, -0.5 - p]))
    before = torch.diag(torch.tensor([0.5, 1.0])) / c
    torch.testing.assert_close(model.P, projection_after(before, torch.tensor([[0.0, 2.0]]), 1.0))
    assert terms["total"].item() == pytest.approx(sum(update.losses))
    assert [terms[f"loss_{m}"].item() for m in "ab"] == pytest.approx(update.losses)


def test_the_encoders_move_on_their_own_loss_alone() -> None:
    model = tiny()
    model.head.weight.data = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    before, seen = weights(model), []

    class Watching(ByHand):
        def __call__(self, loss: Tensor, gradients: object = None) -> None:
            super().__call__(loss, gradients)  # type: ignore[arg-type]
            now = weights(model)
            seen.append({m for m in "ab" if not torch.equal(
                now[f"encoders.{m}.weight"], before[f"encoders.{m}.weight"])})  # fmt: skip

    model.step(ONE, Watching(model))
    assert seen == [{"a"}, {"a", "b"}]


@pytest.mark.parametrize("projected", [True, False])
def test_a_step_for_one_modality_leaves_what_the_head_says_of_the_last(projected: bool) -> None:
    model = MLA.for_data(strong_and_weak(64, 0), dim=6, alpha=1e-6, projected=projected)
    batch, change = strong_and_weak(64, 0), []

    class Watching(ByHand):
        def __call__(self, loss: Tensor, gradients: object = None) -> None:
            before = model.head.weight.detach().clone()
            super().__call__(loss, gradients)  # type: ignore[arg-type]
            change.append(((model.head.weight - before) @ seen).norm().item())

    seen = model.features(batch.inputs, "strong").detach().mean(dim=0)
    model.step(batch, Watching(model))
    assert change[0] > 1e-3, "its own step"
    assert (change[1] < 1e-6) == projected, "the next one's"


def test_predictions_are_the_weighted_logits_and_the_report_is_the_weights() -> None:
    data = three(10)
    model = MLA.for_data(data).eval()
    logits, w = model.unimodal_logits(data.inputs), model.interactions(data.inputs)
    assert model.interaction_names == ("a", "b", "c")
    assert w.shape == (10, 3)
    torch.testing.assert_close(w.sum(dim=1), torch.ones(10))
    torch.testing.assert_close(model(data.inputs), torch.einsum("bn,bnk->bk", w, logits))
    one = {m: x[:1] for m, x in data.inputs.items()}
    torch.testing.assert_close(model(one), model(data.inputs)[:1])  # not a matter of the batch
    equal = MLA.for_data(data, dynamic=False).eval()
    torch.testing.assert_close(equal(data.inputs), equal.unimodal_logits(data.inputs).mean(dim=1))


def test_the_kept_epoch_is_that_of_the_best_prediction() -> None:
    data = strong_and_weak(60, 0)
    (stage,) = MLA.for_data(data).stages(5)
    terms = stage.loss(data)
    model = MLA.for_data(data)
    prediction = F.cross_entropy(model(data.inputs), data.target)
    assert stage.monitor == "prediction"
    torch.testing.assert_close(terms["prediction"], prediction.detach())


def accuracies(model: MLA, data: MultimodalData) -> list[float]:
    right = model.unimodal_logits(data.inputs).argmax(dim=2) == data.target[:, None]
    return right.float().mean(dim=0).tolist()


def test_every_modality_learns_what_it_can_and_synergy_is_out_of_reach() -> None:
    train, test = strong_and_weak(600, 0), strong_and_weak(1000, 1)
    model = MLA.for_data(train, dim=16)
    fit(model, train, epochs=12, batch_size=32, lr=5e-3, device="cpu", progress=False)
    assert min(accuracies(model, test)) > 0.95
    model = MLA.for_data(xor(600), dim=16)
    fit(model, xor(600), epochs=12, batch_size=32, lr=5e-3, device="cpu", progress=False)
    assert evaluate(model, xor(1000, seed=1)).metrics["accuracy"] < 0.6
