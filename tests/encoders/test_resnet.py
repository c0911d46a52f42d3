"""ResNet-18: its size and start, its blocks by hand, frames, bytes."""

import math

import pytest
import torch
from torch import nn

from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.encoders.registry import default_encoder, feature_dim, make_encoder
from mmfuse_lib.encoders.resnet import ResidualBlock, ResNet18Encoder
from mmfuse_lib.encoders.transforms import Augmented, RandomResizedCrop


def test_it_has_as_many_parameters_as_the_published_network() -> None:
    # Counted by hand, batch normalisation with two numbers a channel c, written 2c:
    # stem 3*64*49 + 2*64; a block c -> c: 2 * (9cc + 2c); a block c -> 2c: 9*c*2c + 9*2c*2c for
    # the convolutions, c*2c for the shortcut, three normalisations of 2*2c.
    stem = 3 * 64 * 49 + 2 * 64

    def same(c: int) -> int:
        return 2 * (9 * c * c + 2 * c)

    def wider(c: int) -> int:
        return 9 * c * 2 * c + 9 * 4 * c * c + 2 * c * c + 3 * 4 * c

    by_hand = stem + 2 * same(64) + wider(64) + same(128) + wider(128) + same(256) + wider(256)
    by_hand += same(512)
    encoder = ResNet18Encoder((3, 64, 64))
    assert sum(p.numel() for p in encoder.parameters()) == by_hand == 11_176_512


@pytest.mark.parametrize("shape", [(1, 257, 299), (3, 64, 48), (2, 3, 40, 40), (3, 2, 33, 33)])
@pytest.mark.parametrize("dim", [512, 20])
def test_images_spectrograms_and_frames_become_vectors(shape: tuple[int, ...], dim: int) -> None:
    assert feature_dim("x", ResNet18Encoder(shape, dim), shape) == dim


@pytest.mark.parametrize("shape", [(5,), (20, 6), (1, 2, 3, 8, 8)])
def test_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"ResNet18Encoder: expected \(.*, got"):
        ResNet18Encoder(shape)


def test_convolutions_start_with_the_variance_of_he_et_al() -> None:
    torch.manual_seed(0)
    for module in ResNet18Encoder((3, 64, 64)).modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            expected = math.sqrt(2 / fan_out)
            assert float(module.weight.detach().std()) == pytest.approx(expected, rel=0.05)


def test_a_block_whose_residual_is_zero_passes_what_is_positive() -> None:
    block = ResidualBlock(4, 4).eval()
    last = block.residual[-1]
    assert isinstance(last, nn.BatchNorm2d)
    nn.init.zeros_(last.weight)
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(block(x), x.clamp(min=0))
    assert ResidualBlock(4, 8, stride=2)(x).shape == (2, 8, 3, 3)


def test_the_features_of_frames_are_the_mean_over_the_frames() -> None:
    torch.manual_seed(0)
    encoder = ResNet18Encoder((3, 3, 40, 40), 7).eval()
    frames = torch.randn(2, 3, 3, 40, 40)
    alone = torch.stack([encoder(frames[:, t : t + 1]) for t in range(3)]).mean(0)
    assert torch.allclose(encoder(frames), alone, atol=1e-5)


def test_without_gradient_many_images_pass_in_parts_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    encoder = ResNet18Encoder((1, 20, 20)).eval()
    x = torch.randn(7, 1, 20, 20)
    whole = encoder(x).detach()
    sizes = []
    encoder.stem.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    monkeypatch.setattr("mmfuse_lib.encoders.resnet.IMAGES_AT_ONCE", 3)
    with torch.no_grad():
        parts = encoder(x)
    assert sizes == [3, 3, 1]
    assert torch.allclose(parts, whole, atol=1e-5)


def test_bytes_are_standardised_as_imagenet_is() -> None:
    encoder = ResNet18Encoder((3, 40, 40)).eval()
    pixels = torch.randint(256, (2, 3, 40, 40), dtype=torch.uint8)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    numbers = (pixels.float() / 255 - mean) / std
    assert torch.allclose(encoder(pixels), encoder(numbers), atol=1e-4)


def test_bytes_of_flow_have_two_channels_a_frame_and_are_divided_by_255() -> None:
    encoder = default_encoder((3, 2, 40, 40), 12).eval()
    assert isinstance(encoder, ResNet18Encoder)
    flow = torch.randint(256, (2, 3, 2, 40, 40), dtype=torch.uint8)
    z = encoder(flow)
    assert z.shape == (2, 12)
    assert torch.allclose(z, encoder(flow.float() / 255), atol=1e-4)


def test_frames_that_are_no_small_images_get_it_by_default_and_by_name() -> None:
    assert isinstance(default_encoder((2, 3, 32, 32), 16), ResNet18Encoder)
    assert isinstance(make_encoder("resnet18", (3, 32, 32), 16), ResNet18Encoder)
    with pytest.raises(UnknownNameError, match="Did you mean 'resnet18'"):
        make_encoder("resnet", (3, 32, 32), 16)
    with pytest.raises(UnknownNameError, match=r"option of encoder 'mlp'.*Did you mean 'hidden'"):
        make_encoder("mlp", (3,), 16, hiden=3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_with_half_precision() -> None:
    encoder = Augmented(ResNet18Encoder((2, 3, 40, 40), 8), RandomResizedCrop()).cuda()
    pixels = torch.randint(256, (4, 2, 3, 40, 40), dtype=torch.uint8, device="cuda")
    with torch.autocast("cuda", dtype=torch.float16):
        z = encoder(pixels)
    z.float().square().sum().backward()
    assert z.shape == (4, 8)
    assert all(p.grad is not None and p.grad.is_cuda for p in encoder.parameters())
