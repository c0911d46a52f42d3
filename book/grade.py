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


def submissions(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Yield the students of a folder, each with a notebook."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".ipynb":
            yield path.stem, path
        elif path.is_dir():
            found = sorted(path.glob("*.ipynb"))
            wanted = [p for p in found if p.stem == name] or found
            if wanted:
                yield path.name, wanted[0]


@app.command()
def main(
    assignment: Annotated[str, typer.Argument(help="a1, a2 or a3.")],
    folder: Annotated[Path, typer.Argument(help="Where the submissions are.")],
    secret: Annotated[Path, typer.Option(help="The file that the data were made with.")],
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
        found = list(submissions(folder, assignment))
        if not found:
            raise BookError(f"no notebook in {folder}: STUDENT.ipynb or STUDENT/*.ipynb")
        target = out or folder / "graded"
        hidden = sorted({secret.resolve().parent, folder.resolve()})
        done = []
        for student, path in found:
            graded = grading.grade(
                task, path, student, key,
                hidden=hidden, limits=Limits(seconds=seconds), unconfined=unconfined,
            )  # fmt: skip
            done.append(graded)
            write_atomic(target / student / "results.json", grading.gradescope(graded))
            write_atomic(target / student / "feedback.html", grading.feedback(task, graded))
            typer.echo(f"{student}: {graded.points:g} points {graded.note}".rstrip())
        write_atomic(target / "grades.csv", grading.grades(task, done))
    except BookError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
