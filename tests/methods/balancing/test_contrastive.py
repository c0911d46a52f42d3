"""Contrastive pre-training: the loss and the schedule by hand, and what it can find."""

import math
from itertools import pairwise

import pytest
import torch

from mmfuse_lib import data as datasets
from mmfuse_lib import evaluate, fit
from mmfuse_lib.methods import Contrastive
from mmfuse_lib.methods.balancing.contrastive import (
    contrastive_loss,
    matching_accuracy,
    warmup_cosine,
)
from tests.methods.balancing.support import three
from tests.support import weights, xor


def test_the_loss_by_hand() -> None:
    scale = torch.tensor(2.0)
    u = torch.eye(2)
    # Each finds its own at similarity 1, the other at 0.
    expected = math.log(1 + math.exp(-2))
    torch.testing.assert_close(contrastive_loss(u, u, scale), torch.tensor(expected))
    alike = torch.tensor([[1.0, 0.0]]).expand(5, 2)
    torch.testing.assert_close(contrastive_loss(alike, alike, scale), torch.tensor(math.log(5)))
    assert contrastive_loss(u[:1], u[:1], scale).item() == 0.0


def test_the_loss_asks_both_ways() -> None:
    u = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    v = torch.eye(2)
    one = math.log(1 + math.e)  # similarities: rows (1, 0), (1, 0)
    rows, columns = (one - 1 + one) / 2, math.log(2)
    loss = contrastive_loss(u, v, torch.tensor(1.0))
    assert loss.item() == pytest.approx((rows + columns) / 2)
    assert contrastive_loss(v, u, torch.tensor(1.0)).item() == pytest.approx(loss.item())


def test_matching_counts_both_ways() -> None:
    u, v = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert matching_accuracy(u, u).item() == 1.0
    assert matching_accuracy(u, v).item() == 0.5


def test_the_learning_rate_rises_in_a_line_and_falls_with_a_cosine() -> None:
    rates = [warmup_cosine(i, 10, warmup=0.2) for i in range(10)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[6] == pytest.approx(0.5)
    assert all(after < before for before, after in pairwise(rates[2:]))
    assert rates[-1] > 0
    assert warmup_cosine(0, 1, warmup=0.0) == 1.0


def test_the_loss_is_summed_over_all_pairs() -> None:
    data = three(12)
    model = Contrastive.for_data(data, dim=8, shared_dim=4)
    a, b, c = model.shared(data.inputs)
    torch.testing.assert_close(a.norm(dim=1), torch.ones(12))
    scale = torch.tensor(1 / 0.07)
    expected = sum(contrastive_loss(u, v, scale) for u, v in ((a, b), (a, c), (b, c)))
    torch.testing.assert_close(model.contrastive_terms(data)["total"], expected)


def test_the_stages_train_what_they_should_in_their_own_batches() -> None:
    data = xor(64)
    model = Contrastive.for_data(data, dim=8, batch_size=32)
    first, second = model.stages(10)
    assert (first.epochs, second.epochs) == (5, 5)
    assert (first.batch_size, second.batch_size) == (32, None)
    start = weights(model)
    fit(model, data, epochs=2, batch_size=64, device="cpu", progress=False)
    moved = {name for name, w in weights(model).items() if not torch.equal(w, start[name])}
    assert {name.split(".")[0] for name in moved} == {"encoders", "project", "log_scale", "fusion"}
    (_, probe), (_, finetuned) = (
        Contrastive.for_data(data, finetune=finetune).stages(4) for finetune in (False, True)
    )
    assert len(probe.modules) + 1 == len(finetuned.modules)


@pytest.mark.parametrize(("lr", "scale"), [(50.0, 100.0), (-50.0, 1.0)])
def test_the_temperature_stays_where_it_may_be(lr: float, scale: float) -> None:
    data = xor(64)
    model = Contrastive.for_data(data)

    class Push:
        epoch, batch, n_batches = 0, 0, 1

        def __call__(self, loss: object, gradients: object = None) -> None:
            model.log_scale.value.data += lr

    model.contrastive_step(data, Push())
    assert model.log_scale().exp().item() == pytest.approx(scale)


def test_it_finds_what_modalities_share_and_nothing_where_they_share_nothing() -> None:
    n = 32  # samples a batch
    shared, _, test = datasets.load(
        "digit_pairs", seed=0, n_train=960, n_classes=4, cue=False, composition={"R": 1.0}
    )
    synergy, _, test_of_synergy = datasets.load(
        "digit_pairs", seed=0, n_train=960, n_classes=2, cue=False, composition={"S": 1.0}
    )
    result = {}
    for name, train, held_out in (("R", shared, test), ("S", synergy, test_of_synergy)):
        model = Contrastive.for_data(train, dim=32, batch_size=n)
        history = fit(model, train, held_out, epochs=16, device="cpu", progress=False, lr=3e-3)
        frame = history.to_frame().query("stage == 'contrastive' and split == 'val'")
        loss = frame[frame["term"] == "total"]["value"].min()
        result[name] = math.log(n) - loss, evaluate(model, held_out).metrics["accuracy"]
    information, accuracy = result["R"]  # the label is shared: up to log 4 nats
    assert 0.8 < information < math.log(4)
    assert accuracy > 0.9
    information, accuracy = result["S"]
    assert abs(information) < 0.1
    assert accuracy < 0.65


def test_without_pretraining_it_would_be_another_method() -> None:
    with pytest.raises(ValueError, match=r"pretraining is 0: expected a number in \(0, 1\)"):
        Contrastive.for_data(xor(20), pretraining=0)
