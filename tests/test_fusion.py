"""Fusion models against outputs worked out on paper, and which of them are additive."""

import copy
from collections.abc import Sequence
from math import exp, log, tanh

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.fusion import (
    FUSIONS,
    AttentionBlock,
    ConcatFusion,
    FiLMFusion,
    Fusion,
    GatedFusion,
    LinearFusion,
    LowRankFusion,
    SparseMoEFusion,
    SumFusion,
    TransformerFusion,
    make_fusion,
)


def constant(module: nn.Module, weight: float = 0.5, bias: float = 2.0) -> nn.Module:
    """Set all weights and all biases to one number each."""
    for name, p in module.named_parameters():
        nn.init.constant_(p, bias if name.endswith("bias") else weight)
    return module


# One sample, z_1 = [2], z_2 = [5, -1]; weights 1/2, biases 2.
Z = [torch.tensor([[2.0]]), torch.tensor([[5.0, -1.0]])]


def test_concat_by_hand() -> None:
    # Sum of features 6: each of 3 hidden units is 5, the logit 15 / 2 + 2.
    assert constant(ConcatFusion([1, 2], 1, hidden=3))(Z).tolist() == [[9.5]]


def test_concat_clips_what_is_negative() -> None:
    z = [torch.tensor([[-20.0]]), torch.tensor([[5.0, -1.0]])]
    assert constant(ConcatFusion([1, 2], 1, hidden=3))(z).tolist() == [[2.0]]


def test_linear_by_hand() -> None:
    # Sum of features 6: half of it, and one bias.
    assert constant(LinearFusion([1, 2], 1))(Z).tolist() == [[5.0]]


def test_linear_has_a_column_a_feature_in_the_order_of_the_modalities() -> None:
    model = LinearFusion([1, 2], 1)
    with torch.no_grad():
        model.out.weight.copy_(torch.tensor([[1.0, 10.0, 100.0]]))
        model.out.bias.fill_(1000.0)
    assert model(Z).tolist() == [[1000 + 2 + 50 - 100]]


def test_linear_and_sum_are_the_same_functions() -> None:
    torch.manual_seed(0)
    linear, added = LinearFusion([3, 2, 4], 5), SumFusion([3, 2, 4], 5)
    state = added.state_dict()
    with torch.no_grad():
        linear.out.weight.copy_(torch.cat([state[f"heads.{m}.weight"] for m in range(3)], dim=1))
        linear.out.bias.copy_(sum(state[f"heads.{m}.bias"] for m in range(3)))
    z = [torch.randn(6, d) for d in (3, 2, 4)]
    torch.testing.assert_close(linear(z), added(z))


def test_sum_by_hand() -> None:
    # 2 / 2 + 2 = 3 and 4 / 2 + 2 = 4.
    assert constant(SumFusion([1, 2], 1))(Z).tolist() == [[7.0]]


def test_film_by_hand() -> None:
    # V z_1 = 3; gamma = beta = 4: each hidden unit is 4 * 3 + 4 = 16.
    assert constant(FiLMFusion([1, 2], 1, hidden=3))(Z).tolist() == [[26.0]]


def test_film_scales_by_gamma_and_shifts_by_beta_not_the_other_way_round() -> None:
    model = FiLMFusion([1, 2], 1, hidden=1)
    constant(model)
    with torch.no_grad():
        model.modulate.bias.copy_(torch.tensor([2.0, 10.0]))  # gamma 4, beta 12
    assert model(Z).tolist() == [[(4 * 3 + 12) / 2 + 2]]


def test_film_clips_what_is_negative() -> None:
    model = constant(FiLMFusion([1, 2], 1, hidden=3))
    assert model([torch.tensor([[-20.0]]), Z[1]]).tolist() == [[2.0]]


def test_gated_by_hand_with_equal_gates() -> None:
    # tanh(3) and tanh(4), each with gate 1/2, two hidden units.
    logit = constant(GatedFusion([1, 2], 1, hidden=2))(Z).item()
    assert logit == pytest.approx(2 * 0.5 * (tanh(3) + tanh(4)) / 2 + 2, abs=1e-6)


def test_gated_by_hand_with_gates_three_to_one() -> None:
    model = GatedFusion([1, 2], 1, hidden=2)
    constant(model)
    with torch.no_grad():
        model.gate.bias.copy_(torch.tensor([log(3), log(3), 0.0, 0.0]))
    expected = 2 * 0.5 * (0.75 * tanh(3) + 0.25 * tanh(4)) + 2
    assert model(Z).item() == pytest.approx(expected, abs=1e-6)


