"""What the book consists of: the chapters that `_toc.yml` lists, and what is in their notebooks.

The site, the workshop kit and the slides are made from the notebooks, and ask here.
"""

from __future__ import annotations

import ast
import base64
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
WIDGETS = "application/vnd.jupyter.widget-state+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
EMBEDDED = re.compile(
    r"data:image/(?:svg\+xml,(?P<svg>[^\"\\<>]+)"
    r"|(?P<kind>webp|png|jpeg|gif);base64,(?P<data>[A-Za-z0-9+/=]+))"
)
"""An image file inside a page; a drawing may hold further files, which are its own."""
EXERCISE = re.compile(r"^(`{3,}|:{3,})\{exercise\}(.*)$", re.M)

SMALLEST_PICTURE = 2000
"""Bytes below which an image file is an icon and no picture."""


@dataclass(frozen=True)
class Chapter:
    """A notebook that the book publishes as a chapter."""

    name: str
    path: Path

    @cached_property
    def notebook(self) -> nbformat.NotebookNode:
        """Cells, outputs and the state of the widgets."""
        return nbformat.read(self.path, as_version=4)

    @cached_property
    def title(self) -> str:
        """Its first heading."""
        return str(self.notebook.cells[0].source).partition("\n")[0].removeprefix("# ").strip()

    @cached_property
    def opening(self) -> str:
        """The first paragraph of prose, in plain words."""
        paragraphs = re.split(r"\n\s*\n", self.notebook.cells[0].source)[1:]
        prose = next(text for text in paragraphs if "colab.research.google.com" not in text)
        return without_markup(prose)

    @property
    def was_run(self) -> bool:
        """Whether any cell has put something out."""
        return any(cell.get("outputs") for cell in self.notebook.cells)

    @cached_property
    def exercises(self) -> list[str]:
        """Titles of the exercises, in order."""
        return [
            match[2].strip()
            for cell in self.notebook.cells
            if cell.cell_type == "markdown"
            for match in EXERCISE.finditer(cell.source)
        ]

    @cached_property
    def minutes_to_read(self) -> int:
        """At 150 words a minute and half a minute for each thing to look at, in steps of five."""
        prose = [c.source for c in self.notebook.cells if c.cell_type == "markdown"]
        words = sum(len(without_markup(text).split()) for text in prose)
        sights = sum(bool(cell.get("outputs")) for cell in self.notebook.cells)
        return max(5, 5 * round((words / 150 + sights / 2) / 5))

    def pictures(self) -> Iterator[bytes]:
        """The last image file of each output, in order, a cell tagged `cover` first."""
        cells = [cell for cell in self.notebook.cells if cell.get("outputs")]
        cells.sort(key=lambda cell: "cover" not in cell.metadata.get("tags", []))
        for cell in cells:
            found = [picture for html in self.shown(cell) for picture in embedded_in(html)]
            large = [data for kind, data in found if kind != "svg" and len(data) > SMALLEST_PICTURE]
            yield from large[-1:]

    def shown(self, cell: nbformat.NotebookNode) -> Iterator[str]:
        """The HTML of a cell's outputs, of its widgets their starting frame."""
        for output in cell.get("outputs", []):
            yield str(output.get("data", {}).get("text/html", ""))

    @cached_property
    def sources_shown(self) -> list[str]:
        """Full names of what the page shows by `show.source`."""
        return list(self._calls(shown_only=True))

    @cached_property
    def names_used(self) -> list[str]:
        """Full names of all that the notebook's code takes from the library, in order."""
        return list(self._calls(shown_only=False))

    def _calls(self, *, shown_only: bool) -> Iterator[str]:
        trees = [
            ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.M))
            for cell in self.notebook.cells
            if cell.cell_type == "code"
        ]
        imported = dict(_imports(trees))
        seen = set()
        for tree in trees:
            for expression in _expressions(tree, shown_only=shown_only):
                first, *rest = expression.split(".")
                if name := _full_name(".".join([imported.get(first, ""), *rest])):
                    if name not in seen:
                        yield name
                    seen.add(name)


def embedded_in(html: str) -> Iterator[tuple[str, bytes]]:
    """The image files inside some HTML: the kind of each, and its content."""
    return map(content, EMBEDDED.finditer(html))


def content(match: re.Match[str]) -> tuple[str, bytes]:
    """Kind and content of an embedded file."""
    if match["svg"]:
        return "svg", unquote(match["svg"]).encode()
    return match["kind"], base64.b64decode(match["data"])


@cache
def listed(root: Path = ROOT) -> list[Chapter]:
    """The chapters in the order of the table of contents."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [
        Chapter(Path(file).name, root / f"{file}.ipynb")
        for file in files
        if file.startswith("notebooks/")
    ]


def repository(root: Path = ROOT) -> str:
    """The repository's public address."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return str(config["repository"]["url"])


@cache
def published(root: Path = ROOT) -> str:
    """The site's public address, with a slash at its end: GitHub Pages unless one is set."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    if address := config["html"].get("baseurl"):
        return f"{address.rstrip('/')}/"
    owner, name = repository(root).removeprefix("https://github.com/").split("/")
    return f"https://{owner}.github.io/{name}/"


def without_markup(text: str) -> str:
    """Prose without roles, directives, links, emphasis and mathematics."""
    text = re.sub(r"^(`{3,}|:{3,})\{?.*$|^:\w+:.*$", " ", text, flags=re.M)
    text = re.sub(r"\$\$.*?\$\$(\s*\([\w-]+\))?|\$[^$\n]+\$", " ", text, flags=re.S)
    text = re.sub(r"\s*\{[\w:]+\}`[^`]*`", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"[*`#]", "", text).split())


def _imports(trees: list[ast.Module]) -> Iterator[tuple[str, str]]:
    """What a name in the notebook stands for, if it comes from the library."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tutorial_lib"):
                for alias in node.names:
                    yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _expressions(tree: ast.Module, *, shown_only: bool) -> Iterator[str]:
    """Dotted names in some code: all, or those that `show.source` is called with."""
    for node in ast.walk(tree):
        if not shown_only and isinstance(node, ast.Name | ast.Attribute):
            yield ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("show.source", "source"):
            yield from (ast.unparse(argument) for argument in node.args)


def _full_name(path: str) -> str:
    """The name under which the library defines the thing at a path, or nothing."""
    module, *attributes = path.split(".")
    if module != "tutorial_lib":
        return ""
    thing: Any = importlib.import_module(module)
    for attribute in attributes:
        try:
            thing = getattr(thing, attribute)
        except AttributeError:
            try:
                thing = importlib.import_module(f"{thing.__name__}.{attribute}")
            except (AttributeError, ImportError):
                return ""
    home, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    return f"{home}.{name}" if home and name and home.startswith("tutorial_lib") else ""
