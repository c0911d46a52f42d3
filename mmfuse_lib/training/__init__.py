"""Training: `fit`, its checkpoints, and what makes a run this run and no other."""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:
    from mmfuse_lib.core.deprecation import renamed_names

    _MOVED = {name: f"mmfuse_lib.training.fit:{name}" for name in ("History", "adamw")}
    __getattr__ = renamed_names(__name__, _MOVED, removed_in="0.2")
