"""Each part of a method against what its authors' code returned for the same inputs.

The ``.npz`` files beside this module hold inputs drawn at random and what the authors' functions,
run unchanged on a CPU in double precision unless a part says otherwise, made of them; no line of
their code. The tests hold every part to its tolerance, and the book prints the differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmfuse_lib import methods
from mmfuse_lib.data.multimodal import Task
from mmfuse_lib.fusion import make_fusion
from mmfuse_lib.information import decompose
from mmfuse_lib.information.pointwise import pointwise_atoms, published_adjustment
from mmfuse_lib.methods.base import Method, Spec
from mmfuse_lib.methods.dimml import certainty_weights, dimension_rates, duc_loss
from mmfuse_lib.methods.i2moe import (
    interaction_loss,
    interaction_losses,
    published_regression_losses,
)

HERE = Path(__file__).parent

M = TypeVar("M", bound=Method)

#: Where the authors' code is: repository and commit.
REPOSITORIES = {
    "DI-MML": ("fanyunfeng-bit/DI-MML", "83b9b7acc47ac9f1666e72ed984eacd18cfd3d5c"),
    "I2MoE": ("Raina-Xin/I2MoE", "75b578e1f7ec20ebe990f6e6e5680b1a8860046f"),
    "LSMI": ("GeWu-Lab/LSMI_Estimator", "13e4db2e033a3721d5ea7c0e31c540b3445a5532"),
    "BROJA": ("pliang279/PID", "a4d9eef88a389da8ac75bd6376c76404988332d0"),
}


@dataclass(frozen=True)
class Part:
    """A part of a method and how far the library is from the authors' code on it.

    Attributes
    ----------
    paper, name : str
        The key of `REPOSITORIES`, and what the part is called in the book.
    lines : str
        File and lines of the authors' code.
    cases : int
        Random inputs it was compared on.
    value, value_limit : float
        Largest absolute difference of a value, and what is allowed.
    gradient, gradient_limit : float or None
        The same for gradients, where there are any.
    """

    paper: str
    name: str
    lines: str
    cases: int
    value: float
    value_limit: float
    gradient: float | None = None
    gradient_limit: float | None = None


class Case:
    """The arrays of one case in a file: ``case["loss"]``, as a tensor where it has axes."""

    def __init__(self, arrays: dict[str, NDArray[Any]], prefix: str) -> None:
        self.arrays, self.prefix = arrays, prefix

    def __getitem__(self, name: str) -> Tensor:
        return torch.from_numpy(np.asarray(self.arrays[f"{self.prefix}_{name}"]))

    def number(self, name: str) -> float:
        """Return a number."""
        return float(self.arrays[f"{self.prefix}_{name}"])


@cache
def arrays(file: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file."""
    with np.load(HERE / f"{file}.npz", allow_pickle=False) as stored:
        return dict(stored)


def cases(file: str, kind: str = "case") -> Iterator[Case]:
    """Yield the cases of a kind, ``case0``, ``case1``, ..."""
    found = arrays(file)
    n = 0
    while any(name.startswith(f"{kind}{n}_") for name in found):
        yield Case(found, f"{kind}{n}")
        n += 1


def apart(ours: Tensor | float, theirs: Tensor | float) -> float:
    """Return the largest absolute difference."""
    a, b = torch.as_tensor(ours), torch.as_tensor(theirs)
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")
    return float((a.double() - b.double()).abs().max())


# DI-MML.


def duc() -> Part:
    """One direction of the contrastive loss, and its gradient with respect to the student."""
    values, gradients = [], []
    for case in cases("dimml_duc"):
        student, teacher = case["student"].requires_grad_(), case["teacher"].requires_grad_()
        loss = duc_loss(student, teacher, case["mask"], case.number("tau"))
        of_student, of_teacher = _gradients(loss, student, teacher)
        values.append(apart(loss.detach(), case["loss"]))
        gradients += [apart(of_student, case["student_grad"]), float(of_teacher.abs().max())]
    return Part(
        "DI-MML", "contrastive loss (DUC)", "loss/contrast_loss.py, 4-34",
        len(values), max(values), 1e-12, max(gradients), 1e-14,
    )  # fmt: skip


