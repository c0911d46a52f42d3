"""A browser of samples: what a model sees, how its parts vote, and what is true."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.core.errors import DataError, check_integers, check_names
from mmfuse_lib.plots.interactive.page import Page
from mmfuse_lib.plots.style import PALETTE

#: In place of a weight, for a row that has none.
_NO_WEIGHT = 255


def sample_browser(
    inputs: Mapping[str, ArrayLike],
    target: ArrayLike,
    prediction: ArrayLike | Mapping[str, ArrayLike],
    *,
    votes: Mapping[str, ArrayLike] | None = None,
    weights: Mapping[str, ArrayLike] | None = None,
    reports: Mapping[str, ArrayLike] | None = None,
    kind: ArrayLike | None = None,
    kinds: Sequence[str] = ("R", "U1", "U2", "S"),
    class_names: Sequence[str] | None = None,
    each: int = 30,
) -> Page:
    """Return a page to leaf through samples: inputs, votes of a model's parts, prediction, truth.

    A reader filters by kind and by right or wrong, and sorts by how far the votes are at odds:
    the mean total variation distance between two of them. The arrays hold the votes: any model
    will do.

    Parameters
    ----------
    inputs : mapping of str to array
        Per modality ``(N, H, W)`` or ``(N, 1, H, W)``, drawn in grey from the smallest number to
        the largest, or ``(N, d)``, drawn as a strip.
    target : array of int, shape (N,)
        The true class of each sample.
    prediction : array of int, shape (N,), or mapping of str to such arrays
        The predicted class; of several models, by name. A sample counts as right if all are.
    votes : mapping of str to array, shape (N, K)
        Probabilities of the classes, a row of the table an entry: each expert, each component.
    weights : mapping of str to array, shape (N,), or DataFrame
        How much each vote counts, in [0, 1]. Votes without a weight are not compared when samples
        are sorted, such as that of the whole model.
    reports : mapping of str to array, shape (N, C), or DataFrame
        What each method says of the sample's kind: its shares of `kinds`.
    kind : array of str, shape (N,)
        The true kind of each sample, one of `kinds`.
    kinds : sequence of str
        The kinds, in the order of the reports' columns.
    class_names : sequence of str, optional
        Names of the classes; their numbers by default.
    each : int
        The first so many samples of each kind are shown, or of each class where no kind is known:
        a rule, so that nobody has picked them.

    Returns
    -------
    Page
        Works without a server and without a network, in the book, in Jupyter and on Colab.

    Raises
    ------
    DataError
        If shapes do not fit, shares are not between 0 and 1, or there is nothing to show.
    UnknownNameError
        If a kind is not one of `kinds`, or a weight belongs to no vote.

    Examples
    --------
    >>> import numpy as np
    >>> from mmfuse_lib import plots
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(2, size=50)
    >>> votes = {name: rng.dirichlet([1, 1], size=50) for name in ("left", "right")}
    >>> page = plots.sample_browser(
    ...     {"left": rng.random((50, 8, 8))}, y, votes["left"].argmax(axis=1), votes=votes, each=10
    ... )
    >>> print(page)
    A browser of 20 of 50 samples, the first 10 of each class; it needs a browser.
    """
    check_integers(each=each)
    truth = np.asarray(target)
    n = len(truth)
    told = _checked(_named(prediction), n)
    told_kind = None if kind is None else _numbers(np.asarray(kind), kinds)
    groups = truth if told_kind is None else told_kind
    arrays = [truth, groups, *told.values()]
    if n == 0 or any(array.shape != (n,) for array in arrays):
        raise DataError("target, prediction and kind: expected arrays of one length, not empty")
    shown = np.sort(np.concatenate([np.flatnonzero(groups == g)[:each] for g in np.unique(groups)]))
    n_classes = 1 + max(int(a.max()) for a in (truth, *told.values()))
    tables, compared = [], []
    if votes:
        checked = _shares(votes, n)
        n_classes = max(n_classes, checked[0].shape[1])
        tables.append(_table("Votes, in %", "vote of", votes, checked, shown, truth[shown]))
        given = {} if weights is None else {name: weights[name] for name in weights}
        check_names("vote", given, votes)
        if given:
            none = np.full(n, _NO_WEIGHT / 100)
            columns = [_checked_weight(k, given[k], n) if k in given else none for k in votes]
            tables[0]["weights"] = _bytes(_percent(np.stack(columns, axis=1))[shown])
        compared = [p for k, p in zip(votes, checked, strict=True) if k in given or not given]
    if reports:
        if told_kind is None:
            raise DataError("reports are given and kind is not: expected the kind of each sample")
        checked = _shares(reports, n, len(kinds))
        tables.append(
            _table("Reports, in %", "report of", reports, checked, shown, told_kind[shown], kinds)
        )
        compared = compared or checked
    if not tables:
        raise DataError("no votes and no reports: expected one of them")
    names = list(map(str, class_names or range(n_classes)))
    if len(names) < n_classes:
        raise DataError(f"{len(names)} class_names: expected at least {n_classes}")
    if votes:
        tables[0]["columns"] = names
    unit = "class" if told_kind is None else "kind"
    rule = f"{len(shown):,} of {n:,} samples, the first {each} of each {unit}"
    content = {
        "rule": f"{rule}, in the order of the data. Bold: a row's largest number. Shaded: the truth"
        f"{'; weight: how much a vote counts, in %' if weights is not None else ''}.",
        "numbers": shown.tolist(),
        "classes": names,
        "target": truth[shown].tolist(),
        "kinds": None if told_kind is None else list(kinds),
        "kind": None if told_kind is None else told_kind[shown].tolist(),
        "predictions": [{"name": k, "values": v[shown].tolist()} for k, v in told.items()],
        "inputs": [_image(name, np.asarray(x), shown, n) for name, x in inputs.items()],
        "tables": tables,
        "order": np.argsort(-_odds(compared)[shown], kind="stable").tolist(),
    }
    still = f"Here a browser shows {rule}. {_counts(content)}"
    page = Page.of("sample_browser", f"A browser of {rule}; it needs a browser.")
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    html = page.html.replace("/* still */", escape(still)).replace("/* data */", data)
    return Page(html, page.text)


def _named(prediction: ArrayLike | Mapping[str, ArrayLike]) -> Mapping[str, ArrayLike]:
    return prediction if isinstance(prediction, Mapping) else {"the model": prediction}


def _checked(arrays: Mapping[str, ArrayLike], n: int) -> dict[str, NDArray[Any]]:
    """Return arrays of one number a sample."""
    checked = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in checked.items():
        if array.shape != (n,):
            raise DataError(f"{name!r} has the shape {array.shape}: expected ({n},)")
    return checked


def _checked_weight(name: str, weight: ArrayLike, n: int) -> NDArray[np.float64]:
    (array,) = _checked({name: weight}, n).values()
    _check_share(f"the weight of {name}", array)
    return np.asarray(array, dtype=np.float64)


def _check_share(name: str, array: NDArray[Any]) -> None:
    if not (array.min() >= -1e-6 and array.max() <= 1 + 1e-6):
        raise DataError(f"{name!r} has numbers outside [0, 1]: expected shares")


def _shares(
    arrays: Mapping[str, ArrayLike], n: int, columns: int | None = None
) -> list[NDArray[np.float64]]:
    """Return arrays of one row of shares a sample, all with the same number of columns."""
    checked = [np.asarray(array, dtype=np.float64) for array in arrays.values()]
    wide = columns or checked[0].shape[-1]
    for name, array in zip(arrays, checked, strict=True):
        if array.shape != (n, wide):
            raise DataError(f"{name!r} has the shape {array.shape}: expected ({n}, {wide})")
        _check_share(name, array)
    return checked


def _numbers(kind: NDArray[Any], kinds: Sequence[str]) -> NDArray[np.int64]:
    check_names("kind", np.unique(kind).tolist(), kinds)
    return np.array([list(kinds).index(str(k)) for k in kind])


def _table(
    title: str,
    corner: str,
    rows: Mapping[str, ArrayLike],
    values: Sequence[NDArray[np.float64]],
    shown: NDArray[np.int64],
    truth: NDArray[np.int64],
    columns: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "title": title,
        "corner": corner,
        "rows": [{"name": name, "color": _color(name)} for name in rows],
        "columns": list(columns),
        "colors": {name: _color(name) for name in columns},
        "values": _bytes(_percent(np.stack(values, axis=1))[shown]),
        "truth": truth.tolist(),
        "weights": None,
    }


def _color(name: str) -> str:
    return PALETTE[name] if name in PALETTE and name != "joint" else "var(--joint)"


def _percent(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.round(100 * shares).astype(np.uint8)


def _bytes(array: NDArray[np.uint8]) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _image(name: str, x: NDArray[Any], shown: NDArray[np.int64], n: int) -> dict[str, Any]:
    """Return one modality's pixels, in grey."""
    if x.ndim == 4 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim == 2:
        x = x[:, None]
    if x.ndim != 3 or len(x) != n:
        raise DataError(
            f"the input {name!r} has the shape {x.shape}: expected ({n}, H, W) or ({n}, d)"
        )
    seen = np.asarray(x[shown], dtype=np.float64)
    low, high = float(seen.min()), float(seen.max())
    grey = np.round(255 * (seen - low) / ((high - low) or 1)).astype(np.uint8)
    return {
        "name": name,
        "height": seen.shape[1],
        "width": seen.shape[2],
        "pixels": _bytes(grey),
    }


def _odds(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return how far rows are at odds: their mean total variation distance, two by two."""
    pairs = [0.5 * np.abs(p - q).sum(axis=1) for p, q in combinations(rows, 2)]
    return np.mean(pairs, axis=0) if pairs else np.zeros(len(rows[0]))


def _counts(content: Mapping[str, Any]) -> str:
    """Say how many samples of each kind are predicted right, for where nothing moves."""
    right = np.all([np.equal(p["values"], content["target"]) for p in content["predictions"]], 0)
    if content["kinds"] is None:
        return f"Predicted right: {right.sum()} of {len(right)}."
    kind = np.array(content["kind"])
    parts = [
        f"{name} {right[kind == k].sum()} of {(kind == k).sum()}"
        for k, name in enumerate(content["kinds"])
        if (kind == k).any()
    ]
    return f"Predicted right: {', '.join(parts)}."
