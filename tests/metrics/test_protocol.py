from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from tutorial_lib.data import low_resolution, mod_crop
from tutorial_lib.metrics import (
    PIRM,
    RGB,
    Protocol,
    Y,
    imresize,
    measured,
    mse,
    psnr,
    rmse,
    ssim,
    to_y,
)

FLOAT_RGB = Protocol("rgb", crop=0, rounding=False)
Metric = Callable[..., Tensor]
METRICS = (psnr, ssim, rmse, mse)


def pair(
    *, n: int = 1, size: tuple[int, int] = (32, 40), noise: float = 0.1
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(n, 3, *size, generator=generator)
    image = reference + noise * torch.randn(n, 3, *size, generator=generator)
    return image.clamp(0, 1), reference


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("protocol", [Y, RGB, PIRM, FLOAT_RGB])
def test_smoke_one_double_an_image(metric: Metric, protocol: Protocol) -> None:
    result = metric(*pair(n=3), protocol=protocol)
    assert result.shape == (3,)
    assert result.dtype == torch.float64
    assert result.isfinite().all()


def test_measured_shape_and_scale() -> None:
    white = torch.ones(2, 3, 20, 30)
    assert measured(white, protocol=RGB).shape == (2, 3, 12, 22)
    luminance = measured(white, protocol=Protocol("y", crop=1))
    assert luminance.shape == (2, 1, 18, 28)
    assert luminance.unique().tolist() == [235]
    assert measured(0 * white, protocol=Y).unique().tolist() == [16]


def test_measured_leaves_its_input_alone() -> None:
    image, _ = pair()
    before = image.clone()
    measured(image, protocol=PIRM)
    assert torch.equal(image, before)


def test_settings_are_frozen_and_comparable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Y.crop = 2  # type: ignore[misc]
    assert Protocol("y", crop=4) == Y
    assert PIRM != Y


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        (
            Y,
            "luminance Y (BT.601, 16-235), 4 pixels cropped from each edge, "
            "images rounded to 8 bits",
        ),
        (FLOAT_RGB, "RGB, nothing cropped, images not rounded"),
        (Protocol("rgb", crop=1), "RGB, 1 pixel cropped from each edge, images rounded to 8 bits"),
        (
            PIRM,
            "luminance Y (BT.601, 16-235), 4 pixels cropped from each edge, "
            "images and Y rounded to 8 bits",
        ),
    ],
)
def test_description(protocol: Protocol, sentence: str) -> None:
    assert protocol.describe() == sentence


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channel": "Y"}, "channel must be"),
        ({"channel": "cb"}, "channel must be"),
        ({"channel": "y", "crop": -1}, "crop must be"),
        ({"channel": "y", "crop": 2.0}, "crop must be"),
        ({"channel": "y", "crop": True}, "crop must be"),
        ({"channel": "rgb", "round_y": True}, "round_y needs"),
        ({"channel": "y", "rounding": False, "round_y": True}, "round_y needs"),
    ],
)
def test_senseless_protocols_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Protocol(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", METRICS)
def test_shapes_must_match(metric: Metric) -> None:
    with pytest.raises(ValueError, match=r"same shape, got \(1, 3, 32, 40\) and \(1, 3, 32, 36\)"):
        metric(torch.rand(1, 3, 32, 40), torch.rand(1, 3, 32, 36), protocol=Y)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 4, 32, 32)])
