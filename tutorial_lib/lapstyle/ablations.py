"""The article's ablations: without each loss, and with other networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.experiment import Run
from tutorial_lib.lapstyle.drafting import Statistics
from tutorial_lib.lapstyle.encoder import Encoder
from tutorial_lib.lapstyle.measures import PROTOCOL, held_out_losses
from tutorial_lib.lapstyle.painter import LapStyle
from tutorial_lib.lapstyle.pictures import content, write_picture
from tutorial_lib.lapstyle.pyramid import expand, gaussian_pyramid
from tutorial_lib.lapstyle.revision import Upsampling
from tutorial_lib.lapstyle.settings import StyleConfig
from tutorial_lib.lapstyle.training import StyleRecipe, starting_weights, train_painter
from tutorial_lib.settings import one_of
from tutorial_lib.training import History


class WholePictures(LapStyle):
    """Ablation (c): a revision sees and paints whole pictures instead of bands."""

    def apart(self, image: Tensor, *, levels: int) -> list[Tensor]:
        """Take pictures apart into themselves, their half, and so on."""
        return gaussian_pyramid(image, levels=levels, form="bilinear")

    @staticmethod
    def revise(
        revision: nn.Module,
        residual: Tensor,
        picture: Tensor,
        *,
        upsampling: Upsampling = "bilinear",
    ) -> Tensor:
        """Double a painting and let the network paint it anew, beside the photograph."""
        return revision(residual, expand(picture, size=residual.shape[-2:], form="bilinear"))


class Undrafted(LapStyle):
    """Ablation (d): the photograph's own low resolution takes the draft's place."""

    def draft(
        self, image: Tensor, *, style: Statistics | None = None, strength: float = 1.0
    ) -> Tensor:
        """Leave the pictures as they are."""
        return image


@dataclasses.dataclass(frozen=True)
class Ablation:
    """What one ablation changes of the whole method.

    Attributes
    ----------
    without : str
        The setting of the loss that gets no weight; empty keeps all.
    drafts, revises : bool
        Whether a drafting network is trained, and whether a revision is.
    at_full_size : bool
        Whether the drafting network paints at the revision's size.
    painter : type
        The form of painter.
    """

    without: str = ""
    drafts: bool = True
    revises: bool = True
    at_full_size: bool = False
    painter: type[LapStyle] = LapStyle

    def settings(self, whole: AblationConfig) -> AblationConfig:
        """The whole method's settings, as this ablation changes them."""
        changes: dict[str, Any] = {self.without: 0.0} if self.without else {}
        if self.at_full_size:
            changes["sizes"] = whole.sizes[-1:]
        return dataclasses.replace(whole, **changes)


ABLATIONS = {
    "whole": Ablation(),
    "without perceptual loss": Ablation(without="perceptual"),
    "without self-similarity": Ablation(without="self_similarity"),
    "without moment matching": Ablation(without="moment"),
    "without relaxed EMD": Ablation(without="remd"),
    "without adversarial loss": Ablation(without="adversarial"),
    "a: drafting only": Ablation(revises=False),
    "b: drafting at 256": Ablation(revises=False, at_full_size=True),
    "c: RGB for the residual": Ablation(painter=WholePictures),
    "d: no drafting": Ablation(drafts=False, painter=Undrafted),
}
"""Each of the article's ablations."""


