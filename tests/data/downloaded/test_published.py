"""The published files themselves, downloaded: only where MMFUSE_NETWORK=1 allows it."""

import os
from pathlib import Path

import pytest

from mmfuse_lib.data.downloaded import (
    cremad_votes,
    cub_image_text,
    mfeat,
    mmsd_sarcasm,
    rosmap,
    utd_mhad,
)
from mmfuse_lib.data.storage import downloads
from mmfuse_lib.data.storage.downloads import Recipe, load_arrays
from mmfuse_lib.data.synthetic import fsdd, mnist

RECIPES = [
    m.RECIPE
    for m in (cremad_votes, cub_image_text, fsdd, mfeat, mmsd_sarcasm, mnist, rosmap, utd_mhad)
]


@pytest.mark.skipif(os.environ.get("MMFUSE_NETWORK") != "1", reason="downloads real data")
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_published_files_are_made_into_the_expected_arrays(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(downloads.DATA_DIR, raising=False)
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path)
    names = [name for name in recipe.digests if name != "depth"]  # a gigabyte
    assert set(load_arrays(recipe, names)) == set(names)
