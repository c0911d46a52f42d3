"""An archive for Gradescope, and what runs in it: one submission, in a container used once.

Gradescope calls `setup.sh` once and `run_autograder` for each submission. No torch is installed:
the assignments need the numbers of `mmfuse_lib.information` and nothing that learns.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

from . import assignments, confinement, grading
from .tree import BookError, Tree, write_atomic

ROOT = Path("/autograder")
PACKAGES = (
    "jupytext", "lazy_loader", "markdown-it-py", "mdit-py-plugins", "nbformat", "numpy", "pandas",
    "PyYAML", "scipy", "typer",
)  # fmt: skip
FILES = ("book/*.py", "book/pipeline/*.py", "book/teaching/assignments/**/*", "mmfuse_lib/**/*",
         "pyproject.toml")  # fmt: skip
SETUP = """\
#!/usr/bin/env bash
set -euo pipefail
apt-get update -qq && apt-get install -y -qq python3-venv
python3 -m venv /autograder/uv
/autograder/uv/bin/pip install -q uv
# The image may have an older Python; a submission's user has to reach the one that runs.
export UV_PYTHON_INSTALL_DIR=/autograder/python
/autograder/uv/bin/uv venv -q --python 3.11 /autograder/venv
/autograder/uv/bin/uv pip install -q --python /autograder/venv/bin/python \\
  -c /autograder/source/constraints.txt {packages}
site=$(/autograder/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo /autograder/source > "$site/mmfuse.pth"
"""
RUN = """\
#!/usr/bin/env bash
cd /autograder/source && exec /autograder/venv/bin/python -m book.pipeline.gradescope {name}
"""


def write(tree: Tree, name: str, secret: bytes) -> Path:
    """Write the archive of an assignment to ``build/teach/gradescope`` and return its path."""
    assignments.read(tree, name)
    wanted = {package.lower().replace("_", "-") for package in PACKAGES}
    pins = [
        line
        for line in (tree.root / "constraints.txt").read_text("utf8").splitlines()
        if line.split("==")[0].lower().replace("_", "-") in wanted
    ]
    target = tree.build / "teach" / "gradescope" / f"{name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("setup.sh", SETUP.format(packages=" ".join(PACKAGES)))
        archive.writestr("run_autograder", RUN.format(name=name))
        archive.writestr("constraints.txt", "\n".join(pins) + "\n")
        archive.writestr("secret", secret)
        for path in sorted({path for pattern in FILES for path in tree.root.glob(pattern)}):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(tree.root))
    return target


def run(name: str, root: Path = ROOT) -> Path:
    """Grade the submission of a container, and return the path of its results.

    The secret is read and deleted before the submission runs: the container has no other use.
    Where the container allows no namespaces, the submission runs as a user that owns nothing, so
    it can neither write results nor look into this process.
    """
    kept = root / "source" / "secret"
    secret = assignments.read_secret(kept)
    kept.unlink()
    target = root / "results" / "results.json"
    target.parent.mkdir(exist_ok=True)
    target.parent.chmod(0o700)
    task = assignments.read(Tree(root / "source"), name)
    known = json.loads((root / "submission_metadata.json").read_text("utf8"))
    student = str(known["users"][0]["email"])
    found = sorted((root / "submission").rglob("*.ipynb"))
    if not found:
        write_atomic(target, json.dumps({"score": 0, "output": "There is no notebook (.ipynb)."}))
        return target
    graded = grading.grade(task, found[0], student, secret, unconfined=not confinement.possible())
    write_atomic(target, grading.gradescope(graded))
    return target


if __name__ == "__main__":
    try:
        run(sys.argv[1])
    except BookError as error:
        raise SystemExit(f"error: {error}") from None
