"""Every experiment of the book, chapter by chapter."""

from tutorial_lib.coarse_to_fine import experiments as coarse_to_fine
from tutorial_lib.deep_image_prior import experiments as deep_image_prior
from tutorial_lib.dni import experiments as dni
from tutorial_lib.experiment import Experiment
from tutorial_lib.gan_basics import experiments as gan_basics
from tutorial_lib.lapstyle import experiments as lapstyle
from tutorial_lib.perception_distortion import experiments as perception_distortion
from tutorial_lib.srgan import experiments as srgan

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for chapter in (
        gan_basics,
        srgan,
        perception_distortion,
        dni,
        lapstyle,
        coarse_to_fine,
        deep_image_prior,
    )
    for experiment in chapter.EXPERIMENTS
}
"""Name → experiment."""
