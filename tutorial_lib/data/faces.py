"""Cartoon faces drawn on this machine: thousands of training images without a download.

Each face comes from a seed by way of a DiceBear style, a set of vector drawings by one artist. The
drawings are free (CC BY 4.0 or CC0 1.0); `face_credits` names the artists.

Used in the chapters on generative adversarial networks and on coarse-to-fine generators.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import json
import multiprocessing
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pooch
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from tutorial_lib.data.images import from_uint8
from tutorial_lib.files import write_atomically

# DiceBear is imported where it is used: that takes long, and most readers of this package draw
# nothing.
if TYPE_CHECKING:
    from dicebear import Avatar, Style

DEFAULT_STYLES = ("adventurer", "big-ears", "big-smile", "micah", "personas", "toon-head")
"""Coloured styles that show a whole head, and have tens of thousands of different faces each."""

COUNTS = {"train": 12_443, "test": 2_048}
"""How many faces each split has by default: the sizes of the article's two sets."""

_LICENSES = ("CC BY 4.0", "CC0 1.0")
# Five pastels of clearly different brightness: a grey picture tells them apart, so that
# colourisation has an answer in the background too.
_BACKGROUNDS = ["#f6e7c1", "#c3ead7", "#efbfc8", "#a6c8e6", "#b5a8dc"]
_TEST_SHARE = 7  # one identity in so many is a test identity; 2,048 of 14,491 are 1 in 7.08
_CHUNK = 64  # faces a worker draws between two moves of the progress bar
_FACES_PER_WORKER = 500  # for fewer, starting a worker takes longer than it saves


