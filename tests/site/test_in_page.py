"""Networks in the page, as a reader meets them: chosen pictures, answers, stops and failures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from conftest import WIDTHS, launched
from demo_pages import (
    PLACE,
    choose,
    chosen,
    drawn,
    encoded,
    enlarged,
    everyone_can_use,
    filed,
    noise,
    opened,
    pixels_of,
    press,
    shrunk,
    status,
    tensor,
)
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Playwright, expect
from site_pages import SITE, needs_site

from tutorial_lib.data import to_uint8
from tutorial_lib.dni import combine
from tutorial_lib.metrics import imresize
from tutorial_lib.srgan import Generator
from tutorial_lib.srgan.training import recorded_generator

pytestmark = [needs_site, pytest.mark.timeout(600)]

COVER = "book/intro.html"
CHAPTER = "notebooks/srgan.html"
OTHERS = ("notebooks/dni.html", "notebooks/lapstyle.html")
EXPERIMENTS = {"SRResNet": "srgan/srresnet", "SRGAN": "srgan/srgan"}

# Which of the page's scripts are of demos.
OF_DEMOS = """[...document.scripts].map(script => script.src)
    .filter(address => /_static[/](inpage|packs)[/]/.test(address))"""

# Arrays travel into a page and out of it as lists.
RUN = """async ([device, sides, low, mixture]) => {
    const {Engine, pack} = tutorialInPage;
    const engine = new Engine(device, () => {});
    engine.graph("srgan", (await pack("srgan-graph")).graph);
    for (const name of Object.keys(mixture)) engine.network(name, await pack(name));
    const dims = [1, 3, sides.height, sides.width];
    const inputs = {low: {data: new Float32Array(low), dims}};
    const {high} = await engine.run("srgan", {sides, inputs, mixture});
    engine.stop();
    return {device: engine.device, dims: high.dims, data: [...high.data]};
}"""


def enlarge(page: Page, data: bytes, **file: str) -> None:
    chosen(page, data, **file)
    page.get_by_role("button", name="Enlarge four times").click()
    expect(status(page)).to_contain_text("became", timeout=120_000)


@pytest.fixture
def demo(visit: Callable[..., Page], server: str) -> Page:
    return opened(visit(f"{server}/{COVER}"))


def later(place: Locator) -> dict[str, int]:
    """What a demo loads when the reader asks for more."""
    return dict(json.loads(place.get_attribute("data-later") or "{}"))


# ------------------------------------------------------------------------------- loading


@pytest.mark.parametrize("name", [COVER, CHAPTER, *OTHERS])
@pytest.mark.parametrize("way", ["folder", "server"])
def test_nothing_is_loaded_before_the_button(
    visit: Callable[..., Page], server: str, name: str, way: str
):
    page = visit((SITE / name).as_uri() if way == "folder" else f"{server}/{name}")
    before = page.evaluate(OF_DEMOS)
    assert [address.split("/")[-1].partition("?")[0] for address in before] == ["loader.js"]
    assert (SITE / "_static" / "inpage" / "loader.js").stat().st_size < 2000

    sizes = "performance.getEntriesByType('resource').map(e => [e.name, e.encodedBodySize])"
    there = page.evaluate(sizes)
    assert (
        sum("_static/inpage/" in address or "_static/packs/" in address for address, _ in there)
        <= 1
    )
    place = page.locator(PLACE)
    packs = json.loads(place.get_attribute("data-packs") or "")
    promised = re.search(r"loads ([\d.]+) MB", page.locator(f"{PLACE} > button").inner_text())
    assert promised is not None
    opened(page)
    after = {address.split("/")[-1] for address in page.evaluate(OF_DEMOS)}
    assert {name.removesuffix(".js") for name in after} & {*packs, *later(place)} == {*packs} - {
        "ort-webgpu"
    }
    assert {"engine.js", f"{place.get_attribute('data-demo')}.js"} <= after
    if way == "server":  # which compresses scripts, as GitHub Pages does
        loaded = [entry for entry in page.evaluate(sizes) if entry not in there]
        assert sum(size for _, size in loaded) / 1e6 == pytest.approx(float(promised[1]), rel=0.03)


def test_cover_has_the_button_in_its_first_screen(visit: Callable[..., Page], server: str):
    box = visit(f"{server}/{COVER}").locator(f"{PLACE} > button").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= WIDTHS["desktop"][1]


def test_a_pack_that_fails_to_load_can_be_asked_for_again(visit: Callable[..., Page], server: str):
    page = visit(f"{server}/{COVER}", watched=False)
    page.route("**/packs/srgan-srgan.js", lambda route: route.abort())
    press(page)
    expect(status(page)).to_contain_text("srgan-srgan.js could not be loaded. Press again")
    page.unroute("**/packs/srgan-srgan.js")
    opened(page)


# ------------------------------------------------------------------------------- values


@pytest.mark.parametrize("way", ["folder", "server"])
def test_answers_are_pytorchs(visit: Callable[..., Page], server: str, way: str):
    page = opened(visit((SITE / COVER).as_uri() if way == "folder" else f"{server}/{COVER}"))
    pixels = noise(24, 24)
    enlarge(page, encoded(pixels))
    for name, experiment in EXPERIMENTS.items():
        expected = enlarged(recorded_generator(experiment), pixels)
        assert np.abs(drawn(page, name) - expected).max() <= 1, name
    bicubic = to_uint8(imresize(tensor(pixels), scale=4).clamp(0, 1))[0].permute(1, 2, 0)
    assert np.abs(drawn(page, "bicubic") - bicubic.numpy()).max() <= 1


def test_tiles_leave_no_seam(demo: Page):
    pixels = noise(140, 20)
    enlarge(demo, encoded(pixels))
    for name, experiment in EXPERIMENTS.items():
        whole = enlarged(recorded_generator(experiment), pixels)
        assert np.abs(drawn(demo, name) - whole).max() <= 1, name


TILES = "([width, height]) => tutorialInPage.tiles(width, height)"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (128, 129), (160, 120), (640, 480)])
def test_tiles_cover_a_picture_once_and_are_of_one_size(demo: Page, width: int, height: int):
    tiles = demo.evaluate(TILES, [width, height])
    kept = np.zeros((height, width), int)
    for tile in tiles:
        x, y = tile["x"], tile["y"]
        kept[y["first"] : y["last"], x["first"] : x["last"]] += 1
        for cut, length in ((x, width), (y, height)):
            assert 0 <= cut["from"] <= length - cut["size"]
            assert cut["first"] == 0 or cut["first"] - cut["from"] >= 16
            end = cut["from"] + cut["size"]
            assert cut["last"] == length or end - cut["last"] >= 16
    assert (kept == 1).all()
    sizes = {(tile["x"]["size"], tile["y"]["size"]) for tile in tiles}
    assert len(sizes) == 1
    assert max(sizes.pop()) <= 128


def mixture_of(share: float) -> tuple[dict[str, float], Generator]:
    """Shares for the page's engine, and the same network between the two in PyTorch."""
    networks = [recorded_generator(f"srgan/{name}") for name in ("srgan", "srresnet")]
    between = recorded_generator("srgan/srgan")
    states = [network.state_dict() for network in networks]
    between.load_state_dict(combine(states, [share, 1 - share]))
    return {"srgan-srgan": share, "srgan-srresnet": 1 - share}, between


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@torch.no_grad()
def test_weights_are_inputs_so_that_networks_mix(demo: Page, share: float):
    mixture, between = mixture_of(share)
    low = tensor(noise(20, 24))
    sides = {"height": 24, "width": 20}
    found = demo.evaluate(RUN, ["wasm", sides, low.flatten().tolist(), mixture])
    high = torch.tensor(found["data"]).reshape(found["dims"])
    assert (high - between(low)).abs().max().item() < 1e-4


