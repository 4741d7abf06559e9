"""What is wrong with a picture: each damage is the comparison that a fit makes small.

Taught in the chapter *Deep Image Prior*.

References
----------
D. Ulyanov, A. Vedaldi and V. Lempitsky, "Deep image prior", CVPR 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from tutorial_lib.metrics import imresize


@dataclass(frozen=True)
class Denoising:
    """The whole picture is there, with noise or with the blocks of JPEG.

    Attributes
    ----------
    observed : Tensor
        The damaged picture, (1, 3, H, W), range [0, 1].
    complete : bool
        Whether every pixel was observed, so that a fit can take up the damage itself.

    References
    ----------
    Ulyanov 2018, equation 3.
    """

    observed: Tensor
    complete: ClassVar[bool] = True

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture to be made."""
        return self.observed.shape[-2], self.observed.shape[-1]

    @property
    def damaged(self) -> Tensor:
        """What there is to see of it: all, as it was observed."""
        return self.observed

    def loss(self, x: Tensor) -> Tensor:
        """Mean squared difference from the damaged picture."""
        return (x - self.observed).square().mean()

    def restored(self, x: Tensor) -> Tensor:
        """The picture that a network's output stands for: the output."""
        return x


@dataclass(frozen=True)
class SuperResolution:
    """The picture has been shrunk.

    Attributes
    ----------
    observed : Tensor
        The small picture, (1, 3, h, w), range [0, 1].
    scale : int
        How often the sides of the large picture are those of the small one.
    complete : bool
        False: most pixels were not observed.

    References
    ----------
    Ulyanov 2018, equation 5. The paper shrinks with Lanczos' kernel; here it is MATLAB's bicubic,
    which made the small picture.
    """

    observed: Tensor
    scale: int = 4
    complete: ClassVar[bool] = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture to be made."""
        height, width = self.observed.shape[-2:]
        return self.scale * height, self.scale * width

    @property
    def damaged(self) -> Tensor:
        """What there is to see of it: the small picture."""
        return self.observed

    def loss(self, x: Tensor) -> Tensor:
        """Mean squared difference from the small picture, once the output is shrunk as well."""
        return (imresize(x, scale=1 / self.scale) - self.observed).square().mean()

    def restored(self, x: Tensor) -> Tensor:
        """The picture that a network's output stands for: the output."""
        return x


@dataclass(frozen=True)
class Inpainting:
    """Parts of the picture are lost.

    Attributes
    ----------
    observed : Tensor
        The picture, (1, 3, H, W), range [0, 1]; lost pixels may have any value.
    mask : Tensor
        (1, 1, H, W), of any type: 1 where the picture is known, 0 where it is lost. It is kept in
        the picture's type.
    complete : bool
        False: some pixels were not observed.

    Raises
    ------
    ValueError
        If the mask has another size than the picture, holds something between known and lost, or
        nothing or everything is lost.

    References
    ----------
    Ulyanov 2018, equation 4.
    """

    observed: Tensor
    mask: Tensor
    complete: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.mask.shape[-2:] != self.observed.shape[-2:]:
            (h, w), (mh, mw) = self.observed.shape[-2:], self.mask.shape[-2:]
            raise ValueError(f"the mask has {mw}x{mh} pixels, the picture {w}x{h}")
        if self.mask.is_meta:
            return
        if not bool(((self.mask == 0) | (self.mask == 1)).all()):
            raise ValueError("the mask holds other numbers than 1 (known) and 0 (lost)")
        object.__setattr__(self, "mask", self.mask.to(self.observed.dtype))
        known = self.mask.mean().item()
        if not 0 < known < 1:
            lost = "nothing" if known else "everything"
            raise ValueError(
                f"by this mask {lost} is lost; 0 (black) marks what is to be filled",
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture to be made."""
        return self.observed.shape[-2], self.observed.shape[-1]

    @property
    def damaged(self) -> Tensor:
        """What there is to see of it: the known pixels, and black holes."""
        return torch.where(self.mask > 0, self.observed, 0)

    def loss(self, x: Tensor) -> Tensor:
        """Mean squared difference where the picture is known."""
        # Chosen, not multiplied: zero times a lost pixel that is no number would be none.
        return torch.where(self.mask > 0, x - self.observed, 0).square().mean()

    def restored(self, x: Tensor) -> Tensor:
        """The output in the holes, and the picture as it was everywhere else."""
        return torch.where(self.mask > 0, self.observed, x)


Task = Denoising | SuperResolution | Inpainting
"""What a picture may have suffered."""
