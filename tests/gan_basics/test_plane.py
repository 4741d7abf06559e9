"""Data, noise and players in the plane."""

import pytest
import torch

from tutorial_lib.gan_basics import (
    DISTRIBUTIONS,
    Mlps,
    Noise,
    RunwiseAdam,
    drawn,
    kernel_density,
    moons,
    plane,
    spiral,
)


def test_networks_side_by_side_are_the_networks_alone():
    together, alone = Mlps([3, 4], outputs=1), Mlps([4], outputs=1)
    x = torch.randn(1, 7, 2)
    torch.testing.assert_close(together(x.expand(2, -1, -1))[1], alone(x)[0])


def test_noise_is_as_wide_as_it_says(source):
    uniform = Noise(uniform=True).sample(20_000, generator=source)
    assert uniform.abs().max() <= 1
    torch.testing.assert_close(uniform.var(0), torch.full((2,), 1 / 3), atol=0.01, rtol=0)
    assert Noise().net(5).shape == (25, 2)
    assert Noise(1).net(5).shape == (5, 1)


@pytest.mark.parametrize("drawing", ["", " \n ", "x" * 401])
def test_a_drawing_needs_some_marks(drawing):
    with pytest.raises(ValueError, match=f"1 to 400 marks, got {len(drawing.strip())}"):
        drawn(drawing)


def test_runwise_adam_is_adam_at_each_rate():
    rates = [1e-3, 3e-2]
    together = Mlps([5, 6])
    alone = [Mlps([5]), Mlps([6])]
    optimizers = [RunwiseAdam(list(together.parameters()), torch.tensor(rates))]
    optimizers += [
        torch.optim.Adam(network.parameters(), lr=rate, betas=(0.5, 0.9))
        for network, rate in zip(alone, rates, strict=True)
    ]
    x = torch.randn(2, 32, 2)
    for _ in range(5):
        for optimizer in optimizers:
            optimizer.zero_grad()
        together(x).square().mean((1, 2)).sum().backward()
        for k, network in enumerate(alone):
            network(x[k : k + 1]).square().mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    for k, network in enumerate(alone):
        for ours, reference in zip(together.parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(ours[k], reference[0], atol=1e-5, rtol=1e-4)


def test_a_drawing_is_as_it_looks():
    mixture = drawn("o   o\n\n  x", sigma=0.1)
    # Two rows down are as far as four columns to the side.
    expected = torch.tensor([[-1.1, 1.1], [1.1, 1.1], [0.0, -1.1]])
    torch.testing.assert_close(mixture.modes, expected)
    assert mixture.sigma == 0.1
    assert drawn("x").modes.tolist() == [[0, 0]]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_density_integrates_to_one_and_matches_its_samples(name, source):
    mixture = DISTRIBUTIONS[name]()
    axis, points, cell = plane(160, extent=2.0)
    density = mixture.log_density(points).exp().view(160, 160)
    assert density.sum().item() * cell == pytest.approx(1, abs=1e-3)
    samples = mixture.sample(40_000, generator=source)
    blurred = mixture.log_density(points, blur=0.1).view(160, 160).exp()
    estimate = kernel_density(samples, axis, width=0.1)
    assert (estimate - blurred).abs().sum().item() * cell < 0.03


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_samples_lie_on_the_shape_and_in_the_window(name, source):
    mixture = DISTRIBUTIONS[name]()
    samples = mixture.sample(5000, generator=source)
    assert samples.abs().max() < 1.6
    distance = torch.cdist(samples, mixture.centres).min(-1).values
    assert distance.max() < 5 * mixture.sigma


def test_the_spiral_winds_and_the_moons_are_two():
    radius = spiral().modes.norm(dim=-1)
    assert (radius.diff() > 0).all()
    assert len(spiral().modes) == len(moons().modes) == 16
    upper, lower = moons().modes.split(8)
    torch.testing.assert_close(upper, -lower)


def test_spectral_norm_is_the_largest_singular_value(source):
    players = Mlps([3, 4], outputs=1, spectral=True)
    for layer, weight in enumerate(players.weights):
        exact = torch.linalg.matrix_norm(weight, 2)
        torch.testing.assert_close(players.steepest(layer).flatten(), exact, rtol=0.02, atol=0)
    x = torch.randn(2, 500, 2, generator=source)
    slopes = (players(x) - players(x + 1e-2)).abs() / (1e-2 * 2**0.5)
    assert slopes.max() < 1.02, "nowhere steeper than 1"
    alone, together = (Mlps(seeds, outputs=1, spectral=True) for seeds in ([4], [3, 4]))
    torch.testing.assert_close(alone(x[1:]), together(x)[1:])


def test_spectral_norm_follows_training_and_only_that(source):
    players = Mlps([3], outputs=1, spectral=True)
    with torch.no_grad():
        players.weights[1].copy_(torch.randn(1, 64, 64, generator=source))
    x = torch.randn(1, 8, 2, generator=source)
    exact = torch.linalg.matrix_norm(players.weights[1], 2).item()
    with torch.no_grad():
        off = [players(x) for _ in range(60)]
    assert off[0].equal(off[-1]), "a look changes nothing"
    for _ in range(60):
        players(x)
    assert players.steepest(1).item() == pytest.approx(exact, rel=0.01)
    players.steepest(1).sum().backward()
    (left, _, right) = torch.linalg.svd(players.weights[1].detach()[0])
    slope = torch.outer(left[:, 0], right[0])
    assert (players.weights[1].grad[0] * slope).sum() == pytest.approx(1, abs=0.01)
