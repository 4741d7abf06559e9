"""The recorded networks on a photograph of any size: what ``tutorial upscale`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from tqdm.auto import tqdm

from tutorial_lib import ledger
from tutorial_lib.data import (
    Original,
    from_uint8,
    read_original,
    spare_places,
    to_uint8,
    try_output,
    write_png,
)
from tutorial_lib.dni import interpolate
from tutorial_lib.metrics import imresize
from tutorial_lib.srgan import Generator
from tutorial_lib.training import load_half_state

SCALE = 4

SRRESNET, SRGAN = "srgan/srresnet", "srgan/srgan"
"""The records that hold the two networks."""

WINDOW = 176
"""Side of what the network sees at a time, in pixels of the photograph; takes 0.5 GB."""

MARGIN = 20
"""Pixels of it that are seen and thrown away, wherever the photograph goes on.

The network sees 40 pixels far, but hardly: where it is cut at 16 pixels, the recorded networks move
by up to 0.002 grey levels of 255, and at 20 by 0.0001.
"""

Upscale = Callable[[Tensor], Tensor]
"""(1, 3, H, W) → (1, 3, 4·H, 4·W), both in [0, 1]."""


def mixed_generator(mix: float) -> Generator:
    """The network between the recorded SRResNet and SRGAN, by their weights.

    Parameters
    ----------
    mix : float
        Share of SRGAN, 0 to 1. At either end only that end's record is read.

    Returns
    -------
    Generator
        In evaluation mode, on the CPU.

    Raises
    ------
    LedgerError
        If a record or its weights are missing.
    ValueError
        If `mix` is outside [0, 1].

    References
    ----------
    Wang et al. 2019 (Deep Network Interpolation), Equation 1; Wang et al. 2018 (ESRGAN), Section
    3.4.
    """
    if not 0 <= mix <= 1:
        raise ValueError(f"mix must be from 0 (SRResNet) to 1 (SRGAN): got {mix}")
    if mix in (0, 1):
        return _recorded(SRGAN if mix else SRRESNET)
    generator, other = _recorded(SRGAN), _recorded(SRRESNET)
    generator.load_state_dict(interpolate(generator.state_dict(), other.state_dict(), mix))
    return generator


def _recorded(name: str) -> Generator:
    generator = Generator(scale=SCALE)
    load_half_state(generator, load_file(ledger.start(name).path))
    return generator


def spans(length: int, *, window: int, margin: int) -> list[tuple[int, int, int]]:
    """Cut a side into parts, each to be seen within a window that goes on beyond it.

    Parameters
    ----------
    length : int
        Of the side, in pixels.
    window : int
        Of what is seen at a time, so that no window is longer.
    margin : int
        A part keeps at least this far from the ends of its window, except at the side's own ends.

    Returns
    -------
    list of (int, int, int)
        Where the window starts, where its part starts, and where its part ends. The parts follow
        each other without gap or overlap; all windows are as long as the side or `window`.

    Raises
    ------
    ValueError
        If the margins leave nothing of a window.

    Examples
    --------
    >>> spans(25, window=12, margin=2)
    [(0, 0, 10), (8, 10, 18), (13, 18, 25)]
    """
    stride = window - 2 * margin
    if stride < 1:
        raise ValueError(f"margins of {margin} leave nothing of a window of {window}")
    found = []
    start = end = 0
    while end < length:
        start = min(start, max(0, length - window))
        begin, end = end, start + window - margin
        if start + window >= length:
            end = length
        found.append((start, begin, end))
        start += stride
    return found


def enlarged(
    photo: Original,
    network: Upscale,
    *,
    window: int = WINDOW,
    margin: int = MARGIN,
    progress: str = "",
) -> Iterator[Tensor]:
    """Enlarge a photograph in tiles, and give it out in strips from the top to the bottom.

    Parameters
    ----------
    photo : Original
        As read.
    network : callable
        Enlarges four times; is given windows of one size.
    window, margin : int
        As in :func:`spans`.
    progress : str
        What to call the progress bar; none if empty.

    Yields
    ------
    Tensor
        (1, 3, h, 4·W), uint8; of a transparent photograph (1, 4, h, 4·W), its alpha enlarged by
        bicubic interpolation.
    """
    rows, columns = (spans(n, window=window, margin=margin) for n in photo.colours.shape[-2:])
    bar = tqdm(total=len(rows) * len(columns), desc=progress, unit="tile", disable=not progress)
    with bar:
        for y, top, bottom in rows:
            tiles = []
            for x, left, right in columns:
                seen = (..., slice(y, y + window), slice(x, x + window))
                made = [to_uint8(network(from_uint8(photo.colours[seen]))).cpu()]
                if photo.alpha is not None:
                    made.append(to_uint8(imresize(from_uint8(photo.alpha[seen]), scale=SCALE)))
                kept = (
                    ...,
                    slice(SCALE * (top - y), SCALE * (bottom - y)),
                    slice(SCALE * (left - x), SCALE * (right - x)),
                )
                tiles.append(torch.cat([part[kept] for part in made], dim=1))
                bar.update()
            yield torch.cat(tiles, dim=3)


def upscale_file(source: Path, target: Path, *, mix: float = 0.5, overwrite: bool = False) -> str:
    """Enlarge one photograph four times, into a file.

    The photograph's rotation is applied; its colour profile and EXIF go into the new file, and a
    transparent one stays transparent. Memory holds the photograph, and of the large picture one
    row of tiles.

    Parameters
    ----------
    source, target : Path
        What to read, and the .png to write.
    mix : float
        From SRResNet, 0, to SRGAN, 1.
    overwrite : bool
        Whether `target` may be replaced.

    Returns
    -------
    str
        The size of the large picture, such as "2048x1536".

    Raises
    ------
    ValueError
        If it cannot be done as asked; nothing has been computed then.
    OSError
        If `target` cannot be written: before the work, or with the place of the result.
    ImageError
        If the photograph cannot be read.
    LedgerError
        If a network is not recorded.
    """
    if target.suffix.lower() != ".png":
        raise ValueError(f"{target}: the name must end in .png, which holds pictures of any size")
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"{target} is the photograph itself: choose another name")
    try_output(target, overwrite=overwrite)
    photo = read_original(source)
    height, width = (SCALE * side for side in photo.colours.shape[-2:])
    channels = 3 if photo.alpha is None else 4
    try_output(target, overwrite=overwrite, needed=channels * width * height)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = mixed_generator(mix).to(device).to(memory_format=torch.channels_last)

    def network(low: Tensor) -> Tensor:
        enlarged: Tensor = generator(low.to(device, memory_format=torch.channels_last))
        return enlarged

    @torch.inference_mode()
    def write(place: Path) -> Path:
        return write_png(
            place,
            enlarged(photo, network, progress=source.name),
            width=width,
            height=height,
            channels=channels,
            metadata=photo.metadata(width=width, height=height),
            overwrite=overwrite,
        )

    try:
        write(target)
    except OSError as error:
        # It is written while it is made, so that it must be made again.
        spare = write(spare_places(target)[-1])
        why = f"could not be written ({error.strerror}). The result is {spare}"
        raise OSError(f"{target} {why}") from error
    return f"{width}x{height}"
