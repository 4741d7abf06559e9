"""What a kernel makes of the reader's own picture, in the chapter *Deep Network Interpolation*."""

from __future__ import annotations

from torch import Tensor, nn

from tutorial_lib.data import low_resolution, mod_crop
from tutorial_lib.dni.interpolation import Interpolator
from tutorial_lib.dni.walk import output_of
from tutorial_lib.metrics import PIRM, imresize, rmse
from tutorial_lib.show import Picture, grid


def shrunk_and_enlarged(
    image: Tensor, network: nn.Module, move: Interpolator, alpha: float
) -> Picture:
    """Shrink a photograph by four, and enlarge it by the network at α.

    Parameters
    ----------
    image : Tensor
        (1, 3, H, W), range [0, 1], sides of at least 16; cropped to multiples of 4.
    network : nn.Module
        Enlarges by four.
    move : Interpolator
        Of `network`, between two: α is the first one's share.
    alpha : float
        In [0, 1].

    Returns
    -------
    Picture
        The answer beside bicubic interpolation and the photograph, with what each is away from it.

    Raises
    ------
    ValueError
        If the photograph is too small.
    """
    if min(image.shape[-2:]) < 16:
        raise ValueError("the picture is too small to be shrunk by four: its sides need 16 pixels")
    real = mod_crop(image, 4)
    low = low_resolution(real)
    move(alpha, 1 - alpha)
    made = {
        "bicubic": imresize(low, scale=4).clamp(0, 1),
        f"α = {alpha:.2f}": output_of(network, low),
    }
    away = {name: rmse(picture, real, protocol=PIRM).item() for name, picture in made.items()}
    return grid(
        {f"{name}: RMSE {away[name]:.2f}": picture for name, picture in made.items()}
        | {"photograph": real},
        alt="A photograph shrunk by four and enlarged again, and as it was.",
        columns=3,
    )
