"""What the book runs and records, chapter by chapter."""

from tutorial_lib.experiments import (
    coarse_to_fine,
    deep_image_prior,
    dni,
    gan_basics,
    lapstyle,
    perception_distortion,
    srgan,
)
from tutorial_lib.experiments.experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        *gan_basics.EXPERIMENTS,
        *srgan.EXPERIMENTS,
        *perception_distortion.EXPERIMENTS,
        *dni.EXPERIMENTS,
        *lapstyle.EXPERIMENTS,
        *coarse_to_fine.EXPERIMENTS,
        *deep_image_prior.EXPERIMENTS,
    )
}

__all__ = ["EXPERIMENTS", "Experiment"]
