"""What a benchmark's file says of its making, the same in all of them."""

import platform
import time
from collections.abc import Sequence
from importlib.metadata import version

#: What most of the benchmarks compute with.
PACKAGES = ("numpy", "scikit-learn", "scipy", "torch")


def provenance(
    command: str, packages: Sequence[str] = PACKAGES, processes: int = 1
) -> dict[str, object]:
    """Return the command, the date, the versions and the machine.

    Parameters
    ----------
    command : str
        What makes the file again, typed at the top of the repository.
    packages : sequence of str
        Packages whose versions may matter.
    processes : int
        How many, of one thread each.
    """
    work = "one thread" if processes == 1 else f"{processes} processes of one thread"
    return {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "machine": f"{platform.system()} {platform.machine()}, {work}",
    }
