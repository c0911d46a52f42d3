"""The command `mmfuse`: look at data sets, train a method on one, run a study and report on it."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmfuse_lib import data, explanations, study
from mmfuse_lib.core.errors import (
    CheckpointError,
    ClusterError,
    DataError,
    DownloadError,
    TrainingError,
)
from mmfuse_lib.core.files import check_writable, write_text
from mmfuse_lib.core.provenance import library_version

if TYPE_CHECKING:
    import pandas as pd

# What takes seconds to load is imported by the command that needs it. Help is plain text, as
# loading what draws boxes around it (rich) takes longer than all the rest.
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def _data_sets(incomplete: str) -> list[str]:
    return [name for name in data.names() if name.startswith(incomplete)]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"mmfuse {library_version()}")
        raise typer.Exit


@app.callback(help=__doc__)
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command("data", short_help="List the data sets, or describe one.")
def data_command(
    name: Annotated[
        str | None, typer.Argument(help="Describe this one.", autocompletion=_data_sets)
    ] = None,
    fetch: Annotated[
        Path | None, typer.Option(help="Download the files into this folder.", metavar="FOLDER")
    ] = None,
) -> None:
    """List the data sets, or describe one: options, source, licence, citation.

    With --fetch, download the published files of one that is loaded from a folder; the same
    command goes on with what was interrupted.
    """
    with _errors():
        if fetch is not None:
            if name is None:
                raise DataError("--fetch needs the name of a data set")
            data.fetch(name, fetch)
            typer.echo(f"the files of {name} are in {fetch}")
        elif name is None:
            for known in data.names():
                typer.echo(f"{known}: {data.summary(known)}")
        else:
            typer.echo(data.describe(name))


@app.command("train", short_help="Train a method on a data set.")
def train_command(
    method: Annotated[str | None, typer.Argument(help="Such as JointFusion.")] = None,
    data_set: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="See mmfuse data.", autocompletion=_data_sets),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file of settings.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; default: one under runs, by settings.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training data.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples a step.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    patience: Annotated[int | None, typer.Option(help="Epochs without a better one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the data, the weights, the batches.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = None,
    devices: Annotated[int, typer.Option(help="GPUs, or processes of --device cpu.")] = 1,
    precision: Annotated[str | None, typer.Option(help="32-true, 16-mixed, bf16-mixed.")] = None,
    data_option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Option of the data set; may be repeated."),
    ] = None,
    method_option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Option of the method; may be repeated."),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(metavar="MODALITY=NAME", help="Encoder of a modality; may be repeated."),
    ] = None,
) -> None:
    """Train METHOD on DATA, evaluate it on the test split, write OUT/result.json and model.pt.

    Settings come from the options, else from the file given by --config, else from the defaults.
    The same command again continues a run that was interrupted; with other settings it is another
    run, in a folder of its own.
    """
    from mmfuse_lib.runs import RESULT, Settings, default_folder, read_settings, run

    with _errors():
        _look_here()
        values = {} if config is None else read_settings(config)
        typed = {
            "method": method, "data": data_set, "epochs": epochs, "batch_size": batch_size,
            "lr": lr, "patience": patience, "seed": seed, "device": device, "precision": precision,
        }  # fmt: skip
        values |= {name: value for name, value in typed.items() if value is not None}
        for name, pairs in {
            "data_options": data_option, "method_options": method_option, "encoders": encoder
        }.items():  # fmt: skip
            values[name] = {**(values.get(name) or {}), **_parse(pairs or ())}
        settings = Settings.of(values)
        folder = out or default_folder(settings, devices)
        result = run(settings, folder, devices=devices)
        for split, metrics in result["metrics"].items():
            found = ", ".join(
                f"{name} {'not defined' if value is None else f'{value:.4f}'}"
                for name, value in metrics.items()
            )
            typer.echo(f"{split}: {found}")
        typer.echo(f"wrote {folder / RESULT}")


@app.command("study", short_help="Run methods x data sets x settings x seeds.")
def study_command(
    config: Annotated[Path, typer.Argument(help="A YAML file: methods, data, seeds, search.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the cells.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one a core.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler.")] = None,
) -> None:
    """Run every method on every data set, with every seed, in every setting of the search.

    Cells that are done are not run again unless the code behind them was changed: the same command
    continues what was interrupted, and tries again what failed.
    """
    import joblib

    with _errors():
        _look_here()
        if out is not None:
            check_writable(out)
        found = study.read_study(config)
        folder = out or Path("runs") / found.name
        outcome = study.run_study(
            found, folder, jobs=jobs or joblib.cpu_count(), scheduler=scheduler,
            command=_typed(config, jobs, scheduler),
        )  # fmt: skip
    total = len(found.cells)
    typer.echo(f"{outcome.done} of {total} cells are done, {outcome.ran} of them now, in {folder}")
    if outcome.failed:
        typer.echo("failed, see the files named; the same command tries them again:", err=True)
        for cell in outcome.failed:
            typer.echo(f"  {cell} ({folder / cell.key}.error)", err=True)
        raise typer.Exit(1)


def _look_here() -> None:
    """Let ``"module:object"`` name modules of the current folder, as ``python -m`` does."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def _typed(config: Path, jobs: int | None, scheduler: str | None) -> str:
    """Return the command as it goes into a file of results: no addresses, no folders."""
    chosen = " --scheduler ADDRESS" if scheduler else f" --jobs {jobs}" if jobs else ""
    place = config.name if config.is_absolute() else config
    return f"mmfuse study {place}{chosen}"


