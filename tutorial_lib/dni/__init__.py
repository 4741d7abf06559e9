"""Deep Network Interpolation: networks mixed by their weights."""

from tutorial_lib.dni.alignment import align
from tutorial_lib.dni.denoiser import Denoiser, correlations
from tutorial_lib.dni.interpolation import (
    InterpolationError,
    Interpolator,
    State,
    check_entry,
    check_states,
    check_weights,
    combine,
    interpolate,
    remedy_for,
    view_like,
)
from tutorial_lib.dni.rrdb import (
    DenseBlock,
    ResidualInResidual,
    RRDBNet,
    network_of,
    plain_names,
    todays_name,
)

__all__ = [
    "Denoiser",
    "DenseBlock",
    "InterpolationError",
    "Interpolator",
    "RRDBNet",
    "ResidualInResidual",
    "State",
    "align",
    "check_entry",
    "check_states",
    "check_weights",
    "combine",
    "correlations",
    "interpolate",
    "network_of",
    "plain_names",
    "remedy_for",
    "todays_name",
    "view_like",
]