def duc_pairs() -> Part:
    """Both directions at once, as in training."""
    values, gradients = [], []
    for case in cases("dimml_duc", "pair"):
        z1, z2 = case["z1"].requires_grad_(), case["z2"].requires_grad_()
        tau = case.number("tau")
        loss = duc_loss(z2, z1, case["teacher1_mask"], tau) + duc_loss(
            z1, z2, case["teacher2_mask"], tau
        )
        of_z1, of_z2 = _gradients(loss, z1, z2)
        values.append(apart(loss.detach(), case["loss"]))
        gradients += [apart(of_z1, case["z1_grad"]), apart(of_z2, case["z2_grad"])]
    return Part(
        "DI-MML", "DUC, both directions", "loss/contrast_loss.py, 4-34",
        len(values), max(values), 1e-12, max(gradients), 1e-14,
    )  # fmt: skip


def selection() -> Part:
    """The rate of every dimension (single precision) and which dimensions are effective."""
    values = []
    for case in cases("dimml_selection"):
        for m in ("1", "2"):
            z, y = case[f"z{m}"], case["labels"]
            rates, effective = dimension_rates(lambda z=z, y=y: [(z, y)], int(case["n_classes"]))  # type: ignore[misc]
            values.append(apart(rates, case[f"rates{m}"]))
            values.append(apart(effective, case[f"effective{m}"]))
    return Part(
        "DI-MML", "effective dimensions", "main_CFT.py, 194-207", len(values) // 4,
        max(values), 1e-6,
    )  # fmt: skip


class _Heads(methods.DIMML):
    """DI-MML whose heads say what they are given."""

    given: Tensor

    def head_logits(self, inputs: object) -> Tensor:
        return self.given


def certainty() -> Part:
    """The weights of the heads, and the weighted logits."""
    values = []
    for case in cases("dimml_certainty"):
        tau = case.number("tau2")
        weights = certainty_weights(case["logits"], tau)
        model = _build(_Heads, 2, 3, case["logits"].shape[-1], certainty_temperature=tau)
        model.given = case["logits"]
        values += [apart(weights, case["weights"]), apart(model({}), case["combined"])]
    return Part(
        "DI-MML", "weights by certainty", "main_CFT_stage2.py, 180-186", len(values) // 2,
        max(values), 1e-13,
    )  # fmt: skip


def linear_head() -> Part:
    """The default fusion head: one linear layer on the concatenation, their ``concat``."""
    values = []
    for case in cases("dimml_fusion"):
        x, y, weight = case["x"], case["y"], case["concat_fc_out_weight"]
        head: Any = make_fusion("linear", [x.shape[1], y.shape[1]], len(weight)).double()
        with torch.no_grad():
            head.out.weight.copy_(weight)
            head.out.bias.copy_(case["concat_fc_out_bias"])
            values.append(apart(head([x, y]), case["concat_logits"]))
    return Part(
        "DI-MML", "fusion head, linear", "models/fusion_modules.py, 5-87", len(values),
        max(values), 1e-13,
    )  # fmt: skip


def sum_head() -> Part:
    """The fusion head that adds one linear layer a modality, their ``sum``."""
    values = []
    for case in cases("dimml_fusion"):
        x, y = case["x"], case["y"]
        K = len(case["sum_fc_x_bias"])
        head: Any = make_fusion("sum", [x.shape[1], y.shape[1]], K).double()
        with torch.no_grad():
            for own, m in zip(head.heads, ("x", "y"), strict=True):
                own.weight.copy_(case[f"sum_fc_{m}_weight"])
                own.bias.copy_(case[f"sum_fc_{m}_bias"])
            values.append(apart(head([x, y]), case["sum_logits"]))
    return Part(
        "DI-MML", "fusion head, sum", "models/fusion_modules.py, 5-87", len(values),
        max(values), 1e-13,
    )  # fmt: skip


# I2MoE.


def _expert_names(n: int) -> list[str]:
    return ["R", *(f"U{m + 1}" for m in range(n)), "S"]


