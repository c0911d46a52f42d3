"""Augmentation: in training only, in front of every encoder; crops, noise, bytes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmfuse_lib import data, evaluate, fit, methods
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.encoders import make_encoder
from mmfuse_lib.encoders.resnet import ResNet18Encoder
from mmfuse_lib.encoders.small import MLPEncoder
from mmfuse_lib.encoders.transforms import Augmented, Noise, Pixels, RandomResizedCrop
from mmfuse_lib.methods import JointFusion
from tests.support import noisy_encoder, same, weights, xor


def ramp(n: int, size: int = 32) -> torch.Tensor:
    """Images whose two channels show the coordinates x and y from -1 to 1 (pixel centres)."""
    line = (torch.arange(size) * 2 + 1) / size - 1
    x, y = line.expand(size, size), line[:, None].expand(size, size)
    return torch.stack([x, y]).expand(n, 2, size, size)


def test_a_crop_shows_a_part_of_the_image_straight_and_in_range() -> None:
    torch.manual_seed(0)
    images = ramp(500)
    cropped = RandomResizedCrop()(images)
    assert cropped.shape == images.shape
    inner = cropped[..., 4:-4, 4:-4]  # at the border half a pixel is repeated
    across = inner[:, 0].diff(dim=2).mean(dim=(1, 2)) / (2 / 32)
    down = inner[:, 1].diff(dim=1).mean(dim=(1, 2)) / (2 / 32)
    assert inner[:, 0].diff(dim=1).abs().max() < 1e-4, "x changes downwards: the crop is turned"
    area = across.abs() * down
    assert 0.05 < area.min() < 0.12
    assert 0.85 < area.max() <= 1.01
    ratio = across.abs() / down
    free = (across.abs() < 0.99) & (down < 0.99)  # the others touch the border
    assert ratio[free].min() > 0.74
    assert ratio[free].max() < 1.34
    assert (across < 0).float().mean() == pytest.approx(0.5, abs=0.08)
    assert cropped.abs().max() <= 1


def test_each_image_has_its_own_crop_and_so_has_each_frame() -> None:
    torch.manual_seed(0)
    crop, images = RandomResizedCrop(), ramp(6)
    cropped = crop(images)
    assert len({tuple(image.flatten().tolist()) for image in cropped}) == 6
    torch.manual_seed(0)
    assert torch.equal(crop(images.view(2, 3, 2, 32, 32)).flatten(0, 1), cropped)


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 50)
    added = Noise(std=0.3)(x) - x
    assert float(added.std()) == pytest.approx(0.3, rel=0.02)
    assert float(added.mean()) == pytest.approx(0, abs=0.01)


def test_bytes_become_numbers_and_numbers_pass() -> None:
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    by_hand = [(0 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert torch.allclose(Pixels()(pixels).flatten(), torch.tensor(by_hand))
    two = torch.tensor([51, 255], dtype=torch.uint8)
    assert torch.allclose(Pixels()(two.view(1, 2, 1, 1)).flatten(), torch.tensor([0.2, 1.0]))
    assert torch.allclose(Pixels()(two.view(1, 2)), torch.tensor([[0.2, 1.0]]))
    numbers = torch.randn(2, 3, 4, 4)
    assert Pixels()(numbers) is numbers


ENCODERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "mlp": ({"name": "mlp", "augment": "noise"}, (5,)),
    "image": ({"name": "image", "augment": "crop"}, (2, 16, 16)),
    "sequence": ({"name": "sequence", "augment": {"name": "noise", "std": 0.5}}, (6, 3)),
    "conv_sequence": ({"name": "conv_sequence", "augment": "noise"}, (6, 3)),
    "resnet18": ({"name": "resnet18", "augment": True}, (2, 3, 20, 20)),
}


@pytest.mark.parametrize(("chosen", "shape"), ENCODERS.values(), ids=ENCODERS)
def test_every_encoder_sees_other_samples_in_training_and_the_samples_themselves_else(
    chosen: dict[str, Any], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    encoder = make_encoder(chosen, shape, 8)
    assert isinstance(encoder, Augmented)
    seen: list[Tensor] = []
    encoder.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.randn(4, *shape)
    assert encoder(x).shape == (4, 8)
    encoder(x)
    encoder.eval()(x)
    assert [s.shape for s in seen] == 3 * [x.shape]
    assert not torch.equal(seen[0], x)
    assert not torch.equal(seen[0], seen[1])
    assert seen[2] is x


def test_it_has_the_weights_of_the_encoder_alone() -> None:
    torch.manual_seed(0)
    alone = make_encoder("resnet18", (3, 20, 20), 8)
    torch.manual_seed(0)
    encoder = make_encoder("resnet18", (3, 20, 20), 8, augment=True)
    assert isinstance(encoder, Augmented)
    assert same(weights(encoder.encoder), weights(alone))
    assert all(name.startswith("encoder.") for name in encoder.state_dict())


def test_bytes_are_the_same_numbers_in_training_and_in_eval_mode() -> None:
    encoder = Augmented(ResNet18Encoder((3, 20, 20), 8), nn.Identity())
    pixels = torch.randint(256, (4, 3, 20, 20), dtype=torch.uint8)
    for module in encoder.encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0  # the running statistics stay; training uses those of the batch
    assert torch.equal(encoder(pixels), encoder.encoder(pixels))
    with torch.no_grad():
        assert torch.equal(encoder.eval()(pixels), encoder.encoder(pixels))


def test_a_readers_encoder_and_a_readers_function_do() -> None:
    train, test = xor(80), xor(40, seed=1)
    seen = []

    def flipped(x: Tensor) -> Tensor:
        seen.append(len(x))
        return x.flip(0)

    own = {"a": Augmented(noisy_encoder(), flipped)}
    model = JointFusion.for_data(train, encoders=own, seed=0)
    assert seen == []
    fit(model, train, test, epochs=2, batch_size=40, progress=False)
    assert seen == [40, 40, 40, 40], "it saw the validation data, or not the training data"
    evaluate(model, test)
    assert len(seen) == 4


def test_where_the_encoder_is_frozen_there_is_nothing_to_augment_for() -> None:
    train = xor(40)
    encoder = Augmented(MLPEncoder((3,), 4), Noise(100.0)).requires_grad_(False)
    modes = []
    encoder.register_forward_pre_hook(lambda module, inputs: modes.append(module.training))
    fit(
        JointFusion.for_data(train, encoders={"a": encoder}, seed=0),
        train,
        epochs=1,
        progress=False,
    )
    assert not any(modes)


def test_training_with_it_is_a_function_of_the_seed_and_differs_from_training_without() -> None:
    train = data.from_arrays(
        {"a": np.random.default_rng(0).random((40, 2, 12, 12)), "b": np.zeros((40, 3))},
        np.arange(40) % 2,
    )

    def trained(**options: Any) -> dict[str, Tensor]:
        encoders = {"a": {"name": "image", **options}}
        model = methods.JointFusion.for_data(train, encoders=encoders, seed=0)
        fit(model, train, epochs=2, seed=3, progress=False)
        return {name.replace("encoder.", ""): x for name, x in weights(model).items()}

    assert same(trained(augment="crop"), trained(augment=True))
    assert not same(trained(augment="crop"), trained())
    assert same(trained(augment=False), trained())


def test_an_unknown_name_or_option_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match=r"augmentation 'nose'.*Did you mean 'noise'"):
        make_encoder("mlp", (3,), 4, augment="nose")
    with pytest.raises(UnknownNameError, match=r"option of augmentation 'noise'.*mean 'std'"):
        make_encoder("mlp", (3,), 4, augment={"name": "noise", "sd": 1})


def test_a_crop_of_what_is_no_image_is_refused_when_it_is_built() -> None:
    with pytest.raises(DataError, match=r"'crop' takes images, not samples of shape \(6, 3\)"):
        make_encoder("conv_sequence", (6, 3), 4, augment=True)
