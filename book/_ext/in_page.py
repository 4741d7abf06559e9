"""Give the networks that run in the page what they need: a loader, and the sizes of their packs.

A page that has none gets neither. `scripts/packs.py` makes the packs; what a page loads of them,
and when, is in ``book/_static/inpage``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tutorial_lib import show

SIZES = Path(__file__).resolve().parent.parent / "_static" / "packs" / "sizes.json"
PLACE = re.compile(r'<div class="tutorial-inpage" data-demo="(\w+)"')
RUNTIMES = ("ort-wasm", "ort-webgpu")
LOADER = "inpage/loader.js"


class InPage(SphinxDirective):
    """A network to try, by its name."""

    required_arguments = 1
    option_spec = {"words": directives.unchanged_required}  # noqa: RUF012 - docutils' interface

    def run(self) -> list[nodes.Node]:
        """Make its place."""
        place = show.InPage(self.arguments[0], **self.options)
        return [nodes.raw("", place.html, format="html")]


@cache
def listed() -> dict[str, Any]:
    """The sizes of all packs in bytes, and which of them each demo needs."""
    return dict(json.loads(SIZES.read_text(encoding="utf-8")))


def with_packs(place: str, demo: str) -> str:
    """A place with the packs of its demo, and their sizes, as an attribute.

    Those that it loads only when the reader asks for more are another attribute. A demo that loads
    none has neither.
    """
    found = listed()

    def attribute(name: str, packs: Iterable[str]) -> str:
        sizes = {pack: found["packs"][pack] for pack in packs}
        return f' data-{name}="{escape(json.dumps(sizes))}"' if sizes else ""

    first = attribute("packs", (*RUNTIMES, *found["demos"][demo])) if demo in found["demos"] else ""
    return f"{place}{first}{attribute('later', found['later'].get(demo, ()))}"


def equip(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Write the packs into a page's places, and have it run the loader.

    A demo that needs no pack has a script of its own in the loader's place.
    """
    known = listed()["demos"]
    for demo in dict.fromkeys(PLACE.findall(context.get("body", ""))):
        app.add_js_file(LOADER if demo in known else f"inpage/{demo}.js", loading_method="defer")

    context["body"] = PLACE.sub(
        lambda place: with_packs(place[0], place[1]), context.get("body", "")
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_directive("inpage", InPage)
    app.connect("html-page-context", equip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
