"""The sliders of a notebook, read from the state of its widgets.

A slider of `tutorial_lib.show` is a box that holds a stack of frames, or a stack of such stacks for
each further axis, and one integer slider for each axis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from math import prod
from typing import Any

from nbformat import NotebookNode

WIDGETS = "application/vnd.jupyter.widget-state+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
FRAMES = "tutorial-frames"
_HOOK = re.compile(r'<img hidden[^>]* onload="[^"]*"[^>]*>')

CHOOSE = (
    "const root=this.closest('.frames'),inputs=[...root.querySelectorAll('input')];"
    "const at=inputs.reduce((k,input)=>k*(+input.max+1)+ +input.value,0);"
    "root.querySelectorAll('.frame').forEach((frame,i)=>frame.hidden=i!==at)"
)


@dataclass(frozen=True)
class SavedSlider:
    """One slider, or several over a table of frames.

    Attributes
    ----------
    cell : int
        Index of the cell that shows it.
    frames : list of str
        HTML, in row-major order.
    names : list of str
        Name of the slider of each axis, the slowest first.
    sizes, start : list of int
        Positions of each axis, and where it stands at first.
    """

    cell: int
    frames: list[str]
    names: list[str]
    sizes: list[int]
    start: list[int]

    @property
    def html(self) -> str:
        """The same as plain HTML with a line of script, for a page without widgets."""
        at = 0
        for index, size in zip(self.start, self.sizes, strict=True):
            at = at * size + index
        frames = "".join(
            f'<div class="frame"{"" if index == at else " hidden"}>{_HOOK.sub("", frame)}</div>'
            for index, frame in enumerate(self.frames)
        )
        inputs = "".join(
            f'<label>{escape(name)} <input type="range" min="0" max="{size - 1}" value="{value}" '
            f'oninput="{CHOOSE}"></label>'
            for name, size, value in zip(self.names, self.sizes, self.start, strict=True)
        )
        return f'<div class="frames">{frames}{inputs}</div>'


def saved_sliders(notebook: NotebookNode) -> Iterator[SavedSlider]:
    """The sliders over recorded frames that a notebook shows, in order."""
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            view = output.get("data", {}).get(WIDGET)
            box = state.get(view["model_id"]) if view else None
            if box is None or FRAMES not in box["state"].get("_dom_classes", []):
                continue
            children = [
                state[child.removeprefix("IPY_MODEL_")] for child in box["state"]["children"]
            ]
            sliders = [c["state"] for c in children if c["model_name"] == "IntSliderModel"]
            stack = next(c for c in children if c["model_name"] == "StackModel")
            frames = list(_leaves(stack, state))
            sizes = [int(slider["max"]) + 1 for slider in sliders]
            if len(frames) != prod(sizes):
                raise ValueError(f"cell {index}: {len(frames)} frames for sliders of {sizes}")
            yield SavedSlider(
                cell=index,
                frames=frames,
                names=[slider["description"] for slider in sliders],
                sizes=sizes,
                start=[int(slider.get("value", 0)) for slider in sliders],
            )


def first_frame(box: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """The HTML of the first frame of a slider's box."""
    children = (state[child.removeprefix("IPY_MODEL_")] for child in box["state"]["children"])
    stack = next(child for child in children if child["model_name"] == "StackModel")
    return next(_leaves(stack, state))


def _leaves(stack: Mapping[str, Any], state: Mapping[str, Any]) -> Iterator[str]:
    for child in stack["state"]["children"]:
        model = state[child.removeprefix("IPY_MODEL_")]
        if model["model_name"] == "StackModel":
            yield from _leaves(model, state)
        else:
            yield str(model["state"]["value"])
