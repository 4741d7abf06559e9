"""The bound of signals of a few levels, as a linear programme.

Taught in the chapter *Perception and distortion*.

References
----------
Y. Blau and T. Michaeli, "The Perception-Distortion Tradeoff", CVPR 2018 (arXiv:1711.06077).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Optimum:
    """The best that an estimator can do within a distortion.

    Attributes
    ----------
    rule : ndarray
        (observations, levels): the probability of each answer, given the observation.
    output : ndarray
        (levels,): how often each answer is given in all.
    distortion, perception : float
        The expected cost, and the total variation between the output and the signal.
    """

    rule: Array
    output: Array
    distortion: float
    perception: float


def least_cost(joint: Array, cost: Array) -> float:
    """The least expected cost of all estimators, perception aside.

    Parameters
    ----------
    joint : ndarray
        (levels, observations): probability of each signal with each observation.
    cost : ndarray
        (levels, levels): of answering with the second where the first is true.

    Returns
    -------
    float
        The mean over observations of the cheapest answer's cost.
    """
    return float((joint.T @ cost).min(axis=1).sum())


def best_perception(joint: Array, cost: Array, *, distortion: float) -> Optimum:
    """Solve for P(D) exactly: the least total variation within a distortion.

    All randomised estimators are allowed. Expected cost and output are linear in the estimator's
    probabilities, so this is a linear programme.

    Parameters
    ----------
    joint : ndarray
        (levels, observations): probability of each signal with each observation; sums to one.
    cost : ndarray
        (levels, levels): of answering with the second where the first is true.
    distortion : float
        The most that the expected cost may be.

    Returns
    -------
    Optimum
        An optimal estimator and what it reaches.

    Raises
    ------
    ValueError
        If the shapes do not fit, the probabilities are none, or no estimator is so cheap.

    References
    ----------
    Blau and Michaeli 2018, the perception-distortion function.

    Examples
    --------
    >>> fair = np.full((2, 2), 0.25)  # an observation that says nothing about a fair coin
    >>> toss = best_perception(fair, 1 - np.eye(2), distortion=0.5)
    >>> round(toss.perception, 6), toss.output.round(6).tolist()
    (0.0, [0.5, 0.5])
    """
    levels, observations = joint.shape
    if cost.shape != (levels, levels):
        raise ValueError(f"cost of shape {cost.shape}, expected {(levels, levels)}")
    if (joint < 0).any() or not np.isclose(joint.sum(), 1):
        raise ValueError("joint must hold probabilities that sum to one")
    least = least_cost(joint, cost)
    if distortion < least - 1e-9:
        raise ValueError(f"no estimator has a distortion of {distortion:g}: the least is {least:g}")

    # Unknowns: the rule, row by row, then for each level by how much its share is off.
    signal, seen = joint.sum(axis=1), joint.sum(axis=0)
    price = (joint.T @ cost).ravel()
    share = np.kron(seen, np.eye(levels))  # (levels, observations · levels): rule → output
    off = np.eye(levels)
    answer = linprog(
        np.concatenate([np.zeros(price.size), np.full(levels, 0.5)]),
        A_ub=np.block([[price, np.zeros(levels)], [share, -off], [-share, -off]]),
        b_ub=np.concatenate([[max(distortion, least) + 1e-12], signal, -signal]),
        A_eq=np.hstack(
            [np.kron(np.eye(observations), np.ones(levels)), np.zeros((observations, levels))]
        ),
        b_eq=np.ones(observations),
        method="highs",
    )
    rule = answer.x[: price.size].reshape(observations, levels)
    return Optimum(
        rule=rule,
        output=seen @ rule,
        distortion=float(price @ rule.ravel()),
        perception=float(np.abs(seen @ rule - signal).sum() / 2),
    )
