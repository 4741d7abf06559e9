"""How SRResNet and SRGAN are trained: settings, photographs, recipes, and weights kept.

The chapter's experiments train with it, and so do those of the chapters on the trade-off and on
interpolation, whose networks are SRGAN's.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pooch
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.datasets import VOCSegmentation

from tutorial_lib import ledger
from tutorial_lib.data import Pairs, read_image
from tutorial_lib.srgan.evaluation import SCALE
from tutorial_lib.srgan.losses import ContentLoss, LossWeights, srgan_step, srresnet_step
from tutorial_lib.srgan.networks import Discriminator, Generator, grown
from tutorial_lib.training import (
    average_weights,
    half_state,
    load_half_state,
    reestimate_statistics,
    set_up,
    shard,
)
from tutorial_lib.vgg import Vgg

VGG_UNIT: dict[str, float] = {"vgg19": 1.0, "vgg16": 255 * 0.226}
"""What a backbone's maps are divided by, so that one content weight serves both: VGG19 here reads
pictures of unit variance, VGG16 on the scale of 0 to 255, where their deviation is this."""

PUBLISHED = "published/srgan_x4_leftthomas.pth"
"""The generator of five blocks that the article's author built on (Hao Ren, 2018)."""


@dataclasses.dataclass(frozen=True)
class SrresnetConfig:
    """Settings of SRResNet's training.

    Attributes
    ----------
    steps : int
        Updates of the generator.
    batch, patch : int
        Patches a step, and their side in high-resolution pixels.
    learning_rate : float
        Of Adam.
    warm_up : int
        Steps over which the learning rate rises from zero.
    cosine : bool
        Let the learning rate fall along a cosine to zero at the last step, which gives a short run
        the most; False keeps it constant, as the article.
    average : bool
        Keep the mean of the generator's weights over about the last tenth of the steps; False
        keeps the last weights, as the article.
    statistics : int
        Training patches over which batch normalisation's statistics are re-estimated before the
        network is measured or kept; 0 leaves the running ones, as the article.
    start : str
        An experiment or a published file whose weights the training starts from; empty begins
        with random weights.
    photographs : str
        "bsds500", or "voc2012" through torchvision as in the article.
    limit : int or None
        Use only so many photographs.
    test_sets : tuple of str
        Evaluated at the end.
    """

    steps: int
    batch: int = 16
    patch: int = 96
    learning_rate: float = 1e-4
    warm_up: int = 0
    cosine: bool = False
    average: bool = False
    statistics: int = 0
    start: str = ""
    photographs: str = "bsds500"
    limit: int | None = None
    test_sets: tuple[str, ...] = ("set5", "set14", "bsd100")


@dataclasses.dataclass(frozen=True)
class SrganConfig(SrresnetConfig):
    """Settings of SRGAN's training, beyond those of SRResNet's.

    Attributes
    ----------
    adversarial, content : float
        Weights of the two losses beside the squared error.
    features : str
        The VGG layer: "last2" is the article's φ2,2, "last5" its φ5,4.
    drop_every : int
        Steps after which the learning rate is multiplied by 0.1.
    """

    average: bool = True
    start: str = "srgan/srresnet"
    adversarial: float = 1e-3
    content: float = 2e-6
    features: str = "last2"
    drop_every: int = 100_000


# ------------------------------------------------------------------------------ data


def training_pairs(config: SrresnetConfig, *, progress: bool = True) -> Pairs:
    """Load the training photographs and make their low-resolution twins."""
    if config.photographs == "voc2012":
        return Pairs(_voc2012(config.patch), scale=SCALE)
    return Pairs.from_group(config.photographs, scale=SCALE, limit=config.limit, progress=progress)


def _voc2012(patch: int) -> Iterator[Tensor]:
    """PASCAL VOC 2012's photographs (about 10 GB once decoded), less those that hold no patch."""
    folder = pooch.os_cache("tutorial_lib") / "voc2012"
    VOCSegmentation(str(folder), year="2012", download=not any(folder.glob("VOCdevkit/*")))
    for path in sorted(folder.glob("VOCdevkit/VOC2012/JPEGImages/*.jpg")):
        image = read_image(path)
        if min(image.shape[-2:]) >= patch:
            yield image


# --------------------------------------------------------------------------- training


