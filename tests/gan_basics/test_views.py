"""What is seen of a game in the plane, each part by itself and all together."""

import math

import pytest
import torch

from tutorial_lib.gan_basics import (
    BLUR,
    LOSSES,
    NORMAL,
    Mlps,
    Noise,
    densities,
    jensen_shannon,
    kernel_density,
    learned_map,
    look,
    net_image,
    optimal_map,
    plane,
    presence,
    pull,
    ring,
)


def test_look_gives_one_view_a_game():
    views = look(Mlps([0, 1]), Mlps([2, 3], outputs=1), ring(), losses=LOSSES["saturating"])
    assert len(views) == 2
    assert views[0].learned.shape == views[0].optimal.shape == (48, 48)
    assert 0 <= views[0].divergence <= math.log(2) + 1e-4


def test_kernel_density_is_the_sum_of_its_windows(source):
    samples = torch.randn(5, 2, generator=source)
    axis, points, cell = plane(30, extent=4.0)
    got = kernel_density(samples, axis, width=0.4)
    expected = torch.zeros(900)
    for sample in samples:
        squared = (points - sample).square().sum(-1)
        expected += torch.exp(-squared / (2 * 0.4**2)) / (2 * math.pi * 0.4**2) / 5
    torch.testing.assert_close(got.flatten(), expected)
    assert got.sum().item() * cell == pytest.approx(1, abs=0.01)


def test_points_at_infinity_are_in_no_cell(source):
    samples = torch.randn(6, 2, generator=source)
    lost = samples.clone()
    lost[3:] = torch.tensor([[float("nan"), 0.0], [float("inf"), 0.0], [-float("inf"), 0.0]])
    axis, _, _ = plane(30, extent=4.0)
    expected = kernel_density(samples[:3], axis, width=0.4) / 2
    torch.testing.assert_close(kernel_density(lost, axis, width=0.4), expected)


def test_presence_is_the_larger_share_of_a_peak():
    p = torch.tensor([[4.0, 1.0], [0.0, 0.0]])
    q = torch.tensor([[[0.0, 0.1], [0.2, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    expected = torch.tensor([[[1.0, 0.5], [1.0, 0.0]], [[1.0, 0.25], [0.0, 0.0]]])
    torch.testing.assert_close(presence(p, q), expected)


def linear(slopes, offset=0.0):
    """Players without a hidden layer: one answer a point, slopes · x + offset."""
    players = Mlps([0] * len(slopes), outputs=1, layers=0)
    with torch.no_grad():
        players.weights[0].copy_(torch.tensor(slopes)[..., None])
        players.biases[0].fill_(offset)
    return players


def unmoved():
    """A generator that hands on its noise."""
    players = Mlps([0], layers=0)
    with torch.no_grad():
        players.weights[0].copy_(torch.eye(2))
        players.biases[0].zero_()
    return players


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("non-saturating", lambda a: torch.sigmoid(a)),
        ("least squares", lambda a: a.clamp(0, 1)),
        ("wasserstein", lambda a: torch.sigmoid((a - a.mean()) / a.std())),
    ],
)
def test_the_map_of_d_is_what_d_says_at_each_place(loss, expected):
    slopes = [[1.0, 2.0], [-3.0, 0.5]]
    found = learned_map(linear(slopes, 0.25), losses=LOSSES[loss], size=8)
    axis, _, _ = plane(8)
    for k, (right, up) in enumerate(slopes):
        # Columns go right; rows go down from the largest y.
        logits = right * axis[None, :] + up * axis.flip(0)[:, None] + 0.25
        torch.testing.assert_close(found[k], expected(logits))


def test_the_pull_is_up_the_discriminators_slope(source):
    points = torch.randn(2, 5, 2, generator=source)
    slopes = torch.tensor([[1.0, 2.0], [-3.0, 0.5]])
    logits = (points * slopes[:, None]).sum(-1, keepdim=True)
    pulls = {
        # Minus the slope of each loss on a logit, times the logit's slope on the point.
        "non-saturating": torch.sigmoid(-logits),
        "saturating": torch.sigmoid(logits),
        "wasserstein": torch.ones_like(logits),
    }
    for loss, strength in pulls.items():
        found = pull(linear(slopes.tolist()), points, losses=LOSSES[loss])
        torch.testing.assert_close(found, strength * slopes[:, None])


def test_the_best_map_is_ds_optimum_and_undecided_where_there_is_nothing():
    p, q = torch.tensor([0.3, 0.0, 2.0, 0.0]), torch.tensor([0.1, 0.4, 2.0, 0.0])
    torch.testing.assert_close(optimal_map(p, q), torch.tensor([0.75, 0.0, 0.5, 0.5]))


def test_both_densities_are_blurred_alike(source):
    mixture = ring(modes=1, radius=0.0, sigma=0.05)
    p, (q,), cell = densities(mixture.sample(1, 40_000, generator=source), mixture, size=64)
    assert p.sum().item() * cell == pytest.approx(1, abs=1e-3)
    # In the middle of a Gaussian of variance σ² + h² the density is 1 / 2π(σ² + h²).
    assert p.max().item() == pytest.approx(1 / (2 * math.pi * (0.05**2 + BLUR**2)), rel=0.15)
    torch.testing.assert_close(q, p, atol=0.03 * p.max().item(), rtol=0)
    best = optimal_map(p, q)
    assert (best - 0.5).abs()[p > 0.05 * p.max()].max() < 0.1


def test_the_net_is_where_the_generator_puts_it():
    nodes = NORMAL.net(7).view(7, 7, 2)
    torch.testing.assert_close(net_image(unmoved(), nodes=7)[0], nodes)
    thread = net_image(Mlps([0, 1], inputs=1), noise=Noise(1), nodes=9)
    assert thread.shape == (2, 9, 2)


def test_look_puts_the_parts_together():
    losses = LOSSES["saturating"]
    generator, discriminator = Mlps([0, 1]), linear([[1.0, 2.0], [-3.0, 0.5]])
    views = look(
        generator, discriminator, ring(), losses=losses, size=16, samples=300, shown=20, arrows=10
    )
    noise = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        made = generator(noise.expand(2, -1, -1))
    p, q, cell = densities(made, ring(), size=16)
    for k, view in enumerate(views):
        learned = learned_map(discriminator, losses=losses, size=16)[k]
        torch.testing.assert_close(view.learned, learned)
        torch.testing.assert_close(view.optimal, optimal_map(p, q[k]))
        torch.testing.assert_close(view.present, presence(p, q[k]))
        torch.testing.assert_close(view.samples, made[k, :20])
        pulls = pull(discriminator, made[:, :10], losses=losses)[k]
        torch.testing.assert_close(view.arrows, pulls)
        torch.testing.assert_close(view.mesh, net_image(generator)[k])
        assert view.divergence == pytest.approx(jensen_shannon(p, q[k], cell=cell).item())


def test_against_a_perfect_generator_there_is_nothing_to_see():
    mixture = ring(modes=1, radius=0.0, sigma=1.0)
    (view,) = look(unmoved(), linear([[0.0, 0.0]]), mixture, losses=LOSSES["non-saturating"])
    assert view.divergence < 0.02
    assert (view.optimal - 0.5).abs().mean() < 0.1
    assert view.arrows.abs().max() == 0
    assert (view.learned == 0.5).all()
