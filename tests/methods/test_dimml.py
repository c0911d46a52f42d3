"""DI-MML: its equations by hand and against loops, its stages, what it learns."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from math import exp, log
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from mmfuse_lib import evaluate, fit
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.fusion import LinearFusion
from mmfuse_lib.methods import DIMML
from mmfuse_lib.methods.dimml import (
    certainty_weights,
    class_means,
    dimension_rates,
    duc_loss,
    nearest_intervals,
)
from tests.support import copy_of_first, linear, noisy_encoder, same, weights, xor


def train(model: DIMML, data: MultimodalData, epochs: int = 3, **options: Any) -> None:
    defaults: dict[str, Any] = {"batch_size": 64, "device": "cpu", "progress": False}
    fit(model, data, epochs=epochs, **(defaults | options))


def three(n: int = 60, seed: int = 0) -> MultimodalData:
    """Three modalities, three classes; each modality tells one class from the others."""
    rng = torch.Generator().manual_seed(seed)
    y = torch.randint(3, (n,), generator=rng)
    views = {
        name: 2.0 * (y == k)[:, None] + 0.3 * torch.randn(n, 4, generator=rng)
        for k, name in enumerate("abc")
    }
    return from_arrays(views, y)


def batches(z: Tensor, y: Tensor, size: int = 7) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    return lambda: zip(torch.split(z, size), torch.split(y, size), strict=True)


def mask(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.bool)


# The contrastive term, by hand. With D the first and the third dimension, the products of the two
# samples are [[2, 1], [2, 6]]; divided by the temperature 2, the right column leads by 1/2 in the
# first row and by 2 in the second.

STUDENT = torch.tensor([[1.0, 5.0, 0.0], [0.0, 7.0, 2.0]])
TEACHER = torch.tensor([[2.0, 9.0, 1.0], [1.0, -3.0, 3.0]])
WRONG = 1 / (1 + exp(0.5)), 1 / (1 + exp(2.0))  # softmax of the wrong column


def gradients(
    student: Tensor, teacher: Tensor, dimensions: Tensor, tau: float, *, one_way: bool = True
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The loss, and its gradient with respect to student and teacher (None: not reached)."""
    student, teacher = student.clone().requires_grad_(), teacher.clone().requires_grad_()
    loss = duc_loss(student, teacher, dimensions, tau, one_way=one_way)
    first, second = torch.autograd.grad(loss, [student, teacher], allow_unused=True)
    return loss.detach(), first, second


def by_hand(*, one_way: bool = True) -> tuple[Tensor, Tensor, Tensor | None]:
    return gradients(STUDENT, TEACHER, mask(1, 0, 1), 2.0, one_way=one_way)


def test_duc_value_by_hand() -> None:
    expected = (log(1 + exp(-0.5)) + log(1 + exp(-2.0))) / 2
    assert by_hand()[0].item() == pytest.approx(expected, abs=1e-6)


def test_duc_gradient_by_hand_reaches_selected_dimensions_of_the_student_only() -> None:
    _, student, teacher = by_hand()
    # d loss / d z_s[i] = p_wrong (z_t[wrong] - z_t[right]) / (batch * tau), on D.
    expected = [[-WRONG[0], 0, 2 * WRONG[0]], [WRONG[1], 0, -2 * WRONG[1]]]
    assert torch.allclose(student, torch.tensor(expected) / 4, atol=1e-7)
    assert torch.equal(student[:, 1], torch.zeros(2))
    assert teacher is None


def test_duc_both_ways_moves_the_teacher_by_hand() -> None:
    _, student, teacher = by_hand(one_way=False)
    # d loss / d z_t[k] = sum_i (p[i, k] - [i = k]) z_s[i] / (batch * tau), on D.
    p0, p1 = WRONG
    expected = [[-p0, 0, 2 * p1], [p0, 0, -2 * p1]]
    assert teacher is not None
    assert torch.allclose(teacher, torch.tensor(expected) / 4, atol=1e-7)
    assert torch.equal(student, by_hand()[1])


