"""NIQE against a plain NumPy and SciPy version of the same definition, on a 512 x 512 photograph.

Run by itself: ``pytest benchmarks/test_niqe_speed.py -s``. On a machine that is busy with something
else, two threads spend their time waiting for each other; ``OMP_WAIT_POLICY=passive`` before the
command lessens that.

The plain version is written as published code is: block by block, the table of moment ratios
computed by the function that searches it. So that the table does not take all the credit, the
ratio to the plain version with its table computed once is printed as well.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate
from scipy.special import gamma
from skimage.data import astronaut

from tutorial_lib.data import DataUnavailable
from tutorial_lib.metrics import Gaussian, features, fit_gaussian, measured, niqe, pristine_model
from tutorial_lib.metrics.protocol import PIRM

Array = NDArray[np.float64]
Table = tuple[Array, Array]
ROUNDS = 15


def shape_table() -> Table:
    alpha = np.arange(200, 10001) / 1000
    return alpha, gamma(2 / alpha) ** 2 / (gamma(1 / alpha) * gamma(3 / alpha))


def plain_fit(x: Array, table: Table | None) -> tuple[float, float, float]:
    alphas, ratios = shape_table() if table is None else table
    left, right = np.sqrt(np.mean(x[x < 0] ** 2)), np.sqrt(np.mean(x[x > 0] ** 2))
    skew = left / right
    ratio = np.mean(np.abs(x)) ** 2 / np.mean(x**2)
    wanted = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    alpha = alphas[np.argmin((ratios - wanted) ** 2)]
    unit = np.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
    return alpha, left * unit, right * unit


def plain_block(block: Array, table: Table | None) -> list[float]:
    alpha, left, right = plain_fit(block.ravel(), table)
    found = [alpha, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        products = block * np.roll(block, shift, axis=(0, 1))
        alpha, left, right = plain_fit(products.ravel(), table)
        mean = (right - left) * gamma(2 / alpha) / gamma(1 / alpha)
        found += [alpha, mean, left, right]
    return found


def plain_half(side: int) -> Array:
    """Matrix of MATLAB's antialiased bicubic reduction by two, for an even side."""
    matrix = np.zeros((side // 2, side))
    for i in range(side // 2):
        for tap in range(2 * i - 3, 2 * i + 5):
            r = abs(tap - (2 * i + 0.5)) / 2
            near, far = (1.5 * r - 2.5) * r**2 + 1, ((2.5 - 0.5 * r) * r - 4) * r + 2
            mirrored = -tap - 1 if tap < 0 else min(tap, 2 * side - 1 - tap)
            matrix[i, mirrored] += (near if r <= 1 else far) / 2
    return matrix


def plain_niqe(picture: NDArray[np.uint8], model: Gaussian, table: Table | None = None) -> float:
    image = np.round(16 + picture @ np.array([65.481, 128.553, 24.966]) / 255)
    height, width = (side // 96 * 96 for side in image.shape)
    image = image[:height, :width]
    x = np.arange(-3, 4)
    window = np.exp(-(x[:, None] ** 2 + x**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    scales = []
    for block in (96, 48):
        mean = correlate(image, window, mode="nearest")
        variance = correlate(image**2, window, mode="nearest") - mean**2
        difference = image - mean
        difference[np.abs(difference) < 1e-11] = 0
        coefficients = difference / (np.sqrt(np.abs(variance)) + 1)
        scales.append(
            [
                plain_block(coefficients[i : i + block, j : j + block], table)
                for i in range(0, image.shape[0], block)
                for j in range(0, image.shape[1], block)
            ]
        )
        if block == 96:
            image = plain_half(height) @ image @ plain_half(width).T
    found = np.concatenate(scales, axis=1)
    covariance = (np.cov(found, rowvar=False) + model.covariance.numpy()) / 2
    offset = found.mean(axis=0) - model.mean.numpy()
    return math.sqrt(offset @ np.linalg.pinv(covariance) @ offset)


@pytest.fixture(scope="module")
def model() -> Gaussian:
    try:
        return pristine_model()
    except DataUnavailable:
        # Any model times the same: a smooth random scene stands in for the photographs.
        scene = torch.rand(1, 3, 480, 480, generator=torch.Generator().manual_seed(0))
        fitted = fit_gaussian(features(measured(scene, protocol=PIRM)))
        return Gaussian(fitted.mean[0], fitted.covariance[0] + torch.eye(36).double())


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def test_niqe_is_five_times_as_fast_as_the_plain_version(model: Gaussian, threads: int) -> None:
    picture = astronaut()
    image = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255
    table = shape_table()
    assert niqe(image, model=model).item() == pytest.approx(plain_niqe(picture, model), abs=1e-3)

    # Taking turns, and the fastest round of each: other programs on the machine only add time.
    ours, plain, tabled = zip(
        *(
            (
                seconds(lambda: niqe(image, model=model)),
                seconds(lambda: plain_niqe(picture, model)),
                seconds(lambda: plain_niqe(picture, model, table)),
            )
            for _ in range(ROUNDS)
        ),
        strict=True,
    )
    t, p, h = (min(times) for times in (ours, plain, tabled))
    print(
        f"\n{threads} thread(s): niqe {1e3 * t:.1f} ms; plain {1e3 * p:.1f} ms, {p / t:.1f} times; "
        f"plain with its table computed once {1e3 * h:.1f} ms, {h / t:.1f} times"
    )
    assert p / t >= 5
