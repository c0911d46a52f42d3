"""Running a study: each cell once, the same results however it is run, nothing lost."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from tqdm import tqdm
from typer.testing import CliRunner, Result

from mmfuse_lib.cli import app
from mmfuse_lib.core.errors import ClusterError, DataError
from mmfuse_lib.core.files import atomic_write
from mmfuse_lib.study import Study, execution, gather, run_study
from mmfuse_lib.study.cells import Cell, Record, attempt
from mmfuse_lib.study.display import Display, progress_table
from mmfuse_lib.study.records import read_records
from tests.study.conftest import TINY, write_config
from tests.study.test_cells import interrupted_after

Config = dict[str, Any]

#: Each takes long enough for a process to be killed in the middle of one.
SLOW: Config = {
    **TINY,
    "name": "slow",
    "data": {"pairs": {**TINY["data"]["pairs"], "epochs": 60}},
}


def results_in(folder: Path) -> dict[str, Any]:
    """Return what is a function of the configuration, by cell."""
    found = {p.stem: json.loads(p.read_text()) for p in cells_in(folder)}
    return {key: (r["settings"], r["results"]) for key, r in found.items()}


def cells_in(folder: Path) -> list[Path]:
    return [p for p in folder.glob("*.json") if p.name != "study.json"]


def mmfuse(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


# Once.


def test_every_cell_has_a_file_and_is_not_run_again(finished: Path, config: Config) -> None:
    study = Study.of(config)
    files = {p: p.stat().st_mtime_ns for p in cells_in(finished)}
    assert {p.stem for p in files} == {c.key for c in study.cells}
    outcome = run_study(study, finished, progress=False)
    assert (outcome.done, outcome.ran, outcome.failed) == (12, 0, [])
    assert {p: p.stat().st_mtime_ns for p in cells_in(finished)} == files


def test_only_what_is_missing_damaged_or_new_is_run(
    finished: Path, tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(finished, tmp_path / "copy")
    cells = Study.of(config).cells
    (folder / f"{cells[3].key}.json").unlink()
    half = folder / f"{cells[5].key}.json"
    half.write_text(half.read_text()[:-40])
    config["seeds"] = [0, 1, 5]
    ran: list[Cell] = []

    def noted(cell: Cell, checkpoints: Path) -> Record:
        ran.append(cell)
        return attempt(cell, checkpoints)

    monkeypatch.setattr(execution, "attempt", noted)
    outcome = run_study(Study.of(config), folder, progress=False)
    assert {c.key for c in ran} >= {cells[3].key, cells[5].key}
    assert {c.settings.seed for c in ran if c.key not in {x.key for x in cells}} == {5}
    assert (outcome.done, outcome.ran, len(ran)) == (18, 8, 8)
    both = {c.key for c in cells}
    assert {k: v for k, v in results_in(folder).items() if k in both} == results_in(finished)


# However.


def test_results_do_not_depend_on_the_number_of_processes(
    finished: Path, tmp_path: Path, config: Config
) -> None:
    outcome = run_study(Study.of(config), tmp_path / "two", jobs=2, progress=False)
    assert outcome.ran == 12
    assert results_in(tmp_path / "two") == results_in(finished)
    assert len(results_in(finished)) == 12


def test_a_process_that_dies_takes_only_its_own_cell_along(
    finished: Path, tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly = next(c for c in Study.of(config).cells if c.method == "joint")
    monkeypatch.setattr(execution, "_keyed", _Deadly(deadly.key))
    outcome = run_study(Study.of(config), tmp_path, jobs=2, progress=False)
    assert [c.key for c in outcome.failed] == [deadly.key]
    assert "its process died" in (tmp_path / f"{deadly.key}.error").read_text()
    expected = results_in(finished)
    del expected[deadly.key]
    assert results_in(tmp_path) == expected


class _Deadly:
    """Computes cells; at one of them, ends its process as the system does to a greedy one."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, cell: Cell, checkpoints: Path, parent: int) -> tuple[str, Record]:
        if cell.key == self.key:
            os.kill(os.getpid(), signal.SIGKILL)
        return cell.key, attempt(cell, checkpoints)