def literal_duc(z_s: Tensor, z_t: Tensor, dims: Tensor, tau: float) -> float:
    total = 0.0
    chosen = [j for j in range(len(dims)) if dims[j]]
    for i in range(len(z_s)):
        products = [
            sum(float(z_s[i, j]) * float(z_t[k, j]) for j in chosen) / tau for k in range(len(z_t))
        ]
        top = max(products)
        total -= products[i] - top - log(sum(exp(v - top) for v in products))
    return total / len(z_s)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6), st.integers(1, 5), st.floats(0.1, 50), st.integers(0, 10_000), st.booleans()
)
def test_duc_equals_a_loop(n: int, d: int, tau: float, seed: int, one_way: bool) -> None:
    rng = torch.Generator().manual_seed(seed)
    z_s, z_t = 3 * torch.randn(2, n, d, generator=rng, dtype=torch.float64)
    dims = torch.rand(d, generator=rng) < 0.6
    loss = duc_loss(z_s, z_t, dims, tau, one_way=one_way).item()
    expected = literal_duc(z_s, z_t, dims, tau) if dims.any() else 0.0
    assert loss == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert loss >= 0


def test_duc_gradient_equals_finite_differences() -> None:
    torch.manual_seed(0)
    teacher = torch.randn(5, 4, dtype=torch.float64)
    student = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda z: duc_loss(z, teacher, mask(1, 0, 1, 1), 0.7), [student]
    )


def test_duc_without_dimensions_is_zero_and_moves_nothing() -> None:
    loss, student, _ = gradients(STUDENT, TEACHER, mask(0, 0, 0), 1.0)
    assert loss == 0
    assert torch.equal(student, torch.zeros(2, 3))


def test_duc_of_one_sample_is_zero_and_moves_nothing() -> None:
    loss, student, _ = gradients(STUDENT[:1], TEACHER[:1], mask(1, 1, 1), 1.0)
    assert loss == 0
    assert torch.equal(student, torch.zeros(1, 3))


@pytest.mark.parametrize("half", [None, torch.float16, torch.bfloat16])
def test_duc_stays_finite_at_feature_norms_of_ten_thousand(half: torch.dtype | None) -> None:
    torch.manual_seed(0)
    z_s, z_t = 1e4 * nn.functional.normalize(torch.randn(2, 32, 16), dim=2)
    every = torch.ones(16, dtype=torch.bool)
    with torch.autocast("cpu", dtype=half or torch.bfloat16, enabled=half is not None):
        loss, student, _ = gradients(z_s, z_t, every, 1.0)
    assert loss.item() > 1e6
    assert loss.item() == pytest.approx(literal_duc(z_s, z_t, every, 1.0), rel=1e-5)
    assert torch.isfinite(student).all()
    assert student.abs().max() > 0


def test_minimising_duc_lets_the_student_find_its_sample_by_the_selected_dimensions() -> None:
    torch.manual_seed(0)
    teacher, start = torch.randn(2, 12, 8)
    student = start.clone().requires_grad_()
    dims = mask(1, 1, 1, 1, 1, 0, 0, 0)
    optimizer = torch.optim.Adam([student], lr=0.05)
    for _ in range(300):
        student.grad = torch.autograd.grad(duc_loss(student, teacher, dims, 1.0), student)[0]
        optimizer.step()
    found = ((student * dims) @ teacher.T).argmax(dim=1)
    assert (found == torch.arange(12)).float().mean() > 0.9
    assert torch.equal(student[:, ~dims], start[:, ~dims])


# Selection.


def test_rates_and_selection_by_hand() -> None:
    # Dimension 0 separates the classes. In dimension 1 both means are 0, so all go to class 0: half
    # are right. In dimension 2 the means are -1 and 1, and the second sample is on the wrong side.
    z = torch.tensor([[-1.0, 1, -3], [-1, -1, 1], [1, 1, 1], [1, -1, 1]])
    rates, effective = dimension_rates(batches(z, torch.tensor([0, 0, 1, 1]), 3), 2)
    assert rates.tolist() == [1, 0.5, 0.75]
    assert effective.tolist() == [True, False, False]  # the mean rate is 0.75: not above it