def test_gates_compete_per_hidden_unit() -> None:
    model = GatedFusion([1, 2], 1, hidden=2)
    constant(model)
    with torch.no_grad():
        model.gate.bias.copy_(torch.tensor([log(3), 0.0, 0.0, 1.0]))
    second = 1 / (1 + exp(1))
    h = [0.75 * tanh(3) + 0.25 * tanh(4), second * tanh(3) + (1 - second) * tanh(4)]
    assert model(Z).item() == pytest.approx(0.5 * sum(h) + 2, abs=1e-6)


def test_low_rank_by_hand() -> None:
    # Factors 2 / 2 + 2 = 3 and 4 / 2 + 2 = 4: product 12 in each rank and hidden unit.
    assert constant(LowRankFusion([1, 2], 1, hidden=3, rank=5))(Z).tolist() == [[3 * 12 / 2 + 2]]


def test_low_rank_starts_near_the_sum() -> None:
    model = LowRankFusion([2, 3], 1)
    biases = {name: p for name, p in model.factors.named_parameters() if name.endswith("bias")}
    assert [set(bias.tolist()) for bias in biases.values()] == [{1.0}, {1.0}]


def silent(block: AttentionBlock) -> None:
    """Let a block add nothing to its input."""
    for layer in (block.join, block.mlp[-1]):
        constant(layer, 0.0, 0.0)


def test_a_transformer_keeps_its_tokens_where_its_blocks_add_nothing() -> None:
    torch.manual_seed(0)
    model = TransformerFusion([2, 3], 1, hidden=8, n_tokens=2, n_blocks=3, n_heads=2)
    for module in model.modules():
        if isinstance(module, AttentionBlock):
            silent(module)
    z = [torch.randn(5, 2), torch.randn(5, 3)]
    tokens = torch.cat(
        [f(z_m).reshape(5, 2, 8) for f, z_m in zip(model.tokens, z, strict=True)],
        dim=1,
    )
    expected = model.out(nn.functional.layer_norm(tokens, (8,)).mean(dim=1))
    torch.testing.assert_close(model(z), expected)


def test_an_attention_block_by_hand() -> None:
    torch.manual_seed(0)
    block, x = AttentionBlock(6, 2), torch.randn(4, 3, 6)
    q, k, v = block.qkv(block.norm(x)).chunk(3, dim=-1)
    heads = []
    for h in (slice(0, 3), slice(3, 6)):
        scores = q[..., h] @ k[..., h].transpose(1, 2) / 3**0.5
        heads.append(scores.softmax(dim=-1) @ v[..., h])
    y = x + block.join(torch.cat(heads, dim=-1))
    torch.testing.assert_close(block(x), y + block.mlp(y))


def test_tokens_that_heads_cannot_share_are_refused() -> None:
    with pytest.raises(DataError, match="6 features cannot be shared by 4 heads"):
        AttentionBlock(6, 4)


def sparse(probabilities: list[float], top_k: int, balance: float = 1.0) -> SparseMoEFusion:
    """A mixture whose router gives all samples the same probabilities."""
    model = SparseMoEFusion(
        [1, 2], 1, hidden=2, n_networks=len(probabilities), top_k=top_k, balance=balance
    )
    constant(model)
    with torch.no_grad():
        model.router.weight.zero_()
        model.router.bias.copy_(torch.tensor(probabilities).log())
    return model


def test_sparse_mixture_by_hand() -> None:
    # h = 6 / 2 + 2 = 5 twice; each network's one unit is 10 / 2 + 2 = 7. Gates .5 and .3 are kept
    # and rescaled to sum to 1: the networks add 7 / 2 + 2 to each h.
    model = sparse([0.5, 0.3, 0.2], top_k=2)
    assert model(Z).item() == pytest.approx(2 * (5 + 5.5) / 2 + 2, abs=1e-5)


def test_a_sparse_gate_keeps_the_largest_and_rescales_them() -> None:
    gate = sparse([0.2, 0.5, 0.3], top_k=2)._gate(torch.zeros(1, 2))
    assert gate.tolist()[0] == pytest.approx([0, 5 / 8, 3 / 8], abs=1e-6)


def test_the_balance_by_hand() -> None:
    model = sparse([0.5, 0.3, 0.2], top_k=2, balance=0.1)
    model(Z)
    # Half of the kept places each for the first two networks.
    assert model.auxiliary is not None
    assert model.auxiliary.item() == pytest.approx(0.1 * 3 * (0.5 * 0.5 + 0.5 * 0.3), abs=1e-6)


def test_the_balance_trains_the_gate_to_use_all_networks() -> None:
    torch.manual_seed(0)
    model = SparseMoEFusion([4, 4], 2, n_networks=4, top_k=1, balance=1.0)
    with torch.no_grad():
        model.router.bias[0] += 3.0  # all samples go to the first network
    z = [torch.randn(256, 4), torch.randn(256, 4)]
    optimizer = torch.optim.Adam(model.router.parameters(), lr=0.03)
    losses = []
    for _ in range(200):
        model(z)
        assert model.auxiliary is not None
        optimizer.zero_grad()
        model.auxiliary.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(model.auxiliary.detach()))
    assert losses[0] > 3
    assert losses[-1] < 1.2  # 1 is the least


