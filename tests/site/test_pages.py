"""Every page of the built site, as a reader meets it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from site_pages import NOTEBOOKS, PAGES, SITE, needs_site

pytestmark = needs_site

RULES = {
    "runOnly": ["wcag2a", "wcag2aa"],
    # Docutils gives bibliographies roles that a later standard advises against.
    "rules": {
        "aria-deprecated-role": {"enabled": False},
        "aria-required-children": {"enabled": False},
    },
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desktop", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_page(visit: Callable[..., Page], server: str, name: str, width: str, scheme: str):
    page = visit(f"{server}/{name}", width=width, scheme=scheme)
    assert page.title()
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.locator("mjx-merror").count() == 0

    sideways = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert sideways <= 0, f"the page is {sideways} px wider than the window"

    silent = page.evaluate(
        "[...document.images].filter(i => !i.hidden && !i.alt).map(i => i.outerHTML.slice(0, 120))"
    )
    assert silent == [], "pictures without alternative text"

    page.evaluate("[...document.images].forEach(image => image.loading = 'eager')")
    page.wait_for_function("[...document.images].every(i => i.complete)")
    broken = page.evaluate(
        "[...document.images].filter(i => !i.naturalWidth).map(i => i.outerHTML.slice(0, 120))"
    )
    assert broken == [], "pictures that do not load"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_accessible(visit: Callable[..., Page], server: str, name: str, scheme: str):
    page = visit(f"{server}/{name}", scheme=scheme, watched=False)  # axe asks for more files
    found = Axe().run(page, options=RULES).response["violations"]
    problems = [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]
    assert problems == []


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str):
    page = SITE / name
    for href in re.findall(r'<a [^>]*href="([^"]*)"', page.read_text(encoding="utf-8")):
        address, fragment = urldefrag(unescape(href))
        if re.match(r"[a-z]+:", address):
            continue
        path = (page.parent / unquote(address)).resolve() if address else page
        assert path.exists(), href
        if fragment and path.suffix == ".html":
            assert f'id="{unquote(fragment)}"' in path.read_text(encoding="utf-8"), href


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_chapter_shows_what_its_notebook_put_out(
    visit: Callable[..., Page], server: str, notebook: Path
):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    hidden = {"remove-output", "remove-cell"}
    expected = sum(
        bool(cell.get("outputs")) and not hidden & set(cell["metadata"].get("tags", []))
        for cell in cells
    )
    page = visit(f"{server}/notebooks/{notebook.stem}.html")
    assert expected > 0
    assert page.locator("div.cell_output").count() == expected


@pytest.mark.parametrize("name", ["index.html", *(f"notebooks/{p.stem}.html" for p in NOTEBOOKS)])
def test_page_works_from_a_folder(visit: Callable[..., Page], name: str):
    page = visit((SITE / name).as_uri())
    assert page.locator("article h1").is_visible()


def test_search_works_from_a_folder(visit: Callable[..., Page]):
    # A browser refuses to read the excerpts from files, and says so; the titles are what counts.
    page = visit((SITE / "search.html").as_uri() + "?q=SRGAN", watched=False)
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() > 0
