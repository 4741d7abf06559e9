"""Make the book's records again, in order of worth, and say what comes out otherwise.

``make records MINUTES=60`` goes as far as an hour allows. Runs are kept where ``tutorial run``
keeps its own, so the next call goes on from there, and what is finished is compared at once.
Nothing is published.
"""

from __future__ import annotations

import argparse
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.experiment import runs_folder

FIRST = (
    "srgan/bicubic",
    "srgan/published",
    "srgan/srresnet",
    "srgan/srgan",
    "lapstyle/first",
    "lapstyle/starry_night",
    "coarse_to_fine/colour_ctf_all",
    "coarse_to_fine/colour_ctf_each",
)
"""What most of the book stands on; the rest follows in the order of the chapters."""

GRACE = 600
"""Seconds that a run may take to write its checkpoint when it is stopped."""


def order() -> list[str]:
    """Every recorded experiment, the most important first."""
    recorded = {record.experiment for record in ledger.records()}
    return [name for name in dict.fromkeys([*FIRST, *EXPERIMENTS]) if name in recorded]


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, float, float]]:
    """Numbers of two nested mappings that are not the same: their path, the old, the new one.

    A number that one of them lacks is NaN there.
    """
    for key in dict.fromkeys([*old, *new]):
        here = f"{path} · {key}" if path else str(key)
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) or isinstance(b, Mapping):
            yield from differences(
                a if isinstance(a, Mapping) else {}, b if isinstance(b, Mapping) else {}, here
            )
        elif a != b:
            first, second = (x if isinstance(x, int | float) else math.nan for x in (a, b))
            yield here, first, second


def compared(name: str, folder: Path) -> str:
    """One line on a finished run beside the record of its experiment."""
    old, new = ledger.read(name), ledger.read(name, folder=folder)
    found = list(differences(old.metrics, new.metrics))
    if not found:
        return f"{name}: the same numbers"

    def share(each: tuple[str, float, float]) -> float:
        _, a, b = each
        away = abs(a - b) / max(abs(a), abs(b))
        return math.inf if math.isnan(away) else away  # where one is missing

    where, a, b = max(found, key=share)
    count = f"{len(found)} number{'s differ' if len(found) > 1 else ' differs'}"
    return f"{name}: {count}, most of all {where}: {a:g} recorded, {b:g} now"


def run(name: str, profile: str, *, seconds: float) -> bool:
    """Run an experiment, or go on with it, for so many seconds at most: whether it is finished."""
    command = [sys.executable, "-m", "tutorial_lib", "run", name, "--profile", profile]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            return process.wait(timeout=seconds) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=GRACE)
            return False


def main() -> None:
    """Run and compare until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=math.inf, help="for all runs together")
    end = time.monotonic() + 60 * parser.parse_args().minutes
    names = order()
    for done, name in enumerate(names):
        left = end - time.monotonic()
        if left <= 0:
            print(f"The time is over: {done} of {len(names)} records were made again.")
            return
        profile = ledger.read(name).profile
        finished = run(name, profile, seconds=left)
        print(
            compared(name, runs_folder() / name / profile)
            if finished
            else f"{name}: not finished; the same command goes on from here",
            flush=True,
        )


if __name__ == "__main__":
    main()
