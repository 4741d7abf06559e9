import numpy as np
import pytest

from tutorial_lib import perception_distortion as pd


def test_discrete_bound_against_brute_force():
    """Two levels, two observations: all rules on a grid."""
    joint = np.array([[0.5, 0.2], [0.1, 0.2]])
    cost = 1 - np.eye(2)
    share = np.linspace(0, 1, 201)
    first, second = np.meshgrid(share, share, indexing="ij")  # how often 1 is said to each
    wrong = 0.5 * first + 0.2 * second + 0.1 * (1 - first) + 0.2 * (1 - second)
    off = np.abs(0.6 * first + 0.4 * second - 0.3)
    for limit in (0.3, 0.35, 0.5):
        best = pd.best_perception(joint, cost, distortion=limit)
        assert best.perception == pytest.approx(off[wrong <= limit + 1e-9].min(), abs=5e-3)
        assert best.distortion <= limit + 1e-9
        np.testing.assert_allclose(best.rule.sum(axis=1), 1)
        np.testing.assert_allclose(joint.sum(axis=0) @ best.rule, best.output, atol=1e-9)


def test_discrete_bound_falls_and_is_convex():
    joint, cost = pd.ink_world()
    least = pd.least_cost(joint, cost)
    limits = np.linspace(least, 2 * least, 11)
    values = [pd.best_perception(joint, cost, distortion=d).perception for d in limits]
    assert values[0] > 0.2
    assert values[-1] == pytest.approx(0, abs=1e-9)
    assert (np.diff(values) <= 1e-9).all()
    assert (np.diff(values, n=2) >= -1e-9).all()


def test_posterior_sampling_has_twice_the_least_squared_error():
    joint, _ = pd.ink_world()
    levels, seen = np.arange(9.0), joint.sum(axis=0)
    posterior = joint / seen
    mean = levels @ posterior
    least = (joint * (levels[:, None] - mean) ** 2).sum()
    sampled = sum(
        seen[k] * (posterior[:, k] @ (levels[:, None] - levels) ** 2 @ posterior[:, k])
        for k in range(len(seen))
    )
    assert sampled == pytest.approx(2 * least)


def test_discrete_bound_refuses_what_makes_no_sense():
    joint, cost = pd.ink_world()
    with pytest.raises(ValueError, match="the least is"):
        pd.best_perception(joint, cost, distortion=pd.least_cost(joint, cost) - 0.1)
    with pytest.raises(ValueError, match="sum to one"):
        pd.best_perception(2 * joint, cost, distortion=9)
    with pytest.raises(ValueError, match="cost of shape"):
        pd.best_perception(joint, cost[:3], distortion=9)
