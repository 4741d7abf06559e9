"""Pyramids: against OpenCV, against the reference arrays, and against what they promise."""

from __future__ import annotations

from itertools import pairwise, product
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
from tutorial_lib.lapstyle.pyramid_measures import responses
from tutorial_lib.lapstyle.show import EqualiserPanel

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


@pytest.mark.parametrize("size", [127, 64])
def test_rows_too_short_for_a_frequency_response_are_refused(size):
    with pytest.raises(ValueError, match="at least 128"):
        responses(levels=3, form="classic", size=size)


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
def test_layers_respond_as_bands(form):
    """Low-pass, then band-passes an octave apart, then a high-pass; together everything."""
    found = responses(levels=4, form=form)
    torch.testing.assert_close(found.amplitude.sum(0), torch.ones(257, dtype=torch.float64))
    assert found.amplitude[:4, 0].abs().max() < 1e-12
    assert found.amplitude[4, 0] == pytest.approx(1)
    peaks = [found.frequency[a.argmax()].item() for a in found.amplitude]
    assert peaks[0] > 0.49
    assert peaks[-1] == 0
    for finer, coarser in pairwise(peaks[:4]):
        assert coarser < finer
    for finer, coarser in pairwise(peaks[1:4]):
        assert coarser == pytest.approx(finer / 2, rel=0.1)


def test_responses_are_what_a_wave_comes_back_as():
    """The measured row of impulses against a plain wave, sent through and projected on itself."""
    wave = 40  # none of its aliases at two levels is itself
    x = torch.arange(512, dtype=torch.float64)
    row = torch.cos(2 * torch.pi * wave / 512 * x).view(1, 1, 1, -1)
    for form in FORMS:
        found = responses(levels=2, form=form)
        full = layers(laplacian_pyramid(row, levels=2, form=form), form=form)
        inside = slice(128, 384)  # whole periods, away from the borders
        for layer, amplitude, aliased in zip(
            full, found.amplitude[:, wave], found.aliased[:, wave], strict=True
        ):
            out, original = layer[..., inside], row[..., inside]
            same = (out * original).sum() / original.square().sum()
            assert same.item() == pytest.approx(amplitude.item(), abs=1e-9)
            rest = (out - same * original).square().mean() / original.square().mean()
            assert rest.sqrt().item() == pytest.approx(aliased.item(), abs=1e-6)


def test_halving_multiplies_a_wave_by_the_filters_cosines():
    """One level: the filter's cosines once for halving and once for doubling."""
    theta = torch.pi * torch.fft.rfftfreq(512, dtype=torch.float64)
    classic = responses(levels=1, form="classic").amplitude[1]
    torch.testing.assert_close(classic, theta.cos() ** 8)
    # Mean of two, then weights 1, 3, 3, 1: cos θ · cos³ θ.
    bilinear = responses(levels=1, form="bilinear").amplitude[1]
    torch.testing.assert_close(bilinear, theta.cos() ** 4)


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


# -------------------------------------------------------------------------------- show


def test_the_panel_starts_with_the_picture_and_follows_its_sliders():
    panel = EqualiserPanel(picture(1, 3, 40, 60), levels=3, form="classic")
    assert len(panel.gains) == 4
    torch.testing.assert_close(panel.picture(), panel.image, atol=1e-6, rtol=0)
    before = panel.shown.value
    panel.gains[0].value = 3
    assert panel.shown.value != before
    expected = equalise(panel.image - 0.5, gains=(3, 1, 1, 1), form="classic") + 0.5
    torch.testing.assert_close(panel.picture(), expected)
    panel.reset.click()
    assert panel.shown.value == before


def test_the_panel_takes_one_picture():
    with pytest.raises(ValueError, match="one picture"):
        EqualiserPanel(picture(2, 3, 8, 8), levels=3, form="classic")
