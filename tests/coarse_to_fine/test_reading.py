"""What made-up records say, by epoch, by second, by stage and at the end."""

import pytest

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine import reading


def record(psnr, *, seconds, stages=(2, 2, 2, 2), seeds=1, train=None):
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
        config={"count": 9, "batch": 3, "seeds": seeds, "epochs": 4, "top": 16},
        seed=0,
        steps=12,
        steps_planned=12,
        device="",
        precision="",
        seconds=0.0,
        metrics={
            f"seed {seed}": {"test_psnr": psnr[-1] - 1 + seed, "train_psnr": psnr[-1] + 2.0}
            for seed in range(seeds)
        },
        protocol={},
        curves=curves,
    )


EACH = record([5, 8, 9, 18, 20], seconds=[1, 1, 4, 4], stages=(1, 1, 2, 2))
ALL = record([5, 15, 21, 22, 23], seconds=[4, 4, 4, 4], train=[5, 16, 23, 25, 27])


def test_records_are_read_by_epoch_by_second_and_by_stage():
    assert reading.curve(ALL, "val_psnr_top") == ([0, 1, 2, 3, 4], [5, 15, 21, 22, 23])
    assert reading.clock(EACH) == [0, 1, 2, 6, 10]
    assert reading.stage_seconds(EACH) == {1: 1, 2: 4}
    assert reading.last(EACH) == 19
    assert reading.last(EACH, "train_psnr") == 22
    # The last weights, whatever the best epoch was.
    swaying = record([5, 8, 19, 21, 18], seconds=[1, 1, 4, 4], seeds=2)
    assert reading.ends(swaying) == [17, 18]
    assert reading.last(swaying) == 17.5
    assert reading.around(swaying, 4) == pytest.approx((19 + 21 + 18) / 3 + 0.25)
    assert reading.overfitting(ALL) == pytest.approx(3)
    assert reading.passed(ALL, 20) == 2
    assert reading.passed(EACH, 20.5) is None
    assert reading.at_seconds(ALL, 11.9) == 21
    assert reading.at_seconds(ALL, 12) == 22
    # The last epoch by then, not the best.
    assert reading.at_seconds(record([5, 9, 6, 7, 8], seconds=[4] * 4), 9) == 6
    twice = record([5, 8, 9, 18, 20], seconds=[1, 1, 4, 4], seeds=2)
    assert reading.mean_curve(twice, "val_psnr_top")[1] == [5.25, 8.25, 9.25, 18.25, 20.25]


def test_levels_of_the_stages_are_lines_in_steps():
    levels = {
        "8 px": {"nothing": 7.0, "perfect, enlarged": 11.0},
        "16 px": {"nothing": 6.0},
    }
    assert reading.by_stage(EACH, levels, "nothing") == ([0, 2, 2, 4], [7, 7, 6, 6])
    # A perfect answer of full size has no finite PSNR.
    assert reading.by_stage(EACH, levels, "perfect, enlarged") == ([0, 2], [11, 11])
