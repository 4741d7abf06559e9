"""Every slider of every chapter, moved by keyboard, pointer and thumb."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from site_pages import CHAPTERS, needs_site

pytestmark = needs_site

SLIDERS = "[role=slider], input[type=range]"
# The handle itself moves whatever happens; what counts is the picture beside it.
NO_HANDLES = ".noUi-target, input[type=range], .bar { opacity: 0 !important }"


def sliders(page: Page) -> list[Locator]:
    page.add_style_tag(content=NO_HANDLES)
    return [slider for slider in page.locator(SLIDERS).all() if slider.is_visible()]


def box_of(slider: Locator) -> Locator:
    """The outermost part of the page that belongs to the slider."""
    return slider.locator("xpath=ancestor::div[contains(@class, 'output')][1]")


def look(slider: Locator) -> bytes:
    slider.page.wait_for_timeout(60)
    return box_of(slider).screenshot(animations="disabled")


def track_of(slider: Locator) -> dict[str, float]:
    """Where the slider can be pressed, in pixels of the window."""
    if slider.get_attribute("role") == "slider":
        slider = slider.locator("xpath=ancestor::div[contains(@class, 'noUi-base')]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    return {"left": box["x"], "width": box["width"], "y": box["y"] + box["height"] / 2}


def limit(slider: Locator, name: str) -> int:
    value = slider.get_attribute(f"aria-value{name}") or slider.get_attribute(name)
    assert value is not None
    return round(float(value))


@pytest.mark.parametrize("name", CHAPTERS)
def test_keyboard(visit: Callable[..., Page], server: str, name: str):
    for slider in sliders(visit(f"{server}/{name}")):
        positions = limit(slider, "max") - limit(slider, "min") + 1
        slider.focus()
        slider.press("Home")
        seen = [look(slider)]
        if positions <= 30:  # each position is a frame of its own
            for _ in range(positions - 1):
                slider.press("ArrowRight")
                seen.append(look(slider))
            assert len(set(seen)) == positions
        else:
            slider.press("End")
            seen.append(look(slider))
            for _ in range(20):
                slider.press("ArrowLeft")
            assert len({*seen, look(slider)}) == 3
        slider.press("Home")
        assert look(slider) == seen[0], "going back shows another picture"


@pytest.mark.parametrize("name", CHAPTERS)
def test_pointer(visit: Callable[..., Page], server: str, name: str):
    page = visit(f"{server}/{name}")
    for slider in sliders(page):
        slider.focus()
        slider.press("Home")
        before, track, grip = look(slider), track_of(slider), slider.bounding_box()
        assert grip is not None
        is_handle = slider.get_attribute("role") == "slider"
        start = grip["x"] + grip["width"] * (0.5 if is_handle else 0.1)
        page.mouse.move(start, track["y"])
        page.mouse.down()
        page.mouse.move(track["left"] + 0.9 * track["width"], track["y"], steps=8)
        page.mouse.up()
        assert look(slider) != before


@pytest.mark.parametrize("name", CHAPTERS)
def test_thumb(visit: Callable[..., Page], server: str, name: str):
    page = visit(f"{server}/{name}", width="phone")
    for slider in sliders(page):
        handle = slider.bounding_box()
        assert handle is not None
        assert min(handle["width"], handle["height"]) >= 24, "too small for a thumb"
        slider.focus()
        slider.press("Home")
        before, track = look(slider), track_of(slider)
        page.touchscreen.tap(track["left"] + 0.9 * track["width"], track["y"])
        assert look(slider) != before


@pytest.mark.parametrize("name", CHAPTERS)
def test_play(visit: Callable[..., Page], server: str, name: str):
    for frames in visit(f"{server}/{name}").locator(".tutorial-frames:has(button)").all():
        slider = frames.locator(SLIDERS)
        start = slider.get_attribute("aria-valuenow")
        frames.get_by_role("button", name="play").click()
        expect(slider).not_to_have_attribute("aria-valuenow", str(start))
        frames.get_by_role("button", name="pause").click()
