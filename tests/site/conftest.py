"""A browser, and the built site served on this machine alone."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    sync_playwright,
)

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


COMPRESSED = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


@cache
def compressed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), compresslevel=6)


class Pages(SimpleHTTPRequestHandler):
    """Serves files as GitHub Pages does: text compressed, and 404.html for what is not there."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.suffix in COMPRESSED and path.is_file():
            self.reply(HTTPStatus.OK, COMPRESSED[path.suffix], compressed(path))
        else:
            super().do_GET()

    def send_error(self, code: int, *_: object, **__: object) -> None:
        page = SITE / "404.html"
        body = compressed(page) if code == HTTPStatus.NOT_FOUND and page.exists() else b""
        self.reply(HTTPStatus(code), "text/html", body)

    def reply(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        if body:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    handler = partial(Pages, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


def launched(driver: Playwright, *arguments: str) -> Browser:
    # Playwright's own Chromium, where `playwright install` has brought one, is used otherwise.
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    return driver.chromium.launch(
        executable_path=installed,
        args=["--no-sandbox", "--disable-background-networking", *arguments],
    )


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    browser = launched(driver, "--disable-gpu")
    yield browser
    browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address; at the end of the test, fail if the page complained or asked outside."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(
        url: str, *, width: str = "desktop", scheme: str = "light", watched: bool = True
    ) -> Page:
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        context = browser.new_context(
            viewport=size,
            color_scheme=scheme,
            has_touch=width == "phone",
            reduced_motion="reduce",  # or colours would be judged half-way between two themes
        )
        context.set_default_timeout(120_000)
        contexts.append(context)
        page = context.new_page()
        if watched:
            watch(page, url, problems)
        page.goto(url)
        page.wait_for_load_state("networkidle")
        drawn(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def watch(page: Page, url: str, problems: list[str]) -> None:
    """Note what goes wrong on a page, and what it asks of other servers."""
    own = url.split("/_build/")[0] if url.startswith("file:") else "/".join(url.split("/")[:3])

    def request(request: Request) -> None:
        if not request.url.startswith((own, "data:", "blob:")):
            problems.append(f"asked outside: {request.url[:200]}")

    def response(response: Response) -> None:
        if response.status >= 400:
            problems.append(f"{response.status}: {response.url[:200]}")

    def console(message: ConsoleMessage) -> None:
        # A page without an icon, as the redirect at the site's root is, has one looked for.
        if message.type == "error" and "favicon.ico" not in message.location["url"]:
            problems.append(f"console: {message.text}")

    page.on("request", request)
    page.on("response", response)
    page.on("console", console)
    page.on("requestfailed", lambda r: problems.append(f"failed: {r.url[:200]} {r.failure}"))
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))


def drawn(page: Page) -> None:
    """Wait until every widget and every equation of the page has been drawn."""
    page.wait_for_function(
        """() => {
            const views = document.querySelectorAll(
                'script[type="application/vnd.jupyter.widget-view+json"]');
            const equations = document.querySelectorAll('.math');
            return [...views].every(view => view.parentNode.querySelector('.jupyter-widgets'))
                && [...equations].every(math => math.querySelector('mjx-container'));
        }""",
        polling=50,
    )
