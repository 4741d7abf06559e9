from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tutorial_lib.metrics import imresize
from tutorial_lib.metrics.resize import taps

SCALES = (1 / 4, 1 / 3, 1 / 2, 0.7, 1.0, 1.5, 2.0, 4.0)


def random_image(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def cubic_by_hand(x: float) -> float:
    r = abs(x)
    if r <= 1:
        return 1.5 * r**3 - 2.5 * r**2 + 1
    if r < 2:
        return -0.5 * r**3 + 2.5 * r**2 - 4 * r + 2
    return 0.0


def resize_line_by_hand(line: list[float], out_length: int, scale: float) -> list[float]:
    """MATLAB's definition one number at a time, over every pixel that could matter."""
    stretch = min(scale, 1.0)
    mirrored = line + line[::-1]
    reach = math.ceil(2 / stretch) + 2
    result = []
    for i in range(out_length):
        centre = (i + 0.5) / scale - 0.5
        positions = range(math.floor(centre) - reach, math.floor(centre) + reach + 1)
        weights = [cubic_by_hand(stretch * (centre - p)) for p in positions]
        values = [mirrored[p % len(mirrored)] for p in positions]
        total = sum(w * v for w, v in zip(weights, values, strict=True))
        result.append(total / sum(weights))
    return result


def test_smoke() -> None:
    assert imresize(torch.rand(1, 3, 12, 16), scale=2).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", SCALES)
def test_shape_and_dtype(scale: float, dtype: torch.dtype) -> None:
    result = imresize(random_image(2, 3, 37, 53).to(dtype), scale=scale)
    assert result.shape == (2, 3, math.ceil(scale * 37), math.ceil(scale * 53))
    assert result.dtype == dtype


def test_length_is_not_rounded_up_by_round_off() -> None:
    assert 100 * 0.55 > 55
    assert imresize(random_image(1, 1, 100, 3), scale=0.55).shape[-2:] == (55, 2)


def test_a_whole_image_shrinks_to_its_mean() -> None:
    image = random_image(1, 1, 8, 8)
    assert imresize(image, scale=0.01).item() == pytest.approx(image.mean().item(), abs=0.01)


def test_size_gives_each_side_its_own_scale() -> None:
    image = random_image(1, 2, 12, 18)
    both = imresize(image, size=(6, 54))
    rows = imresize(image, size=(6, 18))
    assert both.shape == (1, 2, 6, 54)
    torch.testing.assert_close(both, imresize(rows, size=(6, 54)))
    torch.testing.assert_close(imresize(image, size=(6, 9)), imresize(image, scale=1 / 2))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 1, 5), (2, 1, 2, 3)])
@pytest.mark.parametrize("scale", [0.25, 3.0])
def test_images_smaller_than_the_kernel(shape: tuple[int, ...], scale: float) -> None:
    result = imresize(torch.full(shape, 0.3), scale=scale)
    torch.testing.assert_close(result, torch.full_like(result, 0.3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either scale or size"),
        ({"scale": 2.0, "size": (4, 4)}, "not both"),
        ({"scale": 0.0}, "positive"),
        ({"scale": -1.0}, "positive"),
        ({"scale": math.nan}, "positive"),
        ({"scale": math.inf}, "positive"),
        ({"size": (0, 4)}, "at least 1"),
        ({"size": (4,)}, "at least 1"),
        ({"scale": 2.0, "kernel": "lanczos"}, "bicubic, bilinear"),
    ],
)
def test_senseless_settings_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        imresize(torch.zeros(1, 3, 8, 8), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(3, 8, 8), (8, 8), (1, 1, 3, 8, 8)])
def test_only_batches_of_images_are_accepted(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(N, C, H, W\)"):
        imresize(torch.zeros(shape), scale=2)


def test_an_empty_image_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        imresize(torch.zeros(1, 3, 0, 8), scale=2)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float16, torch.bfloat16])
def test_other_dtypes_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match="float32 or float64"):
        imresize(torch.zeros(1, 3, 8, 8, dtype=dtype), scale=2)


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
@pytest.mark.parametrize("scale", [0.3, 2.5])
def test_gradient(scale: float, kernel: str) -> None:
    image = random_image(1, 2, 6, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: imresize(x, scale=scale, kernel=kernel), image)


