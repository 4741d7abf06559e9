"""Coarse-to-fine generators: trained stage by stage, from small pictures to large."""

from tutorial_lib.coarse_to_fine.networks import (
    SMALLEST,
    TASKS,
    CoarseToFine,
    Level,
    Part,
    PatchDiscriminator,
    Phase,
    adversarial_step,
    enter,
    l1_step,
    layout,
    phase,
    sizes,
    to_grey,
    to_mosaic,
)

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
    "phase",
    "sizes",
    "to_grey",
    "to_mosaic",
]
