"""Profiles: named sets of chapter parameters, in `book/profiles/*.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .tree import BookError, Tree

Declared = Mapping[str, Mapping[str, Any]]


def read_profile(tree: Tree, name: str, declared: Declared) -> dict[str, dict[str, Any]]:
    """Read a profile and check it against what the chapters declare.

    Parameters
    ----------
    tree : Tree
        The repository.
    name : str
        File name without suffix.
    declared : mapping
        For each chapter the parameters it declares, with defaults.

    Returns
    -------
    dict
        For each chapter the values to inject: entries of ``all`` where the chapter declares
        them, then the chapter's own.
    """
    path = tree.book / "profiles" / f"{name}.yml"
    content = _read(path)
    shared: dict[str, Any] = content.pop("all", None) or {}
    for stem in content:
        if stem not in declared:
            raise BookError(f"{path}: no chapter {stem!r}; chapters are: {', '.join(declared)}")
    for parameter in shared:
        if not any(parameter in names for names in declared.values()):
            raise BookError(f"{path}: no chapter declares parameter {parameter!r} of `all`")
    values: dict[str, dict[str, Any]] = {}
    for stem, defaults in declared.items():
        own: dict[str, Any] = content.get(stem) or {}
        for parameter in own:
            if parameter not in defaults:
                raise BookError(
                    f"{path}: chapter {stem} declares no parameter {parameter!r}; "
                    f"it declares: {', '.join(defaults) or 'none'}"
                )
        values[stem] = {k: v for k, v in shared.items() if k in defaults} | own
        for parameter, value in values[stem].items():
            _check_type(f"{path}: {stem}.{parameter}", value, defaults[parameter])
    return values


def named_chapters(tree: Tree, name: str) -> list[str]:
    """Return the chapters that a profile gives values of their own, in its order."""
    return [stem for stem in _read(tree.book / "profiles" / f"{name}.yml") if stem != "all"]


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yml")))
        raise BookError(f"no profile {path.stem!r}; there are: {known}")
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf8")) or {}
    return content


def _check_type(where: str, value: object, default: object) -> None:
    """Refuse a value of another type than the default, such as the text that YAML reads in 3e-4."""
    if default is None or value is None or type(value) is type(default):
        return
    if isinstance(default, float) and type(value) is int:
        return
    if isinstance(default, tuple) and isinstance(value, list):
        return
    raise BookError(
        f"{where} is {value!r} ({type(value).__name__}), "
        f"the chapter's default is {default!r} ({type(default).__name__})"
    )