def test_pictures_are_made_smaller_as_the_library_does(demo: Page):
    pixels = noise(96, 72)
    found = shrunk(demo, pixels, 24, 18).astype(int)
    expected = to_uint8(imresize(tensor(pixels), scale=1 / 4).clamp(0, 1))[0].permute(1, 2, 0)
    assert np.abs(found - expected.numpy()).max() <= 1


# ---------------------------------------------------------------------- choosing a picture


def test_the_orientation_that_a_camera_notes_is_honoured(demo: Page):
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:, :12] = 255  # white on the left; turned a quarter clockwise it is on top
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(pixels, "jpeg", exif=exif.tobytes(), quality=95)
    enlarge(demo, data, name="phone.jpg", kind="image/jpeg")
    shown = drawn(demo, "bicubic")
    assert shown.shape == (96, 64, 3)
    assert shown[:32].min() > 230
    assert shown[-32:].max() < 25


def test_a_grey_picture_of_one_pixel(demo: Page):
    data = encoded(np.full((1, 1), 90, np.uint8), "jpeg", quality=95)
    enlarge(demo, data, name="dot.jpg", kind="image/jpeg")
    assert drawn(demo, "SRGAN").shape == (4, 4, 3)
    assert np.abs(drawn(demo, "bicubic") - 90).max() <= 2


