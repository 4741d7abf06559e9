"""When to stop a fit without knowing the true picture, and where a fit is on its way.

Taught in the chapter *Deep Image Prior*, beside :mod:`tutorial_lib.deep_image_prior.fit`.

References
----------
H. Wang, T. Li, Z. Zhuang, T. Chen, H. Liang and J. Sun, "Early stopping for deep image prior", 2021
(arXiv:2112.06074).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class EarlyStopping(nn.Module):
    """A stopping rule that needs no true picture: the variance of the last outputs.

    While the network draws the picture, its output settles, and the variance over a window of
    steps falls; when it begins to draw the noise, the variance rises again. The rule takes the
    window with the least variance, and stops when there has been no better one for a while.

    Parameters
    ----------
    size : (int, int)
        Height and width of the outputs.
    window : int
        Outputs in the window.
    patience : int
        Steps without a new least variance after which to stop.

    Attributes
    ----------
    variance : float
        Mean over pixels of the present window's variance; infinite until the window is full.
    best_variance : float
        The least so far.
    best_step : int
        The step that it belongs to: the last one of its window.
    best : Tensor
        What was offered as the result then, (1, 3, H, W).
    best_mean : Tensor
        Mean of the outputs in that window, (1, 3, H, W). Unlike a moving average, it holds nothing
        from before the window.
    stopped : bool
        Whether the rule has spoken. From then on only `variance` changes.

    References
    ----------
    H. Wang, T. Li, Z. Zhuang, T. Chen, H. Liang and J. Sun, "Early stopping for deep image
    prior", 2021, algorithm 1 (ES-WMV).
    """

    ring: Tensor
    total: Tensor
    energy: Tensor
    steps: Tensor
    spread: Tensor
    least_spread: Tensor
    calmest_step: Tensor
    spoken: Tensor
    best: Tensor
    best_mean: Tensor

    def __init__(self, size: tuple[int, int], *, window: int = 100, patience: int = 1000) -> None:
        super().__init__()
        self.window, self.patience = window, patience
        self.register_buffer("ring", torch.zeros(window, 1, 3, *size, dtype=torch.float16))
        self.register_buffer("total", torch.zeros(1, 3, *size))
        self.register_buffer("energy", torch.zeros(window, dtype=torch.float64))
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("spread", torch.tensor(math.inf, dtype=torch.float64))
        self.register_buffer("least_spread", torch.tensor(math.inf, dtype=torch.float64))
        self.register_buffer("calmest_step", torch.tensor(0))
        self.register_buffer("spoken", torch.tensor(False))
        self.register_buffer("best", torch.zeros(1, 3, *size))
        self.register_buffer("best_mean", torch.zeros(1, 3, *size))

    @property
    def best_step(self) -> int:
        """Last step of the window with the least variance."""
        return int(self.calmest_step)

    @property
    def variance(self) -> float:
        """The present window's."""
        return float(self.spread)

    @property
    def best_variance(self) -> float:
        """The least so far."""
        return float(self.least_spread)

    @property
    def stopped(self) -> bool:
        """Whether the rule has spoken."""
        return bool(self.spoken)

    @torch.no_grad()
    def update(self, output: Tensor, result: Tensor) -> bool:
        """Take in one step's output, and say whether to stop.

        Parameters
        ----------
        output : Tensor
            The network's picture, (1, 3, H, W).
        result : Tensor
            What to keep if this is the best step: the output itself, or the average.

        Returns
        -------
        bool
            True when the variance has not fallen for `patience` steps.

        Raises
        ------
        ValueError
            If the output is not finite: it would spoil all windows after it.
        """
        place = int(self.steps) % self.window
        rounded = output.half()
        energy = rounded.double().square().mean()
        if not energy.isfinite():
            raise ValueError(f"the output of step {int(self.steps) + 1} is not finite")
        self.total += rounded.float() - self.ring[place].float()
        self.ring[place], self.energy[place] = rounded, energy
        self.steps += 1
        if self.steps >= self.window:
            mean = self.total.double() / self.window
            self.spread.copy_(self.energy.mean() - mean.square().mean())
            if self.spread < self.least_spread and not self.stopped:
                self.least_spread.copy_(self.spread)
                self.calmest_step.copy_(self.steps)
                self.best.copy_(result)
                self.best_mean.copy_(mean)
            if self.steps - self.calmest_step >= self.patience:
                self.spoken.fill_(True)
        return self.stopped


def error_plane(x: Tensor, *, truth: Tensor, observed: Tensor) -> tuple[float, float]:
    """Where a picture is on the way from the true one to the damaged one.

    Parameters
    ----------
    x, truth, observed : Tensor
        Pictures of one shape.

    Returns
    -------
    along : float
        How much of the damage is in `x`: 0 for the true picture, 1 for the damaged one.
    across : float
        Everything else that is wrong with it, in units of the size of the damage.

    Examples
    --------
    >>> truth, observed = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    >>> error_plane(0.25 * observed, truth=truth, observed=observed)
    (0.25, 0.0)
    """
    damage, error = (observed - truth).double(), (x - truth).double()
    size = damage.square().sum()
    along = (error * damage).sum() / size
    across = (error - along * damage).square().sum() / size
    return along.item(), across.sqrt().item()
