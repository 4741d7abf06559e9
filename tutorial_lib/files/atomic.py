"""Write a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

LEFTOVER = ".tutorial-" + "[0-9a-f]" * 16 + ".part"
"""Glob of the temporary files, of which a killed process may leave one."""


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then give it its name in one step.

    The temporary name is random, and short, so that it exists wherever `path` can.

    Parameters
    ----------
    path : Path
        The final name. Its folder is made if it is missing.
    write : callable
        Called with the temporary path.

    Raises
    ------
    OSError
        As `write` or the file system raised it; the temporary file is removed and whatever was
        at `path` is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tutorial-{secrets.token_hex(8)}.part")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
