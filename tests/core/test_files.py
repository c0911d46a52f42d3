"""Files are whole or absent, and a folder that cannot be written to is named at once."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from mmfuse_lib.core import files
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.files import atomic_write, check_writable

ROOT = Path(__file__).parents[2]
needs_unix = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and file locks")


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for content in (b"one", b"other"):
        atomic_write(path, lambda file, content=content: file.write(content))  # type: ignore[misc]
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_what_is_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def half(file: IO[bytes]) -> None:
        file.write(b"ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, half)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a.txt", lambda file: file.write(b"x"))
    (tmp_path / "b.txt").write_bytes(b"x")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_the_whole_content_is_on_disk_before_the_file_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut a file that was renamed but not synced may be empty."""
    path, happened = tmp_path / "a.txt", []
    sync, replace = os.fsync, os.replace

    def noted_sync(number: int) -> None:
        happened.append(f"sync of {os.fstat(number).st_size} bytes")
        sync(number)

    def noted_replace(source: Path, target: Path) -> None:
        happened.append(f"rename to {target.name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    atomic_write(path, lambda file: file.write(b"12345"))
    assert happened == ["sync of 5 bytes", "rename to a.txt"]


# What a killed process leaves behind.

KILLED = """
import os, signal, sys
from pathlib import Path
from mmfuse_lib.core.files import atomic_write

def die(file):
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

atomic_write(Path(sys.argv[1]), die)
"""


@needs_unix
def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a[1].pt"
    others = [
        tmp_path / name for name in ("b.pt.partial", "a[1].pt.partial", f"b.{'0' * 32}.partial")
    ]
    for other in others:
        other.write_bytes(b"of somebody else")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == len(others) + 1
    atomic_write(path, lambda file: file.write(b"whole"))
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


@needs_unix
def test_what_a_living_writer_is_writing_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"

    def slow(file: IO[bytes]) -> None:
        file.write(b"the la")
        atomic_write(path, lambda other: other.write(b"the first"))
        assert path.read_bytes() == b"the first"
        file.write(b"st")

    atomic_write(path, slow)
    assert path.read_bytes() == b"the last"
    assert list(tmp_path.iterdir()) == [path]


@needs_unix
def test_a_writer_swept_before_it_has_its_lock_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    path, lock, n_locks = tmp_path / "a.pt", fcntl.flock, 0

    def late(file: IO[bytes], how: int) -> None:
        nonlocal n_locks
        n_locks += 1
        if n_locks == 1:
            files._sweep(path)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    atomic_write(path, lambda file: file.write(b"x"))
    assert path.read_bytes() == b"x"
    assert n_locks == 3, "it was not swept: the test would not notice"


# Folders.


def test_a_folder_that_can_be_written_to_is_left_as_it_is(tmp_path: Path) -> None:
    check_writable(tmp_path)
    check_writable(tmp_path / "not" / "yet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["file", "file/run", "file/run/more"])
def test_a_file_in_the_place_of_a_folder_is_named(below: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="file is a file, expected a folder"):
        check_writable(tmp_path / below)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_in_which_writing_is_forbidden_is_named(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(**_: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.TemporaryFile", forbidden)
    with pytest.raises(DataError, match=rf"cannot write in .*run: {os.strerror(number)}"):
        check_writable(tmp_path / "run")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: open("/dev/full", "wb"))  # noqa: SIM115
    with pytest.raises(DataError, match=r"cannot write in .*: No space left on device"):
        check_writable(tmp_path)
