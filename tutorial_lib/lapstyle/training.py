"""Training LapStyle's networks for one style: settings, photographs, and what one step does."""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.data import from_uint8, group_names, load, locate, read_image, to_uint8
from tutorial_lib.lapstyle.losses import StyleWeights, base_losses
from tutorial_lib.lapstyle.networks import (
    Encoder,
    LapStyle,
    PatchDiscriminator,
    revise,
    stylised_maps,
)
from tutorial_lib.lapstyle.pyramid import expand, laplacian_pyramid
from tutorial_lib.lapstyle.stylise import STYLES, fit, prepared_encoder, stored_weights
from tutorial_lib.srgan.networks import adversarial_loss, discriminator_loss
from tutorial_lib.training import set_up, shard

VARIANTS = ("whole", "draft only", "draft at 256", "rgb", "no draft")


@dataclasses.dataclass(frozen=True)
class StyleConfig:
    """Settings of a training for one style.

    Attributes
    ----------
    steps : int
        Updates in all stages together.
    style : str
        One of `STYLES`.
    variant : str
        "whole", or one of the article's simplifications: "draft only" (a), "draft at 256" (b),
        "rgb" (c; the revision network sees and paints whole pictures instead of bands) and
        "no draft" (d; the photograph's own low resolution takes the draft's place).
    sizes : tuple of int
        Side of the square photographs in each stage: drafting, first revision, second revision.
        Photographs that are smaller are enlarged.
    shares : tuple of float
        Of the steps, for each stage.
    batch : int
        Photographs a step.
    learning_rate : float
        Of Adam.
    cosine : bool
        Warm the rate up over 50 steps, or the fifth part of a short stage, and let it fall along a
        cosine to zero at each stage's last step; False keeps it constant, as the article.
    perceptual, self_similarity, style_weight, moment, remd, adversarial : float
        Weights of the losses.
    identity : float
        Weight of the squared error between a photograph and what the decoder makes of its maps
        without AdaIN. Not in the article; in the published code. It gives the strength slider its
        photographic end.
    identity_every : int
        Steps from one such photograph to the next.
    places : int
        Places of a map that the pairwise losses compare, drawn anew at each step.
    judged : int
        Side of the parts from which the discriminator learns, cut anew at each step; 0 takes whole
        pictures.
    start : str
        Experiment whose networks to start from; empty starts afresh.
    backbone : {"vgg16", "vgg19"}
        The encoder.
    photographs : str
        "bsds500", or a folder of photographs, such as MS-COCO's train2017 in the article.
    limit, held_out : int
        Use only the first so many photographs for training, for measuring.
    equalised : int
        Photographs over which the encoder's channels are made comparable.
    shown : int
        Shorter side of the paintings to be shown; those of `CONTENTS` are at most so large.
    """

    steps: int
    style: str = "starry_night"
    variant: str = "whole"
    sizes: tuple[int, ...] = (128, 256, 512)
    shares: tuple[float, ...] = (0.5, 0.25, 0.25)
    batch: int = 5
    learning_rate: float = 1e-4
    cosine: bool = False
    perceptual: float = 1.0
    self_similarity: float = 16.0
    style_weight: float = 3.0
    moment: float = 1.0
    remd: float = 3.0
    adversarial: float = 1.0
    identity: float = 20.0
    identity_every: int = 4
    places: int = 1024
    judged: int = 0
    start: str = ""
    backbone: str = "vgg16"
    photographs: str = "bsds500"
    limit: int = 1_000_000
    held_out: int = 20
    equalised: int = 40
    shown: int = 512

    def weights(self) -> StyleWeights:
        """The losses' weights."""
        return StyleWeights(
            perceptual=self.perceptual,
            self_similarity=self.self_similarity,
            style=self.style_weight,
            moment=self.moment,
            remd=self.remd,
            adversarial=self.adversarial,
        )

    def ends(self, steps: int) -> list[int]:
        """Step after which each stage is over."""
        total = sum(self.shares)
        return [round(steps * sum(self.shares[: i + 1]) / total) for i in range(len(self.shares))]


# ------------------------------------------------------------------------------- data


