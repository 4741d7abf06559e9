import re

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.data import embedded, low_resolution
from tutorial_lib.dni import Denoiser, combine
from tutorial_lib.dni.claims import trained_places
from tutorial_lib.dni.denoisers import FILTERS
from tutorial_lib.dni.show import (
    MixPanel,
    along_sets,
    filter_rows,
    mixing,
    plane,
    stop_labels,
    tiles,
    triangle_board,
    triangle_places,
    triangle_slider,
    weights_at,
)
from tutorial_lib.dni.triangle import triangle
from tutorial_lib.srgan import Generator


@pytest.fixture(scope="module")
def path():
    return ledger.read("dni/path")


def test_labels_are_the_recorded_numbers(path):
    labels = stop_labels(path, "baboon")
    found = path.metrics["shown"]["baboon"]
    assert len(labels) == 11
    assert labels[3] == (
        f"α = 0.3: RMSE {found['interpolated rmse'][3]:.2f}, "
        f"NIQE {found['interpolated niqe'][3]:.2f}"
    )


def test_curves_of_both_ways_and_sets(path):
    curves = along_sets(path, "niqe")
    assert len(curves) == 4
    alphas, values = curves["BSD100, averaged pictures"]
    assert alphas == path.metrics["alphas"]
    assert values == path.metrics["bsd100"]["blended niqe"]


def test_diagram_and_plane_have_words(path):
    assert mixing().alt.startswith("Two diagrams.")
    walks = {"1e-3": ledger.read("dni/sweep"), "SRGAN": path}
    drawn = plane(walks, trained_places(ledger.read))
    assert "from SRResNet to 1e-3 and to SRGAN" in drawn.alt


def test_tiles_stretch_each_filter_by_itself():
    filters = torch.randn(16, 3, 2, 2) * torch.logspace(-3, 3, 16).view(16, 1, 1, 1)
    board = tiles(filters)
    assert board.shape == (1, 3, 2 * 24, 8 * 24)
    for k in range(16):
        top, left = 24 * (k // 8) + 3, 24 * (k % 8) + 3
        tile = board[0, :, top : top + 18, left : left + 18]
        assert (tile.min(), tile.max()) == (0, 1)
        one = filters[k]
        wanted = (one - one.min()) / (one.max() - one.min())
        torch.testing.assert_close(tile[:, ::9, ::9], wanted)


def test_rows_show_the_strongest_filters_of_the_first():
    torch.manual_seed(0)
    states = {name: Denoiser().state_dict() for name in ("first", "second")}
    shown = filter_rows(states, alt="Filters.")
    with torch.no_grad():
        weakest = states["first"][FILTERS].flatten(1).std(1).argmin()
        states["second"][FILTERS][weakest] = 9.0
    assert filter_rows(states, alt="Filters.").html == shown.html
    with torch.no_grad():
        states["first"][FILTERS][weakest] *= 100
    assert filter_rows(states, alt="Filters.").html != shown.html


@pytest.mark.parametrize("parts", [1, 2, 4, 5])
def test_the_sliders_reach_every_place_of_the_triangle(parts):
    points = triangle(parts)
    places = triangle_places(points, parts)
    assert {k for row in places for k in row} == set(range(len(points)))
    for down, row in enumerate(places):
        assert [points[k][0] for k in row] == [pytest.approx(1 - down / parts)] * (parts + 1)
        assert points[row[0]][2] == points[row[-1]][1] == 0


def test_the_recorded_triangle_is_laid_out():
    record = ledger.read("dni/triangle")
    assert "fifteen" in triangle_board(record).alt
    assert len(record.metrics["weights"]) == 15
    slider = triangle_slider(record)
    corners = [slider.labels[k] for k in (0, 20, 24)]
    for label, name in zip(corners, ("1 SRResNet", "1 φ2,2", "1 φ5,4"), strict=True):
        assert name in label


def test_weights_from_sliders():
    assert weights_at(0.25) == [0.25, 0.75]
    assert weights_at(1.0, 0.3) == [1, 0, 0]
    assert sum(weights_at(0.1, 0.2, 0.7)) == pytest.approx(1)


# ---------------------------------------------------------------------------------- live


def networks(count):
    for seed in range(count):
        torch.manual_seed(seed)
        yield Generator(channels=4, blocks=1).state_dict()


def test_a_hand_on_the_slider_moves_the_network_and_draws_its_picture():
    states = list(networks(2))
    panel = MixPanel(Generator(channels=4, blocks=1), states, descriptions=["α"])
    before = panel.picture.value
    assert "α = 0.50<" in before
    panel.sliders[0].value = 0.2
    wanted = combine(states, [0.2, 0.8])
    for key, value in panel.network.state_dict().items():
        torch.testing.assert_close(value, wanted[key])
    after = panel.picture.value
    assert re.search(r"α = 0\.20: moved in \d+\.\d ms, enlarged in \d+ ms", after)
    assert picture_in(after) != picture_in(before)


def test_among_three_and_of_another_photograph():
    states = list(networks(3))
    network = Generator(channels=4, blocks=1)
    panel = MixPanel(network, states, descriptions=["first", "second"], side=64)
    panel.sliders[0].value = 0.6
    panel.sliders[1].value = 0.5
    wanted = combine(states, [0.6, 0.2, 0.2])
    torch.testing.assert_close(panel.network.state_dict()["head.0.weight"], wanted["head.0.weight"])
    before = picture_in(panel.picture.value)
    panel.photograph.value = "coffee"
    coffee = picture_in(panel.picture.value)
    panel.place.value = 0
    assert len({before, coffee, picture_in(panel.picture.value)}) == 3
    torch.testing.assert_close(panel.low, low_resolution(embedded("coffee")[..., :64, :64]))


def test_a_panel_needs_a_slider_for_each_network_but_one():
    with pytest.raises(ValueError, match="3 networks, but 1 sliders"):
        MixPanel(Generator(channels=4, blocks=1), list(networks(3)), descriptions=["α"])


def picture_in(html):
    return re.search(r"base64,([^\"]+)", html)[1]
