"""The command `mmfuse`: look at data sets, train a method on one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from mmfuse_lib import data
from mmfuse_lib.errors import (
    CheckpointError,
    DataError,
    DownloadError,
    TrainingError,
    UnknownNameError,
)
from mmfuse_lib.runs import RESULT, Settings, read_settings, run

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

Pairs = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE")]


@app.command("data")
def data_command(
    name: Annotated[str | None, typer.Argument(help="Describe this one.")] = None,
) -> None:
    """List the data sets, or describe one: options, source, licence, citation."""
    with _errors():
        if name is None:
            for known in data.names():
                typer.echo(data.describe(known).splitlines()[0])
        else:
            typer.echo(data.describe(name))


@app.command("train")
def train_command(
    method: Annotated[str | None, typer.Argument(help="Such as JointFusion.")] = None,
    data_set: Annotated[str | None, typer.Argument(metavar="DATA", help="See mmfuse data.")] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file of settings.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
    epochs: Annotated[int | None, typer.Option()] = None,
    batch_size: Annotated[int | None, typer.Option()] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    patience: Annotated[int | None, typer.Option(help="Epochs without a better one.")] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = None,
    precision: Annotated[str | None, typer.Option(help="32-true, 16-mixed, bf16-mixed.")] = None,
    data_option: Pairs = None,
    method_option: Pairs = None,
    encoder: Annotated[list[str] | None, typer.Option(metavar="MODALITY=NAME")] = None,
) -> None:
    """Train METHOD on DATA, evaluate it on the test split, write OUT/result.json.

    Settings come from the options, else from the file given by --config, else from the defaults.
    The same command again continues a run that was interrupted.
    """
    with _errors():
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
        folder = out or Path("runs") / f"{settings.method}-{settings.data}-{settings.seed}"
        result = run(settings, folder)
        for split, metrics in result["metrics"].items():
            found = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
            typer.echo(f"{split}: {found}")
        typer.echo(f"wrote {folder / RESULT}")


def _parse(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs; values as YAML has them: 3, 0.1, true, [a, b], {70: 0.1}."""
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
    except (
        CheckpointError, DataError, DownloadError, TrainingError, UnknownNameError, ValueError
    ) as error:  # fmt: skip
        typer.echo(f"mmfuse: {error}", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
