"""Errors: their messages say what was wrong and what was expected."""

import inspect
import math
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any


class UnknownNameError(ValueError):
    """A name that is not in a registry; the message lists the known ones and the closest match.

    Parameters
    ----------
    kind : str
        What was looked up, e.g. ``"data set"``.
    name : str
        The name that was asked for.
    known : iterable of str
        The names that exist.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        known = list(known)
        close = get_close_matches(str(name).lower(), [k.lower() for k in known], n=1, cutoff=0.5)
        hint = next((f" Did you mean {k!r}?" for k in known if close and k.lower() == close[0]), "")
        super().__init__(f"unknown {kind} {name!r}.{hint} Known: {', '.join(known)}.")


def check_options(
    what: str, function: Callable[..., object], options: Iterable[str], given: Collection[str] = ()
) -> None:
    """Raise `UnknownNameError` for an option that `function` does not take.

    Parameters
    ----------
    what : str
        What takes the options, e.g. ``"method 'DMIL'"``.
    function : callable
        Its parameters, except those in `given`, are the options that exist.
    options : iterable of str
        The names to check.
    given : collection of str
        Parameters that are not options.
    """
    known = [name for name in inspect.signature(function).parameters if name not in given]
    check_names(f"option of {what}", options, known)


def check_names(kind: str, names: Iterable[object], known: Collection[str]) -> None:
    """Raise `UnknownNameError` for the first of some names that is not known."""
    for name in names:
        if name not in known:
            raise UnknownNameError(kind, name, known)


def check_integers(least: int = 1, most: float = math.inf, **given: Any) -> None:
    """Raise `DataError` for the first argument that is no integer from `least` to `most`."""
    for name, n in given.items():
        if isinstance(n, bool) or not isinstance(n, Integral) or not least <= int(n) <= most:
            expected = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
            raise DataError(f"{name} is {n!r}: expected an integer {expected}")


def check_numbers(interval: str, **given: Any) -> None:
    """Raise `DataError` for the first argument outside an interval such as ``"[0, 1)"``."""
    low, high = map(float, interval[1:-1].split(","))
    for name, x in given.items():
        outside = not isinstance(x, Real) or not low <= float(x) <= high
        if outside or (x == low and interval[0] == "(") or (x == high and interval[-1] == ")"):
            raise DataError(f"{name} is {x!r}: expected a number in {interval}")


class DataError(ValueError):
    """Data that cannot be used: wrong shapes, NaN, a missing modality, one class only."""


class DownloadError(RuntimeError):
    """Data that cannot be downloaded or stored; the message says why and what to do."""


class TrainingError(RuntimeError):
    """Training had to stop; the message names the stage, the epoch and the batch."""


class CheckpointError(RuntimeError):
    """A checkpoint or a saved model that cannot be read, or that belongs to another run."""


class UnusedTermWarning(UserWarning):
    """A loss returns a term that could be minimised but is not part of the total."""


class ClusterError(RuntimeError):
    """A cluster that cannot be used: no client installed, or no scheduler answers."""
