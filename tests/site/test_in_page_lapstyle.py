"""Painting in the page, as a reader does it: photographs, painters, the camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from conftest import launched
from demo_pages import (
    PLACE,
    chosen,
    drawn,
    encoded,
    everyone_can_use,
    noise,
    opened,
    placed,
    press,
    status,
    tensor,
)
from playwright.sync_api import Browser, Page, Playwright, expect
from site_pages import SITE, needs_site

from tutorial_lib.data import to_uint8
from tutorial_lib.lapstyle.painter import levels_for
from tutorial_lib.lapstyle.stylise import recorded_painter

pytestmark = [needs_site, pytest.mark.timeout(600)]

CHAPTER = "notebooks/lapstyle.html"
FIRST, SECOND = "starry_night", "the_scream"
SLOW = 120_000  # milliseconds, on a machine that others use, too

# Arrays travel into a page and out of it as lists.
PAINT = """async ([device, numbers, width, height, ways]) => {
    const {Engine, pack, paint, teach} = tutorialInPage;
    const engine = new Engine(device, () => {});
    const {draft, revision} = await pack("lapstyle-graphs");
    engine.graph("draft", draft);
    engine.graph("revision", revision);
    const own = await pack("lapstyle-starry_night");
    const painter = teach(engine, "some", await pack("lapstyle-encoder"), own);
    const image = {data: new Float32Array(numbers), width, height};
    const found = [];
    for (const how of ways) found.push([...(await paint(engine, painter, image, how)).data]);
    engine.stop();
    return {device: engine.device, found};
}"""


@pytest.fixture
def demo(visit: Callable[..., Page], server: str) -> Page:
    return opened(placed(visit(f"{server}/py-modindex.html"), CHAPTER))


@torch.no_grad()
def painted(pixels: np.ndarray, style: str = FIRST, **how: Any) -> torch.Tensor:
    """What PyTorch paints, (1, 3, H, W)."""
    return recorded_painter(style)(tensor(pixels), **how)


def rounded(image: torch.Tensor) -> np.ndarray:
    return to_uint8(image)[0].permute(1, 2, 0).numpy().astype(int)


def largest_difference(page: Page, pixels: np.ndarray, ways: list[dict], device: str) -> list:
    height, width = pixels.shape[:2]
    numbers = tensor(pixels).flatten().tolist()
    answer = page.evaluate(PAINT, [device, numbers, width, height, ways])
    assert answer["device"] == device
    return [
        (torch.tensor(found).reshape(1, 3, height, width) - painted(pixels, **how)).abs().max()
        for found, how in zip(answer["found"], ways, strict=True)
    ]


@pytest.mark.parametrize(("width", "height"), [(64, 64), (70, 51)])
def test_answers_are_pytorchs(demo: Page, width: int, height: int):
    ways = [{"strength": s, "levels": n} for s in (0, 0.5, 1) for n in (0, 1, 2)]
    for how, away in zip(
        ways, largest_difference(demo, noise(width, height), ways, "wasm"), strict=True
    ):
        assert away < 1e-4, how


def test_a_reader_paints(demo: Page):
    pixels = noise(200, 196)
    assert levels_for(196, 200) == 1
    chosen(demo, encoded(pixels))
    demo.get_by_role("button", name="Paint", exact=True).click()
    expect(status(demo)).to_contain_text(
        "200 × 196 pixels, Starry Night, strength 1.00", timeout=SLOW
    )
    assert np.abs(drawn(demo, "painted") - rounded(painted(pixels))).max() <= 1
    assert (drawn(demo, "photograph") == pixels).all()
    demo.get_by_label("strength of the style").fill("0.4")
    expect(status(demo)).to_contain_text("strength 0.40", timeout=SLOW)
    assert np.abs(drawn(demo, "painted") - rounded(painted(pixels, strength=0.4))).max() <= 1
    with demo.expect_download() as started:
        demo.get_by_role("button", name="Save the painting").click()
    assert started.value.suggested_filename == f"picture-{FIRST}.png"
    everyone_can_use(demo)


def test_stop_and_paint_again(demo: Page):
    chosen(demo, encoded(noise(256, 256)))
    demo.get_by_role("button", name="Paint", exact=True).click()
    expect(status(demo)).to_contain_text("Draft done", timeout=SLOW)
    stop = demo.get_by_role("button", name="Stop")
    stop.click()
    expect(status(demo)).to_contain_text("Stopped")
    assert stop.is_hidden()
    pixels = noise(64, 64)
    chosen(demo, encoded(pixels))
    demo.get_by_role("button", name="Paint", exact=True).click()
    expect(status(demo)).to_contain_text("64 × 64 pixels", timeout=SLOW)
    assert np.abs(drawn(demo, "painted") - rounded(painted(pixels))).max() <= 1


def test_another_painter_is_loaded_when_it_is_called(demo: Page):
    pixels = noise(64, 64)
    chosen(demo, encoded(pixels))
    demo.get_by_role("button", name="Paint", exact=True).click()
    expect(status(demo)).to_contain_text("Starry Night, strength", timeout=SLOW)
    scripts = "[...document.scripts].map(script => script.src.split('/').at(-1))"
    assert f"lapstyle-{SECOND}.js" not in demo.evaluate(scripts)
    painters = demo.get_by_label("painter")
    assert "loads 14." in painters.inner_text()
    painters.select_option(f"lapstyle-{SECOND}")
    expect(status(demo)).to_contain_text("The Scream, strength 1.00", timeout=SLOW)
    assert f"lapstyle-{SECOND}.js" in demo.evaluate(scripts)
    assert np.abs(drawn(demo, "painted") - rounded(painted(pixels, SECOND))).max() <= 1


def test_256_and_512_are_offered(demo: Page):
    chosen(demo, encoded(noise(900, 600)))
    demo.get_by_label("all of it").check()
    offered = demo.locator(f"{PLACE} .part option").all_inner_texts()
    assert offered == ["512 × 341, made smaller", "256 × 171, made smaller"]


# ---------------------------------------------------------------------------------- camera


@pytest.fixture
def browser_with_camera(driver: Playwright) -> Iterator[Browser]:
    """Chromium with a camera that shows a test pattern, and allows it."""
    browser = launched(
        driver,
        "--disable-gpu",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    )
    yield browser
    browser.close()


@pytest.mark.parametrize("way", ["folder", "server"])
def test_what_the_camera_sees_is_painted(browser_with_camera: Browser, server: str, way: str):
    page = browser_with_camera.new_page()
    page.set_default_timeout(120_000)
    page.goto((SITE / CHAPTER).as_uri() if way == "folder" else f"{server}/{CHAPTER}")
    page.evaluate("""{
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => (window.stream = await ask(wanted));
    }; 0""")
    opened(page)
    page.get_by_role("button", name="Paint what the camera sees").click()
    expect(status(page)).to_contain_text("frames per second of 128 × 128 pixels", timeout=SLOW)
    seen = drawn(page, "photograph")
    assert seen.std() > 5, "nothing was filmed"
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_contain_text("Stopped")
    assert page.evaluate("stream.getTracks().map(track => track.readyState)") == ["ended"]
    expect(page.get_by_role("button", name="Paint", exact=True)).to_be_visible()


def test_a_camera_that_is_not_there_is_told_in_a_sentence(demo: Page):
    demo.get_by_role("button", name="Paint what the camera sees").click()
    expect(status(demo)).to_contain_text("The camera could not be used")
    expect(demo.get_by_role("button", name="Paint", exact=True)).to_be_visible()


def test_webgpu_paints_as_pytorch_does(driver: Playwright):
    browser = launched(driver, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
    page = browser.new_page()
    page.set_default_timeout(300_000)
    page.goto((SITE / CHAPTER).as_uri())
    if not page.evaluate("navigator.gpu?.requestAdapter().then(found => !!found) ?? false"):
        pytest.skip("this Chromium has no software adapter for WebGPU")
    press(page)
    page.get_by_role("button", name="Stop").click()
    (away,) = largest_difference(page, noise(16, 16), [{"strength": 1, "levels": 0}], "webgpu")
    assert away < 1e-3
    browser.close()
