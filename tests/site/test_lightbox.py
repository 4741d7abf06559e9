"""A picture that is pressed fills the screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from site_pages import SITE, needs_site

pytestmark = needs_site

ADDRESS = (SITE / "notebooks" / "srgan.html").as_uri()
PICTURES = ".bd-article .tutorial-grid img"


def opened(page: Page) -> Locator:
    return page.locator("dialog.lightbox[open] img")


@pytest.mark.parametrize("way", ["click", "tap", "keyboard"])
def test_a_picture_is_enlarged(visit: Callable[..., Page], way: str):
    page = visit(ADDRESS, width="phone" if way == "tap" else "desktop")
    picture = page.locator(PICTURES).first
    before = picture.bounding_box()
    assert opened(page).count() == 0
    if way == "keyboard":
        picture.focus()
        page.keyboard.press("Enter")
    else:
        picture.tap() if way == "tap" else picture.click()
    expect(opened(page)).to_be_visible()
    assert opened(page).evaluate("image => image.complete && image.currentSrc") == (
        picture.evaluate("image => image.currentSrc")
    )
    assert opened(page).get_attribute("alt") == picture.get_attribute("alt")
    after, window = opened(page).bounding_box(), page.viewport_size
    assert before is not None
    assert after is not None
    assert window is not None
    assert after["width"] > before["width"]
    assert (after["width"], after["height"]) == (window["width"], window["height"])
    if way == "keyboard":
        page.keyboard.press("Escape")
        expect(picture).to_be_focused()
    else:
        page.get_by_role("button", name="close").click()
    assert opened(page).count() == 0


def test_a_slider_s_picture_is_enlarged_as_it_stands(visit: Callable[..., Page]):
    page = visit(ADDRESS)
    box = page.locator(".tutorial-frames").first
    handle = box.locator("[role=slider]").last
    handle.focus()
    handle.press("Home")
    handle.press("ArrowRight")
    picture = box.locator("img:not([hidden])").locator("visible=true").first
    picture.click()
    assert opened(page).evaluate("image => image.currentSrc") == (
        picture.evaluate("image => image.currentSrc")
    )


def test_a_divider_is_pulled_and_opens_nothing(visit: Callable[..., Page]):
    page = visit(ADDRESS)
    page.locator(".tutorial-compare .pictures").first.click()
    assert opened(page).count() == 0
    assert page.locator(".bd-article img[tabindex]").count() > 0
    assert page.locator(".tutorial-compare img[tabindex]").count() == 0
