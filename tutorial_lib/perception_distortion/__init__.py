"""The perception–distortion trade-off: its definitions and its bound, computed."""

from tutorial_lib.perception_distortion.bound import (
    Array,
    GaussianWorld,
    Optimum,
    best_perception,
    draw_texture,
    filtered,
    gaussian_kl,
    ink_world,
    least_cost,
    lower_envelope,
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
