"""Cases, holes, runs, and what is read from their records."""

import dataclasses
import itertools
import math
import re

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import DataUnavailable, group_names, locate, read_image
from tutorial_lib.deep_image_prior import (
    Denoising,
    PriorNet,
    SkipNetwork,
    SuperResolution,
    experiments,
    reading,
)
from tutorial_lib.deep_image_prior.cases import Case, noisy, prior, shuffled
from tutorial_lib.deep_image_prior.configs import PROFILES, InpaintConfig
from tutorial_lib.deep_image_prior.fitting import FitRecipe, restore
from tutorial_lib.deep_image_prior.holes import chosen_holes
from tutorial_lib.deep_image_prior.measuring import Fitted, frame_steps, watch_steps
from tutorial_lib.deep_image_prior.scores import decibels
from tutorial_lib.experiment import Run, execute
from tutorial_lib.metrics import imresize
from tutorial_lib.training import History, make_fabric

UNCOMPARED = {"fitting_speed", "architecture", "precision"}
"""Experiments without other methods beside them."""


@dataclasses.dataclass
class Told:
    """In place of a record."""

    precision: str = ""


def there(name):
    """An experiment, or a skipped test where its data is not on this machine."""
    experiment = EXPERIMENTS[f"deep_image_prior/{name}"]
    try:
        for need in experiment.needs:
            for file in group_names(need) if need == "set5" else [need]:
                locate(file, download=False)
    except DataUnavailable as error:
        pytest.skip(str(error))
    return experiment


def watched(config):
    """The same configuration, and the names of all settings that are read from it."""
    seen = set()

    class Watched(type(config)):
        def __getattribute__(self, name):
            seen.add(name)
            return super().__getattribute__(name)

    return Watched(**vars(config)), seen


def rehearse(name, monkeypatch, tmp_path, **changes):
    """Run an experiment with one step a fit, and nothing measured: its cases, what it read."""
    experiment, cases = there(name), []
    config, seen = watched(dataclasses.replace(experiment.profiles["smoke"], **changes))

    def fit_once(run, case):
        FitRecipe(case, run.config, run.fabric).step(0, torch.Generator())
        cases.append(case)
        return Fitted(case.name, {}, {}, {}, [], History(), torch.zeros(1, 3, *case.task.size))

    monkeypatch.setattr(experiments, "fit_case", fit_once)
    monkeypatch.setattr(experiments, "record_of", lambda *_, **__: Told())
    monkeypatch.setattr(experiments, "classics", lambda *_, **__: ({}, {}))
    monkeypatch.setattr(experiments, "smooth_filling", lambda image, _: image)
    fabric = make_fabric(precision="32-true")
    run = Run(experiment.name, "smoke", config, fabric, tmp_path, 1, "")
    experiment.run(run)
    return cases, seen


def test_shuffling_keeps_the_pixels(photograph):
    mixed = shuffled(photograph)
    assert mixed.shape == photograph.shape
    assert not torch.equal(mixed, photograph)

    def colours(image):
        return sorted(map(tuple, image.flatten(2)[0].T.tolist()))

    assert colours(mixed) == colours(photograph)


def test_frames_and_measurements_end_with_the_last_step():
    for steps in (1, 3, 100, 1000):
        for moments in (watch_steps(steps), frame_steps(steps)):
            assert moments[0] == 0
            assert moments[-1] == steps
            assert moments == sorted(set(moments))


def test_restore_yields_pictures_of_the_right_size(photograph):
    task = SuperResolution(imresize(photograph, scale=1 / 4).clamp(0, 1), 4)
    steps = restore(task, network=SkipNetwork(channels=(8, 8), skips=(4, 4)))
    first, second = itertools.islice(steps, 2)
    assert first.output.shape == (1, 3, 40, 48)
    assert second.step == 2


@pytest.mark.parametrize("name", PROFILES)
def test_smoke_run_leaves_a_whole_record(name, tmp_path):
    experiment = there(name)
    folder = execute(experiment, "smoke", folder=tmp_path / "run")
    record = ledger.read(experiment.name, folder=folder)
    assert {p.name for p in folder.iterdir()} >= set(record.artefacts)
    fitted = [found for found in record.metrics.values() if "steps_per_second" in found]
    assert fitted
    assert all(words for words in record.protocol.values())
    assert ("baselines" in record.protocol) == (name not in UNCOMPARED)
    assert all(found["loss"] < 0.5 for found in fitted)
    assert all(5 < found["psnr"] < 40 for found in fitted if "psnr" in found)


