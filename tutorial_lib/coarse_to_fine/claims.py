"""What the mirrored article found, and how the records answer."""

from __future__ import annotations

from statistics import fmean

from tutorial_lib.coarse_to_fine.networks import CoarseToFine, sizes
from tutorial_lib.coarse_to_fine.parts import step_work, training_work
from tutorial_lib.coarse_to_fine.reading import (
    around,
    at_seconds,
    clock,
    ends,
    mean_curve,
    overfitting,
    passed,
    stage_seconds,
)
from tutorial_lib.coarse_to_fine.recipe import WORDS
from tutorial_lib.coarse_to_fine.schedule import Phase
from tutorial_lib.experiment import Claim, Reader
from tutorial_lib.ledger import Record

PAIRS = {"with skips": ("ctf_all", "ctf_each"), "auto-encoder": ("ctfae_all", "ctfae_each")}


def _pair(read: Reader, task: str, names: tuple[str, str]) -> tuple[Record, Record]:
    every, each = (read(f"coarse_to_fine/{task}_{name}") for name in names)
    return every, each


def _decibels(record: Record) -> str:
    """How a training ended, with the range of the seeds if there are several."""
    found = ends(record)
    spread = f" ({min(found):.2f} to {max(found):.2f})" if len(found) > 1 else ""
    return f"{fmean(found):.2f} dB{spread}"


def _quality(read: Reader) -> str:
    parts = []
    for task, word in WORDS.items():
        for name, names in PAIRS.items():
            every, each = (_decibels(record) for record in _pair(read, task, names))
            parts.append(f"{word}, {name}: {each} stage by stage, {every} all at once")
    return "Mean and range of the seeds. " + "; ".join(parts)


def _same_curve(read: Reader) -> str:
    parts = []
    for task, word in WORDS.items():
        ctf, unet = (
            mean_curve(read(f"coarse_to_fine/{task}_{name}"), "val_psnr_top")[1]
            for name in ("ctf_all", "unet")
        )
        half = len(ctf) // 2
        gaps = [a - b for a, b in zip(ctf[half:], unet[half:], strict=True)]
        apart = fmean(abs(gap) for gap in gaps)
        parts.append(f"{word}: {fmean(gaps):+.2f} dB, {apart:.2f} dB apart at an epoch")
    return "Coarse-to-fine less U-Net, mean over the second half, " + "; ".join(parts)


def _slower(read: Reader) -> str:
    parts = []
    for name, names in PAIRS.items():
        every, each = _pair(read, "colour", names)
        epoch = passed(every, around(each, each.config["epochs"]))
        when = "never" if epoch is None else f"after {epoch} of {every.config['epochs']} epochs"
        parts.append(f"{name}: {when}")
    return "All at once reaches what stage by stage ends with, " + "; ".join(parts)


def _seconds(read: Reader) -> str:
    parts = []
    for name, names in PAIRS.items():
        every, each = (clock(record)[-1] for record in _pair(read, "colour", names))
        parts.append(f"{name}: {every:.0f} s and {each:.0f} s, {every / each:.2f} times")
    return "All at once and stage by stage, " + "; ".join(parts)


def _stages(read: Reader) -> str:
    every, each = _pair(read, "colour", PAIRS["with skips"])
    side = sizes(every.config["top"])
    found = stage_seconds(each)
    parts = [f"{side[k - 1]} px {seconds:.2f} s" for k, seconds in found.items()]
    (whole,) = stage_seconds(every).values()
    return f"Stage by stage: {', '.join(parts)} an epoch; all at once: {whole:.2f} s"


def _equal_time(read: Reader) -> str:
    parts = []
    for name, names in PAIRS.items():
        every, each = _pair(read, "colour", names)
        given = clock(each)[-1]
        there = at_seconds(each, given)
        parts.append(
            f"{name}: {at_seconds(every, given):.2f} dB all at once, {there:.2f} dB stage by stage"
        )
    return "After as many seconds as stage by stage takes, " + "; ".join(parts)


def _skips(read: Reader) -> str:
    parts = []
    for task, word in WORDS.items():
        unet, ctfae = (
            _decibels(read(f"coarse_to_fine/{task}_{name}")) for name in ("unet", "ctfae_all")
        )
        parts.append(f"{word}: U-Net {unet}, auto-encoder {ctfae}")
    return "; ".join(parts)


