"""A run from a file of settings or a command: what it trains, writes, continues and refuses."""

import dataclasses
import errno
import inspect
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner, Result

import mmfuse_lib.training.fit as training
from mmfuse_lib import data, evaluate, load, methods, runs
from mmfuse_lib.cli import app
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data.raw import cremad
from mmfuse_lib.encoders.resnet import ResNet18Encoder
from mmfuse_lib.encoders.transforms import Augmented, RandomResizedCrop
from mmfuse_lib.methods.base import steps
from mmfuse_lib.runs import (
    Settings,
    build,
    default_folder,
    make_optimizer,
    read_settings,
    run,
)
from mmfuse_lib.training.checkpoints import save_checkpoint
from tests.data.raw.test_cremad import generate
from tests.support import same, weights

PRESET = Path(__file__).parents[1] / "reproduce" / "dimml_cremad.yml"
SMALL = {"n_train": 300, "n_val": 60, "n_test": 100, "n_classes": 2}
QUICK = ["--epochs", "2", "--batch-size", "64", "--device", "cpu"]
QUICK += [part for name, value in SMALL.items() for part in ("--data-option", f"{name}={value}")]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.chdir(tmp_path)


def mmfuse(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def result_in(folder: Path) -> dict[str, Any]:
    text = (folder / "result.json").read_text()
    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


# Data.


def test_the_data_sets_are_listed_and_described() -> None:
    listed = mmfuse("data")
    assert listed.exit_code == 0
    assert [line.partition(":")[0] for line in listed.output.splitlines()] == list(data.names())
    assert data.describe("utd_mhad") in mmfuse("data", "utd_mhad").output


# Training.


def test_a_method_is_trained_and_the_result_written(tmp_path: Path) -> None:
    done = mmfuse("train", "JointFusion", "digit_pairs", *QUICK, "--seed", "3")
    assert done.exit_code == 0, done.output
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"JointFusion-digit_pairs-3-[0-9a-f]{8}", folder.name)
    found = result_in(folder)
    assert found["settings"]["data_options"] == SMALL
    assert found["settings"]["seed"] == 3
    assert found["n_samples"] == {"train": 300, "val": 60, "test": 100}
    assert set(found["best_epoch"]) == {"joint"}
    assert f"accuracy {found['metrics']['test']['accuracy']:.4f}" in done.output
    assert found["versions"]["torch"] == torch.__version__


