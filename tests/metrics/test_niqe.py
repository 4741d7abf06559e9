from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import gamma
from torch import Tensor

from tutorial_lib.data import DataUnavailable, embedded, locate
from tutorial_lib.metrics import (
    Gaussian,
    Protocol,
    aggd_fit,
    block_features,
    distance,
    features,
    fit_gaussian,
    ggd_fit,
    imresize,
    local_statistics,
    measured,
    mscn,
    neighbour_products,
    niqe,
    pristine_model,
)
from tutorial_lib.metrics.gaussian import gaussian_window

ALPHAS = np.arange(200, 10001) / 1000
RATIOS = gamma(2 / ALPHAS) ** 2 / (gamma(1 / ALPHAS) * gamma(3 / ALPHAS))


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    """A 192 x 288 part of the astronaut: six blocks."""
    return embedded("astronaut")[..., 100:292, 60:348]


@pytest.fixture(scope="module")
def synthetic() -> Gaussian:
    """A model that needs no data."""
    return Gaussian(torch.zeros(36).double(), torch.eye(36).double())


@pytest.fixture(scope="session")
def pristine() -> Gaussian:
    try:
        locate("niqe_pris_params.npz", download=False)
    except DataUnavailable as unavailable:
        pytest.skip(str(unavailable))
    return pristine_model()


def random_luminance(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(16, 236, shape, generator=generator).double()


def aggd_by_hand(x: NDArray[np.float64]) -> tuple[float, float, float]:
    """The moment match as published: exhaustive search of the grid, one set of samples."""
    left, right = np.sqrt((x[x < 0] ** 2).mean()), np.sqrt((x[x > 0] ** 2).mean())
    skew = left / right
    wanted = np.abs(x).mean() ** 2 / (x**2).mean() * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    alpha = ALPHAS[np.argmin((RATIOS - wanted) ** 2)]
    unit = math.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
    return alpha, left * unit, right * unit


def block_by_hand(block: NDArray[np.float64]) -> list[float]:
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


def generalised_gaussian(alpha: float, beta: float, n: int = 400_000) -> Tensor:
    generator = np.random.default_rng(0)
    magnitude = beta * generator.gamma(1 / alpha, size=n) ** (1 / alpha)
    return torch.from_numpy(magnitude * generator.choice([-1, 1], size=n))


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
    ggd_fit(samples)
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


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 4.0])
def test_the_symmetric_fit_recovers_its_parameters(alpha: float) -> None:
    found, beta = ggd_fit(generalised_gaussian(alpha, 1.7))
    assert found.item() == pytest.approx(alpha, rel=0.02)
    assert beta.item() == pytest.approx(1.7, rel=0.03)


@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.5, 2.0), (3.0, 1.0)])
@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_the_asymmetric_fit_recovers_its_parameters(
    alpha: float, left: float, right: float
) -> None:
    # Each side is half a generalised Gaussian, as often drawn as it is wide.
    size = generalised_gaussian(alpha, 1.0).abs()
    cut = round(len(size) * left / (left + right))
    samples = torch.cat([-left * size[:cut], right * size[cut:]])
    found = aggd_fit(samples)
    assert [x.item() for x in found] == pytest.approx([alpha, left, right], rel=0.03)


def test_the_fits_agree_on_symmetric_samples() -> None:
    half = generalised_gaussian(1.3, 0.8, n=10_000)
    samples = torch.cat([half, -half])
    alpha, beta = ggd_fit(samples)
    torch.testing.assert_close(aggd_fit(samples), (alpha, beta, beta))


def test_the_fits_follow_the_scale_of_the_samples() -> None:
    samples = generalised_gaussian(0.9, 1.0, n=5_000) + 0.1
    alpha, left, right = aggd_fit(samples)
    torch.testing.assert_close(aggd_fit(1000 * samples), (alpha, 1000 * left, 1000 * right))
    torch.testing.assert_close(aggd_fit(-samples), (alpha, right, left))


