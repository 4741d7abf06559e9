"""SRGAN: a residual super-resolution generator, its discriminator, and their losses."""

from tutorial_lib.srgan.ambiguity import Twins, twins
from tutorial_lib.srgan.losses import (
    ContentLoss,
    LossWeights,
    adversarial_loss,
    discriminator_loss,
    mean_block_error,
    slope,
    srgan_step,
    srresnet_step,
)
from tutorial_lib.srgan.networks import (
    Discriminator,
    Generator,
    ResidualBlock,
    UpsampleBlock,
    grown,
    stage,
)

__all__ = [
    "ContentLoss",
    "Discriminator",
    "Generator",
    "LossWeights",
    "ResidualBlock",
    "Twins",
    "UpsampleBlock",
    "adversarial_loss",
    "discriminator_loss",
    "grown",
    "mean_block_error",
    "slope",
    "srgan_step",
    "srresnet_step",
    "stage",
    "twins",
]
