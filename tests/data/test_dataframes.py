"""pandas objects as arguments: which row belongs to which, and what their columns become."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import MultimodalData, from_arrays

N = 6
LABELS = list("abcdef")
ORDER = [2, 0, 5, 1, 4, 3]


def frame(index: Any = None, scale: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"x": scale * np.arange(N), "y": 1.0}, index=index)


def series(index: Any = None) -> "pd.Series[Any]":
    return pd.Series(np.arange(N) % 2, index=index)


def assert_matched(data: MultimodalData) -> None:
    """Sample k has the features, label, kind and group of number k, in whatever order."""
    number = data.inputs["a"][:, 0].long()
    assert sorted(number.tolist()) == list(range(N))
    assert torch.equal(data.target, number % 2)
    assert torch.equal(data.inputs["b"][:, 0].long(), 10 * number)
    assert data.composition is not None
    assert torch.equal(data.composition, number % 4)
    assert data.groups is not None
    assert torch.equal(data.groups, number // 2)


def arguments(index: Any) -> dict[str, Any]:
    return {
        "inputs": {"a": frame(index), "b": frame(index, scale=10)},
        "target": series(index),
        "composition": pd.Series(np.arange(N) % 4, index=index),
        "groups": pd.Series(np.arange(N) // 2, index=index),
    }


# Equal indexes.


@pytest.mark.parametrize(
    "index",
    [
        None,
        LABELS,
        [5, 3, 1, 0, 2, 4],
        [1, 1, 1, 2, 2, 2],
        [1.0, np.nan, 2.0, 3.0, 4.0, 5.0],
        pd.date_range("2026-01-01", periods=N, tz="UTC"),
        pd.MultiIndex.from_product([[1, 2], LABELS[:3]]),
        pd.CategoricalIndex(LABELS),
    ],
    ids=str,
)
@pytest.mark.parametrize("align", [False, True])
def test_rows_under_equal_indexes_are_taken_in_order(index: Any, align: bool) -> None:
    data = from_arrays(**arguments(index), align=align)
    assert_matched(data)
    assert data.inputs["a"][:, 0].tolist() == list(range(N))


def test_what_has_no_index_goes_with_any() -> None:
    plain = arguments(None)
    values: dict[str, Any] = {
        "inputs": {name: x.to_numpy() for name, x in plain["inputs"].items()},
        **{name: plain[name].to_numpy() for name in ("target", "composition", "groups")},
    }
    assert_matched(from_arrays(**{**values, "target": series(LABELS)}))
    assert_matched(from_arrays(**{**values, "target": torch.arange(N) % 2}))
    one = {"a": frame(LABELS), "b": torch.tensor(frame(scale=10).to_numpy())}
    assert_matched(from_arrays(**{**values, "inputs": one}))


def test_an_index_of_a_nullable_type_is_no_other_index() -> None:
    args = arguments(range(1, N + 1))
    args["target"] = series(pd.Index(range(1, N + 1), dtype="Int64"))
    assert_matched(from_arrays(**args))
    args["target"] = args["target"].iloc[ORDER]
    assert_matched(from_arrays(**args, align=True))


# Unequal indexes.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("a", r"^target and modality 'a' have different indexes: row 0 is 'a' in the one and 'c'"),
        ("b", r"^target and modality 'b' have different indexes: row 0 is 'a' in the one and 'c'"),
        ("composition", r"^target and composition have different indexes: row 0 is 'a'"),
        ("groups", r"^target and groups have different indexes: row 0 is 'a'.*'c' in the other"),
    ],
)
def test_rows_in_another_order_are_refused_without_align(change: str, message: str) -> None:
    args = arguments(LABELS)
    place = args["inputs"] if change in args["inputs"] else args
    place[change] = place[change].iloc[ORDER]
    with pytest.raises(DataError, match=message):
        from_arrays(**args)
    assert_matched(from_arrays(**args, align=True))


def test_two_inputs_are_compared_where_the_target_has_no_index() -> None:
    inputs = {"a": frame(), "b": frame(LABELS)}
    message = r"^modality 'a' and modality 'b' .*row 0 is 0 in the one and 'a'.*reset_index"
    with pytest.raises(DataError, match=message):
        from_arrays(inputs, [0, 1] * 3)


@pytest.mark.parametrize("k", [0, 3, N - 1])
def test_the_first_row_that_differs_is_named(k: int) -> None:
    other = list(range(N))
    other[k:] = [100 + v for v in other[k:]]
    with pytest.raises(DataError, match=rf"row {k} is {k} in the one and {100 + k} in the other"):
        from_arrays({"a": frame(other)}, series())


def test_a_missing_row_is_told_by_the_number_of_samples() -> None:
    with pytest.raises(DataError, match="modality 'a' has 5 samples but there are 6 labels"):
        from_arrays({"a": frame(LABELS).iloc[1:]}, series(LABELS))


# Alignment.


@given(orders=st.lists(st.permutations(range(N)), min_size=5, max_size=5))
@pytest.mark.parametrize(
    "index",
    [LABELS, None, pd.MultiIndex.from_product([[1, 2], LABELS[:3]]), pd.interval_range(0, N)],
    ids=["text", "range", "two levels", "intervals"],
)
def test_aligned_rows_are_of_the_same_sample(index: Any, orders: list[list[int]]) -> None:
    args = arguments(index)
    flat = {**args.pop("inputs"), **args}
    moved = {name: x.iloc[order] for (name, x), order in zip(flat.items(), orders, strict=True)}
    modalities = {name: moved.pop(name) for name in ("a", "b")}
    data = from_arrays(modalities, **moved, align=True)
    assert_matched(data)
    assert torch.equal(data.target, torch.tensor(moved["target"].to_numpy()))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (frame([*LABELS[:4], "g", "f"]), "^modality 'a' has no row 'e', which the target has"),
        (frame(LABELS).iloc[[0, 3, 2]], "^modality 'a' has no row 'b'"),
        (frame([*LABELS[:5], "b"]), "^modality 'a' has more than one row 'b'"),
        (
            pd.concat([frame(LABELS), frame(list("ghijkl"))]),
            r"^modality 'a' has 6 rows that the target lacks \(first: 'g'\).*loc\[target.index\]",
        ),
        (frame(range(N)), "^modality 'a' has no row 'a'"),
    ],
)
def test_labels_that_do_not_match_cannot_be_aligned(x: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays({"a": x}, series(LABELS), align=True)


def test_a_target_with_a_label_twice_cannot_be_aligned_to() -> None:
    with pytest.raises(DataError, match=r"^target has more than one row 'a'"):
        from_arrays({"a": frame(LABELS)}, series(["a", "a", *LABELS[2:]]), align=True)


@pytest.mark.parametrize("fixed", ["b", "composition", "groups"])
def test_what_has_no_index_cannot_follow(fixed: str) -> None:
    args = arguments(LABELS)
    place = args["inputs"] if fixed in args["inputs"] else args
    place[fixed] = place[fixed].to_numpy()
    assert_matched(from_arrays(**args, align=True))  # nothing has to move
    args["inputs"]["a"] = args["inputs"]["a"].iloc[ORDER]
    with pytest.raises(DataError, match=rf"has to reorder modality 'a', but .*{fixed}.* no index"):
        from_arrays(**args, align=True)


def test_alignment_needs_the_index_of_a_target() -> None:
    with pytest.raises(DataError, match="the target is of type list: expected a pandas Series"):
        from_arrays({"a": frame(LABELS)}, [0, 1] * 3, align=True)


# Columns.

MIXED = {
    "Float64": frame().astype("Float64"),
    "Int64": frame().astype("Int64"),
    "boolean": frame().astype("bool").astype("boolean"),
    "bool and float": frame().assign(y=True),
    "Float32, bool and int": frame().astype({"x": "Float32"}).assign(y=True, z=2),
    "bool and nullable bool": pd.DataFrame(
        {"x": pd.array([False] + [True] * 5, dtype="boolean"), "y": True}
    ),
    "sparse": frame().astype(pd.SparseDtype(float, 0.0)),
    "sparse and bool": frame().astype({"x": pd.SparseDtype(float, 0.0)}).assign(y=True),
}


@pytest.mark.parametrize("name", MIXED)
def test_columns_of_numbers_become_float32(name: str) -> None:
    x = from_arrays({"a": MIXED[name]}, series()).inputs["a"]
    assert x.dtype == torch.float32
    expected = [[float(v) for v in row] for row in MIXED[name].itertuples(index=False)]
    assert x.tolist() == expected


@pytest.mark.parametrize("dtype", ["Float64", "Int64", "boolean", "Float32"])
def test_a_gap_in_a_column_is_named(dtype: Any) -> None:
    values: list[Any] = [1, 0, 1, None, 1, None]
    column = pd.Series(values, dtype=dtype)
    with pytest.raises(DataError, match=r"modality 'a' has NaN .*\(first in sample 3\)"):
        from_arrays({"a": frame().assign(y=column)}, series())


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["u"] * N, r"^modality 'a' has columns that hold no real numbers: 'note' \(\w+\)$"),
        (pd.date_range("2026-01-01", periods=N), r"'note' \(datetime64"),
        (pd.Categorical(["u"] * N), r"'note' \(category\)"),
        ([1 + 1j] * N, "modality 'a' .*expected real numbers"),
    ],
)
def test_columns_that_are_no_numbers_are_named(column: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays({"a": frame().assign(note=column)}, series())


@pytest.mark.parametrize("dtype", ["bool", "boolean", "Int64", "int8"])
def test_a_frame_of_labels_is_multi_label(dtype: Any) -> None:
    rows = np.arange(2 * N).reshape(N, 2) % 3 == 0
    labels = pd.DataFrame(rows, columns=["loud", "sad"]).astype(dtype)
    data = from_arrays({"a": frame()}, labels)
    assert data.task == "multilabel"
    assert data.target.tolist() == rows.astype(int).tolist()
    mixed = from_arrays({"a": frame()}, labels.astype({"sad": "int64"}))
    assert torch.equal(mixed.target, data.target)


def test_nullable_floats_make_regression() -> None:
    data = from_arrays({"a": frame()}, pd.Series(np.arange(N) / 2, dtype="Float64"))
    assert data.task == "regression"
    assert data.target.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]


def test_nullable_groups_and_compositions_are_taken() -> None:
    args = arguments(None)
    for name in ("composition", "groups"):
        args[name] = args[name].astype("Int64")
    assert_matched(from_arrays(**args))
