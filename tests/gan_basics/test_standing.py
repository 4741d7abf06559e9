"""How a game stands against its theory, where the right numbers are known."""

import math

import pytest
import torch

from tutorial_lib.gan_basics import LOSSES, Mixture, Mlps, jensen_shannon, ring, standing
from tutorial_lib.gan_basics.views import plane

LOSS = LOSSES["non-saturating"]


def bump(sigma, at=(0.0, 0.0)):
    centre = torch.tensor([at])
    return Mixture(centre, sigma, centre)


def moved(scale=1.0, shift=0.0):
    """A generator that stretches its noise and shifts it to the right."""
    players = Mlps([0], layers=0)
    with torch.no_grad():
        players.weights[0].copy_(scale * torch.eye(2))
        players.biases[0].copy_(torch.tensor([shift, 0.0]))
    return players


class Answers(Mlps):
    """A discriminator whose logits are some function of the points."""

    def __init__(self, function):
        super().__init__([0], outputs=1)
        self.function = function

    def forward(self, x):
        return self.function(x.flatten(0, 1)).view(x.shape[:-1])


def undecided(x):
    return torch.zeros(len(x))


@pytest.fixture
def pair():
    """Data and fakes of known density, the fakes broader; and the logits of the best D."""
    data, fakes = bump(0.2), bump(0.35)
    return data, moved(0.35), lambda x: data.log_density(x) - fakes.log_density(x)


def exact(data, fakes, function):
    """An integral of a function of both densities over a fine and wide grid, without samples."""
    _, points, cell = plane(600, extent=4.0)
    p, q = (mixture.log_density(points).double().exp() for mixture in (data, fakes))
    return (function(p, q) * cell).nansum().item()


def test_of_the_best_discriminator_nothing_is_missing(pair):
    data, generator, best = pair
    (found,) = standing(generator, Answers(best), data, losses=LOSS, samples=40_000)
    divergence = exact(
        data,
        bump(0.35),
        lambda p, q: (p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log()) / 2,
    )
    assert found.divergence == pytest.approx(divergence, abs=0.01)
    assert found.value == pytest.approx(found.bound, abs=0.01)
    assert found.gap < 0.025
    coin = exact(data, bump(0.35), lambda p, q: (p / (p + q) - 0.5).abs() * (p + q) / 2)
    assert found.coin == pytest.approx(coin, abs=0.01)
    assert found.coin > 0.15


def test_a_discriminator_that_errs_everywhere_is_worse_than_a_coin(pair):
    data, generator, best = pair
    (found,) = standing(generator, Answers(lambda x: -best(x)), data, losses=LOSS)
    assert found.gap == pytest.approx(2 * found.coin, abs=0.02)
    assert found.value < -math.log(4) - 0.1


def test_a_coin_is_as_far_away_as_a_coin(pair):
    data, generator, _ = pair
    (found,) = standing(generator, Answers(undecided), data, losses=LOSS)
    assert found.gap == pytest.approx(found.coin, abs=1e-6)
    assert found.value == pytest.approx(-math.log(4), abs=1e-4)


def test_a_perfect_generator_leaves_nothing_to_find():
    (found,) = standing(moved(0.3), Answers(undecided), bump(0.3), losses=LOSS, samples=40_000)
    assert found.divergence < 0.01
    assert found.coin < 0.05


@pytest.mark.parametrize("shift", [5.0, 1e6, float("inf"), float("nan")])
def test_fakes_outside_of_the_window_are_told_from_data_inside(shift):
    right = Answers(lambda x: torch.where(x.norm(dim=-1) < 1.6, 9.0, -9.0))
    (found,) = standing(moved(0.1, shift), right, ring(), losses=LOSS)
    assert found.divergence == pytest.approx(math.log(2), abs=1e-3)
    assert found.coin == pytest.approx(0.5, abs=1e-3)
    assert found.gap < 1e-3
    assert found.value == pytest.approx(0, abs=1e-2)
    fooled = Answers(lambda x: torch.full((len(x),), 9.0))
    (found,) = standing(moved(0.1, shift), fooled, ring(), losses=LOSS)
    assert found.gap == pytest.approx(0.5, abs=1e-3)
    assert found.value == pytest.approx(-9, abs=1e-2)


def test_half_of_the_fakes_outside_count_as_half():
    """As all fakes at once, on the same grid, by the definition of the divergence."""
    fakes = moved(1.0, 1.6)  # the window's edge is in the middle of them
    (found,) = standing(fakes, Answers(undecided), bump(0.2), losses=LOSS)
    assert found.divergence == pytest.approx(
        exact(
            bump(0.2),
            bump(1.0, (1.6, 0.0)),
            lambda p, q: (p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log()) / 2,
        ),
        abs=0.02,
    )


@pytest.mark.parametrize("seed", range(4))
def test_no_discriminator_is_above_the_bound(seed):
    games = standing(Mlps([seed, 7]), Mlps([seed + 9, 5], outputs=1), ring(), losses=LOSS)
    assert len(games) == 2
    for game in games:
        assert game.value <= game.bound + 1e-4


def test_only_what_is_stated_is_measured(pair):
    data, generator, best = pair
    (critic,) = standing(generator, Answers(best), data, losses=LOSSES["wasserstein"])
    assert (critic.gap, critic.value) == (None, None)
    (by_squares,) = standing(
        generator, Answers(lambda x: best(x).sigmoid()), data, losses=LOSSES["least squares"]
    )
    assert by_squares.value is None
    assert by_squares.gap < 0.04


def test_the_mass_outside_is_one_more_cell():
    p = torch.tensor([0.5, 0.25])
    q = torch.tensor([0.0, 0.5])
    ours = jensen_shannon(p, q, cell=1.0).item()
    whole = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]], dtype=torch.float64)
    middle = whole.mean(0)
    assert ours == pytest.approx(torch.xlogy(whole, whole / middle).sum().item() / 2)
    gone = jensen_shannon(torch.tensor([1.0]), torch.tensor([0.0]), cell=1.0)
    assert gone.item() == pytest.approx(math.log(2))
