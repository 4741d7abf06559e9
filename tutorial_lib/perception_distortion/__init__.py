"""The perception–distortion trade-off: its definitions and its bound, computed."""

from tutorial_lib.perception_distortion.discrete import Array, Optimum, best_perception, least_cost
from tutorial_lib.perception_distortion.envelope import lower_envelope
from tutorial_lib.perception_distortion.gaussian import GaussianWorld, gaussian_kl
from tutorial_lib.perception_distortion.worlds import (
    draw_texture,
    filtered,
    ink_world,
    scalar_world,
    texture_world,
)

__all__ = [
    "Array",
    "GaussianWorld",
    "Optimum",
    "best_perception",
    "draw_texture",
    "filtered",
    "gaussian_kl",
    "ink_world",
    "least_cost",
    "lower_envelope",
    "scalar_world",
    "texture_world",
]
