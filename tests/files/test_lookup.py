"""Finding and downloading: right files only, whatever goes wrong on the way."""

from __future__ import annotations

import errno
import hashlib
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tutorial_lib.files import REGISTRY, DataUnavailable, Entry, fetch, locate, lookup, names

CONTENT = bytes(range(256)) * 1024  # 256 KiB, several chunks
NAME = "example/picture.png"


class Server(ThreadingHTTPServer):
    """A file server with faults to switch on."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = CONTENT
        self.ranges = True  # whether it honours Range
        self.cut: int | None = None  # close the connection after so many bytes
        self.asked: list[str | None] = []  # the Range header of each request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/picture.png"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if "missing" in self.path:
            return self.send_error(404)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        content = self.server.content
        if asked and self.server.ranges:
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            content = content[start:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.cut])
        return None

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a missing cache, and hide every file that this machine may have."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(lookup.pooch, "os_cache", lambda _: folder)
    monkeypatch.setattr(lookup, "__file__", str(tmp_path / "a" / "b" / "c" / "lookup.py"))
    monkeypatch.delenv(lookup.VARIABLE, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # no proxy can reach the test's own server
    return folder / "data"


@pytest.fixture
def entry(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    return register(monkeypatch, url=server.url)


def register(monkeypatch: pytest.MonkeyPatch, *, url: str, name: str = NAME) -> Entry:
    entry = Entry(name, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), url, "nobody")
    monkeypatch.setitem(REGISTRY, name, entry)
    return entry


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


# Registry


def test_registry_is_well_formed() -> None:
    assert len(names("set5")) == 5
    assert len(names("set14")) == 14
    assert [len(names(f"bsds500/{part}")) for part in ("train", "val", "test")] == [200, 100, 200]
    for entry in REGISTRY.values():
        assert entry.bytes > 0
        assert len(entry.sha256) == 64
        assert int(entry.sha256, 16)
        assert entry.url.startswith("https://") or entry.name.startswith("vgg16")
        assert entry.credit


def test_names_match_whole_folders() -> None:
    assert names("set1") == []
    assert names("set5/") == names("set5")
    assert names("set5/baby.png") == ["set5/baby.png"]
    assert names() == list(REGISTRY)


# Finding


def test_download_goes_to_the_cache_once(server: Server, entry: Entry, cache: Path) -> None:
    path = locate(NAME, progress=False)
    assert path == cache / NAME
    assert contents(cache) == {NAME: CONTENT}
    assert locate(NAME, progress=False) == path
    assert len(server.asked) == 1


def test_search_order(
    server: Server, entry: Entry, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    monkeypatch.setattr(lookup, "__file__", str(checkout / "tutorial_lib" / "files" / "lookup.py"))
    named = tmp_path / "named"
    folders = [named, tmp_path / "shared" / "data", cache]
    for folder in folders:
        (folder / NAME).parent.mkdir(parents=True)
        (folder / NAME).write_bytes(CONTENT)
    monkeypatch.setenv(lookup.VARIABLE, str(named))

    assert locate(NAME) == named / NAME
    monkeypatch.delenv(lookup.VARIABLE)
    # An installed copy has no project file above it, and must not look into its neighbours.
    assert locate(NAME) == cache / NAME
    checkout.mkdir()
    (checkout / "pyproject.toml").touch()
    assert locate(NAME) == tmp_path / "shared" / "data" / NAME
    assert server.asked == []


def test_named_folder_without_the_file_is_passed_over(
    entry: Entry, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(lookup.VARIABLE, str(tmp_path))
    assert locate(NAME, progress=False) == cache / NAME


def test_file_is_hashed_once_and_again_when_it_changes(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    file_hash = lookup.pooch.file_hash
    monkeypatch.setattr(
        lookup.pooch, "file_hash", lambda path, alg: (hashed.append(path), file_hash(path, alg))[1]
    )
    monkeypatch.setenv(lookup.VARIABLE, str(tmp_path))
    path = tmp_path / NAME
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    locate(NAME)
    locate(NAME)
    assert hashed == [str(path)]
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(DataUnavailable):
        locate(NAME)


def test_fetch_gets_what_is_missing(
    server: Server, entry: Entry, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, url=server.url, name="example/second.png")
    locate(NAME, progress=False)
    assert fetch([NAME, "example/second.png"], progress=False) == [
        cache / NAME,
        cache / "example/second.png",
    ]
    assert len(server.asked) == 2


# Exceptions


def test_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(ValueError, match=r"set5/babby\.png.*did you mean set5/baby\.png"):
        locate("set5/babby.png")


def test_unavailable_names_file_address_and_variable(entry: Entry, cache: Path) -> None:
    with pytest.raises(DataUnavailable) as error:
        locate(NAME, download=False)
    assert NAME in str(error.value)
    assert entry.url in str(error.value)
    assert lookup.VARIABLE in str(error.value)
    assert not cache.exists()


@pytest.mark.parametrize("get", [locate, lambda name: fetch([name], progress=False)])
def test_file_without_address_says_what_to_do(
    get: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = register(monkeypatch, url="")
    with pytest.raises(DataUnavailable, match="no public address") as error:
        get(NAME)
    assert entry.sha256 in str(error.value)
    assert f"set {lookup.VARIABLE}" in str(error.value)


def test_missing_folder_is_an_error(
    entry: Entry, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "not there"
    monkeypatch.setenv(lookup.VARIABLE, str(folder))
    with pytest.raises(DataUnavailable, match=r"TUTORIAL_LIB_DATA names .*not there.*not a folder"):
        locate(NAME)
    assert not folder.exists()


@pytest.mark.parametrize("wrong", [CONTENT[::-1], CONTENT[:-1], b""])
def test_wrong_file_in_the_named_folder_is_an_error(
    wrong: bytes, server: Server, entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(lookup.VARIABLE, str(tmp_path))
    path = tmp_path / NAME
    path.parent.mkdir()
    path.write_bytes(wrong)
    with pytest.raises(DataUnavailable) as error:
        locate(NAME)
    for part in (str(path), entry.sha256, hashlib.sha256(wrong).hexdigest(), lookup.VARIABLE):
        assert part in str(error.value)
    assert path.read_bytes() == wrong  # it is the user's: it stays
    assert server.asked == []


def test_wrong_file_in_the_cache_is_replaced(entry: Entry, cache: Path) -> None:
    (cache / NAME).parent.mkdir(parents=True)
    (cache / NAME).write_bytes(CONTENT[::-1])
    assert locate(NAME, progress=False).read_bytes() == CONTENT


# Downloads that go wrong


def test_truncated_download_is_kept_apart_and_continued(
    server: Server, entry: Entry, cache: Path
) -> None:
    server.cut = 100_000
    with pytest.raises(DataUnavailable, match="ended after 100000 of 262144 bytes"):
        locate(NAME, progress=False)
    assert contents(cache) == {NAME + ".part": CONTENT[:100_000]}
    with pytest.raises(DataUnavailable):
        locate(NAME, download=False)

    server.cut = None
    assert locate(NAME, progress=False).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]
    assert contents(cache) == {NAME: CONTENT}


def test_server_that_ignores_ranges_starts_again(server: Server, entry: Entry, cache: Path) -> None:
    server.cut, server.ranges = 100_000, False
    with pytest.raises(DataUnavailable):
        locate(NAME, progress=False)
    server.cut = None
    assert locate(NAME, progress=False).read_bytes() == CONTENT
    assert contents(cache) == {NAME: CONTENT}


def test_complete_part_needs_no_network(server: Server, entry: Entry, cache: Path) -> None:
    part = cache / (NAME + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert locate(NAME, progress=False).read_bytes() == CONTENT
    assert server.asked == []
    assert contents(cache) == {NAME: CONTENT}


@pytest.mark.parametrize("wrong", [CONTENT[::-1], CONTENT + b"more", b"<html>" + CONTENT])
def test_wrong_hash_deletes_what_came(
    wrong: bytes, server: Server, entry: Entry, cache: Path
) -> None:
    server.content = wrong
    with pytest.raises(DataUnavailable, match="not the registered file") as error:
        locate(NAME, progress=False)
    assert entry.sha256 in str(error.value)
    assert contents(cache) == {}

    server.content = CONTENT
    assert locate(NAME, progress=False).read_bytes() == CONTENT


def test_part_of_another_file_is_deleted(server: Server, entry: Entry, cache: Path) -> None:
    part = cache / (NAME + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else" * 100)
    with pytest.raises(DataUnavailable, match="not the registered file"):
        locate(NAME, progress=False)
    assert contents(cache) == {}


def test_part_that_is_too_long_starts_again(server: Server, entry: Entry, cache: Path) -> None:
    part = cache / (NAME + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"more")
    assert locate(NAME, progress=False).read_bytes() == CONTENT
    assert server.asked == [None]


def test_server_with_less_than_the_part_starts_again(
    server: Server, entry: Entry, cache: Path
) -> None:
    part = cache / (NAME + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    server.content = CONTENT[:500]
    with pytest.raises(DataUnavailable, match="416"):
        locate(NAME, progress=False)
    assert contents(cache) == {}


def test_missing_on_the_server(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, url=server.url.replace("picture", "missing"))
    with pytest.raises(DataUnavailable, match="404"):
        locate(NAME, progress=False)
    assert contents(cache) == {}


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as closed:
        url = closed.url
    register(monkeypatch, url=url)
    with pytest.raises(DataUnavailable, match="download failed") as error:
        locate(NAME, progress=False)
    assert lookup.VARIABLE in str(error.value)


def test_full_disk_is_one_clear_error_and_can_be_continued(
    server: Server, entry: Entry, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 150_000

    class SmallDisk(io.FileIO):
        def write(self, chunk: Any) -> int:
            left = room - self.tell()
            written = super().write(chunk[:left])
            if written < len(chunk):
                raise OSError(errno.ENOSPC, "No space left on device")
            return written

    def small_disk(path: Path, mode: str) -> io.FileIO:
        return SmallDisk(path, mode.replace("b", ""))

    monkeypatch.setattr(lookup, "open", small_disk, raising=False)
    with pytest.raises(DataUnavailable, match="disk is full") as error:
        locate(NAME, progress=False)
    for part in (NAME, str(cache), entry.url, lookup.VARIABLE):
        assert part in str(error.value)
    assert contents(cache) == {NAME + ".part": CONTENT[:room]}

    monkeypatch.delattr(lookup, "open")
    assert locate(NAME, progress=False).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={room}-"]


def test_cache_that_cannot_be_made(server: Server, entry: Entry, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    with pytest.raises(DataUnavailable, match="download failed") as error:
        locate(NAME, progress=False)
    assert str(cache) in str(error.value)


def test_those_who_want_one_file_at_once_download_it_once(
    server: Server, entry: Entry, cache: Path
) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: locate(NAME, progress=False), range(4)))
    assert set(paths) == {cache / NAME}
    assert contents(cache) == {NAME: CONTENT}
    assert len(server.asked) == 1