def test_differentiable_after_a_first_call_in_inference_mode() -> None:
    shape = (1, 1, 23, 29)  # no other test caches the weights of these sides
    with torch.inference_mode():
        imresize(torch.zeros(shape), scale=0.5)
    image = torch.zeros(shape, requires_grad=True)
    imresize(image, scale=0.5).sum().backward()
    assert image.grad is not None
    assert image.grad.sum() == pytest.approx(12 * 15, rel=1e-5)


def test_autocast_does_not_coarsen_the_result() -> None:
    image = torch.rand(1, 3, 24, 24)
    expected = imresize(image, scale=0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = imresize(image, scale=0.5)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, expected, rtol=0, atol=0)


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("scale", SCALES)
def test_constant_stays_constant(scale: float, antialias: bool, kernel: str) -> None:
    image = torch.full((1, 3, 21, 17), 0.625, dtype=torch.float64)
    result = imresize(image, scale=scale, antialias=antialias, kernel=kernel)
    torch.testing.assert_close(result, torch.full_like(result, 0.625))


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
def test_scale_one_is_the_identity(kernel: str) -> None:
    image = random_image(2, 3, 11, 13)
    assert torch.equal(imresize(image, scale=1, kernel=kernel), image)


@pytest.mark.parametrize("scale", SCALES)
def test_linear(scale: float) -> None:
    a, b = random_image(1, 1, 19, 23, seed=1), random_image(1, 1, 19, 23, seed=2)
    together = imresize(3 * a - 2 * b, scale=scale)
    torch.testing.assert_close(
        together, 3 * imresize(a, scale=scale) - 2 * imresize(b, scale=scale)
    )


@pytest.mark.parametrize("scale", SCALES)
def test_commutes_with_transposing_and_flipping(scale: float) -> None:
    image = random_image(1, 3, 20, 24)
    result = imresize(image, scale=scale)
    torch.testing.assert_close(imresize(image.mT, scale=scale), result.mT)
    if (scale * 24).is_integer() and (scale * 20).is_integer():
        torch.testing.assert_close(imresize(image.flip(-1), scale=scale), result.flip(-1))


def test_a_batch_equals_its_images() -> None:
    images = random_image(3, 3, 14, 15)
    each = torch.cat([imresize(image[None], scale=0.6) for image in images])
    assert torch.equal(imresize(images, scale=0.6), each)


def test_antialiasing_removes_what_the_small_image_cannot_hold() -> None:
    stripes = (torch.arange(32) % 2).double().expand(1, 1, 32, 32)
    smooth = imresize(stripes, scale=1 / 4)
    aliased = imresize(stripes, scale=1 / 3, antialias=False)
    assert smooth[..., 2:-2].std() < 1e-3
    assert aliased[..., 2:-2].std() > 0.3


def test_bilinear_on_a_ramp_and_its_mirrored_edge() -> None:
    ramp = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64).view(1, 1, 1, 4)
    result = imresize(ramp, size=(1, 8), kernel="bilinear").flatten()
    expected = [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]
    assert result.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("scale", SCALES)
def test_equals_the_definition_one_number_at_a_time(scale: float) -> None:
    image = random_image(1, 1, 1, 13)
    out_length = math.ceil(scale * 13)
    by_hand = resize_line_by_hand(image.flatten().tolist(), out_length, scale)
    # A single row is resized along its length alone: its height has nothing to mix with.
    result = imresize(image, scale=scale)[0, 0, 0]
    assert result.tolist() == pytest.approx(by_hand, abs=1e-12)


def test_weights_are_normalised_and_no_tap_is_idle() -> None:
    source, weight = taps(40, 10, scale=1 / 4)
    assert weight.sum(dim=0).tolist() == pytest.approx([1.0] * 10)
    assert source.min() == 0
    assert source.max() == 39
    assert (weight != 0).any(dim=1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_matlab_at_six_scales(reference_dir: Path, dtype: torch.dtype) -> None:
    with np.load(reference_dir / "imresize_reference.npz") as reference:
        image = torch.from_numpy(reference["input"]).to(dtype).permute(2, 0, 1)[None]
        keys = [key for key in reference.files if key.startswith("scale_")]
        assert len(keys) == 6
        for key in keys:
            scale = {"0.3333": 1 / 3}.get(key[6:], float(key[6:]))
            expected = torch.from_numpy(reference[key]).to(dtype).permute(2, 0, 1)[None]
            torch.testing.assert_close(imresize(image, scale=scale), expected, rtol=0, atol=1e-5)
