"""What will work on this machine: Python, memory, disk, network, PyTorch, GPU, data and speed.

    python preflight.py

Needs Python alone and changes nothing. It looks for PyTorch and for the book's library, and says
what follows where they are missing.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

OLDEST_PYTHON = (3, 11)
MEMORY_GB = 4  # main memory for a chapter's notebook
DISK_GB = 8  # for an environment of its own: PyTorch brings its GPU libraries
BOOK_GFLOPS = 200.0  # of two CPU cores of the kind that the book is tested on
NOTEBOOK_SECONDS = 60  # what a chapter's notebook takes there at most


class Finding(NamedTuple):
    """One thing that was looked at: "ok", "NO" if it must be mended first, or "note"."""

    mark: str
    what: str
    meaning: str = ""


def installed(module: str) -> bool:
    """Whether a module could be imported."""
    return importlib.util.find_spec(module) is not None


def machine() -> Iterator[Finding]:
    """Look at Python, memory, disk and network."""
    good = sys.version_info >= OLDEST_PYTHON
    meaning = "" if good else "the library needs 3.11 or newer"
    yield Finding("ok" if good else "NO", f"Python {platform.python_version()}", meaning)
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):  # Windows does not say
        yield Finding("note", "memory unknown", f"{MEMORY_GB} GB are needed")
    else:
        good = memory >= MEMORY_GB
        meaning = "" if good else f"{MEMORY_GB} GB are needed"
        yield Finding("ok" if good else "NO", f"{memory:.0f} GB of memory", meaning)
    free = shutil.disk_usage(".").free / 1e9
    good = free >= DISK_GB or installed("torch")
    meaning = "" if good else f"an installation takes up to {DISK_GB} GB"
    yield Finding("ok" if good else "NO", f"{free:.0f} GB of disk free", meaning)
    try:
        urllib.request.urlopen("https://github.com", timeout=5).close()
    except (OSError, ValueError):
        meaning = "once installed, the notebooks need none; the offline bundle installs the library"
        yield Finding("note", "no network", meaning)
    else:
        yield Finding("ok", "network")


def speed(torch: Any, device: str) -> float:
    """Billions of operations a second in the training step of one convolution."""
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(device)
    images = torch.rand(4, 64, 48, 48, device=device)
    # A multiplication and an addition for each weight and pixel; backward takes twice as many.
    work = 3 * 2 * 4 * 48 * 48 * layer.weight.numel()

    def seconds(count: int) -> float:
        begin = time.perf_counter()
        for _ in range(count):
            layer(images).square().mean().backward()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    seconds(2)
    count = 4
    while (taken := seconds(count)) < 0.5:
        count *= 2
    return work * count / taken / 1e9


def pytorch() -> Iterator[Finding]:
    """Look at PyTorch, the GPU and how fast both are."""
    if not installed("torch"):
        yield Finding("NO", "no PyTorch", "Colab has it; elsewhere `make book` installs it")
        return
    import torch

    yield Finding("ok", f"PyTorch {torch.__version__}")
    fast = speed(torch, "cpu")
    minutes = max(1, round(NOTEBOOK_SECONDS * BOOK_GFLOPS / fast / 60))
    mark = "ok" if minutes <= 5 else "note"
    meaning = f"a chapter's notebook takes up to about {minutes} min"
    yield Finding(mark, f"CPU: {fast:.0f} Gflop/s in training", meaning)
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        what = f"GPU: {gpu.name}, {gpu.total_memory / 1e9:.0f} GB, "
        what += f"{speed(torch, 'cuda'):.0f} Gflop/s in training"
        yield Finding("ok", what, "a training of profile `quick` takes up to 15 min on a T4")
    else:
        meaning = "the notebooks run; for trainings use Colab, or show the recorded ones"
        yield Finding("note", "no GPU", meaning)


def library() -> Iterator[Finding]:
    """Look for the book's library, and for the data of each of its chapters."""
    if not (installed("tutorial_lib") and installed("torch")):
        meaning = "on Colab a chapter's first cell installs it; elsewhere `make book`"
        yield Finding("note", "no tutorial_lib", meaning)
        return
    from tutorial_lib.catalogue import EXPERIMENTS
    from tutorial_lib.cli import files_of
    from tutorial_lib.data import DataUnavailable, locate

    yield Finding("ok", "tutorial_lib")
    for chapter in dict.fromkeys(name.partition("/")[0] for name in EXPERIMENTS):
        files = files_of([e for name, e in EXPERIMENTS.items() if name.startswith(f"{chapter}/")])
        missing = 0
        for file in files:
            try:
                locate(file, download=False)
            except DataUnavailable:
                missing += 1
        if missing:
            meaning = f"its trainings need them: `tutorial fetch {chapter}`"
            what = f"{chapter}: {missing} of {len(files)} data files are not here"
            yield Finding("note", what, meaning)
        else:
            yield Finding("ok", f"{chapter}: data complete")


def report() -> bool:
    """Print what was found and what will work; return whether the notebooks will run."""
    found = []
    for look in (machine, pytorch, library):
        for finding in look():
            found.append(finding)
            print(f"{finding.mark:<5} {finding.what}", flush=True)
            if finding.meaning:
                print(f"      {finding.meaning}")
    ready = all(finding.mark != "NO" for finding in found)
    trains = any(finding.what.startswith("GPU") for finding in found)
    print("\nHere will work:")
    print("  the published pages and their sliders: yes, in any browser")
    print("  the chapters' notebooks: " + ("yes" if ready else "not yet, see NO above"))
    print("  short trainings, profile quick: " + ("yes" if ready and trains else "no, use Colab"))
    return ready


if __name__ == "__main__":
    works = report()
    if not works and "ipykernel" not in sys.modules:
        sys.exit(1)
