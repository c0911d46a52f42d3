"""The grid of a study: methods x data sets x settings x seeds, read from a configuration."""

from __future__ import annotations

import inspect
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from mmfuse_lib import methods
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.runs import Settings, Splits, build, load_splits, make_optimizer, read_settings
from mmfuse_lib.study.cells import MEASURES, NEEDS, Cell, digest_of, modules_of

#: Keys of a method's entry; all other settings are the same for every method.
METHOD_KEYS = ("method", "method_options", "only")

#: What a cell has of its own and the configuration gives elsewhere.
_OF_CELL = ("method", "method_options", "data", "data_options", "seed")
SEARCHABLE = tuple(f.name for f in fields(Settings) if f.name not in _OF_CELL)

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """A checked grid.

    Attributes
    ----------
    name : str
        Names the folder.
    config : dict
        As it was read.
    cells : list of Cell
        Those of one data set and seed follow each other, so that data is loaded once.
    modalities : dict of str to tuple of str
        Per data set.
    """

    name: str
    config: dict[str, Any]
    cells: list[Cell]
    modalities: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, config: Values) -> Study:
        """Make the grid of a configuration, and build every model of its first seed to check it.

        The keys of a configuration:

        ``name``
            Of the study.
        ``methods``
            Per row: ``method`` (by default what the row is called), ``method_options``, and
            ``only``, a list of data sets where it does not fit all. A method that takes a
            ``modality`` and is not given one has a row for each.
        ``data``
            Per column: ``data`` (by default what the column is called), ``data_options``, other
            settings (see `mmfuse_lib.runs.Settings`), and its own ``search``.
        ``seeds``
            How many, or which.
        ``search``
            Per setting, the values that every method is tried with; all combinations.
        ``settings``
            What is the same everywhere.
        Names in ``MEASURES``
            true, to measure that too.

        Raises
        ------
        UnknownNameError, DataError, DownloadError
            If it cannot be run as it stands. Nothing is trained.
        """
        _check_keys(config)
        seeds = _seeds(config.get("seeds", 1))
        measures = tuple(name for name in MEASURES if config.get(name))
        columns = _entries(config, "data")
        rows = _entries(config, "methods")
        for row, entry in rows.items():
            _check_row(row, entry, columns)
        cells: list[Cell] = []
        modalities = {}
        digest = cache(digest_of)  # of the code as it is now, once for the cells that share it
        for column, entry in columns.items():
            points = _search(column, entry, config)
            common = {**(config.get("settings") or {}), **entry, "data": entry.get("data", column)}
            common.pop("search", None)
            first = _settings(column, common | {"method": ""} | points[0], seeds[0])
            splits = _load(column, first)
            modalities[column] = splits[0].modalities
            chosen = {r: e for r, e in rows.items() if column in e.get("only", columns)}
            shown = list(_expand(chosen, modalities[column]))
            for seed, (row, name, own), point in itertools.product(seeds, shown, points):
                settings = _settings(column, common | own | point, seed)
                code = digest(modules_of(settings, measures))
                cells.append(Cell(name, column, row, settings, point, measures, code))
                if seed == seeds[0]:
                    _try(cells[-1], splits)
        _check_cells(cells)
        return cls(str(config["name"]), dict(config), cells, modalities)


def read_study(path: Path) -> Study:
    """Read the configuration of a study, a YAML file; see `Study.of`."""
    config = read_settings(path)
    return Study.of({"name": path.stem, **config})


def _check_keys(config: Values) -> None:
    try:
        json.dumps(config, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the configuration holds what JSON cannot ({error}): expected texts, finite numbers, "
            "true, false, lists and mappings"
        ) from error
    known = ["name", "methods", "data", "seeds", "search", "settings"]
    known += [name for name in MEASURES if name != "evaluation"]
    for key in config:
        if key not in known:
            raise UnknownNameError("key of a study", key, known)
    name = config.get("name")
    if not isinstance(name, str) or not name or set(name) & set("/\\"):
        raise DataError(f"name is {name!r}: expected a text that can name a folder")
    for measure in MEASURES:
        if not isinstance(config.get(measure, True), bool):
            raise DataError(f"{measure} is {config[measure]!r}: expected true or false")
    common = config.get("settings") or {}
    if not isinstance(common, Mapping):
        raise DataError(f"settings is {common!r}: expected a mapping such as 'device: cpu'")
    _check_settings("settings", common)


def _check_settings(where: str, names: Iterable[str], also: tuple[str, ...] = ()) -> None:
    for name in names:
        if name not in (*SEARCHABLE, *also):
            raise UnknownNameError(f"setting in {where}", name, (*SEARCHABLE, *also))


