"""ESRGAN's generator, and the names that its published checkpoints give to its weights.

Taught in the chapter *Deep Network Interpolation*, where two of these networks are interpolated.

References
----------
X. Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV Workshops
2018 (arXiv:1809.00219).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.states import plain_state

# ---------------------------------------------------------------------------- networks


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3 × 3 convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)


class DenseBlock(nn.Module):
    """Five convolutions, each of which reads everything made before it; added to the input.

    Parameters
    ----------
    channels : int
        Channels of the input and of the output.
    growth : int
        Channels that each of the first four convolutions adds.

    References
    ----------
    Wang et al. 2018, Figure 4 (right).
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.conv1 = convolution(channels, growth)
        self.conv2 = convolution(channels + growth, growth)
        self.conv3 = convolution(channels + 2 * growth, growth)
        self.conv4 = convolution(channels + 3 * growth, growth)
        self.conv5 = convolution(channels + 4 * growth, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        known = [x]
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            known.append(F.leaky_relu(conv(torch.cat(known, 1)), 0.2))
        return x + 0.2 * self.conv5(torch.cat(known, 1))


class ResidualInResidual(nn.Module):
    """Three dense blocks under a skip connection (RRDB).

    Parameters
    ----------
    channels, growth : int
        As in :class:`DenseBlock`.

    References
    ----------
    Wang et al. 2018, Figure 4 and Section 3.1: residuals are scaled by 0.2.
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(channels, growth)
        self.rdb2 = DenseBlock(channels, growth)
        self.rdb3 = DenseBlock(channels, growth)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """ESRGAN's generator for a scale of four; trained on the absolute error it is RRDB_PSNR.

    There is no batch normalisation, and the output is not bounded.

    Parameters
    ----------
    channels : int
        Feature maps throughout.
    blocks : int
        Residual-in-residual dense blocks; 23 in the paper.
    growth : int
        Channels that a convolution of a dense block adds.

    References
    ----------
    Wang et al. 2018, Sections 3.1 and 4.1.

    Examples
    --------
    >>> sum(p.numel() for p in RRDBNet().parameters())
    16697987
    >>> RRDBNet(channels=8, blocks=1, growth=4)(torch.zeros(1, 3, 6, 5)).shape
    torch.Size([1, 3, 24, 20])
    """

    def __init__(self, *, channels: int = 64, blocks: int = 23, growth: int = 32) -> None:
        super().__init__()
        self.conv_first = convolution(3, channels)
        self.body = nn.Sequential(*[ResidualInResidual(channels, growth) for _ in range(blocks)])
        self.conv_body = convolution(channels, channels)
        self.conv_up1 = convolution(channels, channels)
        self.conv_up2 = convolution(channels, channels)
        self.conv_hr = convolution(channels, channels)
        self.conv_last = convolution(channels, 3)

    def forward(self, low: Tensor) -> Tensor:
        """Super-resolve a batch.

        Parameters
        ----------
        low : Tensor
            (N, 3, H, W), range [0, 1].

        Returns
        -------
        Tensor
            (N, 3, 4·H, 4·W), about [0, 1]; to be clamped before it is shown or measured.
        """
        first = self.conv_first(low)
        x = first + self.conv_body(self.body(first))
        for conv in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))


# ------------------------------------------------------------------ published checkpoints

LAYERS_2019 = {
    "conv_first": "conv_first",
    "trunk_conv": "conv_body",
    "upconv1": "conv_up1",
    "upconv2": "conv_up2",
    "HRconv": "conv_hr",
    "conv_last": "conv_last",
}
"""Layers outside the blocks: their names of 2019, and today's."""

LAYERS_2018 = {
    "0": "conv_first",
    "3": "conv_up1",
    "6": "conv_up2",
    "8": "conv_hr",
    "10": "conv_last",
}
"""Likewise of 2018, when the network was one long Sequential."""

BLOCK_2019 = re.compile(r"RRDB_trunk\.(\d+)\.RDB([123])\.conv([1-5])\.(weight|bias)")
BLOCK_2018 = re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0\.(weight|bias)")
# The last entry of the Sequential's part 1 is the convolution after the blocks.
AFTER_2018 = re.compile(r"model\.1\.sub\.(\d+)\.(weight|bias)")
PLAIN_2018 = re.compile(r"model\.(\d+)\.(weight|bias)")
TODAY = re.compile(
    rf"({'|'.join(LAYERS_2019.values())}|body\.\d+\.rdb[123]\.conv[1-5])\.(weight|bias)"
)


def plain_names(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Give the weights of a published checkpoint the names that :class:`RRDBNet` has.

    Three generations of names are known: those of 2018 (``model.1.sub.0.RDB1.conv1.0.weight``), of
    the files RRDB_ESRGAN_x4.pth and RRDB_PSNR_x4.pth (``RRDB_trunk.0.RDB1.conv1.weight``), and
    today's (``body.0.rdb1.conv1.weight``), which are this module's own. The last are often wrapped
    under ``params_ema`` or ``params``. A prefix ``module.`` that all keys have is removed.

    Parameters
    ----------
    checkpoint : mapping
        What ``torch.load(path, weights_only=True)`` returned.

    Returns
    -------
    dict of str to Tensor
        The weights by today's names; whether they are complete is for ``load_state_dict`` to say.

    Raises
    ------
    ValueError
        If an entry is not a tensor, or a name belongs to no generation; names it.
    """
    named = {}
    for key, value in plain_state(checkpoint).items():
        if not isinstance(value, Tensor):
            raise ValueError(
                f"{key!r} of this checkpoint is a {type(value).__name__}, not a tensor: it is not "
                "the weights of one network"
            )
        named[todays_name(str(key))] = value
    return named


def todays_name(key: str) -> str:
    """Translate one weight's name, of whatever generation, into today's.

    Raises
    ------
    ValueError
        If it belongs to none.

    Examples
    --------
    >>> todays_name("model.1.sub.0.RDB1.conv1.0.weight"), todays_name("HRconv.bias")
    ('body.0.rdb1.conv1.weight', 'conv_hr.bias')
    """
    if TODAY.fullmatch(key):
        return key
    if match := BLOCK_2019.fullmatch(key) or BLOCK_2018.fullmatch(key):
        block, dense, conv, kind = match.groups()
        return f"body.{block}.rdb{dense}.conv{conv}.{kind}"
    if match := AFTER_2018.fullmatch(key):
        return f"conv_body.{match[2]}"
    if (match := PLAIN_2018.fullmatch(key)) and match[1] in LAYERS_2018:
        return f"{LAYERS_2018[match[1]]}.{match[2]}"
    layer, _, kind = key.rpartition(".")
    if layer in LAYERS_2019 and kind in ("weight", "bias"):
        return f"{LAYERS_2019[layer]}.{kind}"
    raise ValueError(
        f"{key!r} is no weight of RRDBNet for a scale of four under any of its published names: "
        "this is the checkpoint of another network"
    )


def network_of(state: Mapping[str, Tensor]) -> RRDBNet:
    """Build the network that a state belongs to, of whatever size, and load the state strictly.

    Parameters
    ----------
    state : mapping of str to Tensor
        Weights under today's names, as from :func:`plain_names`.

    Returns
    -------
    RRDBNet
        In evaluation mode.

    Raises
    ------
    ValueError
        If the state lacks a weight that tells the size.
    RuntimeError
        If it lacks another, or has one too many; names it.

    Examples
    --------
    >>> small = RRDBNet(channels=8, blocks=2, growth=4)
    >>> len(network_of(small.state_dict()).body)
    2
    """
    try:
        channels = len(state["conv_first.weight"])
        growth = len(state["body.0.rdb1.conv1.weight"])
    except KeyError as error:
        raise ValueError(f"this checkpoint has no {error}: it is not a whole RRDBNet") from None
    blocks = len({key.split(".")[1] for key in state if key.startswith("body.")})
    network = RRDBNet(channels=channels, blocks=blocks, growth=growth)
    network.load_state_dict(state)
    return network.eval()
