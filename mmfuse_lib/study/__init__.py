"""Studies: methods x data sets x settings x seeds, run once and gathered in one small file.

>>> from mmfuse_lib import study
>>> results = study.load_results("reproduce/book.json")
>>> print(study.table(results, "digit_pairs"))
"""

from mmfuse_lib.study.cells import Cell
from mmfuse_lib.study.execution import Outcome, run_study
from mmfuse_lib.study.grid import Study, read_study
from mmfuse_lib.study.results import (
    EdgeOfGridWarning,
    Results,
    at_an_edge,
    gather,
    load_results,
    made_on,
    scores,
    table,
)

__all__ = [
    "Cell",
    "EdgeOfGridWarning",
    "Outcome",
    "Results",
    "Study",
    "at_an_edge",
    "gather",
    "load_results",
    "made_on",
    "read_study",
    "run_study",
    "scores",
    "table",
]
