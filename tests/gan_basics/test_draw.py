"""The plane as an SVG: colours, dots, arrows and size."""

import base64
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import torch
from PIL import Image

from tutorial_lib.gan_basics import ring
from tutorial_lib.gan_basics.draw import draw_view
from tutorial_lib.gan_basics.show import gallery, view_picture


def test_ground_is_orange_for_fake_and_blue_for_real(view):
    share = torch.linspace(0, 1, 48).expand(48, 48)
    svg = draw_view(replace(view, learned=share), ring(), optimal=False)
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
    svg = draw_view(replace(view, samples=points), ring(), layers=["generated"], optimal=False)
    (path,) = re.findall(r"id='g' d='m([^']+)'", svg)
    moves = torch.tensor(
        [[int(n) for n in pair] for pair in re.findall(r"([+-]\d+)([+-]\d+)", path)]
    )
    # 400 units for 3.2 of the plane, rows from the top; what is outside is left out.
    assert sorted(moves.cumsum(0).tolist()) == [[100, 150], [200, 200], [400, 0]]


def test_arrows_point_where_the_loss_pulls(view):
    still = torch.zeros(5, 2)
    up = torch.tensor([[0.0, 3.0]])
    seen = replace(view, samples=still, arrows=torch.cat([up, still[1:]]))
    svg = draw_view(seen, ring(), layers=["pull"], optimal=False)
    assert re.findall(r"M200 200l(-?\d+)([+-]\d+)", svg) == [("0", "-20")]


def test_a_picture_is_valid_and_small(view):
    before = view.samples - 0.1
    svg = draw_view(
        view, ring(), layers=["ground", "real", "generated", "pull", "net"], before=before
    )
    assert ET.fromstring(svg).attrib["viewBox"] == "0 0 810 400"
    assert '"' not in svg
    picture = view_picture(view, ring(), alt="a game")
    assert len(picture.html) < 9000
    assert 'alt="a game"' in picture.html
    assert gallery({"one & two": picture}, alt="games").html.count("one &amp; two") == 1


def test_a_layer_that_is_not_there_is_refused(view):
    with pytest.raises(ValueError, match="no layer grund; there are: ground"):
        draw_view(view, ring(), layers=["grund"])
