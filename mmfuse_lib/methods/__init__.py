"""Methods by name. Build one with ``methods.JointFusion.for_data(train, seed=0)``."""

import lazy_loader

from mmfuse_lib.core.errors import UnknownNameError

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Import what is asked for; suggest the closest name for ``methods.JointFuson``."""
    if name in __all__:
        return _load(name)
    raise AttributeError(str(UnknownNameError("method", name, __all__)))
