"""Deep Image Prior: pictures restored by fitting an untrained network."""

from tutorial_lib.deep_image_prior.early_stopping import EarlyStopping, error_plane
from tutorial_lib.deep_image_prior.fit import (
    KEEP_EVERY,
    LEARNING_RATE,
    Average,
    Settings,
    Snapshot,
    Step,
    fit,
    noise_like,
    take_step,
)
from tutorial_lib.deep_image_prior.networks import (
    INPUTS,
    JPEG_CHANNELS,
    JPEG_SKIPS,
    SLOPE,
    Convolution,
    PriorNet,
    SkipNetwork,
    check_size,
    convolution,
    double,
    draw_input,
    mesh_input,
)
from tutorial_lib.deep_image_prior.tasks import Denoising, Inpainting, SuperResolution, Task

__all__ = [
    "INPUTS",
    "JPEG_CHANNELS",
    "JPEG_SKIPS",
    "KEEP_EVERY",
    "LEARNING_RATE",
    "SLOPE",
    "Average",
    "Convolution",
    "Denoising",
    "EarlyStopping",
    "Inpainting",
    "PriorNet",
    "Settings",
    "SkipNetwork",
    "Snapshot",
    "Step",
    "SuperResolution",
    "Task",
    "check_size",
    "convolution",
    "double",
    "draw_input",
    "error_plane",
    "fit",
    "mesh_input",
    "noise_like",
    "take_step",
]
