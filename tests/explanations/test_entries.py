"""Taking part in the benchmark: what an entry holds, what is refused, and what is hidden."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from mmfuse_lib import explanations
from mmfuse_lib.cli import app
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.explanations import entries
from mmfuse_lib.methods import I2MoE, JointFusion

ROOT = Path(__file__).parents[2]


def nothing(model: object, data: MultimodalData, background: object, seed: int) -> Any:
    return np.full((len(data), 4), 0.25)


def whole(trial: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of all tasks and seeds, with the values of a trial."""
    (row,) = trial["tasks"].values()
    full = {key: value * entries.SEEDS for key, value in row.items()} | {"seeds": [*range(10)]}
    return trial | {"trial": False, "tasks": dict.fromkeys(explanations.judged(), full)}


def test_a_function_never_sees_labels_compositions_or_tables() -> None:
    seen = []

    def explain(model: object, data: MultimodalData, background: MultimodalData, seed: int) -> Any:
        seen.append((data, background))
        return nothing(model, data, background, seed)

    entry = explanations.score(explain, trial=True, show=False)
    ((data, background),) = seen
    assert data.composition is None
    assert data.table is None
    assert not data.target.any()
    assert background.target.max() == 3
    assert entry["tasks"]["digits/balanced"]["accuracy"][0] > 0.1  # scored with the true labels


def test_a_method_is_trained_and_scored() -> None:
    entry = explanations.score(I2MoE, name="mine", trial=True, show=False)
    (row,) = entry["tasks"].values()
    assert entry["name"] == "mine"
    assert 0 < row["auroc"][0] < 1
    assert row["seeds"] == [0]


@pytest.mark.parametrize("bad", [JointFusion, dict, 3])
def test_what_explains_nothing_is_refused_before_anything_is_trained(
    bad: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "fit", lambda *a, **k: pytest.fail("it was trained"))
    with pytest.raises(DataError, match=r"claims no R, U1, U2, S|is no explainer"):
        explanations.score(bad, trial=True, show=False)


def test_tasks_are_checked_before_anything_is_trained() -> None:
    with pytest.raises(UnknownNameError, match="digits/balance'"):
        explanations.score(nothing, on=["digits/balance"], show=False)


def test_fresh_seeds_are_drawn_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "_scores", lambda *a: dict.fromkeys(entries.METRICS, 0.5))
    names = ["digits/balanced"]
    one, two = (
        explanations.score(nothing, on=names, seeds=[0], fresh=2, show=False) for _ in range(2)
    )
    assert one["tasks"]["digits/balanced"]["seeds"] == [0, *one["fresh"]]
    assert set(one["fresh"]).isdisjoint(two["fresh"])
    digests = one["tasks"]["digits/balanced"]["digests"]
    assert len(set(digests)) == 3
    assert digests[0] == two["tasks"]["digits/balanced"]["digests"][0]


def test_an_entry_is_read_back_and_a_bad_one_named(tmp_path: Path) -> None:
    trial = explanations.score(nothing, trial=True, show=False)
    path = tmp_path / "entry.json"
    path.write_text(json.dumps(whole(trial)), "utf8")
    table = explanations.read_entry(path)
    assert len(table) == 10 * len(explanations.judged())
    assert set(table["auroc"]) == {0.5}
    assert explanations.leaderboard(table, ["auroc"])["n_tasks"].item() == len(
        explanations.judged()
    )
    some = whole(trial)["tasks"]
    short = {k: v for k, v in some.items() if k != "birds/balanced"}
    seeds = some | {"birds/balanced": {k: v[:9] for k, v in some["birds/balanced"].items()}}
    uneven = some | {"birds/balanced": some["birds/balanced"] | {"auroc": [0.5]}}
    for bad, words in (
        (trial, "is a trial"),
        (whole(trial) | {"benchmark": 0}, "of version 0"),
        (whole(trial) | {"tasks": short}, "lacks the tasks birds/balanced"),
        (whole(trial) | {"tasks": seeds}, "lacks some of the seeds"),
        (whole(trial) | {"tasks": uneven}, "different lengths"),
        ([], "is no entry"),
        ({"benchmark": 1}, "is no entry"),
    ):
        path.write_text(json.dumps(bad), "utf8")
        with pytest.raises(DataError, match=words):
            explanations.read_entry(path)
    path.write_text("{", "utf8")
    with pytest.raises(DataError, match="no JSON"):
        explanations.read_entry(path)


REPORT: dict[str, Any] = {"task": "digits/balanced", "seed": 0, "report": np.full((1000, 4), 0.25)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"report": np.full((999, 4), 0.25)}, r"shape \(999, 4\)"),
        ({"report": np.full((1000, 4), np.nan)}, "NaN"),
        ({"report": np.full((1000, 4), "a")}, "not numbers"),
        ({"task": "digits"}, "digits"),
        ({"seed": 0.5}, "one whole number"),
        ({"task": ["digits/balanced"]}, "one name"),
        ({"task": None}, "lacks task"),
    ],
)
def test_a_bad_file_of_reports_is_named(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.npz"
    kept = {k: v for k, v in (REPORT | changes).items() if v is not None}
    np.savez(path, **kept)
    with pytest.raises((DataError, UnknownNameError), match=words):
        explanations.check_report(path)
    shown = CliRunner().invoke(app, ["explanations", "check", str(path)])
    assert shown.exit_code == 1
    assert "mmfuse:" in shown.output


def test_a_good_file_of_reports_is_scored(tmp_path: Path) -> None:
    np.savez(tmp_path / "report.npz", **REPORT)
    shown = CliRunner().invoke(app, ["explanations", "check", str(tmp_path / "report.npz")])
    assert "auroc 0.5000" in shown.output
    (tmp_path / "text.npz").write_text("no", "utf8")
    with pytest.raises(DataError, match="cannot be read"):
        explanations.check_report(tmp_path / "text.npz")


def test_what_the_page_tells_contributors_works_literally(tmp_path: Path) -> None:
    page = (ROOT / "book" / "leaderboard.md").read_text("utf8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (commands,) = re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    (tmp_path / "my_file.py").write_text(code, "utf8")
    first = commands.splitlines()[0]
    assert first.startswith("mmfuse explanations score my_file:")
    assert "--trial" in first
    done = subprocess.run(
        [sys.executable, "-m", *first.replace("mmfuse ", "mmfuse_lib ").split()],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "digits/balanced" in done.stdout
