"""`MultimodalData` from a reader's own arrays: what is taken, how, and what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmfuse_lib import fit, methods
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import MultimodalData, check_trainable, from_arrays

A = np.arange(12.0).reshape(4, 3)
Y = [0, 1, 0, 1]


def make(n: int) -> MultimodalData:
    x = np.arange(n, dtype=np.float64)[:, None]
    return from_arrays({"a": x, "b": -x}, np.arange(n) % 2, composition=np.arange(n) % 4)


@pytest.mark.parametrize(
    "array",
    [
        A,
        A.astype(np.float32),
        A.astype(np.float16),
        A.astype(np.int64),
        A.astype(np.uint8),
        A.astype(np.uint16),
        A.astype(">f4"),
        A.astype(np.longdouble),
        A[:, ::-1][:, ::-1],
        np.asfortranarray(A),
        A.tolist(),
        torch.tensor(A),
        torch.tensor(A).to(torch.bfloat16),
        torch.tensor(A).requires_grad_(),
        pd.DataFrame(A),
    ],
    ids=lambda a: f"{type(a).__name__}-{getattr(a, 'dtype', '')}",
)
def test_numbers_of_any_kind_become_float32_with_the_same_values(array: Any) -> None:
    x = from_arrays({"a": array}, Y).inputs["a"]
    assert x.dtype == torch.float32
    assert not x.requires_grad
    assert torch.equal(x, torch.tensor(A, dtype=torch.float32))


def test_an_array_with_negative_strides_keeps_its_order() -> None:
    flipped = from_arrays({"a": A[::-1, ::-1]}, Y).inputs["a"]
    assert flipped[0].tolist() == [11, 10, 9]


def test_images_of_uint8_keep_their_scale() -> None:
    images = np.full((4, 3, 5, 6), 255, dtype=np.uint8)
    mine = from_arrays({"image": images}, Y)
    assert mine.shapes == {"image": (3, 5, 6)}
    assert (mine.inputs["image"] == 255).all()


@pytest.mark.parametrize("as_tensor", [True, False])
def test_the_readers_arrays_are_copied_not_aliased(as_tensor: bool) -> None:
    x, y, kind = A.astype(np.float32), np.array(Y), np.array([0, 1, 2, 3])
    arrays: list[Any] = [torch.from_numpy(v) for v in (x, y, kind)] if as_tensor else [x, y, kind]
    mine = from_arrays({"a": arrays[0]}, arrays[1], composition=arrays[2])
    x[:] = -1
    y[:] = 1
    kind[:] = 3
    assert mine.inputs["a"][0].tolist() == [0, 1, 2]
    assert mine.target.tolist() == Y
    assert mine.composition is not None
    assert mine.composition.tolist() == [0, 1, 2, 3]


def test_the_order_of_modalities_is_the_order_given() -> None:
    mine = from_arrays({"video": A, "audio": A[:, :2], "eeg": A[:, :1]}, Y)
    assert mine.modalities == ("video", "audio", "eeg")
    assert mine.shapes == {"video": (3,), "audio": (2,), "eeg": (1,)}


@pytest.mark.parametrize(
    ("target", "expected", "names"),
    [
        ([0, 1, 0, 1], [0, 1, 0, 1], ("0", "1")),
        (["dog", "cat", "dog", "ant"], [2, 1, 2, 0], ("ant", "cat", "dog")),
        ([-1, 1, -1, 1], [0, 1, 0, 1], ("-1", "1")),
        ([10, 7, 7, 30], [1, 0, 0, 2], ("7", "10", "30")),
        ([True, False, True, True], [1, 0, 1, 1], ("False", "True")),
        (np.array([3, 4, 3, 4], dtype=np.uint8), [0, 1, 0, 1], ("3", "4")),
        (torch.tensor([1, 0, 1, 0]), [1, 0, 1, 0], ("0", "1")),
        (pd.Series(["x", "y", "x", "y"]), [0, 1, 0, 1], ("x", "y")),
        (pd.Series(["y", "x", "x", "y"], dtype="category"), [1, 0, 0, 1], ("x", "y")),
        (np.array(["b", "a", "b", "a"], dtype=object), [1, 0, 1, 0], ("a", "b")),
        (np.array([b"b", b"a", b"b", b"\xc3\xa4"]), [1, 0, 1, 2], ("a", "b", "ä")),
        ([b"b", b"a", b"b", b"a"], [1, 0, 1, 0], ("a", "b")),
        (pd.Series([7, 5, 5, 7], dtype="Int64"), [1, 0, 0, 1], ("5", "7")),
        (pd.array([7, 5, 5, 7], dtype="Int16"), [1, 0, 0, 1], ("5", "7")),
        (pd.Series([True, False, True, True], dtype="boolean"), [1, 0, 1, 1], ("False", "True")),
        (pd.Series([2.5, 1.0, 1.0, 2.5], dtype="category"), [1, 0, 0, 1], ("1.0", "2.5")),
        (np.array([2**64 - 1, 0, 0, 1], dtype=np.uint64), [2, 0, 0, 1], ("0", "1", str(2**64 - 1))),
        (np.array([3, 4, 3, 4], dtype=">i4"), [0, 1, 0, 1], ("3", "4")),
    ],
)
def test_labels_become_indices_of_classes_in_sorted_order(
    target: Any, expected: list[int], names: tuple[str, ...]
) -> None:
    mine = from_arrays({"a": A}, target)
    assert mine.task == "classification"
    assert mine.target.dtype == torch.int64
    assert mine.target.tolist() == expected
    assert mine.class_names == names
    assert mine.n_classes == len(names)


def test_class_names_may_hold_classes_that_do_not_occur() -> None:
    mine = from_arrays({"a": A}, [0, 2, 0, 2], class_names=("x", "y", "z"))
    assert mine.target.tolist() == [0, 2, 0, 2]
    assert mine.n_classes == 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_float_targets_make_regression(dtype: Any) -> None:
    mine = from_arrays({"a": A}, np.array([0.5, 1, 2, -1], dtype=dtype)[::-1])
    assert mine.task == "regression"
    assert mine.n_classes == 0
    assert mine.target.dtype == torch.float32
    assert mine.target.tolist() == [-1, 2, 1, 0.5]


def test_a_bfloat16_target_makes_regression() -> None:
    mine = from_arrays({"a": A}, torch.tensor([0.5, 1, 2, -1], dtype=torch.bfloat16))
    assert mine.target.tolist() == [0.5, 1, 2, -1]


NAN = np.where(A == 7, np.nan, A)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "non-empty mapping"),
        ([A, A], "non-empty mapping"),
        (A, "non-empty mapping"),
        ({"a": A, "b": A[:3]}, "modality 'b' has 3 samples but there are 4 labels"),
        ({"a": A, "b": NAN}, r"modality 'b' has NaN or infinite values \(first in sample 2\)"),
        ({"b": np.where(A == 0, np.inf, A)}, r"modality 'b' has NaN .*sample 0"),
        ({"b": np.where(A == 6, 1e200, A)}, r"modality 'b' .* exceed .* 3\.4e\+38 .*sample 2"),
        (
            {"b": torch.tensor(np.where(A == 6, -1e200, A))},
            r"'b' .* exceed .* 3\.4e\+38 .*sample 2",
        ),
        ({"b": np.where(A == 6, np.nan, np.where(A == 8, 1e200, A))}, r"'b' has NaN .*sample 2"),
        ({"b": np.full((4, 2), 10**39, dtype=object)}, "modality 'b' .*expected real numbers"),
        ({"b": torch.eye(4).to_sparse()}, "modality 'b' is a tensor of torch.sparse_coo"),
        ({"b": torch.ones(4, 3, device="meta")}, "modality 'b' is a tensor .* on meta"),
        ({"b": np.ones((4, 2)) + 1e-12 * A[:, :2]}, "modality 'b' varies, but by too little"),
        ({"b": 1e-60 * A}, "modality 'b' varies, but by too little"),
        ({"b": torch.tensor(1e-60 * A)}, "modality 'b' varies, but by too little"),
        ({"a": A, 1: A, "1": A}, "two modalities of .* have the same name"),
        ({"b": A + 1j}, "modality 'b' .*expected real numbers"),
        ({"b": torch.tensor(A + 1j)}, "modality 'b' .*expected real numbers"),
        ({"b": A.astype(str)}, "modality 'b' .*expected real numbers"),
        ({"b": A.astype(object)}, "modality 'b' .*expected real numbers"),
        ({"b": [[1], [1, 2], [3], [4]]}, "modality 'b'"),
        ({"b": A[:, 0]}, r"modality 'b' has shape \(4,\).*at least two axes"),
        ({"b": 3.0}, "modality 'b' has shape"),
        ({"b": A[:, :0]}, "modality 'b' has an empty axis"),
    ],
)
def test_inputs_that_cannot_be_used_are_named(inputs: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays(inputs, Y)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.eye(4), r"target has shape \(4, 4\)"),
        (np.zeros((4, 1)), r"target has shape \(4, 1\)"),
        (3, r"target has shape \(\)"),
        ([0.0, 1.0, np.nan, 1.0], "target has NaN"),
        ([0.0, 1.0, np.inf, 1.0], "target has NaN or infinite"),
        ([0.0, 1.0, 1e300, 1.0], "target has values that exceed .*sample 2"),
        (1e9 + 1e-3 * np.arange(4), "target varies, but by too little"),
        (np.array([1j, 0, 1, 0]), "target has dtype complex"),
        (np.array([2, 0, 1, 0], dtype=object), "target has dtype object"),
        (np.array([None, 0, 1, 0]), r"target has a missing value \(first in sample 0\)"),
        (np.array(["a", None, "b", "a"], dtype=object), r"missing value .*sample 1"),
        (["a", "b", np.nan, "b"], r"target has a missing value \(first in sample 2\)"),
        (("a", "b", None, "b"), r"target has a missing value \(first in sample 2\)"),
        (pd.Series(["a", np.nan, "b", "b"]), r"target has a missing value .*sample 1"),
        (pd.Series([1, None, 0, 1], dtype="Int64"), r"target has NaN .*sample 1"),
        (pd.Series([True, None, False, True], dtype="boolean"), r"target has NaN .*sample 1"),
        (pd.Categorical(["a", None, "b", "b"]), r"target has a missing value .*sample 1"),
        (pd.Categorical([1, None, 2, 2]), r"target has a missing value .*sample 1"),
        ([1, "1", 2, "2"], "target has dtype object"),
        (np.array([b"\xff", b"a", b"a", b"a"]), "target holds bytes that are no text"),
        (pd.date_range("2026-01-01", periods=4), "target has dtype datetime64"),
        (pd.MultiIndex.from_product([[0, 1], [0, 1]]), "target has dtype object"),
        (torch.ones(4).to_sparse(), "target is a tensor of torch.sparse_coo"),
        (torch.ones(4, device="meta"), "target is a tensor .* on meta"),
        (np.array([1, 2, 3, 4], dtype="m8[s]"), "target has dtype timedelta64"),
        ([[0], [0, 1], [1], [1]], "target"),
        (np.ones((4, 1), dtype=int), r"target has shape \(4, 1\)"),
        (2 * np.eye(4, dtype=int), "must hold 0 and 1 only"),
        (np.ones((4, 2, 2), dtype=int), r"target has shape \(4, 2, 2\)"),
        (np.eye(4, dtype=int)[:3], "has 4 samples but there are 3 labels"),
    ],
)
def test_targets_that_cannot_be_used_are_refused(target: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays({"a": A}, target)


@pytest.mark.parametrize(
    "target", [[0, 1, 2, 3], [-1, 0, 1, 1], ["x", "y", "x", "y"], [0, 1, 0, 99]]
)
def test_targets_that_do_not_index_the_class_names_are_refused(target: Any) -> None:
    with pytest.raises(DataError, match="do not index the 3 class_names"):
        from_arrays({"a": A}, target, class_names=("x", "y", "z"))


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ([0, 1, 2], r"shape \(3,\): expected \(4,\)"),
        ([[0], [1], [2], [3]], "composition has shape"),
        ([0, 1, 2, 4], r"0 \.\. 3"),
        ([0, 1, 2, -1], r"0 \.\. 3"),
        ([0, 1, 2, np.nan], r"composition has NaN .*sample 3"),
        (["R", "U1", "U2", "S"], "composition has dtype"),
    ],
)
def test_compositions_that_cannot_be_used_are_refused(kinds: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays({"a": A}, Y, composition=kinds)


def test_indexing_takes_the_same_samples_of_everything() -> None:
    mine = make(8)
    for index in (slice(2, 6, 2), torch.tensor([2, 4])):
        part = mine[index]
        assert part.inputs["a"].squeeze(1).tolist() == [2, 4]
        assert part.inputs["b"].squeeze(1).tolist() == [-2, -4]
        assert part.target.tolist() == [0, 0]
        assert part.composition is not None
        assert part.composition.tolist() == [2, 0]
        assert part.class_names == mine.class_names


INDICES: dict[str, Any] = {
    "in any order": torch.tensor([5, 0, 5]),
    "of 32 bits": torch.tensor([5, 0, 5], dtype=torch.int32),
    "from the end": torch.tensor([-1, 3]),
    "none": torch.tensor([], dtype=torch.int64),
    "a mask": torch.arange(8) > 5,
    "a table": torch.tensor([[1, 2], [3, 4]]),
    "one": torch.tensor(3),
    "an array": np.array([2, 1]),
    "a slice": slice(1, 7, 3),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
@pytest.mark.parametrize("stride", [1, 2])
def test_indexing_is_that_of_tensors(index: Any, stride: int) -> None:
    x = torch.arange(96.0).view(8, 3, 4)[:, :, ::stride]
    mine = replace(make(8), inputs={"x": x})
    assert torch.equal(mine[index].inputs["x"], x[index])
    assert torch.equal(mine[index].target, mine.target[index])


def test_a_slice_is_a_view_and_all_else_a_copy() -> None:
    mine = make(8)
    x = mine.inputs["a"]
    assert mine[2:4].inputs["a"].data_ptr() == x[2:].data_ptr()
    assert mine[torch.tensor([0, 1])].inputs["a"].data_ptr() != x.data_ptr()
    assert torch.equal(mine.take(torch.tensor([7, 0])).inputs["a"], x[[7, 0]])


@pytest.mark.parametrize("index", [[8], [-9]])
def test_there_is_no_sample_behind_the_last(index: list[int]) -> None:
    with pytest.raises(IndexError):
        make(8)[torch.tensor(index)]


@given(n=st.integers(2, 60), fraction=st.floats(0.02, 0.98), seed=st.integers(0, 1000))
def test_a_split_loses_and_repeats_no_sample(n: int, fraction: float, seed: int) -> None:
    n_first = round(fraction * n)
    if not 0 < n_first < n:
        with pytest.raises(DataError, match="cannot split"):
            make(n).split(fraction, seed)
        return
    first, second = make(n).split(fraction, seed)
    assert len(first) == n_first
    ids = torch.cat([first.inputs["a"], second.inputs["a"]]).squeeze(1).tolist()
    assert sorted(ids) == list(range(n))
    for part in (first, second):
        assert torch.equal(part.inputs["b"], -part.inputs["a"])
        assert torch.equal(part.target, part.inputs["a"].squeeze(1).long() % 2)


def test_a_split_is_a_function_of_its_seed_alone_and_mixes_the_samples() -> None:
    mine = make(100)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, again, other = (mine.split(0.5, seed=s)[0].inputs["a"] for s in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.squeeze(1).tolist() != sorted(one.squeeze(1).tolist())


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5, 0.01, 0.99, np.nan, np.inf])
def test_a_split_that_leaves_a_side_empty_is_refused(fraction: float) -> None:
    with pytest.raises(DataError, match="cannot split 10 samples"):
        make(10).split(fraction)


def test_no_label_table_where_the_truth_is_not_known() -> None:
    with pytest.raises(DataError, match="not known"):
        make(4).label_table()


@pytest.mark.parametrize("target", [[1, 1, 1, 1], ["a"] * 4])
def test_one_class_is_refused_before_anything_is_built(target: Any) -> None:
    mine = from_arrays({"a": A, "b": A}, target)
    with pytest.raises(DataError, match="one class only"):
        check_trainable(mine)
    with pytest.raises(DataError, match="one class only"):
        methods.JointFusion.for_data(mine)


def test_one_class_is_refused_before_training() -> None:
    both = from_arrays({"a": A, "b": A}, Y)
    model = methods.JointFusion.for_data(both)
    with pytest.raises(DataError, match=r"one class only.*'1'"):
        fit(model, both[both.target == 1], epochs=1, device="cpu", progress=False)


def test_no_samples_are_refused() -> None:
    with pytest.raises(DataError, match="no samples"):
        check_trainable(make(4)[:0])


def test_a_constant_regression_target_is_trainable() -> None:
    check_trainable(from_arrays({"a": A}, np.ones(4)))


def test_the_summary_names_sizes_shapes_and_task() -> None:
    assert repr(make(4)) == "MultimodalData(4 samples; a (1,), b (1,); 2 classes)"
    assert repr(from_arrays({"a": A}, np.ones(4))).endswith("regression)")


def test_nbytes_counts_inputs_and_target() -> None:
    assert from_arrays({"a": A}, Y).nbytes == 4 * 3 * 4 + 4 * 8


def test_a_composition_between_two_kinds_is_refused() -> None:
    with pytest.raises(DataError, match=r"indices 0 \.\. 3"):
        from_arrays({"a": np.ones((2, 1))}, [0, 1], composition=[0.0, 0.5])


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64])
def test_columns_of_zeros_and_ones_are_labels(dtype: Any) -> None:
    rows = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]], dtype=dtype)
    data = from_arrays({"a": A}, rows, class_names=("sad", "loud", "fast"))
    assert data.task == "multilabel"
    assert data.n_classes == 3
    assert data.target.dtype == torch.int64
    assert data.target.tolist() == rows.astype(int).tolist()
    assert "3 labels" in repr(data)
    assert data[1:3].target.tolist() == [[1, 1, 0], [0, 0, 0]]
    assert from_arrays({"a": A}, rows).class_names == ("0", "1", "2")
    check_trainable(data)


def test_labels_need_as_many_names_as_columns() -> None:
    with pytest.raises(DataError, match="there are 2 class_names for 4 labels"):
        from_arrays({"a": A}, np.eye(4, dtype=int), class_names=("x", "y"))


def test_labels_that_do_not_vary_cannot_be_trained_on() -> None:
    same = np.tile([1, 0], (4, 1))
    with pytest.raises(DataError, match="all training samples have the same labels"):
        check_trainable(from_arrays({"a": A}, same))


def grouped(names: list[Any]) -> MultimodalData:
    """Samples numbered by their only feature, of these groups."""
    x = np.arange(len(names), dtype=np.float64)[:, None]
    return from_arrays({"a": x}, np.arange(len(names)) % 2, groups=names)


@given(
    groups=st.lists(st.integers(0, 6), min_size=2, max_size=40).filter(lambda g: len(set(g)) > 1),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 5),
)
def test_a_split_by_groups_cuts_no_group_and_loses_no_sample(
    groups: list[int], fraction: float, seed: int
) -> None:
    first, second = grouped(groups).split(fraction, seed=seed)
    of = np.array(groups)
    numbers = [part.inputs["a"][:, 0].int().tolist() for part in (first, second)]
    assert min(map(len, numbers)) > 0
    assert sorted(numbers[0] + numbers[1]) == list(range(len(groups)))
    assert not set(of[numbers[0]]) & set(of[numbers[1]])
    again = grouped(groups).split(fraction, seed=seed)
    assert torch.equal(again[0].inputs["a"], first.inputs["a"])


def test_groups_are_carried_along_so_that_a_part_can_be_split_again() -> None:
    people = [f"p{i % 20:02}" for i in range(200)]
    train, test = grouped(people).split(0.75, seed=1)
    train, val = train.split(0.8, seed=1)
    parts = [{people[i] for i in part.inputs["a"][:, 0].int().tolist()} for part in (train, val)]
    assert (len(train), len(val), len(test)) == (120, 30, 50)  # 12, 3 and 5 people of ten
    assert not parts[0] & parts[1]


def test_the_share_of_a_split_by_groups_is_the_nearest_that_whole_groups_give() -> None:
    data = grouped(["a"] * 6 + ["b"] * 3 + ["c"])
    found = set()
    for seed in range(20):
        first, second = data.split(0.55, seed=seed)
        assert len(first) + len(second) == 10
        found.add(len(first))
    # abc: 6 or 9. acb: 6 or 7. bac: 3 or 9. bca: 3 or 4. cab: 1 or 7. cba: 1 or 4.
    assert found == {6, 3, 4, 7}


def test_groups_differ_by_seed() -> None:
    data = grouped(list(range(30)))
    one, other = (data.split(0.5, seed=s)[0].inputs["a"].flatten().tolist() for s in (0, 1))
    assert one != other


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2, 3], r"groups has shape \(3,\): expected \(4,\)"),
        ([0.5, 1, 1, 2], "groups has dtype float64: expected integers or strings"),
        ([None, "a", "b", "c"], r"groups has a missing value \(first in sample 0\)"),
        (["a", "b", np.nan, "a"], r"groups has a missing value \(first in sample 2\)"),
        ([1, "1", 2, "2"], "groups has dtype object"),
        (np.ma.array([1, 1, 2, 2], mask=[False, False, False, True]), "groups has masked values"),
    ],
)
def test_groups_that_name_nothing_are_refused(groups: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays({"a": A}, Y, groups=groups)


@pytest.mark.parametrize(("groups", "fraction"), [([1, 1, 1, 1], 0.5), ([1, 2, 3, 4], 1.0)])
def test_groups_that_cannot_be_split_are_refused(groups: list[int], fraction: float) -> None:
    with pytest.raises(DataError, match=r"cannot split 4 samples of \d groups"):
        grouped(groups).split(fraction)


# What would pass for something else.


@pytest.mark.parametrize("argument", ["a", "target", "composition", "groups"])
def test_masked_values_are_not_taken_for_values(argument: str) -> None:
    args: dict[str, Any] = {"target": Y, "composition": [0, 1, 2, 3], "groups": [1, 1, 2, 2]}
    inputs: dict[str, Any] = {"a": A}
    place = inputs if argument in inputs else args
    place[argument] = np.ma.array(place[argument])
    from_arrays(inputs, **args)  # nothing is masked
    place[argument][2] = np.ma.masked
    with pytest.raises(DataError, match=f"{argument}.* has masked values"):
        from_arrays(inputs, **args)


def test_masked_values_in_a_list_of_arrays_are_not_taken_for_values() -> None:
    rows = list(np.ma.array(A))
    assert torch.equal(from_arrays({"a": rows}, Y).inputs["a"], torch.tensor(A).float())
    rows[3] = np.ma.masked_greater(rows[3], 10)
    with pytest.raises(DataError, match="modality 'a' has masked values"):
        from_arrays({"a": rows}, Y)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("x", "y", "x"), "class_names has 'x' more than once"),
        ((1, "1"), "class_names has '1' more than once"),
        ("xy", "class_names is 'xy': expected a sequence of names"),
        (b"xy", "class_names is b'xy': expected a sequence of names"),
        ({"x", "y", "z"}, "class_names is .*: expected a sequence of names"),
        (3, "class_names is 3: expected a sequence of names"),
    ],
)
@pytest.mark.parametrize("target", [Y, np.eye(4, 3, dtype=int)])
def test_names_of_classes_differ(names: Any, message: str, target: Any) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays({"a": A}, target, class_names=names)


def test_names_of_classes_for_a_float_target_are_refused() -> None:
    with pytest.raises(DataError, match=r"target holds floats .*regression.* 2 class_names"):
        from_arrays({"a": A}, [0.0, 1.0, 0.0, 1.0], class_names=("x", "y"))


@pytest.mark.parametrize(
    "table",
    [
        np.full((2, 2), 0.25),
        np.ones((2, 2, 2)),
        np.array([[[1.5, -0.5]]]),
        [[[np.nan]]],
        [[[1 + 0j]]],
        "x",
        torch.ones(2, 2, 2),
    ],
)
def test_a_table_that_is_no_distribution_is_refused(table: Any) -> None:
    with pytest.raises(DataError, match=r"table has shape .*expected p\(x1, x2, y\)"):
        from_arrays({"a": A}, Y, table=table)


def test_the_readers_table_is_copied() -> None:
    table = np.full((2, 2, 2), 0.125)
    data = from_arrays({"a": A}, Y, table=table)
    table[:] = 0
    assert data.label_table().sum() == 1
