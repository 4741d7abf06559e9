"""Sliders and curves over recorded games: what stands at which position."""

import math

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.gan_basics import DISTRIBUTIONS, NORMAL, ring
from tutorial_lib.gan_basics.draw import draw_net, svg_image
from tutorial_lib.gan_basics.seeds import seed_curves
from tutorial_lib.gan_basics.show import recordings as shown_by
from tutorial_lib.gan_basics.show.recordings import (
    bands_slider,
    manifold_slider,
    optimum_curves,
    optimum_slider,
    pair_picture,
    recorded_number,
    recordings_slider,
    remedies_slider,
    theory_curves,
    view_picture,
)
from tutorial_lib.gan_basics.stored import recorded_views

GAMES = ["non-saturating", "saturating"]


@pytest.fixture(scope="module")
def records():
    return {name: ledger.read(f"gan_basics/{name}") for name in ("ring", "moons")}


@pytest.fixture
def drawn(monkeypatch):
    """What `curves` is given, in place of a picture."""
    found = {}

    def keep(series, **more):
        found.update(more, series=series)
        return "picture"

    monkeypatch.setattr(shown_by, "curves", keep)
    return found


def test_each_position_of_the_recordings_shows_its_view(records):
    shown = recordings_slider(records, GAMES)
    assert shown.shape == (2, 2, 4), "the steps that both have kept"
    view = recorded_views(records["moons"], 1000)["saturating"]
    jsd, gap, coin = (
        recorded_number(records["moons"], measure, "saturating", 1000)
        for measure in ("divergence", "gap", "coin")
    )
    label = (
        f"moons, saturating, step 1000: JSD {jsd:.2f}; from D* D is {gap:.2f} away, "
        f"a coin {coin:.2f}"
    )
    assert shown.labels[-1] == label
    assert pair_picture(view, DISTRIBUTIONS["moons"](), alt=label).html in shown.html
    assert shown.descriptions[:2] == ("data", "loss")


def test_a_recorded_number_is_the_first_seeds_at_its_step(records):
    ring_ = records["ring"]
    curve = ring_.curves["gap, saturating, seed 0"]
    at = curve["step"].index(400)
    assert recorded_number(ring_, "gap", "saturating", 400) == curve["value"][at]


def test_each_position_of_the_remedies_shows_its_game():
    record = ledger.read("gan_basics/collapse")
    shown = remedies_slider(record)
    assert shown.shape == (13, 3)
    game = record.config["games"][7]["name"]
    assert shown.labels[7 * 3 + 1].startswith(f"{game}, step 400: ")
    view = recorded_views(record, 400)[game]
    assert view_picture(view, ring(), alt=shown.labels[7 * 3 + 1]).html in shown.html


def test_v_is_drawn_below_its_bound(records, drawn):
    theory_curves(records["ring"], "saturating", title="ring")
    steps, values = drawn["series"]["V(D, G)"]
    assert (steps, values) == seed_curves(records["ring"], "value", "saturating")
    best = torch.tensor(drawn["series"]["2 JSD − log 4"][1])
    jsd = torch.tensor(seed_curves(records["ring"], "divergence", "saturating")[1])
    torch.testing.assert_close(best, 2 * jsd - math.log(4))
    assert (torch.tensor(values) <= best + 1e-3).all()
    assert list(drawn["references"].values()) == [-math.log(4)]


def test_gaps_at_rest_are_drawn_beside_a_coins(drawn):
    record = ledger.read("gan_basics/optimum")
    optimum_curves(record)
    judges = [judge["name"] for judge in record.config["judges"]]
    assert list(drawn["series"]) == judges
    assert drawn["series"][judges[0]] == seed_curves(record, "gap", judges[0])
    measured = record.metrics["as the game left it"]
    assert list(drawn["references"].values()) == [
        measured["coin"]["median"],
        measured["gap"]["median"],
    ]


def test_each_position_of_the_optimum_shows_its_judge():
    record = ledger.read("gan_basics/optimum")
    shown = optimum_slider(record)
    judges = [judge["name"] for judge in record.config["judges"]]
    steps = [0, 30, 100, 300, 1000, 2000]
    assert shown.shape == (2, len(steps))
    gap = recorded_number(record, "gap", judges[1], 300)
    assert shown.labels[6 + 3] == f"{judges[1]}, step 300: mean of |D − D*| {gap:.2f}"
    view = recorded_views(record, 300)[judges[1]]
    assert pair_picture(view, ring(), alt=shown.labels[9]).html in shown.html


def test_the_net_goes_from_the_noise_to_the_samples(records):
    shown = manifold_slider(records, "saturating")
    assert shown.shape == (2, 5)
    end = recorded_views(records["moons"], 1000)["saturating"].mesh
    start = NORMAL.net(15).view(15, 15, 2)
    cuts = torch.special.ndtr(torch.linspace(-1.96, 1.96, 15)).diff()
    assert cuts.sum() == pytest.approx(0.95, abs=1e-3)
    for at, mesh, words in (
        (5, start, "moons: the noise z"),
        (7, (start + end) / 2, "moons: 50% of the way from z to x"),
        (9, end, "moons: where G puts it, x = G(z)"),
    ):
        assert shown.labels[at] == words
        svg = draw_net(mesh, DISTRIBUTIONS["moons"](), weight=cuts[:, None] * cuts)
        assert svg_image(svg, alt=words) in shown.html


def test_each_frame_of_the_bands_has_its_games(monkeypatch):
    asked = []
    kept = shown_by.band
    monkeypatch.setattr(shown_by, "band", lambda *a, **k: asked.append(a) or kept(*a, **k))
    record = ledger.read("gan_basics/sure")
    names = [game["name"] for game in record.config["games"]]
    shown = bands_slider(record, {"a": names[:2], "b": names[2:]}, description="which")
    assert shown.labels == ("a", "b")
    assert [(measure, games) for _, measure, games in asked] == [
        ("modes", names[:2]),
        ("modes", names[2:]),
    ]
