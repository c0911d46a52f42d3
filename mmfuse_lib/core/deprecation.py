"""Old names keep working for a while, and say what the new ones are (policy: CONTRIBUTING.md)."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from mmfuse_lib.core.objects import load_object

F = TypeVar("F", bound=Callable[..., Any])


def renamed_argument(old: str, new: str, *, removed_in: str) -> Callable[[F], F]:
    """Let a function, or a class, take an argument under its old name too, with a warning.

    Parameters
    ----------
    old, new : str
        Its names; only `new` is in the signature.
    removed_in : str
        The version from which on the old name is an error.

    Raises
    ------
    TypeError
        When called with both.
    """

    def decorate(function: F) -> F:
        inner: Any = vars(function)["__init__"] if isinstance(function, type) else function
        called = function.__qualname__

        @functools.wraps(inner)
        def call(*args: Any, **options: Any) -> Any:
            if old in options:
                if new in options:
                    raise TypeError(f"{called} was given {old} and {new}: {new} is enough")
                _warn(f"argument {old} of {called}", new, removed_in)
                options[new] = options.pop(old)
            return inner(*args, **options)

        if isinstance(function, type):
            function.__init__ = call  # type: ignore[misc]
            return function
        return call  # type: ignore[return-value]

    return decorate


def renamed_names(
    module: str, names: Mapping[str, str], *, removed_in: str
) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module whose names were renamed, or went elsewhere.

    Parameters
    ----------
    module : str
        Its ``__name__``.
    names : mapping of str to str
        Per old name, where it is now: ``"mmfuse_lib.core.intervals:mean_interval"``.
    removed_in : str
        The version from which on the old names are errors.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        _warn(f"{module}.{name}", names[name].replace(":", "."), removed_in)
        return load_object(names[name])

    return find


def renamed_function(module: str, name: str, now: str, *, removed_in: str) -> None:
    """Let a module be called that took the place of a function of its name, with a warning.

    Parameters
    ----------
    module : str
        Its ``__name__``.
    name : str
        The function in it.
    now : str
        Where to import the function from.
    removed_in : str
        The version from which on a call of the module is an error.
    """

    class Called(ModuleType):
        def __call__(self, *args: Any, **options: Any) -> Any:
            _warn(f"the function {module}", now, removed_in)
            return vars(self)[name](*args, **options)

    sys.modules[module].__class__ = Called


def _warn(old: str, new: str, removed_in: str) -> None:
    message = f"{old} is called {new} now, and goes in mmfuse {removed_in}"
    warnings.warn(message, FutureWarning, stacklevel=3)
