"""Demos on pages of the site, as a reader drives them, and pictures to give them."""

from __future__ import annotations

import base64
import io
import re
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from axe_playwright_python.sync_playwright import Axe
from conftest import WIDTHS
from PIL import Image
from playwright.sync_api import Locator, Page, TimeoutError, expect
from site_pages import SITE
from torch import Tensor

from tutorial_lib.data import from_uint8, to_uint8

PLACE = ".tutorial-inpage"

# Canvases give up what is drawn on them as PNG.
DRAWN = """([place, name]) => {
    const canvas = [...document.querySelectorAll(`${place} .pictures canvas`)]
        .find(canvas => canvas.ariaLabel.endsWith(` ${name}`));
    return canvas.toDataURL("image/png");
}"""

# Arrays travel into a page and out of it as lists.
SHRINK = """async ([address, width, height]) => {
    const image = Object.assign(new Image(), {src: address});
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, image.width, image.height);
    return [...tutorialInPage.resize(pixels, width, height).data];
}"""


def noise(width: int, height: int, *, seed: int = 0) -> np.ndarray:
    """A picture of smooth colours and grain, (height, width, 3) uint8."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return (smooth + random.normal(0, 12, smooth.shape)).clip(0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray, kind: str = "png", **options: Any) -> bytes:
    return filed(Image.fromarray(pixels), kind, **options)


def filed(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tensor(pixels: np.ndarray) -> Tensor:
    return from_uint8(torch.tensor(pixels).permute(2, 0, 1)[None])


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def drawn(page: Page, name: str) -> np.ndarray:
    """A picture under the divider, (height, width, 3)."""
    address = page.evaluate(DRAWN, [PLACE, name])
    return pixels_of(base64.b64decode(address.partition(",")[2]))


@torch.no_grad()
def enlarged(network: torch.nn.Module, pixels: np.ndarray) -> np.ndarray:
    """What PyTorch makes of a picture, rounded to 8 bits."""
    return to_uint8(network(tensor(pixels)))[0].permute(1, 2, 0).numpy().astype(int)


# The place of a demo alone, in the frame of another page.
PUT = """([html, loader]) => {
    document.querySelector("article").innerHTML = html;
    document.body.append(Object.assign(document.createElement("script"), {src: loader}));
}"""


def placed(page: Page, chapter: str) -> Page:
    """A page of the site with a chapter's demo in place of its text, as chapters take long to draw.

    Parameters
    ----------
    page : Page
        Of the site, small.
    chapter : str
        The chapter's page in the site.
    """
    place = re.search(
        r'<div class="tutorial-inpage".*?</div>', (SITE / chapter).read_text(encoding="utf-8")
    )
    assert place is not None
    page.evaluate(PUT, [place[0], "/_static/inpage/loader.js"])
    page.locator(f"{PLACE} > button").wait_for()
    return page


def status(page: Page) -> Locator:
    return page.locator(f"{PLACE} > [role=status]")


def press(page: Page) -> None:
    page.locator(f"{PLACE} > button").click()


def opened(page: Page) -> Page:
    """A page whose demo is open, and computes nothing."""
    press(page)
    page.locator(f"{PLACE} .choose").wait_for()
    with suppress(TimeoutError):  # a fast machine is done before anybody could stop it
        page.get_by_role("button", name="Stop").click(timeout=2_000)
    expect(status(page)).not_to_contain_text("…")
    return page


def choose(page: Page, data: bytes, name: str = "picture.png", kind: str = "image/png") -> None:
    file = {"name": name, "mimeType": kind, "buffer": data}
    page.locator(f"{PLACE} input[type=file]").first.set_input_files(file)


def chosen(page: Page, data: bytes, **file: str) -> None:
    choose(page, data, **file)
    expect(status(page)).to_contain_text("Choose a part of the picture, then")


def address(pixels: np.ndarray) -> str:
    """A picture as the address of its own content."""
    return f"data:image/png;base64,{base64.b64encode(encoded(pixels)).decode()}"


def shrunk(page: Page, pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """What the open demo's resizing makes of a picture."""
    found = page.evaluate(SHRINK, [address(pixels), width, height])
    return np.array(found, np.uint8).reshape(height, width, 4)[..., :3]


def everyone_can_use(page: Page) -> None:
    """Fail unless the open demo has no barriers, in both themes, and fits a phone."""
    rules = {"preload": False, "runOnly": ["wcag2a", "wcag2aa"]}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"document.documentElement.dataset.theme == '{scheme}'", polling=50)
        found = Axe().run(page, context=PLACE, options=rules).response["violations"]
        assert [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found] == [], scheme
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS["phone"], strict=True)))
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    for button in page.locator(f"{PLACE} button").all():
        box = button.bounding_box()
        assert box is None or min(box["width"], box["height"]) >= 44