def test_only_batches_of_colour_images(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        psnr(torch.rand(shape), torch.rand(shape), protocol=Y)
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        to_y(torch.rand(shape))


@pytest.mark.parametrize(
    ("low", "high", "span"), [(0, 255, r"\[0, 255\]"), (-1, 1, r"\[-1, 1\]"), (0, math.nan, "nan")]
)
@pytest.mark.parametrize("metric", METRICS)
def test_wrong_ranges_are_named(metric: Metric, low: float, high: float, span: str) -> None:
    good, bad = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    bad[0, 0, 0, :2] = torch.tensor([low, high])
    with pytest.raises(ValueError, match=rf"^image must lie in \[0, 1\].*{span}"):
        metric(bad, good, protocol=Y)
    with pytest.raises(ValueError, match=rf"^reference must lie in \[0, 1\].*{span}"):
        metric(good, bad, protocol=Y)


def test_what_rounding_mends_is_in_range() -> None:
    black = torch.zeros(1, 3, 16, 16)
    assert psnr(black - 0.4 / 255, black, protocol=RGB).item() == math.inf
    assert psnr(1 - black + 0.4 / 255, 1 - black, protocol=RGB).item() == math.inf
    with pytest.raises(ValueError, match="clamp"):
        psnr(black - 0.6 / 255, black, protocol=RGB)


def test_integers_are_refused() -> None:
    image = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    with pytest.raises(ValueError, match="divide 8-bit values by 255"):
        psnr(image, image, protocol=RGB)
    with pytest.raises(ValueError, match="divide 8-bit values by 255"):
        to_y(image)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        psnr(torch.zeros(0, 3, 16, 16), torch.zeros(0, 3, 16, 16), protocol=RGB)


@pytest.mark.parametrize("metric", METRICS)
def test_image_smaller_than_the_crop(metric: Metric) -> None:
    image = torch.rand(1, 3, 8, 30)
    with pytest.raises(ValueError, match="8 x 30 pixels has nothing left after cropping 4"):
        metric(image, image, protocol=Y)


def test_image_smaller_than_the_window_of_ssim() -> None:
    image = torch.rand(1, 3, 18, 30)
    assert psnr(image, image, protocol=Y).item() == math.inf
    with pytest.raises(ValueError, match="11 x 11 pixels, but 10 x 22 are left after cropping 4"):
        ssim(image, image, protocol=Y)
    assert ssim(image, image, protocol=Protocol("y", crop=3)).item() == pytest.approx(1)


def test_gradient_of_luminance() -> None:
    image = torch.rand(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(to_y, image)


def test_measuring_keeps_no_graph() -> None:
    image, reference = pair()
    image.requires_grad_()
    assert not any(metric(image, reference, protocol=Y).requires_grad for metric in METRICS)


@pytest.mark.parametrize("protocol", [Y, RGB, PIRM, FLOAT_RGB])
def test_identical_images(protocol: Protocol) -> None:
    image, _ = pair()
    assert psnr(image, image, protocol=protocol).item() == math.inf
    assert ssim(image, image, protocol=protocol).item() == pytest.approx(1)
    assert rmse(image, image, protocol=protocol).item() == 0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("protocol", [Y, RGB])
def test_symmetric_and_a_batch_equals_its_images(metric: Metric, protocol: Protocol) -> None:
    images, references = pair(n=3)
    together = metric(images, references, protocol=protocol)
    torch.testing.assert_close(metric(references, images, protocol=protocol), together)
    each = [
        metric(image[None], reference[None], protocol=protocol)
        for image, reference in zip(images, references, strict=True)
    ]
    torch.testing.assert_close(torch.cat(each), together)


def test_cropping_forgets_the_border() -> None:
    image, reference = pair()
    spoilt = image.clone()
    spoilt[..., :4, :] = 0
    spoilt[..., -4:] = 1
    for metric in METRICS:
        expected = metric(image, reference, protocol=RGB)
        assert torch.equal(metric(spoilt, reference, protocol=RGB), expected)


def test_rounding_is_that_of_a_saved_file() -> None:
    image, reference = pair()
    saved = (255 * image).round() / 255
    for metric in METRICS:
        unrounded = dataclasses.replace(Y, rounding=False)
        expected = metric(saved, (255 * reference).round() / 255, protocol=unrounded)
        torch.testing.assert_close(
            metric(image, reference, protocol=Y), expected, rtol=1e-6, atol=0
        )


def test_half_precision_holds_the_same_eight_bits() -> None:
    levels = (torch.arange(256) / 255).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    protocol = Protocol("rgb", crop=0)
    expected = torch.arange(256.0).double()
    assert torch.equal(measured(levels.half(), protocol=protocol)[0, 0].flatten(), expected)


def test_grey_errors_are_smaller_in_studio_range_luminance() -> None:
    reference = torch.full((1, 3, 16, 16), 0.5)
    image = reference + 0.1
    unrounded = Protocol("y", crop=0, rounding=False)
    colour = psnr(image, reference, protocol=FLOAT_RGB).item()
    luminance = psnr(image, reference, protocol=unrounded).item()
    assert colour == pytest.approx(20, abs=1e-4)
    assert luminance - colour == pytest.approx(20 * math.log10(255 / 219), abs=1e-4)


def test_luminance_of_the_primaries() -> None:
    primaries = torch.eye(3).view(3, 3, 1, 1)
    # 81, 145 and 41 are the textbook 8-bit values of pure red, green and blue.
    assert (255 * to_y(primaries)).round().flatten().tolist() == [81, 145, 41]
    assert (255 * to_y(primaries.half()).float()).round().flatten().tolist() == [81, 145, 41]


def test_pirm_rounds_luminance_once_more() -> None:
    image, reference = pair()
    luminance = measured(image, protocol=PIRM)
    assert torch.equal(luminance, measured(image, protocol=Y).round())
    assert rmse(image, reference, protocol=PIRM) != rmse(image, reference, protocol=Y)


def test_pirm_takes_the_root_of_the_mean() -> None:
    reference = torch.zeros(2, 3, 16, 16)
    image = torch.stack([torch.full((3, 16, 16), 3 / 255), torch.full((3, 16, 16), 21 / 255)])
    per_image = rmse(image, reference, protocol=RGB)
    pooled = mse(image, reference, protocol=RGB).mean().sqrt()
    assert per_image.tolist() == pytest.approx([3, 21])
    assert pooled.item() == pytest.approx(15)


def test_psnr_equals_skimage() -> None:
    image, reference = pair()
    expected = peak_signal_noise_ratio(
        reference[0].double().numpy(), image[0].double().numpy(), data_range=1
    )
    assert psnr(image, reference, protocol=FLOAT_RGB).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_ssim_equals_skimage_where_the_window_fits(noise: float) -> None:
    image, reference = pair(noise=noise)
    _, index = structural_similarity(
        255 * reference[0].double().numpy(),
        255 * image[0].double().numpy(),
        channel_axis=0,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    expected = index[:, 5:-5, 5:-5].mean()
    assert ssim(image, reference, protocol=FLOAT_RGB).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["baby", "bird", "butterfly", "head", "woman"])
def test_bicubic_on_set5(
    reference_dir: Path, outside_image: Callable[[str], Tensor], name: str
) -> None:
    reference = json.loads((reference_dir / "metrics_reference.json").read_text())
    expected = reference["set5_bicubic_x4"][name]
    hr = mod_crop(outside_image(f"set5/{name}.png"), 4)
    enlarged = imresize(low_resolution(hr, scale=4), scale=4).clamp(0, 1)
    for channel, protocol in (("y", Y), ("rgb", RGB)):
        decibels = psnr(enlarged, hr, protocol=protocol).item()
        similarity = ssim(enlarged, hr, protocol=protocol).item()
        assert decibels == pytest.approx(expected[f"psnr_{channel}"], abs=1e-4)
        assert similarity == pytest.approx(expected[f"ssim_{channel}"], abs=1e-5)
