"""Games in the plane, drawn: every picture is a small SVG, sharp at any size.

Used in the chapter *GAN basics*; :mod:`tutorial_lib.gan_basics.live` moves the same pictures.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Collection
from html import escape
from urllib.parse import quote

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tutorial_lib.gan_basics.plane import Mixture
from tutorial_lib.gan_basics.views import EXTENT, View

LAYERS = ("ground", "real", "generated", "pull", "net")
"""What a picture of the plane can show, from the ground up."""

SEEN = LAYERS[:4]
"""What it shows unless told otherwise."""

# From "fake" through "cannot tell" to "real": so few steps compress well, and the browser smooths
# them as it enlarges the ground.
_COLOURS = np.concatenate(
    [
        np.linspace((240, 160, 96), (252, 252, 250), 10, endpoint=False),
        np.linspace((252, 252, 250), (112, 176, 226), 11),
    ]
).astype(np.uint8)
_SIDE = 400  # units along a square; whole numbers of them keep a picture to a few kilobytes
_GAP = 10
_REALS, _FAKES, _ARROWS = 160, 200, 64  # how many are drawn

_HEAD = (
    "<defs><marker id='h' markerWidth='7' markerHeight='7' refX='3' refY='3.5' orient='auto'>"
    "<path d='M0 0l7 3.5-7 3.5z' stroke='none' fill='rgb(40,40,40)'/></marker>"
    "<marker id='a' markerWidth='6' markerHeight='6' refX='3' refY='3' "
    "markerUnits='userSpaceOnUse'><circle cx='3' cy='3' r='2.3' fill='rgb(0,60,140)'/></marker>"
    "<marker id='b' markerWidth='10' markerHeight='10' refX='5' refY='5' "
    "markerUnits='userSpaceOnUse'><circle cx='5' cy='5' r='3.5' fill='rgb(170,40,0)' "
    "stroke='rgb(255,235,220)' stroke-width='1'/></marker></defs>"
)


def draw_view(
    view: View,
    mixture: Mixture,
    *,
    optimal: bool = True,
    layers: Collection[str] = SEEN,
    before: Tensor | None = None,
) -> str:
    """Draw the plane: the learned discriminator, and beside it the best one.

    Blue ground is where the discriminator says "real", orange where it says "fake", white where
    it cannot tell. Blue dots are real data, dark red dots are generated, and on the left each
    arrow is the pull of the generator's loss on a sample, longer where it is stronger.

    Parameters
    ----------
    view : View
        What there is to see.
    mixture : Mixture
        The data, of which 160 samples are drawn.
    optimal : bool
        Whether the second square, with D* = p / (p + q), is drawn.
    layers : collection of str
        Which of `LAYERS` are drawn; the net is the generator's image of one over the noise.
    before : Tensor, optional
        (B, 2): where the first B samples were. Lines lead from there to where they are.

    Returns
    -------
    str
        An SVG image: one square, or two and a gap between them.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    if unknown := set(layers) - set(LAYERS):
        raise ValueError(f"no layer {', '.join(sorted(unknown))}; there are: {', '.join(LAYERS)}")
    shapes, dots, marks = "", "", ""
    if "real" in layers:
        real = _units(mixture.sample(_REALS, generator=torch.Generator().manual_seed(3)))
        shapes += _dots(real, name="r", marker="a")
        dots = "<use href='#r'/>"
    fake = _units(view.samples[:_FAKES])
    if "generated" in layers:
        shapes += _dots(fake, name="g", marker="b")
        marks = "<use href='#g'/>"
    lines = ""
    if before is not None:
        lines = _lines(_units(before[:_FAKES]), fake[: len(before)], "rgb(150,110,100)")
    arrows = _arrows(view.arrows[:_ARROWS], fake) if "pull" in layers else ""
    net = _net(view.mesh) if "net" in layers else ""
    squares = [(view.learned, "learned D", net + dots + lines + arrows + marks)]
    if optimal:
        squares.append((view.optimal, "best D", dots + marks))
    drawn = ""
    for place, (heat, name, inside) in enumerate(squares):
        ground = _heat(heat) if "ground" in layers else ""
        title = (
            f"<text x='9' y='29' font-size='25' font-family='sans-serif' stroke='white' "
            f"stroke-width='6' paint-order='stroke' fill='rgb(30,30,30)'>{name}</text>"
        )
        drawn += (
            f"<svg x='{place * (_SIDE + _GAP)}' width='{_SIDE}' height='{_SIDE}'>"
            f"<rect width='{_SIDE}' height='{_SIDE}' fill='rgb(252,252,250)'/>"
            f"{ground}{inside}{title if optimal else ''}</svg>"
        )
    width, height = drawn_size(optimal=optimal)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' fill='none' "
        f"stroke-linecap='round'>{_HEAD}<defs>{shapes}</defs>{drawn}</svg>"
    )


