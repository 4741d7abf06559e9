"""Photographs shrunk and damaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from tutorial_lib.data import (
    add_noise,
    compress_jpeg,
    embedded,
    low_resolution,
    mod_crop,
    random_mask,
    text_mask,
    two_lights,
)
from tutorial_lib.metrics import Protocol, psnr
from tutorial_lib.metrics.resize import imresize

WHOLE = Protocol("rgb", crop=0)


@pytest.fixture
def photograph() -> torch.Tensor:
    return imresize(embedded("chelsea"), size=(40, 48)).clamp(0, 1)


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


def test_pillows_low_resolution_is_pillows_and_near_matlabs_inside() -> None:
    image = embedded("coffee")[..., :101, :123]
    small = low_resolution(image, kernel="pillow")
    whole = Image.fromarray((image[0, :, :100, :120].permute(1, 2, 0) * 255).byte().numpy())
    wanted = np.asarray(whole.resize((30, 25), Image.Resampling.BICUBIC))
    assert np.array_equal((small[0].permute(1, 2, 0) * 255).round().byte().numpy(), wanted)
    difference = (small - low_resolution(image)).abs()
    assert difference[..., 2:-2, 2:-2].max() <= 2.01 / 255
    assert difference.max() > 0


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


def test_noise_has_its_strength_and_is_clipped() -> None:
    grey = torch.full((1, 3, 200, 200), 0.5)
    noisy = add_noise(grey, sigma=25, generator=torch.Generator().manual_seed(0))
    assert (noisy - grey).std().item() == pytest.approx(25 / 255, rel=0.01)
    white = add_noise(torch.ones(1, 3, 50, 50), generator=torch.Generator().manual_seed(0))
    assert white.max() == 1
    assert white.mean() < 1


def test_jpeg_costs_more_at_lower_quality(photograph: torch.Tensor) -> None:
    coarse, fine = (compress_jpeg(photograph, quality=quality) for quality in (20, 95))
    assert coarse.shape == photograph.shape
    assert psnr(coarse, photograph, protocol=WHOLE) < psnr(fine, photograph, protocol=WHOLE) - 3


def test_random_mask_loses_the_share() -> None:
    mask = random_mask((200, 300), missing=0.3, generator=torch.Generator().manual_seed(0))
    assert mask.shape == (1, 1, 200, 300)
    assert set(mask.unique().tolist()) == {0, 1}
    assert mask.mean().item() == pytest.approx(0.7, abs=0.01)


def test_text_mask_covers_some_of_each_row_of_text() -> None:
    mask = text_mask((128, 200), rows=4)
    assert mask.shape == (1, 1, 128, 200)
    lost = 1 - mask
    assert 0.05 < lost.mean() < 0.4
    for row in range(4):
        assert lost[..., 32 * row : 32 * row + 32, :].sum() > 0


def test_two_lights_fall_differently_on_one_scene() -> None:
    white = torch.ones(1, 3, 41, 61)
    ambient, flash = two_lights(white)
    assert ambient[0, :, 20, 0].tolist() == pytest.approx([0.9, 0.65, 0.4])
    assert torch.all(ambient[..., 1:] < ambient[..., :-1])
    assert torch.all(flash[..., 20, 30] == 1)
    assert flash[..., 0, 0].max() < 0.5
    assert torch.all(two_lights(torch.zeros(1, 3, 8, 8))[1] == 0)