def test_shapes_beyond_the_grid_end_at_its_ends() -> None:
    uniform = torch.linspace(-1, 1, 10_001).double()
    two_valued = torch.tensor([-1.0, 1.0]).double().repeat(50)
    spike = torch.zeros(10_000).double()
    spike[0], spike[1] = -1, 1
    assert ggd_fit(uniform)[0].item() == pytest.approx(10)
    assert ggd_fit(two_valued)[0].item() == pytest.approx(10)
    assert ggd_fit(spike)[0].item() == pytest.approx(0.2)


@pytest.mark.parametrize("samples", [torch.zeros(9), torch.rand(9), -torch.rand(9)])
def test_an_asymmetric_fit_needs_both_sides(samples: Tensor) -> None:
    assert all(parameter.isnan() for parameter in aggd_fit(samples))


def test_asymmetric_fits_equal_the_exhaustive_search() -> None:
    generator = torch.Generator().manual_seed(0)
    powers = torch.linspace(0.3, 3, 40).double()[:, None]
    samples = torch.randn(40, 500, generator=generator).double()
    samples = samples.sign() * samples.abs() ** powers + 0.2
    together = torch.stack(aggd_fit(samples), dim=-1)
    by_hand = [aggd_by_hand(row) for row in samples.numpy()]
    torch.testing.assert_close(together, torch.tensor(by_hand).double(), rtol=1e-10, atol=0)


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


def test_block_features_equal_the_definition_block_by_block() -> None:
    coefficients = mscn(random_luminance(2, 1, 24, 36))
    found = block_features(coefficients, block=12)
    for n in range(2):
        for index, (i, j) in enumerate((i, j) for i in (0, 12) for j in (0, 12, 24)):
            by_hand = block_by_hand(coefficients[n, 0, i : i + 12, j : j + 12].numpy())
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


def test_gaussian_of_features_equals_numpy() -> None:
    found = random_luminance(3, 8, 5)
    found[1, 2, 3] = torch.nan
    fitted = fit_gaussian(found)
    for n, kept in enumerate((range(8), (0, 1, 3, 4, 5, 6, 7), range(8))):
        rows = found[n, list(kept)].numpy()
        assert fitted.mean[n].tolist() == pytest.approx(rows.mean(axis=0).tolist())
        torch.testing.assert_close(
            fitted.covariance[n], torch.from_numpy(np.cov(rows, rowvar=False))
        )


def test_one_block_left_gives_nan() -> None:
    found = random_luminance(1, 3, 4)
    found[0, 1:, 0] = torch.nan
    fitted = fit_gaussian(found)
    assert fitted.mean.isnan().all()
    assert fitted.covariance.isnan().all()
    known = Gaussian(torch.zeros(4).double(), torch.eye(4).double())
    assert distance(known, fitted).isnan().all()


def test_distance_is_that_of_mahalanobis() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(2, 5, 5, generator=generator).double()
    covariance = root @ root.mT
    mean = torch.randn(2, 5, generator=generator).double()
    first, second = (Gaussian(mean[i], covariance[i]) for i in range(2))
    offset = mean[0] - mean[1]
    expected = (offset @ torch.linalg.solve(covariance.mean(dim=0), offset)).sqrt()
    torch.testing.assert_close(distance(first, second), expected)
    torch.testing.assert_close(distance(second, first), expected)
    assert distance(first, first).item() == 0


def test_distance_ignores_what_a_singular_covariance_does_not_know() -> None:
    flat = torch.diag(torch.tensor([4.0, 0.0]).double())
    first = Gaussian(torch.zeros(2).double(), flat)
    second = Gaussian(torch.tensor([6.0, 5.0]).double(), flat)
    assert distance(first, second).item() == pytest.approx(3)


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


def test_the_pristine_model_is_a_gaussian_of_36_features(pristine: Gaussian) -> None:
    assert pristine.mean.shape == (36,)
    assert pristine.covariance.shape == (36, 36)
    torch.testing.assert_close(pristine.covariance, pristine.covariance.T)
    assert torch.linalg.eigvalsh(pristine.covariance).min() > 0


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
