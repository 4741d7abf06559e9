"""The experiments of the Deep Image Prior chapter: single pictures, each fitted from nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from skimage.restoration import inpaint_biharmonic
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import embedded, group_names, load, low_resolution, mod_crop
from tutorial_lib.deep_image_prior.classic import classics
from tutorial_lib.deep_image_prior.fitting import WHOLE, Case, FitConfig, fit_case, run_cases
from tutorial_lib.deep_image_prior.networks import (
    JPEG_CHANNELS,
    JPEG_SKIPS,
    Denoising,
    Inpainting,
    PriorNet,
    Settings,
    SkipNetwork,
    SuperResolution,
    add_noise,
    compress_jpeg,
    draw_input,
    mesh_input,
    random_mask,
    text_mask,
    two_lights,
)
from tutorial_lib.experiment import Claim, Experiment, Reader, Run
from tutorial_lib.metrics import Y, imresize, psnr, ssim
from tutorial_lib.training import Profile, make_fabric


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
        A set, or one picture of it, to be enlarged four times as well, at its own size; empty for
        none.
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
    shares = (8, 4, 2, 1, 1) if config.network == "slim" else (1,) * 5
    return partial(SkipNetwork, channels=tuple(config.width // share for share in shares))


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
    contrast = {
        name: float(f"{target.var((-2, -1)).mean().item():.6g}") for name, target in targets.items()
    }
    data = _registered(config.picture)
    return run_cases(run, cases, data=data, more={"contrast": contrast})


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
    names = {f"x{scale}": (config.picture, scale, config.shrink) for scale in config.scales}
    if config.test_set:
        one = "/" in config.test_set
        for name in [config.test_set] if one else group_names(config.test_set):
            names[name.partition("/")[2].partition(".")[0]] = (name, 4, 1)
    cases, more, pictures = [], {}, {}
    for label, (name, scale, shrink) in names.items():
        truth = mod_crop(picture(name, shrink=shrink), scale)
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
            "psnr_y": round(psnr(bicubic, truth, protocol=Y).item(), 3),
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


def run_guided(run: Run) -> ledger.Record:
    """Denoise a dim picture from noise, and from a picture of the same scene in another light."""
    config, width = run.config, run.config.width
    truth, flash = two_lights(picture(config.picture, shrink=config.shrink))
    damaged = add_noise(truth, sigma=config.sigma, generator=torch.Generator().manual_seed(0))
    numbers, pictures = classics(damaged, truth, level=config.sigma / 255)
    cases = [
        Case("noise", Denoising(damaged), chosen_network(config), truth, config.settings()),
        Case(
            "flash",
            Denoising(damaged),
            lambda: SkipNetwork(3, channels=(width,) * 5),
            truth,
            config.settings(),
            draw=lambda _: flash,
        ),
    ]
    return run_cases(
        run,
        cases,
        data=_registered(config.picture),
        more=numbers,
        baselines=pictures | {"guide": flash},
    )


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
    steps = f"{record.steps:,} of {record.steps_planned:,} steps"
    return f"{steps}, {record.changed()}" if record.changes else steps


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
        f"{found['psnr']:.2f} dB; non-local means "
        f"{record.metric('non-local means', 'psnr'):.2f} dB ({_in_words(record)})"
    )


def _jpeg(read: Reader) -> str:
    record = read("deep_image_prior/jpeg")
    found = record.metrics["large"]
    return (
        f"quality {record.config['quality']}: {found['damaged_psnr']:.2f} dB before, at best "
        f"{found['best_psnr']:.2f} dB (step {found['best_step']:,}), at the end "
        f"{found['psnr_average']:.2f} dB ({_in_words(record)})"
    )


def _enlarged(read: Reader) -> str:
    record = read("deep_image_prior/super_resolution")
    pairs = [
        f"x{scale} {record.metric(f'x{scale}', 'psnr_average'):.2f} dB (bicubic "
        f"{record.metric(f'bicubic, x{scale}', 'psnr'):.2f})"
        for scale in record.config["scales"]
    ]
    return f"zebra: {', '.join(pairs)} ({_in_words(record)})"


def _denoised_again(read: Reader) -> str:
    record = read("deep_image_prior/super_resolution")
    before, after = (record.metric(case, "psnr_average") for case in ("x4", "denoised"))
    return f"before {before:.2f} dB, after a second fit to that result {after:.2f} dB"


def _filled(read: Reader) -> str:
    record = read("deep_image_prior/inpaint")
    names = {"text": "text over a portrait", "random": "every other pixel lost"}
    scores = "; ".join(
        f"{names[hole]}: {record.metric(hole, 'psnr_average'):.2f} dB over the whole picture, a "
        f"smooth (biharmonic) filling {record.metric(f'biharmonic, {hole}', 'psnr'):.2f} dB"
        for hole in names
        if hole in record.config["holes"]
    )
    return f"{scores} ({_in_words(record)})"


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
        # Set5 at its own size is too much for a test.
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
        name="deep_image_prior/guided",
        summary="a dim and noisy picture, from noise and from its twin with flash",
        profiles=_profiles(FitConfig, quick=600, book=1_500, picture="coffee"),
        run=run_guided,
    ),
    Experiment(
        name="deep_image_prior/precision",
        summary="denoising in float32 and in bfloat16, two seeds each",
        profiles=_profiles(FitConfig, quick=1_000, book=3_000, seeds=(0, 1)),
        run=run_precision,
        needs=(F16,),
    ),
)
