"""Why the game turns: the smallest GAN there is, with one number for each player.

Taught in the chapter *GAN basics*. All data lie at 0, all fakes at θ, and the discriminator is a
line through the origin: its logit at x is ψ x. Then V = −log 2 − log(1 + exp(ψ θ)).

References
----------
L. Mescheder, A. Geiger and S. Nowozin, "Which Training Methods for GANs do actually Converge?",
ICML 2018 (arXiv:1801.04406), Sections 2 and 4.
"""

from __future__ import annotations

import torch
from torch import Tensor


def dirac_field(state: Tensor, *, r1: float = 0.0) -> Tensor:
    """Where both players want to go: G down the slope of V, D up.

    Parameters
    ----------
    state : Tensor
        (..., 2): θ of the generator, ψ of the discriminator.
    r1 : float
        γ of the penalty on D's slope at the data, γ ψ² / 2.

    Returns
    -------
    Tensor
        (..., 2): (ψ σ(ψθ), −θ σ(ψθ) − γ ψ).

    References
    ----------
    Mescheder et al. 2018, Lemma 2.2, for our D, whose logit is high for data.
    """
    theta, psi = state.unbind(-1)
    fooled = torch.sigmoid(psi * theta)
    return torch.stack([psi * fooled, -theta * fooled - r1 * psi], dim=-1)


def dirac_orbit(
    start: Tensor, *, rate: float, steps: int, alternating: bool, r1: float = 0.0
) -> Tensor:
    """Play the game by plain gradient steps.

    Parameters
    ----------
    start : Tensor
        (2,): θ and ψ.
    rate : float
        Learning rate of both.
    steps : int
        Rounds.
    alternating : bool
        Whether G answers to the D that has just moved, as `gan_step` has it; or both move at once.
    r1 : float
        γ, as in `dirac_field`.

    Returns
    -------
    Tensor
        (steps + 1, 2).
    """
    states = [start]
    for _ in range(steps):
        state = states[-1]
        move = rate * dirac_field(state, r1=r1)
        if alternating:
            judged = torch.stack([state[0], state[1] + move[1]])
            states.append(judged + rate * dirac_field(judged, r1=r1) * torch.tensor([1.0, 0.0]))
        else:
            states.append(state + move)
    return torch.stack(states)


def dirac_flow(start: Tensor, times: Tensor, *, r1: float = 0.0) -> Tensor:
    """The path of infinitely small steps near the solution, in closed form.

    There σ(ψθ) is ½, and the field a matrix with the eigenvalues −γ/2 ± √(γ² − 1) / 2: a circle
    without a penalty, a spiral to the solution with one.

    Parameters
    ----------
    start : Tensor
        (2,): θ and ψ.
    times : Tensor
        (T,): rounds times learning rate.
    r1 : float
        γ, as in `dirac_field`.

    Returns
    -------
    Tensor
        (T, 2).

    References
    ----------
    Mescheder et al. 2018, Section 4.1.
    """
    slope = torch.tensor([[0.0, 0.5], [-0.5, -r1]], dtype=start.dtype)
    return torch.linalg.matrix_exp(times[:, None, None] * slope) @ start
