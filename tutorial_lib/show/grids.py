"""Pictures side by side, each with its name and its measurements."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape

from torch import Tensor

from tutorial_lib.data import read_image
from tutorial_lib.show.pictures import (
    LOSSLESS,
    MAX_OUTPUT_BYTES,
    PAGE_WIDTH,
    QUALITIES,
    ImageLike,
    Picture,
    caption_html,
    encoded,
    img,
    magnification,
    required_alt,
    within,
)


def grid(
    images: Mapping[str, ImageLike] | Sequence[ImageLike] | Tensor,
    *,
    alt: str,
    titles: Sequence[str] | None = None,
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    zoom: tuple[int, int, int, int] | None = None,
    min_width: int = 150,
    lossless: bool = False,
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
    lossless : bool
        Show every pixel as it is; for pictures that a reader compares. Small pictures and zoomed
        parts are shown so anyway.
    max_bytes : int
        Limit for the whole output. Large tensors are encoded at a lower quality to meet it, unless
        they are to be lossless.

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

    qualities = LOSSLESS if lossless else QUALITIES
    return Picture(within(build, max_bytes, qualities=qualities), alt)


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
