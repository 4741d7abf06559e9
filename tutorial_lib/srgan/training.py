"""How SRResNet and SRGAN are trained: photographs, recipes, and weights kept.

The chapter's experiments train with it, and so do those of the chapters on the trade-off and on
interpolation, whose networks are SRGAN's.
"""

from __future__ import annotations

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
from tutorial_lib.srgan.losses import ContentLoss, LossWeights, slope, srgan_step, srresnet_step
from tutorial_lib.srgan.networks import Discriminator, Generator, grown
from tutorial_lib.srgan.settings import SrganConfig, SrresnetConfig, TrainingConfig
from tutorial_lib.training import (
    average_weights,
    half_state,
    load_half_state,
    reestimate_statistics,
    set_up,
    shard,
)
from tutorial_lib.vgg import VGG16_FILE, Vgg

VGG_UNIT: dict[str, float] = {"vgg19": 1.0, "vgg16": 255 * 0.226}
"""What a backbone's maps are divided by, so that one content weight serves both: VGG19 here reads
pictures of unit variance, VGG16 on the scale of 0 to 255, where their deviation is this."""

PENALISED = 4
"""The discriminator's slope is penalised in every so many steps, as it costs as much as a step."""

PUBLISHED = "published/srgan_x4_leftthomas.pth"
"""The generator of five blocks that the article's author built on (Hao Ren, 2018)."""


def training_pairs(config: TrainingConfig, *, progress: bool = True) -> Pairs:
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


def watch_steps(steps: int) -> list[int]:
    """When to look: 0, then ever more rarely, and at the end."""
    moments = [0, 25, 50, 100, 200, 400, 700, 1000, 1500, 2000, 3000, 4000]
    moments += list(range(6000, 1_000_000, 2000))
    return [m for m in moments if m < steps] + [steps]


