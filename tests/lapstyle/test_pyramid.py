"""Pyramids: against OpenCV, against the reference arrays, and against what they promise."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from tutorial_lib.lapstyle.pyramid import (
    blend,
    equalise,
    expand,
    gaussian_pyramid,
    laplacian_pyramid,
    layers,
    reconstruct,
    reduce,
)

FORMS = ("classic", "bilinear")
SIDES = (1, 2, 3, 4, 5, 8, 17, 30)

both_forms = pytest.mark.parametrize("form", FORMS)


def picture(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def opencv(image: Tensor) -> np.ndarray:
    return np.ascontiguousarray(image[0].permute(1, 2, 0).numpy())


# ------------------------------------------------------------------------------- shape


@both_forms
def test_sides_are_halved_rounding_up_and_type_and_batch_are_kept(form):
    image = picture(2, 5, 13, 1, dtype=torch.float64)
    found = gaussian_pyramid(image, levels=4, form=form)
    shapes = [(2, 5, 13, 1), (2, 5, 7, 1), (2, 5, 4, 1), (2, 5, 2, 1), (2, 5, 1, 1)]
    assert [tuple(g.shape) for g in found] == shapes
    assert {g.dtype for g in found} == {torch.float64}
    assert found[0] is image
    assert [tuple(b.shape) for b in laplacian_pyramid(image, levels=4, form=form)] == shapes


@both_forms
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_half_and_close(form, dtype):
    image = picture(1, 3, 20, 20)
    for low, full in zip(
        laplacian_pyramid(image.to(dtype), levels=3, form=form),
        laplacian_pyramid(image, levels=3, form=form),
        strict=True,
    ):
        assert low.dtype == dtype
        torch.testing.assert_close(low.float(), full, atol=0.02, rtol=0)


@both_forms
def test_no_levels_are_the_picture_itself(form):
    image = picture(1, 3, 4, 4)
    (only,) = laplacian_pyramid(image, levels=0, form=form)
    assert torch.equal(only, image)


@both_forms
def test_pictures_of_a_batch_do_not_mix(form):
    image = picture(3, 2, 11, 6)
    together = laplacian_pyramid(image, levels=3, form=form)
    for n, c in product(range(3), range(2)):
        alone = laplacian_pyramid(image[n : n + 1, c : c + 1], levels=3, form=form)
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a[n, c], b[0, 0], atol=1e-6, rtol=0)


@both_forms
def test_the_layout_in_memory_does_not_matter(form):
    image = picture(2, 3, 9, 14)
    other = image.to(memory_format=torch.channels_last)
    turned = image.mT.contiguous().mT
    for a, b, c in zip(
        *(laplacian_pyramid(x, levels=2, form=form) for x in (image, other, turned)), strict=True
    ):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
        torch.testing.assert_close(a, c, atol=1e-6, rtol=0)


@both_forms
def test_the_picture_given_is_left_alone(form):
    image = picture(1, 3, 9, 9)
    before = image.clone()
    reconstruct(laplacian_pyramid(image, levels=2, form=form), form=form)
    equalise(image, gains=(2, 2, 2), form=form)
    assert torch.equal(image, before)


# -------------------------------------------------------------------------- exceptions


@pytest.mark.parametrize(
    "image",
    [torch.rand(3, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.rand(1, 3, 0, 8)],
)
def test_what_is_no_batch_of_pictures_is_refused(image):
    with pytest.raises(ValueError, match=r"floating-point pictures of shape \(N, C, H, W\)"):
        laplacian_pyramid(image, levels=1, form="classic")


def test_an_unknown_form_is_refused_by_name():
    with pytest.raises(ValueError, match="classic, bilinear, got 'bicubic'"):
        gaussian_pyramid(picture(1, 3, 8, 8), levels=0, form="bicubic")


def test_negative_levels_are_refused():
    with pytest.raises(ValueError, match="0 or more, got -1"):
        laplacian_pyramid(picture(1, 3, 8, 8), levels=-1, form="classic")


@both_forms
@pytest.mark.parametrize("size", [(6, 8), (9, 7), (7, 9)])
def test_sizes_that_do_not_halve_to_the_given_one_are_refused(form, size):
    with pytest.raises(ValueError, match="4 x 4 pixels cannot have come from one of"):
        expand(picture(1, 3, 4, 4), size=size, form=form)


def test_no_bands_are_refused():
    with pytest.raises(ValueError, match="no bands"):
        reconstruct([], form="classic")


def test_pictures_and_masks_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="of one size"):
        blend(
            picture(1, 3, 8, 8),
            picture(1, 3, 8, 8),
            picture(1, 1, 8, 7),
            levels=1,
            form="classic",
        )


# ---------------------------------------------------------------------------- gradient


@both_forms
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (2, 3), (5, 4), (7, 7)])
def test_gradients(form, size):
    image = picture(1, 2, *size, dtype=torch.float64).requires_grad_()

    def pyramid(x):
        return tuple(laplacian_pyramid(x, levels=2, form=form))

    torch.autograd.gradcheck(pyramid, image)
    torch.autograd.gradcheck(lambda x: equalise(x, gains=(0.5, 2.0, 3.0), form=form), image)


# --------------------------------------------------------------------------- reference


@pytest.mark.parametrize("size", list(product(SIDES, SIDES)))
def test_the_classic_form_equals_opencv(size):
    image = picture(1, 3, *size)
    small = reduce(image, form="classic")
    np.testing.assert_allclose(opencv(small), cv2.pyrDown(opencv(image)), atol=1e-6)
    large = expand(small, size=size, form="classic")
    expected = cv2.pyrUp(opencv(small), dstsize=size[::-1])
    np.testing.assert_allclose(opencv(large), expected.reshape(*size, 3), atol=1e-6)


def test_the_bilinear_form_equals_the_reference(reference_dir: Path):
    arrays = np.load(reference_dir / "lapstyle_reference.npz")
    image = torch.from_numpy(arrays["pyramid_input"])
    found = laplacian_pyramid(image, levels=2, form="bilinear")
    for level, band in enumerate(found):
        np.testing.assert_allclose(band.numpy(), arrays[f"pyramid_{level}"], atol=1e-6)


def test_bilinear_halving_is_a_mean_of_four_and_doubling_has_weights_of_three_and_one():
    image = picture(1, 1, 6, 8)
    mean = image.reshape(1, 1, 3, 2, 4, 2).mean((3, 5))
    torch.testing.assert_close(reduce(image, form="bilinear"), mean)
    row = torch.tensor([0.0, 4.0, 0.0]).view(1, 1, 1, 3)
    doubled = expand(row, size=(1, 6), form="bilinear")
    assert doubled.flatten().tolist() == [0, 1, 3, 3, 1, 0]


@both_forms
@pytest.mark.parametrize("seed", range(30))
def test_a_picture_of_any_size_is_put_together_again(form, seed):
    random = np.random.default_rng(seed)
    n, c, height, width = (int(random.integers(1, high)) for high in (4, 5, 71, 71))
    levels = int(random.integers(0, 8))
    image = picture(n, c, height, width, seed=seed)
    again = reconstruct(laplacian_pyramid(image, levels=levels, form=form), form=form)
    torch.testing.assert_close(again, image, atol=1e-6, rtol=0)


@both_forms
def test_a_flat_picture_has_no_detail_even_at_its_borders(form):
    *bands, rest = laplacian_pyramid(torch.full((1, 3, 13, 22), 0.7), levels=4, form=form)
    assert max(band.abs().max().item() for band in bands) < 1e-6
    torch.testing.assert_close(rest, torch.full_like(rest, 0.7))


@both_forms
@pytest.mark.parametrize("size", [(32, 48), (7, 1), (33, 18)])
def test_layers_add_up_to_the_picture(form, size):
    image = picture(2, 3, *size)
    full = layers(laplacian_pyramid(image, levels=4, form=form), form=form)
    assert {layer.shape for layer in full} == {image.shape}
    torch.testing.assert_close(sum(full), image, atol=1e-6, rtol=0)


@both_forms
def test_gains_act_on_their_own_layer(form):
    image = picture(1, 3, 24, 31)
    full = layers(laplacian_pyramid(image, levels=3, form=form), form=form)
    gains = (0.0, 2.0, -1.0, 0.5)
    expected = sum(gain * layer for gain, layer in zip(gains, full, strict=True))
    torch.testing.assert_close(equalise(image, gains=gains, form=form), expected)


@both_forms
def test_blending_changes_nothing_far_from_the_seam(form):
    first, second = picture(1, 3, 16, 256, seed=1), picture(1, 3, 16, 256, seed=2)
    mask = (torch.arange(256) < 128).float().expand(1, 1, 16, 256)
    joined = blend(first, second, mask, levels=3, form=form)
    torch.testing.assert_close(joined[..., :64], first[..., :64], atol=1e-6, rtol=0)
    torch.testing.assert_close(joined[..., 192:], second[..., 192:], atol=1e-6, rtol=0)


@both_forms
def test_the_seam_widens_with_the_levels(form):
    white, black = torch.ones(1, 1, 8, 512), torch.zeros(1, 1, 8, 512)
    mask = (torch.arange(512) < 256).float().expand(1, 1, 8, 512)
    widths = []
    for levels in range(6):
        row = blend(white, black, mask, levels=levels, form=form)[0, 0, 0]
        assert (row.diff() <= 1e-6).all()
        widths.append(((row > 0.01) & (row < 0.99)).sum().item())
    assert widths[0] == 0
    assert widths[-1] > 32
    assert widths == sorted(set(widths))


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (1, 0, 8, 8), (1, 3, 0, 8), (0, 0, 16, 16)])
def test_no_picture_is_refused(shape):
    with pytest.raises(ValueError, match="a pyramid needs floating-point pictures"):
        laplacian_pyramid(torch.rand(shape), levels=1, form="bilinear")
