"""SRGAN: a residual super-resolution generator, its discriminator, and their losses."""

from tutorial_lib.srgan.networks import (
    ContentLoss,
    Discriminator,
    Generator,
    LossWeights,
    ResidualBlock,
    UpsampleBlock,
    adversarial_loss,
    discriminator_loss,
    grown,
    srgan_step,
    srresnet_step,
)

__all__ = [
    "ContentLoss",
    "Discriminator",
    "Generator",
    "LossWeights",
    "ResidualBlock",
    "UpsampleBlock",
    "adversarial_loss",
    "discriminator_loss",
    "grown",
    "srgan_step",
    "srresnet_step",
]
