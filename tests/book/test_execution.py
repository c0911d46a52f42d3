"""Executing chapters: values arrive, failures are named, unchanged chapters are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from book import build
from book.pipeline import execution, gpu, machine, validation
from book.pipeline.tree import BookError, Tree, write_atomic
from mmfuse_lib.study import load_results

from .conftest import CHAPTER, make_tree, write_chapter

pytestmark = pytest.mark.notebook

CHECKS_SEED = CHAPTER + "\nassert seed == 7\n"
FAILS = CHAPTER + "\n# %%\nx = 1\nraise RuntimeError('on purpose')\n"
HEADLINE = CHAPTER + '\n# %% tags=["headline"]\nprint(\'{"accuracy": 0.5}\')\n'
READS_DATA = CHAPTER + "\n# %%\nfrom mmfuse_lib import results\nprint(results('x'))\n"


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.text for cell in cells for output in cell.get("outputs", []))


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, list[execution.Outcome]]:
    """Execute good and bad chapters once, with injected parameters."""
    tree = make_tree(tmp_path_factory.mktemp("tree"))
    (tree.book / "profiles" / "default.yml").write_text("all: {seed: 7}", "utf8")
    (tree.reproduce / "x.json").write_text('{"read": "from a file"}', "utf8")
    write_chapter(tree, "01_toy", CHECKS_SEED)
    write_chapter(tree, "02_fails", FAILS)
    write_chapter(tree, "03_headline", HEADLINE)
    write_chapter(tree, "04_reads", READS_DATA)
    return tree, execution.execute(tree, "default")


def test_injected_values_arrive(executed: tuple[Tree, list[execution.Outcome]]) -> None:
    tree, _ = executed
    assert printed(tree.executed("default") / "01_toy.ipynb") == "seed 7, rate 0.5\n"


def test_failing_cell_is_named_and_the_others_run(
    executed: tuple[Tree, list[execution.Outcome]],
) -> None:
    tree, outcomes = executed
    errors = {outcome.stem: outcome.error for outcome in outcomes if outcome.error}
    assert list(errors) == ["02_fails"]
    message = errors["02_fails"] or ""
    for part in ("02_fails: cell 5", "line 12 of 02_fails.py", "x = 1", "RuntimeError: on purpose"):
        assert part in message
    assert (tree.failed / "default" / "02_fails.ipynb").exists()
    assert not (tree.executed("default") / "02_fails.ipynb").exists()


def test_headline_numbers_and_times_are_kept(
    executed: tuple[Tree, list[execution.Outcome]],
) -> None:
    folder = executed[0].executed("default")
    assert json.loads((folder / "headlines.json").read_text()) == {"03_headline": {"accuracy": 0.5}}
    assert set(json.loads((folder / "times.json").read_text())) == {
        "01_toy",
        "03_headline",
        "04_reads",
    }


def test_chapter_reads_result_files(executed: tuple[Tree, list[execution.Outcome]]) -> None:
    assert "{'read': 'from a file'}" in printed(executed[0].executed("default") / "04_reads.ipynb")


def test_nothing_but_the_content_is_in_an_executed_notebook(
    executed: tuple[Tree, list[execution.Outcome]],
) -> None:
    tree, _ = executed
    text = (tree.executed("default") / "01_toy.ipynb").read_text("utf8")
    assert str(tree.root) not in text
    for word in ("papermill", "start_time", "iopub"):
        assert word not in text


def run(tree: Tree, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build.app, ["--root", str(tree.root), *arguments])
    return result.exit_code, result.output


def test_only_changed_chapters_are_executed_again_and_nbval_sees_a_changed_output(
    tree: Tree, capfd: pytest.CaptureFixture[str]
) -> None:
    write_chapter(tree, "02_other")
    code, output = run(tree, "execute")
    assert code == 0
    assert output.count("executed") == 2
    notebook = tree.executed("default") / "01_toy.ipynb"
    before = notebook.read_bytes()

    assert run(tree, "execute")[1].count("unchanged") == 2
    write_chapter(tree, "02_other", CHAPTER.replace("rate = 0.5", "rate = 0.6"))
    _, output = run(tree, "execute")
    assert [line.split()[2:] for line in output.splitlines()] in (
        [["unchanged", "01_toy"], ["executed", "02_other"]],
        [["executed", "02_other"], ["unchanged", "01_toy"]],
    )
    _, output = run(tree, "execute", "--force", "--only", "01_toy")
    assert output.split()[2:] == ["executed", "01_toy"]
    assert notebook.read_bytes() == before

    assert validation.validate(tree, "default") == ["01_toy", "02_other"]
    assert validation.validate(tree, "default") == []
    notebook.write_text(notebook.read_text("utf8").replace("seed 0, rate", "seed 1, rate"), "utf8")
    with pytest.raises(BookError, match="a second run gave other outputs"):
        validation.validate(tree, "default")
    assert "mismatch" in capfd.readouterr().out


def test_headline_cell_that_prints_something_else_is_an_error(tree: Tree) -> None:
    write_chapter(tree, "01_toy", HEADLINE.replace('{"acc', '<"acc'))
    code, output = run(tree, "execute")
    assert code == 1
    assert "tagged `headline` and must print one JSON object" in output


def test_unknown_chapter_is_an_error(tree: Tree) -> None:
    code, output = run(tree, "execute", "--only", "09_none")
    assert code == 1
    assert "no chapter '09_none'; there are: 01_toy" in output


def test_gpu_without_a_gpu_says_so(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpu_name", lambda: None)
    code, output = run(tree, "gpu")
    assert code == build.NO_GPU
    assert "no CUDA device" in output


@pytest.fixture
def pretended(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A pretended device: this shows the steps and the report, not that a GPU works."""
    monkeypatch.setattr(machine, "gpu_name", lambda: "Pretended GPU (80 GB)")
    monkeypatch.setattr(machine, "cuda", lambda: {"version": "0.0", "memory": "80 GiB"})
    (tree.book / "profiles" / "gpu.yml").write_text("01_toy: {rate: 0.75}\n", "utf8")
    headline = '\n# %% tags=["headline"]\nprint(\'{"rate": \' + str(rate) + "}")\n'
    write_chapter(tree, "01_toy", CHAPTER + headline)
    write_chapter(tree, "02_other", CHAPTER + "\n# %%\n1 / 0  # the profile does not name it\n")
    (tree.root / "benchmarks").mkdir()
    (tree.root / "benchmarks" / "__init__.py").touch()
    for name in gpu.BENCHMARKS:
        note(tree, f"benchmarks/{name}.py", name)
    note(tree, "tests/test_x.py", "tests", MARKED.format("True"))
    return tree


