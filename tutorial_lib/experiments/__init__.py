"""What the book runs and records, chapter by chapter."""

from tutorial_lib.experiments import gan_basics, srgan
from tutorial_lib.experiments.experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    e.name: e for e in (*gan_basics.EXPERIMENTS, *srgan.EXPERIMENTS)
}

__all__ = ["EXPERIMENTS", "Experiment"]
