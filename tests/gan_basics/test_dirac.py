"""The smallest GAN: its field is that of the chapter's losses, its orbits those of the theory."""

import math

import pytest
import torch

from tutorial_lib.gan_basics import (
    dirac_field,
    dirac_flow,
    dirac_orbit,
    discriminator_loss,
    r1_penalty,
    saturating_loss,
)

START = torch.tensor([0.8, -0.3], dtype=torch.float64)


@pytest.mark.parametrize("r1", [0.0, 0.7])
def test_the_field_is_down_the_chapters_losses(r1):
    theta, psi = START.clone().requires_grad_().unbind()
    real, fake = torch.zeros(1, dtype=torch.float64), theta[None]
    (of_g,) = torch.autograd.grad(saturating_loss(psi * fake), theta, retain_graph=True)
    judged = discriminator_loss(psi * real, psi * fake.detach())
    judged = judged + r1 / 2 * r1_penalty(lambda x: x[..., 0] * psi, real[None])
    (of_d,) = torch.autograd.grad(judged, psi)
    torch.testing.assert_close(dirac_field(START, r1=r1), -torch.stack([of_g, of_d]))


def test_without_a_penalty_the_field_only_turns():
    states = torch.randn(50, 2, generator=torch.Generator().manual_seed(1))
    outward = (states * dirac_field(states)).sum(-1)
    assert outward.abs().max() < 1e-6
    pulled = (states * dirac_field(states, r1=0.5)).sum(-1)
    torch.testing.assert_close(pulled, -0.5 * states[:, 1].square())


def test_both_at_once_grows_by_its_law():
    rate, steps = 0.3, 40
    orbit = dirac_orbit(START, rate=rate, steps=steps, alternating=False)
    squared = orbit.square().sum(-1)
    growth = 1 + (rate * torch.sigmoid(orbit.prod(-1))) ** 2
    torch.testing.assert_close(squared[1:], squared[:-1] * growth[:-1])
    near = dirac_orbit(START / 1e4, rate=rate, steps=steps, alternating=False)
    assert (near[-1].norm() / near[0].norm()).item() == pytest.approx(
        (1 + rate**2 / 4) ** (steps / 2)
    )


def test_in_turn_stays_on_its_ellipse():
    rate = 0.4
    orbit = dirac_orbit(START / 1e4, rate=rate, steps=500, alternating=True)
    theta, psi = orbit.T
    kept = theta**2 + psi**2 - rate / 2 * theta * psi
    torch.testing.assert_close(kept, kept[:1].expand(501), rtol=1e-3, atol=0)
    far = dirac_orbit(START, rate=rate, steps=500, alternating=True).norm(dim=-1)
    assert 0.5 < far.min() / far.max() <= 1


@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("r1", [0.0, 0.3])
def test_small_steps_follow_the_closed_form(alternating, r1):
    rate, steps = 1e-3, 3000
    start = START / 1e4
    orbit = dirac_orbit(start, rate=rate, steps=steps, alternating=alternating, r1=r1)
    flow = dirac_flow(start, rate * torch.arange(steps + 1, dtype=torch.float64), r1=r1)
    assert (orbit - flow).norm(dim=-1).max() < 2e-3 * start.norm()


def test_the_closed_form_is_a_circle_and_with_a_penalty_a_spiral():
    times = torch.linspace(0, 20, 50, dtype=torch.float64)
    circle = dirac_flow(START, times)
    torch.testing.assert_close(circle.norm(dim=-1), START.norm().expand(50))
    angle = torch.atan2(circle[1, 1], circle[1, 0]) - torch.atan2(START[1], START[0])
    assert angle.item() == pytest.approx(-times[1].item() / 2)
    r1 = 0.3
    turn = 4 * math.pi / math.sqrt(1 - r1**2)  # after a whole turn only the shrinking is left
    again = dirac_flow(START, torch.tensor([turn], dtype=torch.float64), r1=r1)[0]
    torch.testing.assert_close(again, math.exp(-r1 * turn / 2) * START)
