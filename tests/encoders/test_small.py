"""Encoders: which one a shape gets, what is asked of a reader's own."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.encoders import ConvSequenceEncoder, ImageEncoder, MLPEncoder, SequenceEncoder
from mmfuse_lib.encoders.registry import default_encoder, feature_dim, make_encoder
from mmfuse_lib.encoders.transforms import Pixels


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((5,), MLPEncoder),
        ((1, 8, 8), MLPEncoder),
        ((1, 10, 8), MLPEncoder),
        ((3, 15, 17), MLPEncoder),
        ((3, 16, 16), ImageEncoder),
        ((1, 8, 32), ImageEncoder),
        ((1, 28, 28), ImageEncoder),
        ((20, 6), ConvSequenceEncoder),
        ((3, 2), ConvSequenceEncoder),
        ((2, 3, 4, 5), MLPEncoder),
    ],
)
def test_the_default_is_chosen_by_shape_and_gives_vectors(
    shape: tuple[int, ...], kind: type[nn.Module]
) -> None:
    encoder = default_encoder(shape, 7)
    assert type(encoder) is kind
    z = encoder(torch.randn(4, *shape))
    assert z.shape == (4, 7)
    z.square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())
    assert feature_dim("x", encoder, shape) == 7


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_of_bytes_is_taken_as_its_pixels(channels: int) -> None:
    encoder = default_encoder((channels, 16, 16), 7).eval()
    images = torch.randint(0, 256, (4, channels, 16, 16), dtype=torch.uint8)
    assert torch.equal(encoder(images), encoder(Pixels()(images)))
    assert feature_dim("x", encoder, (channels, 16, 16), torch.uint8) == 7


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (ImageEncoder, (8, 8)),
        (SequenceEncoder, (5,)),
        (SequenceEncoder, (1, 2, 3)),
        (ConvSequenceEncoder, (5,)),
        (ConvSequenceEncoder, (1, 2, 3)),
    ],
)
def test_an_encoder_of_another_kind_of_input_says_what_it_expects(
    kind: Any, shape: tuple[int, ...]
) -> None:
    with pytest.raises(DataError, match=rf"{kind.__name__}: expected \(.*, got"):
        kind(shape, 4)


@pytest.mark.parametrize("kind", [SequenceEncoder, ConvSequenceEncoder])
@pytest.mark.parametrize("length", [1, 2, 6, 17])
def test_a_sequence_is_read_to_both_ends(kind: Any, length: int) -> None:
    torch.manual_seed(0)
    encoder = kind((length, 2), 3).eval()
    x = torch.randn(1, length, 2)
    for step in range(length):
        changed = x.clone()
        changed[0, step] += 1
        assert not torch.allclose(encoder(x), encoder(changed), atol=1e-4)


def test_the_steps_of_a_sequence_are_halved_while_more_than_its_parts_remain() -> None:
    """32 steps become 16, 8, 4; of 6 there are 3 left after the first, which stay."""
    for length, expected in ((32, [16, 8, 4]), (64, [32, 16, 8]), (6, [3, 3, 3]), (4, [4, 4, 4])):
        x, lengths = torch.randn(2, length, 3), []
        for layer in ConvSequenceEncoder((length, 3), 5, width=2):
            x = layer(x)
            if isinstance(layer, nn.Conv1d):
                lengths.append(x.shape[2])
        assert lengths == expected


def test_an_encoder_of_sequences_tells_their_order() -> None:
    """A bump early, then a dip late, against the reverse: the same values, in another order.

    Mean and spread over time are equal, so nothing that forgets the order learns it.
    """
    rng = torch.Generator().manual_seed(0)
    y = torch.randint(2, (600,), generator=rng)
    x = 0.3 * torch.randn(600, 24, 1, generator=rng)
    start = torch.randint(0, 4, (600,), generator=rng)
    sign = 2.0 * y - 1
    rows = torch.arange(600)
    for shift in range(4):
        x[rows, start + shift, 0] += sign
        x[rows, start + 14 + shift, 0] -= sign
    torch.manual_seed(0)
    model = nn.Sequential(make_encoder("conv_sequence", (24, 1), 8, width=8), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(model(x[:400]), y[:400]))
        optimizer.step()
    found = model.eval()(x[400:]).argmax(1)
    assert (found == y[400:]).float().mean() > 0.97


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_sequence_gets_the_same_vector_on_a_gpu() -> None:
    torch.manual_seed(0)
    encoder = ConvSequenceEncoder((20, 6), 5).eval()
    x = torch.randn(3, 20, 6)
    expected = encoder(x)
    found = encoder.cuda()(x.cuda())
    assert found.device.type == "cuda"
    assert torch.allclose(found.cpu(), expected, atol=1e-3)


class Returns(nn.Module):
    """An encoder that returns what it was made with."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Any:
        return self.value


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (torch.zeros(2), r"\(2,\)"),
        (torch.zeros(2, 3, 1), r"\(2, 3, 1\)"),
        (torch.zeros(3, 4), r"\(3, 4\)"),
        ((torch.zeros(2, 4), torch.zeros(2, 4)), "tuple"),
        (None, "NoneType"),
    ],
)
def test_an_encoder_that_returns_no_vectors_is_named(value: Any, got: str) -> None:
    message = rf"encoder of modality 'audio' returned {got} for 2 samples: expected \(2, dim\)"
    with pytest.raises(DataError, match=message):
        feature_dim("audio", Returns(value), (3,))


