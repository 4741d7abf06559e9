"""Whole runs in small, what they leave behind, and that the published records are whole."""

import dataclasses

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine import experiments, reading
from tutorial_lib.coarse_to_fine.frames import shown
from tutorial_lib.coarse_to_fine.recipe import Config, prepare
from tutorial_lib.data import read_image, to_uint8
from tutorial_lib.experiment import execute
from tutorial_lib.training import half_state, load_half_state, make_fabric

EXPERIMENTS = {experiment.name: experiment for experiment in experiments.EXPERIMENTS}
NAMES = ["colour_ctf_each", "mosaic_ctfae_all", "gan_ctf_each"]


@pytest.mark.parametrize("name", NAMES)
def test_smoke_run_leaves_a_whole_record(name, tmp_path):
    experiment = EXPERIMENTS[f"coarse_to_fine/{name}"]
    config = experiment.profiles["smoke"]
    folder = execute(experiment, "smoke", precision="32-true", folder=tmp_path / "run")
    record = ledger.read(experiment.name, folder=folder)
    assert record.steps == config.steps == 6
    for file, digest in record.artefacts.items():
        assert ledger.sha256(folder / file) == digest
    assert {"weights.safetensors", "epoch_000.webp", "true.webp"} <= set(record.artefacts)
    epochs, values = reading.curve(record, "val_psnr")
    assert epochs == [0, 1, 2, 3]
    assert all(3 < value < 40 for value in values)
    stages = reading.curve(record, "stage")[1]
    assert stages == ([1, 1, 2, 3] if config.each else [3, 3, 3, 3])
    assert len(reading.clock(record)) == 4
    assert list(reading.stage_seconds(record)) == ([1, 2, 3] if config.each else [3])
    assert ("adversarial" in record.curves) == bool(config.adversarial)


def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    experiment = EXPERIMENTS["coarse_to_fine/colour_ctf_each"]
    for name, stops in (("whole", [None]), ("stopped", [3, None])):
        for stop in stops:
            execute(experiment, "smoke", steps=stop, precision="32-true", folder=tmp_path / name)
    whole, stopped = (
        ledger.read(experiment.name, folder=tmp_path / name) for name in ("whole", "stopped")
    )
    assert whole.curves["l1"] == stopped.curves["l1"]
    assert whole.artefacts == stopped.artefacts


def test_seeds_can_be_added_to_a_run(tmp_path):
    experiment = EXPERIMENTS["coarse_to_fine/colour_unet"]
    for seeds in ("1", "2"):
        execute(
            experiment,
            "smoke",
            changes={"seeds": seeds},
            precision="32-true",
            folder=tmp_path / "run",
        )
    record = ledger.read(experiment.name, folder=tmp_path / "run")
    assert {"seed 0", "seed 1"} <= set(record.metrics)
    assert record.metric("seed 0", "test_psnr") != record.metric("seed 1", "test_psnr")


def test_stored_weights_are_read_strictly():
    config = Config(top=16, width=4, widest=8)
    state = half_state(config.network())
    made = load_half_state(config.network(), state)(torch.rand(1, 3, 16, 16))
    assert made.shape == (1, 3, 16, 16)
    with pytest.raises(RuntimeError, match=r"Missing key.*levels\.0\.head\.weight"):
        load_half_state(
            config.network(), {k: v for k, v in state.items() if "0.head.weight" not in k}
        )


def test_what_a_reader_compares_is_kept_without_loss(tmp_path):
    experiment = EXPERIMENTS["coarse_to_fine/colour_unet"]
    folder = execute(experiment, "smoke", precision="32-true", folder=tmp_path)
    config = experiment.profiles["smoke"]
    pictures = prepare(config, make_fabric(precision="32-true")).test
    spoiled, true = pictures.batch(shown(len(pictures)), side=config.top)
    for name, images in (("spoiled.webp", spoiled), ("true.webp", true)):
        expected = to_uint8(torch.cat(list(images), -1))[None]
        assert torch.equal(to_uint8(read_image(folder / name)), expected)


# The long trainings may still be under way; those that are published are checked like the others.
PUBLISHED = {record.experiment for record in ledger.records()}
SHORT = {name for name in EXPERIMENTS if not name.startswith("coarse_to_fine/long_")}


@pytest.mark.parametrize("name", sorted(SHORT | (EXPERIMENTS.keys() & PUBLISHED)))
def test_the_published_record_is_the_profile_book(name):
    record = ledger.read(name)
    config = EXPERIMENTS[name].profiles["book"]
    assert record.config == dataclasses.asdict(config)
    assert record.changes == {}
    assert record.steps == record.steps_planned == config.steps
