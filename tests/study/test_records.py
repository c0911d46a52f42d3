"""Which files count as done, and what is said of those that do not."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmfuse_lib.study.records import read_record, read_records


@pytest.fixture
def done(finished: Path, tmp_path: Path) -> Path:
    """One file of a finished cell, in a folder of its own."""
    source = next(p for p in sorted(finished.glob("*.json")) if p.name != "study.json")
    return Path(shutil.copy(source, tmp_path))


def refused(path: Path) -> str:
    """Return what is said of a file that must not be used."""
    records, problems = read_records(path.parent, [path.stem])
    assert records == {path.stem: None}
    assert len(problems) == 1
    assert problems[0].startswith(f"{path.name} does not count as done: ")
    return problems[0]


def test_a_whole_file_is_used(done: Path) -> None:
    record = read_record(done, done.stem)
    assert record == json.loads(done.read_text())
    found = read_records(done.parent, [done.stem, "other"])
    assert found == ({done.stem: record, "other": None}, [])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_half_written_is_not(done: Path, share: float) -> None:
    text = done.read_text()
    done.write_text(text[: int(share * len(text))])
    refused(done)


def test_a_file_under_another_hash_is_not(done: Path) -> None:
    other = done.rename(done.with_name("0123456789abcdef.json"))
    assert "not the result of the configuration" in refused(other)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("settings", "lr", 7), ("settings", "seed", 7), ("measures", None, {"a": "b:c"}),
        ("evaluate", None, "val"),
        ("code", None, "0123456789abcdef"), ("key", None, "0123456789abcdef"),
    ],
)  # fmt: skip
def test_a_file_whose_configuration_was_changed_is_not(
    done: Path, part: str, name: str | None, value: Any
) -> None:
    record = json.loads(done.read_text())
    if name is None:
        record[part] = value
    else:
        record[part][name] = value
    done.write_text(json.dumps(record))
    assert "not the result of the configuration" in refused(done)


@pytest.mark.parametrize("content", ["[]", "3", "{}", "null"])
def test_a_file_that_is_no_record_is_not(done: Path, content: str) -> None:
    done.write_text(content)
    refused(done)


@pytest.mark.parametrize(
    "part", ["key", "code", "settings", "measures", "evaluate", "results", "ran"]
)
def test_a_file_that_lacks_a_part_is_not(done: Path, part: str) -> None:
    record = json.loads(done.read_text())
    del record[part]
    done.write_text(json.dumps(record))
    refused(done)


def test_an_accuracy_that_was_edited_is_not_believed(done: Path) -> None:
    record = json.loads(done.read_text())
    found = record["results"]["evaluation"]["test"]
    found["accuracy"] += 1 / 90
    done.write_text(json.dumps(record))
    assert f"says the accuracy is {found['accuracy']:.6g}" in refused(done)


@pytest.mark.parametrize("right", [np.packbits(np.ones(90, bool)).tobytes().hex(), "", None])
def test_nor_are_samples_that_were_made_right_or_taken_away(done: Path, right: str | None) -> None:
    record = json.loads(done.read_text())
    record["results"]["evaluation"]["right"] = right
    done.write_text(json.dumps(record))
    refused(done)


def test_subset_accuracy_is_held_to_the_samples_too_and_a_regression_has_none(done: Path) -> None:
    record = json.loads(done.read_text())
    found = record["results"]["evaluation"]
    found["test"] = {"subset_accuracy": found["test"]["accuracy"], "micro_f1": 0.5}
    done.write_text(json.dumps(record))
    assert read_record(done, done.stem) == record
    found["test"]["subset_accuracy"] -= 1 / 90
    done.write_text(json.dumps(record))
    refused(done)
    found |= {"test": {"r2": 0.5}, "right": None}
    done.write_text(json.dumps(record))
    assert read_record(done, done.stem) == record


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_lacks_is_not_read(done: Path, number: str) -> None:
    record = json.loads(done.read_text())
    record["results"]["evaluation"]["val"]["auroc"] = float(number)
    done.write_text(json.dumps(record))
    assert f"it holds {number}, which is not JSON" in refused(done)
