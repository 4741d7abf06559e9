"""Training batches for super-resolution: aligned random crops, cut all at once."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from tqdm.auto import tqdm

from tutorial_lib.data.degrade import low_resolution, mod_crop
from tutorial_lib.data.images import to_uint8
from tutorial_lib.data.photographs import group_names, load


class Pairs:
    """Photographs and their low-resolution twins, held as bytes, sampled as random crops.

    All pixels of all images lie behind one another in one array, whatever their sizes, so that a
    batch is one gather, on the CPU or on a GPU.

    Parameters
    ----------
    images : iterable of Tensor
        Photographs of shape (1, 3, H, W), range [0, 1]; consumed one at a time.
    scale : int
        Factor between the two resolutions.

    Raises
    ------
    ValueError
        If there is no image, or one has another shape.
    """

    def __init__(self, images: Iterable[Tensor], *, scale: int = 4) -> None:
        self.scale = scale
        hr, lr, sizes = [], [], []
        for image in images:
            if image.ndim != 4 or image.shape[:2] != (1, 3):
                raise ValueError(f"expected images of shape (1, 3, H, W), got {tuple(image.shape)}")
            hr.append(_pixels(mod_crop(image, scale)))
            small = low_resolution(image, scale=scale)
            lr.append(_pixels(small))
            sizes.append(small.shape[-2:])
        if not sizes:
            raise ValueError("no images to take patches from")
        self._hr = torch.cat(hr)
        self._lr = torch.cat(lr)
        # Per image, in low-resolution pixels: height, width and the place of its first pixel.
        self._sizes = torch.tensor(sizes)
        area = self._sizes.prod(1)
        self._starts = area.cumsum(0) - area

    @classmethod
    def from_group(
        cls, group: str, *, scale: int = 4, limit: int | None = None, progress: bool = True
    ) -> Pairs:
        """Load a set of photographs.

        Parameters
        ----------
        group : str
            One of `tutorial_lib.data.GROUPS`; ``"bsds500"`` for training.
        scale : int
            Factor between the two resolutions.
        limit : int or None
            Take only the first so many photographs.
        progress : bool
            Whether to draw a progress bar.

        Returns
        -------
        Pairs
            The photographs and their twins.

        Raises
        ------
        DataUnavailable
            If a file is not to be had.
        """
        chosen = group_names(group)[:limit]
        return cls(
            (load(name) for name in tqdm(chosen, desc=group, disable=not progress)), scale=scale
        )

    def __len__(self) -> int:
        """Count the images."""
        return len(self._sizes)

    def sample(
        self,
        batch: int,
        *,
        patch: int,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
    ) -> tuple[Tensor, Tensor]:
        """Cut a batch of aligned random patches, each turned and mirrored at random.

        Every image is equally likely, every position in it, and each of the eight symmetries of
        the square. The result is a pure function of the generator's state. The bytes move to
        `device` at the first call for it.

        Parameters
        ----------
        batch : int
            Number of patches, B.
        patch : int
            Side of the high-resolution patch, P; a multiple of the scale.
        generator : torch.Generator
            Source of all randomness, on the CPU.
        device : torch.device or str
            Where the patches are cut and returned.

        Returns
        -------
        lr : Tensor
            Shape (B, 3, P / scale, P / scale), float32, range [0, 1], channels last in memory.
        hr : Tensor
            Shape (B, 3, P, P), likewise.

        Raises
        ------
        ValueError
            If the patch is not a multiple of the scale, or larger than the smallest image.
        """
        small, remainder = divmod(patch, self.scale)
        if remainder or small < 1:
            raise ValueError(f"patch {patch} is not a positive multiple of the scale {self.scale}")
        if small > (smallest := int(self._sizes.min())):
            raise ValueError(
                f"patch {patch} does not fit the smallest image, whose shorter side is "
                f"{smallest * self.scale}"
            )
        # Four numbers a patch: image, top, left, symmetry.
        u = torch.rand(4, batch, generator=generator, dtype=torch.float64)
        image = (u[0] * len(self)).long()
        height, width = self._sizes[image].T
        top = (u[1] * (height - small + 1)).long()
        left = (u[2] * (width - small + 1)).long()
        symmetry = (u[3] * 8).long()
        start = self._starts[image]

        self._lr, self._hr = self._lr.to(device), self._hr.to(device)
        s = self.scale
        lr = _cut(self._lr, start, width, top, left, symmetry, small)
        hr = _cut(self._hr, start * s * s, width * s, top * s, left * s, symmetry, patch)
        return lr, hr


def _pixels(image: Tensor) -> Tensor:
    return to_uint8(image)[0].permute(1, 2, 0).reshape(-1, 3)


def _cut(
    pixels: Tensor,
    start: Tensor,
    width: Tensor,
    top: Tensor,
    left: Tensor,
    symmetry: Tensor,
    side: int,
) -> Tensor:
    """Gather B squares of pixels in one step, each read in the order of its symmetry."""
    rows, columns = _symmetries(side)
    corner = start + top * width + left
    index = corner[:, None] + rows[symmetry] * width[:, None] + columns[symmetry]
    chosen = pixels.index_select(0, index.flatten().to(pixels.device))
    return chosen.view(-1, side, side, 3).permute(0, 3, 1, 2).float() / 255


def _symmetries(side: int) -> tuple[Tensor, Tensor]:
    """Return row and column, each (8, side * side), from which each symmetry reads each pixel."""
    first, second = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    grid = torch.stack([first, second])
    turned = [torch.rot90(grid, k, (1, 2)) for k in range(4)]
    both = torch.stack(turned + [square.flip(2) for square in turned]).flatten(2)
    return both[:, 0], both[:, 1]
