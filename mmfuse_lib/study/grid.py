"""The grid of a study: methods x data sets x settings x seeds, read from a configuration."""

from __future__ import annotations

import inspect
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from mmfuse_lib import methods
from mmfuse_lib.core.errors import DataError, check_names
from mmfuse_lib.core.objects import is_path, load_object
from mmfuse_lib.runs import Settings, Splits, build, load_splits, make_optimizer, read_settings
from mmfuse_lib.study.cells import Cell, digest_of, modules_of

#: Keys of a configuration, and of a method's entry; other settings are the same for every method.
KEYS = ("name", "methods", "data", "seeds", "search", "settings", "measures", "evaluate")
DATA_KEYS = ("data", "data_options", "search", "measures")
METHOD_KEYS = ("method", "method_options", "only", "seeds", "search", "measures")

#: What a row of a gathered file has beside measures; see `mmfuse_lib.study.results.Results`.
RESERVED = (
    "data", "method", "seed", "setting", "key", "code", "score", "cpu_seconds", "chosen", "val",
    "test", "n_parameters", "step_ms",
)  # fmt: skip

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

    Examples
    --------
    >>> from mmfuse_lib.study import Study
    >>> small = {"data_options": {"n_train": 200, "n_val": 50, "n_test": 50}}
    >>> plan = {"name": "mine", "methods": {"Ensemble": {}, "JointFusion": {}}, "seeds": 3}
    >>> grid = Study.of({**plan, "data": {"digit_pairs": small}, "search": {"lr": [0.001, 0.003]}})
    >>> len(grid.cells)  # 2 methods x 3 seeds x 2 learning rates
    12
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
            ``modality`` and is not given one has a row for each. ``method: null`` trains nothing:
            the row has measures of the data. A row may have its own ``seeds``, ``measures`` beside
            those of all, and a ``search``, also of the method's options.
        ``data``
            Per column: ``data`` (by default what the column is called), ``data_options``, other
            settings (see `mmfuse_lib.runs.Settings`), its own ``search``, and ``measures`` of what
            is trained on it.
        ``seeds``
            How many, or which.
        ``search``
            Per setting, the values that every method is tried with; all combinations.
        ``settings``
            What is the same everywhere.
        ``measures``
            What else is measured of what was trained: a name, and the function that measures it,
            ``"module:function"``; see `mmfuse_lib.study.cells`. One that is called ``evaluation``
            takes the place of the library's.
        ``evaluate``
            ``test`` (the default), or ``val``: the test split is kept from everything that is
            measured, and results of all settings are reported, not of the chosen ones alone.

        Raises
        ------
        UnknownNameError, DataError, DownloadError
            If it cannot be run as it stands. Nothing is trained.
        """
        _check_keys(config)
        evaluate = config.get("evaluate", "test")
        columns = _entries(config, "data")
        rows = [
            _row(row, entry, columns, config.get("seeds", 1))
            for row, entry in _entries(config, "methods").items()
        ]
        seeds = list(dict.fromkeys(seed for row in rows for seed in row.seeds))
        cells: list[Cell] = []
        modalities = {}
        digest = cache(digest_of)  # of the code as it is now, once for the cells that share it
        for column, entry in columns.items():
            check_names(f"setting in data: {column}", entry, (*SEARCHABLE, *DATA_KEYS))
            common = {**(config.get("settings") or {}), **entry, "data": entry.get("data", column)}
            space = common.pop("search", config.get("search"))
            of_all = {**_measures(config), **_measures(common)}
            common.pop("measures", None)
            with _named(f"data: {column}"):
                splits = load_splits(Settings.of({**common, "method": "", "seed": seeds[0]}))
            modalities[column] = splits[0].modalities
            shown = [
                (row, *line, point)
                for row in rows
                if column in row.only
                for line in row.lines(modalities[column])
                for point in row.points(column, space, common)
            ]
            tried = set()
            for seed, (row, name, own, point) in itertools.product(seeds, shown):
                if seed not in row.seeds:
                    continue
                with _named(f"data: {column}"):
                    settings = Settings.of({**common, **_set(own, point), "seed": seed})
                measures = {**of_all, **row.measures} if row.method else row.measures
                code = digest(modules_of(settings, measures))
                cell = Cell(name, column, row.name, settings, point, measures, evaluate, code)
                cells.append(cell)
                if (name, str(point)) not in tried:
                    tried.add((name, str(point)))
                    with _named(cell):
                        _try(cell, splits)
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
    check_names("key of a study", config, KEYS)
    name = config.get("name")
    if not isinstance(name, str) or not name or set(name) & set("/\\"):
        raise DataError(f"name is {name!r}: expected a text that can name a folder")
    if config.get("evaluate", "test") not in ("test", "val"):
        raise DataError(f"evaluate is {config['evaluate']!r}: expected 'test' or 'val'")
    common = _mapping("settings", config.get("settings"), " such as 'device: cpu'")
    check_names("setting in settings", common, SEARCHABLE)


def _mapping(what: str, given: Any, example: str = "") -> dict[str, Any]:
    """Return a mapping as a dictionary; nothing after a name stands for an empty one."""
    if not isinstance(given, Mapping | None):
        raise DataError(f"{what} is {given!r}: expected a mapping{example}")
    return dict(given or {})


def _entries(config: Values, part: str) -> dict[str, dict[str, Any]]:
    """Return the rows or the columns; nothing after a name stands for no options."""
    found = config.get(part)
    if not isinstance(found, Mapping) or not found:
        raise DataError(f"{part} is {found!r}: expected at least one, such as {_EXAMPLES[part]}")
    return {
        str(name): _mapping(f"{part}: {name}", entry, " of options")
        for name, entry in found.items()
    }


_EXAMPLES = {
    "methods": "'JointFusion: {}'",
    "data": "'digit_pairs: {}'",
    "measures": "'probes: my_file:function'",
}


@dataclass(frozen=True)
class _Row:
    """A checked entry of ``methods``."""

    name: str
    method: str
    options: dict[str, Any]
    only: list[str]
    seeds: list[int]
    search: dict[str, list[Any]]
    measures: dict[str, str]

    def lines(self, modalities: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the lines of the table that it stands for: name, and part of the settings."""
        takes = inspect.signature(methods.get(self.method)).parameters if self.method else ()
        each = "modality" in takes and "modality" not in self.options
        for modality in modalities if each else [None]:
            own = {"modality": modality} if modality else {}
            name = f"{self.name}, {modality}" if modality else self.name
            yield name, {"method": self.method, "method_options": {**self.options, **own}}

    def points(self, column: str, space: Any, fixed: Values) -> list[dict[str, Any]]:
        """Return the points that it is tried at on a data set."""
        if not self.method:
            return [{}]
        check_names("setting in search", _space(space), SEARCHABLE)
        space = {**_space(space), **self.search}
        for name in space:
            if name in fixed or name in self.options:
                raise DataError(
                    f"{name} is searched, and fixed elsewhere, for {column}: leave one out"
                )
        return [dict(zip(space, p, strict=True)) for p in itertools.product(*space.values())]


