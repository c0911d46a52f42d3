"""What interactions real data sets have, by estimators and by methods: what `real_data.yml` needs.

Of each data set two modalities are used. **Everything sees the same numbers**: the first 16
principal components of each modality, fitted on training data (the votes of `cremad_votes`, 12
numbers, as they are). Estimators get samples of all splits and score each by networks or counts
that did not learn from it, nor, where it is known whose samples are whose, from any other of the
same person; they are also asked with folds that do not care, and each time once more with the
labels shuffled, where the truth is zero.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor

from mmfuse_lib import data
from mmfuse_lib.data.downloaded import cremad_votes
from mmfuse_lib.evaluation import evaluate
from mmfuse_lib.information import ATOMS, decompose, decompose_batch, entropy
from mmfuse_lib.information.estimators import (
    Estimate,
    SparseCountsWarning,
    batch_pid,
    cluster_pid,
    lsmi_pid,
)
from mmfuse_lib.runs import Loaded, Splits, Trained
from reproduce import rounded

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

N_COMPONENTS = 16
MOST_TRAINING, MOST_SAMPLES = 1_500, 2_000
RESAMPLES = 200  # of the actors

# The data.


def components(
    seed: int = 0, *, of: str, options: dict[str, Any] | None = None, reduce: bool = True
) -> Splits:
    """Load a data set, its training split cut to `MOST_TRAINING`, its inputs to components."""
    train, *others = data.load(of, seed=seed, **(options or {}))
    if len(train) > MOST_TRAINING:
        drawn = np.random.default_rng(seed).permutation(len(train))[:MOST_TRAINING]
        train = train[torch.from_numpy(drawn)]
    splits = (train, *others)
    if not reduce:
        return splits
    reduced = {name: _components(name, splits) for name in train.inputs}
    return tuple(
        replace(split, inputs={name: x[k] for name, x in reduced.items()})
        for k, split in enumerate(splits)
    )


def _components(name: str, splits: Splits) -> list[Tensor]:
    """Return the leading principal components of a modality, divided by the first's deviation."""
    flat = [split.inputs[name].flatten(1).numpy().astype(np.float64) for split in splits]
    solver = "full" if flat[0].shape[1] < 500 else "randomized"
    pca = PCA(N_COMPONENTS, svd_solver=solver, random_state=0).fit(flat[0])
    scale = np.sqrt(pca.explained_variance_)
    return [torch.tensor(pca.transform(x) / scale, dtype=torch.float32) for x in flat]


def pool(splits: Splits) -> tuple[Array, Array, Labels, Labels | None]:
    """Return x1, x2, y and, where known, whose they are, of all splits, at most `MOST_SAMPLES`."""
    views = [
        torch.cat([split.inputs[name] for split in splits]).double().numpy()
        for name in splits[0].inputs
    ]
    y = torch.cat([split.target for split in splits]).numpy()
    chosen = np.random.default_rng(0).permutation(len(y))[:MOST_SAMPLES]
    known = [split.groups for split in splits if split.groups is not None]
    groups = torch.cat(known).numpy()[chosen] if known else None
    return views[0][chosen], views[1][chosen], y[chosen], groups


# Measures of the data.

PEOPLE = {
    "cremad_votes": "91 actors, rated by a crowd",
    "utd_mhad": "8 people",
    "mfeat": "unknown writers",
    "cub_image_text": "none: birds, described by a crowd",
    "mmsd_sarcasm": "authors of tweets, unknown",
    "rosmap": "351 people, one sample each",
    "spoken_digits": "6 speakers, writers of MNIST",
}


def about(loaded: Loaded) -> dict[str, Any]:
    """Return how large a data set is, whose it is, and the truth where that is known."""
    train, _, test = loaded.splits
    _, _, y, groups = pool(loaded.splits)
    most = int(torch.bincount(train.target).argmax())
    found: dict[str, Any] = {
        "modalities": list(train.inputs),
        "people": PEOPLE[loaded.settings.data_options["of"]],
        "rows": [len(split) for split in loaded.splits],
        "classes": train.n_classes,
        "samples": len(y),
        "label_bits": rounded(entropy(np.bincount(y) / len(y))),
        "majority": rounded((test.target == most).double().mean()),
        "groups": None if groups is None else len(np.unique(groups)),
    }
    if train.table is not None:
        atoms = decompose(train.label_table()).atoms
        found["truth"] = rounded(dict(zip(ATOMS, atoms, strict=True)))
    return found


