"""Reading whatever users have, refusing what is no image, writing without harm."""

from __future__ import annotations

import errno
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tutorial_lib.data import (
    EMBEDDED,
    ImageError,
    embedded,
    from_uint8,
    images,
    read_image,
    to_uint8,
    write_image,
)
from tutorial_lib.metrics import NotFinite, Protocol, psnr

WHOLE = Protocol("rgb", crop=0)
RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
DEEP = np.array([[0, 1, 255, 256], [32768, 65534, 65535, 1000]], np.uint16)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def encode_deep(array: np.ndarray, suffix: str) -> io.BytesIO:
    """Encode RGB or RGBA with 16-bit samples, which Pillow cannot write."""
    done, data = cv2.imencode(suffix, array[..., [2, 1, 0, 3][: array.shape[2]]])
    assert done
    return io.BytesIO(data.tobytes())


def as_tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32) / np.iinfo(array.dtype).max).permute(2, 0, 1)[
        None
    ]


def grey_tensor(array: np.ndarray) -> Tensor:
    return as_tensor(np.repeat(array[..., None], 3, 2))


# Kinds of images


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_rgb(kind: str) -> None:
    image = read_image(encode(Image.fromarray(RGB), kind))
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    torch.testing.assert_close(image, as_tensor(RGB), rtol=0, atol=1e-7)


def test_path_text_and_file_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(RGB).save(path)
    with path.open("rb") as file:
        file.read(3)  # wherever it stands
        torch.testing.assert_close(read_image(file), as_tensor(RGB))
    torch.testing.assert_close(read_image(path), as_tensor(RGB))
    torch.testing.assert_close(read_image(str(path)), as_tensor(RGB))


def test_file_that_cannot_seek() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: Any) -> int:
            raise OSError("a pipe")

    torch.testing.assert_close(
        read_image(Pipe(encode(Image.fromarray(RGB)).getvalue())), as_tensor(RGB)
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 2)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_tiny_and_odd_sizes(size: tuple[int, int], kind: str) -> None:
    image = read_image(encode(Image.new("RGB", size, (255, 0, 0)), kind))
    assert image.shape == (1, 3, size[1], size[0])
    assert image[0, 0].min() > 0.95
    assert image[0, 1:].max() < 0.05


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey(mode: str) -> None:
    grey = Image.fromarray(RGB[..., 0]).convert(mode)
    expected = np.asarray(grey.convert("L"))
    torch.testing.assert_close(read_image(encode(grey)), grey_tensor(expected))