@pytest.mark.parametrize(("y", "rate"), [([0, 0, 1, 1], 1.0), ([1, 1, 0, 0], 0.75)])
def test_what_is_halfway_belongs_to_the_lower_class_index(y: list[int], rate: float) -> None:
    z = torch.tensor([[3.0], [1.0], [0.0], [0.0]])  # means 2 and 0; the second sample is halfway
    assert dimension_rates(batches(z, torch.tensor(y)), 2)[0].tolist() == [rate]


def test_intervals_by_hand() -> None:
    low, high = nearest_intervals(torch.tensor([[2.0], [0.0], [2.0], [torch.inf]]))
    below_one = float(torch.nextafter(torch.tensor(1.0), torch.tensor(0.0)))
    assert (low[0].item(), high[1].item()) == (1.0, below_one)  # 1 is halfway: it goes to class 0
    assert low[1] == -torch.inf
    assert high[0] > 3e38
    for k in (2, 3):  # a copy of class 0, and a class without samples: never nearest
        assert low[k] == torch.inf


def literal_rates(z: Tensor, y: Tensor, n_classes: int) -> tuple[Tensor, Tensor]:
    """The definition, with all N x K x d distances, in double precision."""
    mu = class_means(batches(z, y), n_classes).double()
    nearest = (z.double()[:, None] - mu[None]).abs().argmin(dim=1)
    right = (nearest == y[:, None]).double().mean(dim=0)
    return right, right > right.mean() + 1e-12


def check_against_literal(z: Tensor, y: Tensor, n_classes: int) -> None:
    rates, effective = dimension_rates(batches(z, y), n_classes)
    expected, selected = literal_rates(z, y, n_classes)
    assert torch.equal(rates, expected.float())
    assert torch.equal(effective, selected)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 12), st.integers(2, 5))
def test_selection_equals_the_definition_where_ties_are_everywhere(
    data: st.DataObject, n: int, n_classes: int
) -> None:
    z = data.draw(arrays(np.int64, (n, 3), elements=st.integers(-2, 2)))
    y = data.draw(arrays(np.int64, n, elements=st.integers(0, n_classes - 1)))
    check_against_literal(torch.tensor(z).float() / 2, torch.tensor(y), n_classes)


@pytest.mark.parametrize(("n", "n_classes", "d"), [(500, 2, 40), (700, 11, 30), (300, 101, 20)])
def test_selection_equals_the_definition_on_random_features(n: int, n_classes: int, d: int) -> None:
    torch.manual_seed(0)
    y = torch.randint(n_classes, (n,))
    check_against_literal(torch.randn(n, d) + torch.randn(n_classes, d)[y], y, n_classes)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(2**24), 2**24), min_size=2, max_size=6),
    st.lists(st.floats(-(2.0**80), 2.0**80, width=32), max_size=10),
    st.integers(-60, 50),
)
def test_intervals_say_what_the_nearest_centroid_is_in_exact_arithmetic(
    centroids: list[int], values: list[float], exponent: int
) -> None:
    c = torch.tensor(centroids, dtype=torch.float32) * 2.0**exponent
    halfway = (c[:-1].double() + c[1:].double()).div(2).float()
    x = torch.cat([torch.tensor(values), c, halfway])
    low, high = nearest_intervals(c[:, None])
    inside = (x >= low) & (x <= high)  # (K, values)
    exact = [Fraction(float(v)) for v in c]
    for i, v in enumerate(x.tolist()):
        distances = [abs(Fraction(v) - e) for e in exact]
        assert inside[:, i].nonzero().flatten().tolist() == [distances.index(min(distances))]


def test_selection_does_not_depend_on_the_batches() -> None:
    torch.manual_seed(0)
    z, y = torch.randn(200, 16), torch.randint(4, (200,))
    for size in (1, 13, 200):
        rates, effective = dimension_rates(batches(z, y, size), 4)
        assert torch.equal(rates, dimension_rates(batches(z, y), 4)[0])
        assert torch.equal(effective, dimension_rates(batches(z, y), 4)[1])


def test_equally_good_dimensions_are_not_above_their_mean() -> None:
    z = torch.tensor([[0.0, 1.0, 5.0]]).repeat(3, 1) + torch.tensor([[0.0], [0.0], [1.0]])
    rates, effective = dimension_rates(batches(z, torch.tensor([0, 1, 2])), 3)
    assert torch.allclose(rates, torch.tensor(2 / 3))
    assert not effective.any()


