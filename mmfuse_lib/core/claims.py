"""Claims: what a chapter says, checked where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClaimError(AssertionError):
    """A claim of a chapter does not hold, although nothing was changed."""


class Claims:
    """Check the claims of a notebook and say of each whether it holds.

    The claims were made with the published parameters. With those they have to hold. A reader who
    changed a parameter, or whose device computes in another order than a CPU does, learns which of
    them hold for her too, and goes on.

    Parameters
    ----------
    now : mapping
        The notebook's variables: ``globals()``.
    published : object
        The parameters with their published values, as keywords.

    Raises
    ------
    NameError
        If the notebook has no variable of one of the names.

    Examples
    --------
    >>> seed, epochs = 0, 3
    >>> claim = Claims(globals(), seed=0, epochs=3)
    >>> claim(2 + 2 == 4, "Two and two are four.")
    ✓ Two and two are four.

    With another seed a claim that does not hold stops nothing.

    >>> seed = 1
    >>> claim(2 + 2 == 5, "Two and two are five.")
    ✗ Two and two are five. (Holds for the published parameters; you changed seed.)
    """

    def __init__(self, now: Mapping[str, Any], /, **published: object) -> None:
        if missing := published.keys() - now.keys():
            raise NameError(f"the notebook has no parameter {', '.join(sorted(missing))}")
        self._now = now
        self._published = published

    @property
    def changed(self) -> list[str]:
        """What is not as it was when the claims were made: names of parameters, or the device."""
        names = [
            name for name, value in self._published.items()
            if _plain(self._now[name]) != _plain(value)
        ]  # fmt: skip
        return names if _on_cpu(self._now.get("device", "cpu")) else [*names, "device"]

    def __call__(self, condition: object, text: str) -> None:
        """Print a claim with a tick if it holds.

        Parameters
        ----------
        condition : bool
            Whether it holds.
        text : str
            The claim, a sentence.

        Raises
        ------
        ClaimError
            If it does not hold with the published parameters on a CPU.
        """
        if bool(condition):
            print(f"✓ {text}")
        elif changed := self.changed:
            listed = " and ".join(filter(None, [", ".join(changed[:-1]), changed[-1]]))
            print(f"✗ {text} (Holds for the published parameters; you changed {listed}.)")
        else:
            raise ClaimError(text)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _on_cpu(device: str) -> bool:
    """Whether `device`, as in `fit`, is the CPU on this machine."""
    if device == "cpu":
        return True
    from mmfuse_lib.core.devices import find_device  # here: loads torch

    return find_device(device).type == "cpu"
