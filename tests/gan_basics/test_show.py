"""The chapter's pictures and sliders: what stands at which position."""

import base64
from dataclasses import replace

import pytest

from tutorial_lib import ledger
from tutorial_lib.gan_basics import DISTRIBUTIONS, discriminator_gap, ring
from tutorial_lib.gan_basics.faces_training import wall_name
from tutorial_lib.gan_basics.plane_training import recorded_views
from tutorial_lib.gan_basics.show import (
    artists,
    distance_slider,
    game_diagram,
    knobs_slider,
    recordings_slider,
    remedies_slider,
    round_slider,
    view_picture,
    wall_slider,
)


def test_the_diagram_is_a_picture_with_a_text():
    picture = game_diagram()
    assert picture.alt.startswith("Noise goes through G")
    assert "<img" in picture.html


def test_bell_curves_drift_from_log_four_to_log_two():
    shown = distance_slider((0, 1, 7))
    assert shown.labels[0] == ("distance 0: V(D*, G) = -1.386, JSD = 0.000 of at most 0.693")
    assert shown.labels[-1] == "distance 7: V(D*, G) = 0.000, JSD = 0.693 of at most 0.693"


def test_a_round_is_shown_move_by_move(view):
    after = replace(view, samples=view.samples + 0.1)
    shown = round_slider(view, view, after, ring())
    assert [label[0] for label in shown.labels] == list("12345")
    assert shown.shape == (5,)


def test_each_position_of_the_recordings_shows_its_view():
    records = {name: ledger.read(f"gan_basics/{name}") for name in ("ring", "moons")}
    games = ["non-saturating", "saturating"]
    left_out = (50, 100, 200, 400, 700, 1000, 1500)
    shown = recordings_slider(records, games, without=left_out)
    assert shown.shape == (2, 2, 3)
    view = recorded_views(records["moons"], 3000)["saturating"]
    label = (
        f"moons, saturating, step 3000: JSD {view.divergence:.2f}, "
        f"gap |D − D*| {discriminator_gap(view, DISTRIBUTIONS['moons']()):.2f}"
    )
    assert shown.labels[-1] == label
    assert view_picture(view, DISTRIBUTIONS["moons"](), alt=label).html in shown.html


def test_each_position_of_the_knobs_shows_its_game():
    record = ledger.read("gan_basics/sliders_ring")
    shown = knobs_slider(record)
    assert shown.shape == (3, 2, 3, 3)
    views = recorded_views(record, 1000)
    # Loss, steps of D, rate of D, rate of G: the last runs fastest.
    at = {
        0: "non-saturating, 1 : 1, D 0.0001, G 0.0001",
        5: "non-saturating, 1 : 1, D 0.001, G 0.01",
    }
    for index, game in (at | {53: "wasserstein, 5 : 1, D 0.01, G 0.01"}).items():
        label = shown.labels[index]
        assert label.startswith(f"{game}: ")
        picture = view_picture(views[game], ring(), alt=label, optimal=False)
        assert picture.html in shown.html


def test_each_position_of_the_remedies_shows_its_game():
    record = ledger.read("gan_basics/collapse")
    shown = remedies_slider(record, without=(50, 700))
    assert shown.shape == (5, 7)
    label = "equal rates: step 1000"
    assert shown.labels[2 * 7 + 4] == label
    view = recorded_views(record, 1000)["equal rates"]
    assert view_picture(view, ring(), alt=label, optimal=False).html in shown.html


def test_walls_are_shown_as_they_were_stored():
    record = ledger.read("gan_basics/faces32")
    shown = wall_slider(record)
    kept = sorted(int(name[5:11]) for name in record.artefacts if name.startswith("wall_"))
    assert [label.partition(":")[0] for label in shown.labels] == [f"step {k}" for k in kept]
    assert (kept[0], kept[-1]) == (0, record.steps)
    for step in kept:
        stored = record.artefact(wall_name(step)).read_bytes()
        assert base64.b64encode(stored).decode() in shown.html


def test_every_artist_has_a_link():
    lines = artists().data.splitlines()
    assert len(lines) >= 6
    assert all("](http" in line for line in lines)


def test_a_picture_without_a_text_is_refused(view):
    with pytest.raises(ValueError, match="alt"):
        view_picture(view, ring(), alt=" ")
