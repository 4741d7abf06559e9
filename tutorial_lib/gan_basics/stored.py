"""Views of games in the plane, as files beside a record: small, and read back as they were seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.data import to_uint8
from tutorial_lib.gan_basics.views import View
from tutorial_lib.training import write_atomically

MAPS = ("learned", "optimal", "present")
"""What of a view is a map over the window; kept in 8 bits."""

POINTS = ("samples", "arrows", "mesh")
"""What of it are points; kept in half precision."""


def frame_name(step: int) -> str:
    """File that holds the views after so many steps."""
    return f"views_{step:06d}.npz"


def store_views(views: Mapping[str, View], path: Path) -> None:
    """Write the views of several games, by name, into one small file."""

    def stack(name: str) -> Tensor:
        return torch.stack([getattr(view, name) for view in views.values()])

    arrays = {name: to_uint8(stack(name)).numpy() for name in MAPS}
    arrays |= {name: stack(name).half().numpy() for name in POINTS}
    arrays["divergence"] = np.array([view.divergence for view in views.values()], np.float32)
    arrays["names"] = np.array(list(views))

    def save(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    write_atomically(path, save)


def recorded_views(record: ledger.Record, step: int) -> dict[str, View]:
    """Views that an experiment in the plane has kept: game → view of its first seed.

    Raises
    ------
    LedgerError
        If there are none of this step, or they are not those recorded.
    """
    with np.load(record.artefact(frame_name(step))) as file:
        arrays = {name: file[name] for name in file.files}
    found = {}
    for k, name in enumerate(arrays["names"].tolist()):
        maps = {part: torch.from_numpy(arrays[part][k]).float() / 255 for part in MAPS}
        points = {part: torch.from_numpy(arrays[part][k]).float() for part in POINTS}
        found[name] = View(**maps, **points, divergence=float(arrays["divergence"][k]))
    return found


def recorded_steps(record: ledger.Record) -> list[int]:
    """Steps whose views were kept."""
    wanted = sorted({*record.config["frames"], record.steps})
    return [step for step in wanted if frame_name(step) in record.artefacts]
