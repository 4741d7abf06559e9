"""Coarse-to-fine generators: trained stage by stage, from small pictures to large."""

from tutorial_lib.coarse_to_fine.networks import (
    SMALLEST,
    CoarseToFine,
    Level,
    PatchDiscriminator,
    normed,
    sizes,
)
from tutorial_lib.coarse_to_fine.parts import Part, layout, step_work, training_work, work
from tutorial_lib.coarse_to_fine.schedule import Phase, enter, phase, rate, spans
from tutorial_lib.coarse_to_fine.steps import adversarial_step, l1_step
from tutorial_lib.coarse_to_fine.tasks import TASKS, to_grey, to_mosaic

__all__ = [
    "SMALLEST",
    "TASKS",
    "CoarseToFine",
    "Level",
    "Part",
    "PatchDiscriminator",
    "Phase",
    "adversarial_step",
    "enter",
    "l1_step",
    "layout",
    "normed",
    "phase",
    "rate",
    "sizes",
    "spans",
    "step_work",
    "to_grey",
    "to_mosaic",
    "training_work",
    "work",
]
