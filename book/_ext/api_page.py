"""Writes the body of ``book/api.md``: every public module of the library, from its docstrings."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from numpydoc.docscrape_sphinx import SphinxDocString
from sphinx.application import Sphinx

import tutorial_lib

PAGE = "book/api"
MARK = "<!-- modules -->"
COMMANDS = "tutorial_lib.cli"  # has its own --help


def modules(package: Any = tutorial_lib) -> Iterator[str]:
    """Names of the modules to list: a package that says what it exports stands for its parts."""
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        if found.ispkg and not hasattr(module, "__all__"):
            yield from modules(module)
        elif found.name != COMMANDS and not found.name.rpartition(".")[2].startswith("_"):
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


def always_outdated(*_: Any) -> list[str]:
    """Have the page read again at every build: the library changes without it."""
    return [PAGE]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", write_page)
    app.connect("autodoc-process-docstring", module_sections)
    app.connect("env-get-outdated", always_outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
