"""The repository's public address, wherever readers meet it: what ``tutorial stamp`` does."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from tutorial_lib.data import write_atomically

ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)/?")


def stamp_files(root: Path, address: str | None) -> list[str]:
    """Replace the repository's address wherever readers meet it.

    Parameters
    ----------
    root : Path
        The checkout.
    address : str or None
        ``https://github.com/owner/name``; None takes the one in ``_config.yml``.

    Returns
    -------
    list of str
        The files that changed.

    Raises
    ------
    ValueError
        If the address is not of that form, or ``_config.yml`` has none.
    """
    configured = re.search(r"^\s+url:\s*(\S+)", (root / "_config.yml").read_text("utf-8"), re.M)
    if configured is None:
        raise ValueError("_config.yml has no repository url")
    address = address or configured[1]
    match = ADDRESS.fullmatch(address.removesuffix(".git"))
    if match is None:
        raise ValueError(f"{address!r} is not of the form https://github.com/owner/name")
    setup = root / "scripts" / "setup_cell.py"
    stamped = re.search(r"git\+https://github\.com/([\w.-]+/[\w.-]+)", setup.read_text("utf-8"))
    old = {ADDRESS.fullmatch(configured[1])[1], stamped[1] if stamped else match[1]}  # type: ignore[index]
    changed = []
    for path in [root / "_config.yml", setup, *sorted(root.glob("notebooks/*.ipynb"))]:
        text = fresh = path.read_text("utf-8")
        for slug in old:
            place = rf"(github(?:\.com)?/){re.escape(slug)}(?![\w.-])"
            fresh = re.sub(place, rf"\g<1>{match[1]}", fresh)
        if fresh != text:
            write_atomically(path, partial(_write_text, text=fresh))
            changed.append(path.relative_to(root).as_posix())
    return changed


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
