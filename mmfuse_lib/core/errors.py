"""Errors: their messages say what was wrong and what was expected."""

import inspect
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches


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
    what: str,
    function: Callable[..., object],
    options: Iterable[str],
    given: Collection[str] = (),
) -> None:
    """Raise `UnknownNameError` for an option that `function` does not take.

    One that takes ``**options`` passes them on: what it takes cannot be read off, so all pass.

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
    parameters = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    known = [name for name in parameters if name not in given]
    for option in options:
        if option not in known:
            raise UnknownNameError(f"option of {what}", option, known)


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
