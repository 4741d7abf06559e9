import itertools

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.optimize import linprog

from tutorial_lib import perception_distortion as pd


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_ends_of_the_scalar_bound():
    world = pd.scalar_world(noise=1.0)
    assert world.least_distortion == pytest.approx(1 / 2)
    assert world.worst_perception == pytest.approx(1 - 0.5**0.5)
    assert world.distortion(0) == pytest.approx(2 - 2**0.5)
    assert world.perception(world.least_distortion) == pytest.approx(world.worst_perception)
    assert world.perception(10) == 0


def test_the_gaussian_world_refuses_what_makes_no_sense():
    one = torch.ones(2)
    with pytest.raises(ValueError, match="one of each"):
        pd.GaussianWorld(deviation=one, gain=torch.ones(3), noise=1)
    with pytest.raises(ValueError, match="negative"):
        pd.GaussianWorld(deviation=-one, gain=one, noise=1)
    with pytest.raises(ValueError, match="noise must be positive"):
        pd.GaussianWorld(deviation=one, gain=one, noise=0)
    world = pd.scalar_world(noise=1)
    with pytest.raises(ValueError, match=r"the posterior mean has 0\.5"):
        world.perception(0.4)
    with pytest.raises(ValueError, match="not negative"):
        world.distortion(-0.1)


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_no_linear_estimator_beats_the_bound(noise):
    """Brute force over X̂ = a Y + b W, with a noise of the estimator's own."""
    world = pd.scalar_world(noise=noise)
    a = torch.linspace(-0.5, 1.5, 801, dtype=torch.float64)[:, None]
    b = torch.linspace(0, 1, 101, dtype=torch.float64)
    distortion = (1 - a) ** 2 + (a * noise) ** 2 + b**2
    perception = ((a**2 * (1 + noise**2) + b**2).sqrt() - 1).abs()
    for limit in (0.0, 0.1, 0.3):
        found = distortion[perception <= limit + 5e-3].min().item()
        assert world.distortion(limit + 5e-3) <= found + 1e-9
        assert found == pytest.approx(world.distortion(limit), abs=1e-2)


@pytest.mark.parametrize("noise", [0.7, 1.5])
def test_no_estimator_at_all_beats_the_bound(noise):
    """A linear programme over all randomised estimators of a finely stepped Gaussian."""
    x = np.linspace(-3.6, 3.6, 31)
    y = np.linspace(-4, 4, 25) * (1 + noise**2) ** 0.5
    prior = np.exp(-(x**2) / 2)
    prior /= prior.sum()
    joint = prior[:, None] * np.exp(-(((y - x[:, None]) / noise) ** 2) / 2)
    joint *= (prior / joint.sum(axis=1))[:, None]
    square = (x[:, None] - x) ** 2
    m, n = len(x), len(y)
    price = (joint.T @ square).ravel()
    # Unknowns: the rule (n, m), and a transport plan (m, m) from the signal to the output.
    rule_sums = sparse.kron(sparse.eye(n), np.ones(m))
    plan_rows = sparse.kron(sparse.eye(m), np.ones(m))
    plan_columns = sparse.kron(np.ones(m), sparse.eye(m))
    output = sparse.kron(joint.sum(axis=0), sparse.eye(m))
    equal = sparse.bmat(
        [[rule_sums, None], [None, plan_rows], [output, -plan_columns]], format="csr"
    )
    world = pd.scalar_world(noise=noise)
    for limit in (0.05, world.worst_perception / 2):
        answer = linprog(
            np.concatenate([price, np.zeros(m * m)]),
            A_ub=sparse.csr_matrix(np.concatenate([np.zeros(n * m), square.ravel()])[None]),
            b_ub=[limit**2],
            A_eq=equal,
            b_eq=np.concatenate([np.ones(n), prior, np.zeros(m)]),
        )
        # The steps of the grid only add to what an estimator has to pay.
        assert -0.01 < answer.fun - world.distortion(limit) < 0.04


def test_restoring_gain_runs_along_the_bound():
    world = pd.texture_world(32, blur=1.5, noise=0.2)
    seen = (world.gain * world.deviation).square() + world.noise**2
    for share in (0.0, 0.3, 0.7, 1.0):
        gain = world.restoring_gain(share)
        error = (gain * world.gain - 1).square() * world.deviation.square()
        distortion = (error + (gain * world.noise).square()).mean().item()
        made = gain * seen.sqrt()
        perception = (made - world.deviation).square().mean().sqrt().item()
        assert distortion == pytest.approx(world.distortion(perception))
        assert perception == pytest.approx((1 - share) * world.worst_perception, abs=1e-9)


def test_textures_do_what_the_formula_says():
    world = pd.texture_world(64, blur=1.5, noise=0.2)
    source, errors, variances = generator(), [], []
    for _ in range(60):
        picture, observation = pd.draw_texture(world, generator=source)
        made = pd.filtered(observation, world.restoring_gain(1.0))
        errors.append((made - picture).square().mean().item())
        variances.append(torch.fft.fft2(made, norm="ortho").abs().square())
    assert np.mean(errors) == pytest.approx(world.distortion(0), rel=0.1)
    made = torch.stack(variances).mean(0)
    low, high = world.deviation > 0.5, world.deviation < 0.3
    high[0, 0] = False
    for part in (low, high):
        ratio = made[part].sum() / world.deviation[part].square().sum()
        assert ratio.item() == pytest.approx(1, abs=0.15)


def test_perfect_perception_never_costs_more_than_twice():
    for noise, blur in itertools.product((0.01, 0.3, 3.0), (0.5, 3.0)):
        world = pd.texture_world(16, blur=blur, noise=noise)
        assert world.least_distortion < world.distortion(0) <= 2 * world.least_distortion


def test_kl_is_the_integral():
    x = np.linspace(-12, 12, 200_001)
    for deviation in (0.5, 0.9, 1.7):
        p = np.exp(-(x**2) / 2) / (2 * np.pi) ** 0.5
        log_ratio = -(x**2) / 2 + (x / deviation) ** 2 / 2 + np.log(deviation)
        assert pd.gaussian_kl(deviation) == pytest.approx(np.trapezoid(p * log_ratio, x), abs=1e-6)
