"""The experiments of the LapStyle chapter: the encoder, three styles, ablations and speed."""

from __future__ import annotations

import copy
import dataclasses
import math
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib import ledger
from tutorial_lib.data import (
    embedded,
    from_uint8,
    group_names,
    load,
    locate,
    read_image,
    to_uint8,
    write_image,
)
from tutorial_lib.experiments.experiment import Claim, Experiment, Reader, Run
from tutorial_lib.lapstyle import (
    Encoder,
    LapStyle,
    PatchDiscriminator,
    equalise,
    revise,
    stylised_maps,
)
from tutorial_lib.metrics import imresize
from tutorial_lib.pyramid import expand, laplacian_pyramid
from tutorial_lib.srgan import adversarial_loss, discriminator_loss
from tutorial_lib.style_losses import StyleWeights, base_losses
from tutorial_lib.training import (
    History,
    native_bf16,
    set_up,
    shard,
    train,
    write_atomically,
)
from tutorial_lib.vgg import VGG16_FILE, Vgg

STYLES = ("starry_night", "the_scream", "shipwreck")

Variant = Literal["whole", "draft only", "draft at 256", "rgb", "no draft"]

ENCODER = "lapstyle/encoder"
_WEIGHTS = "weights.safetensors"


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
    shares : tuple of float
        Of the steps, for each stage.
    batch : int
        Photographs a step.
    learning_rate : float
        Of Adam.
    cosine : bool
        Warm the rate up over 50 steps and let it fall along a cosine to zero at each stage's last
        step; False keeps it constant, as the article.
    perceptual, self_similarity, style_weight, moment, remd, adversarial : float
        Weights of the losses.
    identity : float
        Weight of the squared error between a photograph and what the decoder makes of its maps
        without AdaIN, for one photograph a step. Not in the article; in the published code. It
        gives the strength slider its photographic end.
    places : int
        Places of a map that the pairwise losses compare, drawn anew at each step.
    start : str
        Experiment whose recorded networks to start from; empty starts afresh.
    backbone : {"vgg16", "vgg19"}
        The encoder.
    photographs : str
        "bsds500", or a folder of photographs, such as MS-COCO's train2017 in the article.
    limit, held_out : int
        Use only the first so many photographs for training, for measuring.
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
    places: int = 1024
    start: str = ""
    backbone: str = "vgg16"
    photographs: str = "bsds500"
    limit: int = 1_000_000
    held_out: int = 20
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


