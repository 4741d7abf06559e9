"""How results are measured: resizing, PSNR, SSIM and RMSE under a protocol, and NIQE."""

from tutorial_lib.metrics.frechet import feature_distance, frechet_distance
from tutorial_lib.metrics.generalised_gaussian import aggd_fit, aggd_mean
from tutorial_lib.metrics.niqe import (
    block_features,
    features,
    local_statistics,
    mscn,
    neighbour_products,
    niqe,
)
from tutorial_lib.metrics.pristine import Gaussian, distance, fit_gaussian, pristine_model
from tutorial_lib.metrics.protocol import (
    PIRM,
    RGB,
    NotFinite,
    Protocol,
    Y,
    measured,
    mse,
    psnr,
    rmse,
    ssim,
    to_y,
)
from tutorial_lib.metrics.resize import imresize

__all__ = [
    "PIRM",
    "RGB",
    "Gaussian",
    "NotFinite",
    "Protocol",
    "Y",
    "aggd_fit",
    "aggd_mean",
    "block_features",
    "distance",
    "feature_distance",
    "features",
    "fit_gaussian",
    "frechet_distance",
    "imresize",
    "local_statistics",
    "measured",
    "mscn",
    "mse",
    "neighbour_products",
    "niqe",
    "pristine_model",
    "psnr",
    "rmse",
    "ssim",
    "to_y",
]
