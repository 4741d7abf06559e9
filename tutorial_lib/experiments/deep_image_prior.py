"""The experiments of the Deep Image Prior chapter: single pictures, each fitted from nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, inpaint_biharmonic
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import embedded, group_names, load, low_resolution, mod_crop, write_image
from tutorial_lib.deep_image_prior import (
    LEARNING_RATE,
    Average,
    Denoising,
    EarlyStopping,
    Inpainting,
    PriorNet,
    Settings,
    SkipNetwork,
    Step,
    SuperResolution,
    Task,
    add_noise,
    compress_jpeg,
    draw_input,
    error_plane,
    fit,
    mesh_input,
    random_mask,
    text_mask,
)
from tutorial_lib.experiments.experiment import Claim, Experiment, Reader, Run, curves
from tutorial_lib.metrics import Protocol, imresize, psnr, ssim
from tutorial_lib.training import History, Profile, make_fabric, set_up, train

WHOLE = Protocol("rgb", crop=0)

PROTOCOL = {
    "psnr": f"in dB, {WHOLE.describe()}; of the network's output, and of the moving average of "
    "its outputs",
    "best": "the highest PSNR of the average at any step that was looked at: it takes the true "
    "picture to know it",
    "stopped": "the average at the step that ES-WMV chose, without the true picture",
    "baselines": "scikit-image's non-local means and total variation, strength chosen with the "
    "true picture, in their favour",
}

JPEG_CHANNELS, JPEG_SKIPS = (8, 16, 32, 64, 128), (0, 0, 0, 4, 4)
"""The small network that the paper's authors published for their JPEG example."""


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """Settings of a fit, or of several alike.

    Attributes
    ----------
    steps : int
        Of each fit.
    picture : str
        In the registry, or the name of an embedded photograph.
    shrink : int
        The picture's sides are divided by this first.
    network : str
        "paper", or "article" for the article's PriorNet and its uniform jitter.
    width : int
        Channels of the network; the published number is 128.
    seeds : tuple of int
        One fit for each; of weights, z and jitter. The damage is the same in all.
    sigma : float
        Of the noise, on the scale of 0 to 255.
    learning_rate : float
        Of Adam.
    jitter : float
        Size of what is added to z in each step.
    averaging : float
        What remains of the average in each step.
    window, patience : int
        Of the stopping rule, in steps.
    compile : bool
        Compile each network, on a GPU.
    """

    steps: int
    picture: str = "dip/f16.png"
    shrink: int = 1
    network: str = "paper"
    width: int = 128
    seeds: tuple[int, ...] = (0,)
    sigma: float = 25.0
    learning_rate: float = LEARNING_RATE
    jitter: float = 1 / 30
    averaging: float = 0.99
    window: int = 100
    patience: int = 1000
    compile: bool = False

    def settings(self) -> Settings:
        """What the fit itself reads."""
        return Settings(
            jitter=self.jitter, uniform=self.network == "article", averaging=self.averaging
        )


@dataclasses.dataclass(frozen=True)
class LevelsConfig(FitConfig):
    """Settings for several strengths of noise.

    Attributes
    ----------
    sigmas : tuple of float
        One fit for each.
    """

    sigmas: tuple[float, ...] = (10.0, 25.0, 50.0, 100.0)


@dataclasses.dataclass(frozen=True)
class InpaintConfig(FitConfig):
    """Settings for filling holes.

    Attributes
    ----------
    holes : tuple of str
        Which of "text", "region", "random" and "sample".
    missing : float
        Share of lost pixels in "random".
    """

    holes: tuple[str, ...] = ("text", "region", "random", "sample")
    missing: float = 0.5


@dataclasses.dataclass(frozen=True)
class UpscaleConfig(FitConfig):
    """Settings for super-resolution.

    Attributes
    ----------
    scales : tuple of int
        For `picture`, one fit each.
    test_set : str
        Enlarged four times as well; empty for none.
    denoise : bool
        Denoise the first result by a second fit, as the article does.
    """

    scales: tuple[int, ...] = (4, 8)
    test_set: str = "set5"
    denoise: bool = True


@dataclasses.dataclass(frozen=True)
class JpegConfig(FitConfig):
    """Settings for JPEG's artefacts.

    Attributes
    ----------
    quality : int
        Of the compression.
    """

    quality: int = 20


