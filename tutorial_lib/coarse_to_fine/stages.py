"""What a stage's answers stand between: doing nothing, and a perfect answer of its size."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.measuring import PROTOCOL, enlarged, quality
from tutorial_lib.coarse_to_fine.networks import sizes
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.recipe import Config, prepare
from tutorial_lib.coarse_to_fine.tasks import TASKS
from tutorial_lib.experiment import Run
from tutorial_lib.settings import at_least
from tutorial_lib.training import History


def baselines(pictures: Octaves, *, side: int, top: int, count: int) -> dict[str, float]:
    """Measure doing nothing and the perfect answer over the first pictures of a set.

    Parameters
    ----------
    pictures : Octaves
        With batches of `side` and of `top`.
    side, top : int
        Of the stage's pictures, and of the full ones.
    count : int
        How many pictures.

    Returns
    -------
    dict of str to float
        PSNR in dB. "nothing": of the spoiled picture at the stage's size. "nothing, enlarged" and
        "perfect, enlarged": of the spoiled one and of the true one, enlarged to full size; at full
        size the latter is infinite, and left out.
    """
    index = torch.arange(min(count, len(pictures)))
    pairs = [pictures.batch(part, side=side) for part in index.split(64)]
    spoiled, true = (torch.cat(images) for images in zip(*pairs, strict=True))
    found = {
        "nothing": quality(spoiled, pictures, index),
        "nothing, enlarged": quality(enlarged(spoiled, top), pictures, index),
    }
    if side < top:
        found["perfect, enlarged"] = quality(enlarged(true, top), pictures, index)
    return {name: round(value, 4) for name, value in found.items()}


def all_baselines(pictures: Octaves, *, top: int, count: int) -> dict[str, dict[str, float]]:
    """The :func:`baselines` of every size, by "8 px" and so on."""
    return {
        f"{side} px": baselines(pictures, side=side, top=top, count=count) for side in sizes(top)
    }


@dataclasses.dataclass(frozen=True)
class StagesConfig:
    """Settings of the experiment in which nothing is trained.

    Attributes
    ----------
    top : int
        Side of the last stage's pictures, in pixels.
    watched : int
        New faces: those that the trainings are watched on.
    """

    top: int = 64
    watched: int = 256

    def __post_init__(self) -> None:
        sizes(self.top)
        at_least(self, 1, "watched")

    @property
    def steps(self) -> int:
        """None."""
        return 0


def run_stages(run: Run) -> ledger.Record:
    """Measure what the stages of both tasks have to beat, and what they cannot exceed."""
    config: StagesConfig = run.config
    metrics: Mapping[str, object] = {
        task: all_baselines(
            # A few more, for those that are left out as grey.
            prepare(
                Config(task=task, top=config.top, count=1, batch=1, tested=2 * config.watched),
                run.fabric,
            ).test,
            top=config.top,
            count=config.watched,
        )
        for task in TASKS
    }
    return run.record(
        history=History(),
        metrics=dict(metrics),
        protocol={
            "psnr": f"in dB; {PROTOCOL.describe()}; mean over the first new faces",
            "nothing": "of the spoiled picture at the stage's size",
            "enlarged": "of the spoiled or the true picture of the stage's size at full size "
            "(bilinear)",
        },
    )