def uniqueness() -> Part:
    """The loss of each uniqueness expert; theirs adds 1e-7 to every difference."""
    values, gradients = [], []
    for case in cases("i2moe_losses"):
        n = len(case["uniqueness"])
        for m in range(n):
            outputs = case["outputs"].requires_grad_()
            loss = interaction_loss(f"U{m + 1}", outputs, range(n))
            (gradient,) = _gradients(loss, outputs)
            values.append(apart(loss.detach(), case["uniqueness"][m]))
            gradients.append(apart(gradient, case["uniqueness_grad"][m]))
    n_cases = len(list(cases("i2moe_losses")))
    return Part(
        "I2MoE", "uniqueness loss", "src/imoe/InteractionMoE.py, 164-187", n_cases,
        max(values), 3e-7, max(gradients), 1e-7,
    )  # fmt: skip


def synergy_and_redundancy() -> Part:
    """The losses of the other two experts."""
    values, gradients = [], []
    for case in cases("i2moe_losses"):
        n = len(case["uniqueness"])
        for name, theirs in (("S", "synergy"), ("R", "redundancy")):
            outputs = case["outputs"].requires_grad_()
            loss = interaction_loss(name, outputs, range(n))
            (gradient,) = _gradients(loss, outputs)
            values.append(apart(loss.detach(), case[theirs]))
            gradients.append(apart(gradient, case[f"{theirs}_grad"]))
    return Part(
        "I2MoE", "synergy and redundancy losses", "src/imoe/InteractionMoE.py, 204-229",
        len(values) // 2, max(values), 1e-14, max(gradients), 1e-15,
    )  # fmt: skip


def published_regression() -> Part:
    """The losses of their class for regression, which the library has as an option."""
    values, gradients = [], []
    for case in (*cases("i2moe_losses"), *cases("i2moe_losses", "single")):
        n = len(case["regression_uniqueness"])
        for index, (name, theirs) in enumerate(
            [
                ("R", "redundancy"),
                *((f"U{m + 1}", "uniqueness") for m in range(n)),
                ("S", "synergy"),
            ]
        ):
            place = index - 1 if theirs == "uniqueness" else ()
            outputs = case["outputs"].requires_grad_()
            losses = published_regression_losses([name], outputs.unsqueeze(0), range(n))
            (gradient,) = _gradients(losses[0], outputs)
            values.append(apart(losses[0].detach(), case[f"regression_{theirs}"][place]))
            gradients.append(apart(gradient, case[f"regression_{theirs}_grad"][place]))
    n_cases = len(list(cases("i2moe_losses"))) + len(list(cases("i2moe_losses", "single")))
    return Part(
        "I2MoE", "losses of a regression, as published",
        "src/imoe/InteractionMoERegression.py, 164-180 and 196-221",
        n_cases, max(values), 1e-12, max(gradients), 1e-12,
    )  # fmt: skip


class _Says(nn.Module):
    """A network that says what it is given."""

    def __init__(self, given: Tensor) -> None:
        super().__init__()
        self.given = given

    def forward(self, z: object) -> Tensor:
        return self.given


def mixture() -> Part:
    """The weights of the experts at a temperature, and the mixed logits."""
    values = []
    for case in cases("i2moe_weights"):
        logits, scores = case["expert_logits"], case["scores"]
        n_samples, n_experts, K = logits.shape
        n = n_experts - 2
        model = _build(methods.I2MoE, n, 2, K, temperature=case.number("temperature"))
        # Theirs: U1 .. Un, S, R; ours: R, U1 .. Un, S.
        order = [n_experts - 1, *range(n_experts - 1)]
        model.reweight = _Says(scores[:, order])
        for name, place in zip(_expert_names(n), order, strict=True):
            model.experts[name] = _Says(logits[:, place])
        inputs = {f"x{m + 1}": torch.zeros(n_samples, 2) for m in range(n)}
        values.append(apart(model.interactions(inputs), case["weights"][:, order]))
        values.append(apart(model(inputs), case["mixture"]))
    return Part(
        "I2MoE", "weights and mixture", "src/imoe/InteractionMoE.py, 41-43 and 254-271",
        len(values) // 2, max(values), 1e-13,
    )  # fmt: skip