@dataclasses.dataclass(frozen=True)
class AblationConfig(StyleConfig):
    """Settings of the ablations, beyond those of a training; `steps` counts for each of them.

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
    "a: drafting only": {"variant": "draft only", "shares": (1.0,)},
    "b: drafting at 256": {"variant": "draft at 256", "shares": (1.0,)},
    "c: RGB for the residual": {"variant": "rgb"},
    "d: no drafting": {"variant": "no draft", "shares": (0.0, 1.0)},
}
"""Each of the article's ablations, as changes to the whole method's settings."""


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


def fit(image: Tensor, side: int) -> Tensor:
    """Resize a picture so that its shorter side is `side`."""
    scale = side / min(image.shape[-2:])
    height, width = (max(side, round(length * scale)) for length in image.shape[-2:])
    return imresize(image, size=(height, width)).clamp(0, 1)


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


def prepared_encoder(backbone: str, *, blocks: int = 5) -> Encoder:
    """VGG with its channels made comparable over 40 photographs, rounded to half precision."""
    layer = f"relu{blocks}_1"
    encoder = Encoder.from_vgg(Vgg([layer], backbone=backbone))  # type: ignore[arg-type]
    names = group_names("bsds500")[::10]
    equalise(encoder, torch.cat([fit(load(name), 128)[..., :128, :128] for name in names]))
    return encoder.half().float()


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
        if len(config.shares) > len(config.sizes):
            raise ValueError(f"{len(config.shares)} shares for {len(config.sizes)} sizes")
        self.photographs = [
            Photographs(config.photographs, side=side, limit=config.limit) for side in config.sizes
        ]
        self.paintings = [style_picture(config.style, side) for side in config.sizes]

        encoder = prepared_encoder(config.backbone).to(fabric.device)
        encoder.to(memory_format=torch.channels_last)
        torch.manual_seed(0)
        self.model = LapStyle(encoder, revisions=len(config.sizes) - 1).to(fabric.device)
        if config.start:
            self.model.load_state_dict(self.model.state_dict() | stored_weights(config.start))
        on_gpu = fabric.device.type == "cuda"
        self.encoder: Any = torch.compile(encoder) if on_gpu else encoder
        with torch.no_grad():
            self.style_maps = [self.encoder(p.to(fabric.device)) for p in self.paintings]
            self.model.learn_style(self.paintings[0].to(fabric.device))

        networks = {"decoder": self.model.decoder} | {
            f"revision{i}": network for i, network in enumerate(self.model.revisions, 1)
        }
        judges = {f"judge{i}": PatchDiscriminator() for i in range(1, len(config.sizes))}
        self.modules: dict[str, nn.Module] = {**networks, **judges}
        self.trained: dict[str, Any] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        for name, module in self.modules.items():
            module.to(fabric.device)
            # A longer memory (0.999) would remember the first steps' huge gradients for thousands.
            optimizer = torch.optim.Adam(
                module.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True
            )
            self.trained[name], self.optimizers[name] = set_up(
                fabric, module, optimizer, compile=True
            )

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
        losses = {"identity": zero, "adversarial": zero, "discriminator": zero}

        with torch.no_grad(), self.fabric.autocast():
            content = self.encoder(photo)
        if stage == 0:
            name = "decoder"
            made, losses["identity"] = self._draft(content, photo)
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
            losses["adversarial"] = counted["adversarial"] = adversarial_loss(judge(made))
        total = self.weights.total(counted) + self.config.identity * losses["identity"]
        self.optimizers[name].zero_grad(set_to_none=True)
        self.fabric.backward(total)
        self.optimizers[name].step()
        return {k: v.detach() for k, v in losses.items()}

    def _draft(self, content: dict[str, Tensor], photo: Tensor) -> tuple[Tensor, Tensor]:
        maps = stylised_maps(content, self.model.style)
        if not self.config.identity:
            return self.trained["decoder"](maps), photo.new_zeros(())
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
        name, side = f"judge{stage}", self.config.sizes[stage]
        painting, crops = self.paintings[stage], []
        side = min(side, *painting.shape[-2:])
        for u in torch.rand(len(made), 2, generator=generator).tolist():
            top, left = (
                int(x * (length - side + 1))
                for x, length in zip(u, painting.shape[-2:], strict=True)
            )
            crops.append(painting[..., top : top + side, left : left + side])
        real = torch.cat(crops).to(made.device)
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
            rate *= min(1.0, (index - begin + 1) / 50) * (1 + math.cos(math.pi * done)) / 2
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    def result(self) -> LapStyle:
        """The painter to evaluate, as it will be stored: weights rounded to half precision."""
        rounded = {k: v.half().float() for k, v in self.model.state_dict().items()}
        model = LapStyle(
            Encoder(backbone=self.model.encoder.backbone, blocks=5),
            revisions=len(self.model.revisions),
        )
        model.load_state_dict(rounded)
        return model.to(self.fabric.device).eval()


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
        if i >= len(model.revisions):
            made = expand(made, size=size, form="bilinear")
            continue
        seen = F.interpolate(photo, size=size, mode="bilinear", antialias=True)
        made = add_band(model.revisions[i], seen, band, made, variant=variant)
    return made.clamp(0, 1)


# -------------------------------------------------------------------- stored painters


def style_state(model: LapStyle) -> dict[str, Tensor]:
    """A painter's weights as they are stored: in half precision, without the encoder's."""
    return {
        key: value.detach().cpu().half().contiguous()
        for key, value in model.state_dict().items()
        if not key.startswith("encoder.")
    }


def stored_weights(experiment: str) -> dict[str, Tensor]:
    """Read a record's weights, in single precision."""
    stored = load_file(ledger.read(experiment).artefact(_WEIGHTS))
    return {key: value.float() for key, value in stored.items()}