#: Diagnostics that the chapter shows.
KEPT = (
    "n_clusters_1",
    "samples_per_cell",
    *(f"{what}_{atom}" for what in ("plugin", "shuffled", "p") for atom in ATOMS),
)


def estimates(estimator: Callable[..., Estimate], loaded: Loaded) -> list[dict[str, Any]]:
    """Run an estimator on the labels and on the labels shuffled, minding groups and not."""
    x1, x2, y, groups = pool(loaded.splits)
    shuffled = np.random.default_rng(1).permutation(y)
    rows = []
    for of in [groups] if groups is None else [groups, None]:
        for control, labels in ((False, y), (True, shuffled)):
            with warnings.catch_warnings():  # samples a cell are in the file
                warnings.simplefilter("ignore", SparseCountsWarning)
                found = estimator(x1, x2, labels, groups=of, seed=0)
            row: dict[str, Any] = {"shuffled": control, "ignoring_groups": of is not groups}
            row |= rounded(dict(zip(ATOMS, found.atoms, strict=True)))
            if found.interval is not None:
                for atom, (low, high) in found.interval.loc[list(ATOMS)].iterrows():
                    row |= rounded({f"{atom}_lower": low, f"{atom}_upper": high})
            rows.append(row | rounded({k: v for k, v in found.diagnostics.items() if k in KEPT}))
    return rows


cluster = partial(estimates, partial(cluster_pid, n_bootstrap=100))
batch = partial(
    estimates,
    partial(batch_pid, folds=3, classifier_steps=250, steps=100, batch_size=512, device="cpu"),
)
lsmi = partial(estimates, partial(lsmi_pid, folds=3, steps=250, n_bootstrap=100, device="cpu"))
#: Not corrected, as a warning: eight clusters whatever the number of samples.
plug_in_8 = partial(estimates, partial(cluster_pid, n_clusters=8, n_bootstrap=0))


# Measures of a method.


def report(trained: Trained) -> dict[str, float]:
    """Return the mean of the reports on the test split."""
    found = evaluate(trained.model, trained.splits[2], device="cpu")
    means: dict[str, float] = rounded(found.interactions.mean().to_dict())
    return means


# What people perceive.

TARGETS: tuple[Literal["perceived"], Literal["acted"]] = ("perceived", "acted")
RATERS = ("one rater", "majority")


def perception(loaded: Loaded) -> dict[str, Any]:
    """Return the tables of CREMA-D's votes, and intervals of their atoms.

    Actors are resampled, not clips: clips of one actor resemble each other.
    """
    rng = np.random.default_rng(0)
    tables: dict[str, Any] = {}
    intervals: list[dict[str, Any]] = []
    for target in TARGETS:
        for rater in RATERS:
            by_actor = cremad_votes.perception_tables(target, majority=rater == "majority")
            n = len(by_actor)
            drawn = np.tensordot(rng.multinomial(n, np.full(n, 1 / n), RESAMPLES), by_actor, 1)
            total = by_actor.sum(axis=0)
            tables[f"{target}, {rater}"] = rounded(total / total.sum(), 8)
            versions = {"all": drawn}
            if rater == "one rater":
                versions |= {e: against(drawn, k) for k, e in enumerate(cremad_votes.EMOTIONS)}
            for emotion, resampled in versions.items():
                p = resampled / resampled.sum(axis=(1, 2, 3), keepdims=True)
                atoms = decompose_batch(p, tolerance=1e-5).atoms
                lower, upper = np.quantile(atoms, [0.025, 0.975], axis=0)
                ends = zip(ATOMS, lower, upper, atoms.mean(axis=0), strict=True)
                intervals += [
                    {"target": target, "rater": rater, "emotion": emotion, "atom": atom}
                    | rounded({"lower": low, "upper": high, "mean": mean})
                    for atom, low, high, mean in ends
                ]
    return {
        "emotions": list(cremad_votes.EMOTIONS),
        "actors": n,
        "clips": round(total.sum()),
        "resamples": RESAMPLES,
        "tables": tables,
        "intervals": intervals,
    }


def against(table: Array, k: int) -> Array:
    """Return a table with the target *this emotion or not*."""
    one = table[..., k]
    return np.stack([table.sum(axis=-1) - one, one], axis=-1)
