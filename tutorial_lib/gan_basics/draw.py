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
_FADES = 6  # from a colour in full to grey, where there is nothing
_SHARE = np.linspace(0, 1, _FADES)[:, None, None]
_PALETTE = np.rint((1 - _SHARE) * _COLOURS + _SHARE * (222, 222, 222)).astype(np.uint8)
_SIDE = 400  # units along a square; whole numbers of them keep a picture to a few kilobytes
_REALS, _FAKES, _ARROWS = 160, 200, 64  # how many are drawn

_HEAD = (
    "<defs><marker id='a' markerWidth='6' markerHeight='6' refX='3' refY='3' "
    "markerUnits='userSpaceOnUse'><circle cx='3' cy='3' r='2.3' fill='rgb(0,60,140)'/></marker>"
    "<marker id='b' markerWidth='10' markerHeight='10' refX='5' refY='5' "
    "markerUnits='userSpaceOnUse'><circle cx='5' cy='5' r='3.5' fill='rgb(170,40,0)' "
    "stroke='rgb(255,235,220)' stroke-width='1'/></marker></defs>"
)


def draw_view(
    view: View,
    mixture: Mixture,
    *,
    best: bool = False,
    title: str = "",
    layers: Collection[str] = SEEN,
    before: Tensor | None = None,
) -> str:
    """Draw the plane on the learned discriminator, or on the best one.

    Blue ground is where the discriminator says "real", orange where it says "fake", white where
    it cannot tell. The best one's ground turns grey where there are next to no data and no fakes:
    what it says there is of no account. Blue dots are real data, dark red dots are generated, and
    each arrow is the pull of the generator's loss on a sample, longer where it is stronger.

    Parameters
    ----------
    view : View
        What there is to see.
    mixture : Mixture
        The data, of which 160 samples are drawn.
    best : bool
        Whether the ground is D* = p / (p + q); it has neither pull nor net.
    title : str
        Written into the square.
    layers : collection of str
        Which of `LAYERS` are drawn; the net is the generator's image of one over the noise.
    before : Tensor, optional
        (B, 2): where the first B samples were. Lines lead from there to where they are.

    Returns
    -------
    str
        A square SVG image.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    if unknown := set(layers) - set(LAYERS):
        raise ValueError(f"no layer {', '.join(sorted(unknown))}; there are: {', '.join(LAYERS)}")
    inside = ""
    if "ground" in layers:
        inside += _heat(view.optimal, view.present) if best else _heat(view.learned)
    if "net" in layers and not best:
        inside += _net(view.mesh)
    if "real" in layers:
        real = _units(mixture.sample(_REALS, generator=torch.Generator().manual_seed(3)))
        inside += _dots(real, name="r", marker="a")
    fake = _units(view.samples[:_FAKES])
    if before is not None:
        inside += _lines(_units(before[:_FAKES]), fake[: len(before)], "rgb(150,110,100)")
    if "pull" in layers and not best:
        inside += _arrows(view.arrows[:_ARROWS], fake)
    if "generated" in layers:
        inside += _dots(fake, name="g", marker="b")
    return square(inside, title=title)


def square(inside: str, *, title: str = "") -> str:
    """Make an image of 400 × 400 units from the shapes in it."""
    words = (
        f"<text x='9' y='29' font-size='25' font-family='sans-serif' stroke='white' "
        f"stroke-width='6' paint-order='stroke' fill='rgb(30,30,30)'>{title}</text>"
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_SIDE} {_SIDE}' fill='none' "
        f"stroke-linecap='round'>{_HEAD}<rect width='{_SIDE}' height='{_SIDE}' "
        f"fill='rgb(252,252,250)'/>{inside}{words if title else ''}</svg>"
    )


def draw_pair(view: View, mixture: Mixture, *, alt: str, layers: Collection[str] = SEEN) -> str:
    """Draw the learned discriminator and the best one, as HTML.

    Side by side where there is room, and one below the other on a phone, so that neither is
    narrower than 250 pixels there.

    Parameters
    ----------
    view, mixture, layers
        As in `draw_view`.
    alt : str
        What there is to see.
    """
    squares = [
        svg_image(
            draw_view(view, mixture, best=best, title=title, layers=layers),
            alt=f"{title}: {alt}",
        )
        for best, title in ((False, "learned D"), (True, "best D"))
    ]
    cells = "".join(f'<div style="flex:1 1 250px;max-width:400px">{cell}</div>' for cell in squares)
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px">{cells}</div>'


def draw_net(
    mesh: Tensor, mixture: Mixture, *, weight: Tensor | None = None, title: str = ""
) -> str:
    """Draw a net over the noise where the generator puts it, on the data.

    Parameters
    ----------
    mesh : Tensor
        (L, L, 2) nodes.
    mixture : Mixture
        The data.
    weight : Tensor, optional
        (L − 1, L − 1): share of the noise in each of the net's cells. Each is then filled, the more
        strongly the denser the noise lies where it is put.
    title : str
        Written into the square.

    Returns
    -------
    str
        A square SVG image.
    """
    nodes = _units(mesh)
    inside = _dots(
        _units(mixture.sample(_REALS, generator=torch.Generator().manual_seed(3))),
        name="r",
        marker="a",
    )
    if weight is not None:
        corners = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]], axis=2)
        turned = np.roll(corners, -1, axis=2)
        area = (corners[..., 0] * turned[..., 1] - turned[..., 0] * corners[..., 1]).sum(-1) / 2
        dense = np.clip(1e4 * weight.numpy() / (np.abs(area) + 1), 0.04, 0.85)
        for steps in range(1, 10):
            chosen = corners[(np.rint(dense * 10) == steps) | ((steps == 1) & (dense < 0.05))]
            path = "".join("M" + "L".join(f"{x} {y}" for x, y in cell) + "z" for cell in chosen)
            inside += f"<path d='{path}' fill='rgb(170,40,0)' fill-opacity='.{steps}'/>"
    return square(inside + _net(mesh), title=title)


def svg_image(svg: str, *, alt: str) -> str:
    """Write an `<img>` element that holds a square SVG image and fills its place.

    Parameters
    ----------
    svg : str
        The image, its attributes in single quotes.
    alt : str
        What there is to see.

    Returns
    -------
    str
        HTML.
    """
    # Spaces and most signs may stay as they are, which is a quarter shorter than base64.
    data = quote(svg, safe=" =:/;,+()'-.")
    return (
        f'<img class="dark-light" alt="{escape(alt)}" width="{_SIDE}" '
        f'height="{_SIDE}" decoding="sync" style="display:block;width:100%;height:auto;margin:0;'
        f'padding:0;border-radius:0" src="data:image/svg+xml,{data}">'
    )


def _units(points: Tensor) -> np.ndarray:
    # A game at too high a rate flies off to infinity and must not take the drawing with it.
    near = points.nan_to_num(nan=-99, posinf=99, neginf=-99).clamp(-99, 99)
    scaled = (near.numpy() * np.array([1, -1]) + EXTENT) * (_SIDE / (2 * EXTENT))
    return np.rint(scaled).astype(int)


def _dots(points: np.ndarray, *, name: str, marker: str) -> str:
    """Write an invisible path that has a dot at each of its corners, which markers are for."""
    seen = points[((points > -5) & (points < _SIDE + 5)).all(axis=-1)]
    # In this order the next dot is near, and its place a short number.
    x, y = seen[np.lexsort((seen[:, 0], seen[:, 1] // 20))].T
    steps = zip(np.diff(x, prepend=0), np.diff(y, prepend=0), strict=True)
    path = "m" + "".join(f"{dx:+}{dy:+}" for dx, dy in steps)
    marks = "".join(f" marker-{place}='url(#{marker})'" for place in ("start", "mid", "end"))
    return f"<path id='{name}' d='{path if len(seen) else ''}'{marks}/>"


def _lines(start: np.ndarray, end: np.ndarray, colour: str) -> str:
    moves = zip(start, end - start, strict=True)
    path = "".join(f"M{x} {y}l{dx}{dy:+}" for (x, y), (dx, dy) in moves)
    return f"<path d='{path}' stroke='{colour}' stroke-width='1.6'/>"


def _arrows(pull: Tensor, points: np.ndarray) -> str:
    moves = pull.nan_to_num(0, 0, 0).numpy() * np.array([1, -1]) * (_SIDE / 60)
    length = np.linalg.norm(moves, axis=-1, keepdims=True)
    moves = np.rint(moves * np.minimum(1, _SIDE / 7 / np.maximum(length, 1e-9))).astype(int)
    long = np.abs(moves).sum(-1) > 2
    start, moves = points[: len(moves)][long], moves[long]
    # A marker stands at the end of a path alone, and all arrows are one: the heads are lines.
    back = -moves / np.maximum(np.linalg.norm(moves, axis=-1, keepdims=True), 1) * 7
    side = back[:, ::-1] * np.array([0.5, -0.5])
    barbs = [np.rint(back + way * side).astype(int) for way in (1, -1)]
    path = "".join(
        f"M{x} {y}l{dx}{dy:+}m{ax}{ay:+}L{x + dx} {y + dy}l{bx}{by:+}"
        for (x, y), (dx, dy), (ax, ay), (bx, by) in zip(start, moves, *barbs, strict=True)
    )
    return f"<path d='{path}' stroke='rgb(60,60,60)' stroke-width='1.6'/>"


def _net(mesh: Tensor) -> str:
    """Lines along both of the net's directions, or a thread with its knots."""
    nodes = _units(mesh)
    lines = [*nodes, *nodes.swapaxes(0, 1)] if nodes.ndim == 3 else [nodes]
    path = "".join("M" + "L".join(f"{x} {y}" for x, y in line) for line in lines)
    return f"<path d='{path}' stroke='rgb(110,110,110)' stroke-width='1.5'/>"


def _heat(values: Tensor, present: Tensor | None = None) -> str:
    """Colours of a map, faded to grey where there is next to nothing."""
    index = (values.nan_to_num(nan=0.5) * (len(_COLOURS) - 1)).round().byte()
    if present is not None:
        # In full from a twentieth of the peak on, grey where there is not half a per cent of it.
        shown = (present * 20).clamp(0, 1).mul(_FADES - 1).round().byte()
        index = index + len(_COLOURS) * (_FADES - 1 - shown)
    ground = Image.fromarray(index.numpy(), "P")
    ground.putpalette(_PALETTE.tobytes())
    file = io.BytesIO()
    ground.save(file, "png", compress_level=9)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f"<image width='{_SIDE}' height='{_SIDE}' preserveAspectRatio='none' "
        f"href='data:image/png;base64,{data}'/>"
    )