def test_a_class_without_samples_changes_nothing() -> None:
    torch.manual_seed(0)
    y = torch.randint(2, (50,))
    z = torch.randn(50, 6) + y[:, None]
    two, with_gap = dimension_rates(batches(z, y), 2), dimension_rates(batches(z, 2 * y), 4)
    assert torch.equal(two[0], with_gap[0])
    assert torch.equal(two[1], with_gap[1])


def test_selection_without_samples_is_refused() -> None:
    with pytest.raises(DataError, match="no samples to select"):
        dimension_rates(list, 2)


# The weights of the heads.


def test_certainty_weights_by_hand() -> None:
    logits = torch.tensor([[[log(3), 0.0], [0.0, 0.0]]])  # certainties 3/4 and 1/2
    expected = torch.tensor([[exp(1), 1.0]]) / (1 + exp(1))
    assert torch.allclose(certainty_weights(logits, 0.25), expected)
    assert torch.equal(certainty_weights(logits, torch.inf), torch.tensor([[0.5, 0.5]]))


def test_the_prediction_is_the_weighted_mean_of_the_heads_by_hand() -> None:
    data = from_arrays({"a": [[1.0, 0.0]] * 2, "b": [[0.0, 1.0]] * 2}, [0, 1])
    model = DIMML.for_data(data, encoders={"a": nn.Identity(), "b": nn.Identity()}, fusion="sum")
    heads: dict[str, Any] = {"a": model.heads["a"], "b": model.heads["b"]}
    for name, row in {"a": [log(3), 0.0], "b": [0.0, 0.0]}.items():
        heads[name].weight.data = torch.tensor([row, row]).T.contiguous()
        heads[name].bias.data.zero_()
    for parameter in model.fusion.parameters():
        parameter.data.zero_()
    # The columns of a's weight are both (log 3, 0): certainty 3/4 on every sample, the others 1/2.
    share = exp(0.25) / (exp(0.25) + 2)
    assert torch.allclose(model(data.inputs), torch.tensor([[share * log(3), 0.0]] * 2))
    weights = model.interactions(data.inputs)
    assert torch.allclose(weights[0], torch.tensor([share, (1 - share) / 2, (1 - share) / 2]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.05, 20))
def test_weights_sum_to_one_and_order_like_the_certainties(seed: int, tau: float) -> None:
    logits = 3 * torch.randn(8, 4, 5, generator=torch.Generator().manual_seed(seed))
    w = certainty_weights(logits, tau)
    assert torch.allclose(w.sum(dim=1), torch.ones(8))
    certainty = logits.softmax(dim=2).amax(dim=2)
    assert torch.equal(w.argmax(dim=1), certainty.argmax(dim=1))
    assert (w.amax(1) / w.amin(1)).max() <= exp(1 / tau) * (1 + 1e-5)


def test_the_report_names_the_heads() -> None:
    model = DIMML.for_data(three())
    assert model.interaction_names == ("a", "b", "c", "fusion")
    result = evaluate(model, three(), device="cpu")
    assert list(result.interactions) == ["a", "b", "c", "fusion"]
    assert np.allclose(result.interactions.sum(axis=1), 1)


# The losses of the stages, against loops.


@torch.no_grad()
def literal_terms(model: DIMML, data: MultimodalData) -> dict[str, float]:
    z = model.encode(data.inputs)
    own = shared = 0.0
    for name, z_m in zip(model.encoders, z, strict=True):
        for i, y in enumerate(data.target.tolist()):
            own -= float(model.heads[name](z_m[i]).log_softmax(0)[y]) / len(data)
            shared -= float(model.shared(z_m[i]).log_softmax(0)[y]) / len(data)
    duc = 0.0
    for teacher in range(len(z)):
        for student in range(len(z)):
            if teacher != student:
                dims = model.effective[teacher] & ~model.effective[student]
                if dims.any():  # else there is nothing to learn
                    duc += literal_duc(z[student], z[teacher], dims, model.temperature)
    return {"own": own, "shared": shared, "duc": duc}


