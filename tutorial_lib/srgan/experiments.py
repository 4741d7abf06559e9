"""The experiments of the SRGAN chapter: bicubic, SRResNet, SRGAN, and SRGAN with deep features."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path
from statistics import fmean
from typing import Any

import pooch
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchvision.datasets import VOCSegmentation

from tutorial_lib import ledger
from tutorial_lib.data import (
    Pairs,
    load,
    mod_crop,
    photographs,
    read_image,
    write_image,
)
from tutorial_lib.experiment import Claim, Experiment, Reader, Run, curves
from tutorial_lib.metrics import imresize, niqe
from tutorial_lib.srgan.evaluation import (
    CROPS,
    PROTOCOL,
    SCALE,
    averages,
    evaluate,
    square,
    write_scores,
    write_squares,
)
from tutorial_lib.srgan.networks import (
    ContentLoss,
    Discriminator,
    Generator,
    LossWeights,
    grown,
    srgan_step,
    srresnet_step,
)
from tutorial_lib.training import (
    History,
    average_weights,
    half_state,
    load_half_state,
    make_fabric,
    reestimate_statistics,
    set_up,
    shard,
    train,
    write_atomically,
)
from tutorial_lib.vgg import VGG16_FILE, Vgg

VGG_UNIT: dict[str, float] = {"vgg19": 1.0, "vgg16": 255 * 0.226}
"""What a backbone's maps are divided by, so that one content weight serves both: VGG19 here reads
pictures of unit variance, VGG16 on the scale of 0 to 255, where their deviation is this."""

PUBLISHED = "published/srgan_x4_leftthomas.pth"
"""The generator of five blocks that the article's author built on (Hao Ren, 2018)."""

WATCHED = ("butterfly", "baby")
"""The two squares, side by side, that are kept through training."""


@dataclasses.dataclass(frozen=True)
class SrresnetConfig:
    """Settings of SRResNet's training.

    Attributes
    ----------
    steps : int
        Updates of the generator.
    batch, patch : int
        Patches a step, and their side in high-resolution pixels.
    learning_rate : float
        Of Adam.
    warm_up : int
        Steps over which the learning rate rises from zero.
    cosine : bool
        Let the learning rate fall along a cosine to zero at the last step, which gives a short run
        the most; False keeps it constant, as the article.
    average : bool
        Keep the mean of the generator's weights over about the last tenth of the steps; False
        keeps the last weights, as the article.
    statistics : int
        Training patches over which batch normalisation's statistics are re-estimated before the
        network is measured or kept; 0 leaves the running ones, as the article.
    start : str
        An experiment or a published file whose weights the training starts from; empty begins
        with random weights.
    photographs : str
        "bsds500", or "voc2012" through torchvision as in the article.
    limit : int or None
        Use only so many photographs.
    test_sets : tuple of str
        Evaluated at the end.
    """

    steps: int
    batch: int = 16
    patch: int = 96
    learning_rate: float = 1e-4
    warm_up: int = 0
    cosine: bool = False
    average: bool = False
    statistics: int = 0
    start: str = ""
    photographs: str = "bsds500"
    limit: int | None = None
    test_sets: tuple[str, ...] = ("set5", "set14", "bsd100")


@dataclasses.dataclass(frozen=True)
class SrganConfig(SrresnetConfig):
    """Settings of SRGAN's training, beyond those of SRResNet's.

    Attributes
    ----------
    adversarial, content : float
        Weights of the two losses beside the squared error.
    features : str
        The VGG layer: "last2" is the article's φ2,2, "last5" its φ5,4.
    drop_every : int
        Steps after which the learning rate is multiplied by 0.1.
    """

    average: bool = True
    start: str = "srgan/srresnet"
    adversarial: float = 1e-3
    content: float = 2e-6
    features: str = "last2"
    drop_every: int = 100_000


