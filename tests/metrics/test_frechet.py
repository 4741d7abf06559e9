"""The Fréchet distance, against closed forms and an independent matrix square root."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from tutorial_lib.metrics import Gaussian, feature_distance, frechet_distance


def gaussian(seed, *, size=6):
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(size, size, generator=generator, dtype=torch.float64)
    mean = torch.randn(size, generator=generator, dtype=torch.float64)
    return Gaussian(mean, root @ root.T)


def test_equals_the_formula_with_scipys_root():
    a, b = gaussian(0), gaussian(1)
    root = sqrtm((a.covariance @ b.covariance).numpy()).real
    expected = ((a.mean - b.mean) ** 2).sum().item() + np.trace(
        a.covariance.numpy() + b.covariance.numpy() - 2 * root
    )
    assert frechet_distance(a, b).item() == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(b, a).item() == pytest.approx(expected, rel=1e-9)


def test_of_equals_is_zero_and_one_dimension_has_a_closed_form():
    a = gaussian(2)
    assert frechet_distance(a, a).item() == pytest.approx(0, abs=1e-9)
    one, other = (
        Gaussian(torch.tensor([m], dtype=torch.float64), torch.tensor([[s**2]]).double())
        for m, s in ((1.0, 2.0), (4.0, 0.5))
    )
    assert frechet_distance(one, other).item() == pytest.approx(3**2 + 1.5**2)


def test_a_singular_covariance_gives_a_number():
    flat = Gaussian(torch.zeros(3).double(), torch.diag(torch.tensor([1.0, 0.0, 0.0])).double())
    full = Gaussian(torch.zeros(3).double(), torch.eye(3).double())
    assert frechet_distance(flat, full).item() == pytest.approx(2)


def test_features_count_in_the_photographs_spread():
    generator = torch.Generator().manual_seed(3)
    real = torch.randn(4000, 36, generator=generator, dtype=torch.float64)
    scale = torch.logspace(-3, 3, 36, dtype=torch.float64)
    shifted = feature_distance((real + 1) * scale, real * scale).item()
    assert shifted == pytest.approx(36, rel=0.05)
    half, other = real[:2000], real[2000:]
    assert feature_distance(half * scale, other * scale) < 1


def test_too_few_blocks_are_refused_by_name():
    blocks = torch.randn(40, 36, dtype=torch.float64)
    with pytest.raises(ValueError, match="made has 36 blocks"):
        feature_distance(blocks[:36], blocks)
    with pytest.raises(ValueError, match="real has 20 blocks"):
        feature_distance(blocks, blocks[:20])
