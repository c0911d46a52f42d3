"""The suite: tasks on which it is known, exactly, what decides the label.

Two truths, and they differ. The **composition** says of every sample which interaction its label
was made by. The **decomposition** says how much of each atom the joint distribution
``p(x1, x2, y)`` holds (Bertschinger et al. 2014), whatever made it. Digits whose labels follow
"left knows" and "right knows" equally often, with a cue that both images show, have no unique
information at all by the second truth: each image tells the label equally often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, check_names
from mmfuse_lib.data import INTERACTIONS, MultimodalData
from mmfuse_lib.data.card import Splits
from mmfuse_lib.data.synthetic.gaussian_gates import truth
from mmfuse_lib.data.synthetic.labels import composition_weights, kind_tables, mixture_table
from mmfuse_lib.information import GATES, decompose

#: Samples of each split, by data set; few, so that the whole suite is a matter of minutes.
SIZES: dict[str, dict[str, int]] = {
    "gaussian_gates": {"n_train": 1_000, "n_val": 400, "n_test": 1_000},
    "digit_pairs": {"n_train": 2_000, "n_val": 500, "n_test": 1_000},
    "spoken_digits": {"n_train": 1_500, "n_val": 500, "n_test": 1_000},
    "bird_pairs": {"n_train": 2_000, "n_val": 500, "n_test": 1_000},
}

#: Standard deviation of the noise of the gates.
GATE_NOISE = 0.4

#: Shares of R, U1, U2, S by the name of a composition.
COMPOSITIONS: dict[str, tuple[float, float, float, float]] = {
    "balanced": (0.25, 0.25, 0.25, 0.25),
    "mostly R": (0.7, 0.1, 0.1, 0.1),
    "mostly U1": (0.1, 0.7, 0.1, 0.1),
    "mostly U2": (0.1, 0.1, 0.7, 0.1),
    "mostly S": (0.1, 0.1, 0.1, 0.7),
    "R or S": (0.5, 0.0, 0.0, 0.5),
    "U1 or U2": (0.0, 0.5, 0.5, 0.0),
    "all R": (1.0, 0.0, 0.0, 0.0),
}

#: Per family of digit tasks: the data set, its options, and the compositions it is drawn with.
_DIGITS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "digits": (
        "digit_pairs",
        {"n_classes": 4, "cue": True},
        ("balanced", "mostly R", "mostly U1", "mostly S", "R or S", "U1 or U2", "all R"),
    ),
    "digits, 2 classes": ("digit_pairs", {"n_classes": 2, "cue": True}, ("balanced",)),
    "digits, 6 classes": ("digit_pairs", {"n_classes": 6, "cue": True}, ("balanced",)),
    "digits, no cue": (
        "digit_pairs",
        {"n_classes": 4, "cue": False},
        ("balanced", "mostly S", "U1 or U2"),
    ),
    "spoken": (
        "spoken_digits",
        {"n_classes": 2, "cue": True},
        ("balanced", "mostly U2", "mostly S"),
    ),
    "spoken, no cue": ("spoken_digits", {"n_classes": 2, "cue": False}, ("balanced", "mostly S")),
    "digits, cue right in 80 %": ("digit_pairs", {"n_classes": 4, "cue": 0.8}, ("balanced",)),
    "digits, cue right in 60 %": ("digit_pairs", {"n_classes": 4, "cue": 0.6}, ("balanced",)),
    "digits, left cue": (
        "digit_pairs",
        {"n_classes": 4, "cue": True, "cue_in": "first"},
        ("balanced", "mostly S"),
    ),
    "digits, noise": (
        "digit_pairs",
        {"n_classes": 4, "cue": True, "noise": {"left": 0.3, "right": 0.3}},
        ("balanced",),
    ),
    "digits, right noise": (
        "digit_pairs",
        {"n_classes": 4, "cue": True, "noise": {"right": 0.6}},
        ("balanced",),
    ),
    "birds": ("bird_pairs", {"n_classes": 4, "cue": True}, ("balanced", "mostly S")),
}


@dataclass(frozen=True, eq=False)
class ExplanationTask:
    """Data with the truth about what decides its labels.

    Attributes
    ----------
    name : str
        The task's name in the suite, or a reader's own.
    train, val, test : MultimodalData
        Two modalities. With ``composition`` where one interaction rules each sample.
    decomposition : Series
        Shares of R, U1, U2, S in I(X1,X2;Y), which sum to 1.

    Examples
    --------
    >>> from mmfuse_lib import data
    >>> from mmfuse_lib.explanations import ExplanationTask
    >>> composition = {"R": 0.5, "S": 0.5}
    >>> splits = data.load("digit_pairs", seed=0, n_train=200, composition=composition)
    >>> task = ExplanationTask.of(splits)
    >>> task.decomposition.round(2).to_dict()
    {'R': 0.5, 'U1': 0.0, 'U2': 0.0, 'S': 0.5}
    """

    name: str
    train: MultimodalData
    val: MultimodalData
    test: MultimodalData
    decomposition: pd.Series

    @classmethod
    def of(
        cls, splits: Splits, name: str = "own", decomposition: pd.Series | None = None
    ) -> ExplanationTask:
        """Make a task of data whose truth is known.

        Parameters
        ----------
        splits : tuple of MultimodalData
            Training, validation and test data.
        name : str
            What the task is called.
        decomposition : Series, optional
            The atoms R, U1, U2, S, in any unit; by default those of the data's ``label_table()``,
            which is decomposed exactly.

        Raises
        ------
        DataError
            If the table is not known, or tells nothing of the label.
        """
        if decomposition is None:
            atoms = decompose(splits[0].label_table()).atoms
        else:
            atoms = decomposition[list(INTERACTIONS)].to_numpy(dtype=np.float64)
        train, val, test = splits
        return cls(name, train, val, test, _shares(atoms))

    @property
    def has_composition(self) -> bool:
        """Whether it is known which interaction decided each sample."""
        return self.test.composition is not None


def tasks() -> tuple[str, ...]:
    """Return the names of the tasks of the suite.

    ``gate/..``: noisy gates; no sample has one interaction of its own there, so only the global
    report can be judged. ``digits/..``: digit pairs of four classes. ``spoken/..``: spoken digits
    of two classes, and ``birds/..``: features of birds of four kinds, which are downloaded. All
    show a cue in both modalities that is always right, unless the name says otherwise.

    Examples
    --------
    >>> from mmfuse_lib import explanations
    >>> len(explanations.tasks()), explanations.tasks()[:2]
    (32, ('gate/xor', 'gate/and'))
    """
    return tuple(_recipes())


def recipe(name: str) -> tuple[str, dict[str, Any]]:
    """Return the data set of a task and the options that it is loaded with, but for the sizes.

    Raises
    ------
    UnknownNameError
        If the suite has no such task.

    Examples
    --------
    >>> from mmfuse_lib import explanations
    >>> name, options = explanations.recipe("digits, no cue/mostly S")
    >>> name, options["cue"], options["composition"]["S"]
    ('digit_pairs', False, 0.7)
    """
    check_names("task", [name], _recipes())
    data_set, options = _recipes()[name]
    return data_set, dict(options)


def load_task(name: str, seed: int = 0, **sizes: int) -> ExplanationTask:
    """Load a task of the suite.

    Parameters
    ----------
    name : str
        One of `tasks()`.
    seed : int
        Seed of everything that is drawn.
    **sizes
        ``n_train``, ``n_val``, ``n_test``: numbers of samples, by default `SIZES`.

    Raises
    ------
    UnknownNameError
        If the suite has no such task, or a size another name.
    DataError, DownloadError
        If a size is out of range, or spoken digits cannot be had.

    Examples
    --------
    >>> from mmfuse_lib import explanations
    >>> task = explanations.load_task("digits/balanced", seed=0, n_train=200, n_val=50, n_test=100)
    >>> task.test
    MultimodalData(100 samples; left (1, 10, 8), right (1, 10, 8); 4 classes)
    """
    data_set, options = recipe(name)
    check_names("size", sizes, SIZES[data_set])
    splits = data.load(data_set, seed=seed, **options, **(SIZES[data_set] | sizes))
    return ExplanationTask(name, *splits, exact_shares(data_set, **options))


def exact_shares(data_set: str, **options: Any) -> pd.Series:
    """Return the exact decomposition of a data set, each atom as a share of I(X1,X2;Y).

    Of a gate it is that of the noisy features, see
    `mmfuse_lib.data.synthetic.gaussian_gates.truth`; of digits it is that of the exact label
    table, in which a digit counts as seen.

    Parameters
    ----------
    data_set : str
        ``"gaussian_gates"``, ``"digit_pairs"``, ``"spoken_digits"`` or ``"bird_pairs"``.
    **options
        What it is loaded with; those that do not change the truth are ignored.

    Raises
    ------
    UnknownNameError
        If it is another data set, whose truth is not known.

    Examples
    --------
    >>> from mmfuse_lib.explanations import exact_shares
    >>> exact_shares("gaussian_gates", gate="xor", noise=0.2).round(2).to_dict()
    {'R': 0.0, 'U1': 0.0, 'U2': 0.0, 'S': 1.0}
    """
    check_names("data set with exact truth", [data_set], SIZES)
    if data_set == "gaussian_gates":
        return _shares(truth(options.get("gate", "xor"), options.get("noise", 0.5)).atoms)
    weights = composition_weights(options.get("composition"))
    table = mixture_table(
        weights,
        options.get("n_classes", 4),
        options.get("cue", True),
        options.get("cue_in", "both"),
    )
    return _shares(decompose(table).atoms)


def kind_probabilities(
    *,
    n_classes: int,
    cue: bool | float,
    cue_in: str = "both",
    composition: Mapping[str, float] | None = None,
    **_: Any,
) -> NDArray[np.float64]:
    """Return the exact ``p(kind, x1, x2, y)`` of digits: the composition beside the label table.

    Takes the options of `recipe`; those that do not change the probabilities, such as noise, are
    ignored.

    Returns
    -------
    ndarray, shape (4, X1, X2, K)
        4 K values of a source that shows a cue, K of another (see
        `mmfuse_lib.data.synthetic.digit_pairs.label_table`). Its sum over the first axis is the
        label table.

    Examples
    --------
    >>> from mmfuse_lib.explanations import kind_probabilities
    >>> p = kind_probabilities(n_classes=2, cue=False)
    >>> p.shape
    (4, 2, 2, 2)
    >>> p[0].round(3).tolist()  # redundant: both digits are the label
    [[[0.125, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.125]]]
    """
    return kind_tables(composition_weights(composition), n_classes, cue, cue_in)


def best_report(
    p: NDArray[np.float64], *, knows_label: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the best report there can be, and the area under the ROC curve that it reaches.

    The posterior p(kind | x1, x2) ranks samples best for every component (Neyman & Pearson 1933):
    no report that is a function of the inputs has a larger area, whoever makes it.

    Parameters
    ----------
    p : ndarray, shape (4, X1, X2, K)
        From `kind_probabilities`.
    knows_label : bool
        Whether the report is told the label as well, as an estimator of information is.

    Returns
    -------
    posterior : ndarray, shape (4, X1, X2) or (4, X1, X2, K)
        NaN where the inputs cannot occur.
    auroc : ndarray, shape (4,)
        A component that no sample, or every sample, has gets NaN.

    Examples
    --------
    >>> from mmfuse_lib.explanations import best_report, kind_probabilities
    >>> _, auroc = best_report(kind_probabilities(n_classes=4, cue=False))
    >>> auroc.round(2).tolist()  # without a cue nobody can know more
    [0.88, 0.62, 0.62, 0.62]
    >>> _, auroc = best_report(kind_probabilities(n_classes=4, cue=True))
    >>> auroc.round(2).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    joint = p if knows_label else p.sum(axis=3)
    total = joint.sum(axis=0)
    posterior = np.divide(joint, total, out=np.full(joint.shape, np.nan), where=total > 0)
    mass = joint.reshape(len(p), -1)
    scores = np.nan_to_num(posterior.reshape(len(p), -1))
    areas = [_area(s, m, total.ravel() - m) for s, m in zip(scores, mass, strict=True)]
    return posterior, np.array(areas)


def _area(
    score: NDArray[np.float64], has: NDArray[np.float64], has_not: NDArray[np.float64]
) -> float:
    """Return P(score of one that has > score of one that has not) + P(equal) / 2."""
    if has.sum() < 1e-12 or has_not.sum() < 1e-12:
        return float("nan")
    _, group = np.unique(score.round(12), return_inverse=True)
    yes, no = np.bincount(group, has), np.bincount(group, has_not)
    below = np.cumsum(no) - no
    return float((yes * (below + no / 2)).sum() / (yes.sum() * no.sum()))


@cache
def _recipes() -> dict[str, tuple[str, dict[str, Any]]]:
    suite: dict[str, tuple[str, dict[str, Any]]] = {
        f"gate/{gate}": ("gaussian_gates", {"gate": gate, "noise": GATE_NOISE})
        for gate in GATES
        if gate != "or"  # AND with every bit flipped: the same information
    }
    for family, (data_set, options, compositions) in _DIGITS.items():
        for name in compositions:
            shares = dict(zip(INTERACTIONS, COMPOSITIONS[name], strict=True))
            suite[f"{family}/{name}"] = (data_set, {**options, "composition": shares})
    return suite


def _shares(atoms: NDArray[np.float64]) -> pd.Series:
    if atoms.sum() < 1e-9:
        raise DataError("the sources tell nothing of the label: there is no share to report")
    return pd.Series(np.clip(atoms, 0, None) / np.clip(atoms, 0, None).sum(), list(INTERACTIONS))
