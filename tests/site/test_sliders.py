"""Every slider of every chapter, moved by keyboard, pointer and thumb.

The pages are opened from a folder, as from a USB stick. A frame is a file named by its content, so
that another file is another picture; that it is drawn is seen in what is on the screen.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chapters import Chapter
from playwright.sync_api import Locator, Page, expect
from saved_sliders import saved_sliders
from site_pages import CHAPTERS, SITE, needs_site

pytestmark = needs_site

SLIDERS = "[role=slider], input[type=range]"
# The handle itself moves whatever happens; what counts is the picture beside it.
NO_HANDLES = ".noUi-target, input[type=range], .bar { opacity: 0 !important }"
# What a box shows: its visible pictures and captions, once the pictures are there.
SHOWN = """box => {
    const parts = [...box.querySelectorAll("img:not([hidden]), figcaption")]
        .filter(part => part.offsetParent);
    const there = parts.every(part => part.tagName != "IMG" || part.complete && part.naturalWidth);
    return there && parts.map(part => part.currentSrc || part.textContent).join("|");
}"""

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)


def address(chapter: Chapter) -> str:
    return (SITE / "notebooks" / f"{chapter.name}.html").as_uri()


def sliders(page: Page) -> list[Locator]:
    page.add_style_tag(content=NO_HANDLES)
    # How near a lazy picture must come before it is loaded depends on the browser's mood.
    page.evaluate("[...document.images].forEach(image => image.loading = 'eager')")
    return [slider for slider in page.locator(SLIDERS).all() if slider.is_visible()]


def box_of(slider: Locator) -> Locator:
    """The outermost part of the page that belongs to the slider."""
    return slider.locator("xpath=ancestor::div[contains(@class, 'output')][1]")


def is_divider(slider: Locator) -> bool:
    """Whether it moves the border between two pictures, and not through frames."""
    return bool(slider.evaluate("slider => !!slider.closest('.tutorial-compare')"))


def shown(slider: Locator) -> str:
    """Which frame is there, once it is."""
    # By the clock: a browser with nothing to draw may give no animation frames to wait in.
    box = box_of(slider).element_handle()
    return str(slider.page.wait_for_function(SHOWN, arg=box, polling=20).json_value())


def look(slider: Locator) -> bytes:
    shown(slider)
    return box_of(slider).screenshot(animations="disabled")


def track_of(slider: Locator) -> dict[str, float]:
    """Where the slider can be pressed, in pixels of the window."""
    if slider.get_attribute("role") == "slider":
        slider = slider.locator("xpath=ancestor::div[contains(@class, 'noUi-base')]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    return {"left": box["x"], "width": box["width"], "y": box["y"] + box["height"] / 2}


def positions(slider: Locator) -> int:
    low, high = (
        slider.get_attribute(f"aria-value{name}") or slider.get_attribute(name)
        for name in ("min", "max")
    )
    return round(float(high or 0)) - round(float(low or 0)) + 1


def press_through(slider: Locator) -> None:
    """Every position by the keyboard: another frame at each, and back to the first."""
    slider.focus()
    slider.press("Home")
    first, seen = look(slider), [shown(slider)]
    for _ in range(positions(slider) - 1):
        slider.page.keyboard.press("ArrowRight")
        seen.append(shown(slider))
    assert len(set(seen)) == len(seen), "two positions show the same frame"
    assert look(slider) != first
    slider.press("Home")
    assert shown(slider) == seen[0], "going back shows another frame"


def move_divider(slider: Locator) -> None:
    slider.focus()
    seen = []
    for key in ("Home", "End", *["ArrowLeft"] * 20):
        slider.press(key)
        if key != "ArrowLeft":
            seen.append(look(slider))
    assert len({*seen, look(slider)}) == 3


def drag(slider: Locator) -> None:
    slider.focus()
    slider.press("Home")
    # That another frame is another picture, the keyboard has shown.
    state = look if is_divider(slider) else shown
    before, track, grip = state(slider), track_of(slider), slider.bounding_box()
    assert grip is not None
    is_handle = slider.get_attribute("role") == "slider"
    mouse = slider.page.mouse
    mouse.move(grip["x"] + grip["width"] * (0.5 if is_handle else 0.1), track["y"])
    mouse.down()
    mouse.move(track["left"] + 0.9 * track["width"], track["y"], steps=4)
    mouse.up()
    assert state(slider) != before


@each_chapter
def test_keyboard_and_pointer(visit: Callable[..., Page], chapter: Chapter):
    page = visit(address(chapter))
    found = sliders(page)
    for slider in found:
        move_divider(slider) if is_divider(slider) else press_through(slider)
        drag(slider)
    # As many positions as the notebook has frames, slider by slider.
    frames = [positions(slider) for slider in found if not is_divider(slider)]
    saved = list(saved_sliders(chapter.notebook))
    assert frames == [size for slider in saved for size in slider.sizes]

    for box in page.locator(".tutorial-frames:has(button)").all():
        slider = box.locator(SLIDERS)
        start = slider.get_attribute("aria-valuenow")
        box.get_by_role("button", name="play").click()
        expect(slider).not_to_have_attribute("aria-valuenow", str(start))
        box.get_by_role("button", name="pause").click()


# How much higher or lower than its room each slider came out, in pixels.
ROOMS = """[...document.querySelectorAll(".widget-room")].map(room => {
    const kept = parseFloat(getComputedStyle(room, "::before").paddingBottom);
    return Math.round(room.querySelector(".jupyter-widgets").offsetHeight - kept)})"""


@each_chapter
def test_thumb(visit: Callable[..., Page], chapter: Chapter):
    page = visit(address(chapter), width="phone")
    assert all(-60 <= off <= 120 for off in page.evaluate(ROOMS)), page.evaluate(ROOMS)
    for slider in sliders(page):
        handle = slider.bounding_box()
        assert handle is not None
        assert min(handle["width"], handle["height"]) >= 24, "too small for a thumb"
        assert track_of(slider)["width"] >= 100, "its name leaves no room for the slider"
        slider.focus()
        slider.press("Home")
        before, track = look(slider), track_of(slider)
        page.touchscreen.tap(track["left"] + 0.9 * track["width"], track["y"])
        assert look(slider) != before