class Photographs:
    """Photographs at one size, each read when it is first asked for, and kept as bytes.

    Parameters
    ----------
    source : str
        "bsds500", or a folder.
    side : int
        Side of the square crops.
    limit : int
        Use only so many.

    Raises
    ------
    ValueError
        If a folder holds no photographs.
    """

    def __init__(self, source: str, *, side: int, limit: int) -> None:
        self.side = side
        if source == "bsds500":
            paths = [locate(name) for name in group_names(source)[:limit]]
        else:
            paths = sorted(Path(source).glob("*.jpg"))[:limit]
        if not paths:
            raise ValueError(f"no *.jpg in {source}: name the folder that holds the photographs")
        self.paths = paths
        self._read = lru_cache(maxsize=1000)(self._resized)

    def _resized(self, index: int) -> Tensor:
        """The whole scene, a quarter larger than a crop."""
        return to_uint8(fit(read_image(self.paths[index]), self.side * 5 // 4))

    def sample(self, batch: int, generator: torch.Generator) -> Tensor:
        """Cut random squares, half of them mirrored: (batch, 3, side, side), uint8."""
        crops = []
        for u in torch.rand(batch, 4, generator=generator, dtype=torch.float64).tolist():
            image = self._read(int(u[0] * len(self.paths)))
            top, left = (
                int(share * (size - self.side + 1))
                for share, size in zip(u[1:3], image.shape[-2:], strict=True)
            )
            crop = image[..., top : top + self.side, left : left + self.side]
            crops.append(crop.flip(-1) if u[3] < 0.5 else crop)
        return torch.cat(crops)


def squares(side: int, *, count: int) -> Tensor:
    """Held-out photographs, (count, 3, side, side): the middles of BSDS500's validation part."""
    found = []
    for name in group_names("bsd100")[:count]:
        image = fit(load(name), side)
        top, left = ((length - side) // 2 for length in image.shape[-2:])
        found.append(image[..., top : top + side, left : left + side])
    return torch.cat(found)


def style_picture(style: str, side: int) -> Tensor:
    """A style's painting with a shorter side of `side`, cropped to a multiple of 16."""
    image = fit(load(f"style/{style}.jpg"), side)
    height, width = (length // 16 * 16 for length in image.shape[-2:])
    return image[..., :height, :width]


# --------------------------------------------------------------------------- training


class StyleRecipe:
    """Three stages, one after another: the decoder, the first revision, the second."""

    def __init__(self, config: StyleConfig, fabric: Fabric, *, steps: int) -> None:
        if config.style not in STYLES:
            raise ValueError(f"no style {config.style!r}; there are: {', '.join(STYLES)}")
        self.config, self.fabric = config, fabric
        self.batch_size = config.batch
        self.ends = config.ends(steps)
        self.weights = config.weights()
        if config.variant not in VARIANTS:
            raise ValueError(f"no variant {config.variant!r}; there are: {', '.join(VARIANTS)}")
        if len(config.shares) > len(config.sizes):
            raise ValueError(f"{len(config.shares)} shares for {len(config.sizes)} sizes")
        self.photographs = [
            Photographs(config.photographs, side=side, limit=config.limit) for side in config.sizes
        ]
        self.paintings = [style_picture(config.style, side) for side in config.sizes]

        encoder = prepared_encoder(config.backbone, photographs=config.equalised)
        encoder.to(fabric.device)
        encoder.to(memory_format=torch.channels_last)
        torch.manual_seed(0)
        self.model = LapStyle(encoder.first(4), revisions=len(config.sizes) - 1)
        self.model.to(fabric.device)
        if config.start:
            self._start_from(stored_weights(config.start))
        self.judging = encoder
        # Three sizes take minutes to compile, which a short run does not earn back.
        long = steps >= 30_000
        on_gpu = fabric.device.type == "cuda"
        self.encoder: Any = torch.compile(encoder, dynamic=False) if long and on_gpu else encoder
        with torch.no_grad():
            self.style_maps = [encoder(p.to(fabric.device)) for p in self.paintings]
            self.model.learn_style(self.paintings[0].to(fabric.device))

        networks = {"decoder": self.model.decoder} | {
            f"revision{i}": network for i, network in enumerate(self.model.revisions, 1)
        }
        judges = {f"judge{i}": PatchDiscriminator() for i in range(1, len(config.sizes))}
        self.modules: dict[str, nn.Module] = {**networks, **judges}
        self.last_identity = torch.zeros((), device=fabric.device)
        self.trained: dict[str, Any] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        for name, module in self.modules.items():
            module.to(fabric.device)
            # A longer memory (0.999) would remember the first steps' huge gradients for thousands.
            optimizer = torch.optim.Adam(
                module.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True
            )
            self.trained[name], self.optimizers[name] = set_up(
                fabric, module, optimizer, compile=long
            )

    def _start_from(self, state: dict[str, Tensor]) -> None:
        """Load another painter's networks, as far as this one has their like."""
        count = len(self.model.revisions)
        known = {
            key: value
            for key, value in state.items()
            if not key.startswith("revisions.") or int(key.split(".")[1]) < count
        }
        self.model.load_state_dict(self.model.state_dict() | known)

    def stage(self, index: int) -> int:
        """Which stage a step belongs to."""
        return next((i for i, end in enumerate(self.ends) if index < end), len(self.ends) - 1)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the network of the step's stage, and its discriminator if it has one."""
        stage = self.stage(index)
        self._set_rate(index, stage)
        drawn = self.photographs[stage].sample(self.config.batch, generator)
        (photo,) = shard(self.fabric, drawn)
        photo = from_uint8(photo.to(self.fabric.device, non_blocking=True))
        photo = photo.contiguous(memory_format=torch.channels_last)
        places = torch.rand(self.config.places, generator=generator).to(photo.device)
        zero = photo.new_zeros(())
        losses = {"identity": self.last_identity, "adversarial": zero, "discriminator": zero}

        with torch.no_grad(), self.fabric.autocast():
            content = self.encoder(photo)
        identity: Tensor | None = None
        if stage == 0:
            name = "decoder"
            also = self.config.identity > 0 and index % self.config.identity_every == 0
            made, identity = self._draft(content, photo, identity=also)
        else:
            name = f"revision{stage}"
            made = self._revised(photo, stage)
            losses["discriminator"] = self._judge(made.detach(), stage, generator)
        with self.fabric.autocast():
            maps = self.encoder(made)
        losses |= base_losses(maps, content, self.style_maps[stage], places=places)
        counted = {k: losses[k] for k in ("perceptual", "self_similarity", "moment", "remd")}
        if stage > 0 and self.weights.adversarial:
            judge = self.trained[f"judge{stage}"].requires_grad_(False)
            with self.fabric.no_backward_sync(judge, enabled=self.fabric.world_size > 1):
                losses["adversarial"] = counted["adversarial"] = adversarial_loss(judge(made))
        total = self.weights.total(counted)
        if identity is not None:
            total = total + self.config.identity * identity
            losses["identity"] = self.last_identity = identity.detach()
        self.optimizers[name].zero_grad(set_to_none=True)
        self.fabric.backward(total)
        self.optimizers[name].step()
        return {k: v.detach() for k, v in losses.items()}

    def _draft(
        self, content: dict[str, Tensor], photo: Tensor, *, identity: bool
    ) -> tuple[Tensor, Tensor | None]:
        maps = stylised_maps(content, self.model.style)
        if not identity:
            return self.trained["decoder"](maps), None
        # One more picture in the batch: the first photograph's maps as they are.
        both = {k: torch.cat([v, content[k][:1].to(v.dtype)]) for k, v in maps.items()}
        made = self.trained["decoder"](both)
        return made[:-1], F.mse_loss(made[-1:].float(), photo[:1])

    def _revised(self, photo: Tensor, stage: int) -> Tensor:
        with torch.no_grad(), self.fabric.autocast():
            *bands, low = laplacian_pyramid(photo, levels=stage, form="bilinear")
            below = low if self.config.variant == "no draft" else self.model.draft(low)
            for band, network in zip(reversed(bands[1:]), self.model.revisions, strict=False):
                below = revise(network, band, below)
        return add_band(
            self.trained[f"revision{stage}"],
            photo,
            bands[0],
            below.float(),
            variant=self.config.variant,
        )

    def _judge(self, made: Tensor, stage: int, generator: torch.Generator) -> Tensor:
        """Update the discriminator on patches of the style's painting and on painted ones."""
        if not self.weights.adversarial:
            return made.new_zeros(())
        name, painting = f"judge{stage}", self.paintings[stage].to(made.device)
        side = self.config.judged or self.config.sizes[stage]
        real = torch.cat([_part(painting, side, generator) for _ in range(len(made))])
        judge = self.trained[name].requires_grad_(True)
        loss = discriminator_loss(judge(real), judge(_part(made, side, generator)))
        self.optimizers[name].zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimizers[name].step()
        return loss

    def _set_rate(self, index: int, stage: int) -> None:
        rate = self.config.learning_rate
        if self.config.cosine:
            begin = self.ends[stage - 1] if stage else 0
            done = (index - begin) / max(1, self.ends[stage] - begin)
            warm = min(50.0, (self.ends[stage] - begin) / 5)
            rate *= min(1.0, (index - begin + 1) / warm) * (1 + math.cos(math.pi * done)) / 2
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    def result(self) -> LapStyle:
        """The painter to evaluate, as it will be stored: weights rounded to half precision."""
        rounded = {k: v.half().float() for k, v in self.model.state_dict().items()}
        model = LapStyle(
            Encoder(backbone=self.model.encoder.backbone),
            revisions=len(self.model.revisions),
        )
        model.load_state_dict(rounded)
        return model.to(self.fabric.device).eval()


def _part(picture: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """A random square of pictures, or all of them where they are not larger."""
    places = torch.rand(2, generator=generator).tolist()
    top, left = (
        int(x * max(1, length - side + 1))
        for x, length in zip(places, picture.shape[-2:], strict=True)
    )
    return picture[..., top : top + side, left : left + side]


def add_band(
    network: nn.Module, photo: Tensor, band: Tensor, below: Tensor, *, variant: str
) -> Tensor:
    """One revision, in the article's form or, for its ablation (c), on whole pictures."""
    if variant == "rgb":
        return network(photo, expand(below, size=photo.shape[-2:], form="bilinear"))
    return revise(network, band, below)


@torch.no_grad()
def paint(
    model: LapStyle, photo: Tensor, *, levels: int, variant: str = "whole", strength: float = 1.0
) -> Tensor:
    """Paint photographs, sides multiples of ``8 · 2**levels``, in a variant of the method."""
    *bands, low = laplacian_pyramid(photo, levels=levels, form="bilinear")
    made = low if variant == "no draft" else model.draft(low, strength=strength)
    for i, band in enumerate(reversed(bands)):
        size = band.shape[-2:]
        if variant == "draft only" or i >= len(model.revisions):
            made = expand(made, size=size, form="bilinear")
            continue
        seen = F.interpolate(photo, size=size, mode="bilinear", antialias=True)
        made = add_band(model.revisions[i], seen, band, made, variant=variant)
    return made.clamp(0, 1)
