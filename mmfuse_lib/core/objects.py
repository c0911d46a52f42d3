"""A reader's own methods and data sets by name: ``"my_file:MyMethod"``."""

from __future__ import annotations

import importlib
from typing import Any

from mmfuse_lib.core.errors import DataError


def is_path(name: str) -> bool:
    """Tell whether a name has the form ``module:object``, as a reader's own objects do."""
    return ":" in name


def load_object(name: str) -> Any:
    """Import what ``"package.module:object"`` names.

    Python's path is searched for the module. Importing a module runs it: use only configurations
    that you trust.

    Raises
    ------
    DataError
        If there is no such module, or it has no such object.
    """
    module, _, attribute = name.partition(":")
    try:
        found = importlib.import_module(module)
    except (ImportError, ValueError, TypeError) as error:
        raise DataError(
            f"{name!r}: cannot import {module!r} ({error}); expected 'module:object', with the "
            "module in the current folder or on PYTHONPATH"
        ) from error
    if not hasattr(found, attribute):
        raise DataError(f"{name!r}: {module} has no {attribute!r}")
    return getattr(found, attribute)
