"""Training LapStyle's networks for one style: where it starts, and what one step does."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib import ledger
from tutorial_lib.data import from_uint8
from tutorial_lib.experiment import Run
from tutorial_lib.lapstyle.drafting import stylised_maps
from tutorial_lib.lapstyle.encoder import Encoder
from tutorial_lib.lapstyle.losses import BASE, Style, base_losses
from tutorial_lib.lapstyle.painter import LapStyle
from tutorial_lib.lapstyle.pictures import Photographs, style_picture
from tutorial_lib.lapstyle.revision import PatchDiscriminator
from tutorial_lib.lapstyle.settings import StyleConfig
from tutorial_lib.lapstyle.stylise import prepared_encoder
from tutorial_lib.srgan import adversarial_loss, discriminator_loss
from tutorial_lib.training import History, half_state, load_half_state, set_up, shard, train


def starting_weights(name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the weights that a training starts from.

    Parameters
    ----------
    name : str
        An experiment whose record holds a painter's weights; empty for none.

    Returns
    -------
    weights : dict of Tensor
        Empty for none.
    stamp : dict of str
        What records and checkpoints say of it: experiment → sha256. Empty for none.

    Raises
    ------
    LedgerError
        If there is no such record, it holds no weights, or they are not those recorded.
    """
    if not name:
        return {}, {}
    start = ledger.start(name)
    return load_file(start.path), start.stamp()