class Picky(nn.Module):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, x: Tensor) -> Tensor:
        raise self.error


@pytest.mark.parametrize(
    "encoder",
    [
        nn.Linear(4, 2),
        nn.Conv2d(1, 2, 3),
        nn.BatchNorm2d(3),
        nn.Embedding(3, 4),
        Picky(IndexError("index out of range")),
        Picky(AssertionError("expected a spectrogram")),
        Picky(TypeError("wrong type")),
    ],
    ids=lambda e: f"{type(e).__name__}-{type(getattr(e, 'error', None)).__name__}",
)
def test_an_encoder_that_cannot_take_the_input_is_named(encoder: nn.Module) -> None:
    message = r"the encoder of modality 'audio' cannot take samples of shape \(3,\)"
    with pytest.raises(DataError, match=message):
        feature_dim("audio", encoder, (3,))


@pytest.mark.parametrize("fails", [False, True])
def test_asking_for_the_length_changes_neither_modes_nor_statistics(fails: bool) -> None:
    norm, dropout = nn.BatchNorm1d(3), nn.Dropout()
    encoder = nn.Sequential(norm, nn.Sequential(dropout, nn.Linear(3, 2)))
    norm.eval()  # mixed modes: frozen statistics in a model that trains
    norm.running_mean = torch.tensor([1.0, 2.0, 3.0])
    before = {name: x.clone() for name, x in encoder.state_dict().items()}
    modes = [m.training for m in encoder.modules()]
    assert len(set(modes)) == 2
    if fails:
        with pytest.raises(DataError):
            feature_dim("a", encoder, (4,))
    else:
        assert feature_dim("a", encoder, (3,)) == 2
    assert [m.training for m in encoder.modules()] == modes
    for name, x in encoder.state_dict().items():
        assert torch.equal(x, before[name])


def test_asking_for_the_length_leaves_no_gradient() -> None:
    encoder = nn.Linear(3, 2)
    feature_dim("a", encoder, (3,))
    assert encoder.weight.grad is None


def test_an_image_encoder_averages_over_frames() -> None:
    torch.manual_seed(0)
    encoder = ImageEncoder((2, 3, 16, 16), dim=5, width=2).eval()
    frames = torch.randn(4, 2, 3, 16, 16)
    one_by_one = torch.stack([encoder(frames[:, k]) for k in range(2)]).mean(dim=0)
    assert torch.allclose(encoder(frames), one_by_one, atol=1e-6)
    with pytest.raises(DataError, match=r"expected .*frames.*, got \(16,\)"):
        ImageEncoder((16,), dim=5)
