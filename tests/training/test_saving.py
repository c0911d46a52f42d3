"""Saving and loading: the same predictions to the last bit; what is refused, and why."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import mmfuse_lib
from mmfuse_lib import fit, load, methods, save
from mmfuse_lib.core.errors import CheckpointError, DataError, UnknownNameError
from mmfuse_lib.core.files import atomic_write
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.fusion import FUSIONS, ConcatFusion
from mmfuse_lib.methods import DIMML, DMIL, I2MoE, JointFusion, Method, Unimodal
from mmfuse_lib.training import saving
from tests.support import (
    leaves_no_random_trace,
    linear,
    noisy_encoder,
    same,
    two_labels,
    weights,
    xor,
)

ROOT = Path(__file__).parents[2]


class Own(JointFusion):
    """A reader's own method, with an option and something that training keeps in a buffer."""

    seen: Tensor

    def __init__(self, spec: Any, encoders: Any, *, scale: float = 1.0) -> None:
        super().__init__(spec, encoders)
        self.scale = scale
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.scale * super().forward(inputs) + self.seen

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        self.seen += 1
        return super().task_terms(batch)


class Products(nn.Module):
    """A reader's own fusion model."""

    def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(d, 5) for d in dims)
        self.out = nn.Linear(5, n_outputs)

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        a, b = (to_common(x) for to_common, x in zip(self.maps, z, strict=True))
        logits: Tensor = self.out(a * b)
        return logits


def with_composition(n: int) -> MultimodalData:
    data = xor(n)
    return from_arrays(data.inputs, data.target, composition=np.arange(n) % 4)


#: A model, how its data are made, and what is to be given again.
CASES: dict[str, tuple[type[Method], Callable[[int], MultimodalData], dict[str, Any]]] = {
    "Unimodal": (Unimodal, xor, {"modality": "b"}),
    "Probe": (methods.Probe, xor, {"modality": "a", "hidden": 5}),
    "Ensemble": (methods.Ensemble, xor, {}),
    "ThreeModels": (methods.ThreeModels, xor, {}),
    "CompositionProbe": (methods.CompositionProbe, with_composition, {}),
    "DIMML": (DIMML, xor, {"lr_schedule": {1: 0.1}, "temperature": np.float32(5)}),
    "DMIL": (DMIL, xor, {}),
    "DMIL-product": (DMIL, xor, {"synergy": "product", "synergy_first": True}),
    "DMIL-intra": (DMIL, xor, {"levels": "intra", "fixed_gate": True}),
    "I2MoE": (I2MoE, xor, {"fusion": "transformer"}),
    "I2MoE-experts": (I2MoE, xor, {"experts": ("R", "S"), "weights": "global"}),
    "regression": (I2MoE, linear, {"regression_losses": "published"}),
    "labels": (JointFusion, two_labels, {}),
    **{f"JointFusion-{name}": (JointFusion, xor, {"fusion": name}) for name in FUSIONS},
}


def trained(kind: type[Method], data: MultimodalData, seed: int = 0, **options: Any) -> Method:
    model = kind.for_data(data, dim=6, seed=seed, **options)
    fit(model, data, data, epochs=3, batch_size=20, progress=False)
    return model


def is_same(one: Method, other: Method, data: MultimodalData) -> bool:
    pairs = [(one(data.inputs), other(data.inputs))]
    pairs += [(one.predict(data.inputs), other.predict(data.inputs))]
    pairs += [(one.interactions(data.inputs), other.interactions(data.inputs))]
    return all(torch.equal(a, b) for a, b in pairs) and same(weights(one), weights(other))


@pytest.mark.parametrize(("kind", "make", "options"), CASES.values(), ids=CASES)
def test_a_trained_model_predicts_the_same_to_the_last_bit(
    kind: type[Method],
    make: Callable[[int], MultimodalData],
    options: dict[str, Any],
    tmp_path: Path,
) -> None:
    data = make(40)
    model = trained(kind, data, **options)
    save(model, tmp_path / "model.pt")
    loaded = load(tmp_path / "model.pt")
    assert type(loaded) is kind
    assert not any(module.training for module in loaded.modules())
    assert is_same(loaded, model, make(25))
    assert loaded.spec == model.spec
    assert loaded.interaction_names == model.interaction_names


OTHER_PROCESS = """
import sys, torch
from mmfuse_lib import load
from tests.support import xor
from tests.training.test_saving import Own, Products
from tests.support import noisy_encoder
own = {"encoders": {"a": noisy_encoder()}, "method": Own} if sys.argv[1] == "own" else {}
torch.save(load("model.pt", **own).predict_proba(xor(25, seed=1).inputs), "said.pt")
"""