@dataclasses.dataclass(frozen=True)
class PrecisionConfig(SrresnetConfig):
    """Settings of the comparison of float32 with bfloat16, beyond those of SRResNet's training.

    Attributes
    ----------
    seeds : tuple of int
        One training in each precision for each.
    """

    seeds: tuple[int, ...] = (0, 1)


# ------------------------------------------------------------------------------ data


def training_pairs(config: SrresnetConfig, *, progress: bool = True) -> Pairs:
    """Load the training photographs and make their low-resolution twins."""
    if config.photographs == "voc2012":
        return Pairs(_voc2012(config.patch), scale=SCALE)
    return Pairs.from_group(config.photographs, scale=SCALE, limit=config.limit, progress=progress)


def _voc2012(patch: int) -> Iterator[Tensor]:
    """PASCAL VOC 2012's photographs (about 10 GB once decoded), less those that hold no patch."""
    folder = pooch.os_cache("tutorial_lib") / "voc2012"
    VOCSegmentation(str(folder), year="2012", download=not any(folder.glob("VOCdevkit/*")))
    for path in sorted(folder.glob("VOCdevkit/VOC2012/JPEGImages/*.jpg")):
        image = read_image(path)
        if min(image.shape[-2:]) >= patch:
            yield image


# --------------------------------------------------------------------------- training


