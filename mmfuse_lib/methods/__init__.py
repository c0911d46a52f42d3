"""Methods by name. Build one with ``methods.JointFusion.for_data(train, seed=0)``."""

from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.core.objects import is_path, load_object
from mmfuse_lib.methods.balancing.contrastive import Contrastive
from mmfuse_lib.methods.balancing.mla import MLA
from mmfuse_lib.methods.balancing.ogm_ge import OGMGE
from mmfuse_lib.methods.base import Method, Spec, Stage
from mmfuse_lib.methods.baselines import Ensemble, JointFusion, Probe, Unimodal
from mmfuse_lib.methods.dimml import DIMML
from mmfuse_lib.methods.dmil import DMIL, Components
from mmfuse_lib.methods.i2moe import I2MoE
from mmfuse_lib.methods.yardsticks import CompositionProbe, ThreeModels

__all__ = [
    "DIMML",
    "DMIL",
    "MLA",
    "OGMGE",
    "Components",
    "CompositionProbe",
    "Contrastive",
    "Ensemble",
    "I2MoE",
    "JointFusion",
    "Method",
    "Probe",
    "Spec",
    "Stage",
    "ThreeModels",
    "Unimodal",
    "get",
    "names",
]

_METHODS: dict[str, type[Method]] = {
    m.__name__: m
    for m in (
        Unimodal,
        Ensemble,
        JointFusion,
        DIMML,
        DMIL,
        I2MoE,
        OGMGE,
        MLA,
        Contrastive,
        CompositionProbe,
        ThreeModels,
    )
}


def names() -> tuple[str, ...]:
    """Return the names that `get` knows."""
    return tuple(_METHODS)


def get(name: str) -> type[Method]:
    """Return a method's class by its name: ``"JointFusion"``, or a reader's ``"my_file:MyMethod"``.

    Raises
    ------
    UnknownNameError
        If there is none; the closest match is suggested.
    DataError
        If a reader's own cannot be imported, or is no `Method`.
    """
    if is_path(name):
        own = load_object(name)
        if not (isinstance(own, type) and issubclass(own, Method)):
            raise DataError(
                f"{name!r} is {own!r}: expected a subclass of mmfuse_lib.methods.Method"
            )
        return own
    if name not in _METHODS:
        raise UnknownNameError("method", name, _METHODS)
    return _METHODS[name]


def __getattr__(name: str) -> type[Method]:
    """Suggest the closest method for ``methods.JointFuson``."""
    raise AttributeError(str(UnknownNameError("method", name, _METHODS)))
