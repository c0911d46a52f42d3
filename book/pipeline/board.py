"""The leaderboard of explanations: ours from the study's results, and the entries of others."""

from __future__ import annotations

import pandas as pd

from mmfuse_lib import explanations, results
from mmfuse_lib.explanations import judged, leaderboard, read_entry
from mmfuse_lib.explanations.entries import SURE_CUE

from .tree import BookError, Tree

FIELD = "{{ leaderboard }}"
STUDY = "benchmark"
OURS = "JointFusion: "


def fields(tree: Tree, text: str) -> dict[str, str]:
    """Return what stands for the field of the page."""
    return {"leaderboard": board(tree)} if FIELD in text else {}


def board(tree: Tree) -> str:
    """Return the leaderboard as a table in Markdown, best first.

    Raises
    ------
    BookError
        If two entries have one name.
    """
    table = explanations.records(row for row in results(STUDY).cells if row["chosen"])
    table["method"] = [name.removeprefix(OURS) for name in table["method"]]
    by = dict.fromkeys(table["method"], "this book")
    parts = [table[table["task"].isin(judged())]]
    for path in sorted((tree.reproduce / "leaderboard").glob("*.json")):
        entry = read_entry(path)
        (name,) = entry["method"].unique()
        if name in by:
            raise BookError(f"{path}: there is an entry called {name!r} already")
        by[name] = f"`{path.name}`"
        parts.append(entry)
    every = pd.concat(parts)
    sure = every[every["task"].str.split("/").str[0].isin(SURE_CUE)]
    heads = ("tasks with a sure cue", "all tasks")
    found = {
        head: leaderboard(rows, ["auroc"]).set_index("method")
        for head, rows in zip(heads, (sure, every), strict=True)
    }
    first = found[heads[0]].sort_values("mean", ascending=False)
    ranks = first["mean"].round(2).rank(method="min", ascending=False).astype(int)
    sizes = [int(rows["n_tasks"].iloc[0]) for rows in found.values()]
    lines = [
        "| Rank | Explainer | "
        + " | ".join(f"{head} ({n}) ↑" for head, n in zip(heads, sizes, strict=True))
        + " | From |",
        "|--:|:--|:--|:--|:--|",
    ]
    for name, rank in zip(ranks.index.astype(str).tolist(), ranks.tolist(), strict=True):
        cells = [
            f"{rows.loc[name, 'mean']:.2f} ±{rows.loc[name, 'seeds']:.2f} "
            f"±{rows.loc[name, 'tasks']:.2f}"
            for rows in found.values()
        ]
        lines.append(f"| {rank} | {name} | {' | '.join(cells)} | {by[name]} |")
    return "\n".join(lines) + (
        "\n\nMean over tasks of the mean over seeds, with 95 % intervals over seeds and over "
        "tasks. Explainers that are alike to two digits share a rank. *CompositionProbe* is told "
        "the rules; *LSMI* is told the labels; *ThreeModels* trains three."
    )
