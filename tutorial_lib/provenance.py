"""Where steps were done, and with which code: what records and checkpoints say of it."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import torch

CHANGED = "+changes"
"""What a commit ends in when the library was not as committed."""


def root() -> Path | None:
    """The repository's root when the library runs from a checkout, else None."""
    parent = Path(__file__).resolve().parent.parent
    return parent if (parent / "pyproject.toml").exists() else None


UNKNOWN_SITTING: dict[str, Any] = {
    "device": "not recorded",
    "devices": 1,
    "commit": "",
    "torch": "",
}
"""Of steps in a checkpoint that was made before sittings were kept."""


def sitting(device: torch.device, *, devices: int = 1) -> dict[str, Any]:
    """What a checkpoint says of this sitting, but for its steps.

    Parameters
    ----------
    device : torch.device
        Of this process.
    devices : int
        Processes in all.
    """
    return {
        "device": device_in_words(device),
        "devices": devices,
        "commit": commit(),
        "torch": str(torch.__version__),
    }


def device_in_words(device: torch.device) -> str:
    """The processor that a record names, such as "NVIDIA H200" or "CPU, 2 threads (…)"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''} ({_cpu_name()})"


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                # Without trade marks and clock: "Intel(R) Xeon(R) Processor @ 2.50GHz" is long.
                name = re.sub(r"\((R|TM)\)|Processor|CPU|@.*", "", line.partition(":")[2])
                return " ".join(name.split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def commit() -> str:
    """The checkout's git commit, marked when the library differs from it; empty elsewhere."""
    checkout = root()
    if checkout is None:
        return ""
    try:
        git = ["git", "-C", str(checkout)]
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", "tutorial_lib"], capture_output=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + (CHANGED if changed else "")
