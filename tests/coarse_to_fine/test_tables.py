"""The rows of the chapter's tables against the numbers of the records they are read from."""

import pytest

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine import reading, tables
from tutorial_lib.coarse_to_fine.recipe import TRAININGS


@pytest.fixture(scope="module")
def records():
    return {key: ledger.read(f"coarse_to_fine/colour_{key}") for key in TRAININGS}


def test_seconds_stand_under_the_size_that_was_trained(records):
    rows = tables.epoch_seconds(records)
    assert [row["training"] for row in rows] == [words for words, _ in TRAININGS.values()]
    all_at_once, each = rows[0], rows[1]
    assert list(each) == ["training", "8 px", "16 px", "32 px", "64 px", "all"]
    assert (all_at_once["8 px"], each["8 px"] != "") == ("", True)
    seconds = reading.stage_seconds(records["ctf_each"])
    assert each["64 px"] == f"{seconds[4]:.1f}"
    assert each["all"] == reading.clock(records["ctf_each"])[-1]


def test_quality_by_seconds_is_the_last_epochs_by_then(records):
    for key, row in zip(records, tables.quality_by_seconds(records, [4, 1_000]), strict=True):
        values = reading.mean_curve(records[key], "val_psnr_top")[1]
        done = sum(t <= 4 for t in reading.clock(records[key]))
        assert (row["4 s"], row["1000 s"]) == (values[done - 1], values[-1])


def test_preparation_ends_with_the_last_stage(records):
    rows = tables.preparation(records)
    assert [row["network"] for row in rows] == ["with skips", "auto-encoder"]
    each = records["ctf_each"]
    assert rows[0]["prepared"] == reading.around(each, 24)
    assert rows[0]["in seconds"] == reading.clock(each)[18]
    assert rows[0]["from nothing"] == reading.around(records["ctf_all"], 6)
    epoch = reading.clock(records["ctf_all"])[1]
    assert rows[0]["or epochs"] == pytest.approx(rows[0]["in seconds"] / epoch)


def test_endings_close_with_what_is_given(records):
    rows = tables.endings(records)
    assert len(rows) == 6
    tested = [records["unet"].metric(f"seed {seed}", "test_psnr") for seed in range(3)]
    assert rows[4]["new faces"] == pytest.approx(sum(tested) / 3)
    assert rows[4]["seeds"] == f"{min(tested):.2f} to {max(tested):.2f}"
    given = records["unet"].metric("data", "psnr of the spoiled")
    assert rows[-1] == {"training": "doing nothing", "new faces": given}


def test_fits_and_what_lies_beyond(records):
    few = ledger.read("coarse_to_fine/mosaic_few")
    (row,) = tables.fits([("mosaic removal", few)])
    assert (row["faces"], row["epochs"]) == ("128", "120")
    assert row["gap, dB"] == reading.overfitting(few)
    gan = ledger.read("coarse_to_fine/gan_ctf_each")
    (row,) = tables.beyond([("faces, GAN", "ctf_each", gan)])
    assert (row["data"], row["training"], row["epochs"]) == ("faces, GAN", "each", "24")
    assert row["at the end, dB"] == gan.metric("seed 0", "test_psnr")
