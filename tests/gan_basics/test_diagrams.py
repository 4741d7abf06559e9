"""Pictures of the theory: their numbers and what the page says of them."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tutorial_lib.gan_basics import dirac_orbit
from tutorial_lib.gan_basics.show import diagrams
from tutorial_lib.show.style import LINES

PAGE = Path(__file__).resolve().parents[2] / "notebooks" / "gan_basics.ipynb"


def cell(name):
    cells = json.loads(PAGE.read_text())["cells"]
    return next("".join(found["source"]) for found in cells if found["id"] == name)


def test_the_diagram_is_a_picture_with_a_text():
    picture = diagrams.game_diagram()
    assert picture.alt.startswith("Noise goes through G")
    assert "<img" in picture.html


def test_bell_curves_drift_from_log_four_to_log_two():
    shown = diagrams.distance_slider((0, 1, 7))
    assert shown.labels[0] == ("distance 0: V(D*, G) = -1.386, JSD = 0.000 of at most 0.693")
    assert shown.labels[-1] == "distance 7: V(D*, G) = -0.001, JSD = 0.692 of at most 0.693"


def test_the_slider_reaches_where_the_divergence_hardly_changes():
    shown = diagrams.distance_slider(range(8))
    told = [float(label.partition("JSD = ")[2].split()[0]) for label in shown.labels]
    assert told == sorted(told)
    assert told[3] - told[2] > 0.1
    assert all(b - a < 0.02 for a, b in pairwise(told[5:]))
    assert "distance_slider(range(8))" in cell("gan-05")


def test_lines_are_called_what_they_are(monkeypatch):
    """The page calls q dashed and the best D dash-dotted."""
    asked = []
    kept = diagrams.curves
    monkeypatch.setattr(diagrams, "curves", lambda s, **k: asked.append(list(s)) or kept(s, **k))
    diagrams.distance_slider((0, 1, 2))
    lines = dict(zip(asked[0], LINES, strict=False))
    words = {"--": "dashed", "-.": "dash-dotted", "-": "solid"}
    text = cell("gan-04")
    assert f"generator (orange, {words[lines['generator q']]})" in text
    assert f"Watch the {words[lines['best D']]} line, $D^*$" in text
    assert "Two bumps of unit width" in cell("gan-56")
    assert diagrams.distance_slider.__kwdefaults__["width"] == 1.0


@pytest.mark.parametrize("name", diagrams.DIRAC_ORBITS)
def test_orbits_of_the_smallest_gan_end_where_the_page_says(name):
    shown = diagrams.dirac_slider()
    at = list(diagrams.DIRAC_ORBITS).index(name)
    orbit = dirac_orbit(
        torch.tensor([1.0, 0.0]),
        rate=diagrams.DIRAC_RATE,
        steps=diagrams.DIRAC_ROUNDS,
        **diagrams.DIRAC_ORBITS[name],
    )
    first, last = orbit.norm(dim=-1)[[0, -1]].tolist()
    assert f"{name}: from distance {first:.2f} to {last:.2f}" in shown.labels[at]
    outward = {"both at once": last > 1.5, "in turn": 0.9 < last < 1.1}
    assert outward.get(name, last < 0.1)


def test_the_slopes_picture_is_drawn():
    assert "dies where D is sure" in diagrams.slopes_picture().alt