@pytest.mark.parametrize("name", PROFILES)
def test_every_setting_is_read(name, monkeypatch, tmp_path):
    changes = {"holes": ("random", "sample")} if name == "inpaint" else {}
    _, seen = rehearse(name, monkeypatch, tmp_path, **changes)
    settings = {field.name for field in dataclasses.fields(PROFILES[name]["smoke"])}
    # How long to run is the engine's to read.
    assert seen >= settings - {"steps"}


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("fitting_speed", {}, {"photograph": 0.0, "noise": 0.0}),
        ("denoise", {}, {"seed0": 1 / 30}),
        ("inpaint", {"holes": ("sample",)}, {"sample": 0.03}),
        ("super_resolution", {"scales": (4, 8)}, {"x4": 0.03, "x8": 0.05, "denoised": 1 / 30}),
        ("jpeg", {}, {"small": 1 / 30, "large": 1 / 30}),
        ("jpeg", {"jitter": 0.01}, {"small": 0.01, "large": 0.01}),
    ],
)
def test_the_jitter_is_the_configured_one(name, changes, expected, monkeypatch, tmp_path):
    cases, _ = rehearse(name, monkeypatch, tmp_path, **changes)
    used = {case.name: case.settings.jitter for case in cases}
    assert used | expected == used


def test_the_articles_network_has_the_articles_jitter_everywhere(monkeypatch, tmp_path):
    for name, profiles in PROFILES.items():
        if name != "architecture":
            assert profiles["article"].network == "article"
            assert profiles["article"].settings().uniform
    changes = {"network": "article", "holes": ("sample",)}
    (case,), _ = rehearse("inpaint", monkeypatch, tmp_path, **changes)
    assert isinstance(case.network(), PriorNet)
    assert case.settings.uniform


def test_unknown_networks_and_holes_are_refused():
    with pytest.raises(ValueError, match="no network 'papper'; there are paper, slim, article"):
        prior("papper", width=8)
    with pytest.raises(ValueError, match="no hole 'hat'; there are text, region, random, sample"):
        chosen_holes(["text", "hat"])


def test_slim_is_the_paper_with_thinner_large_maps():
    thin, paper = (prior(name, width=16)() for name in ("slim", "paper"))
    widths = [[level[1][0].out_channels for level in n.down] for n in (thin, paper)]
    assert widths == [[2, 4, 8, 16, 16], [16] * 5]


def test_holes_are_what_they_are_called(outside_image):
    config = InpaintConfig(1, shrink=8, width=8)
    for name in ("dip/vase.png", "dip/vase_mask.png"):
        outside_image(name)
    region, sample = (hole.case(config) for hole in chosen_holes(["region", "sample"]))
    assert region.truth is None
    assert region.draw((4, 6)).shape == (1, 2, 4, 6)
    assert not any(region.network().has_skip)
    assert torch.equal(sample.truth, sample.task.observed)
    assert all(sample.network().has_skip)
    assert sample.network().upsampling == "nearest"
    assert 0.05 < 1 - sample.task.mask.mean() < 0.4
    random = chosen_holes(["random"])[0]
    more = dataclasses.replace(config, missing=0.9)
    assert random.mask((50, 50), more).mean().item() == pytest.approx(0.1, abs=0.03)


def test_a_fit_outlives_a_step_without_numbers(photograph):
    config = PROFILES["denoise"]["smoke"]
    truth = photograph
    case = Case(
        "a", Denoising(noisy(truth, sigma=25)), prior("paper", width=8), truth, config.settings()
    )
    recipe = FitRecipe(case, config, make_fabric(precision="32-true"))
    losses = [recipe.step(0, torch.Generator())["loss"]]
    with torch.no_grad():
        recipe.modules["network"].colours.bias.fill_(math.nan)
    torn = recipe.step(1, torch.Generator())
    assert torn["went_back"] == 1
    assert torn["loss"] == losses[0]
    for step in range(2, 5):
        assert recipe.step(step, torch.Generator())["loss"].isfinite()
    assert math.isfinite(recipe.stopping.variance)


