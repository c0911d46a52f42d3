"""Studies: methods x data sets x settings x seeds, run once and gathered in one small file.

>>> from mmfuse_lib import study
>>> results = study.load_results("reproduce/explanations.json")
>>> list(study.table(results, "digits/balanced"))[:2]
['accuracy', 'R']
"""

from mmfuse_lib.study.cells import MEASURES, Cell
from mmfuse_lib.study.execution import Outcome, run_study
from mmfuse_lib.study.grid import Study, read_study
from mmfuse_lib.study.results import Results, gather, load_results, made_on, scores, table

__all__ = [
    "MEASURES",
    "Cell",
    "Outcome",
    "Results",
    "Study",
    "gather",
    "load_results",
    "made_on",
    "read_study",
    "run_study",
    "scores",
    "table",
]
