"""The game's theory against closed forms, and what a round does to whom."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from tutorial_lib.gan_basics import (
    LOSSES,
    Mlps,
    discriminator_step,
    gan_step,
    generator_step,
    jensen_shannon,
    optimal_discriminator,
    r1_penalty,
    value,
)


def gaussian(x, mean, sigma):
    return torch.exp(-((x - mean) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))


def test_equal_densities_have_value_minus_log_four():
    axis = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    p = gaussian(axis, 0.3, 1.1)
    best = optimal_discriminator(p.log(), p.log())
    assert best.unique().tolist() == [0.5]
    cell = (axis[1] - axis[0]).item()
    assert value(p, p, best.logit(), cell=cell).item() == pytest.approx(-math.log(4), abs=1e-9)
    assert jensen_shannon(p, p, cell=cell).item() == pytest.approx(0, abs=1e-12)


def test_optimum_between_two_gaussians_is_a_logistic_curve():
    axis = torch.linspace(-12, 12, 6001, dtype=torch.float64)
    a, b, sigma = -1.0, 2.0, 1.5
    p, q = gaussian(axis, a, sigma), gaussian(axis, b, sigma)
    best = optimal_discriminator(p.log(), q.log())
    closed = torch.sigmoid((a - b) / sigma**2 * (axis - (a + b) / 2))
    torch.testing.assert_close(best, closed)
    torch.testing.assert_close(best, p / (p + q))
    cell = (axis[1] - axis[0]).item()
    # V at the optimum is −E[log(1 + e^−t)] under p plus the same under q, by symmetry twice one.
    t = (b - a) * (axis - (a + b) / 2) / sigma**2
    expected = -2 * (p * F.softplus(t)).sum().item() * cell
    assert value(p, q, p.log() - q.log(), cell=cell).item() == pytest.approx(expected, rel=1e-9)
    divergence = jensen_shannon(p, q, cell=cell).item()
    assert expected == pytest.approx(2 * divergence - math.log(4), abs=1e-9)


@pytest.mark.parametrize("distance", [7.0, 14.0, 25.0])
def test_far_apart_the_divergence_is_log_two_and_the_value_zero(distance):
    axis = torch.linspace(-40, 40, 8001, dtype=torch.float64)
    p, q = gaussian(axis, -distance, 1.0), gaussian(axis, distance, 1.0)
    assert jensen_shannon(p, q, cell=0.01).item() == pytest.approx(math.log(2), abs=1e-6)
    ratio = 2 * distance * -axis  # the logarithm of p / q
    assert value(p, q, ratio, cell=0.01).item() == pytest.approx(0, abs=1e-6)


def test_no_other_discriminator_does_better(source):
    p, q = torch.rand(2, 50, dtype=torch.float64, generator=source)
    best = p.log() - q.log()
    highest = value(p, q, best, cell=1.0)
    for _ in range(20):
        other = best + 0.2 * torch.randn(50, generator=source)
        assert value(p, q, other, cell=1.0) < highest


def test_best_generator_against_the_best_discriminator_is_the_data(source):
    p = torch.rand(12, dtype=torch.float64, generator=source).softmax(0)
    logits = torch.randn(12, dtype=torch.float64, generator=source).requires_grad_()

    def outer():
        q = logits.softmax(0)
        return value(p, q, p.log() - q.log(), cell=1.0)

    assert outer().item() > -math.log(4) + 0.01
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = outer()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert outer().item() == pytest.approx(-math.log(4), abs=1e-9)
    torch.testing.assert_close(logits.softmax(0).detach(), p, atol=1e-4, rtol=0)


def test_non_saturating_loss_follows_the_reverse_divergence(source):
    """Against D*, its gradient is that of KL(q | p) − 2 JSD(p, q); log(1 − D)'s is 2 JSD's."""
    p = torch.rand(12, dtype=torch.float64, generator=source).softmax(0)
    logits = torch.randn(12, dtype=torch.float64, generator=source).requires_grad_()
    q = logits.softmax(0)
    best = optimal_discriminator(p.log(), q.log()).detach()
    divergence = jensen_shannon(p, q, cell=1.0)
    reverse = (q * (q / p).log()).sum() - 2 * divergence

    def slope(y):
        return torch.autograd.grad(y, logits, retain_graph=True)[0]

    torch.testing.assert_close(slope(-(q * best.log()).sum()), slope(reverse))
    torch.testing.assert_close(slope((q * (1 - best).log()).sum()), slope(2 * divergence))


# ---------------------------------------------------------------------- one round


def players():
    generator, discriminator = Mlps([0]), Mlps([1], outputs=1)
    return (
        generator,
        discriminator,
        *(torch.optim.SGD(p.parameters(), lr=0.1) for p in (generator, discriminator)),
    )


def test_generator_and_discriminator_leave_each_other_alone(source):
    generator, discriminator = Mlps([0]), Mlps([1], outputs=1)
    optimizers = [torch.optim.SGD(p.parameters(), lr=0.1) for p in (generator, discriminator)]
    real, noise = torch.randn(2, 1, 16, 2, generator=source)
    before = [p.clone() for p in generator.parameters()]
    losses = LOSSES["non-saturating"]
    found = gan_step(generator, discriminator, *optimizers, [real], [noise], losses=losses)
    assert list(found) == ["discriminator"]
    assert all(a.equal(b) for a, b in zip(before, generator.parameters(), strict=True))
    before = [p.clone() for p in discriminator.parameters()]
    found = gan_step(generator, discriminator, *optimizers, [], [noise], losses=losses)
    assert list(found) == ["generator"]
    assert all(a.equal(b) for a, b in zip(before, discriminator.parameters(), strict=True))
    assert all(p.requires_grad for p in discriminator.parameters())


def test_a_round_is_the_discriminators_steps_and_then_the_generators(source):
    real, noise = torch.randn(2, 3, 1, 16, 2, generator=source)
    losses = LOSSES["non-saturating"]
    generator, discriminator, moves_g, moves_d = players()
    last = [
        discriminator_step(generator, discriminator, moves_d, real[k], noise[k], losses=losses)
        for k in range(2)
    ][-1]
    loss = generator_step(generator, discriminator, moves_g, noise[2], losses=losses)
    together = players()
    found = gan_step(*together, list(real[:2]), list(noise), losses=losses)
    assert found["discriminator"].equal(last)
    assert found["generator"].equal(loss)
    for player, other in zip((generator, discriminator), together, strict=False):
        for a, b in zip(player.parameters(), other.parameters(), strict=True):
            assert a.equal(b)


def test_a_step_is_down_the_players_own_loss(source):
    real, noise = torch.randn(2, 1, 16, 2, generator=source)
    losses = LOSSES["non-saturating"]
    generator, discriminator, moves_g, moves_d = players()

    def of_d():
        logits = discriminator(real), discriminator(generator(noise))
        return losses.discriminator(*logits).item()

    def of_g():
        return losses.generator(discriminator(generator(noise))).item()

    before = of_d()
    told = discriminator_step(generator, discriminator, moves_d, real, noise, losses=losses)
    assert told.item() == pytest.approx(before)
    assert of_d() < before
    before = of_g()
    told = generator_step(generator, discriminator, moves_g, noise, losses=losses)
    assert told.item() == pytest.approx(before)
    assert of_g() < before


def test_the_penalty_counts_in_the_discriminators_loss_of_pictures(source):
    class Judge(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.direction = torch.nn.Parameter(torch.randn(3, 4, 4, generator=source))

        def forward(self, image):
            return (image * self.direction).sum((1, 2, 3))

    judge, maker = Judge(), torch.nn.Unflatten(1, (3, 4, 4))
    real = torch.rand(6, 3, 4, 4, generator=source)
    noise = torch.rand(6, 48, generator=source)
    slope = judge.direction.norm().item()
    gap = (judge(maker(noise)).mean() - judge(real).mean()).item()
    optimizer = torch.optim.SGD(judge.parameters(), lr=0.1)
    losses = LOSSES["wasserstein"]
    loss = discriminator_step(maker, judge, optimizer, real, noise, losses=losses)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(gap + losses.penalty * (slope - 1) ** 2, rel=1e-4)


def test_a_step_that_is_stopped_leaves_the_discriminator_learning():
    torch.manual_seed(0)
    generator, discriminator = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(generator.parameters(), lr=0.1)

    def stop(loss):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator_step(
            generator,
            discriminator,
            optimizer,
            torch.randn(4, 2),
            losses=LOSSES["non-saturating"],
            backward=stop,
        )
    assert all(p.requires_grad for p in discriminator.parameters())


def test_r1_counts_half_its_weight_in_the_discriminators_loss(source):
    real, noise = torch.randn(2, 1, 16, 2, generator=source)
    plain = LOSSES["non-saturating"]
    generator, discriminator, _, moves_d = players()
    steepness = r1_penalty(discriminator, real).item()
    without = discriminator_step(generator, discriminator, moves_d, real, noise, losses=plain)
    generator, discriminator, _, moves_d = players()
    losses = replace(plain, r1=0.4)
    held = discriminator_step(generator, discriminator, moves_d, real, noise, losses=losses)
    assert steepness > 0
    assert held.item() - without.item() == pytest.approx(0.2 * steepness, rel=1e-4)


def test_a_graph_of_the_fakes_would_change_nothing_but_the_work(source):
    """What the page says of `no_grad`: it saves work, and protects nobody."""
    real, noise = torch.randn(2, 1, 16, 2, generator=source)
    losses = LOSSES["non-saturating"]
    ours = players()
    discriminator_step(ours[0], ours[1], ours[3], real, noise, losses=losses)
    generator, discriminator, _, moves_d = players()
    loss = losses.discriminator(discriminator(real), discriminator(generator(noise)))
    moves_d.zero_grad()
    loss.sum().backward()
    moves_d.step()
    for one, other in zip(ours[:2], (generator, discriminator), strict=True):
        for a, b in zip(one.parameters(), other.parameters(), strict=True):
            assert a.equal(b)
