"""The results of a study: gathered in one file, a setting chosen on validation, tables made."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmfuse_lib.core.errors import DataError, UnknownNameError, check_names
from mmfuse_lib.core.files import finite, write_text
from mmfuse_lib.core.intervals import mean_interval
from mmfuse_lib.evaluation import synergy_indicator
from mmfuse_lib.study.cells import Record, unpack_right
from mmfuse_lib.study.manifest import read_manifest
from mmfuse_lib.study.records import failed, read_json, read_records

#: What a setting is chosen by, on validation data: the first that the task has.
SCORES = ("accuracy", "micro_f1", "r2")

#: The columns of a table, and what they are called.
COLUMNS = {
    "accuracy": "accuracy",
    "accuracy_R": "R",
    "accuracy_U1": "U1",
    "accuracy_U2": "U2",
    "accuracy_S": "S",
    "synergy_indicator": "synergy indicator",
    "micro_f1": "micro-F1",
    "macro_f1": "macro-F1",
    "auroc": "AUROC",
    "ece": "ECE",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "n_parameters": "parameters",
    "step_ms": "ms a step",
}

#: Metrics in the units of the target, or of information: all others are shares, shown in per cent.
NO_SHARES = ("mae", "rmse", "r2", "cross_entropy")

#: Digits that a gathered file keeps of metrics; other measures are kept as they are.
DIGITS = 5

Row = dict[str, Any]


@dataclass(frozen=True)
class Results:
    """What a study found.

    Attributes
    ----------
    about : dict
        Name, configuration, how and on what it was run, and what is ``missing``: methods on data
        sets that are not complete.
    cells : list of dict
        A row a cell: ``data``, ``method``, ``seed``, ``setting``, ``key``, ``score`` (on
        validation data), ``chosen``, ``code`` (a digest of it). Those of the chosen setting, and
        all where nothing was tested, also have ``val`` and ``test`` (metrics; the test's with
        ``synergy_indicator`` where each modality was trained alone), ``n_parameters``,
        ``step_ms``, and what else was measured, by its name.
    """

    about: dict[str, Any]
    cells: list[Row]

    @property
    def data(self) -> list[str]:
        """Names of the data sets, in order."""
        return list(dict.fromkeys(row["data"] for row in self.cells))

    def of(self, data: str, method: str | None = None) -> list[Row]:
        """Return the cells of the chosen settings on a data set: of all methods, or of one.

        Raises
        ------
        UnknownNameError
            If there are no results of this name.
        """
        check_names("data set of the study", [data], self.data)
        rows = [row for row in self.cells if row["data"] == data and row["chosen"]]
        names = dict.fromkeys(row["method"] for row in rows)
        check_names(f"method with results on {data}", [method] if method else [], names)
        return [row for row in rows if method in (None, row["method"])]

    def setting(self, data: str, method: str) -> dict[str, Any]:
        """Return the setting that was chosen for a method."""
        found: dict[str, Any] = self.of(data, method)[0]["setting"]
        return found

    def save(self, path: Path) -> None:
        """Write all to one file, a cell a line.

        Raises
        ------
        DataError
            If it cannot be written.
        """
        write = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
        about = json.dumps(self.about, indent=1, ensure_ascii=False, allow_nan=False)[1:-2]
        lines = ",\n".join(map(write, self.cells))
        write_text(path, f'{{{about},\n "cells": [\n{lines}\n]}}\n')


def load_results(path: str | Path) -> Results:
    """Read a file that `Results.save`, or ``mmfuse report --out``, wrote.

    Raises
    ------
    DataError
        If it cannot be read.

    Examples
    --------
    >>> from mmfuse_lib import study
    >>> results = study.load_results("reproduce/book.json")
    >>> list(results.data)
    ['digit_pairs', 'spoken_digits', 'utd_mhad']
    """
    try:
        found = read_json(Path(path))
        cells = found.pop("cells")
        if not all("chosen" in row for row in cells):
            raise ValueError("its cells were not gathered")
        return Results(found, cells)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read as results of a study: {error}") from error


def gather(folder: Path) -> Results:
    """Collect the cells of a study's folder and choose a setting for every method and data set.

    A method's setting on a data set is the one with the best validation score, mean over the
    seeds; a setting with a failed cell cannot be chosen. Test results of other settings are left
    behind, and those of a method with cells still to be run.

    Raises
    ------
    DataError
        If the folder holds no study, or nothing in it is complete.

    Examples
    --------
    >>> import tempfile
    >>> from mmfuse_lib.study import Study, gather, run_study
    >>> few = {"data_options": {"n_train": 60, "n_val": 20, "n_test": 20}}
    >>> plan = {"name": "mine", "methods": {"JointFusion": {}}, "data": {"digit_pairs": few}}
    >>> grid = Study.of({**plan, "settings": {"epochs": 1, "device": "cpu"}})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     outcome = run_study(grid, Path(folder), progress=False)
    ...     gather(Path(folder)).data
    ['digit_pairs']
    """
    manifest = read_manifest(folder)
    records, problems = read_records(folder, [cell["key"] for cell in manifest["cells"]])
    groups: dict[tuple[str, str], list[Row]] = {}
    for cell in manifest["cells"]:
        groups.setdefault((cell["data"], cell["method"]), []).append(cell)
    rows: list[Row] = []
    missing = list(problems)
    for (data, method), cells in groups.items():
        absent = [c for c in cells if records[c["key"]] is None]
        n_failed = sum(failed(folder, c["key"]) for c in absent)
        best = None if len(absent) > n_failed else _choose(cells, records)
        if best is None:
            missing.append(f"{method} on {data}: {len(absent)} of {len(cells)} cells")
        elif n_failed:
            missing.append(f"{method} on {data}: {n_failed} failed cells of settings not chosen")
        rows += [_row(c, record, best) for c in cells if (record := records[c["key"]])]
    if not any(row["chosen"] for row in rows):
        why = "".join(f"\n{line}" for line in problems[:1])
        raise DataError(f"{folder}: no method has all its cells yet; run mmfuse study first{why}")
    for data, modalities in manifest["modalities"].items():
        _add_synergy_indicator([r for r in rows if r["data"] == data], modalities, records)
    found = [record for record in records.values() if record]
    return Results(_about(manifest, found, missing), rows)


def score_of(record: Record) -> float:
    """Return what settings are compared by: accuracy, micro-F1 or R2, as the task has it.

    Minus infinity where the task has none of them, and where nothing was trained.
    """
    metrics = record["results"].get("evaluation", {}).get("val", {})
    found = next((metrics[name] for name in SCORES if name in metrics), None)
    return -math.inf if found is None else found


def _choose(cells: Sequence[Row], records: Mapping[str, Record | None]) -> str | None:
    """Return the setting, as text, with the best mean validation score over all its seeds."""
    by_setting: dict[str, list[Record | None]] = {}
    for cell in cells:
        by_setting.setdefault(_text(cell["setting"]), []).append(records[cell["key"]])
    means = {
        setting: float(np.mean([score_of(r) for r in of if r]))
        for setting, of in by_setting.items()
        if all(of)
    }
    return max(means, key=lambda setting: means[setting], default=None)


def _text(setting: Mapping[str, Any]) -> str:
    return json.dumps(setting, sort_keys=True)


def _row(cell: Row, record: Record, best: str | None) -> Row:
    results = dict(record["results"])
    evaluation = results.pop("evaluation", {})
    row = {
        "data": cell["data"],
        "method": cell["method"],
        "seed": cell["seed"],
        "setting": cell["setting"],
        "key": cell["key"],
        "code": record["code"],
        "score": finite(score_of(record), DIGITS),
        "cpu_seconds": record["ran"]["cpu_seconds"],
        "chosen": _text(cell["setting"]) == best,
    }
    if row["chosen"] or record["evaluate"] == "val":
        told = ("val", "test", "n_parameters")
        row |= finite({k: evaluation[k] for k in told if k in evaluation}, DIGITS)
        row |= {"step_ms": record["ran"]["step_ms"], **results}
    return row


def _add_synergy_indicator(
    rows: Iterable[Row], modalities: Sequence[str], records: Mapping[str, Record | None]
) -> None:
    """Compare each chosen cell with those of the modalities alone, on the same seed and data."""
    by_seed: dict[int, list[tuple[Row, Row, np.ndarray[Any, np.dtype[np.bool_]]]]] = {}
    for row in rows:
        record = records[row["key"]]
        found = record["results"].get("evaluation", {}) if record and row["chosen"] else {}
        if record and found.get("right"):  # a question for its task
            right = unpack_right(found["right"], found["n_test"])
            by_seed.setdefault(row["seed"], []).append((row, record["settings"], right))
    for of_seed in by_seed.values():
        alone = {
            settings["method_options"]["modality"]: right
            for _, settings, right in reversed(of_seed)
            if settings["method"] == "Unimodal"
        }
        if set(alone) == set(modalities):
            for row, _, right in of_seed:
                share = synergy_indicator(right, list(alone.values()))
                row["test"]["synergy_indicator"] = finite(share, DIGITS)


def _about(manifest: Row, records: Sequence[Record], missing: list[str]) -> Row:
    def all_of(read: Callable[[Row], Any]) -> list[Any]:
        seen = {_text(read(record["ran"])): read(record["ran"]) for record in records}
        return list(seen.values())

    return {
        "name": manifest["name"],
        "config": manifest["config"],
        "chosen": "per method and data set, the setting with the best validation score, mean over "
        "the seeds; test results of that setting only",
        "runs": manifest["runs"],
        "seconds": round(sum(run["seconds"] for run in manifest["runs"])),
        "cpu_seconds": round(sum(record["ran"]["cpu_seconds"] for record in records)),
        "hardware": all_of(lambda ran: {"device": ran["device"], "processor": ran["processor"]}),
        "versions": all_of(lambda ran: ran["versions"]),
        "library": all_of(lambda ran: {k: ran.get(k) for k in ("version", "commit", "modified")}),
        "dates": sorted(all_of(lambda ran: ran["date"])),
        "missing": missing,
    }


# Where results come from, and tables.


def made_on(results: Results) -> str:
    """Return a line that says what results were computed on, with what, when and for how long.

    Examples
    --------
    >>> from mmfuse_lib import study
    >>> study.made_on(study.load_results("reproduce/book.json"))  # doctest: +ELLIPSIS
    '... cells on ..., cpu (x86_64, threads: 1); python 3..., torch 2...; CPU ... minutes'
    """
    about = results.about
    machines = [f"{one['processor']}, {one['device']}" for one in about["hardware"]]
    versions = [" ".join(one) for found in about["versions"] for one in found.items()]
    return "; ".join(
        [
            f"{len(results.cells)} cells on {' and '.join(machines)}",
            ", ".join(dict.fromkeys(versions)),
            ", ".join(about["dates"]),
            f"CPU {about['cpu_seconds'] / 60:.0f} minutes",
        ]
    )


def scores(results: Results, data: str, *parts: str) -> pd.DataFrame:
    """Return the numbers of the chosen settings on a data set, a row a method and seed.

    Parameters
    ----------
    results : Results
        From `load_results` or `gather`.
    data : str
        One of ``results.data``.
    *parts : str
        ``"test"`` (the default), ``"val"``, or names of other measures that the study took.

    Returns
    -------
    DataFrame
        Columns ``method``, ``seed``, the numbers, ``n_parameters`` and ``step_ms`` where they are
        known. Methods that have none of the parts are left out.

    Examples
    --------
    >>> from mmfuse_lib import study
    >>> results = study.load_results("reproduce/book.json")
    >>> runs = study.scores(results, "digit_pairs")
    >>> runs.groupby("method")["accuracy_S"].mean().idxmax()
    'JointFusion'
    """
    found, parts = results.of(data), parts or ("test",)
    for part in parts:
        if not any(part in row for row in found):
            known = [k for row in found for k, v in row.items() if isinstance(v, Mapping)]
            others = sorted({k for k in known if k != "setting"})
            raise UnknownNameError("part of the results", part, others)
    rows: list[dict[str, Any]] = []
    for row in found:
        numbers: dict[str, Any] = {}
        for part in (part for part in parts if part in row):
            if isinstance(row[part], Mapping):
                numbers.update(row[part])
            else:
                numbers[part] = row[part]
        size = {name: row[name] for name in ("n_parameters", "step_ms") if name in row}
        if numbers:
            rows.append({"method": row["method"], "seed": row["seed"]} | numbers | size)
    return pd.DataFrame(rows)


class EdgeOfGridWarning(UserWarning):
    """A chosen setting is the smallest or largest that was tried: a better one may lie beyond."""


def at_an_edge(results: Results, data: str) -> list[str]:
    """Return a line for each searched setting whose best value is at the edge of its grid.

    Parameters
    ----------
    results : Results
        From `load_results` or `gather`.
    data : str
        One of ``results.data``.

    Returns
    -------
    list of str
        Such as ``"digit_pairs: lr 0.003 is the largest of 2 values tried, and chosen for DMIL"``.
        A setting of one value, or whose values are no numbers, was not searched.
    """
    chosen = {row["method"]: row["setting"] for row in results.of(data)}
    found: dict[str, list[str]] = {}
    for method, setting in chosen.items():
        for name, value in setting.items():
            rows = (r for r in results.cells if (r["data"], r["method"]) == (data, method))
            tried = {json.dumps(r["setting"][name]): r["setting"][name] for r in rows}.values()
            numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in tried)
            if numbers and len(tried) > 1 and value in (min(tried), max(tried)):
                end = "largest" if value == max(tried) else "smallest"
                line = f"{data}: {name} {value} is the {end} of {len(tried)} values tried"
                found.setdefault(line, []).append(method)
    return [f"{line}, and chosen for {'; '.join(methods)}" for line, methods in found.items()]


def table(results: Results, data: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the table of methods on a data set: mean and 95 % interval over the seeds, as text.

    Parameters
    ----------
    results : Results
        From `load_results` or `gather`.
    data : str
        One of ``results.data``.
    columns : sequence of str, optional
        Which of `COLUMNS`; by default all that there are.

    Returns
    -------
    DataFrame
        A row a method, of test data, or of validation data where nothing was tested. Shares are in
        per cent; parameters are a number, and the time of a step (validation included) is a mean.

    Warns
    -----
    EdgeOfGridWarning
        If a setting was chosen that is at the edge of what was tried; see `at_an_edge`.

    Examples
    --------
    >>> from mmfuse_lib import study
    >>> results = study.load_results("reproduce/explanations.json")
    >>> found = study.table(results, "digits/balanced", columns=["accuracy", "accuracy_S"])
    >>> found.loc["DMIL", "accuracy"]  # doctest: +ELLIPSIS
    '... ± ...'
    """
    tested = any("test" in row for row in results.of(data))
    found = scores(results, data, "test" if tested else "val")
    for line in at_an_edge(results, data):
        warnings.warn(line, EdgeOfGridWarning, stacklevel=2)
    check_names("column", columns or (), list(map(str, found)))
    shown = [name for name in columns or COLUMNS if name in found]
    return pd.DataFrame(
        {
            method: {COLUMNS.get(c, c): _cell_text(c, rows[c]) for c in shown}
            for method, rows in found.groupby("method", sort=False)
        }
    ).T


def _cell_text(column: str, values: pd.Series[Any]) -> str:
    numbers = values.dropna().to_numpy(dtype=float)
    if not len(numbers):
        return ""
    if column == "n_parameters":
        return f"{numbers.mean():,.0f}"
    if column == "step_ms":
        return f"{numbers.mean():.1f}"
    scale, digits = (1, 3) if column in NO_SHARES else (100, 1)
    center, half = mean_interval(scale * numbers)
    return f"{center:.{digits}f}" + (f" ± {half:.{digits}f}" if math.isfinite(half) else "")