@pytest.mark.parametrize("data", [xor(20), three(20)], ids=["two", "three"])
def test_losses_equal_loops(data: MultimodalData) -> None:
    model = DIMML.for_data(data, dim=8, temperature=0.5, shared_weight=0.3, duc_weight=0.7)
    model.effective = torch.rand(model.effective.shape) < 0.5
    expected = literal_terms(model, data)
    terms = {k: v.item() for k, v in model.interactive_terms(data).items()}
    assert expected["duc"] > 0.1
    for name, value in expected.items():
        assert terms[name] == pytest.approx(value, rel=1e-4)
    total = expected["own"] + 0.3 * expected["shared"] + 0.7 * expected["duc"]
    assert terms["total"] == pytest.approx(total, rel=1e-4)
    detached = model.detached_terms(data)
    assert set(detached) == {"total", "own", "shared"}
    without = expected["own"] + 0.3 * expected["shared"]
    assert detached["total"].item() == pytest.approx(without, rel=1e-4)


def test_detached_means_that_no_modality_hears_of_another() -> None:
    data = xor(30)
    model = DIMML.for_data(data)

    def gradient(terms: Callable[..., dict[str, Tensor]], inputs: dict[str, Tensor]) -> Tensor:
        loss = terms(from_arrays(inputs, data.target))["total"]
        found = torch.autograd.grad(loss, list(model.encoders["a"].parameters()))
        return torch.cat([g.flatten() for g in found])

    changed = {**data.inputs, "b": data.inputs["b"] + 1}
    before = gradient(model.detached_terms, data.inputs)
    assert torch.equal(before, gradient(model.detached_terms, changed))
    model.effective[1] = True  # b is a teacher of a
    before = gradient(model.interactive_terms, data.inputs)
    assert not torch.allclose(before, gradient(model.interactive_terms, changed))


def test_all_pairs_teach_each_other_and_every_student_keeps_its_own_dimensions() -> None:
    model = DIMML.for_data(three(), dim=4)
    model.effective = torch.stack([mask(1, 1, 0, 0), mask(0, 1, 1, 0), mask(0, 0, 0, 0)])
    assert model.transferred(0, 1).tolist() == [True, False, False, False]
    assert model.transferred(1, 0).tolist() == [False, False, True, False]
    assert model.transferred(0, 2).tolist() == [True, True, False, False]
    assert not model.transferred(2, 0).any()
    model.selected = False
    assert model.transferred(2, 0).all()


# Stages.


