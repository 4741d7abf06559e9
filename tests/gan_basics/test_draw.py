"""The plane as an SVG: colours, dots, arrows and size."""

import base64
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from urllib.parse import unquote

import pytest
import torch
from PIL import Image

from tutorial_lib.gan_basics import ring
from tutorial_lib.gan_basics.draw import draw_net, draw_pair, draw_view
from tutorial_lib.gan_basics.show import gallery
from tutorial_lib.gan_basics.show.recordings import pair_picture, view_picture


def test_ground_is_orange_for_fake_and_blue_for_real(view):
    share = torch.linspace(0, 1, 48).expand(48, 48)
    svg = draw_view(replace(view, learned=share), ring())
    (data,) = re.findall(r"data:image/png;base64,([^']+)'", svg)
    ground = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    assert ground.size == (48, 48)
    red, _, blue = ground.getpixel((0, 10))
    assert red > blue
    red, _, blue = ground.getpixel((47, 10))
    assert blue > red
    assert min(ground.getpixel((24, 10))) > 230


def test_dots_lie_where_the_samples_are(view):
    points = torch.tensor([[0.0, 0.0], [1.6, 1.6], [-0.8, 0.4], [5.0, 0.0]])
    svg = draw_view(replace(view, samples=points), ring(), layers=["generated"])
    (path,) = re.findall(r"id='g' d='m([^']+)'", svg)
    moves = torch.tensor(
        [[int(n) for n in pair] for pair in re.findall(r"([+-]\d+)([+-]\d+)", path)]
    )
    # 400 units for 3.2 of the plane, rows from the top; what is outside is left out.
    assert sorted(moves.cumsum(0).tolist()) == [[100, 150], [200, 200], [400, 0]]


def arrows_of(svg):
    """Start, tip and both barbs' ends of every arrow, in units of the square."""
    found = re.findall(
        r"M(-?\d+) (-?\d+)l(-?\d+)([+-]\d+)m(-?\d+)([+-]\d+)"
        r"L(-?\d+) (-?\d+)l(-?\d+)([+-]\d+)",
        svg,
    )
    for x, y, dx, dy, ax, ay, tx, ty, bx, by in (map(int, numbers) for numbers in found):
        assert (tx, ty) == (x + dx, y + dy)
        yield (x, y), (tx, ty), (tx + ax, ty + ay), (tx + bx, ty + by)


def test_arrows_point_where_the_loss_pulls_and_each_has_a_head(view):
    points = torch.tensor([[0.0, 0.0], [0.8, 0.0], [0.0, -0.8], [-0.8, 0.0], [1.0, 1.0]])
    pulls = torch.tensor([[0.0, 3.0], [3.0, 0.0], [-2.0, -2.0], [0.0, 900.0], [0.0, 0.0]])
    seen = replace(view, samples=points, arrows=pulls)
    drawn = list(arrows_of(draw_view(seen, ring(), layers=["pull"])))
    assert len(drawn) == 4, "an arrow without a pull is none"
    for (start, tip, *barbs), point, pull in zip(drawn, points, pulls, strict=False):
        x, y = point.tolist()
        assert start == (round((x + 1.6) * 125), round((1.6 - y) * 125))
        # Rows go down, and the longest arrow is a seventh of the square.
        length = min(pull.norm().item() * 400 / 60, 400 / 7)
        across, up = (pull / pull.norm()).tolist()
        assert tip == pytest.approx((start[0] + across * length, start[1] - up * length), abs=1)
        for barb in barbs:
            back = (tip[0] - barb[0]) * across - (tip[1] - barb[1]) * up
            assert back == pytest.approx(7, abs=1.5), "a barb leads back from the tip"
        assert barbs[0] != barbs[1]


def test_the_best_ds_ground_fades_where_there_is_nothing(view):
    present = torch.zeros(48, 48)
    present[:, :16], present[:, 16:32] = 1.0, 0.03
    sure = torch.ones(48, 48)
    svg = draw_view(replace(view, optimal=sure, present=present), ring(), best=True)
    (data,) = re.findall(r"data:image/png;base64,([^']+)'", svg)
    ground = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    full, half, none = (ground.getpixel((column, 24)) for column in (5, 24, 40))
    assert full == (112, 176, 226)
    assert none == (222, 222, 222), "grey, and no colour of D's"
    assert full[0] < half[0] < none[0]
    learned = draw_view(replace(view, learned=sure, present=present), ring())
    (data,) = re.findall(r"data:image/png;base64,([^']+)'", learned)
    ground = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    assert ground.getpixel((40, 24)) == full, "what D says, it says everywhere"


def test_a_pair_shows_the_learned_and_the_best_and_folds(view):
    html = draw_pair(view, ring(), alt="a game")
    learned, best = (unquote(data) for data in re.findall(r"svg\+xml,([^\"]+)", html))
    assert learned == draw_view(view, ring(), title="learned D")
    assert best == draw_view(view, ring(), best=True, title="best D")
    # Two do not fit into the 350 pixels of a phone's column: they stand one below the other.
    assert html.count("flex:1 1 250px") == 2
    assert "flex-wrap:wrap" in html


def test_the_net_is_filled_by_how_dense_the_noise_lies(view):
    line = torch.tensor([-1.0, 0.0, 0.1, 1.1])
    mesh = torch.stack(torch.meshgrid(line, line, indexing="ij"), dim=-1)
    weight = torch.full((3, 3), 1 / 9)
    svg = draw_net(mesh, ring(), weight=weight)
    ET.fromstring(svg)
    cells = re.findall(r"<path d='([^']+)' fill='rgb\(170,40,0\)' fill-opacity='\.(\d)'", svg)
    strength = {corner: int(shown) for path, shown in cells for corner in path.split("M")[1:]}
    assert len(strength) == 9
    smallest = next(shown for corners, shown in strength.items() if corners.startswith("200 200L"))
    assert smallest == max(strength.values())
    assert list(strength.values()).count(smallest) == 1
    assert "fill-opacity" not in draw_net(mesh, ring())


def test_a_picture_is_valid_and_small(view):
    before = view.samples - 0.1
    svg = draw_view(
        view, ring(), layers=["ground", "real", "generated", "pull", "net"], before=before
    )
    assert ET.fromstring(svg).attrib["viewBox"] == "0 0 400 400"
    assert '"' not in svg
    picture = view_picture(view, ring(), alt="a game")
    assert len(picture.html) < 9000
    assert len(pair_picture(view, ring(), alt="a game").html) < 14_000
    assert 'alt="a game"' in picture.html
    assert gallery({"one & two": picture}, alt="games").html.count("one &amp; two") == 1


def test_a_layer_that_is_not_there_is_refused(view):
    with pytest.raises(ValueError, match="no layer grund; there are: ground"):
        draw_view(view, ring(), layers=["grund"])
