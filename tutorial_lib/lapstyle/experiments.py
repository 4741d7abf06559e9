"""The experiments of the LapStyle chapter: the encoder, three styles, ablations and speed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import embedded, load, write_image
from tutorial_lib.experiment import Claim, Experiment, Reader, Run
from tutorial_lib.lapstyle.losses import base_losses
from tutorial_lib.lapstyle.networks import LapStyle
from tutorial_lib.lapstyle.speed import SpeedConfig, run_speed
from tutorial_lib.lapstyle.stylise import (
    ENCODER,
    FIRST,
    STYLES,
    WEIGHTS,
    fit,
    prepared_encoder,
    style_state,
)
from tutorial_lib.lapstyle.training import (
    StyleConfig,
    StyleRecipe,
    paint,
    squares,
    style_picture,
)
from tutorial_lib.training import History, train, write_atomically
from tutorial_lib.vgg import VGG16_FILE, Vgg


@dataclasses.dataclass(frozen=True)
class AblationConfig(StyleConfig):
    """Settings of the ablations, beyond those of a training; `steps` counts for each of them.

    Of `start`, the ablations take the decoder only: each revision network begins afresh.

    Attributes
    ----------
    names : tuple of str
        Which of `ABLATIONS`.
    """

    names: tuple[str, ...] = ()


ABLATIONS: dict[str, dict[str, Any]] = {
    "whole": {},
    "without perceptual loss": {"perceptual": 0.0},
    "without self-similarity": {"self_similarity": 0.0},
    "without moment matching": {"moment": 0.0},
    "without relaxed EMD": {"remd": 0.0},
    "without adversarial loss": {"adversarial": 0.0},
    "a: drafting only": {"variant": "draft only"},
    "b: drafting at 256": {"variant": "draft at 256"},
    "c: RGB for the residual": {"variant": "rgb"},
    "d: no drafting": {"variant": "no draft"},
}
"""Each of the article's ablations, as changes to the whole method's settings."""


# ------------------------------------------------------------------------------- runs

CONTENTS: dict[str, Callable[[], Tensor]] = {
    "tubingen": lambda: load("content/tubingen.jpg"),
    "astronaut": lambda: embedded("astronaut"),
    "coffee": lambda: embedded("coffee"),
    "rocket": lambda: embedded("rocket"),
}
"""The photographs that the chapter shows painted."""


def content(name: str, side: int) -> Tensor:
    """One of `CONTENTS`, its shorter side at most `side`."""
    image = CONTENTS[name]()
    return fit(image, min(side, *image.shape[-2:]))


STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

PROTOCOL = {
    "network": "weights rounded to half precision, as stored; evaluated in float32",
    "losses": "of paintings of the middle squares of BSDS500's validation photographs, on the "
    "encoder's maps up to relu5_1, each channel scaled to average 1; pairwise losses over all "
    "places at 128 pixels, over 4096 random ones above; 'photograph' is the unpainted photograph",
}


def watch_steps(steps: int, ends: Sequence[int]) -> list[int]:
    """When to look: ever more rarely within the drafting, and twice in every later stage."""
    moments = [0, 20, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, *ends]
    moments += [(a + b) // 2 for a, b in pairwise(ends)]
    return sorted({m for m in moments if m < steps} | {steps})


def measure(
    made: Tensor, photo: Tensor, painting: Tensor, *, encoder: nn.Module
) -> dict[str, float]:
    """The four losses of paintings against their photographs and their style, one by one."""
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(4096, generator=generator).to(photo.device)
    found: dict[str, float] = {}
    with torch.no_grad():
        style = encoder(painting)
        for a, b in zip(made.split(1), photo.split(1), strict=True):
            losses = base_losses(encoder(a), encoder(b), style, places=places)
            for name, value in losses.items():
                found[name] = found.get(name, 0.0) + value.item() / len(made)
    return {name: float(f"{value:.5g}") for name, value in found.items()}


def run_encoder(run: Run) -> ledger.Record:
    """Prepare the encoder, and keep it as far as relu4_1."""
    encoder = prepared_encoder(run.config.backbone, photographs=run.config.equalised)
    photos = squares(128, count=run.config.held_out)
    with torch.no_grad():
        means = {name: round(m.mean().item(), 4) for name, m in encoder(photos).items()}
        raw = Vgg(list(means), backbone=run.config.backbone)(photos)
    state = {
        key: value.half().contiguous()
        for key, value in encoder.state_dict().items()
        if not key.startswith("stages.4.")
    }
    write_atomically(run.folder / "encoder.safetensors", lambda path: save_file(state, str(path)))
    record = run.record(
        history=History(),
        metrics={
            "prepared": means,
            "as published": {name: round(m.mean().item(), 4) for name, m in raw.items()},
        },
        protocol={"means": "of all channels over the middles of held-out photographs, 128 pixels"},
        artefacts=["encoder.safetensors"],
        data=["bsds500", "bsd100", *_backbone_data(run.config)],
    )
    return dataclasses.replace(record, precision="32-true")


def run_first(run: Run) -> ledger.Record:
    """Train from nothing, for others to start from; weights are kept in the run's folder only."""
    recipe, history = _train(run, run.config, folder=run.folder, frames=True)
    _save_weights(run, recipe)
    return _painter_record(run, recipe, history, contents=("tubingen", "astronaut"), files=[])