def _row(row: str, entry: Values, columns: Values, seeds_of_all: Any) -> _Row:
    check_names(f"key of methods: {row}", entry, METHOD_KEYS)
    only = entry.get("only", list(columns))
    if not isinstance(only, list):
        raise DataError(f"methods: {row}: only is {only!r}: expected a list of data sets")
    check_names(f"data set in methods: {row}: only", only, columns)
    method = entry.get("method", row) or ""
    if method:
        methods.get(method)
    options = _mapping(f"methods: {row}: method_options", entry.get("method_options"))
    own = _measures(entry)
    if not method and (not own or options or "search" in entry):
        raise DataError(
            f"methods: {row}: without a method it needs measures of its own, and takes no "
            "method_options and no search"
        )
    seeds = _seeds(entry.get("seeds", seeds_of_all))
    search = _space(entry.get("search"))
    return _Row(row, method, options, only, seeds, search, own)


def _measures(entry: Values) -> dict[str, str]:
    """Return the measures that a configuration or a row names; each is imported, to see it can."""
    found = _mapping("measures", entry.get("measures"), f" such as {_EXAMPLES['measures']}")
    for name, path in found.items():
        if name in RESERVED:
            raise DataError(
                f"measures: {name!r} is the name of something else in a file of results"
            )
        if not isinstance(path, str) or not is_path(path) or not callable(load_object(path)):
            raise DataError(f"measures: {name} is {path!r}: expected {_EXAMPLES['measures']}")
    return {str(name): path for name, path in found.items()}


def _space(given: Any) -> dict[str, list[Any]]:
    space = _mapping("search", given, " such as 'lr: [0.001, 0.003]'")
    for name, values in space.items():
        if not isinstance(values, list) or not values:
            raise DataError(f"search: {name} is {values!r}: expected a list of values")
        if any(values.count(value) > 1 for value in values):
            raise DataError(f"search: {name} has a value twice: {values}")
    return space


def _set(own: Values, point: Values) -> dict[str, Any]:
    """Return a line's part of the settings at a point of its search."""
    options = {k: v for k, v in point.items() if k not in SEARCHABLE}
    rest = {k: v for k, v in point.items() if k in SEARCHABLE}
    return {**own, **rest, "method_options": {**own["method_options"], **options}}


@contextmanager
def _named(where: object) -> Iterator[None]:
    """Say of an error where in the configuration it is."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: {error}") from error


def _try(cell: Cell, splits: Splits) -> None:
    """Build what a cell trains, to see whether it can be."""
    if cell.settings.method:
        build(cell.settings, splits[0]).stages(cell.settings.epochs)
        make_optimizer(cell.settings.optimizer)
    for path in cell.measures.values():
        getattr(load_object(path), "check", lambda settings: None)(cell.settings)


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
