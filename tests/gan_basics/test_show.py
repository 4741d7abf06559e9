"""The chapter's pictures and sliders: what stands at which position."""

import base64
from dataclasses import replace

import pytest

from tutorial_lib import ledger
from tutorial_lib.gan_basics import ring
from tutorial_lib.gan_basics.faces_training import wall_name
from tutorial_lib.gan_basics.show import artists, knobs_slider, round_slider, wall_slider
from tutorial_lib.gan_basics.show.recordings import view_picture
from tutorial_lib.gan_basics.stored import recorded_views


def test_a_round_is_shown_move_by_move(view):
    after = replace(view, samples=view.samples + 0.1)
    shown = round_slider(view, view, after, ring())
    assert [label[0] for label in shown.labels] == list("12345")
    assert shown.shape == (5,)


def test_each_position_of_the_knobs_shows_its_game():
    record = ledger.read("gan_basics/sliders_ring")
    shown = knobs_slider(record)
    assert shown.shape == (3, 2, 3, 3)
    views = recorded_views(record, 300)
    # Loss, steps of D, rate of D, rate of G: the last runs fastest.
    at = {
        0: "non-saturating, 1 : 1, D 0.0001, G 0.0001",
        5: "non-saturating, 1 : 1, D 0.001, G 0.01",
    }
    for index, game in (at | {53: "wasserstein, 5 : 1, D 0.01, G 0.01"}).items():
        label = shown.labels[index]
        assert label.startswith(f"{game}: ")
        picture = view_picture(views[game], ring(), alt=label)
        assert picture.html in shown.html


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