def test_the_result_is_that_of_the_library_called_by_hand(tmp_path: Path) -> None:
    settings = Settings(
        "JointFusion", "digit_pairs", data_options=SMALL, dim=16, epochs=2, batch_size=64, seed=1,
        device="cpu", optimizer={"name": "sgd", "momentum": 0.9}, lr=0.05,
    )  # fmt: skip
    found = run(settings, tmp_path, progress=False)
    train, val, test = data.load("digit_pairs", seed=1, **SMALL)
    model = methods.JointFusion.for_data(train, dim=16, seed=1)

    def sgd(parameters: list[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=lr, momentum=0.9)

    training.fit(
        model, train, val, epochs=2, batch_size=64, lr=0.05, optimizer=sgd, seed=1, device="cpu",
        progress=False,
    )  # fmt: skip
    from mmfuse_lib import evaluate

    assert found["metrics"]["test"] == evaluate(model, test, device="cpu").metrics


@pytest.mark.parametrize("method", ["JointFusion", "DMIL"])
def test_by_default_a_run_is_bit_for_bit_what_the_library_does_by_default(method: str) -> None:
    settings = Settings(
        method, "digit_pairs", data_options=SMALL, dim=8, epochs=5, device="cpu", seed=1
    )
    trained = runs.train(settings, progress=False)
    train, val, _ = data.load("digit_pairs", seed=1, **SMALL)
    model = methods.get(method).for_data(train, dim=8, seed=1)
    history = training.fit(model, train, val, epochs=5, seed=1, device="cpu", progress=False)
    assert trained.history == history
    assert same(weights(trained.model), weights(model))


def test_several_devices_are_asked_for_and_have_a_folder_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = []

    def fit(*_: object, devices: int, **__: object) -> training.History:
        asked.append(devices)
        return training.History()

    monkeypatch.setattr(runs, "fit", fit)
    for options in ([], ["--devices", "2"]):
        mmfuse("train", "JointFusion", "digit_pairs", *QUICK, *options)
    assert asked == [1, 2]
    alone, several = sorted((tmp_path / "runs").iterdir())
    assert several.name == f"{alone.name}-2-devices"
    assert "devices" not in json.loads((alone / runs.RESULT).read_text())
    assert json.loads((several / runs.RESULT).read_text())["devices"] == 2


def test_two_commands_never_share_a_folder_and_the_same_one_does(tmp_path: Path) -> None:
    command = ["train", "JointFusion", "digit_pairs", *QUICK]
    outputs, n_folders = [], []
    for options in (
        [], ["--method-option", "fusion=sum"], ["--lr", "0.01"], ["--encoder", "left=image"], [],
    ):  # fmt: skip
        done = mmfuse(*command, *options)
        assert done.exit_code == 0, done.output
        outputs.append(done.stdout)
        n_folders.append(len(list((tmp_path / "runs").iterdir())))
    assert n_folders == [1, 2, 3, 4, 4]
    assert outputs[0] == outputs[-1]
    assert len(set(outputs)) == 4


def test_the_folder_of_a_readers_own_method_is_one_folder() -> None:
    folder = default_folder(Settings("my.file:Method", "other file:load"))
    assert re.fullmatch(r"my\.file-Method-other-file-load-0-[0-9a-f]{8}", folder.name)
    assert folder.parent == Path("runs")


def test_a_folder_of_another_run_is_refused_by_the_setting_that_differs(tmp_path: Path) -> None:
    command = ["train", "DIMML", "digit_pairs", *QUICK, "--out", "here"]
    assert mmfuse(*command).exit_code == 0
    before = (tmp_path / "here" / "result.json").read_bytes()
    failed = mmfuse(*command, "--method-option", "duc_weight=0")
    assert failed.exit_code == 1
    assert "is of another run: duc_weight is 0, there it is 1.0." in failed.output
    assert (tmp_path / "here" / "result.json").read_bytes() == before


def test_what_is_not_defined_is_null_in_the_result(tmp_path: Path) -> None:
    command = ["train", "JointFusion", "digit_pairs", *QUICK, "--data-option", "n_test=1"]
    done = mmfuse(*command, "--out", "here")
    assert done.exit_code == 0, done.output
    assert result_in(tmp_path / "here")["metrics"]["test"]["auroc"] is None
    assert "auroc not defined" in done.output


def test_a_file_in_the_place_of_the_folder_is_named_before_work_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: Any, **__: Any) -> Any:
        raise AssertionError("data are loaded")

    monkeypatch.setattr(data, "load", load)
    (tmp_path / "file").write_text("in the way")
    for out in ("file", "file/run"):
        failed = mmfuse("train", "JointFusion", "digit_pairs", *QUICK, "--out", out)
        assert failed.exit_code == 1
        assert "is a file, expected a folder" in failed.output
        assert failed.output.count("\n") == 1


@pytest.mark.parametrize("name", ["result.json", "last.pt", "model.pt"])
def test_a_disk_that_fills_up_ends_in_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_file = os.replace

    def full(source: Path, target: Path) -> None:
        if target.name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", full)
    failed = mmfuse("train", "JointFusion", "digit_pairs", *QUICK, "--out", "here")
    assert failed.exit_code == 1
    said = failed.output.splitlines()  # behind the bar
    assert re.fullmatch(rf"mmfuse: cannot write .*{name}: .*No space left .*", said[-1])
    assert isinstance(failed.exception, SystemExit)


def test_options_go_to_method_and_encoders() -> None:
    train, _, _ = data.load("digit_pairs", **SMALL)
    settings = Settings(
        "JointFusion", "digit_pairs", method_options={"fusion": "gated"}, dim=8,
        encoders={"left": {"name": "resnet18", "augment": True}, "right": "mlp"},
    )  # fmt: skip
    model = build(settings, train)
    assert type(model.fusion).__name__ == "GatedFusion"
    left = model.encoders["left"]
    assert isinstance(left, Augmented)
    assert isinstance(left.encoder, ResNet18Encoder)
    assert isinstance(left.transform, RandomResizedCrop)
    assert model.dims == {"left": 8, "right": 8}
    again = build(settings, train)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )


