"""What holds for every method that balances modalities: resuming, copies, modalities, names."""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from mmfuse_lib import evaluate, fit, methods
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods import MLA, OGMGE, Contrastive, Method
from mmfuse_lib.training.checkpoints import load_checkpoint
from tests.methods.balancing.support import three
from tests.support import (
    interrupted,
    leaves_no_random_trace,
    linear,
    noisy_encoder,
    same,
    two_labels,
    weights,
    xor,
)

TRAIN, VAL = xor(48), xor(20, seed=1)
SGD = partial(torch.optim.SGD, momentum=0.9)
KINDS: dict[str, type[Method]] = {"OGMGE": OGMGE, "MLA": MLA, "Contrastive": Contrastive}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def build(kind: type[Method], **options: Any) -> Method:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        encoders = {"a": noisy_encoder(), "b": noisy_encoder()}
        return kind.for_data(TRAIN, encoders=encoders, seed=7, **options)


def train(model: Method, folder: Path | None = None, **options: Any) -> Any:
    return fit(
        model, TRAIN, VAL, **{"epochs": 4, "batch_size": 16, "device": "cpu", "progress": False,
                              "optimizer": SGD, "lr": 0.02, "checkpoint_dir": folder, **options}
    )  # fmt: skip


@pytest.mark.parametrize("n_passes", [2, 6, 11])  # 5 an epoch: three batches and validation
@every_kind
def test_a_run_interrupted_mid_stage_resumes_bit_for_bit(
    kind: type[Method], n_passes: int, tmp_path: Path
) -> None:
    expected = build(kind)
    history = train(expected)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted(build(kind), n_passes), tmp_path)
    model = build(kind)
    assert train(model, tmp_path) == history
    assert same(weights(model), weights(expected))


@every_kind
def test_a_copy_trains_as_the_model_does(kind: type[Method]) -> None:
    model = build(kind)
    copied = copy.deepcopy(model)
    train(model)
    train(copied)
    assert same(weights(model), weights(copied))


@every_kind
def test_initial_weights_are_a_function_of_the_seed(kind: type[Method]) -> None:
    one, again, other = (weights(kind.for_data(TRAIN, seed=seed)) for seed in (0, 0, 1))
    assert same(one, again)
    assert not same(one, other)
    assert leaves_no_random_trace(lambda: kind.for_data(TRAIN, seed=0))


def test_a_checkpoint_holds_the_projection(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(interrupted(build(MLA), 6), tmp_path)
    state = load_checkpoint(tmp_path)
    assert state is not None
    P = state["weights"]["P"]
    assert not torch.equal(P, torch.eye(4))
    torch.testing.assert_close(torch.linalg.matrix_norm(P), torch.tensor(1.0))


@every_kind
def test_three_modalities_of_different_lengths_are_learned(kind: type[Method]) -> None:
    data, test = three(300), three(300, seed=1)
    encoders = {
        m: torch.nn.Linear(x.shape[1], 8 if m == "c" else 12) for m, x in data.inputs.items()
    }
    model = kind.for_data(data, encoders=encoders, seed=0)
    fit(model, data, epochs=12, lr=1e-2, device="cpu", progress=False, batch_size=50)
    assert evaluate(model, test).metrics["accuracy"] > 0.95


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@every_kind
def test_every_term_is_recorded_for_training_and_validation(
    kind: type[Method], precision: str
) -> None:
    frame = train(build(kind), precision=precision).to_frame()
    assert frame["value"].notna().all()
    assert {"train", "val"} == set(frame["split"])
    assert (frame[frame["term"] == "total"].groupby(["stage", "split"]).size() > 0).all()


@pytest.mark.parametrize("data", [linear(40), two_labels(40)], ids=["regression", "labels"])
@pytest.mark.parametrize("kind", [OGMGE, MLA])
def test_what_is_defined_for_classes_says_so(kind: type[Method], data: MultimodalData) -> None:
    with pytest.raises(DataError, match="is defined for classes"):
        kind.for_data(data)


@pytest.mark.parametrize("data", [linear(80), two_labels(80)], ids=["regression", "labels"])
def test_contrastive_pretraining_takes_any_task(data: MultimodalData) -> None:
    model = Contrastive.for_data(data, dim=8)
    history = fit(model, data, data, epochs=4, device="cpu", progress=False)
    assert list(history.best_epoch) == ["contrastive", "supervised"]


@every_kind
def test_one_modality_is_refused(kind: type[Method]) -> None:
    alone = MultimodalData({"a": TRAIN.inputs["a"]}, TRAIN.target, class_names=TRAIN.class_names)
    with pytest.raises(DataError, match="two or more modalities"):
        kind.for_data(alone)


@pytest.mark.parametrize("name", KINDS)
def test_studies_and_the_command_line_find_it_by_name(name: str) -> None:
    assert methods.get(name) is KINDS[name] is getattr(methods, name)
    assert name in methods.names()


OPTIONS: list[tuple[Callable[..., Method], dict[str, Any], str]] = [
    (OGMGE.for_data, {"alpha": -1.0}, "alpha is -1.0"),
    (OGMGE.for_data, {"modulated": 1.5}, "modulated is 1.5"),
    (MLA.for_data, {"alpha": 0.0}, "alpha is 0.0"),
    (Contrastive.for_data, {"temperature": 0.001}, "temperature is 0.001"),
    (Contrastive.for_data, {"warmup": 1.0}, "warmup is 1.0"),
    (Contrastive.for_data, {"pretraining": -0.1}, "pretraining is -0.1"),
    (Contrastive.for_data, {"batch_size": 0}, "batch_size=0"),
]


@pytest.mark.parametrize(("make", "options", "message"), OPTIONS)
def test_an_option_out_of_its_range_is_named(
    make: Callable[..., Method], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        train(make(TRAIN, **options))
