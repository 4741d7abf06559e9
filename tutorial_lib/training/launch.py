"""One job in several processes, which end together, with one message."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lightning_fabric import Fabric
from torch.multiprocessing.spawn import ProcessException

from tutorial_lib.training.devices import started_from_outside
from tutorial_lib.training.engine import Interrupted

Job = Callable[[Fabric], Any]


def launch(fabric: Fabric, job: Job) -> None:
    """Do a job in all of Fabric's processes.

    Ctrl-C reaches every process once, whether it was sent to one, to their parent or to all. When
    a process fails, the others are ended, and what it raised is raised here.

    Parameters
    ----------
    fabric : Fabric
        From :func:`make_fabric`.
    job : callable
        Called with `fabric` in every process; can be pickled.

    Raises
    ------
    Exception
        What the first process to fail has raised.
    """
    if fabric.strategy.launcher is None:  # one process
        job(fabric)
        return
    if started_from_outside() is not None:
        fabric.launch(job)
        return
    # "Terminating process …" is said of processes that have nothing to do any more.
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        try:
            with _handing_on_ctrl_c():
                fabric.launch(partial(_noting_errors, job=job, folder=Path(folder)))
        except ProcessException:
            first = _first_error(Path(folder))
            if first is None:
                raise
            raise first from None


def _noting_errors(fabric: Fabric, *, job: Job, folder: Path) -> None:
    """Do the job in one of the processes, and leave its error to the parent."""
    try:
        if hasattr(os, "setpgrp"):
            # A terminal's Ctrl-C now reaches the parent alone, which hands it on.
            os.setpgrp()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        job(fabric)
    except BaseException as error:
        when = time.time()
        error.add_note(f"in process {fabric.global_rank}:\n{traceback.format_exc()}")
        try:
            noted = pickle.dumps((when, error))
            pickle.loads(noted)
        except Exception:
            noted = pickle.dumps((when, RuntimeError(traceback.format_exc())))
        part = folder / f"{fabric.global_rank}.part"
        part.write_bytes(noted)
        part.rename(folder / f"{fabric.global_rank}.error")
        # Past PyTorch's own report, which is a traceback.
        raise SystemExit(1) from None


def _first_error(folder: Path) -> BaseException | None:
    noted = [pickle.loads(path.read_bytes()) for path in sorted(folder.glob("*.error"))]
    # All stop at the same step; that another lost the connection then is no news.
    stopped = [error for _, error in noted if isinstance(error, Interrupted)]
    return stopped[0] if stopped else min(noted, key=lambda pair: pair[0], default=(0, None))[1]


@contextmanager
def _handing_on_ctrl_c() -> Iterator[None]:
    """Hand SIGINT on to the child processes, each of which gets it once.

    The signal is blocked here and, by inheritance, in the children until they are ready for it; a
    thread waits for it. Libraries' own threads may take it, too, and then it arrives by the socket.
    """
    here = threading.current_thread() is threading.main_thread()
    if not here or not hasattr(signal, "sigtimedwait"):
        yield
        return
    done = threading.Event()
    arrived, wakes = socket.socketpair()
    for end in (arrived, wakes):
        end.setblocking(False)

    def wait() -> None:
        while not done.is_set():
            asked = signal.sigtimedwait({signal.SIGINT}, 0.2) is not None
            with contextlib.suppress(BlockingIOError):
                asked |= signal.SIGINT in arrived.recv(64)
            for child in multiprocessing.active_children() if asked else ():
                if child.pid is not None:
                    os.kill(child.pid, signal.SIGINT)

    handler = signal.signal(signal.SIGINT, lambda *_: None)
    number = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    try:
        yield
    finally:
        done.set()
        waiting.join()
        signal.set_wakeup_fd(number)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        for end in (arrived, wakes):
            end.close()
