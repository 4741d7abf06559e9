"""Painting without a network: the losses change the pixels themselves, step by step.

Taught in the chapter *LapStyle*. It is how style transfer began. It takes minutes a picture, and
shows what the losses ask for: a network that paints at once has to learn to come close to it.

References
----------
L. Gatys et al., "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016. N. Kolkin
et al., "Style Transfer by Relaxed Optimal Transport and Self-Similarity", CVPR 2019
(arXiv:1904.12785).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.lapstyle.losses import Maps, Style, StyleWeights, base_losses

Objective = Callable[[Maps], Tensor]
"""From the maps of painted pictures to the scalar that is to become small."""


def paint_pixels(
    photo: Tensor, objective: Objective, *, encoder: nn.Module, steps: int, rate: float = 0.05
) -> Iterator[tuple[Tensor, float]]:
    """Change the pixels of photographs so that an objective falls.

    Parameters
    ----------
    photo : Tensor
        (N, 3, H, W), range [0, 1], sides of at least 16: where the pixels start. The pictures do
        not disturb each other if the objective is a mean over them.
    objective : callable
        Such as :func:`four_losses` or :func:`gram_loss` make.
    encoder : nn.Module
        From pictures to maps.
    steps : int
        Of Adam.
    rate : float
        How far a pixel moves in one of the first steps; falls along a cosine to zero.

    Yields
    ------
    picture : Tensor
        As `photo`, range [0, 1]: the photograph, then what each step has made of it.
    value : float
        The objective there.
    """
    picture = photo.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], lr=rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: (1 + math.cos(math.pi * step / max(1, steps))) / 2
    )
    for step in range(steps + 1):
        with torch.set_grad_enabled(step < steps):
            value = objective(encoder(picture))
        yield picture.detach().clone(), value.item()
        if step < steps:
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                picture.clamp_(0, 1)


def four_losses(content: Maps, style: Style, *, weights: StyleWeights | None = None) -> Objective:
    """LapStyle's four losses, weighted and added up.

    Parameters
    ----------
    content : mapping of Tensor
        The photographs' maps at all layers.
    style : Style
        Of the style picture.
    weights : StyleWeights, optional
        The article's by default.

    References
    ----------
    Lin et al. 2021, Equation 5.
    """
    weights = weights or StyleWeights()
    return lambda made: weights.total(base_losses(made, content, style))


def gram_loss(content: Maps, style: Maps, *, weight: float = 10.0) -> Objective:
    """The losses of Gatys: products of channels for the style, relu4_1 itself for the scene.

    Parameters
    ----------
    content, style : mapping of Tensor
        Maps of the photographs, and of the style picture, at all layers.
    weight : float
        Of the style.

    Notes
    -----
    Mean squares; the channels of the book's encoder are equally loud, so that the layers' factors
    of the paper are not needed.

    References
    ----------
    Gatys et al. 2016, Equations 1 to 7.
    """
    wanted = {name: gram(maps) for name, maps in style.items()}

    def objective(made: Maps) -> Tensor:
        scene = F.mse_loss(made["relu4_1"].float(), content["relu4_1"].float())
        products = [F.mse_loss(*torch.broadcast_tensors(gram(made[k]), wanted[k])) for k in wanted]
        return scene + weight * torch.stack(products).mean()

    return objective


def gram(maps: Tensor) -> Tensor:
    """Mean product of every two channels: (N, C, H, W) to (N, C, C).

    Examples
    --------
    >>> gram(torch.tensor([[[[1.0, 3.0]], [[2.0, 0.0]]]]))
    tensor([[[5., 1.],
             [1., 2.]]])
    """
    flat = maps.float().flatten(2)
    return flat @ flat.mT / flat.shape[2]
