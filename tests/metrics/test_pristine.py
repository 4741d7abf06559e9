from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tutorial_lib.metrics import Gaussian, distance, fit_gaussian


def random_luminance(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(16, 236, shape, generator=generator).double()


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


def test_the_pristine_model_is_a_gaussian_of_36_features(pristine: Gaussian) -> None:
    assert pristine.mean.shape == (36,)
    assert pristine.covariance.shape == (36, 36)
    torch.testing.assert_close(pristine.covariance, pristine.covariance.T)
    assert torch.linalg.eigvalsh(pristine.covariance).min() > 0
