"""Downloads that go on where they were cut: what is transferred, and what is never used."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from tqdm import tqdm

from mmfuse_lib.core.errors import DownloadError
from mmfuse_lib.data.storage import downloads, resume
from mmfuse_lib.data.storage.downloads import fetch
from tests.data.server import Server

N = 300_000
CONTENT = bytes(range(256)) * (N // 256) + bytes(N % 256)
OTHER = CONTENT[::-1]
CUT = 100_000  # bytes that are sent, of which those in full chunks are kept
KEPT = CUT // resume.CHUNK * resume.CHUNK
URL = "/a.bin"


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch, server: Server) -> Server:
    """A server of one file that knows ranges; a download is tried once a call."""
    monkeypatch.setattr(downloads, "PAUSES", ())
    server.files[URL] = CONTENT
    server.tags = server.ranges = True
    return server


def cut_once(server: Server, folder: Path) -> None:
    """Leave a download of which the first `KEPT` bytes came."""
    server.cut[URL] = CUT
    with pytest.raises(DownloadError, match=r"connection was cut .*the rest is asked for"):
        fetch(server.url + URL, folder)
    server.cut.clear()
    assert not (folder / "a.bin").exists()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_the_second_call_transfers_only_the_rest(once: Server, tmp_path: Path) -> None:
    cut_once(once, tmp_path)
    assert names(tmp_path) == ["a.bin.partial", "a.bin.partial.json"]
    assert (tmp_path / "a.bin.partial").read_bytes() == CONTENT[:KEPT] != b""
    assert fetch(once.url + URL, tmp_path, sha256(CONTENT).hexdigest()).read_bytes() == CONTENT
    assert once.sent == [CUT, N - KEPT]
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_connection_that_is_cut_again_and_again_gets_there(
    server: Server, tmp_path: Path
) -> None:
    server.files[URL] = CONTENT
    server.tags = server.ranges = True
    server.cut[URL] = 4 * resume.CHUNK  # of each answer
    assert fetch(server.url + URL, tmp_path).read_bytes() == CONTENT
    assert server.sent == [4 * resume.CHUNK, 4 * resume.CHUNK, N - 8 * resume.CHUNK]


def test_the_bar_begins_at_what_is_there(
    once: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars: list[dict[str, Any]] = []

    def spy(**options: Any) -> Any:
        bars.append(options)
        return tqdm(**options)

    cut_once(once, tmp_path)
    monkeypatch.setattr(resume, "tqdm", spy)
    fetch(once.url + URL, tmp_path)
    assert [(bar["initial"], bar["total"]) for bar in bars] == [(KEPT, N)]


def no_ranges(server: Server) -> None:
    server.ranges = False


def changed(server: Server) -> None:
    server.files[URL] = OTHER


def changed_and_careless(server: Server) -> None:
    server.files[URL] = OTHER
    server.careless = True  # answers 206, with another ETag


def longer_and_careless(server: Server) -> None:
    server.files[URL] = OTHER * 2
    server.careless, server.tags = True, False  # answers 206, with another length


def shorter_and_careless(server: Server) -> None:
    server.files[URL] = OTHER[: KEPT // 2]
    server.careless = True  # answers 416: nothing comes after what is kept


@pytest.mark.parametrize(
    "change",
    [no_ranges, changed, changed_and_careless, longer_and_careless, shorter_and_careless],
    ids=lambda change: str(change.__name__),
)
def test_where_the_rest_cannot_be_had_all_of_it_is_downloaded(
    change: Callable[[Server], None], once: Server, tmp_path: Path
) -> None:
    cut_once(once, tmp_path)
    change(once)
    assert fetch(once.url + URL, tmp_path).read_bytes() == once.files[URL]
    assert once.sent[-1] == len(once.files[URL])
    assert names(tmp_path) == ["a.bin"]


def test_where_nothing_tells_two_versions_apart_nothing_is_kept(
    once: Server, tmp_path: Path
) -> None:
    once.tags = False
    cut_once(once, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("damage", ["no note", "damaged note", "another address", "too long"])
def test_what_is_not_known_to_be_a_beginning_is_not_used(
    damage: str, once: Server, tmp_path: Path
) -> None:
    cut_once(once, tmp_path)
    partial, note = tmp_path / "a.bin.partial", tmp_path / "a.bin.partial.json"
    if damage == "no note":
        note.unlink()
    elif damage == "damaged note":
        note.write_bytes(note.read_bytes()[:-9])
    elif damage == "another address":
        note.write_text(note.read_text().replace("a.bin", "b.bin"))
    else:
        partial.write_bytes(CONTENT + b"!")
    assert fetch(once.url + URL, tmp_path).read_bytes() == CONTENT
    assert once.sent == [CUT, N]


def test_a_beginning_that_was_damaged_fails_its_checksum_and_is_deleted(
    once: Server, tmp_path: Path
) -> None:
    cut_once(once, tmp_path)
    (tmp_path / "a.bin.partial").write_bytes(bytes(KEPT))
    with pytest.raises(DownloadError, match="not the file that was published"):
        fetch(once.url + URL, tmp_path, sha256(CONTENT).hexdigest())
    assert names(tmp_path) == []
    assert fetch(once.url + URL, tmp_path, sha256(CONTENT).hexdigest()).read_bytes() == CONTENT


def test_a_refusal_keeps_what_came(once: Server, tmp_path: Path) -> None:
    cut_once(once, tmp_path)
    once.busy[URL] = 1
    with pytest.raises(DownloadError, match="503"):
        fetch(once.url + URL, tmp_path)
    assert fetch(once.url + URL, tmp_path).read_bytes() == CONTENT
    assert once.sent == [CUT, N - KEPT]


def test_two_at_once_transfer_it_once(once: Server, tmp_path: Path) -> None:
    """Two threads, which a lock on a file keeps apart as it does processes."""
    cut_once(once, tmp_path)
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(fetch, [once.url + URL] * 2, [tmp_path] * 2))
    assert [path.read_bytes() == CONTENT for path in paths] == [True, True]
    assert once.sent == [CUT, N - KEPT]
    assert names(tmp_path) == ["a.bin"]


def test_who_interrupts_a_download_can_continue_it(
    once: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = requests.Response.iter_content

    def interrupted(self: requests.Response, size: int) -> Iterator[bytes]:
        yield next(iter(whole(self, size)))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(requests.Response, "iter_content", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(once.url + URL, tmp_path)
    assert names(tmp_path) == ["a.bin.partial", "a.bin.partial.json"]
    assert fetch(once.url + URL, tmp_path).read_bytes() == CONTENT
    assert once.sent == [N, N - resume.CHUNK]


# Disks.


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, r"Read-only file system.*writable")],
)
@pytest.mark.parametrize("when", ["at once", "in the middle"])
def test_a_disk_that_takes_no_more_is_named_and_nothing_is_left(
    number: int,
    said: str,
    when: str,
    once: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error comes from the call that would write, whoever runs the test."""
    original = Path.open
    room = 0 if when == "at once" else 2 * resume.CHUNK

    class Disk:
        def __init__(self, path: Path) -> None:
            self.file, self.room = original(path, "ab"), room

        def __enter__(self) -> "Disk":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def tell(self) -> int:
            return self.file.tell()

        def write(self, chunk: bytes) -> None:
            if len(chunk) > self.room:
                raise OSError(number, os.strerror(number))
            self.room -= len(chunk)
            self.file.write(chunk)

    def opened(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        return Disk(path) if mode == "ab" else original(path, mode, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with pytest.raises(DownloadError, match=rf"cannot write .*a\.bin: .*{said}"):
            fetch(once.url + URL, tmp_path)
    assert names(tmp_path) == []
    assert fetch(once.url + URL, tmp_path).read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are of Unix")
def test_a_limit_of_the_system_is_a_download_error(once: Server, tmp_path: Path) -> None:
    """A real one, in another process: no file may become longer than 150 000 bytes."""
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from mmfuse_lib.data.storage import downloads\n"
        "from mmfuse_lib.core.errors import DownloadError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
        "try: downloads.fetch(sys.argv[1], Path(sys.argv[2]))\n"
        "except DownloadError as error: print(error)\n"
    )
    arguments = [sys.executable, "-c", code, once.url + URL, str(tmp_path)]
    ran = subprocess.run(arguments, check=True, capture_output=True, text=True)
    assert "cannot write" in ran.stdout
    assert "File too large" in ran.stdout
    assert names(tmp_path) == []