class SrresnetRecipe:
    """SRResNet: the generator alone, on the squared error."""

    def __init__(self, config: SrresnetConfig, fabric: Fabric, *, steps: int) -> None:
        self.config, self.fabric, self.steps = config, fabric, steps
        self.batch_size = config.batch
        self.start = ledger.start(config.start).stamp() if config.start else {}
        self.pairs = training_pairs(config, progress=fabric.is_global_zero)
        torch.manual_seed(0)
        network = starting_generator(config.start) if config.start else Generator(scale=SCALE)
        network.train()
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        # Compiling takes a minute or two on a GPU, which a short run would not earn back.
        self.compile = steps >= 2_000
        self.generator, self.optimizer = set_up(fabric, network, optimizer, compile=self.compile)
        self.modules: dict[str, nn.Module] = {"generator": network}
        self.optimizers = {"generator": self.optimizer}
        if config.average:
            self.modules["average"] = deepcopy(network)

    def sample(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw this process's part of one batch: low-resolution and true patches."""
        config = self.config
        low, real = self.pairs.sample(
            config.batch, patch=config.patch, generator=generator, device=self.fabric.device
        )
        low, real = shard(self.fabric, low, real)
        return low, real

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the generator."""
        self.set_rate(self.rate(index))
        low, real = self.sample(generator)
        losses = srresnet_step(
            self.generator, self.optimizer, low, real, backward=self.fabric.backward
        )
        self.keep_average(index)
        return losses

    def rate(self, index: int) -> float:
        """The learning rate of one step."""
        config = self.config
        rate = config.learning_rate
        if index < config.warm_up:
            rate *= (index + 1) / config.warm_up
        if config.cosine:
            rate *= (1 + math.cos(math.pi * index / self.steps)) / 2
        return rate

    def set_rate(self, rate: float) -> None:
        """Give all optimisers this learning rate."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    def keep_average(self, index: int) -> None:
        """Move the mean of the generator's weights on, where one is kept."""
        if self.config.average:
            average_weights(self.modules["average"], self.modules["generator"], index)

    def result(self) -> Generator:
        """The network to evaluate: the averaged one, where there is one."""
        return self.stored(self.modules.get("average", self.modules["generator"]))

    def stored(self, module: nn.Module) -> Generator:
        """A copy of a generator as a record stores it.

        Its statistics are re-estimated where the settings say so, and all weights are rounded to
        half precision.
        """
        network = deepcopy(module).to(self.fabric.device)
        if self.config.statistics:
            random = torch.Generator().manual_seed(0)
            batches = (
                self.pairs.sample(
                    16, patch=self.config.patch, generator=random, device=self.fabric.device
                )[0]
                for _ in range(-(-self.config.statistics // 16))
            )
            reestimate_statistics(network, batches)
        return generator_from(half_state(network)).to(self.fabric.device)


class SrganRecipe(SrresnetRecipe):
    """SRGAN: SRResNet carried on against a discriminator, with a loss on VGG's features."""

    config: SrganConfig

    def __init__(self, config: SrganConfig, fabric: Fabric, *, steps: int) -> None:
        super().__init__(config, fabric, steps=steps)
        network = Discriminator(patch=config.patch)
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        self.discriminator, self.discriminator_optimizer = set_up(
            fabric, network, optimizer, compile=self.compile
        )
        self.modules["discriminator"] = network
        self.optimizers["discriminator"] = self.discriminator_optimizer
        self.vgg = Vgg([config.features]).to(fabric.device).to(memory_format=torch.channels_last)
        self.content = ContentLoss(self.vgg)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the discriminator, then the generator."""
        self.set_rate(self.rate(index))
        low, real = self.sample(generator)

        def content(fake: Tensor, real: Tensor) -> Tensor:
            with self.fabric.autocast():
                return self.content(fake, real) / VGG_UNIT[self.vgg.backbone] ** 2

        losses = srgan_step(
            self.generator,
            self.discriminator,
            self.optimizer,
            self.discriminator_optimizer,
            content,
            low,
            real,
            weights=LossWeights(content=self.config.content, adversarial=self.config.adversarial),
            backward=self.fabric.backward,
            unsynchronised=self._unsynchronised,
        )
        self.keep_average(index)
        return losses

    def rate(self, index: int) -> float:
        """The learning rate of one step: it falls to a tenth every `drop_every` steps."""
        return self.config.learning_rate * 0.1 ** (index // self.config.drop_every)

    def _unsynchronised(self, module: Any) -> AbstractContextManager:
        return self.fabric.no_backward_sync(module, enabled=self.fabric.world_size > 1)


def generator_from(state: dict[str, Tensor]) -> Generator:
    """Build the generator from stored half-precision weights; strict about every name."""
    network = Generator(scale=SCALE)
    load_half_state(network, state)
    return network


def published_generator(path: Path) -> Generator:
    """The published generator of five blocks, whose layers have other names in the same order.

    Raises
    ------
    ValueError
        If the file does not hold those layers.
    """
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    network = Generator(scale=SCALE, blocks=5)
    names = half_state(network)
    if [tuple(t.shape) for t in theirs.values()] != [tuple(t.shape) for t in names.values()]:
        raise ValueError(f"{path} does not hold the weights of a generator of five blocks")
    load_half_state(network, dict(zip(names, theirs.values(), strict=True)))
    return network


def starting_generator(name: str) -> Generator:
    """The generator that a training starts from, with all of its blocks.

    Parameters
    ----------
    name : str
        An experiment whose record holds a generator, or a published file of the registry, which
        is grown.

    Raises
    ------
    LedgerError, DataUnavailable
        If it is not there.
    """
    start = ledger.start(name)
    if start.path.suffix == ".pth":
        return grown(published_generator(start.path), blocks=16)
    return generator_from(load_file(start.path))


def recorded_generator(experiment: str) -> Generator:
    """The generator that a record's weights hold, ready to use on the CPU.

    Parameters
    ----------
    experiment : str
        Such as ``"srgan/srgan"``.

    Raises
    ------
    LedgerError
        If there is no such record, or its weights are not those recorded.
    """
    return generator_from(load_file(ledger.read(experiment).artefact("weights.safetensors")))


# ------------------------------------------------------------------------------- runs


def watch_steps(steps: int) -> list[int]:
    """When to look: 0, then ever more rarely, and at the end."""
    moments = [0, 25, 50, 100, 200, 400, 700, 1000, 1500, 2000, 3000, 4000]
    moments += list(range(6000, 1_000_000, 2000))
    return [m for m in moments if m < steps] + [steps]


def run_bicubic(run: Run) -> ledger.Record:
    """Measure bicubic interpolation, and the NIQE of the true pictures."""
    sets = {}
    for group in run.config.test_sets:
        sets[group] = evaluate(lambda low: imresize(low, scale=SCALE), group)
        if group != "set5":
            for name, image in photographs(group).items():
                true = niqe(mod_crop(image, SCALE)).item()
                sets[group][Path(name).stem]["true_niqe"] = true
    write_scores(run.folder / "scores.csv", sets)
    files = write_squares(run, lambda low: imresize(low, scale=SCALE))
    for name, (file, (top, left)) in CROPS.items():
        image = load(file)[..., top : top + 256, left : left + 256]
        write_image(run.folder / f"{name}_true.webp", image, overwrite=True)
        files.append(f"{name}_true.webp")
    record = run.record(
        history=History(),
        metrics={group: averages(scores) for group, scores in sets.items()},
        protocol=PROTOCOL,
        artefacts=["scores.csv", *files],
        data=run.config.test_sets,
    )
    return dataclasses.replace(record, precision="32-true")


def run_srresnet(run: Run) -> ledger.Record:
    """Train SRResNet and measure it."""
    return _train_and_measure(run, SrresnetRecipe(run.config, run.fabric, steps=run.steps), data=[])


def run_srgan(run: Run) -> ledger.Record:
    """Train SRGAN from the recorded SRResNet and measure it."""
    recipe = SrganRecipe(run.config, run.fabric, steps=run.steps)
    data = [VGG16_FILE] if recipe.vgg.backbone == "vgg16" else []
    return _train_and_measure(run, recipe, data=data)


def run_precision(run: Run) -> ledger.Record:
    """Train SRResNet for a short while in float32 and in bfloat16, from the same seeds."""
    metrics, found, seconds = {}, {}, 0.0
    for precision in ("32-true", "bf16-mixed"):
        for seed in run.config.seeds:
            fabric = make_fabric(precision=precision)
            recipe = SrresnetRecipe(run.config, fabric, steps=run.steps)
            history = train(
                recipe,
                fabric=fabric,
                steps=run.steps,
                folder=run.folder / f"{precision}-{seed}",
                config=run.settings() | {"precision": precision},
                seed=seed,
                label=f"{precision}, seed {seed}",
            )
            scores = evaluate(recipe.result(), "set5", device=fabric.device)
            metrics[f"{precision}, seed {seed}"] = averages(scores)
            found[f"mse, {precision}, seed {seed}"] = curves(history)["mse"]
            seconds += history.seconds
    record = run.record(
        history=dataclasses.replace(history, seconds=seconds),
        metrics=metrics,
        protocol=PROTOCOL,
        data=["set5", run.config.photographs],
    )
    return dataclasses.replace(record, precision="32-true and bf16-mixed", curves=found)


def _train_and_measure(run: Run, recipe: SrresnetRecipe, *, data: list[str]) -> ledger.Record:
    config, device = run.config, run.fabric.device

    def write_frame(name: str, network: Generator) -> None:
        if run.fabric.is_global_zero:
            frame = torch.cat([square(shown, network, device=device) for shown in WATCHED], dim=-1)
            write_image(run.folder / f"{name}.webp", frame, overwrite=True)

    def watch(step: int) -> dict[str, float]:
        network = recipe.result()
        write_frame(f"step_{step:06d}", network)
        scores = averages(evaluate(network, "set5", device=device))
        return {"set5_psnr_y": scores["psnr_y"], "set5_ssim_y": scores["ssim_y"]}

    moments = watch_steps(run.steps)
    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        # Where the rate falls to zero at the last step, that step belongs to the settings.
        config=run.settings() | {"steps": run.steps if config.cosine else 0} | recipe.start,
        watch=watch,
        watch_at=moments,
        label=run.experiment,
    )
    network = recipe.result()
    sets = {group: evaluate(network, group, device=device) for group in config.test_sets}
    write_scores(run.folder / "scores.csv", sets)
    state = half_state(network)
    write_atomically(run.folder / "weights.safetensors", lambda path: save_file(state, str(path)))
    files = write_squares(run, network.to(device))
    frames = [f"step_{int(row['step']):06d}.webp" for row in history.watched]
    protocol = dict(PROTOCOL)
    if config.statistics:
        protocol["batch normalisation"] = (
            f"statistics re-estimated over {config.statistics} training patches of side "
            f"{config.patch}"
        )
    if "average" in recipe.modules:
        # What averaging is worth: the same picture and measures without it.
        last = recipe.stored(recipe.modules["generator"])
        write_frame("last_weights", last)
        files.append("last_weights.webp")
        group = config.test_sets[-1]
        sets[f"{group}, last weights"] = evaluate(last, group, device=device)
    if isinstance(recipe, SrganRecipe):
        backbone = recipe.vgg.backbone
        protocol["content loss"] = (
            f"{backbone}, {recipe.vgg.layers[0]}, maps divided by {VGG_UNIT[backbone]:.1f}"
        )
    return run.record(
        history=history,
        metrics={group: averages(scores) for group, scores in sets.items()},
        protocol=protocol,
        artefacts=["weights.safetensors", "scores.csv", *files, *frames],
        data=[*config.test_sets, *data]
        + ([config.photographs] if config.photographs != "voc2012" else []),
        start=recipe.start,
    )


def _dB(record: ledger.Record, channel: str = "y") -> str:
    psnr_, ssim_ = (record.metric("set5", f"{kind}_{channel}") for kind in ("psnr", "ssim"))
    return f"{psnr_:.2f} dB, {ssim_:.4f}"


def _scores_fall(read: Reader) -> str:
    parts = []
    for name in ("srresnet", "srgan"):
        record = read(f"srgan/{name}")
        steps = f"{record.steps:,} of {record.steps_planned:,} steps"
        parts.append(f"{name}: {_dB(record)} in Y, {_dB(record, 'rgb')} in RGB ({steps})")
    return "Set5, " + "; ".join(parts)


def _looks_natural(read: Reader) -> str:
    bicubic, plain, gan = (read(f"srgan/{n}") for n in ("bicubic", "srresnet", "srgan"))
    values = ", ".join(
        f"{name} {value:.2f}"
        for name, value in (
            ("bicubic", bicubic.metric("bsd100", "niqe")),
            ("SRResNet", plain.metric("bsd100", "niqe")),
            ("SRGAN", gan.metric("bsd100", "niqe")),
            ("true photographs", bicubic.metric("bsd100", "true_niqe")),
        )
    )
    return f"NIQE on BSD100 (lower is more natural): {values}"


def _content_share(read: Reader) -> str:
    parts = []
    for name in ("srgan", "vgg54"):
        record = read(f"srgan/{name}")
        weights = {"mse": 1.0, **{k: record.config[k] for k in ("content", "adversarial")}}
        terms = {k: w * fmean(record.curves[k]["value"]) for k, w in weights.items()}
        share = 100 * terms["content"] / sum(terms.values())
        parts.append(f"{share:.2g} % with {record.protocol['content loss']}")
    return "the VGG term's share of the generator's loss: " + ", ".join(parts)


CLAIMS = (
    Claim(
        "PSNR and SSIM on Set5 put SRResNet (29.74 dB, 0.8610) far ahead of SRGAN (25.41 dB, "
        "0.7352); the channel is not stated",
        _scores_fall,
    ),
    Claim(
        "SRResNet's picture is flat where SRGAN's has the fine grain of a photograph, and most "
        "people take the latter for natural",
        _looks_natural,
    ),
    Claim(
        "the VGG loss, weighted by 2e-6, mends the blur of the squared error; both are added "
        "because one alone did not train stably",
        _content_share,
    ),
)
"""What the article found, and how the records answer."""


TEST_SETS = ("set5", "set14", "bsd100")

GROWN: dict[str, Any] = {
    "batch": 8,
    "learning_rate": 2e-4,
    "warm_up": 200,
    "cosine": True,
    "average": True,
    "statistics": 512,
    "start": PUBLISHED,
}
"""A short training that gets the most from a published start."""

BRIEF: dict[str, Any] = {"learning_rate": 4e-4, "warm_up": 100, "cosine": True}
"""From random weights, what gets the most in a short time."""

EXPERIMENTS = (
    Experiment(
        name="srgan/bicubic",
        summary="bicubic interpolation, the baseline; and the true pictures' NIQE",
        profiles={
            "smoke": SrresnetConfig(steps=0, test_sets=("set5",)),
            "quick": SrresnetConfig(steps=0),
            "book": SrresnetConfig(steps=0),
            "article": SrresnetConfig(steps=0),
        },
        run=run_bicubic,
        needs=TEST_SETS,
    ),
    Experiment(
        name="srgan/srresnet",
        summary="the generator alone, on the squared error",
        profiles={
            "smoke": SrresnetConfig(steps=4, batch=4, patch=48, limit=8, test_sets=("set5",)),
            "quick": SrresnetConfig(**BRIEF, steps=10_000),
            "book": SrresnetConfig(**GROWN, steps=5_000),
            "gpu": SrresnetConfig(**GROWN | {"batch": 16}, steps=40_000),
            # 200 epochs of 16,700 photographs in batches of 16.
            "article": SrresnetConfig(steps=208_750, photographs="voc2012"),
        },
        run=run_srresnet,
        needs=("bsds500", *TEST_SETS, PUBLISHED),
    ),
    Experiment(
        name="srgan/scratch",
        summary="the same training as SRResNet's from random weights: what the start is worth",
        profiles={
            "smoke": SrresnetConfig(steps=4, batch=4, patch=48, limit=8, test_sets=("set5",)),
            "quick": SrresnetConfig(**BRIEF, steps=10_000),
            "book": SrresnetConfig(**GROWN | {"start": ""}, steps=5_000),
            "gpu": SrresnetConfig(**GROWN | {"start": "", "batch": 16}, steps=40_000),
            "article": SrresnetConfig(steps=208_750, photographs="voc2012"),
        },
        run=run_srresnet,
        needs=("bsds500", *TEST_SETS),
    ),
    Experiment(
        name="srgan/srgan",
        summary="carried on from SRResNet against a discriminator, with VGG's φ2,2",
        profiles={
            "smoke": SrganConfig(steps=2, batch=2, limit=8, test_sets=("set5",)),
            "quick": SrganConfig(steps=3_000),
            "book": SrganConfig(steps=10_000),
            "article": SrganConfig(steps=208_750, photographs="voc2012", average=False),
        },
        run=run_srgan,
        needs=("bsds500", *TEST_SETS, VGG16_FILE),
    ),
    Experiment(
        name="srgan/vgg54",
        summary="the same with VGG's φ5,4",
        profiles={
            "smoke": SrganConfig(steps=2, batch=2, limit=8, test_sets=("set5",), features="last5"),
            "quick": SrganConfig(steps=3_000, features="last5"),
            "book": SrganConfig(steps=10_000, features="last5"),
            "article": SrganConfig(
                steps=208_750, photographs="voc2012", features="last5", average=False
            ),
        },
        run=run_srgan,
        needs=("bsds500", *TEST_SETS, VGG16_FILE),
    ),
    Experiment(
        name="srgan/precision",
        summary="what training in bfloat16 costs and saves, against float32",
        profiles={
            "smoke": PrecisionConfig(steps=2, batch=2, patch=48, limit=8, seeds=(0,)),
            "quick": PrecisionConfig(
                steps=300, batch=4, learning_rate=4e-4, warm_up=100, cosine=True
            ),
            "book": PrecisionConfig(
                steps=300, batch=4, learning_rate=4e-4, warm_up=100, cosine=True
            ),
            "article": PrecisionConfig(steps=5_000),
        },
        run=run_precision,
        needs=("bsds500", "set5"),
    ),
)
