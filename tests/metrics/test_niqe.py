from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import gamma
from torch import Tensor

from tutorial_lib.data import embedded, locate
from tutorial_lib.metrics import (
    Gaussian,
    Protocol,
    aggd_fit,
    block_features,
    distance,
    features,
    fit_gaussian,
    imresize,
    local_statistics,
    measured,
    mscn,
    neighbour_products,
    niqe,
)
from tutorial_lib.metrics.gaussian import gaussian_window

Fit = Callable[[NDArray[np.float64]], tuple[float, float, float]]


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    """A 192 x 288 part of the astronaut: six blocks."""
    return embedded("astronaut")[..., 100:292, 60:348]


@pytest.fixture(scope="module")
def synthetic() -> Gaussian:
    """A model that needs no data."""
    return Gaussian(torch.zeros(36).double(), torch.eye(36).double())


def random_luminance(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(16, 236, shape, generator=generator).double()


def block_by_hand(block: NDArray[np.float64], aggd_by_hand: Fit) -> list[float]:
    alpha, left, right = aggd_by_hand(block.ravel())
    found = [alpha, (left + right) / 2]
    height, width = block.shape
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        products = np.array(
            [
                block[i, j] * block[(i - down) % height, (j - across) % width]
                for i in range(height)
                for j in range(width)
            ]
        )
        alpha, left, right = aggd_by_hand(products)
        mean = (right - left) * gamma(2 / alpha) / gamma(1 / alpha)
        found += [alpha, mean, left, right]
    return found


def test_smoke(photograph: Tensor, synthetic: Gaussian) -> None:
    result = niqe(photograph, model=synthetic)
    assert result.shape == (1,)
    assert result.dtype == torch.float64
    assert result.item() > 0


def test_shapes_of_the_steps() -> None:
    luminance = random_luminance(2, 1, 200, 300)
    assert [x.shape for x in local_statistics(luminance)] == [luminance.shape] * 2
    assert mscn(luminance).shape == luminance.shape
    assert block_features(luminance[..., :192, :288], block=96).shape == (2, 6, 18)
    assert block_features(luminance[..., :192, :288], block=48).shape == (2, 24, 18)
    found = features(luminance)
    assert found.shape == (2, 6, 36)
    fitted = fit_gaussian(found)
    assert fitted.mean.shape == (2, 36)
    assert fitted.covariance.shape == (2, 36, 36)
    assert distance(fitted, fitted).tolist() == [0, 0]
    products = list(neighbour_products(luminance))
    assert [x.shape for x in products] == [luminance.shape] * 4


def test_the_steps_leave_their_input_alone() -> None:
    luminance = random_luminance(1, 1, 96, 192)
    before = luminance.clone()
    features(luminance)
    samples = mscn(luminance).flatten(-2)
    kept = samples.clone()
    aggd_fit(samples)
    list(neighbour_products(samples[0]))
    assert torch.equal(luminance, before)
    assert torch.equal(samples, kept)


@pytest.mark.parametrize("size", [(95, 300), (300, 95), (1, 1)])
def test_image_without_a_block(size: tuple[int, int], synthetic: Gaussian) -> None:
    with pytest.raises(ValueError, match=f"96 x 96 pixels; the image has {size[0]} x {size[1]}"):
        niqe(torch.rand(1, 3, *size), model=synthetic)


@pytest.mark.parametrize("size", [(96, 96), (191, 191)])
def test_one_block_has_no_covariance(size: tuple[int, int], synthetic: Gaussian) -> None:
    with pytest.raises(ValueError, match="at least two 96 x 96 blocks"):
        niqe(torch.rand(1, 3, *size), model=synthetic)


def test_wrong_shape_and_range(synthetic: Gaussian) -> None:
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        niqe(torch.rand(1, 1, 192, 192), model=synthetic)
    with pytest.raises(ValueError, match=r"\[0, 1\], but its values span"):
        niqe(255 * torch.rand(1, 3, 192, 192), model=synthetic)


def test_flat_regions_are_exactly_zero() -> None:
    # 20 levels, since round-off differs between them: some would come out as zero by luck.
    levels = torch.arange(16.0, 236.0, 11).double().view(-1, 1, 1, 1)
    flat = levels.expand(-1, 1, 96, 96)
    assert not mscn(flat).any()
    assert not mscn(imresize(flat, scale=1 / 2)).any()


def test_the_smallest_real_difference_is_kept() -> None:
    luminance = torch.full((1, 1, 15, 15), 235.0).double()
    luminance[..., 7, 7] = 234
    coefficients = mscn(luminance)[0, 0]
    # The 7 x 7 window reaches the pixel from its corner with its smallest weight.
    assert coefficients[4, 4] > 0
    assert coefficients[3, 3] == 0


def test_a_flat_image_has_no_niqe_and_spoils_no_batch(
    photograph: Tensor, synthetic: Gaussian
) -> None:
    flat = torch.full_like(photograph, 0.5)
    both = niqe(torch.cat([photograph, flat]), model=synthetic)
    torch.testing.assert_close(both[:1], niqe(photograph, model=synthetic))
    assert both[1].isnan()


def test_a_flat_block_is_left_out() -> None:
    luminance = random_luminance(1, 1, 96, 384)
    luminance[..., 288:] = 235
    # The edge of the flat block sees its neighbour; only a block flat throughout is left out.
    found = block_features(mscn(luminance).index_fill(-1, torch.arange(288, 384), 0.0), block=96)
    assert found[0, 3].isnan().all()
    everything, without = fit_gaussian(found), fit_gaussian(found[:, :3])
    torch.testing.assert_close(everything.mean, without.mean)
    torch.testing.assert_close(everything.covariance, without.covariance)


def test_mscn_equals_the_definition_one_pixel_at_a_time() -> None:
    luminance = random_luminance(1, 1, 9, 11)
    window = gaussian_window(7, 7 / 6)
    expected = torch.zeros(9, 11).double()
    for i in range(9):
        for j in range(11):
            mean, square = 0.0, 0.0
            for u in range(7):
                for v in range(7):
                    row, column = min(max(i + u - 3, 0), 8), min(max(j + v - 3, 0), 10)
                    weight, value = window[u] * window[v], luminance[0, 0, row, column]
                    mean, square = mean + weight * value, square + weight * value**2
            deviation = (square - mean**2) ** 0.5
            expected[i, j] = (luminance[0, 0, i, j] - mean) / (deviation + 1)
    torch.testing.assert_close(mscn(luminance)[0, 0], expected)
    torch.testing.assert_close(mscn(luminance.mT), mscn(luminance).mT)


def test_block_features_equal_the_definition_block_by_block(aggd_by_hand: Fit) -> None:
    coefficients = mscn(random_luminance(2, 1, 24, 36))
    found = block_features(coefficients, block=12)
    for n in range(2):
        for index, (i, j) in enumerate((i, j) for i in (0, 12) for j in (0, 12, 24)):
            block = coefficients[n, 0, i : i + 12, j : j + 12].numpy()
            by_hand = block_by_hand(block, aggd_by_hand)
            assert found[n, index].tolist() == pytest.approx(by_hand, rel=1e-10)


def test_both_scales_describe_the_same_blocks() -> None:
    luminance = random_luminance(1, 1, 192, 288)
    found = features(luminance)
    half = imresize(luminance, scale=1 / 2)
    torch.testing.assert_close(found[..., :18], block_features(mscn(luminance), block=96))
    torch.testing.assert_close(found[..., 18:], block_features(mscn(half), block=48))


def test_what_fills_no_block_is_cut_off() -> None:
    luminance = random_luminance(1, 1, 200, 290)
    assert torch.equal(features(luminance), features(luminance[..., :192, :288]))


def test_a_batch_equals_its_images(photograph: Tensor, synthetic: Gaussian) -> None:
    images = torch.cat([photograph, photograph.flip(-1), 1 - photograph])
    together = niqe(images, model=synthetic)
    each = torch.cat([niqe(image[None], model=synthetic) for image in images])
    torch.testing.assert_close(together, each)
    assert together.unique().numel() == 3


def test_crop_removes_the_border(photograph: Tensor, synthetic: Gaussian) -> None:
    framed = torch.nn.functional.pad(photograph, (4, 4, 4, 4))
    torch.testing.assert_close(
        niqe(framed, model=synthetic, crop=4), niqe(photograph, model=synthetic)
    )


def test_rounding_is_that_of_a_saved_file(photograph: Tensor, synthetic: Gaussian) -> None:
    generator = torch.Generator().manual_seed(0)
    image = photograph + (torch.rand(photograph.shape, generator=generator) - 0.5) / 256
    image = image.clamp(0, 1)
    rounded = niqe(image, model=synthetic)
    torch.testing.assert_close(rounded, niqe(photograph, model=synthetic))
    assert niqe(image, model=synthetic, rounding=False) != rounded


def test_luminance_is_rounded_as_well(photograph: Tensor, synthetic: Gaussian) -> None:
    def by_steps(*, round_y: bool) -> Tensor:
        protocol = Protocol("y", crop=0, round_y=round_y)
        return distance(synthetic, fit_gaussian(features(measured(photograph, protocol=protocol))))

    assert torch.equal(niqe(photograph, model=synthetic), by_steps(round_y=True))
    assert niqe(photograph, model=synthetic) != by_steps(round_y=False)


def test_the_published_window_is_ours(pristine: Gaussian) -> None:
    with np.load(locate("niqe_pris_params.npz", download=False)) as stored:
        published = torch.from_numpy(stored["gaussian_window"])
    window = gaussian_window(7, 7 / 6)
    torch.testing.assert_close(torch.outer(window, window), published, rtol=0, atol=1e-12)


def test_noise_and_blur_are_less_natural(pristine: Gaussian) -> None:
    astronaut = embedded("astronaut")
    generator = torch.Generator().manual_seed(0)
    noisy = astronaut + 0.1 * torch.randn(astronaut.shape, generator=generator)
    blurred = imresize(imresize(astronaut, scale=1 / 4), scale=4)
    images = torch.cat([astronaut, noisy.clamp(0, 1), blurred.clamp(0, 1)])
    natural, *worse = niqe(images, model=pristine).tolist()
    assert min(worse) > natural + 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("set14/baboon.png", 5.7296),
        ("set14/monarch.png", 3.4988),
        ("set14/zebra.png", 3.2759),
        ("bsds500/val/101085.jpg", 2.7707),
        ("bsds500/val/102061.jpg", 3.2897),
    ],
)
def test_published_definition_on_photographs(
    pristine: Gaussian, outside_image: Callable[[str], Tensor], name: str, expected: float
) -> None:
    assert niqe(outside_image(name)).item() == pytest.approx(expected, abs=0.002)


def test_niqe_is_a_measure_and_no_loss() -> None:
    image = torch.rand(1, 3, 192, 192, generator=torch.Generator().manual_seed(0))
    value = niqe(image.requires_grad_(True), model=fit_gaussian(torch.randn(1, 90, 36).double()))
    with pytest.raises(RuntimeError, match="does not require grad"):
        value.backward()