MARKED = "import pytest\n\n\n@pytest.mark.gpu\ndef test_x() -> None:\n    assert {}\n"


def note(tree: Tree, file: str, name: str, code: str = "") -> None:
    """Write code that adds its name to a list when it is run."""
    said = f"print({name!r}, *__import__('sys').argv[1:2], file=open('steps', 'a'))\n"
    (tree.root / file).write_text(said + code, "utf8")


def steps(tree: Tree) -> list[str]:
    """Return what was run since this was asked for the last time."""
    path = tree.root / "steps"
    found = path.read_text("utf8").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [line for line in found if not line.startswith("tests ")] + [
        "tests" for line in found if line.startswith("tests ")
    ]


def test_a_gpu_run_tests_measures_executes_and_reports(pretended: Tree) -> None:
    code, output = run(pretended, "gpu")
    assert code == 0, output
    assert set(steps(pretended)) == {"tests", "training cuda", "i2moe cuda"}
    path = pretended.reproduce / "gpu" / "pretended-gpu-80-gb.json"
    report = json.loads(path.read_text("utf8"))
    assert report["headline"] == {"01_toy": {"rate": 0.75}}
    assert report["gpu"] == "Pretended GPU (80 GB)"
    expected = {"tests", "benchmark training", "benchmark i2moe", "chapter 01_toy"}
    assert set(report["seconds"]) == expected
    assert {"hardware", "versions", "cuda", "date"} <= set(report)
    assert run(pretended, "gpu")[0] == 0
    assert len(steps(pretended)) == 3, "a run that ended well is no reason to skip the next"


def test_a_gpu_run_says_what_failed_and_goes_on_there(pretended: Tree) -> None:
    note(pretended, "tests/test_x.py", "tests", MARKED.format("False"))
    code, output = run(pretended, "gpu")
    assert code == 1
    assert "tests on the GPU failed" in output
    assert not (pretended.reproduce / "gpu").exists()

    note(pretended, "tests/test_x.py", "tests", MARKED.format("True"))
    note(pretended, "benchmarks/i2moe.py", "i2moe", "raise SystemExit(1)")
    code, output = run(pretended, "gpu")
    assert code == 1
    assert "the benchmark i2moe failed" in output

    steps(pretended)
    note(pretended, "benchmarks/i2moe.py", "i2moe")
    assert run(pretended, "gpu")[0] == 0
    assert steps(pretended) == ["i2moe cuda"], "what was done is done again"


LAB = """
# %%
from pathlib import Path

from mmfuse_lib import study

sizes = {"n_train": 60, "n_val": 20, "n_test": 20}
plan = {"name": "lab", "methods": {"JointFusion": {}}}
plan["data"] = {"digit_pairs": {"data_options": sizes}}
plan["settings"] = {"epochs": 1, "device": "cpu"}
outcome = study.run_study(study.Study.of(plan), Path("../../gpu/lab"), progress=False)
print(outcome.ran)
"""


def test_a_study_of_a_chapter_becomes_a_file_of_results(pretended: Tree) -> None:
    write_chapter(pretended, "01_toy", CHAPTER + LAB)
    code, output = run(pretended, "gpu")
    assert code == 0, output
    found = load_results(pretended.reproduce / "gpu" / "lab.json")
    assert found.data == ["digit_pairs"]
    assert found.about["hardware"]
    # A chapter that was stopped goes on with the cells that are there, a new run does not.
    (pretended.build / "gpu" / "done.json").write_text('{"tests": 1.0}', "utf8")
    write_chapter(
        pretended,
        "01_toy",
        CHAPTER + LAB.replace("print(outcome.ran)", "outcome.ran / outcome.ran"),
    )
    code, output = run(pretended, "gpu")
    assert code == 1
    assert "ZeroDivisionError" in output
    (pretended.build / "gpu" / "done.json").unlink()
    assert run(pretended, "gpu")[0] == 0


def test_the_last_words_of_a_kernel_are_read_in_any_encoding(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes("Speicher voll: größer".encode("cp1252"))
    assert execution._tail(log).startswith("Speicher voll: gr")


def test_files_have_the_same_line_ends_on_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python writes ``\\n`` as ``\\r\\n`` on Windows, unless it is told not to."""
    options: list[object] = []
    write = Path.write_text

    def note(path: Path, text: str, encoding: str, newline: str | None = None) -> int:
        options.append(newline)
        return write(path, text, encoding, newline=newline)

    monkeypatch.setattr(Path, "write_text", note)
    write_atomic(tmp_path / "x", "a\nb\n")
    assert options == ["\n"]
    assert (tmp_path / "x").read_bytes() == b"a\nb\n"