def _overfits(read: Reader) -> str:
    parts = []
    for task, word in WORDS.items():
        parts.append(f"{word} {overfitting(read(f'coarse_to_fine/{task}_unet')):+.2f} dB")
    few = read("coarse_to_fine/mosaic_few")
    return (
        f"Training faces against new ones, U-Net, last epochs: {', '.join(parts)}; mosaic removal "
        f"learned from {few.config['count']} faces in {few.config['epochs']} epochs "
        f"{overfitting(few):+.2f} dB"
    )


def _adversarial(read: Reader) -> str:
    every, each = _pair(read, "gan", PAIRS["with skips"])
    return (
        f"With a patch discriminator (weight {every.config['adversarial']}): {_decibels(each)} "
        f"stage by stage, {_decibels(every)} all at once"
    )


def _photographs(read: Reader) -> str:
    every, each = _pair(read, "photos", PAIRS["with skips"])
    spoiled = every.metric("data", "psnr of the spoiled")
    return (
        f"Colourisation of photographs: {_decibels(each)} stage by stage, {_decibels(every)} "
        f"all at once; left grey, {spoiled:.2f} dB"
    )


def _structure(_: Reader) -> str:
    return (
        "Not answered: PSNR does not tell a face's parts from its colours, and nothing else was "
        "measured"
    )


HD = 1_024
"""Side of the pictures that the last claim asks about, in pixels."""


def _large(read: Reader) -> str:
    every = read("coarse_to_fine/colour_ctf_all")
    small, large = (
        CoarseToFine(top=top, width=every.config["width"], widest=every.config["widest"])
        for top in (every.config["top"], HD)
    )
    costs = {
        each: training_work(large, steps=5 * len(large.sizes), each=each) for each in (True, False)
    }
    (epoch,) = stage_seconds(every).values()
    last = len(large.levels)
    hours = (
        epoch * step_work(large, Phase(last)) / step_work(small, Phase(len(small.levels))) / 3600
    )
    return (
        f"Counted, not measured: at {HD:,} px all at once multiplies "
        f"{costs[False] / costs[True]:.1f} times as much. If a multiplication took as long there "
        f"as at {every.config['top']} px, an epoch would take {hours:.1f} and "
        f"{hours * costs[True] / costs[False]:.1f} hours of this core"
    )


def _freezing(_: Reader) -> str:
    return (
        "Not measured yet: trainings that are frozen, free and faded in stand beside one another "
        "in `tutorial list coarse_to_fine` (long_colour_ctf_each and its kin)"
    )


CLAIMS = (
    Claim(
        "Training each stage in turn does not give better pictures, but worse.",
        _quality,
        verdict="in part",
    ),
    Claim(
        "Trained all at once, the coarse-to-fine model learns just as a U-Net does.",
        _same_curve,
        verdict="agrees",
    ),
    Claim(
        "Stage by stage converges more slowly: all at once is past its end after about 150 of 300 "
        "epochs, the auto-encoder after 100.",
        _slower,
        verdict="agrees",
    ),
    Claim(
        "All at once takes about twice as long: 40,644 s against 22,319 s (auto-encoder).",
        _seconds,
        verdict="agrees",
    ),
    Claim(
        "An epoch of the last stage takes as long as one of all at once.", _stages, verdict="agrees"
    ),
    Claim(
        "At equal time, too, all at once should be ahead (argued, not measured).",
        _equal_time,
        verdict="in part",
    ),
    Claim(
        "With skip connections PSNR is the same to slightly better.", _skips, verdict="disagrees"
    ),
    Claim("Mosaic removal overfits strongly.", _overfits, verdict="in part"),
    Claim("Whether it is otherwise with an adversarial loss was left open.", _adversarial),
    Claim("Only drawn faces were tried.", _photographs),
    Claim("Coarse to fine may help with structure, the parts of a face; left open.", _structure),
    Claim(
        "At HD sizes it may pay in speed, since training each takes half the time, and perhaps in "
        "quality; left open.",
        _large,
    ),
    Claim(
        "Unless they are frozen at first, what the coarse levels have learned is destroyed, or "
        "ignored.",
        _freezing,
    ),
)
"""What the article found, and how the records answer."""
