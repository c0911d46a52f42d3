"""What a running study shows: a progress bar, and under it a table, methods by data sets.

In a notebook it is the bar alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from io import StringIO
from typing import Any, Self

import numpy as np
import pandas as pd
from tqdm import tqdm

from mmfuse_lib.core.progress import progress
from mmfuse_lib.study.cells import Cell, Record
from mmfuse_lib.study.results import score_of

#: Seconds between two tables where they cannot be written over each other (a log file).
EVERY = 60.0


class Display:
    """Shows how far a study is, on stderr: in place on a terminal, else now and then.

    Parameters
    ----------
    cells : sequence of Cell
        The whole grid.
    records : mapping of str to dict
        Per cell's hash, what is there already, or None.
    show : bool
        Whether to show anything but errors.
    """

    def __init__(
        self, cells: Sequence[Cell], records: Mapping[str, Record | None], *, show: bool
    ) -> None:
        self.cells = list(cells)
        self.scores = {
            key: score_of(record) for key, record in records.items() if record is not None
        }
        self.show = show
        self.in_place = show and sys.stderr.isatty()
        self.in_notebook = show and not self.in_place and _is_of_a_notebook(sys.stderr)
        self._open = ExitStack()
        self._shown_at = time.monotonic()

    def __enter__(self) -> Self:
        place = sys.stderr if self.in_place else StringIO()
        # Without `show` the bar is off; with it, the environment variable TQDM_DISABLE decides.
        make: Any = partial(tqdm, file=place, **({} if self.show else {"disable": True}))
        make_bar = progress if self.in_notebook else make
        bar = make_bar(total=len(self.cells), initial=len(self.scores), unit="cell")
        self.bar = self._open.enter_context(bar)
        self.show = not self.bar.disable
        n_lines = len(self._lines()) if self.in_place else 0
        self.lines = [
            self._open.enter_context(make(bar_format="{desc}", position=1 + k))
            for k in range(n_lines)
        ]
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        if self.show and not self.in_place and not self.in_notebook:
            self._print()
        self._open.close()

    def update(self, cell: Cell, record: Record) -> None:
        """Note a cell that came in."""
        if "error" not in record:
            self.scores[cell.key] = score_of(record)
        self.bar.update()
        self._draw()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        tqdm.write(text, file=sys.stderr)

    def table(self) -> pd.DataFrame:
        """Return what is done of each method on each data set, and the best score so far.

        The score is the one the setting is chosen by, on validation data: the mean over the seeds
        that are done, of the best setting and, where a line has several rows, the best row.
        """
        return progress_table(self.cells, self.scores)

    def _lines(self) -> list[str]:
        return self.table().to_string().splitlines()

    def _draw(self) -> None:
        if self.in_place:
            for line, text in zip(self.lines, self._lines(), strict=True):
                line.set_description_str(text)
        elif self.in_notebook:  # one quiet bar; the table is for a log
            pass
        elif self.show and time.monotonic() - self._shown_at >= EVERY:
            self._print()

    def _print(self) -> None:
        self._shown_at = time.monotonic()
        text = "\n".join([str(self.bar).strip(), *self._lines()])
        print(text, file=sys.stderr, flush=True)


def _is_of_a_notebook(stream: object) -> bool:
    return type(stream).__module__.partition(".")[0] == "ipykernel"


def progress_table(cells: Sequence[Cell], scores: Mapping[str, float]) -> pd.DataFrame:
    """Return the table that `Display` shows, from the validation scores of finished cells."""
    groups: dict[tuple[str, str], dict[tuple[str, str], list[float]]] = {}
    n_cells: dict[tuple[str, str], int] = {}
    for cell in cells:
        place = (cell.entry, cell.data)
        n_cells[place] = n_cells.get(place, 0) + 1
        found = groups.setdefault(place, {})
        if cell.key in scores:
            found.setdefault((cell.method, str(cell.setting)), []).append(scores[cell.key])
    rows: dict[str, dict[str, str]] = {}
    for (entry, column), found in groups.items():
        n_done = sum(map(len, found.values()))
        best = max((float(np.mean(values)) for values in found.values()), default=float("nan"))
        text = f"{n_done}/{n_cells[entry, column]}" + (f" {best:.3f}" if best > -np.inf else "")
        rows.setdefault(entry, {})[column] = text
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")
