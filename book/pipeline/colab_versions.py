"""Renew `colab-versions.txt`, the versions that Colab ships of all that a reader's kernel needs.

``python -m book.pipeline.colab_versions`` reads what Colab publishes; another address or a file can
be named. pip resolves what the library and a kernel need under these versions, without installing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from .alone import ROOT, VERSIONS, torch_pin

PUBLISHED = "https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.txt"
#: What makes a kernel of an environment.
KERNEL = ("ipykernel", "ipywidgets")
#: The book's PyTorch takes the place of Colab's, which is built for a GPU, and brings setuptools.
OTHER = {"torch", "torchvision", "torchaudio", "setuptools"}
LINE = re.compile(r"([A-Za-z0-9._-]+)==\S+")


def pins(freeze: str) -> dict[str, str]:
    """Return the lines of a freeze that pin a released version, by name; not those of PyTorch."""
    found = filter(None, (LINE.fullmatch(line.strip()) for line in freeze.splitlines()))
    lines = {canonicalize_name(match[1]): match[0] for match in found}
    return {name: line for name, line in lines.items() if name not in OTHER}


def needed(freeze: str) -> set[str]:
    """Name every package that pip would install for the library and a kernel under these pins."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join([*pins(freeze).values(), torch_pin(ROOT)]), "utf8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-"]
        command += ["--ignore-installed", "--constraint", str(constraints), str(ROOT), *KERNEL]
        report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {canonicalize_name(found["metadata"]["name"]) for found in report["install"]}


def main(source: str = PUBLISHED) -> None:
    """Write the file."""
    if source.startswith("https://"):
        with urllib.request.urlopen(source, timeout=60) as answer:  # noqa: S310 - https only
            freeze = answer.read().decode("utf8")
    else:
        freeze = Path(source).read_text("utf8")
    names = needed(freeze)
    lines = [line for name, line in pins(freeze).items() if name in names]
    head = [
        "# What Colab ships of all that a kernel with the library needs, as it publishes it in",
        f"# {PUBLISHED}",
        f"# Read on {datetime.now(UTC):%d %B %Y} by `python -m book.pipeline.colab_versions`.",
        "# Without PyTorch, for which constraints.txt has the one that is tested, and setuptools.",
    ]
    VERSIONS.write_text("\n".join([*head, *lines]) + "\n", "utf8")
    print(f"{VERSIONS}: {len(lines)} of {len(names)} packages; not Colab's:", end=" ")
    print(", ".join(sorted(names - set(pins(freeze)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
