"""A reader's own methods and data sets by name: ``"my_file:MyMethod"``."""

from __future__ import annotations

import importlib
from typing import Any

from mmfuse_lib.core.errors import DataError


def is_path(name: str) -> bool:
    """Tell whether a name is one of a reader's own: ``module:object``."""
    return ":" in name


def load_object(name: str) -> Any:
    """Import what ``"package.module:object"`` names.

    The module is looked for where Python looks for modules. Importing runs it: names come from
    configurations, so use only those that you trust.

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