@dataclasses.dataclass(frozen=True)
class Case:
    """One picture to fit.

    Attributes
    ----------
    name : str
        In the record, and of the files beside it.
    task : Task
        The damaged picture.
    network : callable
        Builds the network.
    truth : Tensor or None
        The true picture, where there is one.
    settings : Settings
        Of the fit.
    seed : int
        Of weights, z and jitter.
    draw : callable
        From the picture's size to what the network is fed.
    """

    name: str
    task: Task
    network: Callable[[], nn.Module]
    truth: Tensor | None
    settings: Settings
    seed: int = 0
    draw: Callable[[tuple[int, int]], Tensor] = draw_input


# ---------------------------------------------------------------------------- pictures


def picture(name: str, *, shrink: int = 1) -> Tensor:
    """Read a registered or an embedded photograph, and shrink its sides."""
    image = load(name) if "/" in name else embedded(name)
    return image if shrink == 1 else imresize(mod_crop(image, shrink), scale=1 / shrink).clamp(0, 1)


def known(name: str, *, shrink: int = 1) -> Tensor:
    """Read a mask; a shrunk pixel is known if all that went into it is."""
    mask = (load(name)[:, :1] > 0.5).float()
    return 1 - nn.functional.max_pool2d(1 - mod_crop(mask, shrink), shrink)


def shuffled(image: Tensor, *, seed: int = 0) -> Tensor:
    """The same pixels in random order."""
    order = torch.randperm(image[0, 0].numel(), generator=torch.Generator().manual_seed(seed))
    return image.flatten(2)[..., order].view_as(image)


def to_device(task: Task, device: torch.device) -> Task:
    """Move the pictures inside a task."""
    fields = {f.name: getattr(task, f.name) for f in dataclasses.fields(task)}
    moved: Any = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in fields.items()}
    return dataclasses.replace(task, **moved)


# ------------------------------------------------------------------------------ fitting


def start(
    task: Task,
    network: nn.Module,
    *,
    fabric: Fabric,
    z: Tensor,
    settings: Settings | None = None,
    average: Average | None = None,
    learning_rate: float = LEARNING_RATE,
    compile: bool = False,
) -> tuple[Iterator[Step], torch.optim.Optimizer]:
    """Begin a fit on this machine's fastest device, channels last and in its precision.

    Parameters
    ----------
    task : Task
        The damaged picture.
    network : nn.Module
        Moved in place.
    fabric : Fabric
        From :func:`tutorial_lib.training.make_fabric`.
    z : Tensor
        What the network is fed.
    settings : Settings, optional
        Of the fit.
    average : Average, optional
        To go on with.
    learning_rate : float
        Of Adam.
    compile : bool
        Compile the network, on a GPU.

    Returns
    -------
    tuple
        The steps, to be asked for one by one, and the optimiser.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    fast, optimizer = set_up(fabric, network, optimizer, compile=compile)
    steps = fit(
        fast,
        optimizer,
        to_device(task, fabric.device),
        z.to(fabric.device).to(memory_format=torch.channels_last),
        settings=settings,
        average=average,
        backward=fabric.backward,
    )
    return steps, optimizer


def restore(
    task: Task,
    *,
    network: nn.Module | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    """Restore a picture on this machine, with the paper's network unless another is given.

    Parameters
    ----------
    task : Task
        The damaged picture.
    network : nn.Module, optional
        Takes as many channels as :func:`tutorial_lib.deep_image_prior.draw_input` makes.
    settings : Settings, optional
        Of the fit.
    seed : int
        Of weights, z and jitter.

    Yields
    ------
    Step
        As long as they are asked for.
    """
    torch.manual_seed(seed)
    z = draw_input(task.size)
    steps, _ = start(task, network or SkipNetwork(), fabric=make_fabric(), z=z, settings=settings)
    yield from steps


class FitRecipe:
    """One fit as the training engine wants it: with everything that changes in modules."""

    batch_size = 1

    def __init__(self, case: Case, config: FitConfig, fabric: Fabric) -> None:
        torch.manual_seed(case.seed)
        network, device = case.network(), fabric.device
        size = case.task.size
        self.z = case.draw(size)
        self.average = Average(size, share=case.settings.averaging).to(device)
        self.stopping = EarlyStopping(size, window=config.window, patience=config.patience)
        self.stopping.to(device)
        self.steps, optimizer = start(
            case.task,
            network,
            fabric=fabric,
            z=self.z,
            settings=case.settings,
            average=self.average,
            learning_rate=config.learning_rate,
            compile=config.compile,
        )
        self.modules: dict[str, nn.Module] = {
            "network": network,
            "average": self.average,
            "stopping": self.stopping,
        }
        self.optimizers = {"network": optimizer}
        with torch.no_grad(), fabric.autocast():
            untrained = network(self.z.to(device))
        self.now = Step(0, float("nan"), untrained.float(), untrained.float(), False)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Take one step."""
        before = self.now.loss
        self.now = now = next(self.steps)
        self.stopping.update(now.output, now.average)
        # What was thrown away is no loss of this fit, and may not even be a number.
        loss = before if now.went_back else now.loss
        return {"loss": torch.tensor(loss), "went_back": torch.tensor(float(now.went_back))}


