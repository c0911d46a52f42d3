"""Digit pairs: the pixels are looked up in scikit-learn's images, so what they show is known."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest, chisquare
from sklearn.datasets import load_digits

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.data.synthetic.digit_pairs import label_table
from mmfuse_lib.information import mutual_information
from tests.support import leaves_no_random_trace

R, U1, U2, S = range(4)
Ints = NDArray[np.int64]

SMALL: dict[str, Any] = {"n_train": 600, "n_val": 200, "n_test": 200}
MIXED = {"R": 0.1, "U1": 0.2, "U2": 0.3, "S": 0.4}


def images_by_pixels() -> dict[bytes, int]:
    bunch = load_digits()
    keys = [(image / 16).astype(np.float32).tobytes() for image in bunch.images]
    assert len(set(keys)) == len(keys), "two scans with the same pixels"
    return dict(zip(keys, range(len(keys)), strict=True))


INDEX = images_by_pixels()
DIGIT: Ints = load_digits().target


def shown(split: MultimodalData, modality: str) -> Ints:
    """Return the index in load_digits() of each image of a modality."""
    images = split.inputs[modality][:, 0, :8].contiguous().numpy()
    return np.array([INDEX[image.tobytes()] for image in images])


@pytest.mark.parametrize("cue", [True, False])
@pytest.mark.parametrize("n_classes", [2, 4, 10])
def test_images_show_real_digits_that_make_the_label_by_the_rule_of_the_sample(
    n_classes: int, cue: bool
) -> None:
    for split in data.load("digit_pairs", seed=3, n_classes=n_classes, cue=cue, **SMALL):
        a, b = DIGIT[shown(split, "left")], DIGIT[shown(split, "right")]
        assert split.composition is not None
        kind, y = split.composition.numpy(), split.target.numpy()
        assert set(kind) == {R, U1, U2, S}
        assert set(a) == set(b) == set(y) == set(range(n_classes))
        expected = np.choose(kind, [a, a, b, (a + b) % n_classes])
        assert (y == expected).all()
        assert (a[kind == R] == b[kind == R]).all()
        assert (a[kind != R] != b[kind != R]).any()


def test_digits_and_labels_occur_as_often_as_the_label_table_says() -> None:
    train, _, _ = data.load("digit_pairs", seed=1, n_train=20_000, n_classes=3, composition=MIXED)
    a, b = DIGIT[shown(train, "left")], DIGIT[shown(train, "right")]
    assert train.composition is not None
    kind, table = train.composition.numpy(), train.label_table()
    counts = np.zeros(table.shape)
    np.add.at(counts, (3 * kind + a, 3 * kind + b, train.target.numpy()), 1)
    assert counts[table == 0].sum() == 0
    assert chisquare(counts[table > 0], len(train) * table[table > 0]).pvalue > 1e-3


def test_splits_share_no_image() -> None:
    splits = data.load("digit_pairs", seed=0, n_classes=10, n_train=4000, n_val=1500, n_test=1500)
    used = [set(shown(s, "left")) | set(shown(s, "right")) for s in splits]
    assert not used[0] & used[1]
    assert not used[0] & used[2]
    assert not used[1] & used[2]
    for images, share in zip(used, (0.6, 0.2, 0.2), strict=True):
        assert len(images) == pytest.approx(share * 1797, rel=0.03), "images are left unused"


def test_composition_has_the_shares_asked_for() -> None:
    for split in data.load("digit_pairs", composition=MIXED, n_train=5000, n_val=900, n_test=900):
        assert split.composition is not None
        counts = np.bincount(split.composition.numpy(), minlength=4)
        for count, share in zip(counts, MIXED.values(), strict=True):
            assert binomtest(int(count), len(split), share).pvalue > 1e-3


@pytest.mark.parametrize("kind", ["R", "U1", "U2", "S"])
def test_a_pure_composition_has_one_kind_only(kind: str) -> None:
    train, _, _ = data.load("digit_pairs", composition={kind: 1.0}, **SMALL)
    assert train.composition is not None
    assert set(train.composition.tolist()) == {data.INTERACTIONS.index(kind)}


def test_the_cue_is_one_white_block_of_four_that_names_the_kind_under_both_images() -> None:
    train, _, _ = data.load("digit_pairs", **SMALL)
    assert train.composition is not None
    for x in train.inputs.values():
        assert x.shape[1:] == (1, 10, 8)
        rows = x[:, 0, 8:]
        blocks = rows.reshape(-1, 2, 4, 2).amax(dim=(1, 3))
        assert torch.equal(blocks, rows.reshape(-1, 2, 4, 2).amin(dim=(1, 3))), "not whole blocks"
        assert torch.equal(blocks, torch.eye(4)[train.composition])


def test_without_the_cue_the_same_images_come_without_the_two_rows() -> None:
    with_cue, without = (data.load("digit_pairs", cue=c, **SMALL)[0] for c in (True, False))
    assert torch.equal(with_cue.target, without.target)
    for name, x in without.inputs.items():
        assert x.shape[1:] == (1, 8, 8)
        assert torch.equal(x, with_cue.inputs[name][:, :, :8])


@pytest.mark.parametrize(("noisy", "clean"), [("left", "right"), ("right", "left")])
def test_noise_blurs_one_modality_and_leaves_cue_labels_and_the_other_alone(
    noisy: str, clean: str
) -> None:
    plain, blurred = (
        data.load("digit_pairs", noise=n, **SMALL)[0] for n in ({noisy: 0.0}, {noisy: 0.5})
    )
    assert torch.equal(plain.target, blurred.target)
    assert plain.composition is not None
    assert blurred.composition is not None
    assert torch.equal(plain.composition, blurred.composition)
    assert torch.equal(plain.inputs[clean], blurred.inputs[clean])
    assert torch.equal(plain.inputs[noisy][:, :, 8:], blurred.inputs[noisy][:, :, 8:])
    difference = (blurred.inputs[noisy] - plain.inputs[noisy])[:, :, :8]
    assert difference.mean() == pytest.approx(0, abs=0.01)
    assert difference.std() == pytest.approx(0.5, rel=0.02)
    np.testing.assert_array_equal(plain.label_table(), blurred.label_table())


def test_pixels_without_noise_are_between_zero_and_one() -> None:
    for split in data.load("digit_pairs", **SMALL):
        for x in split.inputs.values():
            assert x.min() == 0
            assert x.max() == 1


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data() -> None:
    one, again, other = (data.load("digit_pairs", seed=s, **SMALL) for s in (5, 5, 6))
    for a, b, c in zip(one, again, other, strict=True):
        assert torch.equal(a.target, b.target)
        assert not torch.equal(a.target, c.target)
        for name in a.inputs:
            assert torch.equal(a.inputs[name], b.inputs[name])
            assert not torch.equal(a.inputs[name], c.inputs[name])


def test_sizes_of_other_splits_do_not_change_a_split() -> None:
    small = data.load("digit_pairs", seed=0, n_train=50, n_val=60, n_test=70)
    large = data.load("digit_pairs", seed=0, n_train=500, n_val=600, n_test=70)
    assert [len(s) for s in small] == [50, 60, 70]
    assert torch.equal(small[2].inputs["left"], large[2].inputs["left"])


def test_loading_leaves_the_global_random_states_alone() -> None:
    assert leaves_no_random_trace(lambda: data.load("digit_pairs", noise={"left": 0.1}, **SMALL))


def test_modalities_classes_and_order() -> None:
    train, _, _ = data.load("digit_pairs", n_classes=3, **SMALL)
    assert train.modalities == ("left", "right")
    assert train.class_names == ("0", "1", "2")
    assert train.target.dtype == torch.int64


@pytest.mark.parametrize("n_classes", [2, 4, 10])
@pytest.mark.parametrize("composition", [None, MIXED, {"U2": 1.0}, {"R": 0.5, "S": 0.5}])
def test_informations_with_the_cue_are_the_shares_that_the_docstring_gives(
    n_classes: int, composition: dict[str, float] | None
) -> None:
    p = label_table(n_classes=n_classes, composition=composition)
    w = dict.fromkeys(MIXED, 0.25) if composition is None else dict.fromkeys(MIXED, 0) | composition
    unit = np.log2(n_classes)
    first, second = mutual_information(p.sum(axis=1)), mutual_information(p.sum(axis=0))
    assert first == pytest.approx((w["R"] + w["U1"]) * unit, abs=1e-12)
    assert second == pytest.approx((w["R"] + w["U2"]) * unit, abs=1e-12)
    assert mutual_information(p) == pytest.approx(unit, abs=1e-12)


@pytest.mark.parametrize("n_classes", [2, 4, 10])
@pytest.mark.parametrize("composition", [None, MIXED])
def test_without_the_cue_a_mixture_tells_less_in_all_three_informations(
    n_classes: int, composition: dict[str, float] | None
) -> None:
    for axes in ((0,), (1,), (0, 1)):
        with_cue, without = (
            mutual_information(
                label_table(n_classes=n_classes, cue=c, composition=composition), axes
            )
            for c in (True, False)
        )
        assert without < with_cue - 0.01


def test_the_data_carry_the_table_of_their_options_and_hand_out_copies() -> None:
    train, val, test = data.load("digit_pairs", n_classes=3, cue=False, composition=MIXED, **SMALL)
    expected = label_table(n_classes=3, cue=False, composition=MIXED)
    for split in (train, val, test, train[:5]):
        np.testing.assert_array_equal(split.label_table(), expected)
    train.label_table()[:] = 0
    np.testing.assert_array_equal(train.label_table(), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_classes": 1}, "n_classes is 1.*integer from 2 to 10"),
        ({"n_classes": 11}, "n_classes is 11.*integer from 2 to 10"),
        ({"n_classes": 2.5}, r"n_classes is 2\.5.*integer from 2 to 10"),
        ({"n_classes": "4"}, "n_classes is '4'.*integer from 2 to 10"),
        ({"n_train": 0}, "n_train is 0"),
        ({"n_val": 0}, "n_val is 0"),
        ({"n_test": -3}, "n_test is -3"),
        ({"n_train": 10.5}, r"n_train is 10\.5"),
        ({"n_train": float("nan")}, "n_train is nan"),
        ({"noise": {"left": -0.1}}, r"noise of 'left' is -0\.1"),
        ({"noise": {"right": float("nan")}}, "noise of 'right' is nan"),
        ({"noise": {"right": float("inf")}}, "noise of 'right' is inf"),
        ({"noise": {"right": "0.5"}}, "noise of 'right' is '0.5': expected a number"),
        ({"composition": {"R": "all"}}, "share of R is 'all': expected a number"),
        ({"noise": 0.5}, "noise is 0.5: expected a mapping"),
        ({"composition": {"R": 0.5}}, r"sums to 0\.5: expected 1"),
        ({"composition": {"R": 1.5, "S": -0.5}}, "share of S is -0.5"),
        ({"composition": {"R": float("nan"), "S": 1}}, "share of R is nan"),
        ({"composition": [0.25] * 4}, "composition.*expected a mapping"),
    ],
)
def test_options_that_cannot_be_used_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        data.load("digit_pairs", **options)


def test_noise_on_an_unknown_modality_gets_the_closest_name() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown modality 'lef'.*Did you mean 'left'"):
        data.load("digit_pairs", noise={"lef": 0.1})


def test_numpy_integers_are_integers() -> None:
    train, _, _ = data.load("digit_pairs", n_classes=np.int64(3), n_train=np.int64(30))
    assert (len(train), train.n_classes) == (30, 3)