def test_what_is_typed_comes_before_the_file_and_the_file_before_the_defaults(
    tmp_path: Path,
) -> None:
    values = {
        "method": "Ensemble", "data": "digit_pairs", "data_options": SMALL | {"cue": False},
        "epochs": 7, "batch_size": 50, "device": "cpu",
    }  # fmt: skip
    (tmp_path / "a.yml").write_text(yaml.safe_dump(values))
    done = mmfuse("train", "Unimodal", "--config", "a.yml", "--epochs", "1", "--out", "here",
                  "--method-option", "modality=left", "--data-option", "n_train=200")  # fmt: skip
    assert done.exit_code == 0, done.output
    settings = result_in(tmp_path / "here")["settings"]
    assert (settings["method"], settings["epochs"], settings["batch_size"]) == ("Unimodal", 1, 50)
    assert settings["data_options"] == SMALL | {"cue": False, "n_train": 200}
    assert settings["lr"] == Settings("a", "b").lr


def test_the_trained_model_is_beside_the_result(tmp_path: Path) -> None:
    settings = Settings(
        "DIMML", "digit_pairs", data_options=SMALL, dim=8, epochs=2, device="cpu",
        method_options={"lr_schedule": {1: 0.5}},
        encoders={"left": {"name": "mlp", "hidden": 5, "augment": "noise"}},
    )  # fmt: skip
    result = run(settings, tmp_path / "here", progress=False)
    model = load(tmp_path / "here" / "model.pt")
    assert isinstance(model, methods.DIMML)
    assert (model.lr_schedule(0), model.lr_schedule(1)) == (1, 0.5)
    test = data.load("digit_pairs", seed=0, **SMALL)[2]
    again = evaluate(model, test, device="cpu").metrics
    assert again == pytest.approx(result["metrics"]["test"], nan_ok=True, abs=0)


OWN = """
from mmfuse_lib.methods import JointFusion

class Noting(JointFusion):
    noted = 1.0
    def forward(self, inputs):
        return self.noted * super().forward(inputs)
    def task_terms(self, batch):
        self.noted = 2.0
        return super().task_terms(batch)
"""


def test_a_model_that_cannot_be_saved_takes_no_result_away(tmp_path: Path) -> None:
    (tmp_path / "own_noting.py").write_text(OWN)
    with pytest.warns(UserWarning, match="model.pt is not written: this Noting could not be built"):
        done = mmfuse("train", "own_noting:Noting", "digit_pairs", "--out", "here", *QUICK)
    assert done.exit_code == 0, done.output
    assert "test: accuracy" in done.output
    assert result_in(tmp_path / "here")["metrics"]["test"]
    assert not (tmp_path / "here" / "model.pt").exists()


@pytest.fixture
def interrupt_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what makes the training stop as by Ctrl+C after some checkpoints."""

    def arrange(n: int) -> None:
        saved: list[Path] = []

        def stop(folder: Path, state: dict[str, Any]) -> None:
            save_checkpoint(folder, state)
            saved.append(folder)
            if len(saved) == n:
                raise KeyboardInterrupt

        monkeypatch.setattr(training, "save_checkpoint", stop)

    return arrange


def test_an_interrupted_run_continues_to_the_same_result(
    tmp_path: Path, interrupt_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["train", "JointFusion", "digit_pairs", *QUICK, "--epochs", "4", "--out"]
    assert mmfuse(*command, "whole").exit_code == 0
    interrupt_at(3)
    stopped = mmfuse(*command, "parts")
    assert stopped.exit_code == 130
    assert "the same command continues" in stopped.output
    assert not (tmp_path / "parts" / "result.json").exists()
    monkeypatch.setattr(training, "save_checkpoint", save_checkpoint)
    assert mmfuse(*command, "parts").exit_code == 0
    whole, parts = result_in(tmp_path / "whole"), result_in(tmp_path / "parts")
    for key in ("settings", "metrics", "best_epoch"):
        assert parts[key] == whole[key]


# At full scale, on a tiny folder of the published layout.


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cremad, "IMAGE_SIZE", 32)
    monkeypatch.setattr("mmfuse_lib.data.raw.published.IMAGE_SIZE", 32)
    monkeypatch.setattr(cremad, "SPECTROGRAM", (1, 65, 75))  # a quarter, to be quick
    monkeypatch.setattr(cremad, "log_spectrogram", quarter(cremad.log_spectrogram))
    return generate(tmp_path / "cremad", n_train=14)


def quarter(read: Callable[[Path], Any]) -> Callable[[Path], Any]:
    return lambda path: read(path)[:, ::4, ::4]


def full_scale(method: str, root: Path) -> list[str]:
    return [
        "train", method, "--config", str(PRESET), "--data-option", f"root={root}",
        "--data-option", "n_frames=1", "--epochs", "2", "--device", "cpu",
        "--precision", "32-true", "--out",
    ]  # fmt: skip


def without_method_options(tmp_path: Path) -> Path:
    values = read_settings(PRESET)
    del values["method_options"]
    values["encoders"]["audio"] = "image"
    path = tmp_path / "plain.yml"
    path.write_text(yaml.safe_dump(values))
    return path


def continued(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Interrupt a run as arranged, continue it, and return the result: that of a whole run."""
    assert mmfuse(*command, "parts").exit_code == 130
    monkeypatch.setattr(training, "save_checkpoint", save_checkpoint)
    for folder in ("parts", "whole"):
        done = mmfuse(*command, folder)
        assert done.exit_code == 0, done.output
    whole, parts = result_in(tmp_path / "whole"), result_in(tmp_path / "parts")
    assert parts["metrics"] == whole["metrics"]
    return whole