def test_the_papers_schedule() -> None:
    model = DIMML.for_data(three(), lr_schedule=lambda epoch: 0.1 ** (epoch // 70))
    stages = model.stages(150)
    assert [(s.name, s.epochs) for s in stages] == [
        ("detached", 20), ("interactive", 130), ("fusion", 20),
    ]  # fmt: skip
    factors = [s.lr_factor(epoch) for s in stages for epoch in range(s.epochs)]
    assert factors == [1.0] * 70 + [0.1] * 70 + [0.1**2] * 10 + [1.0] * 20


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_every_stage_has_an_epoch(epochs: int) -> None:
    stages = DIMML.for_data(three()).stages(epochs)
    assert [s.epochs for s in stages] == [1, max(1, epochs - 1), 1]


def test_the_papers_recipe_runs() -> None:
    sgd = partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4)
    model = DIMML.for_data(three(), temperature=50, lr_schedule=lambda e: 0.1 ** (e // 2))
    before = weights(model)
    train(model, three(), epochs=4, batch_size=16, optimizer=sgd)
    assert not any(torch.equal(before[k], x) for k, x in weights(model).items() if "weight" in k)


@pytest.mark.parametrize("stage", ["detached", "interactive"])
def test_the_epoch_is_chosen_by_the_modalities_own_heads(stage: str) -> None:
    # At this temperature DUC is so large that the total is lowest where DUC is.
    data, val = three(120), three(120, seed=1)
    model = DIMML.for_data(data, temperature=0.05, warmup=0.5)
    history = fit(model, data, val, epochs=40, batch_size=32, lr=0.01, device="cpu", progress=False)
    rows = history.to_frame().query("split == 'val' and stage == @stage")
    loss = rows.pivot(index="epoch", columns="term", values="value")
    assert history.best_epoch[stage] == loss["own"].idxmin()
    if stage == "interactive":
        assert loss["total"].idxmin() != loss["own"].idxmin()


def test_the_fusion_head_is_one_linear_layer_on_the_features_side_by_side() -> None:
    data = three(20)
    model = DIMML.for_data(data, dim=4)
    assert isinstance(model.fusion, LinearFusion)
    expected = nn.functional.linear(
        torch.cat(model.encode(data.inputs), dim=1), *model.fusion.out.parameters()
    )
    assert torch.equal(model.head_logits(data.inputs)[:, -1], expected)


class WithoutFusion(DIMML):
    def stages(self, epochs: int):  # type: ignore[no-untyped-def]
        return super().stages(epochs)[:2]


def test_the_fusion_stage_moves_nothing_but_the_fusion_head_not_even_statistics() -> None:
    data = xor(60)
    found = []
    for build in (WithoutFusion, DIMML):
        torch.manual_seed(0)
        model = build.for_data(data, encoders={"a": noisy_encoder(), "b": noisy_encoder()})
        train(model, data, epochs=8)
        found.append(weights(model))
    without, whole = found
    assert any("running_mean" in k for k in whole)
    for name, x in whole.items():
        assert torch.equal(x, without[name]) == (not name.startswith("fusion.")), name


def test_selection_happens_once_on_the_features_of_the_warm_up() -> None:
    data = copy_of_first(80)

    class WarmUp(DIMML):
        def stages(self, epochs: int):  # type: ignore[no-untyped-def]
            return super().stages(epochs)[:1]

    warm, whole = (build.for_data(data, dim=8) for build in (WarmUp, DIMML))
    assert not whole.effective_dimensions().masks["a"].any()
    for model in (warm, whole):
        train(model, data, epochs=20)
    rates, masks = whole.effective_dimensions()
    for name, z in zip("ab", warm.encode(data.inputs), strict=True):
        expected = dimension_rates(batches(z.detach(), data.target), 2)
        assert torch.equal(rates[name], expected[0])
        assert torch.equal(masks[name], expected[1])
        assert masks[name].any()
        assert not masks[name].all()
    assert not same(weights(warm.encoders), weights(whole.encoders))


def test_selection_sees_the_encoders_in_eval_mode_and_leaves_them_so() -> None:
    data = xor(60)
    model = DIMML.for_data(data, encoders={"a": noisy_encoder(), "b": noisy_encoder()}).eval()
    before = weights(model)
    model.select_dimensions(data)
    first = model.effective_dimensions().rates["a"].clone()
    model.select_dimensions(data)
    assert torch.equal(first, model.effective_dimensions().rates["a"])
    changed = {k for k, x in weights(model).items() if not torch.equal(x, before[k])}
    assert changed <= {"rates", "effective"}


def test_a_run_that_was_interrupted_continues_with_the_same_dimensions(tmp_path: Any) -> None:
    data = copy_of_first(80)

    class StoppedError(Exception):
        pass

    stopped = DIMML.for_data(data)
    passes = itertools.count(1)

    def hook(*_: Any) -> None:
        # Two batches of the first stage, two passes of the selection, then the second stage.
        if next(passes) == 9:
            raise StoppedError

    next(iter(stopped.encoders.values())).register_forward_hook(hook)
    options: dict[str, Any] = {"epochs": 10, "checkpoint_dir": tmp_path}
    with pytest.raises(StoppedError):
        train(stopped, data, **options)
    assert stopped.effective.any()
    resumed = DIMML.for_data(data)
    train(resumed, data, **options)
    whole = DIMML.for_data(data)
    train(whole, data, epochs=10)
    assert same(weights(resumed), weights(whole))


# What comes in.


def test_encoders_of_different_lengths_meet_in_the_smallest() -> None:
    data = three()
    mine = {"a": nn.Linear(4, 9), "b": nn.Linear(4, 5)}
    model = DIMML.for_data(data, encoders=mine, dim=7)
    assert [tuple(z.shape) for z in model.encode(data.inputs)] == [(60, 5)] * 3
    assert isinstance(model.project["b"], nn.Identity)
    assert model.encoders["a"] is mine["a"]
    before = weights(model.project)
    train(model, data, epochs=3)
    assert not same(before, weights(model.project))
    assert model.effective.shape == (3, 5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (linear(20), "defined for classes"),
        (from_arrays({"a": xor(20).inputs["a"]}, xor(20).target), r"two or more.*\['a'\]"),
        (from_arrays({"a": np.ones((4, 2)), "fusion": np.ones((4, 2))}, [0, 1, 0, 1]), "'fusion'"),
    ],
)
def test_data_it_is_not_made_for_is_refused(data: MultimodalData, message: str) -> None:
    with pytest.raises(DataError, match=message):
        DIMML.for_data(data)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("temperature", 0.0),
        ("certainty_temperature", -1.0),
        ("shared_weight", -0.1),
        ("duc_weight", float("nan")),
        ("warmup", 20),
        ("fusion_epochs", 0.0),
    ],
)
def test_an_option_out_of_range_is_named(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{option} is {value}: expected"):
        DIMML.for_data(xor(20), **{option: value})


def test_a_batch_of_one_trains_and_predicts() -> None:
    data = xor(5)
    model = DIMML.for_data(data)
    train(model, data, epochs=2, batch_size=1)
    assert torch.isfinite(model(data[:1].inputs)).all()


def test_a_class_missing_from_training_is_learnt_by_nobody_and_breaks_nothing() -> None:
    data = copy_of_first(100)
    gap = from_arrays(data.inputs, 2 * data.target, class_names=("no", "never", "yes"))
    model = DIMML.for_data(gap)
    train(model, gap, epochs=30, lr=3e-3)
    result = evaluate(model, gap, device="cpu")
    assert result.metrics["accuracy"] > 0.95
    assert set(result.predictions["prediction"]) == {0, 2}
    assert torch.isfinite(model.effective_dimensions().rates["a"]).all()


# What it learns.


def test_a_copied_bit_is_learnt_and_its_head_is_trusted() -> None:
    model = DIMML.for_data(copy_of_first(300))
    train(model, copy_of_first(300), epochs=20, lr=3e-3)
    result = evaluate(model, copy_of_first(400, seed=1), device="cpu")
    assert result.metrics["accuracy"] > 0.95
    mean = result.interactions.mean()
    assert mean["a"] > mean["b"] + 0.05


def test_three_modalities_together_tell_what_each_alone_cannot() -> None:
    model = DIMML.for_data(three(300))
    train(model, three(300), epochs=20, lr=3e-3)
    assert evaluate(model, three(400, seed=1), device="cpu").metrics["accuracy"] > 0.95


@pytest.mark.parametrize(
    ("options", "learns"), [({"fusion": "concat"}, True), ({"fusion": "sum"}, False), ({}, False)]
)
def test_xor_is_learnt_only_by_a_fusion_head_that_can_express_it(
    options: dict[str, Any], learns: bool
) -> None:
    # The bits are in plain sight, so even encoders that learn nothing pass them on.
    model = DIMML.for_data(xor(600), fusion_epochs=1.0, **options)
    train(model, xor(600), epochs=30, lr=3e-3)
    accuracy = evaluate(model, xor(2000, seed=1), device="cpu").metrics["accuracy"]
    if learns:
        assert accuracy > 0.95
    else:
        assert accuracy == pytest.approx(0.5, abs=0.1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
def test_cuda_selects_and_trains_as_the_cpu_does() -> None:
    torch.manual_seed(0)
    y = torch.randint(5, (300,))
    z = torch.randint(-4, 5, (300, 16)).float()
    here, there = (dimension_rates(batches(z.to(d), y.to(d)), 5) for d in ("cpu", "cuda"))
    assert torch.equal(here[0], there[0].cpu())
    assert torch.equal(here[1], there[1].cpu())
    model = DIMML.for_data(three(300))
    train(model, three(300), epochs=20, lr=3e-3, device="cuda")
    assert evaluate(model, three(400, seed=1), device="cuda").metrics["accuracy"] > 0.95
    train(model, three(100), epochs=3, device="cuda", precision="bf16-mixed")
    assert all(torch.isfinite(x).all() for x in weights(model).values())
