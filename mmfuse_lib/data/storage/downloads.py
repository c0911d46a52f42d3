"""Where real data comes from: a folder of ready arrays, the user's cache, or a download.

A data set names the arrays it needs. They are looked for, in this order, in

1. the folder that the environment variable ``MMFUSE_DATA_DIR`` names, as ``<name>.npz``, whose
   SHA-256 is checked;
2. the user's cache folder, one file an array;
3. the published raw files, which are downloaded and turned into the arrays by the recipe of the
   data set.

The *array* is verified, by the SHA-256 of its dtype, shape and values (`digest`): that is the same
in every version of NumPy and of its file formats. The last digits of features that a library
computes may change with its version; for them the lengths of the columns are verified (`Sizes`).
For most raw files no digest is published; a raw file that was changed or cut shows in the arrays
that are made from it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError, DownloadError
from mmfuse_lib.core.files import atomic_write
from mmfuse_lib.core.progress import progress as bar

if TYPE_CHECKING:
    import requests

#: The environment variable that names a folder of ready arrays.
DATA_DIR = "MMFUSE_DATA_DIR"

#: How often a download that failed is tried again, after a second, then two.
RETRIES = 2

#: Seconds without a byte from the server until a connection counts as cut.
PATIENCE = 30.0

#: Downloads under way at the same time, for data sets of many small files.
AT_ONCE = 8

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Sizes:
    """The properties of a singular value decomposition that are the same wherever it is computed.

    Signs and last digits are not among them.

    Attributes
    ----------
    shape : tuple of int
        Of the array, ``(N, components)``.
    norms : tuple of float
        Lengths of its first columns.
    tolerance : float
        How far the length of a column may be off, relatively.
    """

    shape: tuple[int, int]
    norms: tuple[float, ...]
    tolerance: float = 0.02


@dataclass(frozen=True)
class Recipe:
    """How to make the arrays of a data set from published files, and how to verify them.

    Attributes
    ----------
    name : str
        Name of the folder in the cache, and of ``<name>.npz``.
    archive_sha256 : str
        SHA-256 of ``<name>.npz``.
    digests : mapping of str to str or Sizes
        Per array, its `digest`, or the `Sizes` of its columns if the last digits of the array
        depend on the versions of libraries.
    prepare : callable
        ``prepare(names, raw)`` downloads the raw files that the named arrays need into the folder
        `raw` and returns the arrays.
    """

    name: str
    archive_sha256: str
    digests: Mapping[str, str | Sizes]
    prepare: Callable[[Sequence[str], Path], Arrays]


def load_arrays(recipe: Recipe, names: Sequence[str]) -> Arrays:
    """Return the named arrays of a data set, from the first place that has them.

    Raises
    ------
    DataError
        If ``MMFUSE_DATA_DIR`` names no folder, or one with another file of this name.
    DownloadError
        If a download fails, or the arrays made from the downloaded files are not the expected ones.
    """
    ready = _from_data_dir(recipe, names)
    if ready is not None:
        return ready
    folder = cache_folder() / recipe.name
    cached = {name: _read(folder / f"{name}.npy", recipe.digests[name]) for name in names}
    missing = [name for name, array in cached.items() if array is None]
    made = _make(recipe, missing, folder / "raw") if missing else {}
    for name, array in made.items():
        _write(folder / f"{name}.npy", array)
    return {name: made[name] if array is None else array for name, array in cached.items()}


def cache_folder() -> Path:
    """Return the user's cache folder of this library, e.g. ``~/.cache/mmfuse``."""
    import pooch  # here: it loads a network library that most uses of mmfuse never need

    return Path(pooch.os_cache("mmfuse"))


