"""Photographs as cameras, scanners and broken disks leave them: metadata decide about no pixel."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, TiffImagePlugin

from tutorial_lib.data import (
    ImageError,
    from_uint8,
    pictures_in,
    read_image,
    read_original,
    unreadable,
)

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def tensor(array):
    return from_uint8(torch.from_numpy(np.array(array)).permute(2, 0, 1)[None])


def with_tags(*tags: bytes, count: int | None = None) -> bytes:
    """EXIF of raw 12-byte entries, little endian, and what they point at from byte 200 on."""
    entries = b"".join(tags)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", count or len(tags))
    block = head + entries + struct.pack("<I", 0)
    return b"Exif\0\0" + block.ljust(200, b"\0") + struct.pack("<ii", -1, 0) + bytes(16)


SIDEWAYS = struct.pack("<HHIHH", ExifTags.Base.Orientation, 3, 1, 6, 0)
MINUS_ONE_OVER_ZERO = struct.pack("<HHII", ExifTags.Base.XResolution, 10, 1, 200)
NUMBER_FOR_TEXT = struct.pack("<HHII", ExifTags.Base.Make, 4, 1, 77)
UNKNOWN_KIND = struct.pack("<HHII", ExifTags.Base.Software, 99, 1, 3)
FAR_AWAY = struct.pack("<HHII", ExifTags.Base.Copyright, 2, 4_000_000, 4_000_000)
GPS_NOWHERE = struct.pack("<HHII", ExifTags.IFD.GPSInfo, 4, 1, 999_999)


@pytest.mark.parametrize(
    "odd",
    [MINUS_ONE_OVER_ZERO, NUMBER_FOR_TEXT, UNKNOWN_KIND, FAR_AWAY, GPS_NOWHERE],
    ids=["rational", "number", "kind", "offset", "gps"],
)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_odd_tag_beside_the_orientation(tmp_path, odd, kind):
    path = tmp_path / "photo.image"
    exif = with_tags(*sorted([SIDEWAYS, odd]))
    Image.fromarray(RGB).save(path, kind, exif=exif, lossless=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_image(path)
        original = read_original(path)
    assert torch.equal(found, tensor(np.rot90(RGB, -1)))
    assert torch.equal(from_uint8(original.colours), found)
    assert ExifTags.Base.Orientation not in original.exif
    original.metadata(width=28, height=20)


def test_a_rational_that_pillow_cannot_write_back(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XResolution] = TiffImagePlugin.IFDRational(1, 0)
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    assert torch.equal(read_image(tmp_path / "a.png"), tensor(np.rot90(RGB, -1)))


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_orientation_that_is_none(tmp_path, value):
    tag = struct.pack("<HHIHH", ExifTags.Base.Orientation, 3, 1, value, 0)
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=with_tags(tag))
    assert torch.equal(read_image(tmp_path / "a.png"), tensor(RGB))


def chunk(name: bytes, data: bytes, *, wrong: int = 0) -> bytes:
    check = zlib.crc32(name + data) ^ wrong
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


def png(depth: int, colour: int, rows: list[bytes], *more: bytes) -> bytes:
    width = 8 * len(rows[0]) // (depth * {0: 1, 2: 3}[colour])
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    "beside",
    [
        chunk(b"tEXt", b"Comment\0words", wrong=1),
        chunk(b"iCCP", b"profile\0\0not compressed", wrong=1),
        chunk(b"iCCP", b"profile\0\0not compressed"),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"gAMA", b"\0"),
        chunk(b"pHYs", b""),
        chunk(b"tIME", b"\1"),
        chunk(b"eXIf", b"MM"),
    ],
    ids=["crc", "profile crc", "profile", "bomb", "gamma", "resolution", "time", "exif"],
)
def test_a_png_whose_words_are_damaged(tmp_path, beside):
    rows = [bytes(row.flatten()) for row in RGB]
    (tmp_path / "a.png").write_bytes(png(8, 2, rows, beside))
    assert torch.equal(read_image(tmp_path / "a.png"), tensor(RGB))


@pytest.mark.parametrize(
    "segment",
    [b"\xff\xe0\0\3J", b"\xff\xe0\0\x07JFIF\0", b"\xff\xe2\0\x08MPF\0??", b"\xff\xed\0\2"],
)
def test_a_jpeg_whose_segments_are_damaged(tmp_path, segment):
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "JPEG", quality=95)
    whole = file.getvalue()
    (tmp_path / "a.jpg").write_bytes(whole[:2] + segment + whole[2:])
    assert torch.equal(read_image(tmp_path / "a.jpg"), read_image(io.BytesIO(whole)))


def test_a_png_whose_pixels_are_damaged_is_refused():
    rows = [bytes(row.flatten()) for row in RGB]
    whole = png(8, 2, rows, chunk(b"tEXt", b"Comment\0words", wrong=1))
    at = whole.index(b"IDAT") + 12
    with pytest.raises(ImageError, match="damaged"):
        read_image(io.BytesIO(whole[:at] + b"\xff\xff\xff" + whole[at + 3 :]))


# One colour of a PNG can be transparent; how its number is meant depends on the bits.


@pytest.mark.parametrize(
    ("depth", "row", "transparent", "expected"),
    [
        (16, struct.pack(">4H", 0, 1000, 1001, 65535), 1000, [0, 1, 1001 / 65535, 1]),
        (16, struct.pack(">4H", 0, 1000, 1001, 65535), 0, [1, 1000 / 65535, 1001 / 65535, 1]),
        (8, bytes([0, 16, 17, 255]), 17, [0, 16 / 255, 1, 1]),
        (4, bytes([0x01, 0xEF]), 1, [0, 1, 14 / 15, 1]),
        (2, bytes([0b00011011]), 2, [0, 1 / 3, 1, 1]),
        (2, bytes([0b00011011]), 0, [1, 1 / 3, 2 / 3, 1]),
        (1, bytes([0b00110011]), 0, [1] * 8),
        (1, bytes([0b00110011]), 1, [0, 0, 1, 1, 0, 0, 1, 1]),
    ],
)
def test_transparent_grey(depth, row, transparent, expected):
    file = png(depth, 0, [row], chunk(b"tRNS", struct.pack(">H", transparent)))
    found = read_image(io.BytesIO(file))
    assert found[0, 1, 0].tolist() == pytest.approx(expected, abs=1e-6)


def test_transparent_grey_is_transparent_in_an_original(tmp_path):
    row = struct.pack(">4H", 0, 1000, 1001, 65535)
    (tmp_path / "a.png").write_bytes(png(16, 0, [row], chunk(b"tRNS", struct.pack(">H", 1000))))
    assert read_original(tmp_path / "a.png").alpha.flatten().tolist() == [255, 0, 255, 255]


def test_transparent_colour_of_16_bits():
    row = struct.pack(">6H", 65535, 0, 0, 0, 256, 512)
    file = png(16, 2, [row], chunk(b"tRNS", struct.pack(">3H", 65535, 0, 0)))
    found = read_image(io.BytesIO(file))[0, :, 0]
    assert found[:, 0].tolist() == [1, 1, 1]
    assert found[:, 1].tolist() == pytest.approx([0, 1 / 255, 2 / 255], abs=1e-6)


# Folders


@pytest.fixture
def folder(tmp_path) -> Path:
    """What a folder of photographs may hold besides."""
    for name in ("b.png", "a.BMP", "c.tiff", "d.gif", "e.webp", "f.JPG"):
        Image.fromarray(RGB).save(tmp_path / name)
    (tmp_path / "._a.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "notes.txt").write_text("words")
    return tmp_path


def test_pictures_in_a_folder(folder):
    names = [path.name for path in pictures_in(folder)]
    assert names == ["a.BMP", "b.png", "c.tiff", "d.gif", "e.webp", "f.JPG"]


def test_damaged_pictures_are_found_before_the_work(folder):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("cut.jpg", "cut.png"):
        Image.fromarray(noise).save(folder / name)
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])
    (folder / "words.png").write_text("words")
    found = unreadable(pictures_in(folder), progress=False)
    assert {path.name for path in found} == {"cut.jpg", "cut.png", "words.png"}
    assert "is damaged" in found[folder / "cut.jpg"]
    assert "is not an image" in found[folder / "words.png"]