def drawn_size(*, optimal: bool = True) -> tuple[int, int]:
    """Width and height of a drawing of one square, or of two, in its own units."""
    return (2 * _SIDE + _GAP if optimal else _SIDE), _SIDE


def svg_image(svg: str, *, alt: str, size: tuple[int, int]) -> str:
    """Write an `<img>` element that holds an SVG image and fills its place.

    Parameters
    ----------
    svg : str
        The image, its attributes in single quotes.
    alt : str
        What there is to see.
    size : (int, int)
        Width and height, of which only the ratio matters.

    Returns
    -------
    str
        HTML.
    """
    # Spaces and most signs may stay as they are, which is a quarter shorter than base64.
    data = quote(svg, safe=" =:/;,+()'-.")
    return (
        f'<img class="dark-light" alt="{escape(alt)}" width="{size[0]}" '
        f'height="{size[1]}" decoding="sync" style="display:block;width:100%;height:auto;margin:0;'
        f'padding:0;border-radius:0" src="data:image/svg+xml,{data}">'
    )


def _units(points: Tensor) -> np.ndarray:
    # A game at too high a rate flies off to infinity and must not take the drawing with it.
    near = points.nan_to_num(nan=-99, posinf=99, neginf=-99).clamp(-99, 99)
    scaled = (near.numpy() * np.array([1, -1]) + EXTENT) * (_SIDE / (2 * EXTENT))
    return np.rint(scaled).astype(int)


def _dots(points: np.ndarray, *, name: str, marker: str) -> str:
    """Write an invisible path that has a dot at each of its corners."""
    seen = points[((points > -5) & (points < _SIDE + 5)).all(axis=-1)]
    # In this order the next dot is near, and its place a short number.
    x, y = seen[np.lexsort((seen[:, 0], seen[:, 1] // 20))].T
    steps = zip(np.diff(x, prepend=0), np.diff(y, prepend=0), strict=True)
    path = "m" + "".join(f"{dx:+}{dy:+}" for dx, dy in steps)
    marks = "".join(f" marker-{place}='url(#{marker})'" for place in ("start", "mid", "end"))
    return f"<path id='{name}' d='{path if len(seen) else ''}'{marks}/>"


def _lines(start: np.ndarray, end: np.ndarray, colour: str, *, more: str = "") -> str:
    moves = zip(start, end - start, strict=True)
    path = "".join(f"M{x} {y}l{dx}{dy:+}" for (x, y), (dx, dy) in moves)
    return f"<path d='{path}' stroke='{colour}' stroke-width='1.6' {more}/>"


def _arrows(pull: Tensor, points: np.ndarray) -> str:
    moves = pull.nan_to_num(0, 0, 0).numpy() * np.array([1, -1]) * (_SIDE / 60)
    length = np.linalg.norm(moves, axis=-1, keepdims=True)
    moves = np.rint(moves * np.minimum(1, _SIDE / 7 / np.maximum(length, 1e-9))).astype(int)
    long = np.abs(moves).sum(-1) > 2
    start = points[: len(moves)][long]
    return _lines(start, start + moves[long], "rgb(60,60,60)", more="marker-end='url(#h)'")


def _net(mesh: Tensor) -> str:
    """Lines along both of the net's directions, or a thread with its knots."""
    nodes = _units(mesh)
    lines = [*nodes, *nodes.swapaxes(0, 1)] if nodes.ndim == 3 else [nodes]
    path = "".join("M" + "L".join(f"{x} {y}" for x, y in line) for line in lines)
    return f"<path d='{path}' stroke='rgb(110,110,110)' stroke-width='1.5'/>"


def _heat(values: Tensor) -> str:
    file = io.BytesIO()
    index = (values.nan_to_num(nan=0.5) * (len(_COLOURS) - 1)).round().byte().numpy()
    ground = Image.fromarray(index, "P")
    ground.putpalette(_COLOURS.tobytes())
    ground.save(file, "png", compress_level=9)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f"<image width='{_SIDE}' height='{_SIDE}' preserveAspectRatio='none' "
        f"href='data:image/png;base64,{data}'/>"
    )