class GeneratorRecipe:
    """What both trainings have: photographs, a generator with its optimiser, and its average."""

    def __init__(self, config: TrainingConfig, fabric: Fabric, *, steps: int) -> None:
        self.config, self.fabric, self.steps = config, fabric, steps
        self.batch_size = config.batch
        self.start = ledger.start(config.start).stamp() if config.start else {}
        self.pairs = training_pairs(config, progress=fabric.is_global_zero)
        torch.manual_seed(0)
        network = self.begin()
        optimizer = self.adam(network)
        # Compiling takes a minute or two on a GPU, which a short run would not earn back.
        self.compile = steps >= 2_000
        self.generator, self.optimizer = set_up(fabric, network, optimizer, compile=self.compile)
        self.modules: dict[str, nn.Module] = {"generator": network}
        self.optimizers = {"generator": self.optimizer}
        if config.average:
            self.modules["average"] = deepcopy(network)

    def begin(self) -> Generator:
        """The generator before the first step."""
        start = self.config.start
        network = starting_generator(start) if start else Generator(scale=SCALE)
        return network.train()

    def adam(self, network: nn.Module) -> torch.optim.Optimizer:
        """Adam for those of a network's weights that are to be trained."""
        parameters = [p for p in network.parameters() if p.requires_grad]
        return torch.optim.Adam(parameters, lr=self.config.learning_rate, fused=True)

    def sample(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw this process's part of one batch: low-resolution and true patches."""
        config = self.config
        low, real = self.pairs.sample(
            config.batch, patch=config.patch, generator=generator, device=self.fabric.device
        )
        low, real = shard(self.fabric, low, real)
        return low, real

    def keep_average(self, index: int) -> None:
        """Move the mean of the generator's weights on, where one is kept."""
        if self.config.average:
            average_weights(self.modules["average"], self.modules["generator"], index)

    def result(self) -> Generator:
        """The network to evaluate: the averaged one, where there is one."""
        return self.stored(self.modules.get("average", self.modules["generator"]))

    def others(self) -> dict[str, Generator]:
        """Further networks that are worth a measurement.

        Without averaging, the last weights; without new statistics, those that training left.
        """
        found = {}
        if self.config.average:
            found["last weights"] = self.stored(self.modules["generator"])
        if self.config.statistics:
            kept = self.modules.get("average", self.modules["generator"])
            found["running statistics"] = self.as_trained(kept)
        return found

    def as_trained(self, module: nn.Module) -> Generator:
        """A generator with the statistics that training left it, rounded as a record stores it."""
        return generator_from(half_state(module)).to(self.fabric.device)

    def protocol(self) -> dict[str, str]:
        """What a record says of how its numbers came about, beyond the settings."""
        config = self.config
        if not config.statistics:
            return {}
        words = f"statistics re-estimated over {config.statistics} training patches"
        return {"batch normalisation": f"{words} of side {config.patch}"}

    def files(self) -> list[str]:
        """Outside files that were used, beside the photographs."""
        return []

    def determined(self) -> dict[str, str]:
        """What a checkpoint says beyond the settings: the start's hash, and frozen networks."""
        return dict(self.start)

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


class SrresnetRecipe(GeneratorRecipe):
    """SRResNet: the generator alone, on the squared error."""

    config: SrresnetConfig

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the generator."""
        set_rate(self.optimizer, self.rate(index))
        low, real = self.sample(generator)
        losses = srresnet_step(
            self.generator, self.optimizer, low, real, backward=self.fabric.backward
        )
        self.keep_average(index)
        return losses

    @property
    def falls(self) -> bool:
        """Whether a step's learning rate depends on how many steps there are."""
        return self.config.cosine

    def rate(self, index: int) -> float:
        """The learning rate of one step."""
        config = self.config
        rate = config.learning_rate
        if index < config.warm_up:
            rate *= (index + 1) / config.warm_up
        if config.cosine:
            rate *= (1 + math.cos(math.pi * index / self.steps)) / 2
        return rate


class SrganRecipe(GeneratorRecipe):
    """SRGAN: SRResNet carried on against a discriminator, with a loss on VGG's features."""

    config: SrganConfig

    def __init__(self, config: SrganConfig, fabric: Fabric, *, steps: int) -> None:
        super().__init__(config, fabric, steps=steps)
        network = Discriminator(patch=config.window or config.patch)
        self.discriminator, self.discriminator_optimizer = set_up(
            fabric, network, self.adam(network), compile=self.compile
        )
        self.modules["discriminator"] = network
        self.optimizers["discriminator"] = self.discriminator_optimizer
        self.vgg = Vgg([config.features]).to(fabric.device).to(memory_format=torch.channels_last)
        self.content = ContentLoss(self.vgg)

    def begin(self) -> Generator:
        """SRResNet, in part frozen where the settings say so."""
        network = super().begin().train(not self.config.fixed_statistics)
        for part in self.config.frozen.split():
            network.get_submodule(part).requires_grad_(False)
        return network

    def adam(self, network: nn.Module) -> torch.optim.Optimizer:
        """Adam with this recipe's memory."""
        optimizer = super().adam(network)
        for group in optimizer.param_groups:
            group["betas"] = (0.9, self.config.beta2)
        return optimizer

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the discriminator, then the generator."""
        config, share = self.config, self.share(index)
        # A generator that must wait takes its steps at rate zero.
        waits = index < config.judge_first
        set_rate(self.optimizer, 0.0 if waits else config.learning_rate * share)
        set_rate(self.discriminator_optimizer, config.discriminator_rate * share)
        low, real = self.sample(generator)

        # Without Fabric's wrapper, which lets no gradient be taken but by its own backward.
        network = self.modules["discriminator"]
        penalised = config.slope_penalty > 0 and index % PENALISED == 0

        def penalty(real: Tensor) -> Tensor:
            with self.fabric.autocast():
                return PENALISED / 2 * config.slope_penalty * slope(network, real)

        def see(image: Tensor) -> Tensor:
            return window(image, config.window, generator=generator) if config.window else image

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
            weights=LossWeights(
                content=config.content, adversarial=config.adversarial, block=config.block
            ),
            smoothing=config.smoothing,
            penalty=penalty if penalised else None,
            see=see,
            backward=self.fabric.backward,
            unsynchronised=self._unsynchronised,
        )
        self.keep_average(index)
        return losses

    def protocol(self) -> dict[str, str]:
        """Beside SRResNet's words, those of the VGG loss."""
        backbone = self.vgg.backbone
        words = f"{backbone}, {self.vgg.layers[0]}, maps divided by {VGG_UNIT[backbone]:.1f}"
        return super().protocol() | {"content loss": words}

    def determined(self) -> dict[str, str]:
        """Beside the start, which VGG was to be had."""
        return super().determined() | {"backbone": self.vgg.backbone}

    def files(self) -> list[str]:
        """The backbone's weights, where they are a registered file."""
        return [VGG16_FILE] if self.vgg.backbone == "vgg16" else []

    @property
    def falls(self) -> bool:
        """Whether a step's learning rate depends on how many steps there are."""
        return self.config.falling > 0

    def share(self, index: int) -> float:
        """What the learning rates of one step are, the first ones as 1."""
        config = self.config
        dropped = 0.1 ** (index // config.drop_every)
        last = config.falling * self.steps
        return dropped * (min(1.0, (self.steps - index) / last) if last else 1.0)

    def _unsynchronised(self, module: Any) -> AbstractContextManager:
        return self.fabric.no_backward_sync(module, enabled=self.fabric.world_size > 1)


def window(image: Tensor, side: int, *, generator: torch.Generator) -> Tensor:
    """The same square, anywhere, of all pictures of a batch.

    Shown the whole patch, the discriminator's strides always meet the generator's sub-pixel grid at
    the same places; in a window at random they do not.

    Parameters
    ----------
    image : Tensor
        (N, C, H, W).
    side : int
        Of the square, in pixels, at most H and W.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor
        (N, C, side, side), a view.
    """
    top, left = (
        int(torch.randint(length - side + 1, (), generator=generator))
        for length in image.shape[-2:]
    )
    return image[..., top : top + side, left : left + side]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give an optimiser a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


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
