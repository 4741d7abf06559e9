"""Numbers of several seeds: their names in a record, and what is read from there."""

from dataclasses import replace

import pytest

from tutorial_lib import ledger
from tutorial_lib.gan_basics.experiments import EXPERIMENTS
from tutorial_lib.gan_basics.plane_training import recorded_steps, time_spread
from tutorial_lib.gan_basics.seeds import (
    curve_name,
    curve_names,
    in_words,
    over_seeds,
    seed_curves,
)


@pytest.fixture(scope="module")
def ring_record():
    return ledger.read("gan_basics/ring")


def test_a_name_says_only_what_is_there():
    assert curve_name("modes") == "modes"
    assert curve_name("generator loss", game="a, b") == "generator loss, a, b"
    assert curve_name("kernel distance", seed=0) == "kernel distance, seed 0"
    assert curve_names("modes", game="a", seeds=2) == ["modes, a, seed 0", "modes, a, seed 1"]


@pytest.mark.parametrize("name", [experiment.name for experiment in EXPERIMENTS])
def test_every_curve_of_the_records_has_such_a_name(name):
    record = ledger.read(name)
    players = ("discriminator loss", "generator loss")
    seeds = record.config["seeds"]
    if "games" in record.config:
        games = [game["name"] for game in record.config["games"]]
        expected = [curve_name(loss, game=game) for game in games for loss in players]
        for measure in ("modes", "quality", "divergence"):
            for game in games:
                expected += curve_names(measure, game=game, seeds=seeds)
    else:
        expected = []
        for measure in (*players, "kernel distance"):
            expected += curve_names(measure, seeds=seeds)
    assert sorted(record.curves) == sorted(expected)


def test_curves_of_all_seeds_end_where_the_metrics_are(ring_record):
    steps, values = seed_curves(ring_record, "divergence", "saturating")
    assert steps[-1] == ring_record.steps
    assert len(values) == ring_record.config["seeds"]
    last = over_seeds([seed[-1] for seed in values])
    found = ring_record.metrics["saturating"]["divergence"]
    assert last == pytest.approx(found, abs=1e-5)


def test_words_give_a_range_only_where_there_is_one(ring_record):
    kept = {"modes": over_seeds([8, 8, 8]), "quality": over_seeds([0.5, 0.25, 0.75])}
    record = replace(ring_record, metrics={"a": kept})
    assert in_words(record, "a", "modes") == "8"
    assert in_words(record, "a", "quality") == "0.50 (0.25 to 0.75)"
    assert in_words(record, "a", "quality", percent=True) == "50% (25% to 75%)"


def test_time_spread_is_the_share_of_looks_with_enough_modes(ring_record):
    curves = {
        curve_name("modes", game="a", seed=0): {"step": [0, 1, 2, 3], "value": [0, 5, 6, 8]},
        curve_name("modes", game="a", seed=1): {"step": [0, 1, 2, 3], "value": [8, 8, 8, 8]},
    }
    config = {"distribution": "ring", "seeds": 2}
    record = replace(ring_record, curves=curves, config=config)
    assert time_spread(record, "a") == [0.5, 1.0]


def test_steps_are_those_whose_views_were_kept(ring_record):
    assert recorded_steps(ring_record) == [0, 50, 100, 200, 400, 700, 1000, 1500, 2000, 3000]
    assert recorded_steps(ledger.read("gan_basics/collapse"))[-1] == 2000
    assert recorded_steps(ledger.read("gan_basics/sliders_ring")) == [1000]
