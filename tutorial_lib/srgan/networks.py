"""The two networks of SRGAN: a residual super-resolution generator, and its discriminator.

Taught in the chapter *SRGAN*. They are those of the mirrored article, which follow Ledig et al.
2017.

References
----------
C. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017 (arXiv:1609.04802).
"""

from __future__ import annotations

from torch import Tensor, nn

# --------------------------------------------------------------------------- generator


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions with batch normalisation, added to their input.

    Parameters
    ----------
    channels : int
        Channels of the input and of the output.

    Notes
    -----
    The second normalisation's scale starts at zero, so that a new block is the identity and a new
    network is shallow; the article leaves PyTorch's start at one, which takes longer to train.

    References
    ----------
    Ledig et al. 2017, Figure 4 (B residual blocks); He et al. 2016, Equation 1. Start at zero:
    Goyal et al. 2017 (arXiv:1706.02677), Section 5.1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(channels)
        nn.init.zeros_(last.weight)
        self.net = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            nn.BatchNorm2d(channels),
            nn.PReLU(),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        return x + self.net(x)


class UpsampleBlock(nn.Module):
    """Sub-pixel convolution: make ``factor²`` times the channels, then fold them into space.

    Parameters
    ----------
    channels : int
        Channels of the input and of the output.
    factor : int
        How many times each side grows.

    References
    ----------
    Shi et al. 2016 (ESPCN), Section 2.2.
    """

    def __init__(self, channels: int, factor: int = 2) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, channels * factor**2, kernel_size=3, padding=1),
            nn.PixelShuffle(factor),
            nn.PReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to (N, channels, factor·H, factor·W)."""
        return self.net(x)


class Generator(nn.Module):
    """The generator; trained on the squared error alone it is called SRResNet.

    Head (one 9 × 9 convolution), body (residual blocks under one long skip), tail (sub-pixel
    upsampling by 2, as often as needed, and a 9 × 9 convolution to colour). The output goes
    through tanh and is shifted from (−1, 1) to (0, 1).

    Parameters
    ----------
    scale : int
        How many times each side grows: a power of two.
    channels : int
        Feature maps throughout.
    blocks : int
        Residual blocks in the body.

    Raises
    ------
    ValueError
        If `scale` is not a power of two of at least 2.

    References
    ----------
    Ledig et al. 2017, Figure 4 and Section 2.1.1.

    Examples
    --------
    >>> import torch
    >>> generator = Generator()
    >>> sum(p.numel() for p in generator.parameters())
    1549335
    >>> generator(torch.zeros(1, 3, 6, 5)).shape
    torch.Size([1, 3, 24, 20])
    """

    def __init__(self, *, scale: int = 4, channels: int = 64, blocks: int = 16) -> None:
        super().__init__()
        doublings = scale.bit_length() - 1
        if scale < 2 or 2**doublings != scale:
            raise ValueError(f"scale must be 2, 4, 8, …: got {scale}")
        self.scale, self.channels = scale, channels
        self.head = nn.Sequential(
            nn.Conv2d(3, channels, kernel_size=9, padding=4),
            nn.PReLU(),
        )
        self.body = nn.Sequential(
            *[ResidualBlock(channels) for _ in range(blocks)],
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            nn.PReLU(),
        )
        self.tail = nn.Sequential(
            *[UpsampleBlock(channels) for _ in range(doublings)],
            nn.Conv2d(channels, 3, kernel_size=9, padding=4),
            nn.Tanh(),
        )

    def forward(self, low: Tensor) -> Tensor:
        """Super-resolve a batch.

        Parameters
        ----------
        low : Tensor
            (N, 3, H, W), range [0, 1].

        Returns
        -------
        Tensor
            (N, 3, scale·H, scale·W), range [0, 1].
        """
        x = self.head(low)
        x = self.body(x) + x
        return (self.tail(x) + 1) / 2


def grown(generator: Generator, *, blocks: int) -> Generator:
    """A deeper generator that computes the same: its new residual blocks are the identity.

    Parameters
    ----------
    generator : Generator
        Left as it is.
    blocks : int
        Residual blocks of the deeper one, at least as many as `generator` has.

    Returns
    -------
    Generator
        In evaluation mode, with copies of the weights; the new blocks follow the old ones.

    Raises
    ------
    ValueError
        If `generator` has more blocks than that.

    References
    ----------
    Chen et al. 2016 (Net2Net, arXiv:1511.05641), Section 2.3.

    Examples
    --------
    >>> import torch
    >>> small = Generator(channels=8, blocks=1).eval()
    >>> low = torch.rand(1, 3, 6, 6)
    >>> torch.equal(grown(small, blocks=3)(low), small(low))
    True
    """
    old = len(generator.body) - 2
    if blocks < old:
        raise ValueError(f"the generator has {old} blocks already: blocks must not be fewer")
    deep = Generator(scale=generator.scale, channels=generator.channels, blocks=blocks).eval()
    deep.head.load_state_dict(generator.head.state_dict())
    deep.tail.load_state_dict(generator.tail.state_dict())
    for new, given in zip([*deep.body[:old], *deep.body[-2:]], generator.body, strict=True):
        new.load_state_dict(given.state_dict())
    return deep


# ----------------------------------------------------------------------- discriminator


def stage(inputs: int, outputs: int, *, stride: int) -> list[nn.Module]:
    """Layers of one stage of the discriminator: a convolution, its normalisation, its slope.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    stride : int
        2 halves the sides.
    """
    return [
        nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2),
    ]


class Discriminator(nn.Module):
    """Real photograph, or made by the generator? One logit a picture.

    Eight convolutions; every second one halves the sides, and the channels double at each of
    the following three. Two linear layers read the last maps whole, so the picture's size is
    fixed when the network is built.

    Parameters
    ----------
    patch : int
        Side of the square pictures, in pixels: a multiple of 16.

    Raises
    ------
    ValueError
        If `patch` is not a positive multiple of 16; in ``forward``, if a picture has other sides.

    References
    ----------
    Ledig et al. 2017, Figure 4 (discriminator network).

    Examples
    --------
    >>> discriminator = Discriminator(patch=96)
    >>> sum(p.numel() for p in discriminator.parameters())
    23565505
    """

    def __init__(self, *, patch: int = 96) -> None:
        super().__init__()
        if patch < 16 or patch % 16:
            raise ValueError(f"patch must be a positive multiple of 16: got {patch}")
        self.patch = patch
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=3, padding=1),
            nn.LeakyReLU(0.2),
            *stage(64, 64, stride=2),
            *stage(64, 128, stride=1),
            *stage(128, 128, stride=2),
            *stage(128, 256, stride=1),
            *stage(256, 256, stride=2),
            *stage(256, 512, stride=1),
            *stage(512, 512, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(512 * (patch // 16) ** 2, 1024),
            nn.LeakyReLU(0.2),
            nn.Linear(1024, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Judge a batch.

        Parameters
        ----------
        image : Tensor
            (N, 3, patch, patch), range [0, 1].

        Returns
        -------
        Tensor
            (N, 1) logits; their sigmoid is the article's D(x), the probability of "real".
        """
        if image.shape[-2:] != (self.patch, self.patch):
            height, width = image.shape[-2:]
            raise ValueError(
                f"this discriminator reads {self.patch} × {self.patch} pictures, got "
                f"{height} × {width}: crop them, or build it with another patch"
            )
        return self.classifier(self.features(image))
