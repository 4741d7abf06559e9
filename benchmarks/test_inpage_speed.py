"""Networks in the page, on one thread of Chromium's WebAssembly, against PyTorch on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import torch
from conftest import launched
from playwright.sync_api import Page, sync_playwright
from site_pages import SITE, needs_site
from torch import Tensor

from tutorial_lib.lapstyle.stylise import recorded_painter
from tutorial_lib.srgan.training import recorded_generator

pytestmark = needs_site

ROUNDS = 3
STYLE = "starry_night"

# Scripts that a button would load, and a function that times one picture.
ENLARGE = """async () => {
    await tutorialInPage.script("packs.js");
    await tutorialInPage.script("engine.js");
    const engine = new tutorialInPage.Engine("wasm", () => {});
    engine.graph("srgan", (await tutorialInPage.pack("srgan-graph")).graph);
    engine.network("some", await tutorialInPage.pack("srgan-srresnet"));
    window.timed = async (height, width) => {
        const data = Float32Array.from({length: 3 * height * width}, Math.random);
        const inputs = {low: {data, dims: [1, 3, height, width]}};
        const begun = performance.now();
        await engine.run("srgan", {sides: {height, width}, inputs, mixture: {some: 1}});
        return (performance.now() - begun) / 1000;
    };
}"""
PAINT = """async (pack) => {
    for (const part of ["packs", "engine", "paint"]) await tutorialInPage.script(`${part}.js`);
    const engine = new tutorialInPage.Engine("wasm", () => {});
    const {draft, revision} = await tutorialInPage.pack("lapstyle-graphs");
    engine.graph("draft", draft);
    engine.graph("revision", revision);
    const encoder = await tutorialInPage.pack("lapstyle-encoder");
    const painter = tutorialInPage.teach(engine, pack, encoder, await tutorialInPage.pack(pack));
    window.timed = async (height, width) => {
        const data = Float32Array.from({length: 3 * height * width}, Math.random);
        const begun = performance.now();
        await tutorialInPage.paint(engine, painter, {data, width, height}, {strength: 1});
        return (performance.now() - begun) / 1000;
    };
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as driver:
        browser = launched(driver, "--disable-gpu")
        page = browser.new_page()
        page.set_default_timeout(600_000)
        yield page
        browser.close()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def compare(page: Page, network: Callable[[Tensor], object], height: int, width: int) -> str:
    """Seconds of both, the least of some rounds taken in turn: others only add time."""
    image = torch.rand(1, 3, height, width)
    timed = "([height, width]) => timed(height, width)"
    page.evaluate(timed, [height, width])  # compiles
    times = []
    for _ in range(ROUNDS):
        ours = page.evaluate(timed, [height, width])
        begun = time.perf_counter()
        with torch.inference_mode():
            network(image)
        times.append((ours, time.perf_counter() - begun))
    ours, theirs = (min(column) for column in zip(*times, strict=True))
    assert ours < 20 * theirs
    return f"{width} × {height}: {ours:.2f} s in the page, {theirs:.2f} s in PyTorch"


def test_enlarging(page: Page) -> None:
    page.goto((SITE / "notebooks" / "srgan.html").as_uri())
    page.evaluate(ENLARGE)
    network = recorded_generator("srgan/srresnet")
    for height, width in ((96, 96), (120, 160)):
        print("\nSRResNet,", compare(page, network, height, width))


def test_painting(page: Page) -> None:
    page.goto((SITE / "notebooks" / "lapstyle.html").as_uri())
    page.evaluate(PAINT, f"lapstyle-{STYLE}")
    painter = recorded_painter(STYLE)
    for side in (256, 512):
        print("\nLapStyle,", compare(page, painter, side, side))