def _entries(config: Values, part: str) -> dict[str, dict[str, Any]]:
    """Return the rows or the columns; nothing after a name stands for no options."""
    found = config.get(part)
    if not isinstance(found, Mapping) or not found:
        raise DataError(f"{part} is {found!r}: expected at least one, such as {_EXAMPLES[part]}")
    for name, entry in found.items():
        if not isinstance(entry, Mapping | None):
            raise DataError(f"{part}: {name}: expected a mapping of options, got {entry!r}")
    return {str(name): dict(entry or {}) for name, entry in found.items()}


_EXAMPLES = {"methods": "'JointFusion: {}'", "data": "'digit_pairs: {}'"}


def _check_row(row: str, entry: Values, columns: Values) -> None:
    for key in entry:
        if key not in METHOD_KEYS:
            raise UnknownNameError(f"key of methods: {row}", key, METHOD_KEYS)
    only = entry.get("only", list(columns))
    if not isinstance(only, list):
        raise DataError(f"methods: {row}: only is {only!r}: expected a list of data sets")
    for column in only:
        if column not in columns:
            raise UnknownNameError(f"data set in methods: {row}: only", column, columns)
    methods.get(entry.get("method", row))


def _search(column: str, entry: Values, config: Values) -> list[dict[str, Any]]:
    """Return the points that every method is tried at on a data set."""
    _check_settings(f"data: {column}", entry, ("data", "data_options", "search"))
    space = entry.get("search", config.get("search")) or {}
    if not isinstance(space, Mapping):
        raise DataError(f"search is {space!r}: expected a mapping such as 'lr: [0.001, 0.003]'")
    _check_settings("search", space)
    for name, values in space.items():
        if not isinstance(values, list) or not values:
            raise DataError(f"search: {name} is {values!r}: expected a list of values")
        if any(values.count(value) > 1 for value in values):
            raise DataError(f"search: {name} has a value twice: {values}")
        if name in entry or name in (config.get("settings") or {}):
            raise DataError(f"{name} is searched, and fixed elsewhere, for {column}: leave one out")
    return [dict(zip(space, point, strict=True)) for point in itertools.product(*space.values())]


def _expand(
    rows: Mapping[str, Values], modalities: tuple[str, ...]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield, per line of the table: its entry, its name, its part of the settings."""
    for row, entry in rows.items():
        method = entry.get("method", row)
        options = entry.get("method_options") or {}
        if not isinstance(options, Mapping):
            raise DataError(f"methods: {row}: method_options is {options!r}: expected a mapping")
        takes = inspect.signature(methods.get(method)).parameters
        if "modality" in takes and "modality" not in options:
            for name in modalities:
                own = {"method": method, "method_options": {**options, "modality": name}}
                yield row, f"{row}, {name}", own
        else:
            yield row, row, {"method": method, "method_options": dict(options)}


def _settings(column: str, values: Values, seed: int) -> Settings:
    try:
        return Settings.of({**values, "seed": seed})
    except (DataError, UnknownNameError) as error:
        raise DataError(f"data: {column}: {error}") from error


def _load(column: str, settings: Settings) -> Splits:
    try:
        return load_splits(settings)
    except ValueError as error:
        raise DataError(f"data: {column}: {error}") from error


def _try(cell: Cell, splits: Splits) -> None:
    """Build what a cell trains, to see whether it can be."""
    try:
        build(cell.settings, splits[0]).stages(cell.settings.epochs)
        make_optimizer(cell.settings.optimizer)
        for measure in cell.measures:
            NEEDS[measure](cell.settings)
    except (ValueError, TypeError) as error:
        raise DataError(f"{cell}: {error}") from error


def _check_cells(cells: list[Cell]) -> None:
    if not cells:
        raise DataError("the grid is empty: no method is tried on any data set")
    places = Counter((c.method, c.data, c.settings.seed, str(c.setting)) for c in cells)
    for (method, column, *_), n in places.items():
        if n > 1:
            raise DataError(f"two methods are called {method!r} on {column}: rename one")
    first: dict[str, Cell] = {}
    for cell in cells:
        other = first.setdefault(cell.key, cell)
        if other is not cell:
            raise DataError(
                f"{cell.method} on {cell.data} and {other.method} on {other.data} are the same "
                "settings under two names: leave one out"
            )


def _seeds(given: Any) -> list[int]:
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return list(range(given))
    good = isinstance(given, list) and all(type(s) is int and s >= 0 for s in given)
    if not good or not given or len(set(given)) < len(given):
        raise DataError(f"seeds is {given!r}: expected how many (5), or distinct ones ([0, 1, 7])")
    return list(given)
