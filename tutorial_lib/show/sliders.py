"""Sliders over recorded frames, which go on working where there is no kernel."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from torch import Tensor

from tutorial_lib.show.pictures import (
    KEEP_KEYS,
    ImageLike,
    Picture,
    caption_html,
    encoded,
    img,
    magnification,
    required_alt,
)
from tutorial_lib.show.slider_page import CHOOSE_FRAME, HOOK, PLAY, STYLE

FrameLike = ImageLike | Picture
"""What one position of a slider shows."""

MAX_STATE_BYTES = 1_000_000
"""The most that one slider may add to a notebook, whose limit is three times as much."""

_ROOM = 520


class Frames:
    """Frames along one or more axes, in row-major order, with a slider for each axis."""

    def __init__(
        self,
        frames: Sequence[FrameLike],
        *,
        labels: Sequence[str],
        alt: str,
        caption: str | None,
        shape: tuple[int, ...],
        descriptions: tuple[str, ...],
        start: tuple[int, ...],
        interval: int | None,
        width: int | None,
        max_bytes: int,
    ) -> None:
        self.alt = required_alt(alt)
        self.caption = caption
        self.labels = tuple(labels)
        self.shape = shape
        self.descriptions = descriptions
        if len(frames) != len(self.labels):
            raise ValueError(f"{len(frames)} frames, but {len(self.labels)} labels")
        if min(shape) < 2:
            raise ValueError("a slider needs at least two frames")
        if not all(descriptions):
            raise ValueError("description is empty: it is the slider's name")
        self.start = tuple(_position(at, size) for at, size in zip(start, shape, strict=True))
        self._interval = interval
        self._bodies, self._width = _bodies(frames, self.labels, alt=self.alt, width=width)
        size = sum(len(body) + len(HOOK) for body in self._bodies)
        if size > max_bytes:
            raise ValueError(
                f"{len(frames)} frames take {size / 1000:.0f} kB of the notebook, and the limit is "
                f"{max_bytes / 1000:.0f} kB: show fewer frames, crop them, make them smaller, or "
                "pass a larger max_bytes"
            )

    @cached_property
    def widget(self) -> widgets.VBox:
        """The slider as a widget, for boxes and for observers; made when first asked for."""
        wide = widgets.Layout(width="100%", margin="0")
        frames: list[widgets.Widget] = [
            widgets.HTML(_figure(body, label, more=HOOK), layout=wide)
            for body, label in zip(self._bodies, self.labels, strict=True)
        ]
        controls: list[widgets.Widget] = []
        # From the last axis, along which frames lie side by side, to the first.
        for axis in reversed(range(len(self.shape))):
            size, at = self.shape[axis], self.start[axis]
            slider = widgets.IntSlider(
                at,
                min=0,
                max=size - 1,
                description=self.descriptions[axis],
                readout=False,
                style={"description_width": "initial"},
                layout=wide,
            )
            stacks = [
                widgets.Stack(frames[first : first + size], selected_index=at, layout=wide)
                for first in range(0, len(frames), size)
            ]
            for stack in stacks:
                widgets.jslink((slider, "value"), (stack, "selected_index"))
            frames = stacks
            controls.insert(0, slider)
        if self._interval:
            controls.append(widgets.HTML(self._button, layout=wide))
        notes = STYLE + (f"<div>{escape(self.caption)}</div>" if self.caption else "")
        box = widgets.VBox(
            [*frames, *controls, widgets.HTML(notes, layout=wide)],
            layout=widgets.Layout(width="100%", max_width=_css_width(self._width)),
        )
        return box.add_class("tutorial-frames")

    @property
    def html(self) -> str:
        """The slider as HTML and a line of script, for a front end that has no such widgets."""
        at = self._flat(self.start)
        frames = "".join(
            _figure(body, label, hidden=index != at)
            for index, (body, label) in enumerate(zip(self._bodies, self.labels, strict=True))
        )
        inputs = "".join(
            f'<label>{escape(name)}<input type="range" min="0" max="{size - 1}" '
            f'value="{value}" aria-valuetext="{escape(self.labels[at])}" '
            f'oninput="{CHOOSE_FRAME}"></label>'
            for name, size, value in zip(self.descriptions, self.shape, self.start, strict=True)
        )
        return self._still(frames + inputs + (self._button if self._interval else ""))

    @property
    def fallback(self) -> str:
        """The starting frame as HTML, for pages where nothing moves."""
        at = self._flat(self.start)
        return self._still(_figure(self._bodies[at], self.labels[at]))

    @property
    def _button(self) -> str:
        script = PLAY.format(interval=self._interval)
        return f'<button type="button" onclick="{script}">▶ play</button>'

    def _still(self, content: str) -> str:
        caption = f"<div>{escape(self.caption)}</div>" if self.caption else ""
        return (
            f'<div class="tutorial-frames" {KEEP_KEYS} role="group" '
            f'aria-label="{escape(self.alt)}" style="max-width:{_css_width(self._width)}">'
            f"{STYLE}{content}{caption}</div>"
        )

    def _flat(self, indices: tuple[int, ...]) -> int:
        at = 0
        for index, size in zip(indices, self.shape, strict=True):
            at = at * size + index
        return at

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        text = f"{self.alt} ({len(self.labels)} frames: {self.labels[0]} to {self.labels[-1]})"
        # Colab draws the widgets of ipywidgets 7, which knows no Stack.
        if "google.colab" in sys.modules:
            return {"text/html": self.html, "text/plain": text}
        bundle = dict(self.widget._repr_mimebundle_(**options))
        return {**bundle, "text/html": self.fallback, "text/plain": text}


class FrameSlider(Frames):
    """A slider that moves through recorded frames, with or without a kernel.

    It is an `IntSlider` linked in the browser to the selected child of a `Stack`, so that it
    answers wherever the notebook's widget state is at hand: in the published page, JupyterLab and
    VS Code. Where widgets cannot be drawn, the starting frame stands in its place; in Colab the
    same frames come with a slider of plain HTML.

    All frames are part of the notebook, as widget state in its metadata: eleven frames of 40 kB
    add about 0.6 MB. Hence `max_bytes`.

    Parameters
    ----------
    frames : sequence
        At least two: tensors of shape (1, 3, H, W) or (3, H, W) and range [0, 1], the bytes or
        paths of WebP, PNG or JPEG files (embedded as they are), all of one size; or pictures made
        by `grid`, `curves` and `figure`.
    labels : sequence of str
        What stands below each frame, for instance "step 2000, 24.1 dB".
    alt : str
        What the frames show, in a sentence.
    caption : str, optional
        Text below the slider.
    description : str
        The slider's name.
    start : int
        The first frame shown; negative numbers count from the end.
    play : bool
        Whether there is a button that runs the frames, again and again.
    interval : int
        Time between frames when they run, in milliseconds.
    width : int, optional
        Width of the frames on the page in CSS pixels. If left out, small ones are shown at a
        whole multiple of their size.
    max_bytes : int
        Limit for what the frames add to the notebook.

    Attributes
    ----------
    widget : ipywidgets.VBox
        To be put into other boxes.

    Raises
    ------
    ValueError
        If `alt` is empty, there are not as many labels as frames, the frames differ in size, or
        they take more than `max_bytes`.
    """

    def __init__(
        self,
        frames: Sequence[FrameLike] | Tensor,
        *,
        labels: Sequence[str],
        alt: str,
        caption: str | None = None,
        description: str = "step",
        start: int = 0,
        play: bool = False,
        interval: int = 500,
        width: int | None = None,
        max_bytes: int = MAX_STATE_BYTES,
    ) -> None:
        frames = list(frames)
        super().__init__(
            frames,
            labels=labels,
            alt=alt,
            caption=caption,
            shape=(len(frames),),
            descriptions=(description,),
            start=(start,),
            interval=interval if play else None,
            width=width,
            max_bytes=max_bytes,
        )


class FrameGrid(Frames):
    """Sliders that move through a table of recorded frames, with or without a kernel.

    As `FrameSlider`, with a slider for each axis of the table. For weights of three networks, let
    one slider be the first network's weight and the other the share of the rest that the second
    one gets: then every position is possible.

    Parameters
    ----------
    frames : nested sequences
        As deep as there are sliders: for two of them, rows of equal length. Frames as in
        `FrameSlider`.
    labels : nested sequences of str
        What stands below each frame, nested alike.
    alt : str
        What the frames show, in a sentence.
    descriptions : sequence of str
        Names of the sliders, from the outermost axis to the one along which frames lie side by
        side.
    caption : str, optional
        Text below the sliders.
    start : sequence of int, optional
        The position shown first, one number a slider; negative numbers count from the end. By
        default each slider's first.
    width : int, optional
        Width of the frames on the page in CSS pixels.
    max_bytes : int
        Limit for what the frames add to the notebook.

    Raises
    ------
    ValueError
        If rows differ in length, frames or labels are not nested so deep, `start` has not one
        number a slider, and as in `FrameSlider`.
    """

    def __init__(
        self,
        frames: Sequence[Any],
        *,
        labels: Sequence[Any],
        alt: str,
        descriptions: Sequence[str],
        caption: str | None = None,
        start: Sequence[int] | None = None,
        width: int | None = None,
        max_bytes: int = MAX_STATE_BYTES,
    ) -> None:
        axes = len(descriptions)
        flat, shape = _flattened(frames, axes)
        texts, same = _flattened(labels, axes)
        if shape != same:
            raise ValueError(
                f"frames of shape {shape}, but labels of shape {same}: both must be nested alike, "
                "and all rows must have one length"
            )
        start = (0,) * axes if start is None else tuple(start)
        if len(start) != axes:
            raise ValueError(f"start is {start}, but there are {axes} sliders")
        super().__init__(
            flat,
            labels=texts,
            alt=alt,
            caption=caption,
            shape=shape,
            descriptions=tuple(descriptions),
            start=start,
            interval=None,
            width=width,
            max_bytes=max_bytes,
        )


def _flattened(table: Sequence[Any], axes: int) -> tuple[list[Any], tuple[int, ...]]:
    """Entries of a nested table in row-major order, and its shape."""
    entries, shape = list(table), [len(table)]
    for _ in range(axes - 1):
        if any(isinstance(entry, str | bytes | Path | Picture) for entry in entries):
            raise ValueError(f"entries are nested {len(shape)} deep, but there are {axes} sliders")
        lengths = [len(entry) for entry in entries]
        if len(set(lengths)) != 1:
            raise ValueError(f"rows of {lengths} entries: all rows must have one length")
        entries = [inner for entry in entries for inner in entry]
        shape.append(lengths[0])
    return entries, tuple(shape)


def _bodies(
    frames: Sequence[FrameLike], labels: Sequence[str], *, alt: str, width: int | None
) -> tuple[list[str], int | None]:
    """Return the frames as HTML, and the width of the images among them on the page."""
    pictures = {
        # Lossy WebP halves the resolution of colour, which shows where pixels are much enlarged.
        index: encoded(frame, quality=100 if _is_tiny(frame) else 90)
        for index, frame in enumerate(frames)
        if not isinstance(frame, Picture)
    }
    sizes = {(picture.width, picture.height) for picture in pictures.values()}
    if len(sizes) > 1:
        raise ValueError(f"frames of different sizes: {sorted(sizes)}")
    if width is None and sizes:
        natural = next(iter(sizes))[0]
        width = natural * magnification(natural, _ROOM)
    return [
        frame.html
        if isinstance(frame, Picture)
        else img(pictures[index], alt=f"{alt} {label}", width=width, lazy=False)
        for index, (frame, label) in enumerate(zip(frames, labels, strict=True))
    ], width


def _is_tiny(frame: ImageLike) -> bool:
    return isinstance(frame, Tensor) and magnification(frame.shape[-1], _ROOM) >= 4


def _figure(body: str, label: str, *, more: str = "", hidden: bool = False) -> str:
    return (
        f'<figure class="tutorial-frame"{" hidden" if hidden else ""}>{body}'
        f"{caption_html(label)}{more}</figure>"
    )


def _css_width(width: int | None) -> str:
    # A slider narrower than this is hard to use with a thumb.
    return "100%" if width is None else f"{max(width, 300)}px"


def _position(index: int, size: int) -> int:
    if not -size <= index < size:
        raise ValueError(f"start {index} is not one of {size} frames")
    return index % size
