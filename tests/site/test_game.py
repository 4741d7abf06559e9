"""The game of GAN basics in its page, opened from a folder, as from a USB stick."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from site_pages import SITE, needs_site
from test_pages import RULES

pytestmark = needs_site

PAGE = SITE / "notebooks" / "gan_basics.html"
SCRIPTS = SITE / "_static" / "inpage"
BUTTON = re.compile(r"Play the game in this page \(loads (\d+) kB\)")

ASKED_FOR = """[...document.querySelectorAll("script[src], link[href]")]
    .map(node => node.src || node.href).filter(name => name.includes("/_static/inpage/"))"""
LOADED = """performance.getEntriesByType("resource").map(entry => entry.name)
    .filter(name => name.includes("/_static/inpage/"))"""  # no browser says so of files
# What a canvas shows, in a few numbers.
INK = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum = (31 * sum + data[i]) % 1000003;
    return sum;
}"""

Visit = Callable[..., Page]


def opened(visit: Visit, hash: str = "", **more: str) -> Page:
    page = visit(PAGE.as_uri() + hash, **more)
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_selector(".game-status")
    return page


def names(addresses: list[str]) -> list[str]:
    return [address.partition("?")[0].rpartition("/")[2] for address in addresses]


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def status(page: Page) -> str:
    return page.locator(".game-status").inner_text()


def rounds(page: Page) -> int:
    found = re.search(r"Round (\d+):", status(page))
    assert found, status(page)
    return int(found[1])


def inks(page: Page) -> list[int]:
    return [int(canvas.evaluate(INK)) for canvas in page.locator(".tutorial-game canvas").all()]


def until(page: Page, pattern: str, seconds: int = 200) -> None:
    expect(page.locator(".game-status")).to_have_text(re.compile(pattern), timeout=1000 * seconds)


def setting(page: Page, name: str) -> Locator:
    return page.locator(".game-settings").get_by_label(name, exact=True)


def choose(page: Page, name: str, index: int) -> None:
    """Bring a slider to a place by keyboard."""
    slider = setting(page, name)
    slider.focus()
    slider.press("Home")
    for _ in range(index):
        slider.press("ArrowRight")


def test_nothing_is_loaded_before_the_button_which_tells_how_much(visit: Visit):
    page = visit(PAGE.as_uri())
    assert names(page.evaluate(ASKED_FOR)) == ["gan_basics.js"]
    assert (SCRIPTS / "gan_basics.js").stat().st_size < 2048
    assert page.locator(".tutorial-inpage canvas").count() == 0
    assert page.evaluate("typeof LiveGame") == "undefined"
    label = BUTTON.search(page.locator(".tutorial-inpage button").inner_text())
    assert label
    whole = sum(path.stat().st_size for path in (SCRIPTS / "gan_basics").iterdir())
    assert 0 <= 1000 * int(label[1]) - whole < 10_000
    assert page.url == PAGE.as_uri()


def test_the_game_runs_until_all_modes_are_found_and_stands_when_paused(visit: Visit):
    page = opened(visit)
    until(page, "Round [1-9]")
    expect(button(page, "pause")).to_be_focused()
    before = inks(page)
    assert len(before) == 7
    until(page, "8 of 8 modes")
    button(page, "pause").click()
    assert rounds(page) <= 3000
    after = inks(page)
    assert all(one != other for one, other in zip(before, after, strict=True))
    told = page.locator(".game-spoken[role=status]").text_content()
    assert told == f"Paused. {status(page)}"
    page.wait_for_timeout(500)
    assert inks(page) == after
    learned = page.locator(".game-squares canvas").first
    for layer in ("real", "generated", "pull", "net"):
        shown = learned.evaluate(INK)
        page.get_by_role("checkbox", name=layer).press("Space")
        assert learned.evaluate(INK) != shown, layer


