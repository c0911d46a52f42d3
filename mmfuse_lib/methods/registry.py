"""The registry: methods by name."""

from mmfuse_lib import methods
from mmfuse_lib.core.errors import DataError, check_names
from mmfuse_lib.core.objects import is_path, load_object
from mmfuse_lib.methods.base import Method

#: The methods that `get` knows, each a name of `mmfuse_lib.methods`.
NAMES = (
    "Unimodal",
    "Ensemble",
    "JointFusion",
    "DIMML",
    "DMIL",
    "I2MoE",
    "OGMGE",
    "MLA",
    "Contrastive",
    "CompositionProbe",
    "ThreeModels",
)


def names() -> tuple[str, ...]:
    """Return the names that `get` knows."""
    return NAMES


def get(name: str) -> type[Method]:
    """Return a method's class by its name: ``"JointFusion"``, or a reader's ``"my_file:MyMethod"``.

    Raises
    ------
    UnknownNameError
        If there is none; the closest match is suggested.
    DataError
        If a reader's own cannot be imported, or is no `Method`.

    Examples
    --------
    >>> from mmfuse_lib import methods
    >>> methods.get("DMIL").__name__
    'DMIL'
    """
    if is_path(name):
        own = load_object(name)
        if not (isinstance(own, type) and issubclass(own, Method)):
            raise DataError(
                f"{name!r} is {own!r}: expected a subclass of mmfuse_lib.methods.Method"
            )
        return own
    check_names("method", [name], NAMES)
    found: type[Method] = getattr(methods, name)
    return found
