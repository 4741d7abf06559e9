"""What makes a painted picture keep its scene and take on a style: the four losses of LapStyle.

All of them compare feature maps of shape (N, C, H, W). Each is written to stay finite, with a
finite gradient, where its published form divides by zero: for features that are zero and for maps
that are the same everywhere.

References
----------
T. Lin et al., "Drafting and Revision: Laplacian Pyramid Network for Fast High-Quality Artistic
Style Transfer", CVPR 2021 (arXiv:2104.05376), Section 3.3. N. Kolkin et al., "Style Transfer by
Relaxed Optimal Transport and Self-Similarity", CVPR 2019 (arXiv:1904.12785).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

Maps = Mapping[str, Tensor]
"""Layer → feature maps (N, C, H, W)."""

Moments = tuple[Tensor, Tensor]
"""Mean and deviation of every channel, (N, C, 1, 1) each."""

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""Where moment matching and the perceptual loss look."""

STRUCTURE_LAYERS = ("relu3_1", "relu4_1")
"""Where the relaxed earth mover's distance and self-similarity look."""

BASE = ("perceptual", "self_similarity", "moment", "remd")
"""The four losses that compare maps."""

ZERO = 1e-3
"""Lengths of features much below this count as zero; the encoder's channels average 1."""


def moments(maps: Tensor) -> Moments:
    """Mean and standard deviation of every channel over the picture.

    Parameters
    ----------
    maps : Tensor
        (N, C, H, W).

    Returns
    -------
    mean, deviation : Tensor
        (N, C, 1, 1) each, float32. To the unbiased variance 1e-5 is added before the root; of a
        single pixel the variance is zero.

    References
    ----------
    Huang and Belongie 2017, Equations 5 and 6.
    """
    maps, pixels = maps.float(), maps.shape[-2] * maps.shape[-1]
    mean = maps.mean((-2, -1), keepdim=True)
    # torch.var_mean takes five times as long on a processor.
    variance = (maps - mean).square().sum((-2, -1), keepdim=True) / max(1, pixels - 1)
    return mean, (variance + 1e-5).sqrt()


def normalise(maps: Tensor, own: Moments | None = None) -> Tensor:
    """Bring every channel to zero mean and unit deviation; `own` are its moments, if known."""
    mean, deviation = own or moments(maps)
    return (maps - mean) / deviation


def cosine_distances(a: Tensor, b: Tensor) -> Tensor:
    """One minus the cosine of the angle, between every feature of `a` and every feature of `b`.

    Parameters
    ----------
    a, b : Tensor
        (N, C, …) and (N or 1, C, …) with P and Q places.

    Returns
    -------
    Tensor
        (N, P, Q), range [0, 2] but for rounding. A zero feature is at distance 1 from everything.
    """
    a, b = (x.float().flatten(2) for x in (a, b))
    # Not divided by max(length, ε): at zero, that has a gradient of 1/ε at once.
    a, b = (x / (x.square().sum(1, keepdim=True) + ZERO**2).sqrt() for x in (a, b))
    return 1 - a.mT @ b.expand(a.shape[0], -1, -1)


def relaxed_emd(made: Tensor, style: Tensor) -> Tensor:
    """Earth mover's distance between two sets of features, without one of its two constraints.

    Every feature goes to its nearest in the other picture, at the cosine distance; of the two
    directions the dearer one counts. Where in the picture a feature stands does not matter.

    Parameters
    ----------
    made : Tensor
        (N, C, H, W), features of the painted pictures.
    style : Tensor
        (N or 1, C, H', W'), features of the style.

    Returns
    -------
    Tensor
        Scalar, mean over the pictures of a batch.

    References
    ----------
    Kolkin et al. 2019, Equation 4; Lin et al. 2021, Equation 1.
    """
    distances = cosine_distances(made, style)
    there, back = distances.amin(2).mean(1), distances.amin(1).mean(1)
    return torch.maximum(there, back).mean()


def moment_loss(made: Tensor, style: Tensor) -> Tensor:
    """Squared distance between the channels' means, plus that between their deviations.

    Parameters
    ----------
    made : Tensor
        (N, C, H, W).
    style : Tensor
        (N or 1, C, H', W').

    Returns
    -------
    Tensor
        Scalar, mean over pictures and channels.

    Notes
    -----
    The paper compares whole covariances; its published code, and so this, their diagonals.

    References
    ----------
    Lin et al. 2021, Equation 2.
    """
    return moment_distance(moments(made), moments(style))


def moment_distance(ours: Moments, theirs: Moments) -> Tensor:
    """:func:`moment_loss`, of moments that are known already."""
    mean, deviation = (F.mse_loss(a, b.expand_as(a)) for a, b in zip(ours, theirs, strict=True))
    return mean + deviation


def perceptual_loss(made: Tensor, content: Tensor) -> Tensor:
    """Mean squared distance between feature maps whose channels were normalised.

    Parameters
    ----------
    made, content : Tensor
        (N, C, H, W).

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    Lin et al. 2021, Equation 3.
    """
    return F.mse_loss(normalise(made), normalise(content))


