"""The experiments of the Deep Image Prior chapter: single pictures, each fitted from nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import (
    REGISTRY,
    compress_jpeg,
    group_names,
    low_resolution,
    mod_crop,
    two_lights,
)
from tutorial_lib.deep_image_prior.cases import Case, noisy, picture, prior, shuffled
from tutorial_lib.deep_image_prior.classic import CLASSICS, classics, smooth_filling
from tutorial_lib.deep_image_prior.configs import F16, PROFILES, ZEBRA
from tutorial_lib.deep_image_prior.holes import HOLES, chosen_holes
from tutorial_lib.deep_image_prior.measuring import Baselines, Fitted, fit_case, record_of
from tutorial_lib.deep_image_prior.networks import (
    JPEG_CHANNELS,
    JPEG_SKIPS,
    SkipNetwork,
    draw_input,
)
from tutorial_lib.deep_image_prior.scores import WHOLE, decibels
from tutorial_lib.deep_image_prior.tasks import Denoising, SuperResolution
from tutorial_lib.deep_image_prior.trained import DENOISERS, SOURCE, best_of, stored_denoisers
from tutorial_lib.experiment import Experiment, Run
from tutorial_lib.metrics import Y, imresize, psnr, ssim
from tutorial_lib.training import History, make_fabric


def registered(*names: str) -> list[str]:
    """Those of some pictures that are outside files."""
    return [name for name in names if name in REGISTRY]


def denoising_cases(run: Run, truth: Tensor, damaged: Tensor) -> list[Case]:
    """One for each seed."""
    config = run.config
    network = prior(config.network, width=config.width)
    return [
        Case(f"seed{seed}", Denoising(damaged), network, truth, config.settings(), seed)
        for seed in config.seeds
    ]


def run_denoise(run: Run) -> ledger.Record:
    """Denoise, and compare with classic denoisers."""
    config = run.config
    truth = picture(config.picture, shrink=config.shrink)
    damaged = noisy(truth, sigma=config.sigma)
    fits = [fit_case(run, case) for case in denoising_cases(run, truth, damaged)]
    numbers, pictures = classics(damaged, truth, level=config.sigma / 255)
    return record_of(
        run,
        fits,
        data=registered(config.picture),
        baselines=Baselines(numbers, pictures, CLASSICS),
        seed=config.seeds[0],
    )


def run_noise_levels(run: Run) -> ledger.Record:
    """Denoise pictures with weak and with strong noise."""
    config, fits, beside = run.config, [], Baselines(protocol=CLASSICS)
    truth = picture(config.picture, shrink=config.shrink)
    network = prior(config.network, width=config.width)
    for sigma in config.sigmas:
        damaged = noisy(truth, sigma=sigma)
        case = Case(f"sigma{sigma:g}", Denoising(damaged), network, truth, config.settings())
        fits.append(fit_case(run, case))
        numbers, _ = classics(damaged, truth, level=sigma / 255)
        beside.numbers |= {f"{name}, sigma {sigma:g}": found for name, found in numbers.items()}
    return record_of(run, fits, data=registered(config.picture), baselines=beside)


def run_fitting_speed(run: Run) -> ledger.Record:
    """Fit a photograph, the same with noise, its pixels in random order, and pure noise."""
    config = run.config
    truth = picture(config.picture, shrink=config.shrink)
    white = torch.rand(truth.shape, generator=torch.Generator().manual_seed(1))
    targets = {
        "photograph": truth,
        "photograph_with_noise": noisy(truth, sigma=config.sigma),
        "shuffled": shuffled(truth),
        "noise": white,
    }
    # The question is how fast the network follows, so it is never taken back.
    plain = dataclasses.replace(config.settings(), jump=float("inf"))
    network = prior(config.network, width=config.width)
    fits = [
        fit_case(run, Case(name, Denoising(target), network, target, plain))
        for name, target in targets.items()
    ]
    contrast = {
        name: float(f"{target.var((-2, -1)).mean().item():.6g}") for name, target in targets.items()
    }
    words = "variance of each target's pixels, mean over its channels"
    beside = Baselines({"contrast": contrast}, protocol={"contrast": words})
    return record_of(run, fits, data=registered(config.picture), baselines=beside)


def run_architecture(run: Run) -> ledger.Record:
    """Denoise with fewer levels, with other skips, with other doubling, with the article's."""
    config, width = run.config, run.config.width
    truth = picture(config.picture, shrink=config.shrink)
    task = Denoising(noisy(truth, sigma=config.sigma))
    usual = config.settings()
    variants: dict[str, Callable[[], nn.Module]] = {
        "paper": prior("paper", width=width),
        "levels1": partial(SkipNetwork, channels=(width,), skips=(4,)),
        "levels3": partial(SkipNetwork, channels=(width,) * 3, skips=(4,) * 3),
        "no_skips": prior("paper", width=width, skip=0),
        "wide_skips": prior("paper", width=width, skip=width),
        "nearest": prior("paper", width=width, upsampling="nearest"),
    }
    cases = [Case(name, task, network, truth, usual) for name, network in variants.items()]
    uniform = dataclasses.replace(usual, uniform=True)
    cases.append(Case("article", task, prior("article", width=width), truth, uniform))
    fits = [fit_case(run, case) for case in cases]
    return record_of(run, fits, data=registered(config.picture))


