"""What can be seen in the built pages without a browser."""

from __future__ import annotations

import hashlib
import importlib
import re
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urldefrag

import offline
import packs
import pytest
from chapters import Chapter, embedded_in, published
from PIL import Image
from saved_sliders import saved_sliders
from site_pages import CHAPTERS, PAGES, SITE, needs_site

from tutorial_lib import ledger

pytestmark = needs_site

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)


@cache
def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def page_of(chapter: Chapter) -> str:
    return read(SITE / "notebooks" / f"{chapter.name}.html")


def file_of(data: bytes) -> str:
    return f"embedded-{hashlib.sha256(data).hexdigest()[:20]}"


def bytes_of(frame: str) -> list[bytes]:
    """The pictures in a frame, without the one of a pixel that runs a script."""
    return [data for kind, data in embedded_in(frame) if kind != "gif"]


def meta(html: str) -> dict[str, str]:
    found = re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', html)
    return {name: unescape(words) for name, words in found}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str):
    page = SITE / name
    for href in re.findall(r'<a [^>]*href="([^"]*)"', read(page)):
        address, fragment = urldefrag(unescape(href))
        if re.match(r"[a-z]+:", address):
            continue
        path = (page.parent / unquote(address)).resolve() if address else page
        assert path.exists(), href
        if fragment and path.suffix == ".html":
            assert f'id="{unquote(fragment)}"' in read(path), href


@pytest.mark.parametrize("name", [name for name in PAGES if name != "index.html"])
def test_card_for_other_sites(name: str):
    found = meta(read(SITE / name))
    for tag in ("og:title", "og:description", "og:url", "og:image", "og:image:alt"):
        assert found.get(tag), f"no {tag}"
        assert "<" not in found[tag]
    assert found["og:url"] == f"{published()}{name}"
    path = SITE / found["og:image"].removeprefix(published())
    with Image.open(path) as image:
        assert image.size == (1200, 630)
    assert path.stat().st_size < 300_000


def test_each_chapter_has_its_own_card():
    cards = {meta(page_of(chapter))["og:image"] for chapter in CHAPTERS}
    assert len(cards) == len(CHAPTERS)


@each_chapter
def test_chapter_shows_what_its_notebook_put_out(chapter: Chapter):
    hidden = {"remove-output", "remove-cell"}
    expected = sum(
        bool(cell.get("outputs")) and not hidden & set(cell.metadata.get("tags", []))
        for cell in chapter.notebook.cells
    )
    assert expected > 0, "a chapter that ran no cell"
    shown = re.findall(r'<div class="cell_output[ "]|<details class="[^"]*output', page_of(chapter))
    assert len(shown) >= expected


@each_chapter
def test_chapter_states_its_effort_and_its_records(chapter: Chapter):
    html = page_of(chapter)
    assert 'class="chapter-facts' in html
    assert f"{chapter.minutes_to_read} min to read" in html
    recorded = [r for r in ledger.records() if r.experiment.startswith(f"{chapter.name}/")]
    for device in {record.device for record in recorded}:
        assert device in unescape(html)


@each_chapter
def test_every_frame_is_a_file_of_the_page(chapter: Chapter):
    html = page_of(chapter)
    for slider in saved_sliders(chapter.notebook):
        for data in [data for frame in slider.frames for data in bytes_of(frame)]:
            if len(data) >= 1000:
                (path,) = SITE.glob(f"_images/{file_of(data)}.*")
                assert path.name in html
    assert all(len(data) < 1000 for _, data in embedded_in(html))


@each_chapter
def test_recorded_frames_are_the_ledgers(chapter: Chapter):
    """A slider over recorded files shows what was recorded, without gaps, to the last frame."""
    series: dict[str, list[str]] = {}
    for record in ledger.records():
        for name, sha256 in sorted(record.artefacts.items()):
            if re.search(r"\d{5}", name):  # the step of a training
                series.setdefault(f"{record.experiment}/{re.sub(r'[0-9]+', '#', name)}", []).append(
                    sha256
                )
    everywhere = [sha256 for members in series.values() for sha256 in members]
    recorded = {sha256 for record in ledger.records() for sha256 in record.artefacts.values()}
    for slider in saved_sliders(chapter.notebook):
        frames = [[hashlib.sha256(data).hexdigest() for data in bytes_of(f)] for f in slider.frames]
        shown = {sha256 for frame in frames for sha256 in frame}
        if not shown & recorded or any(len(frame) != 1 for frame in frames):
            continue  # drawn from records, not recorded as pictures
        assert shown <= recorded, f"cell {slider.cell} has frames that the ledger does not have"
        for name, all_members in series.items():
            # The first frame of a training that goes on from another is the other's last.
            members = [sha256 for sha256 in all_members if everywhere.count(sha256) == 1]
            part = [sha256 for sha256 in members if sha256 in shown]
            if len(part) > 1:
                assert part in parts_of(members), f"cell {slider.cell}: {len(part)} of {name}"


@each_chapter
def test_sliders_have_their_room_before_they_are_drawn(chapter: Chapter):
    sliders = list(saved_sliders(chapter.notebook))
    alone = [slider for slider in sliders if len(bytes_of(slider.frames[0])) == 1]
    assert page_of(chapter).count('<div class="widget-room"') == len(alone)


def parts_of(series: list[str]) -> list[list[str]]:
    """The series, evenly thinned or not, from any of its members to the last."""
    return [
        [*series[first:-1:step], series[-1]]
        for first in range(len(series) - 1)
        for step in range(1, len(series))
    ]


def test_no_page_asks_outside():
    for name in PAGES:
        loaded = re.findall(
            r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(https?:[^"]*)"', read(SITE / name)
        )
        assert [address for address in loaded if not address.startswith(published())] == [], name


def test_library_entries_name_their_chapter():
    html = read(SITE / "book" / "api.html")
    shown = {name for chapter in CHAPTERS for name in chapter.sources_shown}
    for name in shown:
        # A package lists what it passes on under its own name, wherever that is defined.
        package, last = ".".join(name.split(".")[:2]), name.rpartition(".")[2]
        if last not in importlib.import_module(package).__all__:
            continue
        entry = html[html.index(f'id="{package}.{last}"') :]
        assert "Taught in" in entry[: entry.index("</dd>")], name
    assert {name.split(".")[1] for name in shown} >= {chapter.name for chapter in CHAPTERS}


def test_pages_do_without_what_they_do_not_use():
    intro = read(SITE / "book" / "intro.html")
    assert not re.search(r"<script[^>]*mathjax", intro)
    assert "embed.js" not in intro
    assert (SITE / "_static" / "scripts" / "fontawesome.js").stat().st_size < 150_000


def test_the_offline_archive_carries_every_pack():
    """Whoever has no network has the demos, painters and players that are asked for later too."""
    inside = {name for name, _ in offline.contents()}
    asked = [
        name for group in (packs.DEMOS, packs.LATER) for names in group.values() for name in names
    ]
    assert len(asked) > 10
    for name in {*asked, "ort-wasm", "ort-webgpu"}:
        assert f"site/_static/packs/{name}.js" in inside