def test_palette() -> None:
    picture = Image.fromarray(RGB).quantize(8)
    expected = np.asarray(picture.convert("RGB"))
    torch.testing.assert_close(read_image(encode(picture)), as_tensor(expected))


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk(kind: str) -> None:
    ink = Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # full magenta and yellow: red
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    torch.testing.assert_close(read_image(encode(ink, kind)), red, rtol=0, atol=0.02)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    image = read_image(encode(Image.fromarray(DEEP), kind))
    torch.testing.assert_close(image, grey_tensor(DEEP), rtol=0, atol=1e-7)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_colour_is_scaled_to_8_bits(suffix: str) -> None:
    deep = np.stack([DEEP, DEEP // 2, DEEP // 3], 2)
    image = read_image(encode_deep(deep, suffix))
    torch.testing.assert_close(image, as_tensor(deep), rtol=0, atol=1 / 255)


def test_float_tiff_in_range() -> None:
    values = np.array([[0, 0.25, 1]], np.float32)
    image = read_image(encode(Image.fromarray(values), "TIFF"))
    torch.testing.assert_close(image[0, 1], torch.from_numpy(values))


def test_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    file = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read_image(file)[0, :, 0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
def test_exif_rotation_is_applied(orientation: int, bits: int) -> None:
    upright = torch.arange(6.0).view(2, 3)
    stored = {
        1: upright,
        2: upright.flip(1),
        3: upright.flip(0, 1),
        4: upright.flip(0),
        5: upright.T,
        6: upright.rot90(1),
        7: upright.flip(0, 1).T,
        8: upright.rot90(-1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    scale = 50 if bits == 8 else 10_000
    array = (stored.numpy() * scale).astype(np.uint8 if bits == 8 else np.uint16)
    image = read_image(encode(Image.fromarray(array), exif=exif))
    torch.testing.assert_close(image[0, 0], upright * scale / (2**bits - 1))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_unreadable_exif_does_not_spoil_the_picture() -> None:
    file = encode(Image.fromarray(RGB), exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    torch.testing.assert_close(read_image(file), as_tensor(RGB))


# Transparency


def on_white(colour: float, alpha: float) -> float:
    return colour * alpha + 1 - alpha


@pytest.mark.parametrize("alpha", [0, 51, 255])
def test_alpha_is_composited_on_white(alpha: int) -> None:
    picture = Image.new("RGBA", (2, 2), (102, 0, 255, alpha))
    expected = [on_white(colour, alpha / 255) for colour in (0.4, 0, 1)]
    assert read_image(encode(picture))[0, :, 0, 0].tolist() == pytest.approx(expected)


def test_grey_with_alpha() -> None:
    assert read_image(encode(Image.new("LA", (2, 2), (51, 102))))[0, :, 1, 1].tolist() == (
        pytest.approx([on_white(0.2, 0.4)] * 3)
    )


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_transparent_colour_becomes_white(mode: str) -> None:
    picture = Image.new("RGB", (2, 1), (10, 10, 10))
    picture.putpixel((1, 0), (200, 200, 200))
    picture = picture.quantize(2) if mode == "P" else picture.convert(mode)
    index = picture.getpixel((0, 0))
    image = read_image(encode(picture, transparency=index))
    torch.testing.assert_close(image[0, 0, 0], torch.tensor([1, 200 / 255]))


def test_16_bit_alpha() -> None:
    deep = np.full((2, 2, 4), [30_000, 0, 65_535, 20_000], np.uint16)
    expected = [on_white(c / 65535, 20_000 / 65535) for c in (30_000, 0, 65_535)]
    image = read_image(encode_deep(deep, ".png"))
    assert image[0, :, 0, 1].tolist() == pytest.approx(expected, abs=2 / 255)


# Refusals


def test_text_file_named_png(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("These are my notes, not a picture.")
    with pytest.raises(ImageError, match=r"notes\.png is not an image.*save it as PNG or JPEG"):
        read_image(path)
    assert path.read_text() == "These are my notes, not a picture."


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "nothing.png"
    path.touch()
    with pytest.raises(ImageError, match=r"nothing\.png is empty.*download it again"):
        read_image(path)
    with pytest.raises(ImageError, match="the file object is empty"):
        read_image(io.BytesIO())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_truncated_file(kind: str, kept: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = encode(Image.fromarray(noise), kind).getvalue()
    path = tmp_path / "half.image"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(ImageError, match=r"half\.image is (damaged|not an image)"):
        read_image(path)


def test_too_many_pixels(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (20, 10)).save(path)
    assert read_image(path, max_pixels=200).shape == (1, 3, 10, 20)
    with pytest.raises(ImageError, match=r"large\.png is too large: 20x10 .*199 pixels.*Scale it"):
        read_image(path, max_pixels=199)


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_decompression_bomb_is_refused_before_decoding(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")

    def decode(*_: Any) -> None:
        pytest.fail("began to decode")

    monkeypatch.setattr(Image.Image, "load", decode)
    with pytest.raises(ImageError, match="too large"):
        read_image(io.BytesIO(bomb))


def test_values_without_a_known_range_are_refused() -> None:
    for values in (np.array([[0, 2.0]], np.float32), np.array([[np.nan]], np.float32)):
        with pytest.raises(ImageError, match="outside 0 to 1"):
            read_image(encode(Image.fromarray(values), "TIFF"))
    with pytest.raises(ImageError, match="outside 0 to 65535"):
        read_image(encode(Image.fromarray(np.array([[-1]], np.int32)), "TIFF"))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.png"):
        read_image(tmp_path / "absent.png")


# 8 bits


def test_8_bits_there_and_back() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(from_uint8(levels)), levels)


def test_to_uint8_rounds_and_clamps() -> None:
    values = torch.tensor([-1.0, 0.49 / 255, 0.51 / 255, 254.6 / 255, 2.0], requires_grad=True)
    assert to_uint8(values).tolist() == [0, 0, 1, 255, 255]
    assert to_uint8(values.bfloat16()).dtype == torch.uint8


def test_from_uint8_guesses_no_range() -> None:
    with pytest.raises(TypeError, match="float32"):
        from_uint8(torch.zeros(3))


# Writing


@pytest.mark.parametrize(
    ("suffix", "quality", "error"),
    [
        (".png", None, 0),
        (".png", 95, 0),
        (".webp", None, 0),
        (".webp", 100, 0),
        (".webp", 95, 0.15),
        (".jpg", None, 0.15),
        (".jpg", 95, 0.15),
        (".JPEG", 95, 0.15),
    ],
)
def test_written_image_reads_back(
    suffix: str, quality: int | None, error: float, tmp_path: Path
) -> None:
    image = embedded("coffee")[..., :64, :48]
    path = write_image(tmp_path / f"picture{suffix}", image, quality=quality)
    torch.testing.assert_close(read_image(path), image, rtol=0, atol=error + 1e-6)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_noisy_pictures_psnr_is_that_of_its_file(suffix: str, tmp_path: Path) -> None:
    """A lossy file would be the smoother: 20.4 dB were shown as 23.2 once."""
    truth = embedded("coffee")[..., :128, :160]
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    noisy = from_uint8(to_uint8(truth + 25 / 255 * noise))
    again = read_image(write_image(tmp_path / f"noisy{suffix}", noisy))
    decibels = [psnr(image, truth, protocol=WHOLE).item() for image in (noisy, again)]
    assert decibels[0] == decibels[1]
    assert 20 < decibels[0] < 21


def test_quality_makes_smaller_files(tmp_path: Path) -> None:
    image = embedded("coffee")
    for suffix in (".jpg", ".webp"):
        low, high = (
            write_image(tmp_path / f"{quality}{suffix}", image, quality=quality).stat().st_size
            for quality in (30, 90)
        )
        assert low < high / 2


def test_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_image(path, torch.zeros(1, 3, 2, 2))
    assert path.read_text() == "precious"
    write_image(path, torch.zeros(1, 3, 2, 2), overwrite=True)
    assert read_image(path).shape == (1, 3, 2, 2)


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (1, 1, 4, 4), (3, 4, 4)])
def test_only_one_rgb_image_is_written(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, H, W\)"):
        write_image(tmp_path / "picture.png", torch.zeros(shape))


def test_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'\.txt'; use one of \.png"):
        write_image(tmp_path / "picture.txt", torch.zeros(1, 3, 2, 2))


def test_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_image(tmp_path / "picture.png", torch.ones(1, 3, 2, 2))
    before = path.read_bytes()

    def save(self: Image.Image, target: Path, **_: Any) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(images.Image.Image, "save", save)
    with pytest.raises(OSError, match=r"No space left.*nothing was written.*/picture\.png'"):
        write_image(path, torch.zeros(1, 3, 2, 2), overwrite=True)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent/picture\.png"):
        write_image(tmp_path / "absent" / "picture.png", torch.zeros(1, 3, 2, 2))


# Embedded photographs


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_photographs_need_no_download(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any) -> None:
        pytest.fail("went to the network")

    monkeypatch.setattr("socket.socket.connect", connect)
    image = embedded(name)
    assert image.shape[:2] == (1, 3)
    assert min(image.shape[2:]) >= 300
    assert image.min() >= 0
    assert image.max() <= 1
    assert image.std() > 0.02


def test_unknown_photograph_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"'lenna'; there are astronaut, .*rocket"):
        embedded("lenna")


# What is no picture is not written as one


def test_nan_is_not_black() -> None:
    with pytest.raises(NotFinite, match="holds NaN"):
        to_uint8(torch.tensor([0.5, float("nan")]))


@pytest.mark.parametrize("value", [float("nan"), 100])
def test_nothing_is_written_of_what_is_no_picture(tmp_path: Path, value: float) -> None:
    kind = torch.uint8 if value == 100 else torch.float32
    with pytest.raises((TypeError, ValueError), match=r"floating point|NaN"):
        write_image(tmp_path / "a.png", torch.full((1, 3, 2, 2), value, dtype=kind))
    assert list(tmp_path.iterdir()) == []