def test_a_baseline_is_trained_at_full_scale_and_continues_when_interrupted(
    tmp_path: Path, root: Path, interrupt_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = full_scale("JointFusion", root)
    command[command.index(str(PRESET))] = str(without_method_options(tmp_path))
    interrupt_at(2)
    whole = continued(command, tmp_path, monkeypatch)
    assert whole["settings"]["encoders"]["video"] == {"name": "resnet18", "augment": True}
    assert whole["n_samples"] == {"train": 13, "val": 1, "test": 6}


def test_the_preset_of_di_mml_trains_in_mixed_precision_and_continues_when_interrupted(
    tmp_path: Path, root: Path, interrupt_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = full_scale("DIMML", root)
    command[command.index("32-true")] = "bf16-mixed"
    interrupt_at(4)  # in the interactive stage: the dimensions are selected, one epoch is done
    whole = continued(command, tmp_path, monkeypatch)
    assert whole["settings"]["method_options"]["temperature"] == 50
    assert list(whole["best_epoch"]) == ["detached", "interactive", "fusion"]


@pytest.mark.parametrize(
    ("name", "temperature", "certainty", "given"),
    [
        ("cremad", 50, 1, {"n_frames": 3}),
        ("ave", 10, 3, {"n_frames": 4}),
        ("ucf101", 10, 1, {"n_frames": 1}),
        ("modelnet40", 50, 3, {"views": [1, 7]}),
    ],
)
def test_the_presets_of_di_mml_hold_the_papers_settings(
    name: str, temperature: float, certainty: float, given: dict[str, Any]
) -> None:
    """As in the authors' README and code: a linear head, SGD, decay twice, temperatures, frames."""
    settings = Settings.of(read_settings(PRESET.with_name(f"dimml_{name}.yml")))
    assert (settings.method, settings.data, settings.dim) == ("DIMML", name, 512)
    assert (settings.epochs, settings.batch_size, settings.lr) == (150, 16, 1e-3)
    assert settings.optimizer == {"name": "sgd", "momentum": 0.9, "weight_decay": 1e-4}
    options = settings.method_options
    assert (options["temperature"], options["certainty_temperature"]) == (temperature, certainty)
    assert round(options["warmup"] * settings.epochs) == 20
    assert round(options["fusion_epochs"] * settings.epochs) == 20
    assert options["fusion"] == "linear"
    schedule = steps(options["lr_schedule"])
    factors = [schedule(epoch) for epoch in (0, 69, 70, 139, 140, 149)]
    assert factors == [1, 1, 0.1, 0.1, 0.01, 0.01]
    assert given.items() <= settings.data_options.items()


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("dmil_cremad.yml", [("intra", 10), ("consistency", 5), ("joint", 135)]),
        ("i2moe_cremad.yml", [("experts", 150)]),
    ],
)
def test_the_other_presets_differ_from_that_of_di_mml_in_the_method_only(
    name: str, stages: list[tuple[str, int]], root: Path
) -> None:
    settings, other = (Settings.of(read_settings(p)) for p in (PRESET.with_name(name), PRESET))
    same: dict[str, Any] = {"method": other.method, "method_options": other.method_options}
    assert dataclasses.replace(settings, **same) == other
    train, _, _ = data.load("cremad", root=root, n_frames=1)
    model = build(settings, train)
    assert [(s.name, s.epochs) for s in model.stages(settings.epochs)] == stages
    for stage in model.stages(settings.epochs):
        assert torch.isfinite(stage.loss(train[:4])["total"])


