"""Pictures in a page: encoded once, with a text for those who cannot see them, within a budget."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

from PIL import Image, UnidentifiedImageError
from torch import Tensor

from tutorial_lib.data import read_image, to_uint8

MAX_OUTPUT_BYTES = 300_000
"""The most that one output may add to a notebook."""

KEEP_KEYS = 'data-lm-suppress-shortcuts="true" onkeydown="event.stopPropagation()"'
"""Attributes of an element inside of which JupyterLab must not take the arrow keys for itself."""

PAGE_WIDTH = 700
"""Width in CSS pixels of the text column that pictures are laid out for."""

QUALITIES = (90, 80, 70, 60)
"""WebP qualities to try in turn until an output is small enough."""
_MIME = {"WEBP": "image/webp", "PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}

ImageLike = Tensor | bytes | os.PathLike[str]
"""A picture: a tensor, an encoded file's bytes, or the path of an image file."""


@dataclass(frozen=True)
class Picture:
    """Something that a notebook shows as HTML, and reads out as `alt`.

    Attributes
    ----------
    html : str
        Complete in itself: the image data, its size and its text are inside.
    alt : str
        What there is to see, for a reader who does not see it.
    """

    html: str
    alt: str

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/html": self.html, "text/plain": self.alt}


class Encoded(NamedTuple):
    """The bytes of an image file, with what a page must know before it decodes them."""

    data: bytes
    mime: str
    width: int
    height: int


def encode(image: Tensor, format: str = "webp", *, quality: int = 90) -> bytes:
    """Encode one image for a page.

    Parameters
    ----------
    image : Tensor
        Shape (3, H, W) or (1, 3, H, W), range [0, 1]; rounded to 8 bits.
    format : str
        "webp" or "png".
    quality : int
        For WebP, 1 to 100; 100 is lossless. PNG always is.

    Returns
    -------
    bytes
        The file's contents.

    Raises
    ------
    ValueError
        If the shape or the format is another one.

    Examples
    --------
    >>> import torch
    >>> encode(torch.zeros(1, 3, 8, 8))[8:12]
    b'WEBP'
    """
    if image.ndim == 4 and image.shape[0] == 1:
        image = image[0]
    if image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(
            f"expected one image of shape (3, H, W) or (1, 3, H, W), got {tuple(image.shape)}"
        )
    options: dict[str, Any]
    if format == "webp":
        options = webp_options(quality)
    elif format == "png":
        options = {"optimize": True}
    else:
        raise ValueError(f'cannot encode as {format!r}; use "webp" or "png"')
    file = io.BytesIO()
    picture = Image.fromarray(to_uint8(image).permute(1, 2, 0).cpu().numpy())
    picture.save(file, format=format, **options)
    return file.getvalue()


def webp_options(quality: int) -> dict[str, Any]:
    """Return Pillow's settings for a WebP file.

    Parameters
    ----------
    quality : int
        1 to 100; 100 is lossless.

    Returns
    -------
    dict
        Keyword arguments of `PIL.Image.Image.save`.
    """
    if quality < 100:
        return {"quality": quality, "method": 6}
    # Here quality means effort, and the last percent of size would cost fifty times as long.
    return {"lossless": True, "quality": 75, "method": 4}


def encoded(image: ImageLike, *, quality: int = 90) -> Encoded:
    """Bring a picture of any kind into the form that a page embeds.

    Parameters
    ----------
    image : Tensor, bytes or path
        A tensor is encoded as WebP; a file is taken as it is.
    quality : int
        For tensors, as in `encode`.

    Returns
    -------
    Encoded
        Bytes, MIME type, width and height in pixels.

    Raises
    ------
    ValueError
        If the bytes are not a WebP, PNG, JPEG or GIF file.
    TypeError
        If it is none of these; a path must be a `pathlib.Path`.
    """
    if isinstance(image, Tensor):
        data = encode(image, quality=quality)
        return Encoded(data, "image/webp", image.shape[-1], image.shape[-2])
    if isinstance(image, bytes):
        data, label = image, f"{len(image)} bytes"
    elif isinstance(image, os.PathLike):
        label = os.fspath(image)
        with open(image, "rb") as file:
            data = file.read()
    else:
        raise TypeError(
            f"expected a tensor, bytes or a pathlib.Path, got {type(image).__name__} {image!r:.60}"
        )
    try:
        with Image.open(io.BytesIO(data)) as picture:
            mime, (width, height) = _MIME[picture.format or ""], picture.size
    except (UnidentifiedImageError, KeyError) as error:
        raise ValueError(f"{label}: not a WebP, PNG, JPEG or GIF file") from error
    return Encoded(data, mime, width, height)