@app.command("report", short_help="Print the tables of a study.")
def report_command(
    folder: Annotated[Path, typer.Argument(help="Folder of a study, or a file made by --out.")],
    out: Annotated[Path | None, typer.Option(help="Write all results to this file.")] = None,
) -> None:
    """Print the tables of a study: settings chosen on validation data, results on test data."""
    with _errors():
        if out is not None:
            _check_file(out)
        results = study.gather(folder) if folder.is_dir() else study.load_results(folder)
        for name in results.data:
            if any("val" in row or "test" in row for row in results.of(name)):
                typer.echo(f"{name} (shares in %, mean and 95 % interval over the seeds)")
                with warnings.catch_warnings():  # it is said below
                    warnings.simplefilter("ignore", study.EdgeOfGridWarning)
                    typer.echo(study.table(results, name).to_string() + "\n")
        explained = explanations.records(row for row in results.cells if row["chosen"])
        if len(explained):
            typer.echo("Do explanations hold? mean ± over seeds ± over data sets (95 %)")
            typer.echo(explanations.leaderboard_text(_board(explained)).to_string() + "\n")
        typer.echo(study.made_on(results))
        for line in (line for name in results.data for line in study.at_an_edge(results, name)):
            typer.echo(f"at the edge of its grid: {line}", err=True)
        for line in results.about["missing"]:
            typer.echo(f"not complete: {line}", err=True)
        if out is not None:
            results.save(out)
            typer.echo(f"wrote {out}")


explaining = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(explaining, name="explanations", help="Take part in the benchmark of explanations.")


@explaining.command("score", short_help="Score an explainer of your own.")
def score_command(
    explainer: Annotated[str, typer.Argument(help="Such as my_file:MyMethod, or my_file:explain.")],
    out: Annotated[Path | None, typer.Option(help="Write the entry to this file.")] = None,
    name: Annotated[str, typer.Option(help="What it is called.")] = "",
    fresh: Annotated[int, typer.Option(help="Add so many seeds that are drawn now.", min=0)] = 0,
    trial: Annotated[
        bool, typer.Option("--trial", help="One task, one seed, few samples: does it work?")
    ] = False,
) -> None:
    """Run EXPLAINER on all tasks and seeds of the benchmark, and print its areas.

    EXPLAINER is a method, or a function explain(model, data, background, seed) that explains a
    finished joint model.
    """
    import pandas as pd

    with _errors():
        _look_here()
        if out is not None:
            _check_file(out)
        entry = explanations.score(explainer, name=name, fresh=fresh, trial=trial)
        rows = [
            (task, pd.Series(row["auroc"], dtype=float).mean(), len(row["seeds"]))
            for task, row in entry["tasks"].items()
        ]
        board = pd.DataFrame(rows, columns=["task", "auroc", "seeds"]).set_index("task")
        typer.echo(board.round(3).to_string())
        if out is not None:
            write_text(out, json.dumps(entry, indent=1) + "\n")
            typer.echo(f"wrote {out}")


@explaining.command("check", short_help="Say what is wrong with a file of reports, or score it.")
def check_command(
    report: Annotated[Path, typer.Argument(help="A .npz with task, seed and report.")],
) -> None:
    """Check REPORT, a .npz with a task's name, a seed and a report (N, 4), and print its scores."""
    with _errors():
        for metric, value in explanations.check_report(report).items():
            typer.echo(f"{metric} {value:.4f}")


def _check_file(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is worked out for it."""
    if path.is_dir():
        raise DataError(f"--out {path} is a folder: expected the name of a file")
    check_writable(path.parent)


def _board(explained: pd.DataFrame) -> pd.DataFrame:
    """Return the leaderboard of explanations, with the row of chance."""
    import pandas as pd

    return explanations.leaderboard(pd.concat([explained, explanations.chance(explained)]))


def _parse(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs; values as YAML has them: 3, 0.1, true, [a, b], {70: 0.1}."""
    import yaml

    parsed = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise DataError(f"{pair!r}: expected name=value")
        try:
            parsed[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise DataError(f"{pair!r}: the value cannot be read: {error}") from error
    return parsed


@contextmanager
def _errors() -> Iterator[None]:
    """Print what the library says was wrong, without a traceback, and end with status 1."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command continues", err=True)
        raise typer.Exit(130) from None
    except (CheckpointError, ClusterError, DownloadError, TrainingError, ValueError) as error:
        typer.echo(f"mmfuse: {error}", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
