"""Writes the body of ``book/api.md``: every public module of the library, from its docstrings."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

from chapters import listed
from numpydoc.docscrape_sphinx import SphinxDocString
from sphinx.application import Sphinx

import tutorial_lib

PAGE = "book/api"
MARK = "<!-- modules -->"
COMMANDS = "tutorial_lib.cli"  # has its own --help
FILES = "tutorial_lib.files"  # its names are passed on by tutorial_lib.data, and listed there


def modules(package: Any = tutorial_lib) -> Iterator[str]:
    """Names of the modules to list: a package that says what it exports stands for its parts."""
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        if found.ispkg and not hasattr(module, "__all__"):
            yield from modules(module)
        elif found.name not in (COMMANDS, FILES) and not found.name.rpartition(".")[2].startswith(
            "_"
        ):
            yield found.name


def write_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put one section for each module where the page has its mark."""
    if docname == PAGE:
        sections = [
            f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n"
            for name in modules()
        ]
        source[0] = source[0].replace(MARK, "\n".join(sections))


def module_sections(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Read the sections of a module's docstring as numpydoc does those of a function's."""
    if what == "module":
        lines[:] = str(SphinxDocString("\n".join(lines))).split("\n")


@cache
def places() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Full name → the chapters whose page shows its source, and those whose code uses it."""
    taught: dict[str, list[str]] = {}
    used: dict[str, list[str]] = {}
    for chapter in listed():
        for found, names in ((taught, chapter.sources_shown), (used, chapter.names_used)):
            for name in names:
                found.setdefault(name, []).append(chapter.name)
    return taught, used


def chapters_of(name: str) -> str:
    """Where the book teaches something, as a sentence; empty if it is in no chapter.

    A page that shows the source teaches it. Otherwise the chapter of its module does, and what no
    chapter explains may still be used in some.
    """
    taught, used = places()
    home = name.split(".")[1]
    published = [chapter.name for chapter in listed()]
    own = [home] if home in published else []
    for words, names in (
        ("Taught in", taught.get(name)),
        ("Belongs to", own),
        ("Used in", used.get(name)),
    ):
        if names:
            return f"{words} " + ", ".join(f":doc:`/notebooks/{found}`" for found in names) + "."
    return ""


def add_chapters(
    app: Sphinx, what: str, name: str, obj: Any, options: object, lines: list[str]
) -> None:
    """Say below the first line of a docstring which chapter teaches it."""
    if what not in ("class", "function", "exception", "method"):
        return
    full = f"{getattr(obj, '__module__', '')}.{getattr(obj, '__qualname__', '')}"
    if full.startswith("tutorial_lib.") and (sentence := chapters_of(full)):
        first = next((i for i, line in enumerate(lines) if line.strip()), 0)
        end = lines.index("", first) if "" in lines[first:] else len(lines)
        lines[end:end] = ["", ".. container:: taught", "", f"   {sentence}", ""]


def skip_strangers(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: object
) -> bool | None:
    """Leave out compiled functions of other libraries that are an attribute's default."""
    return True if inspect.isbuiltin(obj) else None


def always_outdated(*_: Any) -> list[str]:
    """Have the page read again at every build: the library changes without it."""
    return [PAGE]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", write_page)
    app.connect("autodoc-process-docstring", module_sections)
    app.connect("autodoc-skip-member", skip_strangers)
    # After numpydoc, which would take the sentence for one of its sections.
    app.connect("autodoc-process-docstring", add_chapters, priority=900)
    app.connect("env-get-outdated", always_outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