def recorded_painter(style: str) -> LapStyle:
    """The painter of one style, as recorded; needs no data from outside.

    Parameters
    ----------
    style : str
        One of `STYLES`.

    Raises
    ------
    ValueError
        If there is no such style.
    LedgerError
        If it is not recorded, or its weights are not those recorded.
    """
    if style not in STYLES:
        raise ValueError(f"no style {style!r}; there are: {', '.join(STYLES)}")
    backbone = ledger.read(f"lapstyle/{style}").config["backbone"]
    state = stored_weights(f"lapstyle/{style}")
    record = ledger.read(ENCODER)
    if record.config["backbone"] == backbone:
        encoder = Encoder(backbone=backbone)
        stored = load_file(record.artefact("encoder.safetensors"))
        encoder.load_state_dict({key: value.float() for key, value in stored.items()})
    else:
        encoder = prepared_encoder(backbone, blocks=4)
    revisions = {key.split(".")[1] for key in state if key.startswith("revisions.")}
    model = LapStyle(encoder, revisions=len(revisions))
    theirs = {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
    model.load_state_dict(state | theirs)
    return model.eval()


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
    encoder = prepared_encoder(run.config.backbone)
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


def run_style(run: Run) -> ledger.Record:
    """Train one style's networks, stage after stage, and measure them."""
    config: StyleConfig = run.config
    recipe, history = _train(run, config, folder=run.folder, frames=True)
    model, device = recipe.result(), run.fabric.device
    metrics = _measured(recipe, model)
    state = style_state(recipe.model)
    write_atomically(run.folder / _WEIGHTS, lambda path: save_file(state, str(path)))

    files = [_WEIGHTS]
    for name in CONTENTS:
        with torch.no_grad():
            made = model(content(name, config.shown).to(device))
        files.append(_write(run.folder / f"{name}.webp", made))
    photo = content("tubingen", config.shown * 3 // 4).to(device)
    with torch.no_grad():
        for strength in STRENGTHS:
            file = f"strength_{round(100 * strength):03d}.webp"
            files.append(_write(run.folder / file, model(photo, levels=2, strength=strength)))
        for i, stage in enumerate(model.stages(photo, levels=2)):
            files.append(_write(run.folder / f"stage_{i}.webp", stage))
        files.append(
            _write(run.folder / "nearest.webp", model(photo, levels=2, upsampling="nearest"))
        )
    frames = [f"step_{int(row['step']):06d}.webp" for row in history.watched]
    metrics["steps of each stage"] = _stage_steps(recipe.ends, len(history.losses))
    return run.record(
        history=history,
        metrics=metrics,
        protocol=PROTOCOL | {"backbone": f"{config.backbone}, channels equalised"},
        artefacts=[*files, *frames],
        data=_data(config),
    )


def run_ablations(run: Run) -> ledger.Record:
    """Train each of the article's ablations alike, and keep its paintings."""
    config: AblationConfig = run.config
    metrics: dict[str, Any] = {}
    found: dict[str, Any] = {}
    files, seconds = [], 0.0
    for name in config.names or ABLATIONS:
        variant = dataclasses.replace(config, **ABLATIONS[name])
        if variant.variant == "draft at 256":
            variant = dataclasses.replace(variant, sizes=config.sizes[-1:])
        slug = slug_of(name)
        recipe, history = _train(run, variant, folder=run.folder / slug, frames=False)
        model = recipe.result()
        side = config.sizes[-1]
        metrics[name] = _measured(recipe, model)[str(side)]
        seconds += history.seconds
        levels = 0 if variant.variant == "draft at 256" else 1
        for shown in ("tubingen", "astronaut"):
            photo = content(shown, side)
            photo = photo[..., :side, : photo.shape[-1] // 16 * 16].to(run.fabric.device)
            made = paint(model, photo, levels=levels, variant=variant.variant)
            files.append(_write(run.folder / f"{slug}_{shown}.webp", made))
        total = history.losses @ torch.tensor(
            [_factor(variant, loss) for loss in history.names], dtype=torch.float32
        )
        every = max(1, len(total) // 50)
        found[name] = {
            "step": [float(s) for s in range(every, len(total) + 1, every)],
            "value": [float(f"{part.mean():.5g}") for part in total.split(every)][
                : len(total) // every
            ],
        }
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=metrics,
        protocol=PROTOCOL | {"backbone": f"{config.backbone}, channels equalised"},
        artefacts=files,
        data=_data(config),
    )
    return dataclasses.replace(record, curves=found)


def slug_of(name: str) -> str:
    """A variant's name as it stands in file names."""
    return "".join(c if c.isalnum() else "_" for c in name.lower())


def _factor(config: StyleConfig, loss: str) -> float:
    one = {loss: torch.ones(())}
    if loss in ("identity", "discriminator"):
        return 0.0
    return config.weights().total(one).item()


def _train(
    run: Run, config: StyleConfig, *, folder: Path, frames: bool
) -> tuple[StyleRecipe, History]:
    recipe = StyleRecipe(config, run.fabric, steps=run.steps)
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
        steps=run.steps,
        folder=folder,
        # The number of steps decides where stages begin and how the rate falls.
        config={**_plain(config), "steps": run.steps},
        watch=watch,
        watch_at=watch_steps(run.steps, recipe.ends) if frames else (),
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
    config, device = recipe.config, recipe.fabric.device
    found: dict[str, Any] = {}
    for level, side in enumerate(config.sizes):
        # The largest maps cost the most; fewer pictures do.
        count = max(1, config.held_out * 128 // side)
        photos = squares(side, count=count).to(device)
        painting = style_picture(config.style, side).to(device)
        levels = 0 if config.variant == "draft at 256" else level
        made = torch.cat(
            [paint(model, p, levels=levels, variant=config.variant) for p in photos.split(1)]
        )
        found[str(side)] = measure(made, photos, painting, encoder=recipe.model.encoder)
        found[f"photograph {side}"] = measure(
            photos, photos, painting, encoder=recipe.model.encoder
        )
    return found


def _write(path: Path, image: Tensor, *, quality: int = 85) -> str:
    write_image(path, image.float().cpu().clamp(0, 1), quality=quality, overwrite=True)
    return path.name


def _backbone_data(config: StyleConfig) -> list[str]:
    return [VGG16_FILE] if config.backbone == "vgg16" else []


def _data(config: StyleConfig) -> list[str]:
    outside = [f"style/{config.style}.jpg", "content/tubingen.jpg", "bsd100"]
    own = ["bsds500"] if config.photographs == "bsds500" else []
    return [*own, *outside, *_backbone_data(config)]


# ------------------------------------------------------------------------------ speed


@dataclasses.dataclass(frozen=True)
class SpeedConfig:
    """Settings of the measurement of stylising.

    Attributes
    ----------
    steps : int
        Nothing is trained.
    style : str
        Whose networks; untrained ones where it is not recorded, which take the same time.
    sizes : tuple
        Height and width of the pictures.
    rounds : int
        Timed pictures of each kind, after two that are not.
    backbone : {"vgg16", "vgg19"}
        The encoder of untrained networks.
    """

    steps: int = 0
    style: str = "starry_night"
    sizes: tuple[tuple[int, int], ...] = ((256, 256), (512, 512), (1024, 1024), (1080, 1920))
    rounds: int = 10
    backbone: str = "vgg16"


def fast_form(model: LapStyle, device: torch.device, *, compile: bool = False) -> nn.Module:
    """A copy for painting only: channels last, and in half precision where that is faster.

    Parameters
    ----------
    model : LapStyle
        Left as it is.
    device : torch.device
        A GPU takes float16; a CPU bfloat16 if it multiplies that in hardware, else float32.
    compile : bool
        Compile on a GPU: worth a minute for many pictures of one size.
    """
    half = torch.float16 if device.type == "cuda" else torch.bfloat16
    dtype = half if device.type == "cuda" or native_bf16() else torch.float32
    fast = copy.deepcopy(model).eval().requires_grad_(False)
    fast.to(device=device, dtype=dtype).to(memory_format=torch.channels_last)
    if compile and device.type == "cuda":
        return torch.compile(fast, mode="reduce-overhead", dynamic=False)  # type: ignore[return-value]
    return fast


def run_speed(run: Run) -> ledger.Record:
    """Time the painting of single pictures, plainly and fast, with and without the style's maps."""
    config, device = run.config, run.fabric.device
    try:
        model = recorded_painter(config.style)
    except ledger.LedgerError:
        model = LapStyle(Encoder(backbone=config.backbone))
    style = torch.rand(1, 3, 128, 160, device=device)
    plain = model.to(device)
    fast = fast_form(model, device, compile=True)
    bare: Any = getattr(fast, "_orig_mod", fast)

    def recomputing(network: Any, learner: LapStyle) -> Callable[[Tensor], Tensor]:
        def painter(image: Tensor) -> Tensor:
            learner.learn_style(style.to(next(learner.decoder.parameters()).dtype))
            return network(image)

        return painter

    forms: dict[str, Callable[[Tensor], Tensor]] = {
        "plain": recomputing(plain, plain),
        "plain, style cached": plain,
        "fast, style recomputed": recomputing(fast, bare),
        "fast": fast,
    }
    metrics: dict[str, Any] = {}
    for height, width in config.sizes:
        image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        metrics[f"{width} x {height}"] = _timed(
            forms, image.to(device), rounds=config.rounds, device=device
        )
    record = run.record(
        history=History(),
        metrics=metrics,
        protocol={
            "milliseconds": f"median of {config.rounds} pictures, one at a time, already on the "
            "device; forms take turns",
            "plain": "float32, contiguous, not compiled, the style's maps computed anew for each "
            "picture",
            "fast": "channels last, style's statistics cached; float16 and compiled on a GPU, "
            "bfloat16 on a CPU that has it",
            "memory": "of the fast form: peak allocated on a GPU, with the weights; the whole "
            "process's peak so far on a CPU",
            "difference": "largest mean difference of a pixel, fast to plain, 0 to 255",
        },
    )
    return dataclasses.replace(record, precision="see protocol")


@torch.no_grad()
def _timed(
    forms: dict[str, Callable[[Tensor], Tensor]],
    image: Tensor,
    *,
    rounds: int,
    device: torch.device,
) -> dict[str, float]:
    def seconds(form: Callable[[Tensor], Tensor]) -> float:
        begin = time.perf_counter()
        form(image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - begin

    for form in forms.values():
        for _ in range(2):
            seconds(form)
    times: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(rounds):
        for name, form in forms.items():
            times[name].append(seconds(form))
    found = {f"{name}, ms": float(f"{1e3 * statistics.median(t):.4g}") for name, t in times.items()}
    found["fast, pictures a second"] = float(f"{1 / statistics.median(times['fast']):.4g}")
    found["speed-up"] = float(
        f"{statistics.median(times['plain']) / statistics.median(times['fast']):.3g}"
    )
    difference = (forms["fast"](image).float() - forms["plain"](image)).abs().mean().item()
    found["difference"] = float(f"{255 * difference:.3g}")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        seconds(forms["fast"])
        peak = torch.cuda.max_memory_allocated(device) / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return found | {"memory, MB": round(peak)}


# ------------------------------------------------------------------------------ claims


def _fps(read: Reader) -> str:
    record = read("lapstyle/speed")
    parts = [
        f"{size}: {record.metric(size, 'fast, pictures a second'):.4g} "
        f"({record.metric(size, 'speed-up'):.3g} times the plain form)"
        for size in record.metrics
    ]
    return f"pictures a second on {record.device}: " + ", ".join(parts)


def _ablated(read: Reader) -> str:
    record = read("lapstyle/ablations")
    parts = [
        f"{name}: relaxed EMD {values['remd']:.3f}, self-similarity {values['self_similarity']:.3f}"
        for name, values in record.metrics.items()
    ]
    return f"after {record.steps:,} steps each, at 256 pixels; " + "; ".join(parts)


CLAIMS = (
    Claim(
        "256 pixels in 0.008 s and 512 in 0.009 s on a Titan X, that is 120 and 110 pictures a "
        "second: surely one pass forward and not the training; full HD ought to be real time too",
        _fps,
    ),
    Claim(
        "of the losses, the adversarial one seems to matter most; with RGB instead of the "
        "residual, style and clouds run into one another",
        _ablated,
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
                places=64,
                shown=64,
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


_SMOKE_ABLATION = AblationConfig(
    steps=2,
    shares=(0.5, 0.5),
    sizes=(32, 64),
    batch=2,
    limit=4,
    held_out=2,
    places=64,
    names=("whole", "c: RGB for the residual", "d: no drafting"),
)

EXPERIMENTS = (
    Experiment(
        name=ENCODER,
        summary="VGG as far as relu4_1, its channels made comparable",
        profiles={
            "smoke": StyleConfig(steps=0, held_out=2),
            "quick": StyleConfig(steps=0),
            "book": StyleConfig(steps=0),
            "article": StyleConfig(steps=0, backbone="vgg19"),
        },
        run=run_encoder,
        needs=("bsds500", "bsd100", VGG16_FILE),
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
