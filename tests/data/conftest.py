"""What the tests of downloads share."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmfuse_lib.data.storage import downloads
from tests.data.server import Server, serve


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
    with serve() as offer:
        yield offer


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no folder of ready arrays."""
    folder = tmp_path / "cache"
    monkeypatch.delenv(downloads.DATA_DIR, raising=False)
    monkeypatch.setattr(downloads, "cache_folder", lambda: folder)
    return folder
