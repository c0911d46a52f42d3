"""The benchmark: what is measured of a trained model on a task of the suite.

To what `mmfuse_lib.explanations.measurement` scores it adds every explanation of the *finished*
plain joint model (`mmfuse_lib.explanations.posthoc`): none of them trains anything or sees a label
of the samples that it explains, but for SHAPE, which is about accuracy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mmfuse_lib.explanations import measurement
from mmfuse_lib.explanations.measurement import shares_of, summarise
from mmfuse_lib.explanations.posthoc.coalitions import ask
from mmfuse_lib.explanations.posthoc.explaining import report_of
from mmfuse_lib.explanations.posthoc.projection import emap
from mmfuse_lib.explanations.posthoc.reading import read_effects, read_projection, read_shares
from mmfuse_lib.explanations.posthoc.shapley import intershap, mm_shap, shape
from mmfuse_lib.explanations.scores import evaluate_explanations
from mmfuse_lib.explanations.suite import ExplanationTask
from mmfuse_lib.methods import JointFusion
from mmfuse_lib.methods.base import Method
from mmfuse_lib.runs import Trained


def measure(trained: Trained) -> dict[str, Any]:
    """Score a study's trained model, and, of a plain `JointFusion`, all explanations afterwards.

    Reliability diagrams are left out, to keep the file of 1,530 cells small.

    Raises
    ------
    UnknownNameError
        If the truth of the data set is not known.
    """
    found = measurement.measure(trained)
    if type(trained.model) is JointFusion:
        settings = trained.settings
        train, val, test = trained.splits
        task = ExplanationTask.of((train, val, test), settings.data, shares_of(settings))
        reports = explanations_of(trained.model, task, seed=settings.seed)
        found |= {
            name: summarise(evaluate_explanations(report, task)) for name, report in reports.items()
        }
    small: dict[str, Any] = {name: {**kept, "reliability": {}} for name, kept in found.items()}
    return small


measure.check = shares_of  # type: ignore[attr-defined]  # before anything is trained


def explanations_of(model: Method, task: ExplanationTask, *, seed: int) -> dict[str, pd.DataFrame]:
    """Explain a finished model's decisions in every way that this library knows.

    Parameters
    ----------
    model : Method
        Trained on two modalities.
    task : ExplanationTask
        Partners come from its training split.
    seed : int
        Of the draw of partners.

    Returns
    -------
    dict of str to DataFrame
        Columns R, U1, U2, S of each.
    """
    found = {}
    for partners in ("likely", "any"):
        decided, answered = (
            ask(
                model, task.test, task.train, partners=partners, decisions=decisions, seed=seed
            )
            for decisions in (True, False)
        )  # fmt: skip
        found[f"explain, {partners} partners"] = report_of(decided)
        effects = intershap(answered).to_numpy()[:, :3].T
        found[f"InterSHAP, {partners} partners"] = read_effects(*effects)
        if partners == "any":
            found["MM-SHAP"] = read_shares(mm_shap(answered))
            of_accuracy = shape(decided, task.test.target).to_numpy()
            found["SHAPE"] = read_effects(*np.tile(of_accuracy[:, None], len(task.test)))
    return found | {"EMAP": read_projection(emap(model, task.test))}