def run_inpaint(run: Run) -> ledger.Record:
    """Fill holes: under text, a whole region, random pixels, and a word of our own."""
    holes = chosen_holes(run.config.holes)
    fits: list[Fitted] = []
    words = "the smoothest filling of the same holes: scikit-image's biharmonic inpainting"
    beside = Baselines(protocol={"baselines": words})
    for hole in holes:
        case = hole.case(run.config)
        fits.append(fit_case(run, case))
        task = hole.task(run.config)
        smooth = smooth_filling(task.observed, task.mask)
        beside.pictures[f"{hole.name}_biharmonic"] = smooth
        if case.truth is not None:
            score = round(decibels(smooth, case.truth), 3)
            beside.numbers[f"biharmonic, {hole.name}"] = {"psnr": score}
    data = [file for hole in holes for file in hole.files]
    return record_of(run, fits, data=data, baselines=beside)


def run_super_resolution(run: Run) -> ledger.Record:
    """Enlarge one picture and a test set; denoise the first result by a second fit."""
    config = run.config
    network = prior(config.network, width=config.width)
    usual = config.settings()
    large = dataclasses.replace(usual, jitter=config.large_jitter)
    again = dataclasses.replace(usual, jitter=config.denoising_jitter)
    wanted = [(f"x{scale}", config.picture, scale, config.shrink) for scale in config.scales]
    if config.test_set:
        one = config.test_set in REGISTRY
        for name in [config.test_set] if one else group_names(config.test_set):
            wanted.append((Path(name).stem, name, 4, 1))
    cases = []
    words = f"bicubic enlargement of the same small picture; psnr_y is of {Y.describe()}"
    beside = Baselines(protocol={"baselines": words})
    for label, name, scale, shrink in wanted:
        truth = mod_crop(picture(name, shrink=shrink), scale)
        small = low_resolution(truth, scale=scale)
        settings = large if scale > 4 else usual
        cases.append(Case(label, SuperResolution(small, scale), network, truth, settings))
        beside.pictures[f"{label}_bicubic"] = bicubic = imresize(small, scale=scale).clamp(0, 1)
        beside.numbers[f"bicubic, {label}"] = {
            "psnr": round(decibels(bicubic, truth), 3),
            "ssim": round(ssim(bicubic, truth, protocol=WHOLE).item(), 4),
            "psnr_y": round(psnr(bicubic, truth, protocol=Y).item(), 3),
        }
    fits = [fit_case(run, case) for case in cases]
    if config.denoise:
        second = Case("denoised", Denoising(fits[0].average), network, cases[0].truth, again)
        fits.append(fit_case(run, second))
    data = [*registered(config.picture), *([config.test_set] if config.test_set else [])]
    return record_of(run, fits, data=data, baselines=beside)


def run_jpeg(run: Run) -> ledger.Record:
    """Remove the blocks of JPEG with the paper's small network and with its large one."""
    config = run.config
    truth = picture(config.picture, shrink=config.shrink)
    damaged = compress_jpeg(truth, quality=config.quality)
    settings, task = config.settings(), Denoising(damaged)
    small = partial(SkipNetwork, 3, channels=JPEG_CHANNELS, skips=JPEG_SKIPS)
    cases = [
        Case("small", task, small, truth, settings, draw=partial(draw_input, channels=3)),
        Case("large", task, prior(config.network, width=config.width), truth, settings),
    ]
    fits = [fit_case(run, case) for case in cases]
    # Compression has no level of noise; the strengths that are tried lie around this one.
    numbers, pictures = classics(damaged, truth, level=10 / 255)
    beside = Baselines(numbers, pictures, CLASSICS)
    return record_of(run, fits, data=registered(config.picture), baselines=beside)


def run_guided(run: Run) -> ledger.Record:
    """Denoise a dim picture from noise, and from a picture of the same scene in another light."""
    config, width = run.config, run.config.width
    truth, flash = two_lights(picture(config.picture, shrink=config.shrink))
    damaged = noisy(truth, sigma=config.sigma)
    settings, task = config.settings(), Denoising(damaged)
    hinted = prior(config.network, width=width, inputs=3)
    cases = [
        Case("noise", task, prior(config.network, width=width), truth, settings),
        Case("flash", task, hinted, truth, settings, draw=lambda _: flash),
    ]
    fits = [fit_case(run, case) for case in cases]
    numbers, pictures = classics(damaged, truth, level=config.sigma / 255)
    beside = Baselines(numbers, pictures | {"guide": flash}, CLASSICS)
    return record_of(run, fits, data=registered(config.picture), baselines=beside)


