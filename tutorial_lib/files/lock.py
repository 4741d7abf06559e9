"""One process at a time in a folder."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from tutorial_lib.files.atomic import LEFTOVER

_LOCK, _HOLDER = ".in-use", ".in-use.txt"


class InUse(RuntimeError):
    """Another process works in the folder; the message names it and says what to do."""


@contextmanager
def only_one(folder: Path, *, what: str, remedy: str) -> Iterator[None]:
    """Keep other processes out of a folder for a while, and clear what a killed one has left.

    The lock is the operating system's: it goes with its process, however that ends.

    Parameters
    ----------
    folder : Path
        Is made if it is missing.
    what : str
        What this process does, for others' message.
    remedy : str
        What to do if another one is there, for this one's.

    Raises
    ------
    InUse
        If another process is there.
    OSError
        If the folder is none, or cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = _acquired(folder, remedy)
    try:
        holder = f"{what} (process {os.getpid()} on {platform.node()}, since {_now()})"
        (folder / _HOLDER).write_text(holder, encoding="utf-8")
        for part in folder.rglob(LEFTOVER):
            part.unlink(missing_ok=True)
        yield
    finally:
        # Removed while it is held; who opened it before finds out by asking for it again.
        for name in (_HOLDER, _LOCK):
            with contextlib.suppress(OSError):
                (folder / name).unlink()
        if lock is not None:
            lock.release()


def _acquired(folder: Path, remedy: str) -> FileLock | None:
    """The lock; None on a file system that has none, such as some that are mounted from a cloud."""
    path = folder / _LOCK
    while True:
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            try:
                holder = (folder / _HOLDER).read_text(encoding="utf-8")
            except OSError:
                holder = "another process"
            raise InUse(f"{folder} is in use by {holder}: {remedy}") from None
        except NotImplementedError:
            return None
        if path.exists() and path.stat().st_ino == os.fstat(_number(lock)).st_ino:
            return lock
        # The one before has removed the file in between.
        lock.release()


def _number(lock: FileLock) -> int:
    number = lock._context.lock_file_fd
    assert number is not None
    return number


def _now() -> str:
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
