"""Files that are whole or absent."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from uuid import uuid4


def write_whole(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file under another name and rename it when it is complete and on disk.

    Parameters
    ----------
    path : Path
        The file; its folder is made if needed. What is there is replaced.
    write : callable
        Writes the content to the open file it is given.

    Raises
    ------
    OSError
        If it cannot be written; then nothing is left behind, and what was there is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    try:
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
