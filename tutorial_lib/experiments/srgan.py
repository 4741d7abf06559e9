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
from tutorial_lib.experiments.evaluation import (
    CROPS,
    PROTOCOL,
    SCALE,
    averages,
    evaluate,
    square,
    write_scores,
    write_squares,
)
from tutorial_lib.experiments.experiment import Claim, Experiment, Reader, Run, curves
from tutorial_lib.metrics import imresize, niqe
from tutorial_lib.srgan import (
    ContentLoss,
    Discriminator,
    Generator,
    LossWeights,
    srgan_step,
    srresnet_step,
)
from tutorial_lib.training import (
    History,
    make_fabric,
    set_up,
    shard,
    train,
    write_atomically,
)
from tutorial_lib.vgg import VGG16_FILE, Vgg

VGG_UNIT: dict[str, float] = {"vgg19": 1.0, "vgg16": 255 * 0.226}
"""What a backbone's maps are divided by, so that one content weight serves both: VGG19 here reads
pictures of unit variance, VGG16 on the scale of 0 to 255, where their deviation is this."""

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
    cosine : bool
        Warm the learning rate up over 100 steps and let it fall along a cosine to zero at the
        last step, which gives a short run the most; False keeps it constant, as the article.
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
    cosine: bool = False
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
    average : bool
        Keep the mean of the generator's weights over about the last tenth of the steps, which
        sway against the discriminator's; False keeps the last weights, as the article.
    """

    adversarial: float = 1e-3
    content: float = 2e-6
    features: str = "last2"
    drop_every: int = 100_000
    average: bool = True


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
        self.pairs = training_pairs(config, progress=fabric.is_global_zero)
        torch.manual_seed(0)
        network = Generator(scale=SCALE)
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        # Compiling takes a minute or two on a GPU, which a short run would not earn back.
        self.compile = steps >= 2_000
        self.generator, self.optimizer = set_up(fabric, network, optimizer, compile=self.compile)
        self.modules: dict[str, nn.Module] = {"generator": network}
        self.optimizers = {"generator": self.optimizer}

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
        return srresnet_step(
            self.generator, self.optimizer, low, real, backward=self.fabric.backward
        )

    def rate(self, index: int) -> float:
        """The learning rate of one step."""
        if not self.config.cosine:
            return self.config.learning_rate
        warm = min(1.0, (index + 1) / 100)
        return self.config.learning_rate * warm * (1 + math.cos(math.pi * index / self.steps)) / 2

    def set_rate(self, rate: float) -> None:
        """Give all optimisers this learning rate."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    def result(self) -> Generator:
        """The network to evaluate, as it will be stored: weights rounded to half precision."""
        return generator_from(half_state(self.modules["generator"])).to(self.fabric.device)


class SrganRecipe(SrresnetRecipe):
    """SRGAN: SRResNet carried on against a discriminator, with a loss on VGG's features."""

    config: SrganConfig

    def __init__(self, config: SrganConfig, fabric: Fabric, *, steps: int) -> None:
        super().__init__(config, fabric, steps=steps)
        start = load_file(ledger.read("srgan/srresnet").artefact("weights.safetensors"))
        self.modules["generator"].load_state_dict(generator_from(start).state_dict())
        network = Discriminator(patch=config.patch)
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        self.discriminator, self.discriminator_optimizer = set_up(
            fabric, network, optimizer, compile=self.compile
        )
        self.modules["discriminator"] = network
        self.optimizers["discriminator"] = self.discriminator_optimizer
        if config.average:
            self.modules["average"] = deepcopy(self.modules["generator"])
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
        if self.config.average:
            average_weights(self.modules["average"], self.modules["generator"], index)
        return losses

    def result(self) -> Generator:
        """The network to evaluate: the averaged one, where there is one."""
        kept = self.modules.get("average", self.modules["generator"])
        return generator_from(half_state(kept)).to(self.fabric.device)

    def rate(self, index: int) -> float:
        """The learning rate of one step: it falls to a tenth every `drop_every` steps."""
        return self.config.learning_rate * 0.1 ** (index // self.config.drop_every)

    def _unsynchronised(self, module: Any) -> AbstractContextManager:
        return self.fabric.no_backward_sync(module, enabled=self.fabric.world_size > 1)


@torch.no_grad()
def average_weights(average: nn.Module, network: nn.Module, index: int) -> None:
    """Move a running mean of a network's weights and statistics on by one step, in place.

    Parameters
    ----------
    average, network : nn.Module
        The mean, and the network as it stands; of the same layers.
    index : int
        Of the step, from 0. The newest weights count 10/(index + 10), so that the mean reaches
        over about the last tenth of the steps, however many there were.

    References
    ----------
    Shamir and Zhang 2013, polynomial-decay averaging with η = 9.
    """
    weight = 10 / (index + 10)
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, weight)
        else:
            kept.copy_(new)


def half_state(network: nn.Module) -> dict[str, Tensor]:
    """The weights of a network as they are stored: in half precision, without counters."""
    return {
        key: value.detach().cpu().half().contiguous()
        for key, value in network.state_dict().items()
        if value.is_floating_point()
    }


def generator_from(state: dict[str, Tensor]) -> Generator:
    """Build the generator from stored half-precision weights; strict about every name.

    Batch normalisation's counters of batches are not stored: nothing reads them after training.
    """
    network = Generator(scale=SCALE)
    counters = {k: v for k, v in network.state_dict().items() if not v.is_floating_point()}
    network.load_state_dict({k: v.float() for k, v in state.items()} | counters)
    return network.eval()


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
        config=run.settings() | ({"steps": run.steps} if config.cosine else {"steps": 0}),
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
    if "average" in recipe.modules:
        # What averaging is worth: the same picture and measures without it.
        last = generator_from(half_state(recipe.modules["generator"])).to(device)
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
            "quick": SrresnetConfig(steps=10_000, learning_rate=4e-4, cosine=True),
            "book": SrresnetConfig(steps=40_000, learning_rate=4e-4, cosine=True),
            # 200 epochs of 16,700 photographs in batches of 16.
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
            "quick": PrecisionConfig(steps=300, batch=4, learning_rate=4e-4, cosine=True),
            "book": PrecisionConfig(steps=300, batch=4, learning_rate=4e-4, cosine=True),
            "article": PrecisionConfig(steps=5_000),
        },
        run=run_precision,
        needs=("bsds500", "set5"),
    ),
)
