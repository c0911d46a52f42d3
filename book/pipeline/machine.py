"""The machine and the packages that executed the chapters."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "lightning-fabric")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide the numbers."""
    return {"python": platform.python_version()} | {p: metadata.version(p) for p in PACKAGES}


def hardware() -> dict[str, str]:
    """Describe processor, memory and, where there is one, the GPU."""
    found = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }
    memory = Path("/proc/meminfo")
    if memory.exists():
        kibibytes = int(memory.read_text("utf8").split()[1])
        found["memory"] = f"{kibibytes / 2**20:.0f} GiB"
    return found


def gpu_name() -> str | None:
    """Return the name of the CUDA device, or None where there is none."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def cuda() -> dict[str, str]:
    """Return what torch says of CUDA: its version and the memory of the device."""
    import torch

    memory = torch.cuda.get_device_properties(0).total_memory
    return {"version": str(torch.version.cuda), "memory": f"{memory / 2**30:.0f} GiB"}
