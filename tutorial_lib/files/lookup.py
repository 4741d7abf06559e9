"""Find a registered file here or download it, never one with a wrong hash."""

from __future__ import annotations

import difflib
import errno
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from http.client import HTTPException
from pathlib import Path

import pooch
from filelock import FileLock
from tqdm.auto import tqdm

from tutorial_lib.files.registry import REGISTRY, Entry

VARIABLE = "TUTORIAL_LIB_DATA"
_TIMEOUT = 30.0  # seconds without a byte before a connection counts as lost
_CHUNK = 1 << 16

# path, length, modification time -> sha256: a file is hashed once a process, not once a read.
_hashes: dict[tuple[str, int, int], str] = {}


class DataUnavailable(Exception):
    """A registered file is neither on this machine nor to be had; the message says what to do."""


def locate(name: str, *, download: bool = True, progress: bool = True) -> Path:
    """Return the path of a registered file, downloading it if it is nowhere on this machine.

    Looked for in this order: the folder named in the environment variable ``TUTORIAL_LIB_DATA``;
    ``../shared/data`` beside a checkout of this repository; the user's cache; the file's address.

    Parameters
    ----------
    name : str
        A name in the registry, such as ``"set5/baby.png"``.
    download : bool
        Whether the network may be used.
    progress : bool
        Whether a download draws a progress bar.

    Returns
    -------
    pathlib.Path
        A complete file whose SHA-256 is the registered one.

    Raises
    ------
    DataUnavailable
        If the file cannot be had, or a file in a folder that you named has the wrong content.
    ValueError
        If the registry has no such name.
    """
    entry = _entry(name)
    path = _find(entry)
    if path is not None:
        return path
    if not download or not entry.url:
        raise DataUnavailable(_advice(entry, "it is not on this machine"))
    with _bar(entry.name, entry.bytes, progress) as bar:
        return _download(entry, bar.update)


def fetch(names: Iterable[str], *, progress: bool = True) -> list[Path]:
    """Make sure that several registered files are on this machine, under one progress bar.

    Parameters
    ----------
    names : iterable of str
        Names in the registry; see `tutorial_lib.files.names` for those of a folder.
    progress : bool
        Whether to draw the bar.

    Returns
    -------
    list of pathlib.Path
        One path for each name, in the same order.

    Raises
    ------
    DataUnavailable
        At the first file that cannot be had. What came before it stays and is not fetched again.
    ValueError
        If the registry has no such name.
    """
    entries = [_entry(name) for name in names]
    paths = []
    with _bar("data", sum(entry.bytes for entry in entries), progress) as bar:
        for entry in entries:
            path = _find(entry)
            if path is not None:
                bar.update(entry.bytes)
            elif entry.url:
                path = _download(entry, bar.update)
            else:
                raise DataUnavailable(_advice(entry, "it is not on this machine"))
            paths.append(path)
    return paths


def _entry(name: str) -> Entry:
    try:
        return REGISTRY[name]
    except KeyError:
        near = difflib.get_close_matches(name, REGISTRY, n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise ValueError(f"no file named {name!r} in the registry{hint}") from None


def _find(entry: Entry) -> Path | None:
    for folder in _given_folders():
        path = folder / entry.name
        if path.is_file():
            if not _is_right(path, entry):
                raise DataUnavailable(
                    f"{path} is not the registered {entry.name}: expected {entry.bytes} bytes with "
                    f"sha256 {entry.sha256}, found {path.stat().st_size} bytes with "
                    f"{_sha256(path)}. Delete or replace it (the right one: "
                    f"{entry.url or 'no public address'}), or point {VARIABLE} at another folder."
                )
            return path
    path = _cache() / entry.name
    # A wrong file in the cache is ours, not the user's: it counts as absent and is replaced.
    return path if path.is_file() and _is_right(path, entry) else None


def _given_folders() -> list[Path]:
    folders = []
    if named := os.environ.get(VARIABLE):
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise DataUnavailable(
                f"{VARIABLE} names {folder}, which is not a folder. Create it, correct the "
                f"variable, or unset it to use the cache ({_cache()})."
            )
        folders.append(folder)
    root = Path(__file__).resolve().parents[2]
    shared = root.parent / "shared" / "data"
    if (root / "pyproject.toml").is_file() and shared.is_dir():
        folders.append(shared)
    return folders


def _cache() -> Path:
    return Path(pooch.os_cache("tutorial_lib")) / "data"


def _is_right(path: Path, entry: Entry) -> bool:
    return path.stat().st_size == entry.bytes and _sha256(path) == entry.sha256


def _sha256(path: Path) -> str:
    stat = path.stat()
    key = (str(path), stat.st_size, stat.st_mtime_ns)
    if key not in _hashes:
        _hashes[key] = pooch.file_hash(str(path), alg="sha256")
    return _hashes[key]


def _bar(label: str, total: int, progress: bool) -> tqdm:
    return tqdm(
        total=total, desc=label, unit="B", unit_scale=True, unit_divisor=1024, disable=not progress
    )


def _advice(entry: Entry, why: str) -> str:
    if not entry.url:
        return (
            f"{entry.name}: {why}, and it has no public address. Put the file ({entry.bytes} "
            f"bytes, sha256 {entry.sha256}; {entry.credit}) into a folder under that name and set "
            f"{VARIABLE} to the folder."
        )
    return (
        f"{entry.name}: {why}. Run again where there is a network, or download {entry.url} into a "
        f"folder under that name and set {VARIABLE} to the folder."
    )


def _download(entry: Entry, advance: Callable[[int], object]) -> Path:
    target = _cache() / entry.name
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(_cache() / ".lock"):
            if target.is_file() and _is_right(target, entry):
                advance(entry.bytes)  # another process brought it while this one waited
                return target
            _stream(entry, part, advance)
            _check(entry, part)
            os.replace(part, target)
    except (OSError, HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError) and error.code == 416:
            part.unlink(missing_ok=True)  # the server has less than we: start again next time
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise DataUnavailable(
                f"{entry.name}: the disk is full at {target.parent} ({entry.bytes} bytes needed). "
                f"Free some space and run again, which continues {entry.url} where it stopped, or "
                f"keep the data elsewhere and set {VARIABLE} to that folder."
            ) from error
        raise DataUnavailable(_advice(entry, f"the download failed ({error})")) from error
    return target


def _check(entry: Entry, part: Path) -> None:
    if (size := part.stat().st_size) < entry.bytes:
        why = f"the connection ended after {size} of {entry.bytes} bytes, which are kept"
        raise DataUnavailable(_advice(entry, why))
    if not _is_right(part, entry):
        found = _sha256(part)
        part.unlink()
        why = (
            f"what came from the network is not the registered file (expected sha256 "
            f"{entry.sha256}, got {found}) and was deleted"
        )
        raise DataUnavailable(_advice(entry, why))


def _stream(entry: Entry, part: Path, advance: Callable[[int], object]) -> None:
    """Bring `part` towards its full length, continuing what an earlier attempt left."""
    have = part.stat().st_size if part.exists() else 0
    if have > entry.bytes:
        part.unlink()
        have = 0
    if have == entry.bytes:
        advance(have)
        return
    request = urllib.request.Request(entry.url, headers={"User-Agent": "tutorial_lib"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        continues = response.status == 206 and (
            response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        )
        have = have if continues else 0
        advance(have)
        with open(part, "ab" if continues else "wb") as out:
            # One byte too many is enough to know that this is another file.
            while have <= entry.bytes and (chunk := response.read(_CHUNK)):
                out.write(chunk)
                have += len(chunk)
                advance(len(chunk))
