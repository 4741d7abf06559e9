"""Curves: what is drawn, and what is refused."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tutorial_lib.show import curves, figure, style

STEPS = [1, 10, 100]
AXES = {"xlabel": "step", "ylabel": "PSNR / dB", "alt": "The PSNR rises."}


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were encoded."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k))[1]
    )
    return figures


def picture(html):
    data = re.search(r"base64,([^\"]+)", html)[1]
    return Image.open(io.BytesIO(base64.b64decode(data)))


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_seeds_are_drawn_as_mean_and_range(drawn):
    curves({"SRGAN": (STEPS, [[1, 2, 3], [3, 4, 8], [2, 3, 4]])}, **AXES)
    (axes,) = drawn[0].axes
    assert axes.lines[0].get_xydata().tolist() == [[1, 2], [10, 3], [100, 5]]
    edge = axes.collections[0].get_paths()[0].vertices
    for step, low, high in ((1, 1, 3), (10, 2, 4), (100, 3, 8)):
        values = edge[edge[:, 0] == step, 1]
        assert (values.min(), values.max()) == (low, high)
    assert legend(drawn[0]) == ["SRGAN (mean and range of 3)"]


def test_one_run_has_no_band(drawn):
    curves({"SRResNet": (STEPS, [1, 2, 3])}, **AXES)
    assert not drawn[0].axes[0].collections
    assert legend(drawn[0]) == ["SRResNet"]


def test_given_band_takes_the_place_of_the_range(drawn):
    band = ([0, 1, 2], [2, 3, 4])
    curves({"a": (STEPS, [[1, 2, 3], [9, 9, 9]])}, bands={"a": band}, **AXES)
    edge = drawn[0].axes[0].collections[0].get_paths()[0].vertices
    assert (edge[:, 1].min(), edge[:, 1].max()) == (0, 4)
    assert legend(drawn[0]) == ["a"]


def test_axes_have_their_names_scales_and_references(drawn):
    curves(
        {"a": (STEPS, STEPS)},
        references={"the article": 29.74},
        logx=True,
        title="Set5",
        **AXES,
    )
    (axes,) = drawn[0].axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("step", "PSNR / dB", "Set5")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert set(axes.lines[1].get_ydata()) == {29.74}
    assert legend(drawn[0]) == ["a", "the article"]


def test_lines_differ_in_colour_and_in_style(drawn):
    curves({str(n): (STEPS, np.full(3, n)) for n in range(8)}, **AXES)
    looks = {(line.get_color(), line.get_linestyle()) for line in drawn[0].axes[0].lines}
    assert len(looks) == 8


def test_legend_takes_no_room_from_the_axes(drawn):
    for count in (1, 6):
        names = [f"a long name of a series, number {n}" for n in range(count)]
        curves(dict.fromkeys(names, (STEPS, STEPS)), **AXES)
    heights = [f.axes[0].get_window_extent().height for f in drawn]
    assert heights[1] == pytest.approx(heights[0], rel=0.05)


def test_letters_are_at_least_nine_points_on_a_phone(drawn):
    picture_ = curves({"a": (STEPS, STEPS)}, title="Title", **AXES)
    on_page = int(re.search(r'width="(\d+)"', picture_.html)[1])
    shrink = min(1, 350 / on_page)
    drawn[0].canvas.draw()
    (axes,) = drawn[0].axes
    texts = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
    texts += [*axes.get_yticklabels(), *drawn[0].legends[0].get_texts()]
    assert min(text.get_size() for text in texts) * shrink >= 9


def test_picture_is_opaque_sharp_and_small():
    html = curves({"a": (STEPS, STEPS)}, **AXES).html
    shown = picture(html)
    on_page = int(re.search(r'width="(\d+)"', html)[1])
    assert shown.mode == "RGB"
    assert shown.getpixel((0, 0)) == (255, 255, 255)
    assert shown.width >= 2 * on_page
    assert len(html) < 100_000


def test_figure_is_closed_and_described():
    with style():
        drawing, _ = plt.subplots()
    shown = figure(drawing, alt="Empty axes.")
    assert not plt.fignum_exists(drawing.number)
    assert 'alt="Empty axes."' in shown.html


def test_photographs_in_a_figure_are_compressed_to_the_limit():
    with style():
        drawing, axes = plt.subplots()
    axes.imshow(np.random.default_rng(0).random((400, 400, 3)))
    assert len(figure(drawing, alt="Noise.").html) <= 500_000


def test_style_is_restored():
    before = plt.rcParams["font.size"]
    with style():
        assert plt.rcParams["font.size"] == 12
    assert plt.rcParams["font.size"] == before


@pytest.mark.parametrize(
    ("series", "options", "message"),
    [
        ({}, {}, "no series"),
        ({"a": (STEPS, [1, 2])}, {}, r"a: x of shape \(3,\) and y of shape \(2,\)"),
        ({"a": ([], [])}, {}, "a: x of shape"),
        ({"a": (STEPS, STEPS)}, {"xlabel": " "}, "xlabel or ylabel is empty"),
        ({"a": (STEPS, STEPS)}, {"alt": ""}, "alt is empty"),
        ({"a": (STEPS, STEPS)}, {"bands": {"b": (STEPS, STEPS)}}, "bands without a series: b"),
        ({"a": (STEPS, STEPS)}, {"bands": {"a": ([1], STEPS)}}, r"a \(band\): x of shape"),
        ({"a": ([0, 1, 2], STEPS)}, {"logx": True}, "a: x has values of 0 or less"),
        ({"a": (STEPS, [[1, 2, 3], [1, -1, 3]])}, {"logy": True}, "a: y has values of 0 or less"),
    ],
)
def test_what_cannot_be_drawn_is_refused(series, options, message):
    with pytest.raises(ValueError, match=message):
        curves(series, **{**AXES, **options})


def test_alt_is_required():
    with pytest.raises(TypeError, match="alt"):
        figure(Figure())
