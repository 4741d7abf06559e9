"""The parts of a coarse-to-fine network as they work, and what a stage of it costs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutorial_lib.coarse_to_fine.networks import CoarseToFine
from tutorial_lib.coarse_to_fine.schedule import Phase, enter, spans


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


def work(network: CoarseToFine, *, stage: int | None = None) -> int:
    """Count what a stage multiplies for one picture, forward.

    Parameters
    ----------
    network : CoarseToFine
        It is left as it was.
    stage : int, optional
        From 1; the last one if left out.

    Returns
    -------
    int
        Each parameter counts once for every place where it is used. Biases and batch
        normalisation are in it, and are a hundredth of it or less.

    Examples
    --------
    >>> network = CoarseToFine(top=32, width=16, widest=64)
    >>> [round(work(network, stage=k) / work(network), 2) for k in (1, 2, 3)]
    [0.14, 0.56, 1.0]
    """
    return sum(map(_products, layout(network, stage=stage)))


def _products(part: Part) -> int:
    # A transposed convolution with the stride of its size uses a weight once a place it reads.
    side = part.entering[1] if part.name == "up" else part.leaving[1]
    return part.parameters * side**2


def step_work(network: CoarseToFine, now: Phase) -> int:
    """Count what a step of training multiplies for one picture, forward and back.

    A part that works forward works as much again for the gradient of its input, unless it reads
    the picture, and as much a third time for the gradient of its weights, unless it is frozen.

    Parameters
    ----------
    network : CoarseToFine
        Left in the phase.
    now : Phase
        What is trained.

    Returns
    -------
    int
        Counted as in :func:`work`.

    Examples
    --------
    >>> network = CoarseToFine(top=32, width=16, widest=64)
    >>> frozen, free = (step_work(network, Phase(3, frozen=f)) for f in (True, False))
    >>> round(frozen / free, 2)
    0.81
    """
    enter(network, now)
    # What lies before the level's own way down needs no gradient: the only weights there are its
    # own, and its picture is given.
    return sum(
        _products(part) * (1 + (part.name != "stem") + part.learns)
        for part in layout(network, stage=now.stage)
    )


def training_work(network: CoarseToFine, *, steps: int, each: bool) -> int:
    """Count what a whole training multiplies, as :func:`step_work`, with a picture a step."""
    phases = spans(steps=steps, stages=len(network.sizes), each=each)
    return sum(len(span) * step_work(network, now) for span, now in phases)