def reweighting() -> Part:
    """The reweighting network in evaluation mode; theirs averages tokens, ours takes vectors."""
    values = []
    for case in cases("i2moe_weights", "mlp"):
        z = case["z"] if case["z"].ndim == 3 else case["z"].mean(dim=2)
        n, _, h = z.shape
        options = {"temperature": case.number("temperature"), "hidden": len(case["bias1"])}
        model = _build(methods.I2MoE, n, h, 2, **options)
        order = [n + 1, *range(n + 1)]
        layers: Any = [layer for layer in model.reweight.modules() if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            layers[0].weight.copy_(case["weight1"])
            layers[0].bias.copy_(case["bias1"])
            layers[1].weight.copy_(case["weight2"][order])
            layers[1].bias.copy_(case["bias2"][order])
            weights = model.interactions({f"x{m + 1}": z[m] for m in range(n)})
        values.append(apart(weights, case["weights"][:, order]))
    return Part(
        "I2MoE", "reweighting network", "src/imoe/InteractionMoE.py, 14-52", len(values),
        max(values), 1e-13,
    )  # fmt: skip


# The decomposition.


def broja() -> Part:
    """R, U1, U2 and S of tables, in nats, against their solver's."""
    values = []
    for name in _tables():
        found = decompose(arrays("broja")[f"{name}_p"]).atoms * np.log(2)
        values.append(float(np.abs(found - arrays("broja")[f"{name}_atoms_nats"]).max()))
    return Part(
        "BROJA", "decomposition of tables (nats)", "synthetic/rus.py, 6-65 and 113-171",
        len(values), max(values), 1e-7,
    )  # fmt: skip


def _tables() -> list[str]:
    return [name.removesuffix("_p") for name in arrays("broja") if name.endswith("_p")]


def _atoms(case: Case, kind: str = "") -> Tensor:
    """Return the atoms of samples, ``(N, 4)``: R, U1, U2, S."""
    return torch.stack([case[f"{kind}{atom}"] for atom in ("r", "u1", "u2", "s")], dim=1)


def pointwise() -> Part:
    """The atoms of samples, from their surprises and informations, before the adjustment."""
    values = []
    for case in cases("lsmi"):
        given = [case[name].numpy() for name in ("h1", "h2", "i1", "i2", "i12")]
        theirs = _atoms(case)
        values.append(apart(torch.from_numpy(pointwise_atoms(*given)), theirs))
    return Part(
        "LSMI", "atoms of samples (nats)", "main_lsmi.py, 106-132", len(values),
        max(values), 1e-14,
    )  # fmt: skip


def adjustment() -> Part:
    """The adjustment of all samples that the authors' code makes, an option here."""
    values = []
    for case in cases("lsmi"):
        given = _atoms(case)
        theirs = _atoms(case, "adjusted_")
        ours = torch.from_numpy(published_adjustment(given.numpy()))
        values += [apart(ours, theirs), apart(ours.mean(dim=0), case["adjusted_means"])]
    return Part(
        "LSMI", "adjustment of all samples (nats)", "main_lsmi.py, 9-59", len(values) // 2,
        max(values), 1e-14,
    )  # fmt: skip


def _gradients(loss: Tensor, *inputs: Tensor) -> list[Tensor]:
    """Return the gradients; zeros where the loss does not depend on an input."""
    found = torch.autograd.grad(loss, inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def _build(method: type[M], n: int, d: int, n_classes: int, **options: Any) -> M:
    """Return a method on n modalities that are their own features, in double precision."""
    names = [f"x{m + 1}" for m in range(n)]
    n_classes = max(n_classes, 1)
    task: Task = "regression" if n_classes == 1 else "classification"
    classes = () if n_classes == 1 else tuple(map(str, range(n_classes)))
    spec = Spec(dict.fromkeys(names, (d,)), task, classes)
    model = method(spec, {name: nn.Identity() for name in names}, **options)
    return model.double().eval()


#: All parts, in the order in which the book shows them.
PARTS: tuple[Callable[[], Part], ...] = (
    duc, duc_pairs, selection, certainty, linear_head, sum_head,
    uniqueness, synergy_and_redundancy, published_regression, mixture, reweighting,
    pointwise, adjustment, broja,
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A place where the library differs from the authors' code on purpose.

    Attributes
    ----------
    paper, name : str
        As in `Part`.
    theirs, ours : str
        What each returns for the same input.
    why : str
        Why the library differs.
    option : str
        How to have the published behaviour; empty where that is not offered.
    with_option : float or None
        Largest absolute difference with that option.
    """

    paper: str
    name: str
    theirs: str
    ours: str
    why: str
    option: str = ""
    with_option: float | None = None


def no_dimensions() -> Difference:
    """DUC where no dimension is to be taught."""
    case = Case(arrays("dimml_duc"), "empty")
    none = torch.zeros(case["z1"].shape[1], dtype=torch.bool)
    ours = sum(
        float(duc_loss(a, b, none, 10.0))
        for a, b in ((case["z1"], case["z2"]), (case["z2"], case["z1"]))
    )
    return Difference(
        "DI-MML", "DUC without any dimension to teach",
        f"{case.number('loss_returned'):.3f} (2 log B, without a gradient)", f"{ours:.3f}",
        "the definition has an empty sum there; training is the same",
    )  # fmt: skip


def overflow() -> Difference:
    """DUC of large features in single precision."""
    case = Case(arrays("dimml_duc"), "overflow")
    loss = float(duc_loss(case["student"], case["teacher"], case["mask"], case.number("tau")))
    return Difference(
        "DI-MML", "DUC of large features, single precision",
        f"{case.number('loss_returned'):.3f}", f"{loss:.3f}",
        "their exponentials overflow; ours are taken relative to the largest",
    )  # fmt: skip


def missing_class() -> Difference:
    """Effective dimensions where a class has no samples."""
    case = Case(arrays("dimml_selection"), "missing")
    _, effective = dimension_rates(
        lambda: [(case["z1"], case["labels"])], int(case.number("n_classes"))
    )
    theirs = int(case["effective1_returned"].sum())
    return Difference(
        "DI-MML", "effective dimensions, a class without samples",
        f"{theirs} dimensions", f"{int(effective.sum())} of {len(effective)} dimensions",
        "their mean of no samples is NaN and wins every comparison; ours has no centroid",
    )  # fmt: skip


def regression() -> Difference:
    """The default losses of a regression, on outputs of one number a sample."""
    theirs, ours = [], []
    for case in cases("i2moe_losses", "single"):
        n = len(case["regression_uniqueness"])
        names = _expert_names(n)
        losses = interaction_losses(names, case["outputs"].expand(n + 2, -1, -1, -1), range(n))
        ours.append((float(losses[-1]), float(losses[0])))
        theirs.append((case.number("regression_synergy"), case.number("regression_redundancy")))

    def told(pairs: list[tuple[float, float]]) -> str:
        return "; ".join(f"{s:.2f} and {r:.2f}" for s, r in pairs)

    return Difference(
        "I2MoE", "synergy and redundancy losses of a regression",
        told(theirs), told(ours),
        "theirs are the same number, so the synergy expert learns to ignore what is replaced; "
        "their uniqueness loss has no margin and no lower bound",
        'regression_losses="published"', published_regression().value,
    )  # fmt: skip


def unadjusted() -> Difference:
    """The means of the atoms over samples, where the authors' code moves all samples."""
    moved = [case for case in cases("lsmi") if case.number("branch") > 0]
    case = moved[0]
    given = _atoms(case)

    def told(means: Tensor) -> str:
        return ", ".join(f"{round(mean, 2) + 0.0:.2f}" for mean in means.tolist())

    return Difference(
        "LSMI", "means of R, U1, U2, S (nats), where that of R is negative",
        told(case["adjusted_means"]), told(given.mean(dim=0)),
        "the adjustment forces a mean to 0 whatever the densities are, and hides how good they are",
        'adjust="published"', adjustment().value,
    )  # fmt: skip


#: All of them, in the order in which the book shows them.
DIFFERENCES: tuple[Callable[[], Difference], ...] = (
    no_dimensions, overflow, missing_class, regression, unadjusted,
)  # fmt: skip
