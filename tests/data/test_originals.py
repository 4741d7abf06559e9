"""A photograph of the user's own: nothing of it is lost on the way to a larger one."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms

from tutorial_lib.data import (
    ImageError,
    Original,
    embedded,
    from_uint8,
    read_image,
    read_original,
    to_uint8,
    write_png,
)

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def tensor(array):
    return torch.from_numpy(np.array(array)).permute(2, 0, 1)[None]


def written(path: Path, strips, **options):
    """Write a picture and read it by Pillow."""
    total = torch.cat(strips, dim=2)
    _, channels, height, width = total.shape
    write_png(path, iter(strips), width=width, height=height, channels=channels, **options)
    with Image.open(path) as picture:
        picture.load()
    return picture


# Reading


def test_colours_are_the_files(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    found = read_original(tmp_path / "a.png")
    assert torch.equal(found.colours, tensor(RGB))
    assert found.alpha is None
    assert found.profile == b""
    assert found.metadata(width=1, height=1) == {}


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_other_modes_are_read_as_images_are(tmp_path, mode):
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    Image.fromarray(RGB).convert(mode).save(path)
    torch.testing.assert_close(from_uint8(read_original(path).colours), read_image(path))


def test_16_bits_are_rounded_to_8(tmp_path):
    deep = np.array([[0, 128, 129, 65535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert read_original(tmp_path / "a.png").colours[0, 1].tolist() == [[0, 0, 1, 255]]


def test_transparency_is_kept_and_the_colours_below_it(tmp_path):
    pixels = np.dstack([RGB, np.full((5, 7), 40, np.uint8)])
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_original(tmp_path / "a.png")
    assert torch.equal(found.colours, tensor(RGB))
    assert found.alpha.unique().tolist() == [40]
    assert found.alpha.shape == (1, 1, 5, 7)


def test_an_opaque_alpha_channel_is_none(tmp_path):
    Image.fromarray(RGB).convert("RGBA").save(tmp_path / "a.png")
    assert read_original(tmp_path / "a.png").alpha is None


def test_rotation_is_applied_and_taken_out_of_the_exif(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Camera"
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    found = read_original(tmp_path / "a.png")
    assert torch.equal(found.colours, tensor(np.rot90(RGB, -1)))
    assert dict(found.exif) == {ExifTags.Base.Make: "Camera"}


def test_exif_states_the_new_size_where_it_stated_the_old(tmp_path):
    exif = Image.Exif()
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    camera[ExifTags.Base.ExifImageWidth] = 7
    camera[ExifTags.Base.ISOSpeedRatings] = 200
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    found = Image.Exif()
    found.load(read_original(tmp_path / "a.jpg").metadata(width=28, height=20)["exif"])
    assert found.get_ifd(ExifTags.IFD.Exif) == {
        ExifTags.Base.ExifImageWidth: 28,
        ExifTags.Base.ISOSpeedRatings: 200,
    }
    assert found.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_unreadable_exif_does_not_spoil_the_picture(tmp_path):
    broken = b"Exif\0\0II*\0\xff\xff\xff\xff broken"
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=broken)
    found = read_original(tmp_path / "a.png")
    assert torch.equal(found.colours, tensor(RGB))
    assert found.metadata(width=1, height=1) == {}


def test_profile_of_other_colours_is_not_taken_for_one_of_rgb(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png", icc_profile=SRGB)
    assert read_original(tmp_path / "a.png").profile == SRGB
    grey = SRGB[:16] + b"GRAY" + SRGB[20:]
    Image.fromarray(RGB[..., 0]).save(tmp_path / "b.jpg", icc_profile=grey)
    assert read_original(tmp_path / "b.jpg").profile == b""


def test_what_is_no_photograph_is_refused_by_name(tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(ImageError, match=r"notes\.png is not an image"):
        read_original(tmp_path / "notes.png")
    Image.fromarray(np.array([[0, 2.0]], np.float32)).save(tmp_path / "floats.tiff")
    with pytest.raises(ImageError, match=r"floats\.tiff holds numbers outside 0 to 1"):
        read_original(tmp_path / "floats.tiff")
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="too large"):
        read_original(tmp_path / "a.png", max_pixels=34)


# Writing


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("parts", [[9], [1] * 9, [4, 5], [2, 6, 1]])
def test_strips_make_the_picture(tmp_path, channels, parts):
    torch.manual_seed(0)
    noise = torch.randint(0, 256, (1, channels, 9, 13), dtype=torch.uint8)
    picture = written(tmp_path / "a.png", list(noise.split(parts, dim=2)))
    assert picture.mode == {3: "RGB", 4: "RGBA"}[channels]
    assert torch.equal(tensor(picture), noise)
    kind = cv2.IMREAD_UNCHANGED
    again = cv2.imread(str(tmp_path / "a.png"), kind)[..., [2, 1, 0, 3][:channels]]
    assert torch.equal(tensor(again), noise)


def test_picture_larger_than_a_buffer(tmp_path):
    torch.manual_seed(0)
    noise = torch.randint(0, 256, (1, 3, 300, 400), dtype=torch.uint8)
    noise[..., 100:200, :] = 7
    assert torch.equal(tensor(written(tmp_path / "a.png", list(noise.split(64, dim=2)))), noise)


def test_profile_and_exif_are_read_back(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    original = Original(tensor(RGB), profile=SRGB, exif=exif)
    metadata = original.metadata(width=7, height=5)
    picture = written(tmp_path / "a.png", [tensor(RGB)], metadata=metadata)
    assert picture.info["icc_profile"] == SRGB
    assert dict(picture.getexif()) == {ExifTags.Base.Make: "Camera"}


def test_photographs_take_no_more_space_than_by_pillow(tmp_path):
    photo = to_uint8(embedded("astronaut"))
    written(tmp_path / "a.png", [photo])
    file = io.BytesIO()
    Image.fromarray(photo[0].permute(1, 2, 0).numpy()).save(file, "PNG")
    assert (tmp_path / "a.png").stat().st_size < 1.1 * file.tell()


def test_strips_that_do_not_fit_are_refused_and_nothing_is_left(tmp_path):
    path = tmp_path / "a.png"
    good = torch.zeros(1, 3, 2, 7, dtype=torch.uint8)
    for strips, message in (
        ([good], "5 lines were announced, and 2 came"),
        ([good, good, good], "5 lines were announced, and 6 came"),
        ([good[..., :6]], r"expected strips \(1, 3, h, 7\)"),
        ([good.float()], "of torch.float32"),
    ):
        with pytest.raises(ValueError, match=message):
            write_png(path, strips, width=7, height=5)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("precious")

    def strips():
        pytest.fail("nothing is to be computed")
        yield

    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_png(path, strips(), width=7, height=5)
    assert path.read_text() == "precious"
    write_png(path, [tensor(RGB)], width=7, height=5, overwrite=True)
    assert torch.equal(read_original(path).colours, tensor(RGB))


def test_a_stopped_run_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("precious")

    def strips():
        yield tensor(RGB)[..., :2, :]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_png(path, strips(), width=7, height=5, overwrite=True)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "precious"