# Nothing lost.


def test_a_failing_cell_does_not_lose_the_others_and_is_tried_again(
    tmp_path: Path, config: Config
) -> None:
    """At a learning rate of 1e30 the loss is no number, which ends the training."""
    config["search"]["lr"] = [0.001, 1e30]
    path, folder = write_config(tmp_path, config), tmp_path / "out"
    done = mmfuse("study", path, "--out", folder, "--jobs", 1)
    assert done.exit_code == 1
    assert "6 of 12 cells are done, 6 of them now" in done.output
    for cell in Study.of(config).cells:
        error = folder / f"{cell.key}.error"
        records, _ = read_records(folder, [cell.key])
        assert (records[cell.key] is None) == (cell.settings.lr > 1) == error.exists()
        if error.exists():
            assert f"  {cell} ({error})" in done.output
            assert f"failed: {cell}: TrainingError: the loss is nan" in done.output
            assert "Traceback" in error.read_text()
            assert error.read_text().startswith(f"{cell}\n")
    again = mmfuse("study", path, "--out", folder, "--jobs", 1)
    assert again.exit_code == 1
    assert "6 of 12 cells are done, 0 of them now" in again.output
    assert len(list(folder.glob("*.error"))) == 6


def test_the_note_of_a_failure_goes_when_the_cell_succeeds(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(cell: Cell, checkpoints: Path) -> Record:
        return {"error": "MemoryError: full", "traceback": "here"}

    study = Study.of(config)
    with monkeypatch.context() as patch:
        patch.setattr(execution, "attempt", broken)
        assert len(run_study(study, tmp_path, progress=False).failed) == 12
    assert len(list(tmp_path.glob("*.error"))) == 12
    assert run_study(study, tmp_path, progress=False).failed == []
    assert list(tmp_path.glob("*.error")) == []


def test_what_this_machine_lacks_is_said_before_anything_is_trained(
    tmp_path: Path, config: Config
) -> None:
    config["settings"]["device"] = "cuda:7" if not _has_cuda() else "mps"
    with pytest.raises(ValueError, match="use device='auto'"):
        run_study(Study.of(config), tmp_path, progress=False)
    assert cells_in(tmp_path) == []
    with pytest.raises(DataError, match="jobs is 0"):
        run_study(Study.of(config), tmp_path, jobs=0, progress=False)


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


# Other code.


def test_cells_whose_code_was_changed_are_run_again_and_that_is_said(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again() -> str:
        for name in ("own_method", "own_base"):  # as a new process
            sys.modules.pop(name, None)
        done = mmfuse("study", path, "--out", tmp_path / "out", "--jobs", 1)
        assert done.exit_code == 0, done.output
        return done.output

    base = tmp_path / "own_base.py"
    base.write_text("from mmfuse_lib.methods import JointFusion\nclass Base(JointFusion): pass\n")
    (tmp_path / "own_method.py").write_text("from own_base import Base\nclass Mine(Base): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    config["methods"]["mine"] = {"method": "own_method:Mine"}
    config |= {"seeds": 1, "search": {"lr": [0.001]}}
    path = write_config(tmp_path, config)
    assert "other code" not in again()
    assert "4 of 4 cells are done, 0 of them now" in again()
    base.write_text(base.read_text().replace("pass", "interaction_names = ()"))
    said = again()
    assert "1 cell is of other code and is run again" in said
    assert "4 of 4 cells are done, 1 of them now" in said
    results = gather(tmp_path / "out")
    assert len({row["code"] for row in results.cells}) == 2


# What is there is damaged.


@pytest.mark.parametrize("damage", ["", "[]", "{}", "half", "no text"])
def test_a_damaged_manifest_is_written_anew_and_the_runs_stay(
    finished: Path, tmp_path: Path, config: Config, damage: str
) -> None:
    folder = shutil.copytree(finished, tmp_path / "copy")
    manifest = folder / "study.json"
    good = manifest.read_bytes()
    content = {"half": good[: len(good) // 2], "no text": good[:-30] + b"\xff\xfe"}
    manifest.write_bytes(content.get(damage, damage.encode()))
    said = mmfuse("report", folder)
    assert said.exit_code == 1
    assert f"mmfuse: {manifest} is damaged" in said.output
    assert "'mmfuse study CONFIG --out" in said.output
    again = mmfuse("study", write_config(tmp_path, config), "--out", folder)
    assert "12 of 12 cells are done, 0 of them now" in again.output
    assert again.exit_code == 0
    if damage in content:
        assert json.loads(manifest.read_text()) == json.loads(good)
    assert mmfuse("report", folder).exit_code == 0


def test_a_result_that_was_edited_is_said_and_computed_again(
    finished: Path, tmp_path: Path, config: Config
) -> None:
    folder = shutil.copytree(finished, tmp_path / "copy")
    file = cells_in(folder)[0]
    record = json.loads(file.read_text())
    record["results"]["evaluation"]["test"]["accuracy"] = 0.999
    file.write_text(json.dumps(record))
    line = f"{file.name} does not count as done: it says the accuracy is 0.999"
    assert f"not complete: {line}" in mmfuse("report", folder).output
    again = mmfuse("study", write_config(tmp_path, config), "--out", folder, "--jobs", 1)
    assert line in again.output
    assert "other code" not in again.output
    assert "12 of 12 cells are done, 1 of them now" in again.output
    assert results_in(folder) == results_in(finished)


# What cannot be written.


def one_line(result: Result) -> str:
    """Return the only line that a command said, having ended with status 1."""
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert len(result.output.splitlines()) == 1
    return result.output


def test_a_folder_that_cannot_be_one_is_refused_before_anything_is_read(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, file = write_config(tmp_path, config), tmp_path / "file"
    file.write_text("mine")
    monkeypatch.setattr(Study, "of", lambda config: pytest.fail("it was read"))
    for out in (file, file / "below"):
        assert f"cannot write in {out}" in one_line(mmfuse("study", path, "--out", out))
    assert file.read_text() == "mine"


def test_a_full_disk_is_said_before_anything_is_computed(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, path = Study.of(config), write_config(tmp_path, config)
    monkeypatch.setattr(execution, "attempt", lambda cell, checkpoints: pytest.fail("computed"))
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(DataError, match="No space left"):
        run_study(study, tmp_path / "out", progress=False)
    said = one_line(mmfuse("study", path, "--out", tmp_path / "out"))
    assert "No space left on device" in said
    assert not (tmp_path / "out").exists()


def _full(file: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_disk_that_fills_up_ends_the_study_with_one_line_and_keeps_what_is_done(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    path, folder = write_config(tmp_path, config), tmp_path / "out"

    def until_full(path: Path, content: Any) -> None:
        if len(cells_in(folder)) == 3:
            _full(0)
        atomic_write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr("mmfuse_lib.core.files.atomic_write", until_full)
        done = mmfuse("study", path, "--out", folder, "--jobs", jobs)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    last = done.output.splitlines()[-1]
    assert last.startswith(f"mmfuse: cannot write {folder}")
    assert last.endswith("No space left on device")
    assert "3 of 12 cells are done" not in done.output
    assert len(cells_in(folder)) == 3
    assert run_study(Study.of(config), folder, progress=False).ran == 9


def test_a_report_that_cannot_be_written_is_refused_before_it_is_made(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    assert "is a folder: expected the name of a file" in one_line(
        mmfuse("report", finished, "--out", tmp_path)
    )
    below = tmp_path / "file" / "found.json"
    assert f"cannot write in {below.parent}" in one_line(mmfuse("report", finished, "--out", below))
    monkeypatch.setattr(os, "fsync", _full)
    said = one_line(mmfuse("report", finished, "--out", tmp_path / "found.json"))
    assert "No space left on device" in said
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# Checkpoints.


def test_a_study_that_is_interrupted_goes_on_in_the_middle_of_a_cell(
    finished: Path, tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, folder = Study.of(config), tmp_path / "out"
    left = tmp_path / "out" / "checkpoints" / "of a cell of other code"
    left.mkdir(parents=True)
    with monkeypatch.context() as patch:
        interrupted_after(2, patch)
        with pytest.raises(KeyboardInterrupt):
            run_study(study, folder, progress=False)
    assert [p.name for p in (folder / "checkpoints").iterdir()] == [study.cells[0].key]
    assert run_study(study, folder, progress=False).ran == 12
    assert results_in(folder) == results_in(finished)
    resumed = [p for p in cells_in(folder) if json.loads(p.read_text())["ran"]["step_ms"] is None]
    assert [p.stem for p in resumed] == [study.cells[0].key]
    assert not (folder / "checkpoints").exists()
    assert "pairs" in mmfuse("report", folder).output


# Really killed.


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts Python on some arguments, in a group of its own; all are ended."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{os.getcwd()}{os.pathsep}{tmp_path}",
            "OMP_NUM_THREADS": "1",
        }
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)], cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            # Where the tests themselves ignore it (nohup, a background job) it would be inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(
    found: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 240
) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of the slow study, run in one go."""
    folder = tmp_path_factory.mktemp("slow")
    run_study(Study.of(SLOW), folder, progress=False)
    return results_in(folder)


def test_a_run_that_is_interrupted_or_killed_goes_on_where_it_was(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]], slow: dict[str, Any]
) -> None:
    path, folder = write_config(tmp_path, SLOW), tmp_path / "out"
    command = ("-m", "mmfuse_lib.cli", "study", path, "--out", folder, "--jobs", 2)

    first = start(*command)  # Ctrl+C reaches all processes of a terminal
    wait_for(lambda: len(cells_in(folder)) >= 1, first)
    os.killpg(first.pid, signal.SIGINT)
    said, _ = first.communicate(timeout=240)
    assert first.returncode == 130, said
    assert "the same command continues" in said
    kept = {p: p.stat().st_mtime_ns for p in cells_in(folder)}
    assert 1 <= len(kept) < 12

    second = start(*command[:-1], 1)
    wait_for(lambda: len(cells_in(folder)) > len(kept), second)
    second.kill()
    second.wait()
    n_kept = len(cells_in(folder))
    assert n_kept < 12

    outcome = run_study(Study.of(SLOW), folder, progress=False)
    assert (outcome.done, outcome.ran) == (12, 12 - n_kept)
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert results_in(folder) == slow


def test_a_dask_cluster_gives_the_same_also_when_a_worker_is_killed(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]], slow: dict[str, Any]
) -> None:
    path, folder = write_config(tmp_path, SLOW), tmp_path / "out"
    where = tmp_path / "scheduler.json"
    scheduler = start(
        "-m", "distributed.cli.dask_scheduler", "--scheduler-file", where, "--port", 0,
        "--host", "127.0.0.1", "--no-dashboard",
    )  # fmt: skip
    workers = [
        start(
            "-m", "distributed.cli.dask_worker", "--scheduler-file", where, "--nthreads", 1,
            "--no-nanny", "--no-dashboard", "--local-directory", tmp_path / f"worker{k}",
        )
        for k in range(2)
    ]  # fmt: skip
    wait_for(lambda: where.exists() and "address" in where.read_text(), scheduler)
    address = json.loads(where.read_text())["address"]
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=240)
        study = start(
            "-m", "mmfuse_lib.cli", "study", path, "--out", folder, "--scheduler", address
        )
        wait_for(lambda: bool(cells_in(folder)) and all(client.processing().values()), study)
        workers[0].kill()
    assert len(cells_in(folder)) < 12
    said, _ = study.communicate(timeout=240)
    assert study.returncode == 0, said
    assert "12 of 12 cells are done, 12 of them now" in said
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].poll() is None
    assert results_in(folder) == slow


SLEEPER = """
import os, pathlib, time
from mmfuse_lib import data

def load(seed=0):
    main = pathlib.Path("main.pid")
    if main.exists() and main.read_text() != str(os.getpid()):
        pathlib.Path(f"{os.getpid()}.worker").touch()
        time.sleep(600)
    main.write_text(str(os.getpid()))
    return data.load("digit_pairs", seed=seed, n_train=40, n_val=20, n_test=20)
"""


def test_workers_end_when_their_parent_is_killed(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]], config: Config
) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    config["data"] = {"pairs": {"data": "sleeper:load", "epochs": 1}}
    path = write_config(tmp_path, config)
    study = start("-m", "mmfuse_lib.cli", "study", path, "--out", tmp_path / "out", "--jobs", 2)
    wait_for(lambda: len(list(tmp_path.glob("*.worker"))) == 2, study)
    workers = [int(p.stem) for p in tmp_path.glob("*.worker")]
    assert all(is_running(pid) for pid in workers)
    study.kill()
    study.wait()
    end = time.monotonic() + 120
    while any(is_running(pid) for pid in workers):
        assert time.monotonic() < end
        time.sleep(0.1)


def is_running(pid: int) -> bool:
    """Tell whether a process is there and not only its exit status."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


# A cluster that is not there.


def test_a_missing_package_is_named(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        ClusterError, match=r"needs the package distributed: pip install distributed$"
    ):
        run_study(Study.of(config), tmp_path, scheduler="tcp://127.0.0.1:9", progress=False)


def test_a_scheduler_that_does_not_answer_is_named(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]], config: Config
) -> None:
    path = write_config(tmp_path, config)
    process = start("-m", "mmfuse_lib.cli", "study", path, "--scheduler", "tcp://127.0.0.1:9")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 1
    assert "mmfuse: no Dask scheduler answers at 'tcp://127.0.0.1:9'" in said
    assert "Traceback" not in said


# What is shown.


def test_the_table_shows_what_is_done_and_the_best_so_far(config: Config) -> None:
    """Of the joint rows: lr .001 has .5 and .7, mean .6; lr .003 has .65 so far."""
    config["data"]["gaussian_gates"] = {"data_options": {"n_train": 90}}
    config["methods"]["joint"]["only"] = ["pairs"]
    cells = Study.of(config).cells
    joint = {(c.settings.lr, c.settings.seed): c.key for c in cells if c.method == "joint"}
    scores = {joint[0.001, 0]: 0.5, joint[0.001, 1]: 0.7, joint[0.003, 0]: 0.65}
    left = next(c for c in cells if c.method == "Unimodal, left")
    table = progress_table(cells, {**scores, left.key: 0.25})
    assert table.loc["joint"].to_dict() == {"pairs": "3/4 0.650", "gaussian_gates": ""}
    assert table.loc["Unimodal"].to_dict() == {"pairs": "1/8 0.250", "gaussian_gates": "0/8"}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_notebook_it_is_one_quiet_bar(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    monkeypatch.setattr(sys, "stderr", shown := stream())
    monkeypatch.setattr("mmfuse_lib.study.display.progress", tqdm)
    cells = Study.of(config).cells
    record = {"results": {"evaluation": {"val": {"accuracy": 0.75}}}}
    with Display(cells, {}, show=True) as display:
        for cell in cells:
            display.update(cell, record)
    assert "12/12" in shown.getvalue()
    assert "0.750" not in shown.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, _Terminal])
def test_progress_is_shown_on_a_terminal_and_in_a_log(
    stream: type[io.StringIO], config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    shown = stream()
    monkeypatch.setattr(sys, "stderr", shown)
    cells = Study.of(config).cells
    record = {"results": {"evaluation": {"val": {"accuracy": 0.75}}}}
    with Display(cells, {cells[0].key: record}, show=True) as display:
        for cell in cells[1:]:
            display.update(cell, record)
        display.say("failed: one")
    text = shown.getvalue()
    assert "12/12" in text
    assert "4/4 0.750" in text
    assert "8/8 0.750" in text
    assert "failed: one" in text
    assert ("\x1b[A" in text) == shown.isatty()  # only a terminal is written over


def test_the_command_finds_measures_and_methods_in_the_current_folder(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "found_here.py").write_text("def one(trained):\n    return 1\n")
    config |= {"measures": {"one": "found_here:one"}, "seeds": 1, "search": {}}
    path = write_config(tmp_path, config)
    done = CliRunner().invoke(app, ["study", str(path), "--out", str(tmp_path / "o"), "--jobs=1"])
    assert done.exit_code == 0, done.output
    rows = [row for row in gather(tmp_path / "o").cells if row["method"] == "joint"]
    assert [row["one"] for row in rows] == [1]
