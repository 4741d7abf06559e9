"""Coarse-to-fine generators: a U-Net that can be trained octave by octave.

Taught in the chapter *Coarse to fine*. One network has two switches, which make it the mirrored
article's coarse-to-fine model, the same without skip connections, and a plain U-Net. A schedule
says which of its levels learn at which step.

References
----------
T.-C. Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
GANs" (pix2pixHD), CVPR 2018 (arXiv:1711.11585).
O. Ronneberger, P. Fischer and T. Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015 (arXiv:1505.04597).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.srgan.networks import adversarial_loss, discriminator_loss

SMALLEST = 8
"""Side of the pictures of the first stage, in pixels."""


def sizes(top: int) -> tuple[int, ...]:
    """Sides of the pictures, stage by stage: octaves from 8 pixels to the top.

    Parameters
    ----------
    top : int
        Side of the last stage's pictures, in pixels: 8, 16, 32, …

    Returns
    -------
    tuple of int
        One side a stage.

    Raises
    ------
    ValueError
        If `top` is not 8 times a power of two.

    Examples
    --------
    >>> sizes(64), len(sizes(256))
    ((8, 16, 32, 64), 6)
    """
    octaves = (top // SMALLEST).bit_length() - 1
    if top < SMALLEST or top != SMALLEST << octaves:
        raise ValueError(f"the top must be 8, 16, 32, … pixels: got {top}")
    return tuple(SMALLEST << octave for octave in range(octaves + 1))


# ----------------------------------------------------------------------------- network


def _normed(convolution: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(channels))


class Level(nn.Module):
    """All that a stage adds to the network: one octave of the U, down on its left, up on its right.

    Parameters
    ----------
    channels : int
        Feature maps at this size, C.
    coarser : int or None
        Feature maps of the level below; None at the bottom.
    reads : bool
        Whether this level is shown the picture at its own size.
    skips : bool
        Whether the way up is shown the features of the way down.

    References
    ----------
    Ronneberger et al. 2015, Figure 1: one row of it, with a single convolution on each side.
    """

    def __init__(self, channels: int, *, coarser: int | None, reads: bool, skips: bool) -> None:
        super().__init__()
        self.skips = skips
        self.stem = self.down = self.up = None
        if reads:
            self.stem = _normed(nn.Conv2d(3, channels, 3, padding=1, bias=False), channels)
        incoming = channels
        if coarser is not None:
            self.down = _normed(
                nn.Conv2d(channels, coarser, 4, stride=2, padding=1, bias=False), coarser
            )
            self.up = nn.ConvTranspose2d(coarser, channels, 2, stride=2)
            incoming = 2 * channels if skips else channels
        self.join = _normed(nn.Conv2d(incoming, channels, 3, padding=1, bias=False), channels)
        self.head = nn.Conv2d(channels, 3, 3, padding=1)

    def encode(self, picture: Tensor, carried: Tensor | None) -> Tensor:
        """Add what the picture (N, 3, h, w) shows to what the level above carried (N, C, h, w)."""
        found = carried
        if self.stem is not None:
            seen = self.stem(picture)
            found = seen if carried is None else seen + carried
        assert found is not None
        return found.relu()

    def decode(self, features: Tensor, coarse: Tensor | None) -> Tensor:
        """Refine what the level below made, (N, C', h/2, w/2), by this level's own features."""
        if coarse is None or self.up is None:
            return self.join(features).relu()
        larger = self.up(coarse)
        return self.join(torch.cat([larger, features], dim=1) if self.skips else larger).relu()


class CoarseToFine(nn.Module):
    """A U-Net that reads its picture at every size, and can answer at any of them.

    Stage k is the network of the levels 1 to k, from 8 pixels up to 8 · 2^(k − 1). The levels above
    take no part in it, and cost nothing. Only the last stage's answer is at full size.

    Parameters
    ----------
    top : int
        Side of the last stage's pictures: 8, 16, 32, …
    width : int
        Feature maps at the top; each level below has twice as many,
    widest : int
        but no more than this.
    every_input : bool
        Whether every level reads the picture at its own size. If not, only the top does: with
        `skips`, that is a plain U-Net.
    skips : bool
        Whether the features of the way down are joined on the way up. If not, the network is an
        auto-encoder.

    Raises
    ------
    ValueError
        If `top` is none of the sizes; in ``forward``, if there is no such stage, or the picture's
        sides do not halve as often as the stage asks.

    References
    ----------
    Wang et al. 2018, Figure 3, for the idea; there two generators are nested, and each reads the
    picture at its own size.

    Examples
    --------
    >>> network = CoarseToFine(top=64, width=8)
    >>> network(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 3, 64, 64])
    >>> network(torch.zeros(1, 3, 16, 16), stage=2).shape
    torch.Size([1, 3, 16, 16])
    """

    def __init__(
        self,
        *,
        top: int = 64,
        width: int = 16,
        widest: int = 128,
        every_input: bool = True,
        skips: bool = True,
    ) -> None:
        super().__init__()
        self.sizes = sizes(top)
        self.every_input = every_input
        stages = len(self.sizes)
        channels = [min(width << (stages - 1 - k), widest) for k in range(stages)]
        self.levels = nn.ModuleList(
            Level(
                channels[k],
                coarser=channels[k - 1] if k else None,
                reads=every_input or k == stages - 1,
                skips=skips,
            )
            for k in range(stages)
        )

    def forward(self, picture: Tensor, *, stage: int | None = None) -> Tensor:
        """Answer at the size of the picture.

        Parameters
        ----------
        picture : Tensor
            (N, 3, H, W), range [0, 1]; H and W are multiples of 2^(stage − 1). The smaller ones
            that the levels below read are its averages over squares.
        stage : int, optional
            From 1; the last one if left out.

        Returns
        -------
        Tensor
            (N, 3, H, W), float32, range [0, 1].
        """
        stage = len(self.levels) if stage is None else stage
        self._check(picture, stage)
        levels = cast(list[Level], list(self.levels)[:stage])
        encoded: list[Tensor] = []
        carried = None
        for level in reversed(levels):
            features = level.encode(picture, carried)
            encoded.append(features)
            if level.down is not None:
                carried = level.down(features)
                picture = F.avg_pool2d(picture, 2) if self.every_input else picture
        made = None
        for level in levels:
            made = level.decode(encoded.pop(), made)
        # Outside autocast's half precision, whose steps near 1 are as large as a grey level.
        return levels[-1].head(made).float().sigmoid()

    def _check(self, picture: Tensor, stage: int) -> None:
        if not 1 <= stage <= len(self.levels):
            raise ValueError(f"there are stages 1 to {len(self.levels)}: got {stage}")
        if not self.every_input and stage < len(self.levels):
            raise ValueError("this network reads its picture at the top alone: it has one stage")
        if any(side % 2 ** (stage - 1) for side in picture.shape[-2:]):
            height, width = picture.shape[-2:]
            raise ValueError(
                f"sides of {height} × {width} do not halve {stage - 1} times: crop the picture to "
                f"multiples of {2 ** (stage - 1)}"
            )


@dataclass(frozen=True)
class Part:
    """One part of a network, as it worked.

    Attributes
    ----------
    level : int
        Number of its level, from 1.
    name : str
        "stem", "down", "join", "up" or "head".
    entering, leaving : tuple of int
        Channels and side of what came in and of what went out.
    parameters : int
        How many it has.
    learns : bool
        Whether it is being trained.
    """

    level: int
    name: str
    entering: tuple[int, int]
    leaving: tuple[int, int]
    parameters: int
    learns: bool


def layout(network: CoarseToFine, *, stage: int | None = None) -> list[Part]:
    """Watch a network work on one empty picture, and list its parts in the order of their work.

    Parameters
    ----------
    network : CoarseToFine
        It is left as it was.
    stage : int, optional
        From 1; the last one if left out.

    Returns
    -------
    list of Part
        Those that the stage uses; a diagram is drawn from them.
    """
    stage = len(network.levels) if stage is None else stage
    parts: list[Part] = []
    hooks = []

    def watch(level: int, name: str, module: nn.Module) -> None:
        def note(_: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
            first = next(module.parameters())
            parts.append(
                Part(
                    level,
                    name,
                    (given[0].shape[1], given[0].shape[-1]),
                    (made.shape[1], made.shape[-1]),
                    sum(p.numel() for p in module.parameters()),
                    first.requires_grad,
                )
            )

        hooks.append(module.register_forward_hook(note))

    for number, level in enumerate(network.levels, 1):
        for name, module in level.named_children():
            watch(number, name, module)
    modes = [module.training for module in network.modules()]
    try:
        network.eval()
        side = network.sizes[stage - 1]
        weight = next(network.parameters())
        with torch.no_grad():
            network(weight.new_zeros(1, 3, side, side), stage=stage)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in zip(network.modules(), modes, strict=True):
            module.training = mode
    return parts


# ---------------------------------------------------------------------------- schedule


@dataclass(frozen=True)
class Phase:
    """What is trained at a step.

    Attributes
    ----------
    stage : int
        The stage whose answer is compared with the truth, from 1.
    frozen : bool
        Whether the levels below it are left alone for now.
    """

    stage: int
    frozen: bool = False


def phase(step: int, *, steps: int, stages: int, each: bool) -> Phase:
    """Look up what a schedule trains at a step.

    Training all has one phase. Training each gives every stage an equal share of the steps. From
    the second stage on, the levels below are frozen for the first fifth of it, in the article 10
    of 50 epochs, and then learn with it.

    Parameters
    ----------
    step : int
        From 0.
    steps : int
        Of the whole training.
    stages : int
        Of the network.
    each : bool
        Whether to train each stage, or all at once.

    Returns
    -------
    Phase
        Of this step.

    Raises
    ------
    ValueError
        If the step is none of the training's, or there are fewer steps than stages.

    Examples
    --------
    >>> epochs = [0, 49, 50, 59, 60, 100, 110, 299]
    >>> [phase(e, steps=300, stages=6, each=True).stage for e in epochs]
    [1, 1, 2, 2, 2, 3, 3, 6]
    >>> [phase(e, steps=300, stages=6, each=True).frozen for e in epochs]
    [False, False, True, True, False, True, False, False]
    """
    if steps < stages:
        raise ValueError(f"{steps} steps do not suffice for {stages} stages")
    if not 0 <= step < steps:
        raise ValueError(f"there are steps 0 to {steps - 1}: got {step}")
    if not each:
        return Phase(stages)
    stage = step * stages // steps + 1
    # The first step of the stage, and of the next one.
    first, end = (-(-k * steps // stages) for k in (stage - 1, stage))
    return Phase(stage, frozen=stage > 1 and 5 * (step - first) < end - first)


def enter(network: CoarseToFine, now: Phase) -> None:
    """Let exactly those levels learn that a phase trains.

    A frozen level's weights get no gradient, which spares computing it, and an optimiser passes
    over them: Adam's moments wait for them as they were. Its batch normalisation goes on measuring,
    because the new level sends it features that it has not seen. Do not make a new optimiser when a
    level is unfrozen: it would begin with no moments.

    Parameters
    ----------
    network : CoarseToFine
        Changed in place.
    now : Phase
        The phase to enter.

    References
    ----------
    Wang et al. 2018, Section 3.1: the coarse generator is trained first, then the fine one with
    the coarse one fixed, then both.
    """
    network.train()
    for number, level in enumerate(network.levels, 1):
        level.requires_grad_(number == now.stage or (number < now.stage and not now.frozen))


# ------------------------------------------------------------------------------- tasks


def to_grey(image: Tensor) -> Tensor:
    """Take the colour out of pictures; colourisation puts it back.

    Parameters
    ----------
    image : Tensor
        (N, 3, H, W), RGB, range [0, 1].

    Returns
    -------
    Tensor
        (N, 3, H, W), range [0, 1], three equal channels: BT.601's weights in the full range.

    Examples
    --------
    >>> round(to_grey(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1))[0, 2].item(), 3)
    0.299
    """
    weights = image.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True).expand_as(image)


def to_mosaic(image: Tensor) -> Tensor:
    """Hide pictures behind a blurred mosaic of 16 × 16 tiles; mosaic removal looks behind it.

    At 256 pixels, as in the article: one pixel of each 16 × 16 is kept and fills its tile, and
    a Gaussian of radius (standard deviation) 4 blurs the edges. At other sizes both numbers shrink
    or grow with the side.

    Parameters
    ----------
    image : Tensor
        (N, 3, S, S), range [0, 1]; S is a multiple of 16, at least 32.

    Returns
    -------
    Tensor
        (N, 3, S, S), range [0, 1].

    Raises
    ------
    ValueError
        If the pictures are not square, or of another size.
    """
    height, side = image.shape[-2:]
    if height != side or side < 32 or side % 16:
        raise ValueError(f"a mosaic needs squares of 32, 48, 64, … pixels: got {height} × {side}")
    tile = side // 16
    # The pixel beside the middle, as Pillow's nearest neighbour chooses it.
    kept = image[..., tile // 2 :: tile, tile // 2 :: tile]
    tiles = kept.repeat_interleave(tile, -1).repeat_interleave(tile, -2)
    sigma = side / 64
    reach = round(4 * sigma)
    x = torch.arange(-reach, reach + 1, dtype=torch.float32, device=image.device)
    window = torch.exp(-0.5 * (x / sigma) ** 2)
    window = (window / window.sum()).expand(3, 1, 1, -1)
    padded = F.pad(tiles, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(padded, window, groups=3)
    return F.conv2d(rows, window.mT, groups=3).clamp(0, 1)


TASKS: dict[str, Callable[[Tensor], Tensor]] = {"colour": to_grey, "mosaic": to_mosaic}
"""What spoils a picture, by the name of the task of mending it."""


# ---------------------------------------------------------------------------- training


class PatchDiscriminator(nn.Module):
    """Judge answers patch by patch: is it the truth, given what was asked.

    Four convolutions, two of them with stride 2, so that pictures of 8 pixels and of 256 can both
    be judged.

    Parameters
    ----------
    width : int
        Feature maps of the first convolution.

    References
    ----------
    Isola et al. 2017 (pix2pix), Section 3.2.2; here shallower, for the smallest stages.

    Examples
    --------
    >>> judge = PatchDiscriminator(width=8)
    >>> judge(torch.zeros(2, 3, 64, 64), torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 1, 16, 16])
    """

    def __init__(self, *, width: int = 32) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(6, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 3, padding=1),
        )

    def forward(self, picture: Tensor, answer: Tensor) -> Tensor:
        """Judge answers; both (N, 3, H, W) in [0, 1], the logits (N, 1, H/4, W/4)."""
        return self.net(torch.cat([picture, answer], dim=1) - 0.5)


def l1_step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    picture: Tensor,
    truth: Tensor,
    *,
    stage: int,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> dict[str, Tensor]:
    """Update those levels that learn, on the mean absolute error.

    Parameters
    ----------
    network, optimizer
        The network, and the optimiser of all its parameters.
    picture, truth : Tensor
        (N, 3, S, S) at the stage's size, range [0, 1].
    stage : int
        The stage that answers.
    backward : callable
        Called with the loss; Fabric's own when it drives the training.

    Returns
    -------
    dict of Tensor
        ``{"l1": scalar}``, detached.
    """
    loss = F.l1_loss(network(picture, stage=stage), truth)
    # None, not zero: Adam would go on moving a frozen weight by its old moments.
    optimizer.zero_grad(set_to_none=True)
    backward(loss)
    optimizer.step()
    return {"l1": loss.detach()}


def adversarial_step(
    network: nn.Module,
    discriminator: nn.Module,
    optimizer: torch.optim.Optimizer,
    discriminator_optimizer: torch.optim.Optimizer,
    picture: Tensor,
    truth: Tensor,
    *,
    stage: int,
    weight: float,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> dict[str, Tensor]:
    """Update the discriminator, then those levels that learn, on L1 and on being believed.

    Parameters
    ----------
    network, discriminator, optimizer, discriminator_optimizer
        Both networks, and their optimisers.
    picture, truth : Tensor
        (N, 3, S, S) at the stage's size, range [0, 1].
    stage : int
        The stage that answers.
    weight : float
        Of the adversarial loss, beside 1 for the mean absolute error.
    backward : callable
        Called with each loss.

    Returns
    -------
    dict of Tensor
        ``l1``, ``adversarial`` and ``discriminator``, unweighted and detached.

    References
    ----------
    Isola et al. 2017, Equation 4.
    """
    made = network(picture, stage=stage)
    judged = discriminator_loss(
        discriminator(picture, truth), discriminator(picture, made.detach())
    )
    discriminator_optimizer.zero_grad(set_to_none=True)
    backward(judged)
    discriminator_optimizer.step()

    discriminator.requires_grad_(False)
    l1 = F.l1_loss(made, truth)
    believed = adversarial_loss(discriminator(picture, made))
    optimizer.zero_grad(set_to_none=True)
    backward(l1 + weight * believed)
    optimizer.step()
    discriminator.requires_grad_(True)
    losses = {"l1": l1, "adversarial": believed, "discriminator": judged}
    return {name: loss.detach() for name, loss in losses.items()}
