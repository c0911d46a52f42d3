"""The leaderboard page: ours from the study, others from their entries."""

import json
import re
from pathlib import Path

import pytest

from book.pipeline import board
from book.pipeline.tree import BookError, Tree
from mmfuse_lib import explanations, results
from mmfuse_lib.explanations import entries

ROOT = Path(__file__).parents[2]


def entry(name: str, area: float) -> str:
    seeds = list(range(entries.SEEDS))
    row: dict[str, object] = {metric: [area] * len(seeds) for metric in entries.METRICS}
    row |= {"seeds": seeds, "digests": ["0"] * len(seeds)}
    tasks = dict.fromkeys(explanations.judged(), row)
    return json.dumps({"benchmark": entries.VERSION, "name": name, "tasks": tasks})


def rows(text: str) -> dict[str, list[str]]:
    found = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {cells[1]: cells for cells in found[1:]}


def test_ours_are_there_with_the_means_of_the_file() -> None:
    found = rows(board.board(Tree(ROOT)))
    table = explanations.records(row for row in results(board.STUDY).cells if row["chosen"])
    for name in ("ThreeModels", "JointFusion: explain, likely partners", "I2MoE"):
        mine = table[(table["method"] == name) & table["task"].isin(explanations.judged())]
        mean = mine.groupby("task")["auroc"].mean().mean()
        assert found[name.removeprefix(board.OURS)][3].startswith(f"{mean:.2f} ±")
    ranks = [int(cells[0]) for cells in found.values()]
    assert ranks == sorted(ranks)


def test_an_entry_is_ranked_and_its_name_is_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "reproduce" / "leaderboard"
    folder.mkdir(parents=True)
    (folder / "perfect.json").write_text(entry("Perfect", 1.0), "utf8")
    found = rows(board.board(Tree(tmp_path)))
    assert found["Perfect"][0] == "1"
    assert found["Perfect"][2] == "1.00 ±0.00 ±0.00"
    assert found["Perfect"][4] == "`perfect.json`"
    (folder / "again.json").write_text(entry("I2MoE", 1.0), "utf8")
    with pytest.raises(BookError, match="an entry called 'I2MoE' already"):
        board.board(Tree(tmp_path))


def test_every_entry_of_the_repository_can_be_read() -> None:
    page = board.fields(Tree(ROOT), board.FIELD)["leaderboard"]
    known = re.findall(r"`(\S+\.json)`", page)
    assert sorted(known) == sorted(p.name for p in (ROOT / "reproduce/leaderboard").glob("*.json"))
    assert board.fields(Tree(ROOT), "no field") == {}
