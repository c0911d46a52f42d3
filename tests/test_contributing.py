"""CONTRIBUTING.md and README.md are true: a reader who follows them, block by block, gets there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf8")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the paragraph before it."""

    language: str
    code: str
    lead: str

    @property
    def file(self) -> str | None:
        """The file that the paragraph before the block ends in: ".. in `my_file.py`:"."""
        found = re.search(r"`([\w./]+\.\w+)`:$", self.lead)
        return found.group(1) if found else None


def section(title: str) -> str:
    """Return a section's text, which has to be there."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert found, f"CONTRIBUTING.md has no section {title!r}"
    return found.group(1)


def blocks(text: str) -> list[Block]:
    """Return the blocks of a section, in order, without the indentation of their list."""
    found = []
    for match in re.finditer(r"^( *)```(\w+)\n(.*?)^\1```$", text, re.M | re.S):
        indent, language, code = match.groups()
        code = "".join(line.removeprefix(indent) for line in code.splitlines(keepends=True))
        lead = text[: match.start()].rstrip().rpartition("\n\n")[2].replace("\n", " ")
        found.append(Block(language, code, lead))
    return found


def steps(title: str) -> dict[str, list[Block]]:
    """Return the blocks of a section's five steps, by the word in bold that each opens with."""
    found = {
        match.group(1): blocks(match.group(0))
        for match in re.finditer(
            r"^\d\. \*\*(\w+)\*\*.*?(?=^\d\. |\Z)", section(title), re.M | re.S
        )
    }
    assert len(found) == 5
    return found


class Reader:
    """Somebody with an empty folder, and a package installed: files, commands, what they print."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.folder = folder
        self.package = package
        scripts = folder / "scripts"
        scripts.mkdir()
        # As pip writes it. `python -m` would add the current folder to the path, a script does not.
        script = scripts / "mmfuse"
        script.write_text(
            f"#!{sys.executable}\nimport sys\nfrom mmfuse_lib.cli import app\nsys.exit(app())\n"
        )
        script.chmod(0o755)
        self.home = folder / "home"
        self.home.mkdir()
        self.environment = os.environ | {
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(package),
            "TQDM_DISABLE": "1",
            "COLUMNS": "200",
        }

    def follow(self, block: Block) -> str:
        """Write the file of a block, or run it; return what was printed."""
        if block.file:
            self.write(block)
            return ""
        command = {"bash": ["bash", "-eu", "-c"], "python": [sys.executable, "-c"]}[block.language]
        done = subprocess.run(
            [*command, block.code], cwd=self.home, env=self.environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, block: Block) -> None:
        """Make a file, or add to it what is to be added, where it is to be added."""
        assert block.file
        path = self.home / block.file
        if not (added := re.search(r"Add to the (class|imports|end)", block.lead)):
            path.write_text(block.code, "utf8")
        elif added.group(1) == "imports":
            head, gap, rest = path.read_text("utf8").partition("\n\n\n")
            other, ours = head.rsplit("\n\n", 1)
            lines = sorted([*ours.splitlines(), block.code.rstrip()])
            path.write_text(other + "\n\n" + "\n".join(lines) + gap + rest, "utf8")
        else:
            between = "\n" if added.group(1) == "class" else "\n\n"
            path.write_text(path.read_text("utf8") + between + block.code, "utf8")

    def results(self) -> list[dict[str, object]]:
        """Return what `mmfuse train` wrote."""
        return [json.loads(p.read_text("utf8")) for p in self.home.glob("runs/*/result.json")]


def add_line(block: Block, reader: Reader) -> None:
    """Add a line to a file of the package: to the table that the text names, else to the end."""
    assert block.file
    path = reader.package / block.file
    text = path.read_text("utf8")
    at = len(text)
    if table := re.search(r"Add its name to `(\w+)`", block.lead):
        opened = re.search(rf"^{table.group(1)}\b.*[{{(]\n", text, re.M)
        assert opened, f"{block.file} has no table {table.group(1)}"
        at = opened.end()
    path.write_text(text[:at] + block.code + text[at:], "utf8")


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A reader with the library as it is, installed for their own use: it can be added to."""
    package = tmp_path / "installed"
    shutil.copytree(ROOT / "mmfuse_lib", package / "mmfuse_lib")
    return Reader(tmp_path, package)