def self_similarity_loss(made: Tensor, content: Tensor) -> Tensor:
    """How differently two pictures' own parts resemble one another.

    In each picture the cosine distances between all pairs of places are divided by their sum over
    one of the two; the mean difference is counted in units of one place's share.

    Parameters
    ----------
    made, content : Tensor
        (N, C, H, W).

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    Kolkin et al. 2019, Equation 7; Lin et al. 2021, Equation 4.
    """
    ours, theirs = shares_of_distance(made), shares_of_distance(content)
    return (ours - theirs).abs().mean() * ours.shape[1]


def shares_of_distance(maps: Tensor) -> Tensor:
    """Cosine distances between a map's places, as shares of their sum over one of the two.

    Parameters
    ----------
    maps : Tensor
        (N, C, H, W), of P = H · W places.

    Returns
    -------
    Tensor
        (N, P, P), 0 or more; each column adds up to 1, or to less in a map that is nearly constant.
    """
    distances = cosine_distances(maps, maps).clamp(min=0)
    # In a constant map all distances are rounding errors, and so would be their sum.
    return distances / distances.sum(1, keepdim=True).clamp(min=1e-3 * distances.shape[1])


@dataclass(frozen=True)
class StyleWeights:
    """Weights of the losses, as in the article.

    Attributes
    ----------
    perceptual, self_similarity : float
        Of the two that keep the content; λ1 is the second.
    style : float
        Of the two that follow together; α.
    moment, remd : float
        Of moment matching and of the relaxed earth mover's distance; λ2 is the second.
    adversarial : float
        Of the revision network's patch discriminator; β.
    """

    perceptual: float = 1.0
    self_similarity: float = 16.0
    style: float = 3.0
    moment: float = 1.0
    remd: float = 3.0
    adversarial: float = 1.0

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Add up losses by their names; those that are not there count as zero.

        References
        ----------
        Lin et al. 2021, Equations 5 to 7.

        Examples
        --------
        >>> one = torch.ones(())
        >>> StyleWeights().total({"moment": one, "remd": one, "self_similarity": one}).item()
        28.0
        """
        factors = {
            "perceptual": self.perceptual,
            "self_similarity": self.self_similarity,
            "moment": self.style * self.moment,
            "remd": self.style * self.remd,
            "adversarial": self.adversarial,
        }
        return torch.stack([factors[name] * loss for name, loss in losses.items()]).sum()


@dataclass(frozen=True)
class Style:
    """What the losses need of the style picture: computed once, not at each step.

    Attributes
    ----------
    moments : mapping
        Of each of the maps.
    maps : mapping of Tensor
        Those of `STRUCTURE_LAYERS`, (1, C, H, W).
    """

    moments: Mapping[str, Moments]
    maps: Maps

    @classmethod
    def of(cls, maps: Maps) -> Style:
        """Take them from the style picture's maps at `LAYERS`, or at the first of them."""
        return cls(
            {name: moments(of) for name, of in maps.items()},
            {name: maps[name].float() for name in STRUCTURE_LAYERS},
        )


def base_losses(
    made: Maps, content: Maps, style: Style, *, places: Tensor | None = None
) -> dict[str, Tensor]:
    """Compute the four losses, each summed over its layers.

    Parameters
    ----------
    made, content : mapping of Tensor
        Maps (N, C, H, W) of the painted pictures and of the photographs: at all of `LAYERS` in
        trainings; an encoder cut off at relu4_1 leaves the last one out.
    style : Style
        Of the style picture.
    places : Tensor, optional
        Numbers in [0, 1), one for each place to compare in the relaxed earth mover's distance and
        in self-similarity, where a map has more places than that. By default all are compared,
        whose number grows with the fourth power of a picture's side.

    Returns
    -------
    dict of Tensor
        ``perceptual``, ``self_similarity``, ``moment`` and ``remd``, unweighted scalars.
    """

    def some(maps: Tensor) -> Tensor:
        flat = maps.flatten(2)
        if places is None or flat.shape[2] <= len(places):
            return flat
        return flat[:, :, (places * flat.shape[2]).long()]

    losses = {name: made["relu1_1"].new_zeros((), dtype=torch.float32) for name in BASE}
    for name, maps in made.items():
        own = moments(maps)
        losses["moment"] = losses["moment"] + moment_distance(own, style.moments[name])
        losses["perceptual"] = losses["perceptual"] + F.mse_loss(
            normalise(maps, own), normalise(content[name])
        )
    for name in STRUCTURE_LAYERS:
        a, b, c = (some(maps[name]) for maps in (made, content, style.maps))
        losses["self_similarity"] = losses["self_similarity"] + self_similarity_loss(a, b)
        losses["remd"] = losses["remd"] + relaxed_emd(a, c)
    return losses
