"""Downloads, against a server on this machine that can be told to misbehave."""

import errno
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError, DownloadError
from mmfuse_lib.data.storage import downloads
from mmfuse_lib.data.storage.downloads import Arrays, Recipe, digest, fetch, fetch_all, load_arrays
from tests.data.server import Server

CONTENT = bytes(range(256)) * 400


def files_in(folder: Path) -> list[str]:
    """Return the names of all files but the locks, which stay where a download failed."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return sorted(path.name for path in files)


# One file.


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    server.files["/a.bin"] = CONTENT
    for checksum in (None, sha256(CONTENT).hexdigest()):
        path = fetch(f"{server.url}/a.bin", tmp_path / "new" / "folder", checksum)
        assert path == tmp_path / "new" / "folder" / "a.bin"
        assert path.read_bytes() == CONTENT
    assert server.asked == ["/a.bin"]


def test_a_wrong_checksum_names_both_digests_and_leaves_nothing(
    server: Server, tmp_path: Path
) -> None:
    server.files["/a.bin"] = CONTENT
    with pytest.raises(DownloadError) as caught:
        fetch(f"{server.url}/a.bin", tmp_path, "0" * 64)
    for part in ("0" * 64, sha256(CONTENT).hexdigest(), f"{server.url}/a.bin", "Try again"):
        assert part in str(caught.value)
    assert files_in(tmp_path) == []


def test_a_cut_connection_leaves_no_half_file_and_can_be_tried_again(
    server: Server, tmp_path: Path
) -> None:
    server.files["/a.bin"] = CONTENT
    server.cut["/a.bin"] = 1000
    with pytest.raises(DownloadError, match=r"connection was cut .*try again"):
        fetch(f"{server.url}/a.bin", tmp_path)
    assert files_in(tmp_path) == []
    server.cut.clear()
    assert fetch(f"{server.url}/a.bin", tmp_path).read_bytes() == CONTENT


def test_a_connection_that_is_cut_once_is_tried_again(server: Server, tmp_path: Path) -> None:
    server.files["/a.bin"] = CONTENT
    server.cut_once["/a.bin"] = 1000
    assert fetch(f"{server.url}/a.bin", tmp_path).read_bytes() == CONTENT
    assert server.asked == ["/a.bin"] * 2
    assert files_in(tmp_path) == ["a.bin"]


def test_who_interrupts_a_download_leaves_no_half_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/a.bin"] = CONTENT
    whole = requests.Response.iter_content

    def interrupted(self: requests.Response, chunk_size: int) -> Iterator[bytes]:
        yield next(iter(whole(self, chunk_size)))
        self.close()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(requests.Response, "iter_content", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(f"{server.url}/a.bin", tmp_path)
    assert files_in(tmp_path) == []
    assert fetch(f"{server.url}/a.bin", tmp_path).read_bytes() == CONTENT


def test_two_at_once_transfer_it_once(server: Server, tmp_path: Path) -> None:
    """Two threads, which a lock on a file keeps apart as it does processes."""
    server.files["/a.bin"] = CONTENT
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(fetch, [f"{server.url}/a.bin"] * 2, [tmp_path] * 2))
    assert [path.read_bytes() == CONTENT for path in paths] == [True, True]
    assert server.asked == ["/a.bin"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"], "the lock is left"


def test_a_file_that_has_moved_says_where_it_was_and_where_to_put_it(
    server: Server, tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match=r"404 .*/gone\.bin.*has moved") as caught:
        fetch(f"{server.url}/gone.bin", tmp_path)
    assert f"put it at {tmp_path / 'gone.bin'}" in str(caught.value)


@pytest.mark.parametrize(("times", "works"), [(2, True), (3, False)])
def test_a_busy_server_is_asked_three_times(
    times: int, works: bool, server: Server, tmp_path: Path
) -> None:
    server.files["/a.bin"] = CONTENT
    server.busy["/a.bin"] = times
    if works:
        assert fetch(f"{server.url}/a.bin", tmp_path).read_bytes() == CONTENT
    else:
        with pytest.raises(DownloadError, match="503"):
            fetch(f"{server.url}/a.bin", tmp_path)
    assert server.asked == ["/a.bin"] * 3


def test_no_server_is_a_download_error(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"no answer.*Check the network"):
        fetch("http://127.0.0.1:9/a.bin", tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are of Unix")
def test_a_disk_that_takes_no_more_is_named_and_nothing_is_left(
    server: Server, tmp_path: Path
) -> None:
    """A real limit, in another process: no file may become longer than 50 000 bytes."""
    server.files["/a.bin"] = CONTENT
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from mmfuse_lib.data.storage import downloads\n"
        "from mmfuse_lib.core.errors import DownloadError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: downloads.fetch(sys.argv[1], Path(sys.argv[2]))\n"
        "except DownloadError as error: print(error)\n"
    )
    arguments = [sys.executable, "-c", code, f"{server.url}/a.bin", str(tmp_path)]
    ran = subprocess.run(arguments, check=True, capture_output=True, text=True)
    assert "cannot write" in ran.stdout
    assert "File too large" in ran.stdout
    assert files_in(tmp_path) == []


def test_a_damaged_file_in_the_folder_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    server.files["/a.bin"] = CONTENT
    (tmp_path / "a.bin").write_bytes(CONTENT[:-1])
    path = fetch(f"{server.url}/a.bin", tmp_path, sha256(CONTENT).hexdigest())
    assert path.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_a_download_error(server: Server, tmp_path: Path) -> None:
    server.files["/a.bin"] = CONTENT
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match=r"cannot write .*XDG_CACHE_HOME"):
        fetch(f"{server.url}/a.bin", tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EROFS, "Read-only file system"), (errno.EACCES, "Permission denied")],
)
def test_a_read_only_folder_is_a_download_error(
    number: int, said: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system refuses to make any file there, whoever runs the test."""
    server.files["/a.bin"] = CONTENT
    original = os.open

    def refuse(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if str(path).startswith(str(tmp_path)) and flags & os.O_CREAT:
            raise OSError(number, os.strerror(number), str(path))
        return original(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DownloadError, match=rf"cannot write .*{said}.*writable"):
        fetch(f"{server.url}/a.bin", tmp_path)
    assert server.asked == [], "downloaded what cannot be stored"


def test_a_file_in_a_read_only_folder_is_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    monkeypatch.setattr(downloads, "FileLock", None)  # nothing is written, not even a lock
    path = fetch(f"{server.url}/a.bin", tmp_path, sha256(CONTENT).hexdigest())
    assert path.read_bytes() == CONTENT
    assert server.asked == []


def test_many_files_come_in_the_order_asked_for(server: Server, tmp_path: Path) -> None:
    server.files |= {f"/{k}.bin": bytes([k]) * 10 for k in range(40)}
    paths = fetch_all([f"{server.url}/{k}.bin" for k in range(40)], tmp_path)
    assert [path.read_bytes()[0] for path in paths] == list(range(40))


def test_of_many_files_one_that_fails_stops_the_rest_and_keeps_what_is_complete(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pool(ThreadPoolExecutor):
        """The files after the fourth come when the pool has been told to stop."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            if wait:
                server.let_go.set()
            super().shutdown(wait, cancel_futures=cancel_futures)
            server.let_go.set()

    monkeypatch.setattr(downloads, "ThreadPoolExecutor", Pool)
    server.files |= {f"/{k}.bin": bytes([k]) * 10 for k in range(200) if k != 3}
    server.held |= {f"/{k}.bin" for k in range(4, 200)}
    with pytest.raises(DownloadError, match=r"404 .*/3\.bin"):
        fetch_all([f"{server.url}/{k}.bin" for k in range(200)], tmp_path)
    complete = files_in(tmp_path)
    assert {"0.bin", "1.bin", "2.bin"} <= set(complete)
    assert len(complete) <= 3 + downloads.AT_ONCE, "the rest was downloaded all the same"
    server.files["/3.bin"] = bytes([3]) * 10
    server.asked.clear()
    fetch_all([f"{server.url}/{k}.bin" for k in range(200)], tmp_path)
    assert not {f"/{name}" for name in complete} & set(server.asked)


# The arrays of a data set.

VALUES: NDArray[np.float32] = np.arange(12, dtype=np.float32).reshape(3, 4)


def recipe_of(url: str) -> Recipe:
    """Return a recipe whose one raw file holds the bytes of VALUES."""

    def prepare(names: Sequence[str], raw: Path) -> Arrays:
        content = fetch(f"{url}/values.raw", raw).read_bytes()
        return {"x": np.frombuffer(content, dtype=np.float32).reshape(3, 4)}

    return Recipe("toy", "0" * 64, {"x": digest(VALUES)}, prepare)


@pytest.fixture
def recipe(server: Server, cache: Path) -> Recipe:
    server.files["/values.raw"] = VALUES.tobytes()
    return recipe_of(server.url)


def test_arrays_are_made_from_downloads_once_and_then_come_from_the_cache(
    recipe: Recipe, server: Server, cache: Path
) -> None:
    for _ in range(2):
        assert (load_arrays(recipe, ["x"])["x"] == VALUES).all()
    assert server.asked == ["/values.raw"]
    assert files_in(cache / "toy") == ["values.raw", "x.npy"]


def test_only_the_arrays_that_are_missing_are_made(cache: Path) -> None:
    asked: list[list[str]] = []

    def prepare(names: Sequence[str], raw: Path) -> Arrays:
        asked.append(list(names))
        return {"x": VALUES, "y": VALUES + 1}  # more than asked for is no harm

    recipe = Recipe("toy", "", {"x": digest(VALUES), "y": digest(VALUES + 1)}, prepare)
    assert list(load_arrays(recipe, ["x"])) == ["x"]
    assert files_in(cache) == ["x.npy"]
    assert list(load_arrays(recipe, ["y", "x"])) == ["y", "x"]
    assert asked == [["x"], ["y"]]


@pytest.mark.parametrize(
    "damage", [b"", b"\x93NUMPY nonsense", "one value", "pickle"], ids=["empty", "not", "bit", "py"]
)
def test_a_damaged_cache_is_made_again(
    damage: bytes | str, recipe: Recipe, server: Server, cache: Path
) -> None:
    load_arrays(recipe, ["x"])
    path = cache / "toy" / "x.npy"
    if damage == "one value":
        np.save(path, np.where(VALUES == 5, 6, VALUES))
    elif damage == "pickle":
        np.save(path, np.array([{"never": "unpickled"}], dtype=object), allow_pickle=True)
    else:
        assert isinstance(damage, bytes)
        path.write_bytes(damage)
    assert (load_arrays(recipe, ["x"])["x"] == VALUES).all()
    assert (np.load(path) == VALUES).all()


@pytest.mark.parametrize("old", [b"cut", (VALUES + 1).tobytes()], ids=["cut", "changed"])
def test_a_damaged_raw_file_is_downloaded_again(
    old: bytes, recipe: Recipe, server: Server, cache: Path
) -> None:
    raw = cache / "toy" / "raw"
    raw.mkdir(parents=True)
    (raw / "values.raw").write_bytes(old)
    assert (load_arrays(recipe, ["x"])["x"] == VALUES).all()


def test_raw_files_that_have_changed_are_an_error_with_both_digests(
    recipe: Recipe, server: Server, cache: Path
) -> None:
    server.files["/values.raw"] = (VALUES + 1).tobytes()
    with pytest.raises(DownloadError) as caught:
        load_arrays(recipe, ["x"])
    for part in ("toy", "'x'", digest(VALUES), digest(VALUES + 1), "have changed"):
        assert part in str(caught.value)
    assert "x.npy" not in files_in(cache)


def test_raw_files_that_cannot_be_read_are_an_error(
    recipe: Recipe, server: Server, cache: Path
) -> None:
    server.files["/values.raw"] = b"<html>moved</html>"
    with pytest.raises(DownloadError, match="cannot be read"):
        load_arrays(recipe, ["x"])


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "Read-only file system")],
)
@pytest.mark.parametrize("call", ["save", "fsync", "replace"])
def test_a_cache_that_cannot_be_written_is_named_and_holds_no_half_file(
    call: str,
    number: int,
    said: str,
    recipe: Recipe,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever call of the system fails: writing, bringing to disk, or renaming."""
    recipe.prepare(["x"], cache / "toy" / "raw")  # the download is there

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(np if call == "save" else os, call, fail)
        with pytest.raises(DownloadError, match=rf"cannot write .*x\.npy: .*{said}"):
            load_arrays(recipe, ["x"])
    assert files_in(cache) == ["values.raw"]
    assert (load_arrays(recipe, ["x"])["x"] == VALUES).all()


def test_two_processes_at_once_both_get_the_arrays(
    recipe: Recipe, server: Server, cache: Path
) -> None:
    server.asked.clear()
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(2) as pool:
        found = pool.starmap(load_in_another_process, [(server.url, cache)] * 2, chunksize=1)
    assert all((x == VALUES).all() for x in found)
    assert files_in(cache / "toy") == ["values.raw", "x.npy"]
    assert server.asked == ["/values.raw"], "the second did not wait for the first"


def load_in_another_process(url: str, folder: Path) -> NDArray[Any]:
    downloads.cache_folder = lambda: folder
    return load_arrays(recipe_of(url), ["x"])["x"]


# The folder of ready arrays.


def never(names: Sequence[str], raw: Path) -> Arrays:
    raise AssertionError("nothing has to be made")


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    path = tmp_path / "toy.npz"
    np.savez(path, x=VALUES, other=VALUES)
    monkeypatch.setenv(downloads.DATA_DIR, str(tmp_path))
    return Recipe("toy", sha256(path.read_bytes()).hexdigest(), {"x": digest(VALUES)}, never)


def test_the_folder_of_ready_arrays_comes_first(ready: Recipe) -> None:
    arrays = load_arrays(ready, ["x"])
    assert list(arrays) == ["x"]
    assert (arrays["x"] == VALUES).all()


def test_another_file_of_that_name_is_an_error_with_both_digests(ready: Recipe) -> None:
    with pytest.raises(DataError) as caught:
        load_arrays(replace(ready, archive_sha256="1" * 64), ["x"])
    for part in ("toy.npz", "1" * 64, ready.archive_sha256, downloads.DATA_DIR):
        assert part in str(caught.value)


def test_a_folder_without_the_file_is_passed_over(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(downloads.DATA_DIR, str(tmp_path))
    assert (load_arrays(recipe, ["x"])["x"] == VALUES).all()


def test_a_folder_that_is_none_is_an_error(
    ready: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(downloads.DATA_DIR, str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"MMFUSE_DATA_DIR.*nowhere.*no folder"):
        load_arrays(ready, ["x"])


# The digest.


def test_the_digest_of_a_known_array() -> None:
    # "<i2 (2,)" and the bytes of 1 and 256 in little endian, hashed by hand.
    by_hand = sha256(b"<i2 (2,)" + b"\x01\x00\x00\x01").hexdigest()
    assert digest(np.array([1, 256], dtype="<i2")) == by_hand
    assert digest(np.array([1, 256], dtype=">i2")) == by_hand


@given(npst.arrays(np.float32, (3, 4)), st.integers(0, 11))
def test_the_digest_sees_each_value_but_not_the_layout(x: NDArray[np.float32], at: int) -> None:
    assert digest(np.asfortranarray(x)) == digest(x)
    other = x.copy()
    other.view(np.uint32).flat[at] ^= 1
    assert digest(other) != digest(x)
    assert digest(x.reshape(4, 3)) != digest(x)
    assert digest(x.view(np.int32)) != digest(x)