def grid(
    images: Mapping[str, ImageLike] | Sequence[ImageLike] | Tensor,
    *,
    alt: str,
    titles: Sequence[str] | None = None,
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    zoom: tuple[int, int, int, int] | None = None,
    min_width: int = 150,
    max_bytes: int = MAX_OUTPUT_BYTES,
) -> Picture:
    """Show pictures side by side, each with its name above and its measurements below.

    The rows fold where the page is narrow, so that names and numbers stay readable on a phone.
    Where a picture is shown larger than it is, its pixels are repeated a whole number of times if
    the page is wide enough, and never smoothed.

    Parameters
    ----------
    images : mapping, sequence or Tensor
        Pictures by name, or in order, or a batch of shape (N, 3, H, W). Tensors have range
        [0, 1]; bytes and paths are WebP, PNG or JPEG files, and are embedded as they are.
    alt : str
        What the grid shows, in a sentence.
    titles, captions : sequence of str, optional
        One for each picture, above and below it. A mapping's names are its titles.
    columns : int, optional
        At most so many in a row.
    zoom : (left, top, width, height), optional
        In pixels. The box is outlined in each picture, which must all have one size, and its
        pixels are shown enlarged below it.
    min_width : int
        A row folds rather than make a picture narrower than this, in CSS pixels.
    max_bytes : int
        Limit for the whole output. Large tensors are encoded at a lower quality to meet it, the
        zoomed part excepted.

    Returns
    -------
    Picture
        To be the last expression of a cell.

    Raises
    ------
    ValueError
        If `alt` is empty, a count does not match, the zoom box is not inside the picture, or the
        pictures do not fit into `max_bytes`.
    """
    alt = required_alt(alt)
    if isinstance(images, Mapping):
        titles = list(images) if titles is None else titles
        images = list(images.values())
    elif isinstance(images, Tensor) and images.ndim != 4:
        raise ValueError(f"expected a batch (N, 3, H, W), got shape {tuple(images.shape)}")
    pictures = list(images)
    if not pictures:
        raise ValueError("there is no picture to show")
    for kind, texts in (("titles", titles), ("captions", captions)):
        if texts is not None and len(texts) != len(pictures):
            raise ValueError(f"{len(pictures)} pictures, but {len(texts)} {kind}")
    columns = min(len(pictures), columns or _columns(len(pictures)))
    gap = 10 if min_width >= 100 else 4
    room = (PAGE_WIDTH - gap * (columns - 1)) // columns
    share = f"max({min_width}px, calc((100% - {gap * (columns - 1)}px) / {columns}))"
    tracks = f"repeat(auto-fill,minmax(min(100%, {share}),1fr))"
    if zoom is not None:
        crops = [_crop(picture, zoom) for picture in pictures]

    def build(quality: int) -> str:
        cells = []
        for index, picture in enumerate(pictures):
            name = titles[index] if titles else f"{alt} ({index + 1} of {len(pictures)})"
            cell, width = _cell(picture, name, room, quality)
            if zoom is not None:
                part = encoded(crops[index], quality=100)
                cell = _outlined(cell, _size(picture), zoom)
                cell += img(part, alt=f"{name}, the part in the box enlarged", width=width)
            if titles:
                cell = f'<div style="font-weight:600">{escape(titles[index])}</div>{cell}'
            if captions:
                cell += caption_html(captions[index])
            cells.append(f'<figure style="margin:0;padding:0;min-width:0">{cell}</figure>')
        return (
            f'<div class="tutorial-grid" role="group" aria-label="{escape(alt)}" style="display:'
            f'grid;gap:{gap}px;grid-template-columns:{tracks};line-height:1.3">'
            f"{''.join(cells)}</div>"
        )

    return Picture(within(build, max_bytes), alt)


def img(
    picture: Encoded,
    *,
    alt: str,
    width: int | None = None,
    lazy: bool = True,
    attributes: str = "",
) -> str:
    """Write an `<img>` element that holds its own data.

    The element has its size, so that the page does not jump when the image appears, and shrinks
    with a narrow page.

    Parameters
    ----------
    picture : Encoded
        What to show.
    alt : str
        What there is to see.
    width : int, optional
        Width on the page in CSS pixels; the image's own if left out.
    lazy : bool
        Whether the image may wait until it is scrolled into view.
    attributes : str
        More attributes, as HTML.

    Returns
    -------
    str
        HTML.
    """
    width = width or picture.width
    height = round(picture.height * width / picture.width)
    style = "display:block;max-width:100%;height:auto;margin:0;padding:0;border-radius:0"
    if width > picture.width:
        style += ";image-rendering:pixelated"
    data = base64.b64encode(picture.data).decode()
    # "dark-light" has the page's theme leave the colours alone when it is dark.
    return (
        f'<img class="dark-light" alt="{escape(alt)}" width="{width}" height="{height}" '
        f'decoding="sync" loading="{"lazy" if lazy else "eager"}" {attributes} '
        f'style="{style}" src="data:{picture.mime};base64,{data}">'
    )


