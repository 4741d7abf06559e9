import re

import pytest
import torch

from tutorial_lib import perception_distortion as pd
from tutorial_lib.perception_distortion import reading, show


@pytest.fixture(scope="module")
def records():
    found = reading.available(reading.TITLES)
    if not reading.TITLES.keys() <= found.keys():
        pytest.skip("not all points are recorded")
    return found


def test_scalar_bound_widens_to_the_right_spread():
    slider = show.scalar_bound(pd.scalar_world(noise=1.0), count=4_000)
    spreads = [float(re.match(r"spread ([\d.]+)", label)[1]) for label in slider.labels]
    assert spreads == sorted(spreads)
    assert spreads[0] == pytest.approx(0.5**0.5, abs=0.03)
    assert spreads[-1] == pytest.approx(1, abs=0.03)


def test_cloud_bound_costs_more_the_more_natural():
    slider = show.cloud_bound(pd.texture_world(32, blur=1.8, noise=0.15))
    bound = [float(label.rsplit(" ", 1)[1]) for label in slider.labels]
    assert len(bound) == 7
    assert bound == sorted(bound)


def test_level_bound_ends_where_the_judge_can_only_guess():
    joint, cost = pd.ink_world()
    least = pd.least_cost(joint, cost)
    curve = [pd.best_perception(joint, cost, distortion=k * least) for k in (1, 1.1, 1.3, 1.4)]
    slider = show.level_bound(joint.sum(axis=1), curve, stops=(0, 1))
    assert len(slider.labels) == 3
    assert slider.labels[0].startswith("error 1.00 of the least")
    assert "right 50 % of the time" in slider.labels[-1]


def test_plane_names_what_lies_on_the_envelope(records):
    drawn = show.plane(records, "bsd100", title="BSD100")
    points = {
        name: (place["mse"][0], place["niqe"][0])
        for name in records
        if name != "photographs" and (place := reading.place(records[name], "bsd100"))
    }
    names = list(points)
    on = [reading.TITLES[names[k]] for k in pd.lower_envelope(list(points.values()))]
    assert drawn.alt.endswith(f"from left to right: {', '.join(on)}.")


def test_squares_and_pages_are_labelled_with_what_was_measured(records):
    few = {name: records[name] for name in ("bicubic", "photographs")}
    columns = {reading.TITLES[name]: record for name, record in few.items()}
    columns |= {"third": few["bicubic"], "fourth": few["bicubic"]}
    squares = show.square_grid(columns)
    assert squares.labels[0].startswith("bicubic: RMSE ")
    assert squares.labels[1].startswith("photographs: RMSE 0.0, NIQE ")
    assert len(squares.labels) == 4 * len(show.SQUARES)
    pages = show.page_slider(few)
    share = 100 * few["bicubic"].metric("page", "read")
    assert pages.labels[0].startswith(f"bicubic: {share:.0f} % of letters read")
    assert pages.labels[1].startswith("photographs: 100 % of letters read, page's RMSE 0.0")


def test_bars_and_curves_have_their_text(records):
    deviations = {"a": torch.linspace(-1, 1, 36), "b": torch.zeros(36)}
    assert show.feature_bars(deviations, alt="Bars.").alt == "Bars."
    sweep = {c: records[f"adv_{c}"] for c in reading.COEFFICIENTS}
    for bicubic in (records["bicubic"], None):
        assert "letters" in show.reading_curves(sweep, bicubic=bicubic).alt
