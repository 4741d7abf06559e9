"""The workshop's slides on a projector: nothing is cut off, and figures fill the screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from site_pages import CHAPTERS
from slides import slides

# Of each slide: its height, and which share of the screen's width or height its figure takes.
SIZES = """() => [...document.querySelectorAll("section")].slice(1).map(slide => {
    const box = slide.querySelector(".figure").getBoundingClientRect();
    const parts = [...slide.querySelectorAll(".figure img, .figure table, .figure pre")]
        .filter(part => part.offsetParent).map(part => part.getBoundingClientRect());
    const wide = Math.max(...parts.map(p => p.right)) - Math.min(...parts.map(p => p.left));
    return [slide.offsetHeight, Math.max(wide / innerWidth, box.height / innerHeight)];
})"""


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_slides_fill_a_projector(chapter, browser: Browser, tmp_path):
    deck = tmp_path / "slides.html"
    deck.write_text(slides(chapter), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.goto(deck.as_uri())
    found = page.evaluate(SIZES)
    page.close()
    assert len(found) > 5
    for number, (height, share) in enumerate(found, 1):
        assert height <= 1090, f"slide {number} is taller than the screen"
        assert share > 0.5, f"the figure of slide {number} takes only {share:.0%} of the screen"