def test_copies_do_not_hold_the_last_pass() -> None:
    model = sparse([0.5, 0.5], top_k=1)
    model(Z)
    assert copy.deepcopy(model).auxiliary is None
    assert model.auxiliary is not None


def test_more_networks_to_keep_than_there_are_is_refused() -> None:
    with pytest.raises(DataError, match=r"top_k is 3: expected an integer from 1 to 2"):
        SparseMoEFusion([1, 2], 1, n_networks=2, top_k=3)


@pytest.mark.parametrize("name", FUSIONS)
def test_axes_in_front_of_the_batch_are_passes(name: str) -> None:
    torch.manual_seed(0)
    model = make_fusion(name, (3, 2), 4)
    assert isinstance(model, Fusion)
    z = [torch.randn(5, 6, 3), torch.randn(5, 6, 2)]
    each = torch.stack([model([z_m[i] for z_m in z]) for i in range(5)])
    torch.testing.assert_close(model(z), each)


@pytest.mark.parametrize("name", FUSIONS)
def test_a_part_depends_on_its_own_modality_only(name: str) -> None:
    torch.manual_seed(0)
    model = make_fusion(name, (3, 2, 4), 5)
    assert isinstance(model, Fusion)
    z = [torch.randn(6, d) for d in (3, 2, 4)]
    before, after = model.parts(z), model.parts([z[0], z[1] + 1, z[2]])
    changed = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert changed == [False, True, False]


ADDITIVE = ("linear", "sum")

numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=2)


def excess(fusion: nn.Module, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> float:
    """Return the largest |f(a,b) + f(c,d) - f(a,d) - f(c,b)|: 0 for every additive f."""
    with torch.no_grad():
        return float(
            (fusion([a, b]) + fusion([c, d]) - fusion([a, d]) - fusion([c, b])).abs().max()
        )


@pytest.mark.parametrize("name", ADDITIVE)
@given(a=numbers, b=numbers, c=numbers, d=numbers, seed=st.integers(0, 100))
def test_linear_and_sum_are_additive_for_any_inputs_and_weights(
    name: str, a: list[float], b: list[float], c: list[float], d: list[float], seed: int
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = make_fusion(name, [2, 2], 3).double()
    inputs = [torch.tensor([x], dtype=torch.float64) for x in (a, b, c, d)]
    assert excess(model, *inputs) < 1e-9


@pytest.mark.parametrize("name", sorted(set(FUSIONS) - set(ADDITIVE)))
def test_the_others_are_not_additive(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make_fusion(name, [2, 2], 3).double()
        a, b, c, d = torch.randn(4, 50, 2, dtype=torch.float64)
    assert excess(model, a, b, c, d) > 0.05


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("dims", [(3, 2), (3, 2, 4), (1, 1, 1, 1)])
def test_every_modality_reaches_the_logits(name: str, dims: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    z = [torch.randn(5, d, requires_grad=True) for d in dims]
    logits = make_fusion(name, dims, 3)(z)
    assert logits.shape == (5, 3)
    logits.square().sum().backward()
    for z_m in z:
        assert z_m.grad is not None
        assert (z_m.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("name", FUSIONS)
def test_samples_do_not_see_each_other(name: str) -> None:
    torch.manual_seed(0)
    model = make_fusion(name, (3, 2, 4), 3)
    z = [torch.randn(6, d) for d in (3, 2, 4)]
    whole = model(z)
    each = torch.cat([model([z_m[i : i + 1] for z_m in z]) for i in range(6)])
    assert torch.allclose(whole, each, atol=1e-6)


@pytest.mark.parametrize("name", FUSIONS)
def test_one_modality_too_few_is_an_error(name: str) -> None:
    model = make_fusion(name, (3, 2, 4), 3)
    with pytest.raises((ValueError, RuntimeError)):
        model([torch.zeros(2, 3), torch.zeros(2, 2)])


def test_film_of_one_modality_is_refused() -> None:
    with pytest.raises(DataError, match="FiLM needs two or more modalities"):
        FiLMFusion([3], 2)


def test_an_unknown_name_gets_the_closest_one() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown fusion 'cncat'. Did you mean 'concat'"):
        make_fusion("cncat", [1, 1], 2)


def test_a_readers_own_class_is_called_on_dims_and_outputs() -> None:
    class Product(nn.Module):
        def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
            super().__init__()
            self.seen = (tuple(dims), n_outputs)

    model = make_fusion(Product, [3, 4], 5)
    assert isinstance(model, Product)
    assert model.seen == ((3, 4), 5)
