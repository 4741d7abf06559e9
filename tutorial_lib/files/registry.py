"""The one list of outside files: name, size, hash, address and credit."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Entry:
    """One outside file.

    Parameters
    ----------
    name : str
        Path of the file below the data folder, with forward slashes.
    bytes : int
        Its length.
    sha256 : str
        Its SHA-256, 64 lower-case hexadecimal digits.
    url : str
        Where it can be downloaded; empty if nowhere.
    credit : str
        Whose it is and under what terms.
    """

    name: str
    bytes: int
    sha256: str
    url: str
    credit: str


def _read() -> dict[str, Entry]:
    text = (files("tutorial_lib.files") / "registry.csv").read_text(encoding="utf-8")
    return {
        row["path"]: Entry(row["path"], int(row["bytes"]), row["sha256"], row["url"], row["credit"])
        for row in csv.DictReader(text.splitlines())
    }


REGISTRY: dict[str, Entry] = _read()
"""Name → entry, of every outside file."""


def names(prefix: str = "") -> list[str]:
    """List the registered files in a folder, in registry order.

    Parameters
    ----------
    prefix : str
        A folder such as ``"set5"`` or ``"bsds500/train"``, or a whole name; empty for all.

    Returns
    -------
    list of str
        The names; empty if the registry has no such folder.

    Examples
    --------
    >>> names("set5")[:2]
    ['set5/baby.png', 'set5/bird.png']
    >>> len(names("bsds500/train"))
    200
    """
    folder = prefix.rstrip("/")
    return [
        name for name in REGISTRY if not folder or name == folder or name.startswith(folder + "/")
    ]
