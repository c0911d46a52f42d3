"""Downloads that go on where they were cut.

pooch checks and stores files but begins each download at its first byte. The downloader here can be
given to it instead of its own: it keeps the bytes that came before a connection was cut, and asks
for the rest.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from mmfuse_lib.core.files import atomic_write

if TYPE_CHECKING:
    import requests

#: Bytes that are written at a time; of a connection that is cut, whole chunks are kept.
CHUNK = 2**15

#: Seconds without a byte from the server until a connection counts as cut.
PATIENCE = 30.0


@dataclass(frozen=True)
class Version:
    """What tells the content behind an address from what may be there later.

    Attributes
    ----------
    url : str
        The address.
    validator : str
        The server's name for this content: its strong ETag, else the date of its last change.
    size : int
        Its length in bytes.
    """

    url: str
    validator: str
    size: int


class ResumingDownloader:
    """A downloader for `pooch.retrieve` that continues what a cut connection left.

    The bytes are kept in ``<target>.partial``, and what they are the beginning of in
    ``<target>.partial.json``. The next call asks for the rest alone, provided that the content is
    still the same (HTTP ``Range`` with ``If-Range``). A server that knows no ranges, or whose
    content has changed, sends all of it, which replaces what was kept; where nothing tells two
    versions of the content apart, nothing is kept. pooch gets the file when it is complete.

    One process at a time may use it for a target.

    Parameters
    ----------
    target : Path
        Where the file will be, in the end.
    progress : bool
        Show a progress bar, which begins at what is there already.
    """

    def __init__(self, target: Path, *, progress: bool = True) -> None:
        self.name = target.name
        self.partial = target.with_name(f"{target.name}.partial")
        self.note = target.with_name(f"{target.name}.partial.json")
        self.progress = progress

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Download `url` to `output_file`; pooch calls this.

        Raises
        ------
        requests.RequestException
            If the server refuses or the connection is cut. What came is kept if it can be used.
        OSError
            If it cannot be written. Then nothing is kept: it would stand in the way on a full disk.
        """
        if not self._download(url, self._kept(url)):
            self.discard()
            self._download(url, None)
        os.replace(self.partial, output_file)
        self.discard()

    def discard(self) -> None:
        """Forget what is kept."""
        self.partial.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _download(self, url: str, kept: Version | None) -> bool:
        """Complete the partial file; False where the server's answer does not continue it."""
        with _ask(url, kept, self._length()) as answer:
            if kept is not None and answer.status_code in (206, 416):
                if not self._is_rest(answer, kept):
                    return False
                version: Version | None = kept
            else:
                answer.raise_for_status()
                self.discard()
                version = _version(url, answer)
                if version is not None:
                    note = json.dumps(asdict(version)).encode()
                    atomic_write(self.note, lambda file: file.write(note))
            self._append(answer, version)
        return True

    def _append(self, answer: requests.Response, version: Version | None) -> None:
        import requests

        size = None if version is None else version.size
        try:
            with (
                self.partial.open("ab") as file,
                tqdm(
                    desc=self.name, total=size, initial=file.tell(),
                    unit="B", unit_scale=True, disable=not self.progress,
                ) as bar,
            ):  # fmt: skip
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
            if size is not None and self._length() != size:
                raise requests.ConnectionError(f"{self._length()} bytes came, expected {size}")
        except BaseException as error:  # also Ctrl+C
            cannot_write = isinstance(error, OSError) and not isinstance(
                error, requests.RequestException
            )
            if version is None or cannot_write:
                self.discard()
            raise

    def _length(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _kept(self, url: str) -> Version | None:
        """Return what the partial file is the beginning of, None where that is not known."""
        try:
            version = Version(**json.loads(self.note.read_bytes()))
            usable = version.url == url and 0 < self._length() < version.size
        except (OSError, ValueError, TypeError):  # no note, or a damaged one
            return None
        return version if usable else None

    def _is_rest(self, answer: requests.Response, kept: Version) -> bool:
        start = f"bytes {self._length()}-{kept.size - 1}/{kept.size}"
        same = _validator(answer) in (None, kept.validator)
        return same and answer.headers.get("Content-Range") == start


def _ask(url: str, kept: Version | None, length: int) -> requests.Response:
    """Ask for all, or for what comes after the first `length` bytes of the version kept."""
    import requests  # here: it takes a while to load, and most uses of mmfuse never need it

    headers = {"Accept-Encoding": "identity"}  # ranges count the bytes that are sent
    if kept is not None:
        headers |= {"Range": f"bytes={length}-", "If-Range": kept.validator}
    return requests.get(url, headers=headers, stream=True, timeout=PATIENCE)


def _version(url: str, answer: requests.Response) -> Version | None:
    """Return which version is being sent, None where it could not be continued."""
    headers = answer.headers
    size, validator = headers.get("Content-Length", ""), _validator(answer)
    encoded = headers.get("Content-Encoding", "identity") != "identity"
    if validator is None or encoded or not size.isdecimal():
        return None
    return Version(url, validator, int(size))


def _validator(answer: requests.Response) -> str | None:
    tag = answer.headers.get("ETag")
    strong = tag is not None and not tag.startswith("W/")
    return tag if strong else answer.headers.get("Last-Modified")
