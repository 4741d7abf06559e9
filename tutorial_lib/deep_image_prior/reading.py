"""What the chapter reads from its records: curves, settings, answers to the article's claims."""

from __future__ import annotations

from typing import Any

from tutorial_lib import ledger
from tutorial_lib.deep_image_prior.configs import PROFILES
from tutorial_lib.experiment import Claim, Reader

Points = tuple[list[float], list[float]]
"""Of a curve: its steps, its values."""


PUBLISHED_DENOISING = {
    "the network's output": 29.22,
    "averaged over the steps": 30.43,
    "averaged over two runs as well": 31.00,
    "CBM3D": 31.42,
}
"""Ulyanov 2018: PSNR in dB at σ = 25, each the mean over nine pictures, after 1,800 steps."""

PUBLISHED_SET5 = {"bicubic": 28.43, "Deep Image Prior": 29.90, "SRResNet": 32.10}
"""Ulyanov 2018: mean PSNR in dB on Set5, four times enlarged."""


def records() -> dict[str, ledger.Record]:
    """All records of the chapter, by the experiment's name without the chapter's."""
    return {name: ledger.read(f"deep_image_prior/{name}") for name in PROFILES}


def differences(record: ledger.Record) -> dict[str, Any]:
    """What a record ran otherwise than the profile for a data-centre GPU, the steps included."""
    full = {f"deep_image_prior/{name}": found["gpu"] for name, found in PROFILES.items()}
    planned = vars(full[record.experiment])
    return {
        name: value
        for name, value in record.config.items()
        if value != (list(planned[name]) if isinstance(planned[name], tuple) else planned[name])
    }


def in_words(record: ledger.Record) -> str:
    """How long the fits of a record ran, and in what they were smaller, for a sentence."""
    smaller = [
        f"{name} {'/'.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in differences(record).items()
        if name != "steps"
    ]
    return ", ".join([f"{record.steps:,} steps", *smaller])


def settings(record: ledger.Record) -> str:
    """Two lines for a page: on what; how long, and what is otherwise than in the profile `gpu`."""
    return f"{record.device}, {record.precision}\n{in_words(record)}"


def curve(record: ledger.Record, case: str, measure: str, *, first: int = 0) -> Points:
    """One recorded curve, from a first step on.

    Parameters
    ----------
    record : Record
        Of this chapter.
    case, measure : str
        Such as "seed0" and "psnr_average".
    first : int
        Steps before it are left out.

    Returns
    -------
    tuple
        Steps and values.
    """
    found = record.curves[f"{case}: {measure}"]
    skipped = sum(step < first for step in found["step"])
    return found["step"][skipped:], found["value"][skipped:]


def over_seeds(
    record: ledger.Record, measure: str, *, first: int = 0
) -> tuple[list[float], list[list[float]]]:
    """The same curve for every seed: the steps, and the values seed by seed."""
    found = [curve(record, f"seed{s}", measure, first=first) for s in record.config["seeds"]]
    return found[0][0], [values for _, values in found]


def missing(record: ledger.Record, target: str) -> Points:
    """The squared error over the steps of a fit, in units of its target's variance."""
    steps, errors = curve(record, target, "mse")
    return steps, [error / record.metric("contrast", target) for error in errors]


def steps_to(record: ledger.Record, case: str, *, psnr: float) -> int | None:
    """The first step at which a case's output was so close to what it was fitted to."""
    curve = record.curves[f"{case}: psnr"]
    reached = [s for s, v in zip(curve["step"], curve["value"], strict=True) if v >= psnr]
    return int(reached[0]) if reached else None


def speeds(read: Reader) -> str:
    """When each fit first came to 20 dB against its own target."""
    record = read("deep_image_prior/fitting_speed")
    parts = []
    for case in ("photograph", "photograph_with_noise", "shuffled", "noise"):
        step = steps_to(record, case, psnr=20)
        when = f"step {step:,}" if step else f"not in {record.steps:,} steps"
        parts.append(f"{case.replace('_', ' ')}: {when}")
    return f"20 dB against its own target first: {'; '.join(parts)} ({in_words(record)})"


def denoised(read: Reader) -> str:
    """Before, by the rule, at the end."""
    record = read("deep_image_prior/denoise")
    found = record.metrics["seed0"]
    return (
        f"σ = {record.config['sigma']:g}: {found['damaged_psnr']:.2f} dB before; at the stopping "
        f"rule's step {found['stopped_step']:,} {found['stopped_psnr']:.2f} dB, after all "
        f"{record.steps:,} steps {found['psnr_average']:.2f} dB, and the output without averaging "
        f"{found['psnr']:.2f} dB; non-local means "
        f"{record.metric('non-local means', 'psnr'):.2f} dB ({in_words(record)})"
    )


def cleaned(read: Reader) -> str:
    """Before, at best, at the end."""
    record = read("deep_image_prior/jpeg")
    found = record.metrics["large"]
    return (
        f"quality {record.config['quality']}: {found['damaged_psnr']:.2f} dB before, at best "
        f"{found['best_psnr']:.2f} dB (step {found['best_step']:,}), at the end "
        f"{found['psnr_average']:.2f} dB ({in_words(record)})"
    )


def enlarged(read: Reader) -> str:
    """Beside bicubic."""
    record = read("deep_image_prior/super_resolution")
    pairs = [
        f"x{scale} {record.metric(f'x{scale}', 'psnr_average'):.2f} dB (bicubic "
        f"{record.metric(f'bicubic, x{scale}', 'psnr'):.2f})"
        for scale in record.config["scales"]
    ]
    return f"zebra: {', '.join(pairs)} ({in_words(record)})"


def denoised_again(read: Reader) -> str:
    """Before and after the second fit."""
    record = read("deep_image_prior/super_resolution")
    before, after = (record.metric(case, "psnr_average") for case in ("x4", "denoised"))
    return f"before {before:.2f} dB, after a second fit to that result {after:.2f} dB"


def filled(read: Reader) -> str:
    """Beside the smooth filling."""
    record = read("deep_image_prior/inpaint")
    names = {"text": "text over a portrait", "random": "every other pixel lost"}
    scores = "; ".join(
        f"{names[hole]}: {record.metric(hole, 'psnr_average'):.2f} dB over the whole picture, a "
        f"smooth (biharmonic) filling {record.metric(f'biharmonic, {hole}', 'psnr'):.2f} dB"
        for hole in names
        if hole in record.config["holes"]
    )
    return f"{scores} ({in_words(record)})"


CLAIMS = (
    Claim(
        "a natural image is roughly there after about 100 updates, noise only after 10,000",
        speeds,
        verdict="agrees",
    ),
    Claim("1,000 updates clean a noisy picture tolerably well", denoised, verdict="agrees"),
    Claim("the artefacts of JPEG at quality 20 are reduced", cleaned, verdict="agrees"),
    Claim(
        "four times enlarged, it is a little better than interpolation", enlarged, verdict="agrees"
    ),
    Claim(
        "denoising the enlarged picture afterwards changes nothing: what remains are artefacts of "
        "the convolutions themselves",
        denoised_again,
        verdict="agrees",
    ),
    Claim("writing over a picture is removed but for faint traces", filled, verdict="agrees"),
)
"""What the article found, and what answers it."""