def test_the_preset_of_dmil_on_kinetics_sounds_is_that_on_cremad() -> None:
    settings, other = (
        Settings.of(read_settings(PRESET.with_name(f"dmil_{name}.yml")))
        for name in ("kinetics_sounds", "cremad")
    )
    assert settings.data == "kinetics_sounds"
    assert dataclasses.replace(settings, data="cremad") == other


SHAPES = {
    "audio": (1, 257, 1004),
    "video": (3, 3, 224, 224),
    "rgb": (1, 3, 224, 224),
    "flow": (10, 2, 224, 224),
}


@pytest.mark.parametrize(
    ("file", "modalities"),
    [
        ("dimml_ave.yml", ["audio", "video"]),
        ("dimml_ucf101.yml", ["flow", "rgb"]),
        ("dmil_kinetics_sounds.yml", ["audio", "video"]),
    ],
)
def test_the_presets_of_videos_fit_the_shapes_and_options_of_their_data(
    file: str, modalities: list[str]
) -> None:
    settings = Settings.of(read_settings(PRESET.with_name(file)))
    load = inspect.signature(data.loader(settings.data))
    assert set(settings.data_options) <= set(load.parameters)
    kinds = {name: torch.float32 if name == "audio" else torch.uint8 for name in modalities}
    inputs = {name: torch.zeros(2, *SHAPES[name], dtype=kinds[name]) for name in modalities}
    train = data.MultimodalData(inputs, torch.tensor([0, 1]), class_names=("a", "b"))
    model = build(settings, train)
    stage = model.stages(settings.epochs)[0]
    assert torch.isfinite(stage.loss(train)["total"])


def picture(n: int) -> torch.Tensor:
    return torch.zeros(n, 1, 3, 224, 224, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("file", "inputs", "target", "reports"),
    [
        (
            "dimml_modelnet40.yml",
            {"view1": picture(2), "view7": picture(2)},
            torch.tensor([0, 1]),
            3,
        ),
        (
            "dmil_mosei.yml",
            {
                "text": torch.zeros(2, 50, 300),
                "audio": torch.zeros(2, 50, 74),
                "video": torch.zeros(2, 50, 35),
            },
            torch.tensor([0, 1]),
            4,
        ),
        (
            "i2moe_mosi.yml",
            {
                "text": torch.zeros(2, 50, 300),
                "video": torch.zeros(2, 50, 47),
                "audio": torch.zeros(2, 50, 74),
            },
            torch.tensor([-3.0, 1.5]),
            5,
        ),
        (
            "i2moe_mm_imdb.yml",
            {"text": torch.zeros(2, 300), "image": torch.zeros(2, 4096)},
            torch.eye(2, 23, dtype=torch.int64),
            4,
        ),
        (
            "i2moe_enrico.yml",
            {"screenshot": picture(2), "wireframe": picture(2)},
            torch.tensor([0, 1]),
            4,
        ),
    ],
)
def test_the_presets_of_published_features_and_pictures_fit_their_data(
    file: str, inputs: dict[str, torch.Tensor], target: torch.Tensor, reports: int
) -> None:
    settings = Settings.of(read_settings(PRESET.with_name(file)))
    with pytest.raises(DataError, match="root is"):  # every option before it exists
        data.load(settings.data, **settings.data_options)
    n_classes = 0 if target.is_floating_point() else 23 if target.ndim == 2 else 2
    train = data.MultimodalData(inputs, target, tuple(map(str, range(n_classes))))
    assert tuple(settings.data_options.get("modalities", inputs)) == train.modalities
    model = build(settings, train)
    stages = model.stages(settings.epochs)
    assert torch.isfinite(stages[0].loss(train)["total"])
    assert sum(stage.epochs for stage in stages) >= settings.epochs
    assert model.interactions(train.inputs).shape == (2, reports)


