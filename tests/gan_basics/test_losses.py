"""The losses: their slopes, their values, and the penalty on a critic's slope."""

import math

import pytest
import torch

from tutorial_lib.gan_basics import (
    LOSSES,
    critic_loss,
    discriminator_loss,
    gradient_penalty,
    least_squares_discriminator_loss,
    least_squares_loss,
    non_saturating_loss,
    optimal_discriminator,
    r1_penalty,
    saturating_loss,
    wasserstein_loss,
)


def test_saturating_loss_leaves_no_slope_to_a_generator_that_loses():
    logits = torch.tensor([-20.0, 0.0, 20.0], requires_grad=True)
    (lazy,) = torch.autograd.grad(3 * saturating_loss(logits), logits)
    (eager,) = torch.autograd.grad(3 * non_saturating_loss(logits), logits)
    probability = torch.sigmoid(logits.detach())
    torch.testing.assert_close(lazy, -probability)
    torch.testing.assert_close(eager, probability - 1)
    assert lazy[0].abs() < 1e-8
    assert eager[0] == pytest.approx(-1)


def test_discriminator_is_pulled_by_its_errors():
    real, fake = torch.tensor([[-3.0, 0.5], [2.0, -1.0]], requires_grad=True).unbind()
    slopes = torch.autograd.grad(2 * discriminator_loss(real, fake), (real, fake))
    torch.testing.assert_close(slopes[0], torch.sigmoid(real) - 1)
    torch.testing.assert_close(slopes[1], torch.sigmoid(fake))


def test_sigmoid_before_the_logarithm_loses_the_slope_in_float32():
    def naive(logits):
        return torch.log(1 - torch.sigmoid(logits))

    sure = torch.tensor([-200.0], requires_grad=True)
    (slope,) = torch.autograd.grad(naive(sure).sum(), sure)
    assert slope.item() == 0  # exactly
    # The same for −log D, whose true slope is −1: the sigmoid is 0, and 0 · ∞ is no number.
    (slope,) = torch.autograd.grad(-torch.log(torch.sigmoid(sure)).sum(), sure)
    assert not slope.isfinite().all() or slope.item() == 0
    (slope,) = torch.autograd.grad(non_saturating_loss(sure), sure)
    assert slope.item() == -1
    # And a discriminator that is sure of a mistake has an infinite loss, where softplus has 20.
    wrong = torch.tensor([20.0])
    assert naive(wrong).isinf().all()
    assert -saturating_loss(wrong) == pytest.approx(20)


def test_side_by_side_each_run_has_its_own_gradient():
    logits = torch.randn(3, 8, requires_grad=True)
    (together,) = torch.autograd.grad(non_saturating_loss(logits).sum(), logits)
    one = logits[1].detach().requires_grad_()
    (alone,) = torch.autograd.grad(non_saturating_loss(one), one)
    torch.testing.assert_close(together[1], alone)


def test_gradient_penalty_of_a_plane_is_its_slope(source):
    real, fake = torch.randn(2, 1, 9, 2, generator=source)
    direction = torch.tensor([3.0, 4.0], requires_grad=True)
    penalty = gradient_penalty(lambda x: x @ direction, real, fake, torch.rand(1, 9))
    assert penalty.item() == pytest.approx((5 - 1) ** 2, rel=1e-5)
    (slope,) = torch.autograd.grad(penalty.sum(), direction)
    torch.testing.assert_close(slope, 2 * (5 - 1) * direction.detach() / 5)


def test_losses_on_logits_are_the_articles_formulas(source):
    real, fake = 3 * torch.randn(2, 64, generator=source, dtype=torch.float64)
    d_real, d_fake = torch.sigmoid(real), torch.sigmoid(fake)
    criterion_d = d_real.log().mean() + (1 - d_fake).log().mean()
    criterion_g = (1 - d_fake).log().mean()
    single = [x.float() for x in (real, fake)]
    assert discriminator_loss(*single).item() == pytest.approx(-criterion_d.item(), abs=1e-6)
    assert saturating_loss(single[1]).item() == pytest.approx(criterion_g.item(), abs=1e-6)
    expected = -d_fake.log().mean().item()
    assert non_saturating_loss(single[1]).item() == pytest.approx(expected, abs=1e-6)