def run_precision(run: Run) -> ledger.Record:
    """Denoise in float32 and in bfloat16, from the same seeds."""
    config = run.config
    truth = picture(config.picture, shrink=config.shrink)
    cases = denoising_cases(run, truth, noisy(truth, sigma=config.sigma))
    fits = []
    for precision in ("32-true", "bf16-mixed"):
        fabric = make_fabric(precision=precision)
        part = dataclasses.replace(run, fabric=fabric, folder=run.folder / precision)
        part.folder.mkdir(exist_ok=True)
        for case in cases:
            fitted = fit_case(part, case)
            # The pictures are not told apart by eye, and are not kept.
            fits.append(dataclasses.replace(fitted, name=f"{precision}, {fitted.name}", files=[]))
    record = record_of(run, fits, data=registered(config.picture), seed=config.seeds[0])
    return dataclasses.replace(record, precision="32-true and bf16-mixed")


def run_denoisers(run: Run) -> ledger.Record:
    """Denoise by trained networks and by classic methods: nothing is fitted."""
    config = run.config
    numbers: dict[str, dict[str, Any]] = {}
    start = ledger.start(SOURCE)
    trained = stored_denoisers(start.path)
    truth = picture(config.picture, shrink=config.shrink)
    for sigma in config.sigmas:
        damaged = noisy(truth, sigma=sigma)
        classic, _ = classics(damaged, truth, level=sigma / 255)
        numbers |= {f"{name}, sigma {sigma:g}": found for name, found in classic.items()}
        chosen, score, _ = best_of(trained, damaged, truth)
        numbers[f"trained, sigma {sigma:g}"] = {"psnr": round(score, 3), "denoiser": chosen}
        numbers[f"damaged, sigma {sigma:g}"] = {"psnr": round(decibels(damaged, truth), 3)}
    words = (
        f"the best of the {len(trained)} denoisers in {SOURCE} for each noise, chosen with the "
        "true picture, in their favour; trained on unclipped noise, here it is clipped"
    )
    record = run.record(
        history=History(),
        metrics=numbers,
        protocol=CLASSICS | {"trained": words, "psnr": f"in dB, {WHOLE.describe()}"},
        data=registered(config.picture),
        start=start.stamp(),
    )
    return dataclasses.replace(record, precision="32-true")


EXPERIMENTS = (
    Experiment(
        name="deep_image_prior/denoisers",
        summary="trained and classic denoisers on weak and strong noise; nothing is fitted",
        profiles=DENOISERS,
        run=run_denoisers,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/fitting_speed",
        summary="how fast a photograph is fitted, with noise, shuffled, and pure noise",
        profiles=PROFILES["fitting_speed"],
        run=run_fitting_speed,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/denoise",
        summary="F16 with noise of sigma 25, against non-local means and total variation",
        profiles=PROFILES["denoise"],
        run=run_denoise,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/seeds",
        summary="the same from five seeds, for longer: when to stop",
        profiles=PROFILES["seeds"],
        run=run_denoise,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/noise_levels",
        summary="weak and strong noise",
        profiles=PROFILES["noise_levels"],
        run=run_noise_levels,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/architecture",
        summary="denoising with other depths, skips and upsampling, and with the article's network",
        profiles=PROFILES["architecture"],
        run=run_architecture,
        needs=(F16,),
    ),
    Experiment(
        name="deep_image_prior/inpaint",
        summary="holes under text, a region, random pixels, and a word",
        profiles=PROFILES["inpaint"],
        run=run_inpaint,
        needs=tuple(file for hole in HOLES for file in hole.files),
    ),
    Experiment(
        name="deep_image_prior/super_resolution",
        summary="zebra x4 and x8 and Set5 x4, and denoising after it",
        profiles=PROFILES["super_resolution"],
        run=run_super_resolution,
        needs=(ZEBRA, "set5"),
    ),
    Experiment(
        name="deep_image_prior/jpeg",
        summary="artefacts of JPEG at quality 20, with a small and a large network",
        profiles=PROFILES["jpeg"],
        run=run_jpeg,
    ),
    Experiment(
        name="deep_image_prior/guided",
        summary="a dim and noisy picture, from noise and from its twin with flash",
        profiles=PROFILES["guided"],
        run=run_guided,
    ),
    Experiment(
        name="deep_image_prior/precision",
        summary="denoising in float32 and in bfloat16, two seeds each",
        profiles=PROFILES["precision"],
        run=run_precision,
        needs=(F16,),
    ),
)