def digest(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's dtype, shape and values (little endian, C order)."""
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    header = f"{array.dtype.str} {array.shape}".encode()
    return hashlib.sha256(header + array.tobytes()).hexdigest()


def mismatch(array: NDArray[Any], expected: str | Sizes) -> str:
    """Return what is wrong with an array; "" if it is the expected one."""
    if isinstance(expected, str):
        found = digest(array)
        return "" if found == expected else f"has SHA-256 {found}, expected {expected}"
    if array.shape != expected.shape or array.dtype.kind != "f":
        return f"has shape {array.shape} of {array.dtype}, expected {expected.shape} of floats"
    norms = np.linalg.norm(array.astype(np.float64), axis=0)[: len(expected.norms)]
    if not np.isfinite(array).all() or not np.allclose(
        norms, expected.norms, rtol=expected.tolerance
    ):
        return f"has columns of lengths {norms.round(2).tolist()}, expected {expected.norms}"
    return ""


def fetch(url: str, folder: Path, checksum: str | None = None, *, progress: bool = True) -> Path:
    """Return the path of the file behind `url` in `folder`, downloading it if it is not there.

    The download gets its name when it is complete and checked: a file that is there is whole. Of
    two processes that want the same file, one downloads it and the other waits.

    Parameters
    ----------
    url : str
        Where the file is; the last part is its name.
    folder : Path
        Where it goes; made if needed.
    checksum : str, optional
        SHA-256 of the file, or ``"md5:..."`` where only that is published. A file in `folder` that
        has another one is downloaded again. Without one, what the server sends is taken.
    progress : bool
        Show a progress bar.

    Raises
    ------
    DownloadError
        If the download fails, several times in a row; the message says why and what to do.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    path = folder / url.rpartition("/")[2]
    store = pooch.create(
        folder, "", registry={path.name: checksum}, urls={path.name: url}, retry_if_failed=RETRIES
    )
    by_hand = f"Or download it by hand and put it at {path}"
    try:
        if path.is_file() and pooch.hashes.hash_matches(path, checksum):
            return path
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock") as lock:
            downloader = pooch.HTTPDownloader(
                progressbar=progress, timeout=PATIENCE, hooks={"response": _close_refusal}
            )
            store.fetch(path.name, downloader=downloader)
            with suppress(OSError):  # a waiting process finds the file and needs no lock
                os.unlink(lock.lock_file)
    except requests.HTTPError as error:
        raise DownloadError(
            f"the server refused: {error}. If it stays so, the file has moved: see the source that "
            f"data.describe() names. {by_hand}"
        ) from error
    except requests.RequestException as error:
        raise DownloadError(
            f"{url}: no answer, or the connection was cut ({error}). Check the network and try "
            f"again. {by_hand}"
        ) from error
    except ValueError as error:  # pooch's for a wrong checksum; it names both digests
        raise DownloadError(
            f"{url} is not the file that was published, or was damaged on the way: {error}. "
            f"Try again. {by_hand}"
        ) from error
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def _close_refusal(answer: requests.Response, **_: object) -> None:
    """Close the connection of an answer that brings no file; pooch would leave it open."""
    if not answer.ok:
        answer.close()


def _fetch_quietly(url: str, folder: Path) -> Path:
    return fetch(url, folder, progress=False)


def fetch_all(
    urls: Iterable[str], folder: Path, get: Callable[[str, Path], Path] = _fetch_quietly
) -> list[Path]:
    """Fetch many small files, several at once, and return their paths in the order of `urls`.

    Each is fetched by ``get(url, folder)``.
    """
    urls = list(urls)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            paths = pool.map(lambda url: get(url, folder), urls)
            return list(bar(paths, f"files for {folder.parent.name}", total=len(urls)))
        except BaseException:  # also Ctrl+C: start no more downloads
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _from_data_dir(recipe: Recipe, names: Sequence[str]) -> Arrays | None:
    folder = os.environ.get(DATA_DIR)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise DataError(f"{DATA_DIR} is {folder!r}, which is no folder: correct or unset it")
    path = Path(folder) / f"{recipe.name}.npz"
    if not path.exists():
        return None
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != recipe.archive_sha256:
        raise DataError(
            f"{path} has SHA-256 {found}, expected {recipe.archive_sha256}: replace the file, or "
            f"unset {DATA_DIR} to have the data downloaded"
        )
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in names}


def _read(path: Path, expected: str | Sizes) -> NDArray[Any] | None:
    """Return a cached array, or None where there is none or it is not the expected one."""
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return None if mismatch(array, expected) else array


def _make(recipe: Recipe, names: Sequence[str], raw: Path) -> Arrays:
    """Make arrays from raw files; if old raw files give wrong arrays, download the files again."""
    has_old = raw.exists()
    arrays, problem = _try_to_make(recipe, names, raw)
    if problem and has_old:
        shutil.rmtree(raw, ignore_errors=True)
        arrays, problem = _try_to_make(recipe, names, raw)
    if not problem:
        return arrays
    raise DownloadError(
        f"{recipe.name}: {problem}. The published files have changed, or were damaged on the way. "
        f"They are in {raw}; try again, and if it stays so, please report it"
    )


def _try_to_make(recipe: Recipe, names: Sequence[str], raw: Path) -> tuple[Arrays, str]:
    try:
        arrays = recipe.prepare(names, raw)
    except DownloadError:
        raise
    except Exception as error:  # a reader met by a damaged file may raise anything
        return {}, f"the downloaded files cannot be read ({type(error).__name__}: {error})"
    for name, expected in recipe.digests.items():  # also arrays that nobody asked for
        if name in arrays and (problem := mismatch(arrays[name], expected)):
            return {}, f"array {name!r} {problem}"
    return {name: arrays[name] for name in names}, ""


def _write(path: Path, array: NDArray[Any]) -> None:
    try:
        atomic_write(path, lambda file: np.save(file, array, allow_pickle=False))
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> DownloadError:
    """Return the error to raise where a file cannot be written."""
    why = "the disk is full" if error.errno == errno.ENOSPC else str(error)
    return DownloadError(
        f"cannot write {path}: {why}. Make room or make the folder writable; on Linux, "
        "XDG_CACHE_HOME names another place for the cache"
    )
