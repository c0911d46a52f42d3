"""Checkpoints: whole or absent, and nothing but tensors and plain values."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmfuse_lib.core.errors import CheckpointError
from mmfuse_lib.training.checkpoints import FILE_NAME, load_checkpoint, save_checkpoint

STATE: dict[str, Any] = {
    "weights": {"w": torch.arange(2500, dtype=torch.float32).reshape(50, 50)},
    "position": {"stage": 1, "best": float("inf"), "none": None},
    "history": [{"term": "total", "value": 0.1}],
}


def assert_is_state(loaded: dict[str, Any] | None) -> None:
    assert loaded is not None
    assert torch.equal(loaded["weights"]["w"], STATE["weights"]["w"])
    assert {k: v for k, v in loaded.items() if k != "weights"} == {
        k: v for k, v in STATE.items() if k != "weights"
    }


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, STATE)
    assert_is_state(load_checkpoint(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]


def test_the_folder_is_made(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "runs" / "first", STATE)
    assert_is_state(load_checkpoint(tmp_path / "runs" / "first"))


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "nowhere") is None


@pytest.mark.parametrize("error", [OSError("disk full"), RuntimeError("enforce fail")])
def test_a_write_that_fails_half_way_leaves_the_old_checkpoint_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    save_checkpoint(tmp_path, STATE)

    def half(state: Any, file: Any) -> None:
        file.write(b"half of a checkpoint")
        raise error

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(CheckpointError, match=rf"cannot write .*{FILE_NAME}.*{error}"):
        save_checkpoint(tmp_path, {"new": 1})
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]
    assert_is_state(load_checkpoint(tmp_path))


def test_an_interrupt_while_writing_leaves_the_old_checkpoint_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, STATE)

    def interrupted(state: Any, file: Any) -> None:
        file.write(b"half of a checkpoint")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, {"new": 1})
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]
    assert_is_state(load_checkpoint(tmp_path))


def test_the_new_checkpoint_appears_under_its_name_only_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, STATE)
    real, seen = torch.save, []

    def watched(state: Any, file: Any) -> None:
        real(state, file)
        assert_is_state(load_checkpoint(tmp_path))
        seen.append(state)

    monkeypatch.setattr(torch, "save", watched)
    save_checkpoint(tmp_path, {"new": 1})
    assert seen == [{"new": 1}]
    assert load_checkpoint(tmp_path) == {"new": 1}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_a_checkpoint_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def full(path: Path, mode: str) -> Any:
        return real(Path("/dev/full"), mode)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(CheckpointError, match="cannot write the checkpoint"):
        save_checkpoint(tmp_path, STATE)


@pytest.mark.parametrize("below", ["file", "file/run"])
def test_a_folder_that_cannot_be_made_is_a_checkpoint_error(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CheckpointError, match="cannot write the checkpoint"):
        save_checkpoint(tmp_path / below, STATE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    save_checkpoint(folder, STATE)
    return (folder / FILE_NAME).read_bytes()


def refused(folder: Path, content: bytes) -> None:
    (folder / FILE_NAME).write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        load_checkpoint(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_checkpoint_cut_anywhere_is_refused(tmp_path: Path, whole: bytes, share: float) -> None:
    refused(tmp_path, whole[: int(share * len(whole))])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(place=st.integers(0, 9_999), bit=st.integers(0, 7))
def test_one_flipped_bit_in_the_weights_is_noticed(
    tmp_path: Path, whole: bytes, place: int, bit: int
) -> None:
    start = whole.index(STATE["weights"]["w"].numpy().tobytes())
    content = bytearray(whole)
    content[start + place] ^= 1 << bit
    refused(tmp_path, bytes(content))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(content=st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path, content)


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch executed",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_holds_code_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / FILE_NAME
    if zipped:
        torch.save({"weights": Evil()}, path)
    else:
        path.write_bytes(pickle.dumps({"weights": Evil()}))
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        load_checkpoint(tmp_path)
    assert not (tmp_path / "executed").exists()
    torch.load(path, weights_only=False) if zipped else pickle.loads(path.read_bytes())  # noqa: S301
    assert (tmp_path / "executed").exists(), "the test would not notice"


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), "text"])
def test_a_torch_file_that_is_no_state_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / FILE_NAME)
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        load_checkpoint(tmp_path)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        load_checkpoint(tmp_path)
