"""Numbers of several seeds: their names in a record, and what is read from there."""

import math
from dataclasses import replace

import pytest

from tutorial_lib import ledger
from tutorial_lib.gan_basics.experiments import EXPERIMENTS
from tutorial_lib.gan_basics.optimum_training import IN_THE_GAME
from tutorial_lib.gan_basics.plane import DISTRIBUTIONS
from tutorial_lib.gan_basics.plane_training import time_spread
from tutorial_lib.gan_basics.seeds import (
    curve_name,
    curve_names,
    in_words,
    over_seeds,
    seed_curves,
)
from tutorial_lib.gan_basics.stored import recorded_steps

THEORY = ("divergence", "coin", "gap", "value")


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
    seeds, expected = record.config.get("seeds", 0), list[str]()
    if "games" in record.config:
        detailed = record.config["detailed"]
        for game in [game["name"] for game in record.config["games"]]:
            for loss in players:
                expected += curve_names(loss, game=game, seeds=seeds if detailed else 1)
            for measure in ("modes", "quality", *(THEORY if detailed else ())):
                expected += curve_names(measure, game=game, seeds=seeds)
    elif "judges" in record.config:
        for judge in [judge["name"] for judge in record.config["judges"]]:
            expected += curve_names("discriminator loss", game=judge, seeds=1)
            for measure in ("gap", "value"):
                expected += curve_names(measure, game=judge, seeds=seeds)
    elif "distributions" in record.config:
        for game in record.config["distributions"]:
            expected += [curve_name(name, game=game) for name in (*players, "modes", "quality")]
            expected += [curve_name(name, game=game) for name in THEORY]
    elif "judged" in record.config and "size" not in record.config:
        assert record.curves == {}
    else:
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
    assert recorded_steps(ring_record) == [0, 100, 400, 1000, 2000, 3000]
    assert recorded_steps(ledger.read("gan_basics/collapse")) == [0, 100, 400, 800]
    assert recorded_steps(ledger.read("gan_basics/sliders_ring")) == [300]


@pytest.mark.parametrize("name", ["ring", "spiral", "moons", "smile"])
def test_in_no_record_is_v_above_its_bound(name):
    record = ledger.read(f"gan_basics/{name}")
    for game in ("non-saturating", "saturating"):
        _, values = seed_curves(record, "value", game)
        _, divergences = seed_curves(record, "divergence", game)
        assert len(values) == 5
        for reached, divergence in zip(values, divergences, strict=True):
            for v, jsd in zip(reached, divergence, strict=True):
                assert v <= 2 * jsd - math.log(4) + 1e-3


@pytest.mark.parametrize("name", ["ring", "spiral", "moons", "smile"])
def test_what_the_page_says_of_d_in_the_game(name):
    """Nearly white: D is a little nearer to the best answer than a coin, and V near −log 4."""
    record = ledger.read(f"gan_basics/{name}")
    for game in ("non-saturating", "saturating"):
        gap, coin = (record.metric(game, measure, "median") for measure in ("gap", "coin"))
        assert 0.8 * coin < gap < 1.05 * coin
        assert record.metric(game, "value", "median") < -1.2


def test_what_the_page_says_of_d_at_rest():
    record = ledger.read("gan_basics/optimum")
    own, larger = (judge["name"] for judge in record.config["judges"])
    for key in ("median", "highest"):
        coin = record.metric(IN_THE_GAME, "coin", key)
        assert record.metric(larger, "gap", key) < record.metric(own, "gap", key) < 0.5 * coin
    assert record.metric(IN_THE_GAME, "gap", "median") > 0.7 * record.metric(
        IN_THE_GAME, "coin", "median"
    )


def test_what_the_page_says_of_the_remedies():
    record = ledger.read("gan_basics/collapse")

    def modes(game, key):
        return record.metric(game, "modes", key)

    _, wandering = seed_curves(record, "modes", "G ten times faster")
    assert max(map(max, wandering)) == 2
    assert all(min(seed[1:]) == 0 for seed in wandering), "it never settles"
    for game in ("critic", "R1", "spectral norm"):
        assert modes(game, "highest") <= 2
    assert modes("D moves five times", "lowest") >= 6
    assert modes("equal rates", "lowest") <= 2
    assert modes("equal rates", "highest") == 8
    assert modes("equal rates + R1", "lowest") == 8
    assert modes("equal rates + D moves five times", "lowest") == 8
    assert modes("equal rates + critic", "highest") <= 1
    critic, r1 = (f"D moves five times + {name}" for name in ("critic", "R1"))
    assert modes(critic, "median") == modes(r1, "median") == 8
    ranges = [[record.metric(game, "quality", key) for key in ("lowest", "highest")]
              for game in (critic, r1)]  # fmt: skip
    assert ranges[0][0] < ranges[1][1]
    assert ranges[1][0] < ranges[0][1]
    assert ledger.read("gan_basics/ring").metric("non-saturating", "modes", "lowest") == 8


def test_what_the_page_says_of_a_sure_discriminator():
    record = ledger.read("gan_basics/sure")
    sure, *held = (game["name"] for game in record.config["games"])
    _, modes = seed_curves(record, "modes", sure)
    stays = [max(seed) <= 5 for seed in modes]
    assert sum(stays) == 4
    assert record.metric(sure, "modes", "highest") < 8
    assert record.metric(sure, "modes", "lowest") == 2
    for game in held:
        assert record.metric(game, "modes", "median") == 8
        assert record.metric(game, "modes", "lowest") >= 6
        assert record.metric(game, "quality", "median") < record.metric(sure, "quality", "median")
    # Of all games of the page it is the nearest to D*.
    nearest = record.metric(sure, "gap", "median")
    for name, games in (
        ("sure", held),
        ("collapse", [game["name"] for game in ledger.read("gan_basics/collapse").config["games"]]),
        *((data, ["non-saturating", "saturating"]) for data in DISTRIBUTIONS),
    ):
        other = ledger.read(f"gan_basics/{name}")
        for game in games:
            if "gap" in other.metrics[game]:
                assert other.metric(game, "gap", "median") > nearest


@pytest.mark.parametrize("name", ["ring", "smile"])
def test_what_the_page_says_of_the_folklore(name):
    record = ledger.read(f"gan_basics/{name}")
    eager, lazy = (sorted(time_spread(record, game)) for game in ("non-saturating", "saturating"))
    assert lazy[0] > eager[2], "the worst seed of one is better than the middle one of the other"
    assert eager[0] < 0.45


@pytest.mark.parametrize("name", ["moons", "spiral"])
def test_on_the_curves_seeds_differ_as_much_as_losses(name):
    record = ledger.read(f"gan_basics/{name}")
    eager, lazy = (time_spread(record, game) for game in ("non-saturating", "saturating"))
    assert min(lazy) < max(eager)
    assert min(eager) < max(lazy)


def test_what_the_page_says_of_copies():
    record = ledger.read("gan_basics/copies")
    expected, error = (record.metric("expected", key) for key in ("share", "standard error"))
    share = {
        kind: record.metric(kind, "nearer to training") for kind in ("generated", "test", "copies")
    }
    assert share["copies"] == 1
    for kind in ("generated", "test"):
        assert abs(share[kind] - expected) < 2 * error
    # Were a tenth copies, the share would be higher by a tenth of what is missing to 1.
    assert expected + 0.11 * (1 - expected) > share["generated"] + 1.9 * error
    middle = {kind: record.metric(kind, "distance, 50%") for kind in share}
    assert middle["test"] < middle["copies"] < middle["generated"]
    assert "gan_basics/faces32" in record.start
