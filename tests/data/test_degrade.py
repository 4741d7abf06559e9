"""The low-resolution twin of a photograph."""

from __future__ import annotations

import pytest
import torch

from tutorial_lib.data import embedded, low_resolution, mod_crop
from tutorial_lib.metrics.resize import imresize


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_mod_crop_keeps_the_top_left_corner(scale: int) -> None:
    image = torch.rand(2, 3, 13, 11)
    cropped = mod_crop(image, scale)
    assert cropped.shape == (2, 3, 13 // scale * scale, 11 // scale * scale)
    assert torch.equal(cropped, image[:, :, : cropped.shape[2], : cropped.shape[3]])


@pytest.mark.parametrize(("height", "width"), [(3, 8), (8, 3)])
def test_smaller_than_the_scale(height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"{width}x{height} pixels is smaller than the scale 4"):
        mod_crop(torch.zeros(1, 3, height, width), 4)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_low_resolution_is_bicubic_of_the_crop_in_8_bits(scale: int) -> None:
    image = embedded("coffee")[..., :101, :123]
    small = low_resolution(image, scale=scale)
    assert small.dtype == torch.float32
    assert small.shape == (1, 3, 101 // scale, 123 // scale)
    # Multiples of 1/255, and the nearest ones to the exact result.
    torch.testing.assert_close(small * 255, (small * 255).round(), rtol=0, atol=1e-4)
    exact = imresize(mod_crop(image, scale), scale=1 / scale).clamp(0, 1)
    assert (small - exact).abs().max() <= 0.5 / 255 + 1e-6


def test_flat_image_stays_flat() -> None:
    assert torch.equal(
        low_resolution(torch.full((1, 3, 16, 16), 0.2)), torch.full((1, 3, 4, 4), 51 / 255)
    )


def test_overshoot_of_the_kernel_is_clipped() -> None:
    edge = torch.zeros(1, 3, 32, 32)
    edge[..., 14:] = 1
    small = low_resolution(edge)
    assert small.min() == 0
    assert small.max() == 1