def run_style(run: Run) -> ledger.Record:
    """Train one style's networks, stage after stage, and measure them."""
    config: StyleConfig = run.config
    recipe, history = _train(run, config, folder=run.folder, frames=True)
    model = recipe.result()
    _save_weights(run, recipe)
    painting = style_picture(config.style, config.shown)
    files = [WEIGHTS, _write(run.folder / "style.webp", painting)]
    photo = content("tubingen", config.shown * 3 // 4).to(run.fabric.device)
    with torch.no_grad():
        for strength in STRENGTHS:
            file = f"strength_{round(100 * strength):03d}.webp"
            files.append(_write(run.folder / file, model(photo, levels=2, strength=strength)))
        for i, stage in enumerate(model.stages(photo, levels=2)):
            files.append(_write(run.folder / f"stage_{i}.webp", stage))
        files.append(
            _write(run.folder / "nearest.webp", model(photo, levels=2, upsampling="nearest"))
        )
    return _painter_record(run, recipe, history, contents=tuple(CONTENTS), files=files)


def _save_weights(run: Run, recipe: StyleRecipe) -> None:
    state = style_state(recipe.model)
    write_atomically(run.folder / WEIGHTS, lambda path: save_file(state, str(path)))


def _painter_record(
    run: Run,
    recipe: StyleRecipe,
    history: History,
    *,
    contents: Sequence[str],
    files: Sequence[str],
) -> ledger.Record:
    """Paint photographs and measure a painter; `files` are those that were written already."""
    config: StyleConfig = run.config
    model = recipe.result()
    painted = []
    for name in contents:
        with torch.no_grad():
            made = model(content(name, config.shown).to(run.fabric.device))
        painted.append(_write(run.folder / f"{name}.webp", made))
    frames = [f"step_{int(row['step']):06d}.webp" for row in history.watched]
    metrics = _measured(recipe, model)
    metrics["steps of each stage"] = _stage_steps(recipe.ends, len(history.losses))
    return run.record(
        history=history,
        metrics=metrics,
        protocol=PROTOCOL | {"backbone": f"{config.backbone}, channels equalised"},
        artefacts=[*files, *painted, *frames],
        data=_data(config),
    )


def run_ablations(run: Run) -> ledger.Record:
    """Train each of the article's ablations alike, and keep its paintings.

    Those that draft alike share one drafting: it would be the same, step by step.
    """
    config: AblationConfig = run.config
    side = config.sizes[-1]
    drafting_steps = config.ends(run.steps)[0]
    drafts: dict[StyleConfig, tuple[StyleRecipe, History]] = {}
    metrics: dict[str, Any] = {}
    found: dict[str, Any] = {}
    files, seconds = [], 0.0
    for name in config.names or ABLATIONS:
        variant = dataclasses.replace(config, **ABLATIONS[name])
        slug = slug_of(name)
        parts = []
        drafted = _drafting(variant, whole=config)
        if drafted is not None:
            if drafted not in drafts:
                drafts[drafted] = _train(
                    run, drafted, folder=run.folder / f"{slug}_draft", steps=drafting_steps
                )
                seconds += drafts[drafted][1].seconds
            parts.append(drafts[drafted])
        if variant.variant not in ("draft only", "draft at 256"):
            parts.append(
                _train(
                    run,
                    dataclasses.replace(variant, shares=(0.0, 1.0), start=""),
                    folder=run.folder / slug,
                    steps=run.steps - drafting_steps,
                    decoder=parts[0][0].model.decoder if parts else None,
                )
            )
            seconds += parts[-1][1].seconds
        recipe = parts[-1][0]
        model = recipe.result()
        levels = 0 if variant.variant == "draft at 256" else 1
        if "photograph" not in metrics:
            metrics["photograph"] = _measured_at(recipe, None, side)
        metrics[name] = _measured_at(recipe, model, side, levels=levels, variant=variant.variant)
        for shown in ("tubingen", "astronaut"):
            photo = content(shown, side)
            photo = photo[..., :side, : photo.shape[-1] // 16 * 16].to(run.fabric.device)
            made = paint(model, photo, levels=levels, variant=variant.variant)
            files.append(_write(run.folder / f"{slug}_{shown}.webp", made))
        found[name] = _total_loss(variant, [history for _, history in parts])
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
        data=_data(config),
    )
    return dataclasses.replace(record, curves=found, steps=run.steps)


def _drafting(variant: AblationConfig, *, whole: AblationConfig) -> StyleConfig | None:
    """How a variant's drafting network is trained, if it has one."""
    if variant.variant == "no draft":
        return None
    sizes = whole.sizes[-1:] if variant.variant == "draft at 256" else whole.sizes
    return dataclasses.replace(
        variant,
        variant="draft at 256" if variant.variant == "draft at 256" else "whole",
        adversarial=whole.adversarial,
        sizes=sizes,
        shares=(1.0,),
    )


def _total_loss(config: StyleConfig, histories: Sequence[History]) -> dict[str, list[float]]:
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


def slug_of(name: str) -> str:
    """A variant's name as it stands in file names."""
    return "".join(c if c.isalnum() else "_" for c in name.lower())


def _factor(config: StyleConfig, loss: str) -> float:
    one = {loss: torch.ones(())}
    if loss in ("identity", "discriminator"):
        return 0.0
    return config.weights().total(one).item()


def _train(
    run: Run,
    config: StyleConfig,
    *,
    folder: Path,
    frames: bool = False,
    steps: int | None = None,
    decoder: nn.Module | None = None,
) -> tuple[StyleRecipe, History]:
    steps = run.steps if steps is None else steps
    recipe = StyleRecipe(config, run.fabric, steps=steps)
    if decoder is not None:
        recipe.model.decoder.load_state_dict(decoder.state_dict())
    side = config.shown * 3 // 4
    fixed = content("tubingen", side).to(run.fabric.device) if frames else None

    def watch(step: int) -> dict[str, float]:
        if fixed is not None and run.fabric.is_global_zero:
            with torch.no_grad():
                made = recipe.result()(fixed, levels=2)
            _write(run.folder / f"step_{step:06d}.webp", made, quality=75)
        return {}

    history = train(
        recipe,
        fabric=run.fabric,
        steps=steps,
        folder=folder,
        # The number of steps decides where stages begin and how the rate falls.
        config={**_plain(config), "steps": steps},
        watch=watch,
        watch_at=watch_steps(steps, recipe.ends) if frames else (),
        label=f"{run.experiment}, {folder.name}" if not frames else run.experiment,
    )
    return recipe, history


def _plain(config: StyleConfig) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in dataclasses.asdict(config).items()
    }