@pytest.mark.parametrize("name", PROFILES)
def test_published_records_are_the_profile_book(name):
    record = ledger.read(f"deep_image_prior/{name}")
    book = PROFILES[name]["book"]
    told = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(book).items()}
    assert record.config == told
    assert list(record.config) == list(told)
    assert record.changes == {}
    assert record.steps == record.steps_planned == book.steps
    assert record.profile == "book"


STILLS = [
    (
        "denoise",
        "seed0_truth",
        {
            "seed0_damaged": ("seed0", "damaged_psnr"),
            "non_local_means": ("non-local means", "psnr"),
            "total_variation": ("total variation", "psnr"),
        },
    ),
    (
        "noise_levels",
        "sigma10_truth",
        {f"sigma{sigma}_damaged": (f"sigma{sigma}", "damaged_psnr") for sigma in (10, 25, 50, 100)},
    ),
    ("jpeg", "large_truth", {"large_damaged": ("large", "damaged_psnr")}),
    (
        "guided",
        "flash_truth",
        {
            "flash_damaged": ("flash", "damaged_psnr"),
            "non_local_means": ("non-local means", "psnr"),
        },
    ),
    *(
        ("super_resolution", f"{name}_truth", {f"{name}_bicubic": (f"bicubic, {name}", "psnr")})
        for name in ("x4", "x8", "butterfly")
    ),
]
"""Record, its true picture, and pictures beside it whose PSNR it holds."""


@pytest.mark.parametrize(("name", "true", "others"), STILLS)
def test_pictures_that_no_fit_made_score_what_was_measured(name, true, others):
    record = reading.records()[name]
    truth = read_image(record.artefact(f"{true}.webp"))
    for still, where in others.items():
        shown = decibels(read_image(record.artefact(f"{still}.webp")), truth)
        # Rounding to 8 bits is all that a file takes away.
        assert shown == pytest.approx(record.metric(*where), abs=2e-3), still


def test_what_was_smaller_is_said_in_words():
    record = reading.records()["inpaint"]
    assert reading.differences(record) == {
        "shrink": 2,
        "width": 64,
        "patience": 300,
        "holes": ["text", "region", "random"],
    }
    assert reading.in_words(record) == (
        "5,000 steps, shrink 2, width 64, patience 300, holes text/region/random"
    )
    short = reading.records()["architecture"]
    assert reading.differences(short)["steps"] == 600
    assert reading.in_words(short).startswith("600 steps, shrink 4")


def test_curves_are_read_from_a_first_step_on():
    record = reading.records()["seeds"]
    steps, values = reading.curve(record, "seed1", "psnr", first=50)
    assert steps[0] == 50
    whole = record.curves["seed1: psnr"]
    assert values == whole["value"][-len(values) :]
    together, rows = reading.over_seeds(record, "psnr", first=50)
    assert together == steps
    assert rows[1] == values
    assert len(rows) == 5


def test_what_is_missing_is_in_units_of_the_targets_contrast():
    record = reading.records()["fitting_speed"]
    steps, shares = reading.missing(record, "noise")
    assert len(steps) == len(shares)
    # The first output is a grey veil: all of the contrast, and some offset, are missing.
    assert shares[0] == pytest.approx(1, abs=0.3)


def test_every_claim_has_an_answer():
    assert len(reading.CLAIMS) == 6
    for claim in reading.CLAIMS:
        assert re.search(r"\d\.\d\d dB|step \d+", claim.measured(ledger.read))


def test_a_stopped_experiment_goes_on_exactly(tmp_path):
    experiment = EXPERIMENTS["deep_image_prior/denoise"]
    changes = {"picture": "chelsea", "shrink": "12"}
    options = {"changes": changes, "precision": "32-true"}
    whole = execute(experiment, "smoke", steps=6, folder=tmp_path / "whole", **options)
    execute(experiment, "smoke", steps=3, folder=tmp_path / "parts", **options)
    parts = execute(experiment, "smoke", steps=6, folder=tmp_path / "parts", **options)
    for name in ("seed0_000006.webp", "seed0_average.webp", "seed0_stopped.webp"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name
