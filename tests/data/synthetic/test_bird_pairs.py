"""Birds with planted interactions: real features, exact truth, no bird in two splits."""

import os
from typing import Any

import numpy as np
import pytest
import torch

from mmfuse_lib import data
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.data.synthetic import bird_pairs, digit_pairs
from mmfuse_lib.data.synthetic.labels import CueIn

needs_arrays = pytest.mark.skipif(
    not os.environ.get("MMFUSE_DATA_DIR"), reason="needs the prepared arrays"
)

SIZES: dict[str, Any] = {"n_train": 300, "n_val": 100, "n_test": 200}


def birds(split: MultimodalData, name: str, width: int) -> set[bytes]:
    return {row.numpy().tobytes() for row in split.inputs[name][:, :width]}


@needs_arrays
def test_no_bird_is_in_two_splits_and_all_are_real() -> None:
    splits = bird_pairs.load(0, n_classes=3, **SIZES)
    real = data.load("cub_image_text", seed=0)
    for name, width in (("image", 1024), ("text", 300)):
        shown = [birds(split, name, width) for split in splits]
        assert not shown[0] & shown[1]
        assert not shown[0] & shown[2]
        assert not shown[1] & shown[2]
        for one, other in zip(shown, real, strict=True):
            assert one <= birds(other, name, width)


@needs_arrays
def test_labels_and_kinds_follow_those_of_digit_pairs() -> None:
    ours = bird_pairs.load(3, n_classes=4, **SIZES)[2]
    digits = digit_pairs.load(3, n_classes=4, **SIZES)[2]
    np.testing.assert_array_equal(ours.label_table(), digits.label_table())
    assert ours.composition is not None
    assert set(ours.composition.tolist()) == {0, 1, 2, 3}


@needs_arrays
@pytest.mark.parametrize("cue_in", ["both", "first"])
def test_the_cue_names_the_interaction(cue_in: CueIn) -> None:
    test = bird_pairs.load(0, cue_in=cue_in, **SIZES)[2]
    image, text = test.inputs["image"], test.inputs["text"]
    assert image.shape[1] == 1024 + 4 * 64
    assert text.shape[1] == 300 + (4 * 18 if cue_in == "both" else 0)
    named = image[:, 1024:].reshape(-1, 4, 64)
    assert test.composition is not None
    assert torch.equal(named.mean(dim=2).argmax(dim=1), test.composition)
    assert torch.equal(named.sum(dim=(1, 2)), torch.full((len(test),), 64.0))
