"""Do explanations hold? Tasks with exact truth, scores against it, and what to compare with.

>>> from mmfuse_lib import evaluate_explanations, explanations, fit, methods
>>> task = explanations.load_task("digits/balanced", seed=0, n_train=600, n_val=100, n_test=200)
>>> model = methods.I2MoE.for_data(task.train, dim=16, seed=0)
>>> history = fit(model, task.train, task.val, epochs=3, seed=0, progress=False)
>>> metrics = evaluate_explanations(model, task).metrics
>>> [name for name in metrics if name.startswith("auroc_")]
['auroc_R', 'auroc_U1', 'auroc_U2', 'auroc_S']
"""

from mmfuse_lib.explanations.baselines import heads_as_interactions, lsmi_report, uniform_report
from mmfuse_lib.explanations.leaderboard import (
    best_possible,
    chance,
    leaderboard,
    leaderboard_text,
    records,
)
from mmfuse_lib.explanations.measure import measure, shares_of, summarise, task_scores
from mmfuse_lib.explanations.scores import (
    ExplanationScores,
    evaluate_explanations,
    reliability,
    score_report,
)
from mmfuse_lib.explanations.suite import (
    ExplanationTask,
    best_report,
    exact_shares,
    kind_probabilities,
    load_task,
    recipe,
    tasks,
)

__all__ = [
    "ExplanationScores",
    "ExplanationTask",
    "best_possible",
    "best_report",
    "chance",
    "evaluate_explanations",
    "exact_shares",
    "heads_as_interactions",
    "kind_probabilities",
    "leaderboard",
    "leaderboard_text",
    "load_task",
    "lsmi_report",
    "measure",
    "recipe",
    "records",
    "reliability",
    "score_report",
    "shares_of",
    "summarise",
    "task_scores",
    "tasks",
    "uniform_report",
]