@dataclasses.dataclass(frozen=True)
class AblationConfig(StyleConfig):
    """Settings of the ablations, beyond those of a training; `steps` counts for each of them.

    There are two sizes and two shares. Of `start`, the ablations take the decoder only: each
    revision network begins afresh.

    Attributes
    ----------
    names : tuple of str
        Which of `ABLATIONS`; none means all.
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self, ABLATIONS, "names")


def run_ablations(run: Run) -> ledger.Record:
    """Train each of the article's ablations alike, and keep its paintings.

    Those that draft alike share one drafting: it would be the same, step by step.
    """
    config: AblationConfig = run.config
    weights, stamp = starting_weights(config.start)
    drafting_steps = config.ends(run.steps)[0]
    drafts: dict[StyleConfig, tuple[StyleRecipe, History]] = {}
    metrics: dict[str, Any] = {}
    found: dict[str, Any] = {}
    files, seconds = [], 0.0
    for name in config.names or ABLATIONS:
        ablation = ABLATIONS[name]
        settings = ablation.settings(config)
        parts: list[tuple[StyleRecipe, History]] = []
        if ablation.drafts:
            # No judge sees a draft, so what it weighs makes no difference there.
            drafting = dataclasses.replace(settings, shares=(1.0,), adversarial=config.adversarial)
            if drafting not in drafts:
                recipe = StyleRecipe(
                    drafting, run.fabric, steps=drafting_steps, weights=_decoder(weights)
                )
                drafts[drafting] = recipe, _train(run, recipe, f"{slug_of(name)}_draft", stamp)
                seconds += drafts[drafting][1].seconds
            parts.append(drafts[drafting])
        if ablation.revises:
            recipe = StyleRecipe(
                dataclasses.replace(settings, shares=(0.0, 1.0)),
                run.fabric,
                steps=run.steps - drafting_steps,
                weights=_decoder(parts[0][0].model.state_dict()) if parts else None,
                painter=ablation.painter,
            )
            parts.append((recipe, _train(run, recipe, slug_of(name), stamp)))
            seconds += parts[-1][1].seconds
        recipe = parts[-1][0]
        painter, levels = recipe.result(), len(settings.sizes) - 1
        if not metrics:
            metrics["photograph"] = _losses(None, config, recipe.judging)
        metrics[name] = _losses(painter, config, recipe.judging, levels=levels)
        files += _paint(run, painter, name, levels=levels)
        found[name] = _total_loss(settings, [history for _, history in parts])
    record = run.record(
        history=History(seconds=seconds),
        metrics=metrics,
        protocol=PROTOCOL
        | {
            "backbone": f"{config.backbone}, channels equalised",
            "steps": f"{drafting_steps} of drafting, {run.steps - drafting_steps} of revision, "
            "as far as a variant has them; variants that draft alike share the drafting",
        },
        artefacts=files,
        data=config.data(),
        start=stamp,
    )
    return dataclasses.replace(record, curves=found, steps=run.steps)


def _decoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The decoder's part of a painter's state."""
    return {key: value for key, value in state.items() if key.startswith("decoder.")}


def _train(run: Run, recipe: StyleRecipe, slug: str, stamp: Mapping[str, str]) -> History:
    return train_painter(
        run, recipe, folder=run.folder / slug, stamp=stamp, label=f"{run.experiment}, {slug}"
    )


def _losses(
    painter: LapStyle | None, config: AblationConfig, encoder: Encoder, *, levels: int = 0
) -> dict[str, float]:
    return held_out_losses(
        painter,
        style=config.style,
        side=config.sizes[-1],
        count=config.held_out,
        encoder=encoder,
        levels=levels,
    )


def _paint(run: Run, painter: LapStyle, name: str, *, levels: int) -> list[str]:
    """Paint the photographs that the chapter shows, and return the files' names."""
    side, files = run.config.shown, []
    for shown in ("tubingen", "astronaut"):
        photo = content(shown, side)
        photo = photo[..., :side, : photo.shape[-1] // 16 * 16].to(run.fabric.device)
        with torch.no_grad():
            made = painter(photo, levels=levels)
        files.append(write_picture(run.folder / f"{slug_of(name)}_{shown}.webp", made))
    return files


def _total_loss(config: StyleConfig, histories: Iterable[History]) -> dict[str, list[float]]:
    """What the painting networks were trained to lower, as means over stretches of steps."""
    parts = [
        history.losses @ torch.tensor([_factor(config, loss) for loss in history.names])
        for history in histories
    ]
    total = torch.cat(parts)
    every = max(1, len(total) // 50)
    ends = range(every, len(total) + 1, every)
    return {
        "step": [float(end) for end in ends],
        "value": [float(f"{total[end - every : end].mean():.5g}") for end in ends],
    }


def _factor(config: StyleConfig, loss: str) -> float:
    if loss in ("identity", "discriminator"):
        return 0.0
    return config.weights().total({loss: torch.ones(())}).item()


def slug_of(name: str) -> str:
    """A variant's name as it stands in file names."""
    return "".join(c if c.isalnum() else "_" for c in name.lower())
