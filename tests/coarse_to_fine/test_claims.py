"""The claims, read from made-up records of which no two say the same."""

import pytest

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.claims import CLAIMS


def record(psnr, *, seconds, stages=(2, 2, 2, 2), seeds=1, train=None, grey=12.5, count=9):
    """A record of four epochs of three steps, made up."""
    steps = [0.0, 3.0, 6.0, 9.0, 12.0]
    curves = {}
    for seed in range(seeds):
        for name, values, at in (
            ("val_psnr_top", psnr, steps),
            ("train_psnr", train or psnr, steps),
            ("stage", [float(stages[0]), *map(float, stages)], steps),
            ("seconds", seconds, steps[1:]),
        ):
            shift = 0.5 * seed if "psnr" in name else 0.0
            curves[f"{name}, seed {seed}"] = {"step": at, "value": [v + shift for v in values]}
    return ledger.Record(
        experiment="coarse_to_fine/x",
        profile="smoke",
        config={
            "count": count,
            "batch": count // 3,
            "seeds": seeds,
            "top": 16,
            "width": 4,
            "widest": 8,
            "epochs": 4,
            "adversarial": 0.1,
        },
        seed=0,
        steps=12,
        steps_planned=12,
        device="",
        precision="",
        seconds=0.0,
        metrics={"data": {"psnr of the spoiled": grey}}
        | {f"seed {seed}": {"test_psnr": psnr[-1] - 0.25 + seed / 2} for seed in range(seeds)},
        protocol={},
        curves=curves,
    )


def all_at_once(level, pace, *, gain=1.0, **more):
    values = [level + v for v in (5, 15, 21, 22, 23)]
    train = [value + gain * epoch for epoch, value in enumerate(values)]
    return record(values, seconds=[4 * pace] * 4, train=train, **more)


def stage_by_stage(level, pace, **more):
    values = [level + v for v in (5, 8, 9, 18, 20)]
    return record(values, seconds=[pace, pace, 4 * pace, 4 * pace], stages=(1, 1, 2, 2), **more)


# Every experiment has its own level in dB and its own pace, so that a claim that reads a wrong one
# says something else.
RECORDS = {
    "colour_ctf_all": all_at_once(0, 1, seeds=2),
    "colour_ctf_each": stage_by_stage(0.2, 1.1, seeds=2),
    "colour_ctfae_all": all_at_once(-3, 0.8),
    "colour_ctfae_each": stage_by_stage(-1.2, 0.7),
    "colour_unet": all_at_once(0.6, 0.9, gain=1.5),
    "mosaic_ctf_all": all_at_once(40, 2),
    "mosaic_ctf_each": stage_by_stage(42.3, 2.2),
    "mosaic_ctfae_all": all_at_once(35, 1.8),
    "mosaic_ctfae_each": stage_by_stage(34.7, 1.7),
    "mosaic_unet": all_at_once(41.1, 1.9, gain=2),
    "mosaic_few": record(
        [50, 55, 60, 58, 57], seconds=[1] * 4, train=[50, 60, 65, 67, 70], count=6
    ),
    "colour_few": record([1, 2, 3, 4, 5], seconds=[1] * 4),
    "gan_ctf_all": all_at_once(80, 3),
    "gan_ctf_each": stage_by_stage(80.4, 3.3),
    "photos_ctf_all": all_at_once(60, 4, grey=71.5),
    "photos_ctf_each": stage_by_stage(60.9, 4.4, grey=70.5),
}

SAID = [
    (
        "Mean and range of the seeds. colourisation, with skips: 20.20 dB (19.95 to 20.45) "
        "stage by stage, 23.00 dB (22.75 to 23.25) all at once; colourisation, auto-encoder: "
        "18.55 dB stage by stage, 19.75 dB all at once; mosaic removal, with skips: 62.05 dB "
        "stage by stage, 62.75 dB all at once; mosaic removal, auto-encoder: 54.45 dB stage by "
        "stage, 57.75 dB all at once"
    ),
    (
        "Coarse-to-fine less U-Net, mean over the second half, colourisation: -0.35 dB, 0.35 "
        "dB apart at an epoch; mosaic removal: -1.10 dB, 1.10 dB apart at an epoch"
    ),
    (
        "All at once reaches what stage by stage ends with, with skips: after 2 of 4 epochs; "
        "auto-encoder: after 2 of 4 epochs"
    ),
    (
        "All at once and stage by stage, with skips: 16 s and 11 s, 1.45 times; auto-encoder: "
        "13 s and 7 s, 1.83 times"
    ),
    "Stage by stage: 8 px 1.10 s, 16 px 4.40 s an epoch; all at once: 4.00 s",
    (
        "After as many seconds as stage by stage takes, with skips: 21.25 dB all at once, "
        "20.45 dB stage by stage; auto-encoder: 18.00 dB all at once, 18.80 dB stage by stage"
    ),
    (
        "colourisation: U-Net 23.35 dB, auto-encoder 19.75 dB; mosaic removal: U-Net 63.85 dB, "
        "auto-encoder 57.75 dB"
    ),
    (
        "Training faces against new ones, U-Net, last epochs: colourisation +4.50 dB, mosaic "
        "removal +6.00 dB; mosaic removal learned from 6 faces in 4 epochs +9.00 dB"
    ),
    ("With a patch discriminator (weight 0.1): 100.15 dB stage by stage, 102.75 dB all at once"),
    (
        "Colourisation of photographs: 80.65 dB stage by stage, 82.75 dB all at once; left "
        "grey, 71.50 dB"
    ),
    (
        "Not answered: PSNR does not tell a face's parts from its colours, and nothing else was "
        "measured"
    ),
    (
        "Counted, not measured: at 1,024 px all at once multiplies 4.9 times as much. If a "
        "multiplication took as long there as at 16 px, an epoch would take 6.5 and 1.3 hours of "
        "this core"
    ),
    (
        "Not measured yet: trainings that are frozen, free and faded in stand beside one another "
        "in `tutorial list coarse_to_fine` (long_colour_ctf_each and its kin)"
    ),
]


def read(name):
    return RECORDS[name.removeprefix("coarse_to_fine/")]


def test_no_two_records_say_the_same():
    ends = {name: str(found.curves["val_psnr_top, seed 0"]) for name, found in RECORDS.items()}
    assert len({*ends.values()}) == len(RECORDS)


@pytest.mark.parametrize("number", range(len(CLAIMS)))
def test_claims_say_what_the_records_say(number):
    assert CLAIMS[number].measured(read) == SAID[number]


def test_claims_can_be_read_from_the_published_records():
    for claim in CLAIMS:
        assert claim.measured(ledger.read)