def test_a_cmyk_picture_is_read_as_colours(demo: Page):
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:, 8:, 1:3] = 255  # white on the left, all of magenta and yellow on the right
    data = filed(Image.frombytes("CMYK", (16, 16), inks.tobytes()), "jpeg", quality=95)
    enlarge(demo, data, name="print.jpg", kind="image/jpeg")
    shown = drawn(demo, "bicubic")
    assert shown[:, :24].min() > 225
    red, *others = shown[:, -24:].reshape(-1, 3).mean(0)
    assert red > 180
    assert max(others) < 70


def test_a_grey_picture_is_read_as_colours(demo: Page):
    grey = noise(20, 16)[..., 0]
    enlarge(demo, encoded(grey))
    expected = enlarged(recorded_generator("srgan/srgan"), np.stack([grey] * 3, axis=-1))
    assert np.abs(drawn(demo, "SRGAN") - expected).max() <= 1


def test_a_text_is_no_picture(demo: Page):
    choose(demo, b"Dear reader,\n", "letter.jpg", "image/jpeg")
    expect(status(demo)).to_have_text("“letter.jpg” is not a picture that this browser can read.")
    enlarge(demo, encoded(noise(8, 8)))


def test_a_large_picture_is_offered_smaller(demo: Page):
    chosen(demo, encoded(noise(2000, 1500)))
    demo.get_by_label("all of it").check()
    part = demo.locator(f"{PLACE} .part")
    expect(demo.locator(f"{PLACE} .facts")).to_contain_text("More than 307,200 pixels")
    offered = part.locator("option").all_inner_texts()
    assert offered[0] == "640 × 480, made smaller"
    part.locator("select").select_option("48×36")
    demo.get_by_role("button", name="Enlarge four times").click()
    expect(status(demo)).to_contain_text("48 × 36 pixels became 192 × 144", timeout=120_000)
    # The truth is known, and stands beside the answers.
    assert drawn(demo, "photograph").shape == (144, 192, 3)
    assert demo.locator(f"{PLACE} select").last.locator("option").count() == 4


def test_a_square_is_moved_by_keys_and_by_dragging(demo: Page):
    pixels = noise(60, 40)
    chosen(demo, encoded(pixels))
    demo.get_by_label("a square of it").check()
    demo.get_by_label("side of the square").fill("20")
    view = demo.locator(f"{PLACE} .view")
    facts = demo.locator(f"{PLACE} .facts")
    expect(facts).to_contain_text("20 × 20 pixels, 20 from the left, 10 from the top")
    view.focus()
    view.press("ArrowRight")
    view.press("Shift+ArrowUp")
    expect(facts).to_contain_text("22 from the left, 9 from the top")
    view.click(position={"x": 50, "y": 30})
    expect(facts).to_contain_text("40 from the left, 20 from the top")
    demo.get_by_role("button", name="Enlarge four times").click()
    expect(status(demo)).to_contain_text("became", timeout=120_000)
    expected = enlarged(recorded_generator("srgan/srresnet"), pixels[20:40, 40:60])
    assert np.abs(drawn(demo, "SRResNet") - expected).max() <= 1


