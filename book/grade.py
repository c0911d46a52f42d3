"""Grade submissions: ``python -m book.grade a1 FOLDER --secret FILE``.

FOLDER holds a notebook for each student: ``STUDENT.ipynb``, or a folder ``STUDENT`` with one in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from book.pipeline import assignments, grading
from book.pipeline.confinement import Limits
from book.pipeline.tree import BookError, Tree, write_atomic

app = typer.Typer(add_completion=False)
GRADED = "graded"


def submissions(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Yield the students of a folder, each with a notebook, or what is there instead."""
    for path in sorted(folder.iterdir()):
        if path.name == GRADED or path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            found = sorted(path.glob("*.ipynb"))
            wanted = [p for p in found if p.stem == name] or found
            yield path.name, wanted[0] if wanted else path
        else:
            yield path.stem, path


@app.command()
def main(
    assignment: Annotated[str, typer.Argument(help="a1, a2 or a3.")],
    folder: Annotated[Path, typer.Argument(help="Where the submissions are.")],
    secret: Annotated[Path, typer.Option(help="The file that the data were made with.")],
    first: Annotated[
        Path | None, typer.Option(help="Notebooks handed in earlier: their predictions count.")
    ] = None,
    roster: Annotated[
        Path | None, typer.Option(help="The class: others are refused, who is missing gets 0.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where results go; FOLDER/graded.")] = None,
    seconds: Annotated[float, typer.Option(help="How long a submission may run.")] = 120,
    unconfined: Annotated[
        bool, typer.Option("--unconfined", help="Run submissions although nothing confines them.")
    ] = False,
) -> None:
    """Grade a folder of notebooks, and write results.json, grades.csv and feedback pages."""
    try:
        tree = Tree(Path(__file__).resolve().parents[1])
        task, key = assignments.read(tree, assignment), assignments.read_secret(secret)
        for place in filter(None, (folder, first)):
            if not place.is_dir():
                raise BookError(f"no folder {place}")
        found = dict(submissions(folder, assignment))
        if not any(path.suffix == ".ipynb" for path in found.values()):
            raise BookError(f"no notebook in {folder}: STUDENT.ipynb or STUDENT/*.ipynb")
        students = assignments.read_roster(roster) if roster else list(found)
        if unknown := [student for student in found if student not in students]:
            raise BookError(f"{folder}: no student {', '.join(unknown)} in {roster}")
        if unconfined:
            typer.echo("--unconfined: submissions see the network and other files", err=True)
        early = dict(submissions(first, assignment)) if first else {}
        hidden = [path.resolve() for path in (secret, folder, first) if path]
        target = out or folder / GRADED
        done = []
        for student in students:
            graded = grading.grade(
                task, found.get(student, folder / student), student, key,
                first=first and early.get(student, first / student),
                hidden=hidden, limits=Limits(seconds=seconds), unconfined=unconfined,
            )  # fmt: skip
            done.append(graded)
            write_atomic(target / student / "results.json", grading.gradescope(graded))
            write_atomic(target / student / "feedback.html", grading.feedback(task, graded))
            typer.echo(f"{student}: {graded.points:g} points {graded.note}".rstrip())
        write_atomic(target / "grades.csv", grading.grades(task, done))
        write_atomic(target / "notes.csv", grading.notes(done))
    except BookError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
