"""Pictures and their spoiled twins at every size of a coarse-to-fine training.

Taught in the chapter *Coarse to fine*, whose stages each have a size of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm.auto import tqdm

from tutorial_lib.data.images import from_uint8, to_uint8
from tutorial_lib.data.photographs import group_names, load
from tutorial_lib.metrics.resize import imresize


def channel_correlation(image: Tensor) -> Tensor:
    """How nearly the channels of pictures are one: the mean of their correlation matrix.

    Parameters
    ----------
    image : Tensor
        (N, 3, H, W), uint8 or float.

    Returns
    -------
    Tensor
        (N,), 1 for grey pictures. All nine entries count, the diagonal too. A picture with
        a channel of one value has no correlation, and counts as grey.
    """
    pixels = image.flatten(2).double()
    pixels = pixels - pixels.mean(-1, keepdim=True)
    length = pixels.norm(dim=-1, keepdim=True)
    unit = pixels / length
    found = (unit @ unit.mT).mean((1, 2))
    return torch.where((length > 0).all(1).squeeze(-1), found, torch.ones_like(found))


COLOURED = 0.995
"""The article keeps a picture if the correlation of its channels is below this."""


def coloured(images: Tensor) -> Tensor:
    """Leave out grey pictures, as the article does.

    Parameters
    ----------
    images : Tensor
        (N, 3, S, S), uint8.

    Returns
    -------
    Tensor
        Those whose channels correlate by less than 0.995 in the mean.
    """
    correlation = torch.cat([channel_correlation(part) for part in images.split(256)])
    return images[correlation < COLOURED]


def squares(group: str, *, count: int, side: int, progress: bool = True) -> Tensor:
    """Cut squares from photographs, the same at every call.

    Each is cut at a random place at twice the size, or as large as the photograph allows, and
    shrunk.

    Parameters
    ----------
    group : str
        A set of :data:`tutorial_lib.data.GROUPS`.
    count : int
        How many, N; the photographs take turns.
    side : int
        Of the squares, S, in pixels.
    progress : bool
        Whether there is a progress bar.

    Returns
    -------
    Tensor
        (N, 3, S, S), uint8.

    Raises
    ------
    DataUnavailable
        If a photograph is not to be had.
    """
    names = group_names(group)
    random = torch.Generator().manual_seed(0)
    found = torch.empty(count, 3, side, side, dtype=torch.uint8)
    for index, name in enumerate(tqdm(names[:count], desc=group, disable=not progress)):
        image = load(name)
        cut = min(2 * side, *image.shape[-2:])
        for place in range(index, count, len(names)):
            top, left = (
                int(torch.randint(length - cut + 1, (), generator=random))
                for length in image.shape[-2:]
            )
            square = image[..., top : top + cut, left : left + cut]
            found[place] = to_uint8(imresize(square, size=(side, side)))[0]
    return found


class Octaves:
    """Pictures and their spoiled twins at several sizes, as bytes on the training's device.

    All is made once. A stage then reads arrays of its own size, so that small stages are not held
    up by large pictures.

    Parameters
    ----------
    images : Tensor
        (N, 3, S, S), uint8.
    sides : sequence of int
        Sizes at which batches are wanted; divisors of S.
    spoil : callable
        From true pictures, (N, 3, S, S) in [0, 1], to what a network is given instead.
    device : torch.device or str
        Where batches are wanted.
    """

    def __init__(
        self,
        images: Tensor,
        *,
        sides: Sequence[int],
        spoil: Callable[[Tensor], Tensor],
        device: torch.device | str = "cpu",
    ) -> None:
        parts: dict[int, list[tuple[Tensor, Tensor]]] = {side: [] for side in sides}
        for part in images.split(256):
            true = from_uint8(part.to(device))
            spoiled = spoil(true)
            for side in sides:
                small = [F.avg_pool2d(i, i.shape[-1] // side) for i in (spoiled, true)]
                low, high = (to_uint8(image).permute(0, 2, 3, 1) for image in small)
                parts[side].append((low, high))
        self._pairs = {
            side: tuple(torch.cat(pixels).contiguous() for pixels in zip(*found, strict=True))
            for side, found in parts.items()
        }
        self._count = len(images)

    def __len__(self) -> int:
        """Count the pictures."""
        return self._count

    def batch(self, index: Tensor, *, side: int) -> tuple[Tensor, Tensor]:
        """Take spoiled and true pictures.

        Parameters
        ----------
        index : Tensor
            (B,), which ones.
        side : int
            At which size, s.

        Returns
        -------
        spoiled, true : Tensor
            (B, 3, s, s), float32, range [0, 1], channels last in memory.
        """
        spoiled, true = (
            from_uint8(pixels.index_select(0, index.to(pixels.device)).permute(0, 3, 1, 2))
            for pixels in self._pairs[side]
        )
        return spoiled, true
