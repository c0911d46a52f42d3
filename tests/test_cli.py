"""The command `mmfuse` as a shell sees it: help, version, completion; commands have own tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

import mmfuse_lib
from book import build
from mmfuse_lib import cli

ROOT = Path(__file__).resolve().parents[1]


def without_help(app: typer.Typer) -> list[str]:
    """List the commands, options and arguments of a program that say nothing of themselves."""
    return list(_silent(typer.main.get_command(app), ""))


def _silent(command: Any, path: str) -> Iterator[str]:
    if not command.help:
        yield path
    for parameter in command.params:
        if not getattr(parameter, "help", None):
            yield f"{path} {parameter.name}".strip()
    for name, sub in getattr(command, "commands", {}).items():
        yield from _silent(sub, f"{path} {name}".strip())


@pytest.mark.parametrize("app", [cli.app, build.app], ids=["mmfuse", "book.build"])
def test_every_option_of_every_command_has_help(app: typer.Typer) -> None:
    assert without_help(app) == []


def test_the_check_sees_what_has_no_help() -> None:
    app = typer.Typer(add_completion=False)

    @app.callback()
    def main(loud: bool = False) -> None:
        """Say something."""

    @app.command()
    def hello(
        name: str,
        times: Annotated[int, typer.Option()] = 1,
        to: Annotated[str, typer.Option()] = "",
    ) -> None:
        pass

    assert without_help(app) == ["loud", "hello", "hello name", "hello times", "hello to"]


def mmfuse(*arguments: str) -> str:
    """Run the command as a module, where its script is not on the path."""
    command = [sys.executable, "-m", "mmfuse_lib", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout


def test_the_library_is_a_program() -> None:
    assert mmfuse("--version") == f"mmfuse {mmfuse_lib.__version__}\n"
    assert "Commands:" in mmfuse("--help")
    assert mmfuse("data", "digit_pairs").startswith("digit_pairs")


def completed(words: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> list[str]:
    """Return what a shell is offered after some words."""
    monkeypatch.setenv("_MMFUSE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    with pytest.raises(SystemExit) as end:
        cli.app(prog_name="mmfuse")
    assert not end.value.code
    return str(capsys.readouterr().out).split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("mmfuse tr", ["train"]),
        ("mmfuse --ver", ["--version"]),
        ("mmfuse train --pat", ["--patience"]),
        ("mmfuse data digit_", ["digit_pairs"]),
        ("mmfuse train DMIL utd", ["utd_mhad"]),
    ],
)
def test_a_shell_completes(
    words: str,
    offered: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert completed(words, monkeypatch, capsys) == offered