def watch_steps(steps: int) -> list[int]:
    """When to measure: at first each step, then ever more rarely, in the end every 20."""
    moments, now = [0], 1
    while now < steps:
        moments.append(now)
        now += min(20, max(1, now // 10))
    return [*moments, steps]


def frame_steps(steps: int) -> list[int]:
    """When to keep a picture."""
    moments = [0, 10, 25, 50, 100, 200, 400, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000]
    return [m for m in moments if m < steps] + [steps]


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What came of one case.

    Attributes
    ----------
    metrics, curves : dict
        For the record.
    files : list of str
        What was written into the run's folder.
    history : History
        Of all steps.
    average : Tensor
        The restored picture, (1, 3, H, W).
    """

    metrics: dict[str, Any]
    curves: dict[str, Any]
    files: list[str]
    history: History
    average: Tensor


def fit_case(run: Run, case: Case) -> Fitted:
    """Fit one picture, from its checkpoint if there is one, and measure it."""
    recipe = FitRecipe(case, run.config, run.fabric)
    task, truth = case.task, case.truth
    frames = frame_steps(run.steps)

    def score(made: Tensor) -> float:
        assert truth is not None
        return psnr(task.restored(made.cpu()).clamp(0, 1), truth, protocol=WHOLE).item()

    def watch(step: int) -> dict[str, float]:
        now = recipe.now
        if step in frames:
            made = task.restored(now.output.cpu())
            write_image(run.folder / f"{case.name}_{step:06d}.webp", made, overwrite=True)
        row = {} if step == 0 else {"mse": now.loss}
        if truth is not None:
            row |= {"psnr": score(now.output), "psnr_average": score(now.average)}
            if isinstance(task, Denoising) and not torch.equal(task.observed, truth):
                along, across = error_plane(now.output.cpu(), truth=truth, observed=task.observed)
                row |= {"along": along, "across": across}
        if np.isfinite(recipe.stopping.variance):
            row["variance"] = recipe.stopping.variance
        return row

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder / case.name,
        config=run.settings() | {"steps": 0, "case": case.name},
        seed=case.seed,
        checkpoint_every=500,
        watch=watch,
        watch_at=sorted({*watch_steps(run.steps), *frames}),
        label=f"{run.experiment} {case.name}",
    )
    average = task.restored(recipe.average.value.cpu()).clamp(0, 1)
    stopped = task.restored(recipe.stopping.best.cpu()).clamp(0, 1)
    shown = {"average": average, "damaged": task.restored(torch.zeros(1, 3, *task.size))}
    if not isinstance(task, Inpainting):
        shown["damaged"] = task.observed
    if recipe.stopping.best_step:
        shown["stopped"] = stopped
    if truth is not None:
        shown["truth"] = truth
    for name, made in shown.items():
        write_image(run.folder / f"{case.name}_{name}.webp", made, overwrite=True)

    metrics: dict[str, Any] = {
        "parameters": sum(p.numel() for p in recipe.modules["network"].parameters()),
        "loss": float(f"{history.losses[-1, 0].item():.6g}"),
        "went_back": int(history.losses[:, 1].sum()),
        "steps_per_second": round(len(history.losses) / history.seconds, 2),
    }
    if recipe.stopping.best_step:
        metrics["stopped_step"] = recipe.stopping.best_step
        metrics["stopped"] = int(recipe.stopping.stopped)
    if truth is not None:
        metrics |= _quality(history.watched, average, truth)
        if recipe.stopping.best_step:
            metrics["stopped_psnr"] = round(psnr(stopped, truth, protocol=WHOLE).item(), 3)
        if task.observed.shape == truth.shape and not torch.equal(task.observed, truth):
            metrics["damaged_psnr"] = round(psnr(shown["damaged"], truth, protocol=WHOLE).item(), 3)
    found = {
        f"{case.name}: {name}": curve
        for name, curve in curves(history).items()
        if name not in history.names
    }
    files = [f"{case.name}_{name}.webp" for name in [*shown, *(f"{s:06d}" for s in frames)]]
    return Fitted(metrics, found, files, history, average)


def _quality(
    watched: Sequence[Mapping[str, float]], average: Tensor, truth: Tensor
) -> dict[str, float]:
    rows = [row for row in watched if row["step"] > 0]
    best = max(rows, key=lambda row: row["psnr_average"])
    best_output = max(rows, key=lambda row: row["psnr"])
    return {
        "psnr": round(rows[-1]["psnr"], 3),
        "psnr_average": round(rows[-1]["psnr_average"], 3),
        "ssim_average": round(ssim(average, truth, protocol=WHOLE).item(), 4),
        "best_psnr": round(best["psnr_average"], 3),
        "best_step": int(best["step"]),
        "best_output_psnr": round(best_output["psnr"], 3),
        "best_output_step": int(best_output["step"]),
    }


def run_cases(
    run: Run,
    cases: Sequence[Case],
    *,
    data: Sequence[str],
    more: Mapping[str, dict[str, Any]] | None = None,
    baselines: Mapping[str, Tensor] | None = None,
) -> ledger.Record:
    """Fit one picture after the other and record them all.

    Parameters
    ----------
    run : Run
        What is being run.
    cases : sequence of Case
        What to fit.
    data : sequence of str
        Registered files that were read.
    more : mapping, optional
        Further groups of numbers.
    baselines : mapping, optional
        Pictures made by other methods, to be kept.

    Returns
    -------
    Record
        With numbers and curves by case.
    """
    metrics: dict[str, Any] = {}
    found: dict[str, Any] = {}
    files: list[str] = []
    seconds = 0.0
    for case in cases:
        fitted = fit_case(run, case)
        metrics[case.name] = fitted.metrics
        found |= fitted.curves
        files += fitted.files
        seconds += fitted.history.seconds
    for name, made in (baselines or {}).items():
        write_image(run.folder / f"{name}.webp", made, overwrite=True)
        files.append(f"{name}.webp")
    record = run.record(
        history=dataclasses.replace(fitted.history, seconds=seconds),
        metrics=metrics | dict(more or {}),
        protocol=PROTOCOL,
        artefacts=files,
        data=data,
        seed=run.config.seeds[0],
    )
    return dataclasses.replace(record, curves=found)


# ---------------------------------------------------------------------------- baselines


def tuned(
    method: Callable[[np.ndarray, float], np.ndarray],
    damaged: Tensor,
    truth: Tensor,
    strengths: Sequence[float],
) -> tuple[Tensor, float, float]:
    """Run a classic denoiser at several strengths: the best picture, its PSNR, its strength."""
    pixels = damaged[0].permute(1, 2, 0).numpy()
    tried = []
    for strength in strengths:
        made = torch.from_numpy(method(pixels, strength)).permute(2, 0, 1)[None].float().clamp(0, 1)
        tried.append((psnr(made, truth, protocol=WHOLE).item(), strength, made))
    score, strength, made = max(tried, key=lambda row: row[0])
    return made, score, strength


def non_local_means(pixels: np.ndarray, strength: float) -> np.ndarray:
    """scikit-image's non-local means, with `strength` for both the noise and the filter."""
    return denoise_nl_means(
        pixels,
        patch_size=5,
        patch_distance=6,
        h=0.8 * strength,
        sigma=strength,
        fast_mode=True,
        channel_axis=-1,
    )


def total_variation(pixels: np.ndarray, strength: float) -> np.ndarray:
    """scikit-image's total variation denoising."""
    return denoise_tv_chambolle(pixels, weight=strength, channel_axis=-1)


def classics(
    damaged: Tensor, truth: Tensor, *, level: float
) -> tuple[dict[str, dict[str, float]], dict[str, Tensor]]:
    """Both classic denoisers at their best strength, around a level of noise in [0, 1]."""
    steps = [0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.35, 1.6]
    numbers, pictures = {}, {}
    for name, method, strengths in (
        ("non-local means", non_local_means, [level * s for s in steps]),
        ("total variation", total_variation, [1.4 * level * s for s in steps]),
    ):
        made, score, strength = tuned(method, damaged, truth, strengths)
        numbers[name] = {"psnr": round(score, 3), "strength": round(strength, 4)}
        pictures[name.replace(" ", "_").replace("-", "_")] = made
    return numbers, pictures


# --------------------------------------------------------------------------------- runs


def noisy(config: FitConfig, *, sigma: float | None = None) -> tuple[Tensor, Tensor]:
    """The true picture and its noisy twin; the noise is the same in all experiments."""
    truth = picture(config.picture, shrink=config.shrink)
    generator = torch.Generator().manual_seed(0)
    return truth, add_noise(truth, sigma=sigma or config.sigma, generator=generator)


def chosen_network(config: FitConfig) -> Callable[[], nn.Module]:
    """The network for denoising that the configuration asks for."""
    if config.network == "article":
        return partial(PriorNet, latent=config.width)
    return partial(SkipNetwork, channels=(config.width,) * 5)


def _registered(*names: str) -> list[str]:
    return [name for name in names if "/" in name]


def run_denoise(run: Run) -> ledger.Record:
    """Denoise, and compare with classic denoisers."""
    config = run.config
    truth, damaged = noisy(config)
    numbers, pictures = classics(damaged, truth, level=config.sigma / 255)
    cases = [
        Case(f"seed{seed}", Denoising(damaged), chosen_network(config), truth,
             config.settings(), seed)
        for seed in config.seeds
    ]  # fmt: skip
    return run_cases(run, cases, data=_registered(config.picture), more=numbers, baselines=pictures)


def run_noise_levels(run: Run) -> ledger.Record:
    """Denoise pictures with weak and with strong noise."""
    config, cases = run.config, []
    more: dict[str, dict[str, float]] = {}
    for sigma in config.sigmas:
        truth, damaged = noisy(config, sigma=sigma)
        cases.append(
            Case(f"sigma{sigma:g}", Denoising(damaged), chosen_network(config), truth,
                 config.settings())
        )  # fmt: skip
        numbers, _ = classics(damaged, truth, level=sigma / 255)
        more |= {f"{name}, sigma {sigma:g}": values for name, values in numbers.items()}
    return run_cases(run, cases, data=_registered(config.picture), more=more)


def run_fitting_speed(run: Run) -> ledger.Record:
    """Fit a photograph, the same with noise, its pixels in random order, and pure noise."""
    config = run.config
    truth, damaged = noisy(config)
    white = torch.rand(truth.shape, generator=torch.Generator().manual_seed(1))
    targets = {
        "photograph": truth,
        "photograph_with_noise": damaged,
        "shuffled": shuffled(truth),
        "noise": white,
    }
    # The question is how fast the network follows, so nothing may hold it back.
    plain = Settings(jitter=0.0, averaging=config.averaging, jump=float("inf"))
    cases = [
        Case(name, Denoising(target), chosen_network(config), target, plain)
        for name, target in targets.items()
    ]
    return run_cases(run, cases, data=_registered(config.picture))


def run_architecture(run: Run) -> ledger.Record:
    """Denoise with fewer levels, with other skips, with other doubling, with the article's."""
    config = run.config
    width = config.width
    truth, damaged = noisy(config)

    def hourglass(
        levels: int = 5, skip: int = 4, upsampling: Literal["bilinear", "nearest"] = "bilinear"
    ) -> Callable[[], nn.Module]:
        return lambda: SkipNetwork(
            channels=(width,) * levels, skips=(skip,) * levels, upsampling=upsampling
        )

    article = dataclasses.replace(config, network="article")
    variants: dict[str, tuple[Callable[[], nn.Module], Settings]] = {
        "paper": (hourglass(), config.settings()),
        "levels1": (hourglass(levels=1), config.settings()),
        "levels3": (hourglass(levels=3), config.settings()),
        "no_skips": (hourglass(skip=0), config.settings()),
        "wide_skips": (hourglass(skip=width), config.settings()),
        "nearest": (hourglass(upsampling="nearest"), config.settings()),
        "article": (chosen_network(article), article.settings()),
    }
    cases = [
        Case(name, Denoising(damaged), network, truth, settings)
        for name, (network, settings) in variants.items()
    ]
    return run_cases(run, cases, data=_registered(config.picture))


def run_inpaint(run: Run) -> ledger.Record:
    """Fill holes: under text, a whole region, random pixels, and a word of our own."""
    config = run.config
    shrink, width = config.shrink, config.width
    jitter = Settings(jitter=0.03, averaging=config.averaging)

    def published(inputs: int = 32, skip: int = width) -> Callable[[], nn.Module]:
        return lambda: SkipNetwork(
            inputs, channels=(width,) * 5, skips=(skip,) * 5, upsampling="nearest"
        )

    cases, more, pictures, data = [], {}, {}, []
    for hole in config.holes:
        draw: Callable[[tuple[int, int]], Tensor] = draw_input
        network = published()
        generator = torch.Generator().manual_seed(0)
        truth: Tensor | None
        if hole == "text":
            data += ["dip/kate.png", "dip/kate_mask.png"]
            image = truth = picture("dip/kate.png", shrink=shrink)
            mask = known("dip/kate_mask.png", shrink=shrink)
        elif hole == "region":
            # What stands behind the vase, nobody knows.
            data += ["dip/vase.png", "dip/vase_mask.png"]
            image, truth = picture("dip/vase.png", shrink=shrink), None
            mask = known("dip/vase_mask.png", shrink=shrink)
            draw, network = mesh_input, published(inputs=2, skip=0)
        elif hole == "random":
            data += ["dip/barbara.png"]
            image = truth = picture("dip/barbara.png", shrink=shrink)
            mask = random_mask(
                (image.shape[-2], image.shape[-1]), missing=config.missing, generator=generator
            )
        elif hole == "sample":
            image = truth = picture("astronaut", shrink=shrink)
            mask = text_mask((image.shape[-2], image.shape[-1]))
        else:
            raise ValueError(f"no hole {hole!r}; there are text, region, random, sample")
        cases.append(Case(hole, Inpainting(image, mask), network, truth, jitter, draw=draw))
        smooth = torch.from_numpy(
            inpaint_biharmonic(
                image[0].permute(1, 2, 0).numpy(),
                (mask[0, 0] == 0).numpy(),
                split_into_regions=True,
                channel_axis=-1,
            )
        )
        pictures[f"{hole}_biharmonic"] = smooth.permute(2, 0, 1)[None].float().clamp(0, 1)
        if truth is not None:
            score = psnr(pictures[f"{hole}_biharmonic"], truth, protocol=WHOLE).item()
            more[f"biharmonic, {hole}"] = {"psnr": round(score, 3)}
    return run_cases(run, cases, data=data, more=more, baselines=pictures)


def run_super_resolution(run: Run) -> ledger.Record:
    """Enlarge one picture and a test set; denoise the first result by a second fit."""
    config = run.config
    settings = dataclasses.replace(config.settings(), jitter=0.03)
    names = {f"x{scale}": (config.picture, scale) for scale in config.scales}
    if config.test_set:
        for name in group_names(config.test_set):
            names[name.partition("/")[2].partition(".")[0]] = (name, 4)
    cases, more, pictures = [], {}, {}
    for label, (name, scale) in names.items():
        truth = mod_crop(picture(name, shrink=config.shrink), scale)
        small = low_resolution(truth, scale=scale)
        # The paper's larger jitter for the larger factor.
        jitter = dataclasses.replace(settings, jitter=0.05) if scale > 4 else settings
        cases.append(
            Case(label, SuperResolution(small, scale), chosen_network(config), truth, jitter)
        )
        pictures[f"{label}_bicubic"] = bicubic = imresize(small, scale=scale).clamp(0, 1)
        more[f"bicubic, {label}"] = {
            "psnr": round(psnr(bicubic, truth, protocol=WHOLE).item(), 3),
            "ssim": round(ssim(bicubic, truth, protocol=WHOLE).item(), 4),
        }
    if config.denoise:
        made = fit_case(run, cases[0]).average
        cases.append(
            Case("denoised", Denoising(made), chosen_network(config), cases[0].truth,
                 config.settings())
        )  # fmt: skip
    data = [*_registered(config.picture), *([config.test_set] if config.test_set else [])]
    return run_cases(run, cases, data=data, more=more, baselines=pictures)


def run_jpeg(run: Run) -> ledger.Record:
    """Remove the blocks of JPEG with the paper's small network and with its large one."""
    config = run.config
    truth = picture(config.picture, shrink=config.shrink)
    damaged = compress_jpeg(truth, quality=config.quality)
    numbers, pictures = classics(damaged, truth, level=10 / 255)
    cases = [
        Case(
            "small",
            Denoising(damaged),
            lambda: SkipNetwork(3, channels=JPEG_CHANNELS, skips=JPEG_SKIPS),
            truth,
            config.settings(),
            draw=partial(draw_input, channels=3),
        ),
        Case("large", Denoising(damaged), chosen_network(config), truth, config.settings()),
    ]
    return run_cases(run, cases, data=_registered(config.picture), more=numbers, baselines=pictures)


def run_precision(run: Run) -> ledger.Record:
    """Denoise in float32 and in bfloat16, from the same seeds."""
    records = {}
    for precision in ("32-true", "bf16-mixed"):
        part = dataclasses.replace(
            run, fabric=make_fabric(precision=precision), folder=run.folder / precision
        )
        part.folder.mkdir(exist_ok=True)
        records[precision] = run_denoise(part)
    first, second = records.values()

    def named(field: Literal["metrics", "curves"]) -> dict[str, Any]:
        return {
            f"{precision}, {name}": value
            for precision, record in records.items()
            for name, value in getattr(record, field).items()
            if name.startswith("seed")
        }

    return dataclasses.replace(
        first,
        precision="32-true and bf16-mixed",
        seconds=first.seconds + second.seconds,
        metrics=named("metrics"),
        curves=named("curves"),
        artefacts={},
    )


def _profiles(
    kind: type[FitConfig], *, quick: int, book: int, article: int = 1_000, **settings: Any
) -> dict[Profile, FitConfig]:
    """The four configurations of an experiment; only their lengths and sizes differ."""
    smoke = {"shrink": 8, "width": 8, "window": 2, "seeds": (0,)}
    return {
        "smoke": kind(steps=3, **settings | smoke),
        "quick": kind(steps=quick, **{"shrink": 2} | settings),
        "book": kind(steps=book, **settings),
        "article": kind(steps=article, **settings | {"network": "article"}),
    }


F16, ZEBRA = "dip/f16.png", "dip/zebra.png"
HOLES = ("dip/kate.png", "dip/kate_mask.png", "dip/vase.png", "dip/vase_mask.png")


def _in_words(record: ledger.Record) -> str:
    """What was changed from the published settings, for a sentence about a measurement."""
    changed = [f"{name} {value}" for name, value in record.changes.items()]
    steps = f"{record.steps:,} of {record.steps_planned:,} steps"
    return ", ".join([steps, *changed])


def steps_to(record: ledger.Record, case: str, *, psnr: float) -> int | None:
    """The first step at which a case's output was so close to what it was fitted to."""
    curve = record.curves[f"{case}: psnr"]
    reached = [s for s, v in zip(curve["step"], curve["value"], strict=True) if v >= psnr]
    return int(reached[0]) if reached else None


def _speeds(read: Reader) -> str:
    record = read("deep_image_prior/fitting_speed")
    parts = []
    for case in ("photograph", "photograph_with_noise", "shuffled", "noise"):
        step = steps_to(record, case, psnr=20)
        when = f"step {step:,}" if step else f"not in {record.steps:,} steps"
        parts.append(f"{case.replace('_', ' ')}: {when}")
    return f"first within 20 dB of its target: {'; '.join(parts)} ({_in_words(record)})"


def _denoised(read: Reader) -> str:
    record = read("deep_image_prior/denoise")
    found = record.metrics["seed0"]
    return (
        f"σ = {record.config['sigma']:g}: {found['damaged_psnr']:.2f} dB before; at the stopping "
        f"rule's step {found['stopped_step']:,} {found['stopped_psnr']:.2f} dB, after all "
        f"{record.steps:,} steps {found['psnr_average']:.2f} dB, and the output without averaging "
        f"{found['psnr']:.2f} dB; non-local means {record.metric('non-local means', 'psnr'):.2f} dB"
    )


def _jpeg(read: Reader) -> str:
    record = read("deep_image_prior/jpeg")
    found = record.metrics["large"]
    return (
        f"quality {record.config['quality']}: {found['damaged_psnr']:.2f} dB before, at best "
        f"{found['best_psnr']:.2f} dB (step {found['best_step']:,}), at the end "
        f"{found['psnr_average']:.2f} dB"
    )


def _enlarged(read: Reader) -> str:
    record = read("deep_image_prior/super_resolution")
    pairs = [
        f"x{scale} {record.metric(f'x{scale}', 'psnr_average'):.2f} dB (bicubic "
        f"{record.metric(f'bicubic, x{scale}', 'psnr'):.2f})"
        for scale in record.config["scales"]
    ]
    return f"zebra: {', '.join(pairs)}"


def _denoised_again(read: Reader) -> str:
    record = read("deep_image_prior/super_resolution")
    before, after = (record.metric(case, "psnr_average") for case in ("x4", "denoised"))
    return f"before {before:.2f} dB, after a second fit to that result {after:.2f} dB"


def _filled(read: Reader) -> str:
    record = read("deep_image_prior/inpaint")
    found = record.metrics["text"]
    smooth = record.metric("biharmonic, text", "psnr")
    return (
        f"text over a portrait: {found['psnr_average']:.2f} dB over the whole picture; a smooth "
        f"(biharmonic) filling {smooth:.2f} dB ({_in_words(record)})"
    )


CLAIMS: dict[str, tuple[Claim, ...]] = {
    "fitting_speed": (
        Claim(
            "a natural image is roughly there after about 100 updates, noise only after 10,000",
            _speeds,
        ),
    ),
    "denoise": (Claim("1,000 updates clean a noisy picture tolerably well", _denoised),),
    "jpeg": (Claim("the artefacts of JPEG at quality 20 are reduced", _jpeg),),
    "super_resolution": (
        Claim("four times enlarged, it is a little better than interpolation", _enlarged),
        Claim(
            "denoising the enlarged picture afterwards changes nothing: what remains are "
            "artefacts of the convolutions themselves",
            _denoised_again,
        ),
    ),
    "inpaint": (Claim("writing over a picture is removed but for faint traces", _filled),),
}
"""What the article found, by the experiment that answers."""

EXPERIMENTS = (
    Experiment(
        name="deep_image_prior/fitting_speed",
        summary="how fast a photograph is fitted, with noise, shuffled, and pure noise",
        profiles=_profiles(FitConfig, quick=2_000, book=10_000, article=10_000, shrink=2),
        run=run_fitting_speed,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/denoise",
        summary="F16 with noise of sigma 25, against non-local means and total variation",
        profiles=_profiles(FitConfig, quick=1_500, book=3_000),
        run=run_denoise,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/seeds",
        summary="the same from five seeds, for longer: when to stop",
        profiles=_profiles(FitConfig, quick=2_500, book=5_000, seeds=(0, 1, 2, 3, 4)),
        run=run_denoise,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/noise_levels",
        summary="weak and strong noise",
        profiles=_profiles(LevelsConfig, quick=1_500, book=3_000),
        run=run_noise_levels,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/architecture",
        summary="denoising with other depths, skips and upsampling, and with the article's network",
        profiles=_profiles(FitConfig, quick=1_500, book=3_000),
        run=run_architecture,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/inpaint",
        summary="holes under text, a region, random pixels, and a word",
        profiles=_profiles(InpaintConfig, quick=1_500, book=5_000),
        run=run_inpaint,
        needs=(*HOLES, "dip/barbara.png"),
    ),
    Experiment(
        name="deep_image_prior/super_resolution",
        summary="zebra x4 and x8 and Set5 x4, and denoising after it",
        profiles=_profiles(UpscaleConfig, quick=1_000, book=2_000, picture=ZEBRA)
        # Set5's smallest picture, shrunk so far, would be too small for the network.
        | {"smoke": UpscaleConfig(3, ZEBRA, shrink=8, width=8, scales=(4,), test_set="")},
        run=run_super_resolution,
        needs=(ZEBRA, "set5"),
    ),
    Experiment(
        name="deep_image_prior/jpeg",
        summary="artefacts of JPEG at quality 20, with a small and a large network",
        profiles=_profiles(JpegConfig, quick=1_500, book=2_400, picture="astronaut"),
        run=run_jpeg,
    ),
    Experiment(
        name="deep_image_prior/precision",
        summary="denoising in float32 and in bfloat16, two seeds each",
        profiles=_profiles(FitConfig, quick=1_000, book=3_000, seeds=(0, 1)),
        run=run_precision,
        needs=(F16,),
    ),
)
