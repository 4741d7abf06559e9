"""Pictures in a page: encoded once, with a text for those who cannot see them, within a budget."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

from PIL import Image
from torch import Tensor

from tutorial_lib.data import ImageError, read_image, to_uint8
from tutorial_lib.data.images import orientation
from tutorial_lib.data.writing import webp_options

MAX_OUTPUT_BYTES = 500_000
"""The most that one output may add to a notebook."""

KEEP_KEYS = 'data-lm-suppress-shortcuts="true" onkeydown="event.stopPropagation()"'
"""Attributes of an element inside of which JupyterLab must not take the arrow keys for itself."""

PAGE_WIDTH = 700
"""Width in CSS pixels of the text column that pictures are laid out for."""

QUALITIES = (90, 80, 70, 60)
"""WebP qualities to try in turn until an output is small enough."""

LOSSLESS = (100,)
"""Where nothing may be lost, an output that is too large is an error."""

_MIME = {
    "WEBP": "image/webp",
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with more pictures behind the first
    "GIF": "image/gif",
}

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


def encode(
    image: Tensor, format: str = "webp", *, quality: int = 90, lossless: bool = False
) -> bytes:
    """Encode one image for a page.

    Lossy WebP takes noise away: a picture of 20.4 dB was shown as one of 23.2 dB. Let what a reader
    compares be lossless.

    Parameters
    ----------
    image : Tensor
        Shape (3, H, W) or (1, 3, H, W), range [0, 1]; rounded to 8 bits.
    format : str
        "webp" or "png".
    quality : int
        For WebP, 1 to 100; 100 is lossless. PNG always is.
    lossless : bool
        The same as quality 100.

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
        options = webp_options(100 if lossless else quality)
    elif format == "png":
        options = {"optimize": True}
    else:
        raise ValueError(f'cannot encode as {format!r}; use "webp" or "png"')
    file = io.BytesIO()
    picture = Image.fromarray(to_uint8(image).permute(1, 2, 0).cpu().numpy())
    picture.save(file, format=format, **options)
    return file.getvalue()


def encoded(image: ImageLike, *, quality: int = 90) -> Encoded:
    """Bring a picture of any kind into the form that a page embeds.

    Parameters
    ----------
    image : Tensor, bytes or path
        A tensor is encoded as WebP; a file that browsers show is taken as it is, and any other
        that :func:`tutorial_lib.data.read_image` reads like its tensor.
    quality : int
        For tensors, as in `encode`.

    Returns
    -------
    Encoded
        Bytes, MIME type, width and height in pixels, as a browser shows them: upright.

    Raises
    ------
    ValueError
        If the bytes are not an image file.
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
            if orientation(picture) > 4:
                width, height = height, width
    except Exception as error:
        try:
            read = read_image(io.BytesIO(data))
        except ImageError:
            raise ValueError(f"{label}: not a WebP, PNG, JPEG or GIF file") from error
        return encoded(read, quality=quality)
    return Encoded(data, mime, width, height)


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
    how = "without loss" if quality == 100 else f"at WebP quality {quality}"
    raise ValueError(
        f"the output takes {len(html) / 1000:.0f} kB {how}, and the limit is "
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
