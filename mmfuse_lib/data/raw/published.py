"""Published files in a folder of the user's: is it there, and what do its lists say."""

from __future__ import annotations

from pathlib import Path

from mmfuse_lib.core.errors import DataError


def check_root(data: str, root: str | Path | None, expected: str, source: str) -> Path:
    """Return the folder of the published files.

    Parameters
    ----------
    data : str
        Name of the data set.
    root : path
        The folder that the user names.
    expected : str
        What is expected in it.
    source : str
        Where to get that.

    Raises
    ------
    DataError
        If there is no such folder.
    """
    if root is None or not Path(root).is_dir():
        raise DataError(
            f"{data}: root is {str(root)!r}: expected the folder that holds {expected}, "
            f"downloaded from {source}"
        )
    return Path(root)


def check_count(name: str, n: int) -> None:
    """Raise a `DataError` if an option is no integer of at least 1."""
    if not (isinstance(n, int) and n >= 1):
        raise DataError(f"{name} is {n!r}: expected an integer of at least 1")


def read_lines(data: str, path: Path, source: str) -> list[tuple[str, str]]:
    """Return the lines of a list that are not empty, each with where it is, for errors.

    Parameters
    ----------
    data : str
        Name of the data set.
    path : Path
        The list.
    source : str
        Where to get it.

    Raises
    ------
    DataError
        If the list cannot be read, or has no lines.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{data}: {path} cannot be read: {error}. Get it from {source}") from error
    numbered = enumerate(map(str.strip, lines), start=1)
    found = [(line, f"{path}, line {number}") for number, line in numbered if line]
    if not found:
        raise DataError(f"{data}: {path} is empty. Get it from {source}")
    return found
