from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tutorial_lib.metrics import aggd_fit, aggd_mean

Fit = Callable[[NDArray[np.float64]], tuple[float, float, float]]


def generalised_gaussian(alpha: float, beta: float, n: int = 400_000) -> Tensor:
    generator = np.random.default_rng(0)
    magnitude = beta * generator.gamma(1 / alpha, size=n) ** (1 / alpha)
    return torch.from_numpy(magnitude * generator.choice([-1, 1], size=n))


@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.5, 2.0), (3.0, 1.0)])
@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 4.0])
def test_the_fit_recovers_its_parameters(alpha: float, left: float, right: float) -> None:
    # Each side is half a generalised Gaussian, as often drawn as it is wide.
    size = generalised_gaussian(alpha, 1.0).abs()
    cut = round(len(size) * left / (left + right))
    samples = torch.cat([-left * size[:cut], right * size[cut:]])
    found = aggd_fit(samples)
    assert [x.item() for x in found] == pytest.approx([alpha, left, right], rel=0.03)


def test_symmetric_samples_have_one_scale_and_the_moments_of_their_shape() -> None:
    half = generalised_gaussian(1.3, 0.8, n=10_000)
    samples = torch.cat([half, -half])
    alpha, left, right = aggd_fit(samples)
    torch.testing.assert_close(left, right)
    # The paper's equation 5: the fitted density has the samples' variance and mean size.
    gamma = [torch.lgamma(k / alpha).exp() for k in (1, 2, 3)]
    torch.testing.assert_close(left.square() * gamma[2] / gamma[0], samples.square().mean())
    torch.testing.assert_close(left * gamma[1] / gamma[0], samples.abs().mean(), rtol=1e-3, atol=0)


def test_the_scales_can_be_differentiated_and_the_shape_cannot() -> None:
    random = torch.Generator().manual_seed(0)
    samples = torch.randn(3, 40, generator=random, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: aggd_fit(x)[1:], (samples,))
    (gradient,) = torch.autograd.grad(
        aggd_fit(samples)[0].sum(), samples, allow_unused=True, materialize_grads=True
    )
    assert not gradient.any()


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
    assert aggd_fit(uniform)[0].item() == pytest.approx(10)
    assert aggd_fit(two_valued)[0].item() == pytest.approx(10)
    assert aggd_fit(spike)[0].item() == pytest.approx(0.2)


@pytest.mark.parametrize("samples", [torch.zeros(9), torch.rand(9), -torch.rand(9)])
def test_an_asymmetric_fit_needs_both_sides(samples: Tensor) -> None:
    assert all(parameter.isnan() for parameter in aggd_fit(samples))


def test_asymmetric_fits_equal_the_exhaustive_search(aggd_by_hand: Fit) -> None:
    generator = torch.Generator().manual_seed(0)
    powers = torch.linspace(0.3, 3, 40).double()[:, None]
    samples = torch.randn(40, 500, generator=generator).double()
    samples = samples.sign() * samples.abs() ** powers + 0.2
    together = torch.stack(aggd_fit(samples), dim=-1)
    by_hand = [aggd_by_hand(row) for row in samples.numpy()]
    torch.testing.assert_close(together, torch.tensor(by_hand).double(), rtol=1e-10, atol=0)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_the_mean_is_that_of_samples(alpha: float) -> None:
    left, right = 1.0, 3.0
    size = generalised_gaussian(alpha, 1.0).abs()
    cut = round(len(size) * left / (left + right))
    samples = torch.cat([-left * size[:cut], right * size[cut:]])
    found = aggd_mean(*(torch.tensor(x).double() for x in (alpha, left, right)))
    assert found.item() == pytest.approx(samples.mean().item(), rel=0.02)
    assert aggd_mean(*(torch.tensor(x) for x in (alpha, left, left))) == 0