def caption_html(text: str) -> str:
    """Write a `<figcaption>` in the colour of its surroundings, whatever the page's theme is.

    Parameters
    ----------
    text : str
        The caption, plain.

    Returns
    -------
    str
        HTML.
    """
    style = "margin:.3em 0 0;padding:0;color:inherit;font:inherit;text-align:left"
    return f'<figcaption style="{style}">{escape(text)}</figcaption>'


def required_alt(alt: str) -> str:
    """Return the text without surrounding space, or refuse an empty one.

    Parameters
    ----------
    alt : str
        A description of a picture.

    Returns
    -------
    str
        The description.

    Raises
    ------
    ValueError
        If nothing is left.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("alt is empty: say in a sentence what there is to see")
    return alt.strip()


def within(
    build: Callable[[int], str], max_bytes: int, *, qualities: Sequence[int] = QUALITIES
) -> str:
    """Build an output at the best quality at which it is small enough.

    Parameters
    ----------
    build : callable
        Takes a WebP quality and returns HTML.
    max_bytes : int
        Limit for the HTML.
    qualities : sequence of int
        From the best to the last that will do.

    Returns
    -------
    str
        The HTML.

    Raises
    ------
    ValueError
        If no quality is low enough, with what can be done.
    """
    for quality in qualities:
        html = build(quality)
        if len(html) <= max_bytes:
            return html
    raise ValueError(
        f"the output takes {len(html) / 1000:.0f} kB at WebP quality {quality}, and the limit is "
        f"{max_bytes / 1000:.0f} kB: show fewer pictures, crop them, make them smaller, or pass a "
        "larger max_bytes"
    )


def magnification(width: int, room: int) -> int:
    """Return how many times as large a picture can be shown: a whole number, at least 1.

    Parameters
    ----------
    width : int
        The picture's own, in pixels.
    room : int
        Width on the page, in CSS pixels.

    Returns
    -------
    int
        The factor.

    Examples
    --------
    >>> magnification(64, 330), magnification(512, 330)
    (5, 1)
    """
    return max(1, room // width)


def _columns(count: int) -> int:
    """A row of up to three; more pictures in rows of equal length where that can be."""
    if count <= 3:
        return count
    return next((columns for columns in (4, 3, 5) if count % columns == 0), 4)


def _cell(image: ImageLike, alt: str, room: int, quality: int) -> tuple[str, int]:
    """Return the picture as HTML, and the width at which it is shown."""
    width = _size(image)[0]
    factor = magnification(width, room)
    # Lossy WebP halves the resolution of colour, which shows as soon as pixels are enlarged.
    exact = factor > 1 and quality == QUALITIES[0]
    picture = encoded(image, quality=100 if exact else quality)
    return img(picture, alt=alt, width=width * factor), width * factor


def _size(image: ImageLike) -> tuple[int, int]:
    if isinstance(image, Tensor):
        return image.shape[-1], image.shape[-2]
    picture = encoded(image)
    return picture.width, picture.height


def _crop(image: ImageLike, box: tuple[int, int, int, int]) -> Tensor:
    if not isinstance(image, Tensor):
        image = read_image(io.BytesIO(image) if isinstance(image, bytes) else image)
    left, top, width, height = box
    rows, columns = image.shape[-2:]
    inside = 0 <= left < left + width <= columns and 0 <= top < top + height <= rows
    if not inside:
        raise ValueError(
            f"zoom box (left {left}, top {top}, width {width}, height {height}) is not inside the "
            f"picture of {columns}x{rows} pixels"
        )
    return image[..., top : top + height, left : left + width]


def _outlined(html: str, size: tuple[int, int], box: tuple[int, int, int, int]) -> str:
    """Draw the box over the picture, in shares of its size, so that it shrinks with it."""
    columns, rows = size
    left, top, width, height = box
    place = (
        f"left:{100 * left / columns:.3f}%;top:{100 * top / rows:.3f}%;"
        f"width:{100 * width / columns:.3f}%;height:{100 * height / rows:.3f}%"
    )
    return (
        '<div style="position:relative;width:fit-content;max-width:100%;margin-bottom:4px">'
        f'{html}<span style="position:absolute;box-sizing:border-box;border:2px solid #ffd500;'
        f'outline:1px solid #000;{place}"></span></div>'
    )
