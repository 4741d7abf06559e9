"""The denoiser whose filters show when interpolation works, and how filters are compared.

Taught in the chapter *Deep Network Interpolation*.

References
----------
X. Wang et al., "Deep Network Interpolation for Continuous Imagery Effect Transition", CVPR 2019
(arXiv:1811.10515), Section 3.2.
"""

from __future__ import annotations

from torch import Tensor, nn


class Denoiser(nn.Module):
    """Convolutions that predict the noise of a picture, which is then subtracted.

    Parameters
    ----------
    channels : int
        Filters of every layer but the last.
    layers : int
        Convolutions, at least 2.
    kernel : int
        Side of the first layer's filters, odd; large ones can be looked at. Later ones are 3 × 3.

    References
    ----------
    K. Zhang et al., "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image
    Denoising", IEEE Transactions on Image Processing 2017, Figure 1; without its batch
    normalisation, so that nothing but filters is interpolated.

    Examples
    --------
    >>> import torch
    >>> Denoiser(layers=3)(torch.zeros(1, 3, 8, 5)).shape
    torch.Size([1, 3, 8, 5])
    """

    def __init__(self, *, channels: int = 64, layers: int = 5, kernel: int = 7) -> None:
        super().__init__()
        first = nn.Conv2d(3, channels, kernel_size=kernel, padding=kernel // 2)
        # What is learned should be seen in the filters, not where they started.
        nn.init.normal_(first.weight, std=0.005)
        middle: list[nn.Module] = []
        for _ in range(layers - 2):
            middle += [nn.Conv2d(channels, channels, kernel_size=3, padding=1), nn.ReLU()]
        last = nn.Conv2d(channels, 3, kernel_size=3, padding=1)
        self.net = nn.Sequential(first, nn.ReLU(), *middle, last)

    def forward(self, noisy: Tensor) -> Tensor:
        """Map (N, 3, H, W) in [0, 1], plus noise, to the same shape without the noise."""
        return noisy - self.net(noisy)


def correlations(filters_a: Tensor, filters_b: Tensor) -> Tensor:
    """Pearson correlation of every filter of one layer with every filter of another.

    Parameters
    ----------
    filters_a, filters_b : Tensor
        (N, C, k, k) and (M, C, k, k).

    Returns
    -------
    Tensor
        (N, M), in [−1, 1]; the diagonal compares filters in the same place.

    References
    ----------
    Wang et al. 2019, Section 3.2 (the correlation index of two filters).

    Examples
    --------
    >>> import torch
    >>> filters = torch.tensor([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]]).view(2, 1, 1, 3)
    >>> correlations(filters, filters)
    tensor([[ 1.0000, -0.5000],
            [-0.5000,  1.0000]])
    """
    a, b = (
        nn.functional.normalize(f.flatten(1) - f.flatten(1).mean(1, keepdim=True), dim=1)
        for f in (filters_a, filters_b)
    )
    return a @ b.T
