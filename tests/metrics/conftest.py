"""What the tests of NIQE's parts share."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gamma

from tutorial_lib.files import DataUnavailable, locate
from tutorial_lib.metrics import Gaussian, pristine_model

ALPHAS = np.arange(200, 10001) / 1000
RATIOS = gamma(2 / ALPHAS) ** 2 / (gamma(1 / ALPHAS) * gamma(3 / ALPHAS))


@pytest.fixture(scope="session")
def pristine() -> Gaussian:
    try:
        locate("niqe_pris_params.npz", download=False)
    except DataUnavailable as unavailable:
        pytest.skip(str(unavailable))
    return pristine_model()


Fit = Callable[[NDArray[np.float64]], tuple[float, float, float]]


@pytest.fixture(scope="session")
def aggd_by_hand() -> Fit:
    """The moment match as published: exhaustive search of the grid, one set of samples."""

    def fit(x: NDArray[np.float64]) -> tuple[float, float, float]:
        left, right = np.sqrt((x[x < 0] ** 2).mean()), np.sqrt((x[x > 0] ** 2).mean())
        skew = left / right
        wanted = (
            np.abs(x).mean() ** 2 / (x**2).mean() * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
        )
        alpha = ALPHAS[np.argmin((RATIOS - wanted) ** 2)]
        unit = math.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
        return alpha, left * unit, right * unit

    return fit
