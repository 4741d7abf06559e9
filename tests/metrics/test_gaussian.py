from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tutorial_lib.metrics.gaussian import gaussian_filter, gaussian_window


def test_window_is_a_symmetric_bell_that_sums_to_one() -> None:
    window = gaussian_window(11, 1.5)
    assert window.sum().item() == pytest.approx(1)
    assert torch.equal(window, window.flip(0))
    assert (window[:6].diff() > 0).all()
    # One standard deviation and a half off the centre ... three samples are two of them.
    assert (window[8] / window[5]).log().item() == pytest.approx(-2)


@pytest.mark.parametrize("size", [0, 4, -3])
def test_even_or_empty_windows_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        gaussian_window(size, 1.0)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_senseless_widths_are_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        gaussian_window(3, sigma)


def test_image_smaller_than_the_window() -> None:
    with pytest.raises(ValueError, match="6 x 20 pixels is smaller than the 7 x 7 window"):
        gaussian_filter(torch.zeros(1, 1, 6, 20), gaussian_window(7, 1.0))


def test_filter_leaves_its_input_alone() -> None:
    image = torch.rand(1, 1, 9, 9)
    before = image.clone()
    gaussian_filter(image, gaussian_window(3, 1.0))
    assert torch.equal(image, before)


def test_filter_equals_a_two_dimensional_convolution() -> None:
    image = torch.rand(2, 3, 15, 19, dtype=torch.float64)
    window = gaussian_window(7, 7 / 6)
    square = torch.outer(window, window).expand(3, 1, 7, 7)
    expected = F.conv2d(image, square, groups=3)
    torch.testing.assert_close(gaussian_filter(image, window), expected)
