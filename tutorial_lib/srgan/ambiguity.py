"""How many photographs shrink to one small picture: patches with nearly the same twin.

Taught in the chapter *SRGAN*, as the reason why the closest answer is a blurred one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutorial_lib.metrics import imresize, to_y

SCALE = 4


@dataclass(frozen=True)
class Twins:
    """A patch, and others whose small pictures are nearly its own.

    Attributes
    ----------
    small : Tensor
        (1 + K, 1, S, S), luma: the patch's own small picture first, then the others', nearest
        first.
    large : Tensor
        (1 + K, 1, 4S, 4S): what they were before they were shrunk.
    candidates : int
        How many patches were looked through.
    """

    small: Tensor
    large: Tensor
    candidates: int

    def differ(self, patches: Tensor) -> float:
        """How much others differ from the first, as a share of its contrast: root mean square."""
        first = patches[:1] - patches[:1].mean()
        return ((patches[1:] - patches[:1]).square().mean() / first.square().mean()).sqrt().item()

    def fine(self) -> Tensor:
        """What a small picture cannot hold: ``large`` without the small picture, enlarged."""
        return self.large - imresize(self.small, scale=SCALE)


def _versions(image: Tensor) -> Iterator[Tensor]:
    for turns in range(4):
        turned = image.rot90(turns, (2, 3))
        yield turned
        yield turned.flip(3)


def _cut(image: Tensor, side: int, stride: int) -> Tensor:
    return nn.functional.unfold(image, side, stride=stride)[0].T


def twins(
    photographs: Sequence[Tensor], *, corner: tuple[int, int], side: int = 3, count: int = 32
) -> Twins:
    """Find patches whose small pictures are nearest to that of one patch, up to light.

    Patches are compared after their mean is taken away and their contrast divided out, and are
    then given the mean and contrast of the one: a photograph in another light is a photograph.

    Parameters
    ----------
    photographs : sequence of Tensor
        (1, 3, H, W), range [0, 1]; every fourth place of each, in all eight turns and flips, is
        looked at. The patch is cut from the first.
    corner : tuple of int
        Its top left corner, in pixels, multiples of 4.
    side : int
        Of the small pictures; the large ones have four times as many pixels a side.
    count : int
        How many others.

    Returns
    -------
    Twins
        Overlapping patches of the same place count as one.

    Raises
    ------
    ValueError
        If `corner` is not at a multiple of 4 inside the first photograph.
    """
    height, width = (length // SCALE * SCALE for length in photographs[0].shape[-2:])
    top, left = corner
    if (
        top % SCALE
        or left % SCALE
        or not (0 <= top <= height - SCALE * side and 0 <= left <= width - SCALE * side)
    ):
        raise ValueError(
            f"corner must be at multiples of {SCALE} and leave {SCALE * side} pixels in a picture "
            f"of {height} × {width}: got {corner}"
        )
    large, small = [], []
    for photograph in photographs:
        luma = to_y(photograph)
        height, width = (length // SCALE * SCALE for length in luma.shape[-2:])
        for version in _versions(luma[..., :height, :width]):
            large.append(_cut(version, SCALE * side, SCALE))
            small.append(_cut(imresize(version, scale=1 / SCALE), side, 1))
    columns = photographs[0].shape[-1] // SCALE - side + 1
    chosen = top // SCALE * columns + left // SCALE
    full, seen = torch.cat(large), torch.cat(small)
    mean = seen.mean(1, keepdim=True)
    contrast = (seen - mean).norm(dim=1, keepdim=True)
    shape = (seen - mean) / contrast.clamp(min=1e-3)
    distance = (shape - shape[chosen]).norm(dim=1)
    distance[contrast[:, 0] < contrast[chosen, 0] / 4] = torch.inf
    # Every patch comes in eight versions: a symmetric one must not count eight times.
    order = distance.argsort()[: 9 * count]
    kept = [chosen]
    for index in order.tolist():
        alike = [(shape[index] - shape[other]).norm() < 1e-4 for other in kept]
        if len(kept) <= count and not any(alike):
            kept.append(index)

    def lit(patches: Tensor) -> Tensor:
        """With the mean and contrast of the chosen one."""
        found = (patches[kept] - mean[kept]) / contrast[kept] * contrast[chosen] + mean[chosen]
        length = int(found.shape[1] ** 0.5)
        return found.view(-1, 1, length, length)

    return Twins(small=lit(seen), large=lit(full), candidates=len(seen))
