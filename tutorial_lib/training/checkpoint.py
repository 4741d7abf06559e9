"""Checkpoints that are either whole or not there."""

from __future__ import annotations

from collections.abc import Mapping
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


def load(
    path: Path,
    *,
    config: Mapping[str, Any],
    map_location: torch.device,
    circumstances: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Read a checkpoint, and refuse one that another configuration made.

    Parameters
    ----------
    path : Path
        A file that :func:`save` wrote.
    config : mapping
        What the run is about to do; must equal what the checkpoint's run did.
    map_location : torch.device
        Where the tensors go.
    circumstances : mapping, optional
        Precision and devices, which must be the same too. A checkpoint that does not state them
        is of an earlier form, and taken as it is.

    Returns
    -------
    dict
        The state.

    Raises
    ------
    CheckpointError
        If the file is unreadable or belongs to another configuration; names the difference.
    """
    ours = dict(circumstances or {})
    try:
        state = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        raise CheckpointError(
            f"{path} is not a readable checkpoint ({error}). Delete it to start over."
        ) from error
    if not isinstance(state, dict) or not isinstance(state.get("config"), dict):
        raise foreign(path)
    theirs = state["config"] | state.get("circumstances", ours)
    ours = dict(config) | ours
    differing = sorted(
        key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)
    )
    if differing:
        details = ", ".join(f"{k}: {theirs.get(k)!r} → {ours.get(k)!r}" for k in differing)
        raise CheckpointError(
            f"{path} was made with other settings ({details}). Delete it to start over, or run "
            "with the old settings to go on."
        )
    return state


def foreign(path: Path) -> CheckpointError:
    """The error for a file that another program's training wrote."""
    return CheckpointError(
        f"{path} is another program's checkpoint, not one of this run. Delete it, or move it away, "
        "to start over."
    )


def sittings_below(folder: Path) -> list[dict[str, Any]]:
    """Who did the steps of the trainings in a folder, from their checkpoints.

    Parameters
    ----------
    folder : Path
        Holds ``checkpoint.pt``, or folders that do.

    Returns
    -------
    list of dict
        Device, devices, commit, version of PyTorch and steps; sittings that differ in their steps
        only are one.
    """
    found: dict[tuple, dict[str, Any]] = {}
    for path in sorted(folder.rglob("checkpoint.pt")):
        # Mapped, so that the weights are not read.
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        for sitting in state.get("sittings", []):
            facts = tuple((key, value) for key, value in sitting.items() if key != "steps")
            kept = found.setdefault(facts, sitting | {"steps": 0})
            kept["steps"] += sitting["steps"]
    return list(found.values())