class StyleRecipe:
    """Three stages, one after another: the decoder, the first revision, the second.

    Parameters
    ----------
    config : StyleConfig
        Settings; its `start` is for the caller to read.
    fabric : Fabric
        Device and processes.
    steps : int
        In all stages together.
    weights : mapping of Tensor, optional
        What to start from: names and values as of a painter's state, those of the encoder and of
        networks that this painter lacks apart.
    painter : type
        :class:`LapStyle`, or the form of it that an ablation trains.

    Raises
    ------
    ValueError
        If there is no such style, or there are more stages than sizes.
    """

    def __init__(
        self,
        config: StyleConfig,
        fabric: Fabric,
        *,
        steps: int,
        weights: Mapping[str, Tensor] | None = None,
        painter: type[LapStyle] = LapStyle,
    ) -> None:
        if len(config.shares) > len(config.sizes):
            raise ValueError(f"{len(config.shares)} shares for {len(config.sizes)} sizes")
        self.config, self.fabric = config, fabric
        self.batch_size = config.batch
        self.steps, self.ends = steps, config.ends(steps)
        self.weights = config.weights()
        self.paintings = [style_picture(config.style, side) for side in config.sizes]
        self.photographs = [
            Photographs(config.photographs, side=side, limit=config.limit) for side in config.sizes
        ]

        encoder = prepared_encoder(config.backbone, photographs=config.equalised)
        encoder.to(fabric.device)
        encoder.to(memory_format=torch.channels_last)
        torch.manual_seed(0)
        self.model = painter(encoder.first(4), revisions=len(config.sizes) - 1)
        self.model.to(fabric.device)
        self._start_from(weights or {})
        self.judging = encoder
        # Autocast would turn the same frozen weights into half precision at every step.
        half = copy.deepcopy(encoder).to(half_type(fabric))
        # Three sizes take minutes to compile, which a short run does not earn back.
        long = steps >= 30_000
        on_gpu = fabric.device.type == "cuda"
        self.encoder: Any = torch.compile(half, dynamic=False) if long and on_gpu else half
        with torch.no_grad():
            self.styles = [Style.of(self.judging(p.to(fabric.device))) for p in self.paintings]
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

    def _start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Load another painter's networks, as far as this one has their like."""
        count = len(self.model.revisions)
        known = {
            key: value
            for key, value in weights.items()
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

        identity: Tensor | None = None
        if stage == 0:
            name = "decoder"
            content = self._maps(photo)
            also = self.config.identity > 0 and index % self.config.identity_every == 0
            made, identity = self._draft(content, photo, identity=also)
        else:
            name = f"revision{stage}"
            made, photo = self._revised(photo, stage, generator)
            content = self._maps(photo)
            seen = _part(made, self.config.judged, generator)
            losses["discriminator"] = self._judge(seen.detach(), stage, generator)
        with self.fabric.autocast():
            maps = self.encoder(made)
        losses |= base_losses(maps, content, self.styles[stage], places=places)
        counted = {name: losses[name] for name in BASE}
        if stage > 0 and self.weights.adversarial:
            judge = self.trained[f"judge{stage}"].requires_grad_(False)
            with self.fabric.no_backward_sync(judge, enabled=self.fabric.world_size > 1):
                losses["adversarial"] = counted["adversarial"] = adversarial_loss(judge(seen))
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

    @torch.no_grad()
    def _maps(self, photo: Tensor) -> dict[str, Tensor]:
        with self.fabric.autocast():
            return self.encoder(photo)

    def _revised(
        self, photo: Tensor, stage: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Paint as far as the stage before with fixed networks, and revise once with this one's.

        Returns
        -------
        made, photo : Tensor
            The part of the pictures that the losses look at, painted and as it was.
        """
        with torch.no_grad(), self.fabric.autocast():
            shown, small = self.model.apart(photo, levels=1)
            below = self.model.stages(small, levels=stage - 1)[-1]
        # Half of each side, so that places agree at both levels.
        place = _place(below, self.config.looked // 2, generator)
        top, left, height, width = (2 * length for length in place)
        at = (..., slice(top, top + height), slice(left, left + width))
        revision = self.trained[f"revision{stage}"]
        return self.model.revise(revision, shown[at], _cut(below, place).float()), photo[at]

    def _judge(self, made: Tensor, stage: int, generator: torch.Generator) -> Tensor:
        """Update the discriminator on parts of the style's painting and of painted pictures."""
        if not self.weights.adversarial:
            return made.new_zeros(())
        name, painting = f"judge{stage}", self.paintings[stage].to(made.device)
        side = made.shape[-1]
        real = torch.cat([_part(painting, side, generator) for _ in range(len(made))])
        judge = self.trained[name].requires_grad_(True)
        loss = discriminator_loss(judge(real), judge(made))
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
        for name, optimizer in self.optimizers.items():
            share = self.config.judge_rate if name.startswith("judge") else 1.0
            for group in optimizer.param_groups:
                group["lr"] = share * rate

    def result(self) -> LapStyle:
        """The painter to evaluate, as it will be stored: weights rounded to half precision."""
        painter = type(self.model)(
            Encoder(backbone=self.model.encoder.backbone), revisions=len(self.model.revisions)
        )
        load_half_state(painter, half_state(self.model))
        return painter.to(self.fabric.device)


def half_type(fabric: Fabric) -> torch.dtype:
    """The type in which the device multiplies under `fabric`'s precision."""
    one = torch.ones(1, 1, device=fabric.device)
    with fabric.autocast():
        return (one @ one).dtype


def _place(picture: Tensor, side: int, generator: torch.Generator) -> tuple[int, int, int, int]:
    """Top, left, height and width of a random square; all of a picture for a side of 0."""
    height, width = (min(side or length, length) for length in picture.shape[-2:])
    down, right = torch.rand(2, generator=generator).tolist()
    top = int(down * (picture.shape[-2] - height + 1))
    left = int(right * (picture.shape[-1] - width + 1))
    return top, left, height, width


def _cut(picture: Tensor, place: tuple[int, int, int, int]) -> Tensor:
    top, left, height, width = place
    return picture[..., top : top + height, left : left + width]


def _part(picture: Tensor, side: int, generator: torch.Generator) -> Tensor:
    return _cut(picture, _place(picture, side, generator))


def train_painter(
    run: Run,
    recipe: StyleRecipe,
    *,
    folder: Path,
    stamp: Mapping[str, str],
    watch: Callable[[int], dict[str, float]] | None = None,
    watch_at: Sequence[int] = (),
    label: str,
) -> History:
    """Train a painter for all of its steps, from the checkpoint in `folder` if there is one.

    Parameters
    ----------
    run : Run
        Whose device is used.
    recipe : StyleRecipe
        Networks and settings.
    folder : Path
        Of the checkpoint.
    stamp : mapping of str
        Of the weights that the recipe started from, as :func:`starting_weights` returns it.
    watch, watch_at, label
        As in :func:`tutorial_lib.training.train`.

    Returns
    -------
    History
        Losses of every step.
    """
    settings = dataclasses.replace(run, config=recipe.config).settings()
    return train(
        recipe,
        fabric=run.fabric,
        steps=recipe.steps,
        folder=folder,
        # The number of steps decides where stages begin and how the rate falls.
        config=settings | {"steps": recipe.steps} | dict(stamp),
        watch=watch,
        watch_at=watch_at,
        label=label,
    )
