"""Coverage, quality, kernel distance and neighbours against counts by hand."""

import pytest
import torch

from tutorial_lib.gan_basics import (
    DISTRIBUTIONS,
    FixedFeatures,
    coverage,
    good_level,
    kernel_distance,
    nearest,
    ring,
)


def test_coverage_of_true_samples_is_full(source):
    for make in DISTRIBUTIONS.values():
        mixture = make()
        modes, quality = coverage(mixture.sample(2500, generator=source), mixture)
        assert modes == len(mixture.modes)
        assert quality == pytest.approx(0.99, abs=0.01)


def test_coverage_counts_what_was_put_in():
    mixture = ring()
    centres = mixture.centres[:3].repeat_interleave(20, 0)
    assert coverage(centres, mixture) == (3, 1.0)
    away = torch.cat([centres, torch.zeros(60, 2)])
    assert coverage(away, mixture) == (3, 0.5)
    # One stray sample among a thousand covers nothing.
    stray = torch.cat([mixture.centres[:1].expand(999, 2), mixture.centres[1:2]])
    assert coverage(stray, mixture) == (1, 1.0)


def test_quality_level_of_the_ring_is_three_deviations():
    mixture = ring()
    edge = mixture.centres[0] * (1 + 3.03 * mixture.sigma)
    assert good_level(mixture) == pytest.approx(mixture.log_density(edge[None]).item(), abs=0.15)


def test_kernel_distance_matches_the_double_loop(source):
    x, y = torch.randn(5, 7, generator=source), torch.randn(4, 7, generator=source)

    def k(a, b):
        return ((a @ b).item() / 7 + 1) ** 3

    within = [
        sum(k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j)
        / (len(s) * (len(s) - 1))
        for s in (x, y)
    ]
    between = sum(k(a, b) for a in x for b in y) / 20
    assert kernel_distance(x, y).item() == pytest.approx(sum(within) - 2 * between, rel=1e-5)


def test_kernel_distance_is_unbiased_and_tells_distributions_apart(source):
    same = [kernel_distance(*torch.randn(2, 20, 6, generator=source)).item() for _ in range(400)]
    mean = torch.tensor(same)
    assert abs(mean.mean()) < 4 * mean.std() / 20
    shifted = torch.randn(200, 6, generator=source) + 0.5
    assert kernel_distance(torch.randn(200, 6, generator=source), shifted) > 0.1


def test_features_are_fixed_and_scaled(source):
    reference = torch.rand(64, 3, 32, 32, generator=source)
    features = FixedFeatures(reference)
    found = features(reference)
    assert found.shape == (64, 2048)
    assert found.mean(0).abs().max() < 1e-4
    assert found.var(0).mean().item() == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(FixedFeatures(reference)(reference), found)
    assert FixedFeatures(torch.rand(4, 3, 64, 64))(torch.rand(2, 3, 64, 64)).shape == (2, 2048)


def test_nearest_finds_the_copy(source):
    training = torch.randint(0, 256, (50, 3, 4, 4), generator=source, dtype=torch.uint8)
    wanted = torch.tensor([7, 31])
    index, distance = nearest(training[wanted].float() / 255 + 0.01, training, chunk=16)
    assert index.tolist() == [7, 31]
    torch.testing.assert_close(distance, torch.full((2,), 0.01), atol=1e-4, rtol=0)


def test_nearest_leaves_out_the_picture_itself(source):
    training = torch.randint(0, 256, (50, 3, 4, 4), generator=source, dtype=torch.uint8)
    own = torch.tensor([7, 31])
    images = training[own].float() / 255
    index, distance = nearest(images, training, besides=own, chunk=16)
    assert not set(index.tolist()) & {7, 31}
    others = torch.cat([training[:7], training[8:31], training[32:]])
    expected = nearest(images, others)[1]
    torch.testing.assert_close(distance, expected)
