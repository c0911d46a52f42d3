"""The command `mmfuse`, where its script is not on the path: ``python -m mmfuse_lib``."""

from mmfuse_lib.cli import app

app()
