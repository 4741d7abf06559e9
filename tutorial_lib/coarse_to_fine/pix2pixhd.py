"""pix2pixHD's two generators, nested as in the paper: what this chapter's U-Net stands in for.

References
----------
T.-C. Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
GANs" (pix2pixHD), CVPR 2018 (arXiv:1711.11585), Section 3.1, Figure 3 and Appendix A.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F


def layer(convolution: nn.Module, channels: int) -> nn.Sequential:
    """A convolution, each picture's own normalisation, and a rectifier."""
    return nn.Sequential(convolution, nn.InstanceNorm2d(channels), nn.ReLU())


def wide(entering: int, leaving: int, side: int) -> nn.Conv2d:
    """A convolution that keeps the size, the picture mirrored at its edges."""
    return nn.Conv2d(entering, leaving, side, padding=side // 2, padding_mode="reflect")


class Residual(nn.Module):
    """Two convolutions, whose result is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = layer(wide(channels, channels, 3), channels)
        self.second = nn.Sequential(wide(channels, channels, 3), nn.InstanceNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Refine features, (N, C, H, W)."""
        return features + self.second(self.first(features))


class GlobalGenerator(nn.Module):
    """G1: down, residual blocks at the bottom, and up again, without skip connections.

    Parameters
    ----------
    width : int
        Feature maps at the size of the picture; they double at each way down.
    halvings, blocks : int
        Ways down, and residual blocks.
    """

    def __init__(self, *, width: int = 64, halvings: int = 4, blocks: int = 9) -> None:
        super().__init__()
        maps = [width << k for k in range(halvings + 1)]
        self.features = nn.Sequential(
            layer(wide(3, width, 7), width),
            *(layer(nn.Conv2d(a, b, 3, stride=2, padding=1), b) for a, b in pairwise(maps)),
            *(Residual(maps[-1]) for _ in range(blocks)),
            *(layer(_larger(a, b), b) for a, b in pairwise(reversed(maps))),
        )
        self.answer = nn.Sequential(wide(width, 3, 7), nn.Tanh())

    def forward(self, picture: Tensor) -> Tensor:
        """Answer at the picture's size, (N, 3, H, W), range [-1, 1] as in the paper's code."""
        return self.answer(self.features(picture))


class LocalEnhancer(nn.Module):
    """G2 around G1: at half size its own features and G1's last ones are added.

    Parameters
    ----------
    inner : GlobalGenerator
        Trained first, on pictures of half the size; its own answer is then no longer asked for.
    width, blocks : int
        Feature maps at the size of the picture, half as many as G1's; and residual blocks.
    """

    def __init__(self, inner: GlobalGenerator, *, width: int = 32, blocks: int = 3) -> None:
        super().__init__()
        self.inner = inner
        self.front = nn.Sequential(
            layer(wide(3, width, 7), width),
            layer(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), 2 * width),
        )
        self.back = nn.Sequential(
            *(Residual(2 * width) for _ in range(blocks)), layer(_larger(2 * width, width), width)
        )
        self.answer = nn.Sequential(wide(width, 3, 7), nn.Tanh())

    def forward(self, picture: Tensor) -> Tensor:
        """Answer at the picture's size, (N, 3, H, W), range [-1, 1]; G1 sees it at half size."""
        half = F.avg_pool2d(picture, 3, stride=2, padding=1, count_include_pad=False)
        return self.answer(self.back(self.front(picture) + self.inner.features(half)))


def _larger(entering: int, leaving: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(entering, leaving, 3, stride=2, padding=1, output_padding=1)


def new_parameters(network: LocalEnhancer) -> list[nn.Parameter]:
    """Those that learn while G1 is fixed: all but G1's."""
    return [p for name, p in network.named_parameters() if not name.startswith("inner.")]
