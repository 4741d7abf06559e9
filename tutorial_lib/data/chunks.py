"""Image files without what stands in them beside the pixels."""

from __future__ import annotations

import struct
import zlib

_PNG = b"\x89PNG\r\n\x1a\n"

# What decides about a PNG's pixels: beside the critical chunks, transparency.
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def without_metadata(data: bytes) -> bytes | None:
    """Leave out of a PNG or JPEG file what a viewer can do without.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    bytes or None
        A file with the same pixels; None if it is of another kind, or holds nothing to leave out.
    """
    if data.startswith(_PNG):
        kept = _png(data)
    elif data.startswith(b"\xff\xd8"):
        kept = _jpeg(data)
    else:
        return None
    return kept if len(kept) < len(data) else None


def _png(data: bytes) -> bytes:
    parts, at = [_PNG], len(_PNG)
    while at + 12 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        chunk = data[at : at + 12 + length]
        sound = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
        # A damaged critical chunk stays, to be refused.
        if name in _NEEDED and (sound or name != b"tRNS"):
            parts.append(chunk)
        at += 12 + length
    return b"".join(parts)


def _jpeg(data: bytes) -> bytes:
    parts, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:  # what follows is the picture
            break
        # Applications' segments and comments, but for Adobe's, which says how colours are coded.
        if marker != 0xFE and (not 0xE0 <= marker <= 0xEF or marker == 0xEE):
            parts.append(data[at : at + 2 + length])
        at += 2 + length
    return b"".join([*parts, data[at:]])