def lint(path: Path) -> str:
    """Return what the style check of the repository says of a file."""
    config = str(ROOT / "pyproject.toml")
    command = [sys.executable, "-m", "ruff", "check", "--config", config, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_a_method_in_five_steps(reader: Reader) -> None:
    text = steps("A method in five steps")
    assert list(text) == ["Write", "Train", "Report", "Try", "Contribute"]
    for step in ("Write", "Train", "Report"):
        for block in text[step]:
            reader.follow(block)
    settings, commands = text["Try"]
    reader.follow(settings)
    printed = reader.follow(commands)
    (result,) = reader.results()
    assert set(result["best_epoch"]) == {"joint", "head"}  # type: ignore[call-overload]
    assert re.search(r"^ModalityDropout .*±", printed, re.M)
    assert re.search(r"^JointFusion .*±", printed, re.M)

    stub, name, command = text["Contribute"]
    place = reader.package / "mmfuse_lib" / "methods" / "modality_dropout.py"
    shutil.move(reader.home / "modality_dropout.py", place)
    add_line(stub, reader)
    add_line(name, reader)
    reader.follow(command)
    assert len(reader.results()) == 2
    assert lint(place) == "All checks passed!\n"


def test_the_method_of_the_text_learns_and_reports(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmfuse_lib import data, evaluate, fit, methods

    for step in ("Write", "Train", "Report"):
        for block in steps("A method in five steps")[step]:
            reader.follow(block)
    monkeypatch.syspath_prepend(str(reader.home))
    train, val, test = data.load("digit_pairs", seed=0, n_train=1500, n_val=300, n_test=500)
    model = methods.get("modality_dropout:ModalityDropout").for_data(train, seed=0)
    fit(model, train, val, epochs=5, lr=3e-3, seed=0, device="cpu", progress=False)
    found = evaluate(model, test, device="cpu")
    assert found.metrics["accuracy"] > 0.6  # chance is 1 in 4
    assert list(found.interactions) == ["left", "right"]
    for kind, known, other in (("U1", "left", "right"), ("U2", "right", "left")):
        fall = found.interactions[found.predictions["kind"] == kind].mean()
        assert fall[known] > fall[other]


def test_a_data_set_in_five_steps(reader: Reader) -> None:
    text = steps("A data set in five steps")
    assert list(text) == ["Write", "Look", "Train", "Compare", "Contribute"]
    (file,), (look,), (train,) = text["Write"], text["Look"], text["Train"]
    reader.follow(file)
    assert "heat (8,), sound (8,); 3 classes" in reader.follow(look)
    assert "accuracy" in reader.follow(train)
    settings, commands = text["Compare"]
    reader.follow(settings)
    printed = reader.follow(commands)
    assert {"Unimodal, heat", "Unimodal, sound", "Ensemble", "JointFusion"} <= {
        line.split("  ")[0] for line in printed.splitlines()
    }

    imports, card, line, commands = text["Contribute"]
    reader.follow(imports)
    reader.follow(card)
    place = reader.package / "mmfuse_lib" / "data" / "synthetic" / "two_sensors.py"
    shutil.move(reader.home / "two_sensors.py", place)
    add_line(line, reader)
    printed = reader.follow(commands)
    assert "two_sensors: Heat and sound" in printed
    assert "noise=0.5" in printed
    assert lint(place) == "All checks passed!\n"


def test_the_readme_says_what_its_code_gives(capsys: pytest.CaptureFixture[str]) -> None:
    codes = [
        b.code for b in blocks((ROOT / "README.md").read_text("utf8")) if b.language == "python"
    ]
    assert len(codes) == 2
    names: dict[str, Any] = {}
    for code in codes:
        exec(code, names)  # noqa: S102 (our own README)
    found = names["evaluate"](names["model"], names["test"]).metrics
    assert found["accuracy_S"] > 0.8
    d = names["d"]
    assert [round(x, 3) for x in (d.redundancy, *d.unique, d.synergy)] == [0.311, 0, 0, 0.5]