@pytest.mark.parametrize(
    ("name", "epochs", "weight", "temperature"),
    [("mosi", 30, 0.001, 1), ("mm_imdb", 40, 0.5, 2), ("enrico", 50, 0.1, 2)],
)
def test_the_presets_of_i2moe_hold_the_authors_settings(
    name: str, epochs: int, weight: float, temperature: float
) -> None:
    """As in their scripts: Adam 1e-4, batches of 32, features of 256, a transformer an expert."""
    settings = Settings.of(read_settings(PRESET.with_name(f"i2moe_{name}.yml")))
    assert (settings.method, settings.dim, settings.batch_size) == ("I2MoE", 256, 32)
    assert (settings.optimizer, settings.lr) == ({"name": "adam"}, 1e-4)
    assert settings.epochs == epochs
    assert settings.method_options == {
        "fusion": "transformer", "interaction_weight": weight, "temperature": temperature,
        "hidden": 256, "shared_start": True, "dropout": 0.5, "fresh_stand_ins": True,
        **({"regression_losses": "published"} if name == "mosi" else {}),
    }  # fmt: skip


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_baseline_is_trained_with_half_precision_on_a_gpu(tmp_path: Path, root: Path) -> None:
    command = full_scale("JointFusion", root)
    command[command.index(str(PRESET))] = str(without_method_options(tmp_path))
    for old, new in (("cpu", "cuda"), ("32-true", "16-mixed")):
        command[command.index(old)] = new
    done = mmfuse(*command, "gpu")
    assert done.exit_code == 0, done.output
    assert result_in(tmp_path / "gpu")["device"] == torch.cuda.get_device_name(0)


# Small parts.


def test_optimizers_by_name() -> None:
    w = [torch.nn.Parameter(torch.zeros(2))]
    sgd = make_optimizer({"name": "sgd", "momentum": 0.9})(w, lr=0.3)
    assert isinstance(sgd, torch.optim.SGD)
    assert (sgd.defaults["lr"], sgd.defaults["momentum"]) == (0.3, 0.9)
    adamw = make_optimizer({"name": "adamw"})(w, lr=0.3)
    assert adamw.defaults == training.adamw(w, 0.3).defaults
    adamw = make_optimizer({"name": "adamw", "weight_decay": 0.5, "fused": False})(w, lr=1)
    assert (adamw.defaults["weight_decay"], adamw.defaults["fused"]) == (0.5, False)
    with pytest.raises(UnknownNameError, match="Did you mean 'adamw'"):
        make_optimizer({"name": "adamww"})
    with pytest.raises(UnknownNameError, match="Did you mean 'momentum'"):
        make_optimizer({"name": "sgd", "momentm": 0.9})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "JointFuson", "digit_pairs"], "Did you mean 'JointFusion'"),
        (["train", "JointFusion", "digit_pair"], "Did you mean 'digit_pairs'"),
        (["train", "JointFusion"], "lack 'data'"),
        (["train", "Unimodal", "digit_pairs"], "needs the option 'modality'"),
        (["train", "JointFusion", "digit_pairs", "--data-option", "n_clases=3"], "'n_classes'"),
        (["train", "JointFusion", "digit_pairs", "--method-option", "fusoin=sum"], "'fusion'"),
        (["train", "JointFusion", "digit_pairs", "--encoder", "lef=mlp"], "'left'"),
        (["train", "JointFusion", "digit_pairs", "--encoder", "left=mpl"], "'mlp'"),
        (["train", "JointFusion", "digit_pairs", "--device", "gpu"], "expected 'auto', 'cpu'"),
        (["train", "JointFusion", "digit_pairs", "--data-option", "cue"], "expected name=value"),
        (["train", "--config", "nowhere.yml"], "nowhere.yml cannot be read"),
        (["train", "JointFusion", "cremad"], "AudioWAV"),
        (["data", "utd_mhat"], "Did you mean 'utd_mhad'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], message: str) -> None:
    failed = mmfuse(*arguments)
    assert failed.exit_code == 1
    assert message in failed.output
    assert "Traceback" not in failed.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method: JointFusion\ndata: digit_pairs\nepoch: 3", "Did you mean 'epochs'"),
        ("- a\n- b", "expected a mapping"),
        ("a: [", "cannot be read"),
        ("!!python/object/apply:os.getcwd []", "cannot be read"),
    ],
)
def test_a_file_of_settings_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(text)
    failed = mmfuse("train", "--config", "a.yml")
    assert failed.exit_code == 1
    assert message in failed.output