def _stage_steps(ends: Sequence[int], done: int) -> dict[str, int]:
    begins = [0, *ends[:-1]]
    names = ["drafting", "first revision", "second revision"]
    return {
        name: max(0, min(done, end) - begin)
        for name, begin, end in zip(names, begins, ends, strict=False)
    }


def _measured(recipe: StyleRecipe, model: LapStyle) -> dict[str, Any]:
    """The losses at each stage's size, of the paintings and of the bare photographs."""
    found: dict[str, Any] = {}
    for level, side in enumerate(recipe.config.sizes):
        found[str(side)] = _measured_at(recipe, model, side, levels=level)
        found[f"photograph {side}"] = _measured_at(recipe, None, side)
    return found


def _measured_at(
    recipe: StyleRecipe,
    model: LapStyle | None,
    side: int,
    *,
    levels: int = 0,
    variant: str = "whole",
) -> dict[str, float]:
    """The losses at one size, of paintings or, without a painter, of the photographs."""
    config, device = recipe.config, recipe.fabric.device
    # The largest maps cost the most; fewer pictures do.
    photos = squares(side, count=max(1, config.held_out * 128 // side)).to(device)
    made = photos
    if model is not None:
        painted = [paint(model, p, levels=levels, variant=variant) for p in photos.split(1)]
        made = torch.cat(painted)
    painting = style_picture(config.style, side).to(device)
    return measure(made, photos, painting, encoder=recipe.judging)


def _write(path: Path, image: Tensor, *, quality: int = 85) -> str:
    write_image(path, image.float().cpu().clamp(0, 1), quality=quality, overwrite=True)
    return path.name


def _backbone_data(config: StyleConfig) -> list[str]:
    return [VGG16_FILE] if config.backbone == "vgg16" else []


def _data(config: StyleConfig) -> list[str]:
    outside = [f"style/{config.style}.jpg", "content/tubingen.jpg", "bsd100"]
    own = ["bsds500"] if config.photographs == "bsds500" else []
    return [*own, *outside, *_backbone_data(config)]


# ------------------------------------------------------------------------------ claims


def _fps(read: Reader) -> str:
    record = read("lapstyle/speed")
    parts = [
        f"{size}: {record.metric(size, 'fast, pictures a second'):.2g} "
        f"({record.metric(size, 'speed-up'):.1f} times the plain form)"
        for size in record.metrics
    ]
    return f"pictures a second, on {record.protocol['devices']}: " + "; ".join(parts)


def _trained(read: Reader) -> str:
    first, style = read(FIRST), read("lapstyle/starry_night")
    return (
        f"the common beginning took {first.seconds / 60:.0f} minutes and Starry Night another "
        f"{style.seconds / 60:.0f} ({style.device}, shared with other work), for {first.steps:,} + "
        f"{style.steps:,} steps of one photograph"
    )


def title_of(variant: str, record: ledger.Record) -> str:
    """A variant's name, with the size at which this record has it."""
    return variant.replace("256", str(record.config["sizes"][-1]))


def _two_losses(record: ledger.Record, name: str) -> str:
    return (
        f"{title_of(name, record)}: moments {record.metric(name, 'moment'):.1f}, "
        f"relaxed EMD {record.metric(name, 'remd'):.3f}"
    )


def _without_losses(read: Reader) -> str:
    record = read("lapstyle/ablations")
    names = ("whole", "without adversarial loss", "without moment matching")
    return "; ".join(_two_losses(record, name) for name in names)


def _other_networks(read: Reader) -> str:
    record = read("lapstyle/ablations")
    names = ("whole", *(name for name in record.metrics if name[1:2] == ":"))
    return "; ".join(_two_losses(record, name) for name in names)


CLAIMS = (
    Claim(
        "256 pixels in 0.008 s and 512 in 0.009 s on a Titan X, that is 120 and 110 pictures a "
        "second; full HD ought to be real time too",
        _fps,
    ),
    Claim(
        "that must be one pass forward; who counts the training in will be disappointed",
        _trained,
    ),
    Claim("of the losses, the adversarial one seems to matter most", _without_losses),
    Claim(
        "with RGB pictures instead of the residual (c), style and clouds run into one another; "
        "(a), (b) and (d) are shown beside it",
        _other_networks,
    ),
)
"""What the article found, and how the records answer."""


def _style_experiment(style: str) -> Experiment:
    return Experiment(
        name=f"lapstyle/{style}",
        summary=f"drafting at 128 pixels, revisions at 256 and 512, for {style}",
        profiles={
            "smoke": StyleConfig(
                steps=3,
                style=style,
                shares=(1 / 3, 1 / 3, 1 / 3),
                sizes=(32, 64, 128),
                batch=2,
                limit=4,
                held_out=2,
                equalised=2,
                places=64,
                shown=128,
            ),
            "quick": StyleConfig(
                steps=2500, style=style, learning_rate=5e-4, cosine=True, shares=(0.6, 0.3, 0.1)
            ),
            "book": StyleConfig(steps=12_000, style=style, learning_rate=5e-4, cosine=True),
            "article": StyleConfig(
                steps=90_000,
                style=style,
                shares=(1 / 3, 1 / 3, 1 / 3),
                backbone="vgg19",
                identity=0.0,
                photographs="train2017",
            ),
        },
        run=run_style,
        needs=("bsds500", "bsd100", f"style/{style}.jpg", "content/tubingen.jpg", VGG16_FILE),
    )


_SHORT_FIRST = StyleConfig(
    steps=1200, sizes=(128, 256), shares=(1.0,), learning_rate=1e-3, cosine=True
)

_SMOKE_FIRST = StyleConfig(
    steps=1,
    shares=(1.0,),
    sizes=(32, 64),
    batch=2,
    limit=4,
    held_out=2,
    equalised=2,
    places=64,
    shown=128,
)

_SMOKE_ABLATION = AblationConfig(
    steps=2,
    shares=(0.5, 0.5),
    sizes=(32, 64),
    batch=2,
    limit=4,
    held_out=2,
    equalised=2,
    places=64,
    names=("whole", "c: RGB for the residual", "d: no drafting"),
)

EXPERIMENTS = (
    Experiment(
        name=ENCODER,
        summary="VGG as far as relu4_1, its channels made comparable",
        profiles={
            "smoke": StyleConfig(steps=0, held_out=2, equalised=2),
            "quick": StyleConfig(steps=0),
            "book": StyleConfig(steps=0),
            "article": StyleConfig(steps=0, backbone="vgg19"),
        },
        run=run_encoder,
        needs=("bsds500", "bsd100", VGG16_FILE),
    ),
    Experiment(
        name=FIRST,
        summary="a drafting network for Starry Night, from nothing; others may start from it",
        profiles={
            "smoke": _SMOKE_FIRST,
            "quick": _SHORT_FIRST,
            "book": _SHORT_FIRST,
            "article": dataclasses.replace(_SHORT_FIRST, steps=60_000, learning_rate=1e-4),
        },
        run=run_first,
        needs=("bsds500", "bsd100", "style/starry_night.jpg", "content/tubingen.jpg", VGG16_FILE),
    ),
    *(_style_experiment(style) for style in STYLES),
    Experiment(
        name="lapstyle/ablations",
        summary="without each loss, and the article's variants (a) to (d), at 256 pixels",
        profiles={
            "smoke": _SMOKE_ABLATION,
            "quick": AblationConfig(
                steps=600, shares=(0.6, 0.4), sizes=(128, 256), learning_rate=5e-4, cosine=True
            ),
            "book": AblationConfig(
                steps=2_000, shares=(0.6, 0.4), sizes=(128, 256), learning_rate=5e-4, cosine=True
            ),
            "article": AblationConfig(
                steps=60_000, shares=(0.5, 0.5), sizes=(128, 256), backbone="vgg19", identity=0.0
            ),
        },
        run=run_ablations,
        needs=("bsds500", "bsd100", "style/starry_night.jpg", "content/tubingen.jpg", VGG16_FILE),
    ),
    Experiment(
        name="lapstyle/speed",
        summary="milliseconds a picture, plainly and fast, from 256 pixels to full HD",
        profiles={
            "smoke": SpeedConfig(sizes=((64, 64),), rounds=1),
            "quick": SpeedConfig(),
            "book": SpeedConfig(rounds=30),
            "article": SpeedConfig(sizes=((256, 256), (512, 512))),
        },
        run=run_speed,
    ),
)
