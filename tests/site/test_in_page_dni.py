"""Weights averaged in the page, as a reader moves them: pictures, distances, spectra."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from demo_pages import (
    PLACE,
    address,
    choose,
    chosen,
    drawn,
    encoded,
    enlarged,
    everyone_can_use,
    noise,
    opened,
    press,
    shrunk,
    status,
    tensor,
)
from playwright.sync_api import Page, expect
from site_pages import SITE, needs_site

from tutorial_lib.dni import combine
from tutorial_lib.metrics import PIRM, rmse, to_y
from tutorial_lib.srgan import Generator
from tutorial_lib.srgan.training import recorded_generator

pytestmark = [needs_site, pytest.mark.timeout(600)]

CHAPTER = "notebooks/dni.html"
DECIMALS = 0.0051  # what rounding to two of them may do

MEASURE = """async ([one, other]) => {
    const read = async (address) => {
        const image = Object.assign(new Image(), {src: address});
        await image.decode();
        const canvas = tutorialInPage.element("canvas", {width: image.width, height: image.height});
        const context = tutorialInPage.context(canvas);
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height);
    };
    const {rmse, spectrum} = tutorialInPage;
    const [a, b] = [await read(one), await read(other)];
    return [rmse(a, b), spectrum(a)];
}"""

# Both in the page, as the network might be done before a click from outside arrives.
MOVE_AND_STOP = """async () => {
    const slider = document.querySelector("input[aria-label^='α']");
    slider.value = "0.2";
    slider.dispatchEvent(new Event("input"));
    await new Promise((done) => setTimeout(done));
    [...document.querySelectorAll("button")].find((node) => node.textContent === "Stop").click();
}"""


@pytest.fixture
def demo(visit: Callable[..., Page], server: str) -> Page:
    return opened(visit(f"{server}/{CHAPTER}"))


def between(share: float) -> Generator:
    """The network of which SRGAN has such a share, in PyTorch."""
    networks = [recorded_generator(f"srgan/{name}") for name in ("srgan", "srresnet")]
    states = [network.state_dict() for network in networks]
    networks[0].load_state_dict(combine(states, [share, 1 - share]))
    return networks[0]


def move(page: Page, share: float) -> str:
    """Move the slider, and wait until the picture has followed: what is said then."""
    page.get_by_label("α: 0 is SRResNet").fill(str(share))
    expect(status(page)).to_contain_text(f"α = {share:.2f}: RMSE", timeout=120_000)
    return status(page).inner_text()


def run(page: Page, pixels: np.ndarray) -> None:
    chosen(page, encoded(pixels))
    page.get_by_role("button", name="Shrink and enlarge").click()
    expect(status(page)).to_contain_text("RMSE", timeout=120_000)


def away(page: Page, name: str) -> float:
    """The library's distance of a picture that is shown from the photograph that is shown."""
    made, real = (tensor(drawn(page, which).astype(np.uint8)) for which in (name, "photograph"))
    return rmse(made, real, protocol=PIRM).item()


def test_the_picture_follows_the_slider_and_is_measured(demo: Page):
    pixels = noise(98, 97)
    run(demo, pixels)
    truth = pixels[:96, :96]
    assert (drawn(demo, "photograph") == truth).all(), "not the left top of it"
    low = shrunk(demo, truth, 24, 24)
    ends = [enlarged(between(share), low) for share in (0.0, 1.0)]
    for name, end in zip(("SRResNet", "SRGAN"), ends, strict=True):
        assert np.abs(drawn(demo, name) - end).max() <= 1
    for share in (0.0, 0.5, 1.0):
        said = move(demo, share)
        made = drawn(demo, "averaged weights")
        assert np.abs(made - enlarged(between(share), low)).max() <= 1, share
        mean = share * ends[1] + (1 - share) * ends[0]
        assert np.abs(drawn(demo, "averaged pictures") - mean).max() <= 2, share
        found = dict(re.findall(r"(RMSE|SRResNet|SRGAN|bicubic) (\d+\.\d+)", said))
        expected = {"RMSE": away(demo, "averaged weights")} | {
            name: away(demo, name) for name in ("SRResNet", "SRGAN", "bicubic")
        }
        for name, value in expected.items():
            assert float(found[name]) == pytest.approx(value, abs=DECIMALS), name
    assert demo.locator(f"{PLACE} .chart circle").count() == 3, "a dot for each place"


def test_measures_are_the_librarys(demo: Page):
    one, other = noise(80, 70, seed=1), noise(80, 70, seed=2)
    distance, rings = demo.evaluate(MEASURE, [address(one), address(other)])
    assert distance == pytest.approx(rmse(tensor(one), tensor(other), protocol=PIRM).item())

    side = 64  # the largest power of two, in the middle
    square = tensor(one[3 : 3 + side, 8 : 8 + side]).double()
    luma = 255 * to_y(square)[0, 0]
    window = torch.hann_window(side, dtype=torch.double)
    energy = torch.fft.fft2((luma - luma.mean()) * window * window[:, None]).abs() ** 2 / side**2
    along = torch.fft.fftfreq(side, dtype=torch.double)
    radius = torch.hypot(along, along[:, None])
    assert len(rings) == 8
    for i, (frequency, value) in enumerate(rings):
        assert frequency == pytest.approx((i + 0.5) / 16)
        inside = (radius >= i / 16) & (radius < (i + 1) / 16)
        assert value == pytest.approx(energy[inside].mean().item(), rel=1e-6)


def test_a_picture_that_is_too_small_is_told_so(demo: Page):
    choose(demo, encoded(noise(15, 40)))
    demo.get_by_role("button", name="Shrink and enlarge").click()
    expect(status(demo)).to_contain_text("15 × 40 pixels are too few to be shrunk by four.")


def test_stop_and_go_on(demo: Page):
    run(demo, noise(64, 64))
    demo.evaluate(MOVE_AND_STOP)
    expect(status(demo)).to_contain_text("Stopped")
    move(demo, 0.3)


def test_save(demo: Page):
    run(demo, noise(64, 64))
    move(demo, 0.2)
    with demo.expect_download() as started:
        demo.get_by_role("button", name="Save the averaged weights").click()
    assert started.value.suggested_filename == "picture-alpha-0.20.png"


def test_open_demo_is_for_everyone(demo: Page):
    run(demo, noise(64, 48))
    everyone_can_use(demo)


def test_it_works_from_a_folder(visit: Callable[..., Page]):
    page = visit((SITE / CHAPTER).as_uri())
    press(page)
    expect(status(page)).to_contain_text("RMSE", timeout=240_000)