def test_loss_of_an_undecided_discriminator_is_log_four():
    zeros = torch.zeros(5)
    assert discriminator_loss(zeros, zeros).item() == pytest.approx(math.log(4))


def test_critic_is_paid_for_the_gap():
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([1.0, 0.0])
    assert critic_loss(real, fake).item() == -3.5
    assert wasserstein_loss(fake).item() == -0.5


def test_best_answer_by_least_squares_is_the_same_probability(source):
    p, q = torch.rand(2, 30, dtype=torch.float64, generator=source)
    scores = torch.zeros(30, dtype=torch.float64, requires_grad=True)
    # Where p and q differ is a matter of how often a point is drawn: weigh the losses so.
    loss = sum(
        w * least_squares_discriminator_loss(a[None], b[None])
        for a, b, w in [(scores[k], torch.zeros(()), p[k]) for k in range(30)]
        + [(torch.ones(()), scores[k], q[k]) for k in range(30)]
    )
    (slope,) = torch.autograd.grad(loss, scores)
    # From 0 the parabola's slope is −p, and its curvature p + q: its lowest point is at D*.
    torch.testing.assert_close(-slope / (p + q), optimal_discriminator(p.log(), q.log()))
    assert least_squares_loss(torch.tensor([1.0, 3.0])).item() == 1.0
    shown = LOSSES["least squares"].probability
    assert shown(torch.tensor([-0.5, 0.3, 2.0])).tolist() == pytest.approx([0, 0.3, 1])


def test_gradient_penalty_of_pictures_is_over_all_their_pixels(source):
    real, fake = torch.rand(2, 6, 3, 8, 8, generator=source)
    direction = torch.randn(3, 8, 8, generator=source)
    share = torch.rand(6, generator=source)
    penalty = gradient_penalty(lambda x: (x * direction).sum((1, 2, 3)), real, fake, share)
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx((direction.norm().item() - 1) ** 2, rel=1e-5)


def test_gradient_penalty_is_taken_between_the_two(source):
    real, fake = torch.randn(2, 1, 9, 2, generator=source)
    share = torch.rand(1, 9, generator=source)
    # The slope of half the square is the point itself.
    penalty = gradient_penalty(lambda x: x.square().sum(-1) / 2, real, fake, share)
    between = share[..., None] * real + (1 - share[..., None]) * fake
    expected = (between.norm(dim=-1) - 1).square().mean()
    assert penalty.item() == pytest.approx(expected.item(), rel=1e-5)


def test_r1_is_the_squared_slope_at_the_data(source):
    real = torch.randn(2, 9, 2, generator=source)
    # Of half the square, the slope is the point itself.
    found = r1_penalty(lambda x: x.square().sum(-1) / 2, real)
    torch.testing.assert_close(found, real.square().sum(-1).mean(-1))
    direction = torch.randn(3, 8, 8, generator=source, requires_grad=True)
    pictures = torch.rand(6, 3, 8, 8, generator=source)
    penalty = r1_penalty(lambda x: (x * direction).sum((1, 2, 3)), pictures)
    assert penalty.item() == pytest.approx(direction.square().sum().item(), rel=1e-5)
    (slope,) = torch.autograd.grad(penalty, direction)
    torch.testing.assert_close(slope, 2 * direction.detach())


def test_bce_after_a_sigmoid_fades_from_about_minus_28():
    """What the page says of `nn.BCELoss`, which the article uses."""

    def slope(logit):
        a = torch.tensor([logit], requires_grad=True)
        loss = torch.nn.BCELoss()(torch.sigmoid(a), torch.ones(1))
        return torch.autograd.grad(loss, a)[0].item()

    assert slope(-26.0) == pytest.approx(-1, abs=1e-3)
    assert -0.9 < slope(-28.0) < -0.5
    assert slope(-40.0) > -1e-4
    a = torch.tensor([-40.0], requires_grad=True)
    assert torch.autograd.grad(non_saturating_loss(a), a)[0].item() == -1