def test_moves_one_by_one(visit: Visit):
    page = opened(visit, "#inpage-gan_basics&round=1")
    expect(button(page, "play")).to_be_visible()
    assert rounds(page) == 1
    learned = page.locator(".game-squares canvas").nth(0)
    best = page.locator(".game-squares canvas").nth(1)

    def moved(move: str) -> list[bool]:
        """Whether the round, D's square and the best D's are others after a move."""
        before = rounds(page), learned.evaluate(INK), best.evaluate(INK)
        button(page, move).click()
        after = rounds(page), learned.evaluate(INK), best.evaluate(INK)
        return [one != other for one, other in zip(before, after, strict=True)]

    assert page.url.endswith("&round=1")
    assert moved("D only") == [False, True, False]
    assert "round" not in page.url.partition("#")[2], "no address leads here again"
    assert moved("G only") == [True, True, True]
    assert moved("one round") == [True, True, True]
    button(page, "start anew").click()
    assert rounds(page) == 0


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_data_are_drawn_by_pointer_and_by_keyboard(visit: Visit, width: str):
    page = opened(visit, "#inpage-gan_basics&round=1", width=width)
    setting(page, "data").select_option("your drawing")
    until(page, "Draw your data")
    button(page, "one round").click()
    until(page, "Draw your data")
    pad = page.get_by_role("application")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    x, y, side = box["x"], box["y"], box["width"]
    page.mouse.move(x + 0.2 * side, y + 0.5 * side)
    page.mouse.down()
    page.mouse.move(x + 0.8 * side, y + 0.5 * side, steps=12)
    page.mouse.up()
    marks = re.search(r"marks=([\d_-]+)", page.url)
    assert marks
    drawn = [int(number) for number in marks[1].split("_")]
    assert len(drawn) > 20
    assert max(map(abs, drawn[1::2])) <= 6
    assert min(drawn[::2]) < -80
    assert max(drawn[::2]) > 80
    button(page, "play").click()
    until(page, r"Round [1-9]\d*: \d+ of [4-9] modes")
    button(page, "pause").click()

    button(page, "clear the drawing").click()
    until(page, "Draw your data")
    pad.focus()
    for key in (
        "ArrowUp",
        "ArrowRight",
        "Space",
        "ArrowUp",
        "ArrowUp",
        "ArrowUp",
        "Space",
        "Space",
    ):
        pad.press(key)
    pad.press("Backspace")
    assert page.url.partition("marks=")[2].startswith("10_10_10_40")
    assert "of 2 modes" in status(page)


def test_a_thumb_draws_without_moving_the_page(visit: Visit):
    page = opened(visit, "#inpage-gan_basics&data=your+drawing", width="phone")
    pad = page.get_by_role("application")
    pad.scroll_into_view_if_needed()
    assert pad.evaluate("pad => getComputedStyle(pad).touchAction") == "none"
    box = pad.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    until(page, "of 1 modes")
    setting(page, "data").select_option("ring")
    square = page.locator(".game-squares canvas").first
    assert square.evaluate("square => getComputedStyle(square).touchAction") == "auto"


def test_an_address_brings_its_situation_back(visit: Visit):
    hash = (
        "#inpage-gan_basics&data=moons&loss=wasserstein&noise=one+normal+number&rateG=0.01"
        "&stepsD=3&layersG=1&unitsD=16&seed=5&round=20"
    )
    page = opened(visit, hash)
    until(page, "Round 20:")
    expect(button(page, "play")).to_be_visible()
    said = status(page)
    assert setting(page, "data").input_value() == "moons"
    assert setting(page, "loss").input_value() == "wasserstein"
    assert setting(page, "noise").input_value() == "one normal number"
    for name, text in (("rate of G", "0.01"), ("steps of D a round", "3"), ("rate of D", "0.001")):
        slider = setting(page, name)
        assert slider.get_attribute("aria-valuetext") == text
    assert page.url.endswith(hash)

    # Another situation, and back by the address alone.
    choose(page, "units a layer of G", 2)
    setting(page, "data").select_option("spiral")
    assert "unitsG=16" in page.url
    assert "data=spiral" in page.url
    assert "round" not in page.url.partition("#")[2]
    assert rounds(page) == 0
    page.evaluate("hash => location.hash = hash", hash)
    until(page, "Round 20:")
    expect(button(page, "play")).to_be_visible()
    assert status(page) == said


