"""Deep Network Interpolation: networks mixed by their weights."""

from tutorial_lib.dni.interpolation import (
    Denoiser,
    InterpolationError,
    Interpolator,
    State,
    align,
    check_states,
    check_weights,
    combine,
    correlations,
    interpolate,
)
from tutorial_lib.dni.rrdb import DenseBlock, ResidualInResidual, RRDBNet, network_of, plain_names

__all__ = [
    "Denoiser",
    "DenseBlock",
    "InterpolationError",
    "Interpolator",
    "RRDBNet",
    "ResidualInResidual",
    "State",
    "align",
    "check_states",
    "check_weights",
    "combine",
    "correlations",
    "interpolate",
    "network_of",
    "plain_names",
]
