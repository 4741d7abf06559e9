"""Every page of the built site, as a reader meets it: each is loaded once, and looked at in turn
at desktop and phone width, in the light and in the dark.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import WIDTHS
from playwright.sync_api import Page
from site_pages import NOT_FOUND, PAGES, SITE, needs_site

pytestmark = needs_site

FIRST_LOAD = 1_500_000
"""Bytes over the network, compressed, before the frames of a page's sliders."""

RULES = {
    "preload": False,  # the style sheets are here already
    "runOnly": ["wcag2a", "wcag2aa"],
    # Docutils gives bibliographies roles that a later standard advises against.
    "rules": {
        "aria-deprecated-role": {"enabled": False},
        "aria-required-children": {"enabled": False},
    },
}

# What the page asked for until now, without the frames of its sliders.
LOADED = """() => {
    const state = document.querySelector(
        'script[type="application/vnd.jupyter.widget-state+json"]');
    const frames = state ? state.textContent : "";
    const loaded = performance.getEntriesByType("resource")
        .filter(entry => !frames.includes(entry.name.split("/").pop()));
    return [...performance.getEntriesByType("navigation"), ...loaded]
        .map(entry => [entry.name, entry.encodedBodySize]);
}"""


def pictures(page: Page, condition: str) -> list[str]:
    """The pictures of a page for which a condition in JavaScript holds."""
    found = page.evaluate(
        f"[...document.images].filter(i => {condition}).map(i => i.outerHTML.slice(0, 160))"
    )
    assert isinstance(found, list)
    return found


# The library's page is long, and axe looks at every pair of colours on it.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PAGES)
def test_page(visit: Callable[..., Page], server: str, name: str):
    page = visit(f"{server}/{name}")
    loaded = dict(page.evaluate(LOADED))
    assert sum(loaded.values()) <= FIRST_LOAD, sorted(loaded.items(), key=lambda item: -item[1])
    assert page.title()
    assert page.locator("mjx-merror").count() == 0
    assert pictures(page, "!i.hidden && !i.alt && i.role != 'presentation'") == [], "no text"
    assert pictures(page, "!i.hidden && !(i.width && i.height)") == [], "would make the page jump"

    page.evaluate("[...document.images].forEach(image => image.loading = 'eager')")
    page.wait_for_function("[...document.images].every(i => i.complete)", polling=50)
    assert pictures(page, "!i.naturalWidth") == [], "does not load"

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        theme = f"document.documentElement.dataset.theme == '{scheme}'"
        page.wait_for_function(theme, polling=50)
        found = Axe().run(page, options=RULES).response["violations"]
        problems = [
            f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]
        ]
        assert problems == [], scheme
        for width in ("phone", "desktop"):
            size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
            page.set_viewport_size(size)
            sideways = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert sideways <= 0, f"{sideways} px wider than the window: {width}, {scheme}"


def test_cover_shows_a_slider_in_its_first_screen(visit: Callable[..., Page], server: str):
    page = visit(f"{server}/book/intro.html")
    slider = page.locator(".tutorial-compare input").first
    box = slider.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= WIDTHS["desktop"][1]
    before = page.locator(".tutorial-compare .pictures").screenshot()
    slider.focus()
    slider.press("End")
    assert page.locator(".tutorial-compare .pictures").screenshot() != before


def test_wrong_address_leads_back(visit: Callable[..., Page], server: str):
    page = visit(f"{server}/notebooks/older/no_such_page.html", watched=False)
    assert page.locator("h1").inner_text() == "No such page"
    for link in page.locator("a").all():
        address = str(link.evaluate("link => link.href"))
        assert (SITE / address.removeprefix(f"{server}/")).is_file(), address
    assert (SITE / NOT_FOUND).is_file()


def test_cover_works_from_a_folder(visit: Callable[..., Page]):
    page = visit((SITE / "index.html").as_uri())
    assert page.locator("article h1").is_visible()


def test_search_works_from_a_folder(visit: Callable[..., Page]):
    # A browser refuses to read the excerpts from files, and says so; the titles are what counts.
    page = visit((SITE / "search.html").as_uri() + "?q=SRGAN", watched=False)
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() > 0


def test_a_chapter_prints(visit: Callable[..., Page], server: str):
    page = visit(f"{server}/notebooks/srgan.html")
    page.emulate_media(media="print")
    for part in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer", ".copybtn"):
        assert not any(found.is_visible() for found in page.locator(part).all()), part
    for solution in page.locator(".solution").all():
        assert solution.locator("p:not(.admonition-title)").first.is_visible()