def test_settings_of_a_running_game(visit: Visit):
    page = opened(visit)
    until(page, "Round [1-9]")
    choose(page, "rate of G", 16)
    choose(page, "steps of D a round", 4)
    setting(page, "loss").select_option("saturating")
    now = rounds(page)
    assert now > 0
    until(page, f"Round (?!{now}:)")
    assert rounds(page) >= now, "the game went on"
    assert "rateG=0.1&stepsD=5" in page.url
    choose(page, "hidden layers of D", 2)
    button(page, "pause").click()
    assert page.url.partition("layersD=")[2].startswith("3")
    before = page.locator(".game-spoken").text_content()
    assert before
    assert before.startswith("Paused.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_game_is_within_reach_of_all(visit: Visit, scheme: str):
    page = opened(visit, "#inpage-gan_basics&data=your+drawing&marks=10_10_-50_20&round=2",
                  width="phone", scheme=scheme)  # fmt: skip
    until(page, "Round 2:")
    found = Axe().run(page, context=".tutorial-game", options=RULES).response["violations"]
    assert [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    small = [
        control.evaluate("control => control.outerHTML")[:80]
        for control in page.locator(".tutorial-game")
        .locator("button, select, input[type=range]")
        .all()
        if control.is_visible() and (control.bounding_box() or {"height": 0})["height"] < 36
    ]
    assert small == [], "too small for a thumb"


def test_a_file_that_does_not_come_is_told_and_asked_for_again(visit: Visit, server: str):
    page = visit(f"{server}/notebooks/gan_basics.html", watched=False)
    assert names(page.evaluate(LOADED)) == ["gan_basics.js"]
    page.route("**/gan_basics/views.js", lambda route: route.abort())
    start = page.get_by_role("button", name=BUTTON)
    start.click()
    expect(page.locator(".tutorial-inpage [role=status]")).to_have_text(
        "A file could not be loaded. Press again to try once more."
    )
    page.unroute("**/gan_basics/views.js")
    start.click()
    until(page, "Round [1-9]")


def test_a_round_in_slow_motion(visit: Visit):
    page = opened(visit, "#inpage-gan_basics&round=1")
    expect(button(page, "play")).to_be_visible()
    button(page, "slow motion").click()
    told = page.locator(".tutorial-game figcaption", has_text=re.compile(r"^[1-5]\."))
    for number in range(1, 6):
        expect(told).to_have_text(re.compile(rf"^{number}\."), timeout=10_000)
        assert page.locator(".game-flow .lit").count() > 1
    assert rounds(page) == 2
    button(page, "stop slow motion").click()
    before = told.inner_text()
    page.wait_for_timeout(4000)
    assert told.inner_text() == before
    button(page, "play").click()
    until(page, r"Round ([3-9]|\d\d)")


PLAYERS = "gan_basics-players"
PACKS = (
    """() => [...document.scripts].map(({ src }) => src).filter((src) => src.includes("/packs/"))"""
)


def test_trained_players_are_loaded_when_asked_for_and_the_address_brings_them(visit: Visit):
    page = opened(visit, "#inpage-gan_basics&round=1")
    expect(button(page, "play")).to_be_visible()
    size = json.loads((SITE / "_static" / "packs" / "sizes.json").read_text())["packs"][PLAYERS]
    note = page.locator(".game-settings > p").inner_text()
    assert f"Trained players load {math.ceil(size / 1000)} kB" in note
    assert size < 80_000
    assert page.evaluate(PACKS) == []

    setting(page, "players").select_option("trained")
    until(page, "Round 0: 8 of 8 modes")
    assert names(page.evaluate(PACKS)) == [f"{PLAYERS}.js"]
    assert page.url.endswith("#inpage-gan_basics&players=trained")
    for data in ("spiral", "moons", "smile"):
        setting(page, "data").select_option(data)
        until(page, r"Round 0: (\d+) of \1 modes, (8[5-9]|9\d|100) %", 10)
    assert "players=trained" in page.url
    button(page, "one round").click()
    until(page, "Round 1: ")
    assert page.url.endswith("&players=trained&round=1")

    hash = "#inpage-gan_basics&data=moons&players=trained+G%2C+new+D&unitsD=8&round=3"
    again = opened(visit, hash)
    until(again, r"Round 3: 1\d of 16 modes")
    expect(button(again, "play")).to_be_visible()
    assert setting(again, "players").input_value() == "trained G, new D"
    assert again.url.endswith(hash)
    button(again, "start anew").click()
    until(again, "Round 0: 16 of 16 modes")


def test_why_players_are_new_is_told(visit: Visit):
    page = opened(visit, "#inpage-gan_basics&players=trained&unitsG=8&round=1")
    until(
        page,
        "Round 1: .* These players are new: trained ones are there for units a layer of G: 64.",
    )
    assert page.evaluate(PACKS) == []
    choose(page, "units a layer of G", 4)
    until(page, "Round 0: 8 of 8 modes")
    assert "new" not in status(page)
    setting(page, "data").select_option("your drawing")
    page.get_by_role("application").press("Space")
    until(page, "Round 0: .*These players are new: none are trained on your drawing")


def test_trained_players_that_do_not_come_leave_the_game_alive(visit: Visit, server: str):
    page = visit(f"{server}/notebooks/gan_basics.html#inpage-gan_basics&round=1", watched=False)
    page.get_by_role("button", name=BUTTON).click()
    until(page, "Round 1:")
    page.route(f"**/{PLAYERS}.js*", lambda route: route.abort())
    setting(page, "players").select_option("trained")
    until(page, f"Round 0: .*These players are new: {PLAYERS}.js could not be loaded")
    told = page.locator(".game-spoken[role=status]").text_content()
    assert told
    assert "Start anew to try again." in told
    button(page, "one round").click()
    until(page, "Round 1:")
    page.unroute(f"**/{PLAYERS}.js*")
    button(page, "start anew").click()
    until(page, "Round 0: 8 of 8 modes")
    assert "new" not in status(page)
