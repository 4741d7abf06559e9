"""A trained denoiser beside the untrained network: those of the chapter on interpolation.

Used in the chapter *Deep Image Prior*.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from tutorial_lib.deep_image_prior.configs import F16, known_picture
from tutorial_lib.deep_image_prior.scores import decibels
from tutorial_lib.dni import Denoiser
from tutorial_lib.settings import at_least, not_empty
from tutorial_lib.training import Profile, load_half_state

SOURCE = "dni/filters"
"""The record whose denoisers are read."""


@dataclasses.dataclass(frozen=True)
class DenoisersConfig:
    """Settings for denoisers that nothing is fitted for.

    Attributes
    ----------
    steps : int
        None are made.
    shrink : int
        The picture's sides are divided by this first.
    picture : str
        In the registry, or the name of an embedded photograph.
    sigmas : tuple of float
        Of the noise, on the scale of 0 to 255.
    """

    steps: int = 0
    shrink: int = 4
    picture: str = F16
    sigmas: tuple[float, ...] = (10.0, 25.0, 50.0, 100.0)

    def __post_init__(self) -> None:
        known_picture(self.picture)
        at_least(self, 1, "shrink")
        not_empty(self, "sigmas")
        at_least(self, 0, "sigmas")


DENOISERS: dict[Profile, DenoisersConfig] = {
    "smoke": DenoisersConfig(shrink=8, sigmas=(25.0,)),
    "quick": DenoisersConfig(),
    "book": DenoisersConfig(),
    "gpu": DenoisersConfig(shrink=1),
    "article": DenoisersConfig(shrink=1),
}
"""Of the experiment of that name."""


def stored_denoisers(path: Path) -> dict[str, Denoiser]:
    """Read the denoisers of a file, each under the name before the first dot of its weights.

    Parameters
    ----------
    path : Path
        Half-precision safetensors, named ``denoiser.weight``.

    Returns
    -------
    dict
        In the file's order of names.
    """
    states: dict[str, dict[str, Tensor]] = {}
    for name, value in load_file(path).items():
        owner, key = name.split(".", 1)
        states.setdefault(owner, {})[key] = value
    found = {}
    for name, state in states.items():
        found[name] = network = Denoiser()
        load_half_state(network, state)
    return found


@torch.no_grad()
def best_of(
    denoisers: Mapping[str, Denoiser], damaged: Tensor, truth: Tensor
) -> tuple[str, float, Tensor]:
    """Choose the denoiser with the true picture in view: its name, its PSNR in dB, its picture.

    Parameters
    ----------
    denoisers : mapping of str to Denoiser
        At least one.
    damaged, truth : Tensor
        Shape (1, 3, H, W), range [0, 1].
    """
    made = {name: network(damaged).clamp(0, 1) for name, network in denoisers.items()}
    best = max(made, key=lambda name: decibels(made[name], truth))
    return best, decibels(made[best], truth), made[best]
