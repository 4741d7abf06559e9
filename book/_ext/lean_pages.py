"""Make pages light: pictures in files of their own, scripts where they are needed, icons in use.

A notebook holds its pictures inside, and so would the page: a reader would load every frame of
every slider before the first word is drawn. Here each becomes a file named by its content. Frames
are fetched after the page has been drawn (`frames.js`), so that a slider moves at once.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from chapters import EMBEDDED, content
from sphinx.application import Sphinx

FOLDER = "_images"
PREFIX = "embedded-"
SMALLEST = 1000  # bytes below which a picture stays inside: a request costs more

ICONS = Path("_static", "scripts", "fontawesome.js")
_NAME = r'(?:"[a-z0-9-]+"|[a-z0-9]+)'
_DRAWING = r'\[\d+,\d+,\[[^\]]*\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\]'
_ICON = re.compile(f"({_NAME}):({_DRAWING})")
_RUN = re.compile(f"{_NAME}:{_DRAWING}(?:,{_NAME}:{_DRAWING})*")


def file_name(data: bytes, kind: str) -> str:
    """Name of a picture's file, from the same hash that the ledger keeps of artefacts."""
    return f"{PREFIX}{hashlib.sha256(data).hexdigest()[:20]}.{kind}"


def lighten(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Move a page's pictures into files, and leave out MathJax where there is no equation."""
    body = context.get("body", "")

    def to_file(match: re.Match[str]) -> str:
        kind, data = content(match)
        if len(data) < SMALLEST:
            return match[0]
        name = file_name(data, kind)
        path = Path(app.outdir, FOLDER, name)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        return str(context["pathto"](f"{FOLDER}/{name}", 1))

    if body:
        context["body"] = EMBEDDED.sub(to_file, body)
    # The state of the widgets, with all frames, is a script in the page's head.
    scripts = [
        with_body(script, EMBEDDED.sub(to_file, script.attributes["body"]))
        if "body" in getattr(script, "attributes", {})
        else script
        for script in context["script_files"]
    ]
    if 'class="math' not in body:
        scripts = [script for script in scripts if "mathjax" not in words_of(script)]
    context["script_files"] = scripts


def with_body(script: Any, body: str) -> Any:
    """A script of the page's head with other contents."""
    attributes = {**script.attributes, "body": body}
    return type(script)(script.filename, priority=script.priority, **attributes)


def words_of(script: Any) -> str:
    """A script's file name, or what it starts with where it stands in the page."""
    body = getattr(script, "attributes", {}).get("body", "")
    return f"{getattr(script, 'filename', script)} {body[:40]}".lower()


def keep_icons(script: str, used: set[str]) -> str:
    """Font Awesome's script with the drawings of some icons only, its aliases included."""

    def kept(run: re.Match[str]) -> str:
        icons = []
        for name, drawing in _ICON.findall(run[0]):
            aliases = re.findall(r'"([a-z0-9-]+)"', drawing.split("]", 1)[0])
            if used & {name.strip('"'), *aliases}:
                icons.append(f"{name}:{drawing}")
        return ",".join(icons)

    return _RUN.sub(kept, script)


def finish(app: Sphinx, error: Exception | None) -> None:
    """Drop the icons that no page uses, and the pictures of pages that are gone."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    scripts = [p for p in site.glob("_static/**/*.js") if not {"vendor", "packs"} & {*p.parts}]
    words = pages + "".join(p.read_text(encoding="utf-8") for p in scripts if p.name != ICONS.name)
    used = set(re.findall(r"\bfa-([a-z0-9-]+)", words))
    path = site / ICONS
    path.write_text(keep_icons(path.read_text(encoding="utf-8"), used), encoding="utf-8")
    for picture in site.glob(f"{FOLDER}/{PREFIX}*"):
        if picture.name not in pages:
            picture.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    # After myst_nb and the theme have put in what they have.
    app.connect("html-page-context", lighten, priority=900)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