class CartoonFaces:
    """A set of different cartoon faces, drawn once and then kept in the user's cache.

    An identity is everything about a face except the colour behind it: which hair, eyes, nose and
    mouth, and their colours. No identity occurs twice, neither within a split nor in both: the
    split that an identity belongs to is decided by its own hash, not by the seed that led to it,
    because two seeds can lead to the same face. Styles take turns: face ``k`` is drawn in style
    ``k % len(styles)``. A smaller `count` gives the first faces of a larger one.

    Parameters
    ----------
    split : str
        ``"train"`` or ``"test"``.
    size : int
        Side of the square images, S, in pixels.
    count : int or None
        Number of faces, N; by default 12,443 for training and 2,048 for testing.
    styles : sequence of str
        Names of DiceBear styles under CC BY 4.0 or CC0 1.0.
    workers : int or None
        Processes that draw; by default one for each 500 faces, and at most one a core. In a
        script, more than one needs the usual ``if __name__ == "__main__":``.
    progress : bool
        Whether drawing shows a progress bar.

    Raises
    ------
    ValueError
        If there is no such split or style, a style is under other terms, or has too few faces.

    Warns
    -----
    UserWarning
        If the faces could not be written to the cache. They are usable, and drawn anew next time.

    Examples
    --------
    >>> faces = CartoonFaces("train", size=32, count=6, progress=False)
    >>> faces.images.shape, faces.images.dtype
    (torch.Size([6, 3, 32, 32]), torch.uint8)
    """

    def __init__(
        self,
        split: str = "train",
        *,
        size: int = 64,
        count: int | None = None,
        styles: Sequence[str] = DEFAULT_STYLES,
        workers: int | None = None,
        progress: bool = True,
    ) -> None:
        if split not in COUNTS:
            raise ValueError(f"no split {split!r}; there are {', '.join(COUNTS)}")
        count = COUNTS[split] if count is None else count
        if size < 1 or count < 1 or not styles or len(set(styles)) < len(styles):
            raise ValueError("size and count must be positive, and styles some different names")
        for style in styles:
            _style(style)
        self.split = split
        self.styles = tuple(styles)
        path = _cache_path(split, size, count, self.styles)
        pixels = _read(path, (count, size, size, 3))
        if pixels is None:
            pixels = _draw_all(split, size, count, self.styles, workers, progress)
            _write(path, pixels)
        self._pixels = torch.from_numpy(pixels)
        self._at_hand = self._pixels  # the same, on the device that was sampled on last

    def __len__(self) -> int:
        """Count the faces."""
        return len(self._pixels)

    @property
    def images(self) -> Tensor:
        """All faces: shape (N, 3, S, S), uint8, on the CPU, channels last in memory."""
        return self._pixels.permute(0, 3, 1, 2)

    def sample(
        self, batch: int, *, generator: torch.Generator, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Take random faces, with replacement.

        The result is a pure function of the generator's state. The bytes are copied to `device` at
        the first call for it.

        Parameters
        ----------
        batch : int
            Number of faces, B.
        generator : torch.Generator
            Source of the randomness, on the CPU.
        device : torch.device or str
            Where the faces are wanted.

        Returns
        -------
        Tensor
            Shape (B, 3, S, S), float32, range [0, 1], channels last in memory.
        """
        index = torch.randint(len(self), (batch,), generator=generator)
        self._at_hand = self._at_hand.to(device)
        chosen = self._at_hand.index_select(0, index.to(self._at_hand.device))
        return from_uint8(chosen.permute(0, 3, 1, 2))


def draw_face(seed: int | str, *, size: int = 64, style: str = "toon-head") -> Tensor:
    """Draw the face that belongs to a seed.

    Parameters
    ----------
    seed : int or str
        Any number or word; the same one always gives the same face.
    size : int
        Side of the square image, S, in pixels.
    style : str
        Name of a DiceBear style under CC BY 4.0 or CC0 1.0.

    Returns
    -------
    Tensor
        Shape (1, 3, S, S), float32, range [0, 1].

    Raises
    ------
    ValueError
        If there is no such style, or it is under other terms.

    Examples
    --------
    >>> draw_face("Ada", size=32).shape
    torch.Size([1, 3, 32, 32])
    """
    return from_uint8(torch.from_numpy(_draw(style, str(seed), size)).permute(2, 0, 1)[None])


def face_credits(styles: Sequence[str] = DEFAULT_STYLES) -> str:
    """Say who drew the styles and under what terms, as CC BY asks; print it beside the faces.

    Parameters
    ----------
    styles : sequence of str
        Names of DiceBear styles.

    Returns
    -------
    str
        One line a style, from the styles' own metadata.

    Raises
    ------
    ValueError
        If there is no such style, or it is under other terms.

    Examples
    --------
    >>> print(face_credits(["lorelei"]))
    lorelei: Lorelei (https://...) by Lisa Wischofsky (https://...), CC0 1.0 (https://...), ...
    """
    return "\n".join(_credit(style) for style in styles)


def _credit(style: str) -> str:
    meta = _style(style).meta()
    work, artist, terms = meta.source(), meta.creator(), meta.license()
    return (
        f"{style}: {work.name()} ({work.url()}) by {artist.name()} ({artist.url()}), "
        f"{terms.name()} ({terms.url()}), as adapted by DiceBear"
    )


@functools.cache
def _style(name: str) -> Style:
    from dicebear import Style

    known = {
        file.name.removesuffix(".json"): file
        for file in resources.files("dicebear_styles").iterdir()
        if file.name.endswith(".json")
    }
    if name not in known:
        raise ValueError(f"no DiceBear style {name!r}; there are {', '.join(sorted(known))}")
    style = Style.from_json(known[name].read_text("utf-8"))
    terms = style.meta().license().name()
    if terms not in _LICENSES:
        raise ValueError(
            f"style {name!r} is under {terms!r}; used here are only {' and '.join(_LICENSES)}"
        )
    return style


def _avatar(style: str, seed: str) -> Avatar:
    from dicebear import Avatar

    return Avatar(_style(style), {"seed": seed, "backgroundColor": _BACKGROUNDS})


def _draw(style: str, seed: str, size: int) -> np.ndarray:
    """Return (S, S, 3) uint8."""
    import resvg_py

    png = resvg_py.svg_to_bytes(
        svg_string=_avatar(style, seed).to_string(),
        width=size,
        height=size,
        # The rasteriser composites, so that no pixel is left transparent.
        background="#ffffff",
        skip_system_fonts=True,
    )
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))


def _draw_several(faces: Sequence[tuple[str, str]], size: int) -> np.ndarray:
    return np.stack([_draw(style, seed, size) for style, seed in faces])


def _seeds(style: str, split: str) -> Iterator[str]:
    """Yield seeds of ever new identities that belong to a split."""
    seen: set[bytes] = set()
    repeats = 0
    for number in itertools.count():
        options = _avatar(style, str(number)).to_json()["options"]
        face = {key: value for key, value in options.items() if not key.startswith("background")}
        identity = hashlib.sha256(json.dumps([style, face], sort_keys=True).encode()).digest()
        if identity in seen:
            repeats += 1
            if repeats > 1_000 + 2 * len(seen):
                raise ValueError(
                    f"style {style!r} has only about {len(seen)} different faces in all; "
                    "ask for fewer, or add styles"
                )
            continue
        seen.add(identity)
        if (identity[0] % _TEST_SHARE == 0) == (split == "test"):
            yield str(number)


def _draw_all(
    split: str,
    size: int,
    count: int,
    styles: tuple[str, ...],
    workers: int | None,
    progress: bool,
) -> np.ndarray:
    """Return (N, S, S, 3) uint8."""
    walks = {style: _seeds(style, split) for style in styles}
    turns = itertools.islice(itertools.cycle(styles), count)
    faces = ((style, next(walks[style])) for style in turns)
    chunks = iter(lambda: list(itertools.islice(faces, _CHUNK)), [])
    if workers is None:
        workers = min(os.cpu_count() or 1, count // _FACES_PER_WORKER)
    pixels = np.empty((count, size, size, 3), np.uint8)
    with ExitStack() as stack:
        draw = functools.partial(_draw_several, size=size)
        drawn: Iterator[np.ndarray] = map(draw, chunks)
        if workers > 1:
            # "spawn" because a notebook's kernel has threads, which forking can deadlock.
            context = multiprocessing.get_context("spawn")
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))
            drawn = pool.map(draw, chunks)
        bar = stack.enter_context(
            tqdm(total=count, desc=f"drawing {split} faces", unit="face", disable=not progress)
        )
        for start, block in zip(range(0, count, _CHUNK), drawn, strict=True):
            pixels[start : start + len(block)] = block
            bar.update(len(block))
    return pixels


def _cache_path(split: str, size: int, count: int, styles: tuple[str, ...]) -> Path:
    # Another version of a style or of the rasteriser may draw other pixels.
    versions = [metadata.version(name) for name in ("dicebear-core", "dicebear-styles", "resvg-py")]
    key = hashlib.sha256(json.dumps([styles, versions, _BACKGROUNDS]).encode()).hexdigest()[:12]
    folder = Path(pooch.os_cache("tutorial_lib")) / "faces"
    return folder / f"{split}-{count}-{size}px-{key}.npy"


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the cached faces, or nothing if there are none or the file is damaged."""
    try:
        pixels = np.load(path)
    except (OSError, ValueError, EOFError):
        return None
    return pixels if pixels.shape == shape and pixels.dtype == np.uint8 else None


def _write(path: Path, pixels: np.ndarray) -> None:
    def save(part: Path) -> None:
        # Given a name, NumPy would add its suffix to it.
        with part.open("wb") as file:
            np.save(file, pixels)

    try:
        write_atomically(path, save)
    except OSError as error:
        warnings.warn(
            f"the faces could not be kept in {path} ({error}; {pixels.nbytes >> 20} MiB needed) "
            "and will be drawn anew next time. Free some space to avoid that.",
            stacklevel=3,
        )