@pytest.mark.parametrize("which", ["DMIL", "own"])
def test_another_process_predicts_the_same(which: str, tmp_path: Path) -> None:
    data = xor(40)
    if which == "own":
        model = trained(Own, data, scale=2.0, encoders={"a": noisy_encoder()})
    else:
        model = trained(DMIL, data)
    save(model, tmp_path / "model.pt")
    subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, which],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    said = torch.load(tmp_path / "said.pt", weights_only=True)
    assert torch.equal(said, model.predict_proba(xor(25, seed=1).inputs))


def test_a_loaded_model_is_saved_trained_and_copied_as_any_other(tmp_path: Path) -> None:
    data = xor(40)
    model = trained(DIMML, data, lr_schedule={1: 0.1})
    save(model, tmp_path / "one.pt")
    loaded = load(tmp_path / "one.pt")
    save(copy.deepcopy(loaded), tmp_path / "sub" / "two.pt")
    assert is_same(load(tmp_path / "sub" / "two.pt"), model, data)
    for each in (model, loaded):
        fit(each, data, data, epochs=2, seed=5, progress=False)
    assert is_same(loaded, model, data)


def test_options_are_remembered_and_so_are_defaults_that_a_later_version_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained(DMIL, xor(40), gamma=0.7)
    save(model, tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt")
    assert isinstance(loaded, DMIL)
    assert (loaded.gamma, loaded.beta) == (0.7, 0.1)
    before = DMIL.__init__.__kwdefaults__
    assert before is not None
    monkeypatch.setattr(DMIL.__init__, "__kwdefaults__", {**before, "beta": 9.0})
    later = load(tmp_path / "m.pt")
    assert isinstance(later, DMIL)
    assert later.beta == 0.1


def test_default_encoders_are_remembered_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    views = {"text": rng.normal(size=(30, 8, 3)), "image": rng.normal(size=(30, 2, 16, 16))}
    data = from_arrays(views, np.arange(30) % 2)
    named = {"image": {"name": "image", "width": 3, "augment": "crop"}}
    model = trained(JointFusion, data, encoders=named)
    save(model, tmp_path / "m.pt")
    monkeypatch.setattr("mmfuse_lib.encoders.registry.default_choice", None)
    loaded = load(tmp_path / "m.pt")
    assert is_same(loaded, model, data)
    assert str(loaded.encoders) == str(model.encoders)


def test_a_model_of_bytes_is_one_again(tmp_path: Path) -> None:
    data = xor(40)
    data.inputs["a"] = torch.randint(0, 256, (40, 3, 16, 16), dtype=torch.uint8)
    model = trained(JointFusion, data)
    save(model, tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt")
    assert loaded.spec == model.spec
    assert torch.equal(loaded.predict(data.inputs), model.predict(data.inputs))


def test_what_was_frozen_is_frozen(tmp_path: Path) -> None:
    data = xor(40)
    own = {"a": noisy_encoder().requires_grad_(False)}
    model = trained(JointFusion, data, encoders=own)
    save(model, tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt", {"a": noisy_encoder()})
    assert not any(p.requires_grad for p in loaded.encoders["a"].parameters())
    assert all(p.requires_grad for p in loaded.encoders["b"].parameters())


def test_the_file_is_read_by_eye_and_holds_no_code(tmp_path: Path) -> None:
    save(JointFusion.for_data(xor(40), dim=6, fusion="sum"), tmp_path / "m.pt")
    content = torch.load(tmp_path / "m.pt", weights_only=True)
    del content["weights"], content["outputs"]
    assert content == {
        "kind": "mmfuse model",
        "form": 1,
        "version": mmfuse_lib.__version__,
        "method": "JointFusion",
        "spec": {
            "shapes": {"a": (3,), "b": (3,)},
            "task": "classification",
            "class_names": ("0", "1"),
            "as_bytes": (),
        },
        "dim": 6,
        "encoders": {"a": {"name": "mlp"}, "b": {"name": "mlp"}},
        "own encoders": {},
        "options": {"fusion": "sum"},
        "own options": {},
        "frozen": [],
    }


def test_a_view_of_a_large_tensor_takes_its_own_room_only(tmp_path: Path) -> None:
    model = JointFusion.for_data(xor(40), dim=6)
    save(model, tmp_path / "small.pt")
    for parameter in model.parameters():
        parameter.data = torch.cat([parameter.data[None]] * 1000)[0]
    save(model, tmp_path / "same.pt")
    sizes = [(tmp_path / name).stat().st_size for name in ("small.pt", "same.pt")]
    assert sizes[1] < 1.1 * sizes[0]


def test_saving_and_loading_leave_no_random_trace_and_the_model_alone(tmp_path: Path) -> None:
    model = JointFusion.for_data(xor(40), encoders={"a": noisy_encoder()}).train()
    before = weights(model)
    assert leaves_no_random_trace(lambda: save(model, tmp_path / "m.pt"))
    given = {"a": noisy_encoder()}
    assert leaves_no_random_trace(lambda: load(tmp_path / "m.pt", given))
    assert same(weights(model), before)
    assert all(module.training for module in model.modules())


def test_a_copy_and_a_pickle_of_a_model_can_be_saved(tmp_path: Path) -> None:
    model = JointFusion.for_data(xor(40))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301
        save(other, tmp_path / "m.pt")
        assert is_same(load(tmp_path / "m.pt"), model, xor(9))


# What is the reader's own is given again.


@pytest.fixture
def own(tmp_path: Path) -> tuple[Method, Path]:
    torch.manual_seed(0)
    model = trained(I2MoE, xor(40), encoders={"a": noisy_encoder()}, fusion=Products)
    save(model, tmp_path / "m.pt")
    return model, tmp_path / "m.pt"


def test_own_encoders_and_fusion_are_given_again(own: tuple[Method, Path]) -> None:
    model, path = own
    given = noisy_encoder()
    loaded = load(path, {"a": given}, fusion=Products)
    assert is_same(loaded, model, xor(25))
    assert loaded.encoders["a"] is given
    save(loaded, path)
    assert is_same(load(path, encoders={"a": noisy_encoder()}, fusion=Products), model, xor(25))


class OtherProducts(Products):
    """As many weights, another function."""

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        return super().forward([x.square() for x in z])


def gelu_encoder() -> nn.Module:
    return nn.Sequential(
        nn.Linear(3, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.3), nn.Linear(8, 4)
    )


@pytest.mark.parametrize(
    ("encoders", "options", "error", "message"),
    [
        ({}, {"fusion": Products}, DataError,
         r"the encoder of modality 'a' was a torch.nn.*:Sequential: it has to be given again"),
        ({"b": noisy_encoder}, {"fusion": Products}, DataError, "'a' was a .* given again"),
        ({"a": noisy_encoder, "b": noisy_encoder}, {"fusion": Products}, DataError,
         "the encoder of modality 'b' is not to be given: the file expects 'a'"),
        ({"A": noisy_encoder}, {"fusion": Products}, UnknownNameError,
         "unknown modality 'A'. Did you mean 'a'"),
        ({"a": lambda: noisy_encoder(5)}, {"fusion": Products}, DataError,
         r"the encoder of modality 'a' does not fit .*encoders.a.4.weight has shape \(5, 8\), "
         r"expected \(4, 8\)"),
        ({"a": lambda: nn.Linear(3, 4)}, {"fusion": Products}, DataError,
         "the encoder of modality 'a' does not fit the weights in the file: encoders.a.0.weight "
         "has shape none, expected"),
        ({"a": lambda: nn.Linear(8, 4)}, {"fusion": Products}, DataError,
         "the encoder of modality 'a' cannot take samples of shape"),
        ({"a": gelu_encoder}, {"fusion": Products}, DataError,
         "the encoder of modality 'a' gives other numbers than the saved one, with the same"),
        ({"a": noisy_encoder}, {}, DataError,
         "the option 'fusion' was a tests.training.test_saving:Products: it has to be given again"),
        ({"a": noisy_encoder}, {"fusion": ConcatFusion}, DataError,
         r"I2MoE with these options does not fit the weights in the file: experts.R.maps.0.weight"),
        ({"a": noisy_encoder}, {"fusion": OtherProducts}, DataError,
         "the model gives other numbers than the saved one"),
        ({"a": noisy_encoder}, {"fusion": Products, "temperature": 2.0}, DataError,
         "the option 'temperature' is not to be given: the file expects 'fusion'"),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_named(
    encoders: dict[str, Callable[[], nn.Module]],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
    own: tuple[Method, Path],
) -> None:
    with pytest.raises(error, match=message):
        load(own[1], {name: make() for name, make in encoders.items()}, **options)


def test_a_schedule_that_is_a_function_is_given_again_and_steps_are_not(tmp_path: Path) -> None:
    def tenth(epoch: int) -> float:
        return 0.1

    save(DIMML.for_data(xor(40), lr_schedule=tenth), tmp_path / "m.pt")
    with pytest.raises(DataError, match=r"option 'lr_schedule' was a .*tenth: it has to be given"):
        load(tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt", lr_schedule=tenth)
    assert isinstance(loaded, DIMML)
    assert loaded.lr_schedule is tenth


# A reader's own method is named by the caller; a file makes nothing be imported.


def test_an_own_method_is_given_by_the_caller(tmp_path: Path) -> None:
    model = trained(Own, xor(40), scale=3.0)
    save(model, tmp_path / "m.pt")
    assert is_same(load(tmp_path / "m.pt", method=Own), model, xor(25))
    with pytest.raises(DataError, match=r"holds a tests.*:Own, no class of the library: .*method="):
        load(tmp_path / "m.pt")
    with pytest.raises(DataError, match=r"holds a tests.*:Own: method is JointFusion"):
        load(tmp_path / "m.pt", method=JointFusion)


@pytest.mark.parametrize(
    "name", ["intruder:Own", "os:system", "mmfuse_lib_intruder:Own", "mmfuse_lib.core.files:os"]
)
def test_no_module_is_imported_because_a_file_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("intruder", "mmfuse_lib_intruder"):
        (tmp_path / f"{module}.py").write_text("open('run', 'w')")
    monkeypatch.chdir(tmp_path)
    save(JointFusion.for_data(xor(40)), tmp_path / "m.pt")
    content = torch.load("m.pt", weights_only=True)
    torch.save(content | {"method": name}, "m.pt")
    with pytest.raises(DataError):
        load("m.pt")
    assert not (tmp_path / "run").exists()


# Files that cannot be read, and models that cannot be saved.


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    save(JointFusion.for_data(xor(40)), path)
    whole = path.read_bytes()
    start = whole.index(weights(JointFusion.for_data(xor(40)))["fusion.out.bias"].numpy().tobytes())
    for content in (whole[:-100], whole[:1000], b"", whole[:start] + b"\7" + whole[start + 1 :]):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"cannot read .*m\.pt: "):
            load(path)
    with pytest.raises(CheckpointError, match=r"cannot read .*nowhere\.pt: .*No such file"):
        load(tmp_path / "nowhere.pt")


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch executed",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"weights": {}}, "holds no model: expected a file that mmfuse_lib.save wrote"),
        ([1, 2], "it holds list, expected a dict"),
        (Evil(), "it holds more than tensors and plain values"),
        (nn.Linear(2, 2), "it holds more than tensors and plain values"),
        (saving.MARK | {"form": 2, "version": "9"}, "written by mmfuse 9, in a form that"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    content: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content, "m.pt")
    with pytest.raises(CheckpointError, match=message):
        load("m.pt")
    assert not Path("executed").exists()


def test_a_model_that_was_built_by_hand_is_refused(tmp_path: Path) -> None:
    built = JointFusion.for_data(xor(40))
    by_hand = JointFusion(built.spec, dict(built.encoders))
    with pytest.raises(DataError, match="this JointFusion was not built by for_data"):
        save(by_hand, tmp_path / "m.pt")


class Forgetful(Own):
    """Keeps what it learned in an attribute that is no buffer."""

    kept = 0.0

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return super().forward(inputs) + self.kept * torch.tensor([1.0, -1.0])


def test_a_model_that_could_not_be_built_again_is_refused_before_a_file_is_written(
    tmp_path: Path,
) -> None:
    exchanged = JointFusion.for_data(xor(40))
    exchanged.fusion = Products(list(exchanged.dims.values()), 2)
    forgetful = Forgetful.for_data(xor(40))
    save(forgetful, tmp_path / "before.pt")
    forgetful.kept = 0.01
    for model, message in ((exchanged, "does not fit the weights"), (forgetful, "other numbers")):
        with pytest.raises(DataError, match=rf"could not be built again .*{message}.*no buffers"):
            save(model, tmp_path / "m.pt")
    assert [p.name for p in tmp_path.iterdir()] == ["before.pt"]


def test_a_file_that_cannot_be_written_leaves_the_one_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = JointFusion.for_data(xor(40))
    save(model, tmp_path / "m.pt")
    before = (tmp_path / "m.pt").read_bytes()

    def full(path: Path, write: Callable[[Any], Any]) -> None:
        def half(file: Any) -> None:
            write(file)
            raise OSError(28, "No space left on device")

        atomic_write(path, half)

    monkeypatch.setattr(saving, "atomic_write", full)
    with pytest.raises(CheckpointError, match=r"cannot write .*m\.pt: No space left on device"):
        save(trained(JointFusion, xor(40)), tmp_path / "m.pt")
    assert [p.name for p in tmp_path.iterdir()] == ["m.pt"]
    assert (tmp_path / "m.pt").read_bytes() == before


def test_a_broken_model_is_saved_as_it_is(tmp_path: Path) -> None:
    model = JointFusion.for_data(xor(40))
    nn.init.constant_(next(model.parameters()), float("nan"))
    save(model, tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt")
    assert next(loaded.parameters()).isnan().all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_model_on_a_gpu_is_loaded_on_the_cpu(tmp_path: Path) -> None:
    data = xor(40)
    model = trained(JointFusion, data, encoders={"a": noisy_encoder()}).cuda()
    save(model, tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt", {"a": noisy_encoder()})
    assert same(weights(loaded), weights(model.cpu()))
    assert is_same(loaded, model, data)
