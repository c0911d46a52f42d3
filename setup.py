"""What pyproject.toml cannot say: results and studies of `reproduce/` travel in the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


class WithResults(build_py):
    """Copy results and configurations to ``mmfuse_lib/published``, where `results` finds them."""

    def run(self) -> None:
        """Build the package, then add the files; an editable one reads them where they are."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "mmfuse_lib" / "published"
            shutil.rmtree(target, ignore_errors=True)
            files = [*(HERE / "reproduce").rglob("*.json"), *(HERE / "reproduce").rglob("*.yml")]
            for file in sorted(files):
                copy = target / file.relative_to(HERE / "reproduce")
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)


setup(cmdclass={"build_py": WithResults})
