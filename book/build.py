"""Build the book: ``python -m book.build COMMAND``; `make` calls these in the right order."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

if __package__ in (None, ""):  # run as a file: `python book/build.py`
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from book.pipeline import (
    addresses,
    alone,
    assignments,
    chapters,
    colab,
    execution,
    gpu,
    gradescope,
    machine,
    printing,
    site,
    slides,
    student,
    teaching,
    validation,
)
from book.pipeline.tree import BookError, Tree

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
NO_GPU = 2

Profile = Annotated[str, typer.Option(help="Name of a file in book/profiles.")]
Force = Annotated[bool, typer.Option("--force", help="Also what has not changed.")]


@app.callback()
def main(
    context: typer.Context,
    root: Annotated[Path, typer.Option(help="The repository.")] = Path(__file__).parents[1],
) -> None:
    """Build the book, one step a command."""
    context.obj = Tree(root.resolve())


@app.command("convert")
def convert_command(context: typer.Context) -> None:
    """Write the chapters as notebooks, not executed."""
    with _errors():
        for stem in chapters.stems(context.obj):
            typer.echo(chapters.convert(context.obj, stem))


@app.command("execute")
def execute_command(
    context: typer.Context,
    profile: Profile = "default",
    force: Force = False,
    only: Annotated[str, typer.Option(help="Only this chapter.")] = "",
) -> None:
    """Execute the chapters that changed since they were last executed."""
    with _errors():
        outcomes = execution.execute(context.obj, profile, force=force, only=only)
        typer.echo(_table(outcomes))
        if failures := [outcome.error for outcome in outcomes if outcome.error]:
            raise BookError("\n\n".join(failures))


@app.command("validate")
def validate_command(
    context: typer.Context, profile: Profile = "default", force: Force = False
) -> None:
    """Run executed chapters again and compare all outputs (nbval)."""
    with _errors():
        checked = validation.validate(context.obj, profile, force=force)
        typer.echo(f"validated: {', '.join(checked) or 'nothing changed since it last passed'}")


@app.command("html")
def html_command(context: typer.Context, profile: Profile = "default") -> None:
    """Build the pages from the executed chapters."""
    with _errors():
        index = site.build(context.obj, profile)
        typer.echo(f"\nThe book is at {index}\n  open   {index.as_uri()}")
        typer.echo(f"  serve  {sys.executable} -m http.server --directory {index.parent}")


@app.command("colab")
def colab_command(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Only say whether they are.")] = False,
) -> None:
    """Bring notebooks for Colab, README and addresses in line with chapters and pyproject.toml."""
    with _errors():
        if check:
            colab.check(context.obj)
            addresses.check(context.obj)
            teaching.check(context.obj)
        else:
            tree = context.obj
            made = teaching.write(tree)  # first: notebooks quote the library's misconceptions
            for path in made + colab.write(tree) + addresses.write(tree):
                typer.echo(path)


@app.command("alone")
def alone_command(
    context: typer.Context,
    profile: Profile = "default",
    python: Annotated[
        str, typer.Option(help="The interpreter to make the environment with.")
    ] = sys.executable,
) -> None:
    """Run every notebook alone, with the built library and the versions that Colab ships."""
    with _errors():
        alone.run(context.obj, profile, python, typer.echo)


@app.command("slides")
def slides_command(
    context: typer.Context,
    profile: Profile = "default",
    only: Annotated[str, typer.Option(help="Only the deck of this chapter, as 04.")] = "",
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print them (needs Chromium).")] = False,
) -> None:
    """Write a deck a chapter to build/teach/slides."""
    with _errors():
        paths = slides.write(context.obj, profile, only)
        if pdf:
            printing.write(paths)
        typer.echo(f"{len(paths)} decks in {context.obj.build / 'teach' / 'slides'}")


@app.command("student")
def student_command(
    context: typer.Context,
    run: Annotated[bool, typer.Option("--run", help="Also run the students'.")] = False,
) -> None:
    """Write the notebooks for students and for instructors to build/teach."""
    with _errors():
        paths = student.write(context.obj)
        typer.echo(f"{len(paths)} notebooks in {paths[0].parents[1]}")
        for path in [path for path in paths if run and path.parent.name == "student"]:
            typer.echo(f"{path.stem} runs; exercises that wait: {student.run(path)}")


@app.command("assignments")
def assignments_command(
    context: typer.Context,
    roster: Annotated[Path | None, typer.Option(help="A CSV file with a column student.")] = None,
    secret: Annotated[Path | None, typer.Option(help="A file with a secret of yours.")] = None,
) -> None:
    """Write each student's notebook and data to build/teach; one called demo without a roster."""
    with _errors():
        if (roster is None) != (secret is None):
            raise BookError("give both --roster and --secret, or neither")
        students = assignments.read_roster(roster) if roster else [assignments.DEMO]
        key = assignments.read_secret(secret) if secret else assignments.DEMO_SECRET
        folders = assignments.write(context.obj, key, students)
        typer.echo(f"{len(folders)} folders in {context.obj.build / 'teach' / 'assignments'}")


@app.command("gradescope")
def gradescope_command(
    context: typer.Context,
    assignment: Annotated[str, typer.Argument(help="a1, a2 or a3; all of them.")] = "",
    secret: Annotated[
        Path | None, typer.Option(help="The file that the data were made with.")
    ] = None,
) -> None:
    """Write archives for Gradescope to build/teach; without a secret, for data of the demo."""
    with _errors():
        key = assignments.read_secret(secret) if secret else assignments.DEMO_SECRET
        for name in [assignment] if assignment else assignments.names(context.obj):
            typer.echo(gradescope.write(context.obj, name, key))


@app.command("gpu")
def gpu_command(context: typer.Context) -> None:
    """Test and measure on a CUDA GPU, and write what was measured to reproduce/gpu."""
    device = machine.gpu_name()
    if device is None:
        typer.echo("no CUDA device on this machine: nothing was run, nothing was written", err=True)
        raise typer.Exit(NO_GPU)
    with _errors():
        typer.echo(gpu.run(context.obj, device))


@app.command("times")
def times_command(context: typer.Context, profile: Profile = "default") -> None:
    """Print how long each chapter took, slowest first."""
    seconds = execution.times(context.obj, profile)
    for stem in sorted(seconds, key=lambda s: -seconds[s]):
        typer.echo(f"{seconds[stem]:7.1f} s  {stem}")


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except BookError as error:
        typer.echo(f"\nerror: {error}", err=True)
        raise typer.Exit(1) from None


def _table(outcomes: list[execution.Outcome]) -> str:
    def status(outcome: execution.Outcome) -> str:
        return "FAILED" if outcome.error else "unchanged" if outcome.cached else "executed"

    return "\n".join(f"{o.seconds:7.1f} s  {status(o):9}  {o.stem}" for o in outcomes)


if __name__ == "__main__":
    app()