BRING = """([place, kind, numbers]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(numbers)], "brought.png", {type: "image/png"}));
    const options = {bubbles: true, cancelable: true};
    document.querySelector(place).dispatchEvent(kind === "drop"
        ? new DragEvent("drop", {...options, dataTransfer: data})
        : new ClipboardEvent("paste", {...options, clipboardData: data}));
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(demo: Page, kind: str):
    demo.evaluate(BRING, [PLACE, kind, list(encoded(noise(30, 22)))])
    expect(demo.locator(f"{PLACE} .facts")).to_contain_text("All of it, 30 × 22 pixels")


def test_a_phone_offers_its_camera(visit: Callable[..., Page], server: str):
    page = visit(f"{server}/{COVER}", width="phone")
    # What decides is the pointer, which Chromium tells by the device it plays.
    page.evaluate("window.matchMedia = () => ({matches: true})")
    opened(page)
    assert page.locator(f"{PLACE} input[capture=environment]").count() == 1
    assert page.get_by_role("button", name="Take one").is_visible()


def test_a_sample_is_enlarged_at_once(visit: Callable[..., Page]):
    page = visit((SITE / CHAPTER).as_uri())
    press(page)
    expect(status(page)).to_contain_text("72 × 72 pixels became 288 × 288", timeout=240_000)
    samples = page.locator(f"{PLACE} button.sample")
    assert samples.count() == 3
    before = drawn(page, "bicubic")
    samples.nth(1).click()
    expect(status(page)).to_contain_text("part 1 of 1")
    assert (drawn(page, "bicubic") != before).any()


# ------------------------------------------------------------------------ stop, save, fail


def test_stop_leaves_what_is_done_and_can_go_on(demo: Page):
    chosen(demo, encoded(noise(160, 120)))
    demo.get_by_role("button", name="Enlarge four times").click()
    expect(status(demo)).to_contain_text("part 2 of 2", timeout=240_000)
    stop = demo.get_by_role("button", name="Stop")
    stop.click()
    expect(status(demo)).to_contain_text("Stopped")
    assert stop.is_hidden()
    done = drawn(demo, "SRGAN")[:, :200]
    pixels = np.repeat(np.repeat(noise(160, 120), 4, axis=0), 4, axis=1).astype(int)
    assert (done != pixels[:, :200]).any()
    assert (drawn(demo, "SRGAN")[:, -200:] == pixels[:, -200:]).all()
    enlarge(demo, encoded(noise(8, 8)))


def test_save(demo: Page):
    enlarge(demo, encoded(noise(12, 10)), name="my cat.png")
    demo.locator(f"{PLACE} [aria-label='picture on the right']").select_option("SRResNet")
    with demo.expect_download() as started:
        demo.get_by_role("button", name="Save the right one (SRResNet) as PNG").click()
    assert started.value.suggested_filename == "my cat-srresnet-x4.png"
    saved = pixels_of(started.value.path().read_bytes())
    assert saved.shape == (40, 48, 3)
    assert (saved == drawn(demo, "SRResNet")).all()


def test_webgpu_that_fails_gives_way(visit: Callable[..., Page], server: str):
    page = visit(f"{server}/{COVER}")
    # As if an adapter had answered the page, and then none the worker.
    page.locator(PLACE).evaluate("place => place.dataset.device = 'webgpu'")
    press(page)
    expect(status(page)).to_contain_text("WebAssembly", timeout=60_000)
    page.get_by_role("button", name="Stop").click()
    pixels = noise(8, 8)
    enlarge(page, encoded(pixels))
    expect(status(page)).to_contain_text("(WebAssembly, one thread)")
    expected = enlarged(recorded_generator("srgan/srgan"), pixels)
    assert np.abs(drawn(page, "SRGAN") - expected).max() <= 1


def test_a_network_that_cannot_run_is_told_in_a_sentence(demo: Page):
    demo.evaluate(
        "tutorialInPage.Engine.prototype.run = async () => { throw Error('no memory') }; 0"
    )
    chosen(demo, encoded(noise(8, 8)))
    demo.get_by_role("button", name="Enlarge four times").click()
    expect(status(demo)).to_have_text(
        "The network could not be run: no memory. A smaller part may do."
    )
    expect(demo.get_by_role("button", name="Enlarge four times")).to_be_visible()


def test_open_demo_is_for_everyone(demo: Page):
    enlarge(demo, encoded(noise(24, 16)))
    everyone_can_use(demo)


@pytest.fixture
def browser_with_webgpu(driver: Playwright) -> Iterator[Browser]:
    """Chromium with its software adapter."""
    browser = launched(driver, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
    yield browser
    browser.close()


@torch.no_grad()
def test_webgpu_answers_as_pytorch_does(browser_with_webgpu: Browser):
    page = browser_with_webgpu.new_page()
    page.goto((SITE / COVER).as_uri())
    if not page.evaluate("navigator.gpu?.requestAdapter().then(found => !!found) ?? false"):
        pytest.skip("this Chromium has no software adapter for WebGPU")
    expect(page.locator(f"{PLACE} > button")).to_contain_text("loads 12")
    opened(page)
    low = tensor(noise(8, 8))
    sides = {"height": 8, "width": 8}
    found = page.evaluate(RUN, ["webgpu", sides, low.flatten().tolist(), {"srgan-srgan": 1}])
    assert found["device"] == "webgpu"
    high = torch.tensor(found["data"]).reshape(found["dims"])
    assert (high - recorded_generator("srgan/srgan")(low)).abs().max().item() < 1e-3