class SrresnetRecipe:
    """SRResNet: the generator alone, on the squared error."""

    def __init__(self, config: SrresnetConfig, fabric: Fabric, *, steps: int) -> None:
        self.config, self.fabric, self.steps = config, fabric, steps
        self.batch_size = config.batch
        self.start = ledger.start(config.start).stamp() if config.start else {}
        self.pairs = training_pairs(config, progress=fabric.is_global_zero)
        torch.manual_seed(0)
        network = starting_generator(config.start) if config.start else Generator(scale=SCALE)
        network.train()
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        # Compiling takes a minute or two on a GPU, which a short run would not earn back.
        self.compile = steps >= 2_000
        self.generator, self.optimizer = set_up(fabric, network, optimizer, compile=self.compile)
        self.modules: dict[str, nn.Module] = {"generator": network}
        self.optimizers = {"generator": self.optimizer}
        if config.average:
            self.modules["average"] = deepcopy(network)

    def sample(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw this process's part of one batch: low-resolution and true patches."""
        config = self.config
        low, real = self.pairs.sample(
            config.batch, patch=config.patch, generator=generator, device=self.fabric.device
        )
        low, real = shard(self.fabric, low, real)
        return low, real

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the generator."""
        self.set_rate(self.rate(index))
        low, real = self.sample(generator)
        losses = srresnet_step(
            self.generator, self.optimizer, low, real, backward=self.fabric.backward
        )
        self.keep_average(index)
        return losses

    def rate(self, index: int) -> float:
        """The learning rate of one step."""
        config = self.config
        rate = config.learning_rate
        if index < config.warm_up:
            rate *= (index + 1) / config.warm_up
        if config.cosine:
            rate *= (1 + math.cos(math.pi * index / self.steps)) / 2
        return rate

    def set_rate(self, rate: float) -> None:
        """Give all optimisers this learning rate."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    def keep_average(self, index: int) -> None:
        """Move the mean of the generator's weights on, where one is kept."""
        if self.config.average:
            average_weights(self.modules["average"], self.modules["generator"], index)

    def result(self) -> Generator:
        """The network to evaluate: the averaged one, where there is one."""
        return self.stored(self.modules.get("average", self.modules["generator"]))

    def stored(self, module: nn.Module) -> Generator:
        """A copy of a generator as a record stores it.

        Its statistics are re-estimated where the settings say so, and all weights are rounded to
        half precision.
        """
        network = deepcopy(module).to(self.fabric.device)
        if self.config.statistics:
            random = torch.Generator().manual_seed(0)
            batches = (
                self.pairs.sample(
                    16, patch=self.config.patch, generator=random, device=self.fabric.device
                )[0]
                for _ in range(-(-self.config.statistics // 16))
            )
            reestimate_statistics(network, batches)
        return generator_from(half_state(network)).to(self.fabric.device)


class SrganRecipe(SrresnetRecipe):
    """SRGAN: SRResNet carried on against a discriminator, with a loss on VGG's features."""

    config: SrganConfig

    def __init__(self, config: SrganConfig, fabric: Fabric, *, steps: int) -> None:
        super().__init__(config, fabric, steps=steps)
        network = Discriminator(patch=config.patch)
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        self.discriminator, self.discriminator_optimizer = set_up(
            fabric, network, optimizer, compile=self.compile
        )
        self.modules["discriminator"] = network
        self.optimizers["discriminator"] = self.discriminator_optimizer
        self.vgg = Vgg([config.features]).to(fabric.device).to(memory_format=torch.channels_last)
        self.content = ContentLoss(self.vgg)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the discriminator, then the generator."""
        self.set_rate(self.rate(index))
        low, real = self.sample(generator)

        def content(fake: Tensor, real: Tensor) -> Tensor:
            with self.fabric.autocast():
                return self.content(fake, real) / VGG_UNIT[self.vgg.backbone] ** 2

        losses = srgan_step(
            self.generator,
            self.discriminator,
            self.optimizer,
            self.discriminator_optimizer,
            content,
            low,
            real,
            weights=LossWeights(content=self.config.content, adversarial=self.config.adversarial),
            backward=self.fabric.backward,
            unsynchronised=self._unsynchronised,
        )
        self.keep_average(index)
        return losses

    def rate(self, index: int) -> float:
        """The learning rate of one step: it falls to a tenth every `drop_every` steps."""
        return self.config.learning_rate * 0.1 ** (index // self.config.drop_every)

    def _unsynchronised(self, module: Any) -> AbstractContextManager:
        return self.fabric.no_backward_sync(module, enabled=self.fabric.world_size > 1)


def generator_from(state: dict[str, Tensor]) -> Generator:
    """Build the generator from stored half-precision weights; strict about every name."""
    network = Generator(scale=SCALE)
    load_half_state(network, state)
    return network


def published_generator(path: Path) -> Generator:
    """The published generator of five blocks, whose layers have other names in the same order.

    Raises
    ------
    ValueError
        If the file does not hold those layers.
    """
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    network = Generator(scale=SCALE, blocks=5)
    names = half_state(network)
    if [tuple(t.shape) for t in theirs.values()] != [tuple(t.shape) for t in names.values()]:
        raise ValueError(f"{path} does not hold the weights of a generator of five blocks")
    load_half_state(network, dict(zip(names, theirs.values(), strict=True)))
    return network


def starting_generator(name: str) -> Generator:
    """The generator that a training starts from, with all of its blocks.

    Parameters
    ----------
    name : str
        An experiment whose record holds a generator, or a published file of the registry, which
        is grown.

    Raises
    ------
    LedgerError, DataUnavailable
        If it is not there.
    """
    start = ledger.start(name)
    if start.path.suffix == ".pth":
        return grown(published_generator(start.path), blocks=16)
    return generator_from(load_file(start.path))


def recorded_generator(experiment: str) -> Generator:
    """The generator that a record's weights hold, ready to use on the CPU.

    Parameters
    ----------
    experiment : str
        Such as ``"srgan/srgan"``.

    Raises
    ------
    LedgerError
        If there is no such record, or its weights are not those recorded.
    """
    return generator_from(load_file(ledger.read(experiment).artefact("weights.safetensors")))
