"""Checkpoints that are either whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tutorial_lib.data import write_atomically


class CheckpointError(RuntimeError):
    """A checkpoint cannot be written, read, or continued; the message says what to do."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; the previous one stays until the new one is complete.

    Parameters
    ----------
    path : Path
        Where the checkpoint lives.
    state : dict
        Tensors, numbers, strings, and lists and dicts of them.

    Raises
    ------
    CheckpointError
        If the disk is full or not writable; names the path and the remedy.
    """
    try:
        write_atomically(path, lambda temporary: torch.save(state, temporary))
    # torch.save reports a full disk as a RuntimeError of its zip writer.
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"could not write the checkpoint {path}: {error}. The last complete checkpoint, if "
            "there was one, is untouched. Free some space or set TUTORIAL_LIB_RUNS to another "
            "folder, then run the same command again."
        ) from error


def load(path: Path, *, config: dict[str, Any], map_location: torch.device) -> dict[str, Any]:
    """Read a checkpoint, and refuse one that another configuration made.

    Parameters
    ----------
    path : Path
        A file that :func:`save` wrote.
    config : dict
        What the run is about to do; must equal what the checkpoint's run did.
    map_location : torch.device
        Where the tensors go.

    Returns
    -------
    dict
        The state.

    Raises
    ------
    CheckpointError
        If the file is unreadable or belongs to another configuration; names the difference.
    """
    try:
        state = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        raise CheckpointError(
            f"{path} is not a readable checkpoint ({error}). Delete it to start over."
        ) from error
    theirs = state.get("config", {})
    differing = sorted(
        key for key in config.keys() | theirs.keys() if config.get(key) != theirs.get(key)
    )
    if differing:
        details = ", ".join(f"{k}: {theirs.get(k)!r} → {config.get(k)!r}" for k in differing)
        raise CheckpointError(
            f"{path} was made with other settings ({details}). Delete it to start over, or run "
            "with the old settings to go on."
        )
    return state
