"""Keep room for the sliders that scripts draw after the page: what is below them does not jump."""

from __future__ import annotations

import json
import re
from typing import Any

from saved_sliders import FRAMES, first_frame
from sphinx.application import Sphinx

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = re.compile(
    r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', re.S
)
SIZE = re.compile(r'<img [^>]*?width="(\d+)" height="(\d+)"')
LINE, CONTROL = 28, 44
"""Heights in CSS pixels of a line of caption, and of a slider or button."""


def room(box: dict[str, Any], state: dict[str, Any]) -> str:
    """The style of an element that is as high as a slider will be; empty if that is not known."""
    frame = first_frame(box, state)
    sizes = SIZE.findall(frame)
    if len(sizes) != 1:
        return ""  # several pictures, which fold on a narrow page
    children = [state[child.removeprefix("IPY_MODEL_")] for child in box["state"]["children"]]
    controls = sum(
        child["model_name"] == "IntSliderModel" or "<button" in str(child["state"].get("value", ""))
        for child in children
    )
    width, height = map(int, sizes[0])
    return f"--width:{width}px;--ratio:{height / width:.4f};--more:{LINE + CONTROL * controls}px"


def keep_room(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Wrap each slider's place in an element of its height."""
    scripts = [getattr(script, "attributes", {}) for script in context["script_files"]]
    texts = [script["body"] for script in scripts if script.get("type") == STATE]
    if not texts:
        return
    state = json.loads(texts[0])["state"]

    def wrapped(match: re.Match[str]) -> str:
        box = state.get(json.loads(match[1])["model_id"])
        if box is None or FRAMES not in box["state"].get("_dom_classes", []):
            return match[0]
        style = room(box, state)
        return f'<div class="widget-room" style="{style}">{match[0]}</div>' if style else match[0]

    context["body"] = VIEW.sub(wrapped, context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    # After lean_pages, which has made the state small.
    app.connect("html-page-context", keep_room, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
