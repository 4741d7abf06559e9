"""Pictures: encoded once, described always, and never larger than allowed."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from tutorial_lib.data import embedded, from_uint8, read_image, to_uint8
from tutorial_lib.metrics import Protocol, psnr
from tutorial_lib.show import CompareSlider, encode, grid
from tutorial_lib.show.pictures import encoded, img, within


def noise(height=24, width=32, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def decoded(html):
    """Every picture in the HTML as an array (H, W, 3)."""
    found = re.findall(r"data:image/\w+;base64,([^\"]+)", html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(d))).convert("RGB")) for d in found]


def pixels(image):
    return to_uint8(image)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    "options",
    [{"format": "png"}, {"quality": 100}, {"lossless": True}, {"format": "png", "quality": 5}],
)
def test_lossless_encoding_keeps_every_pixel(options):
    data = encode(noise(), **options)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels(noise()))


def test_a_noisy_picture_is_shown_with_the_psnr_that_it_has():
    """A lossy picture has less noise: 20.4 dB were shown as 23.2 once."""
    truth = embedded("coffee")[..., :160, :360]
    normal = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    noisy = from_uint8(to_uint8(truth + 25 / 255 * normal))

    def decibels(shown):
        picture = torch.from_numpy(shown.copy()).permute(2, 0, 1)[None]
        return psnr(from_uint8(picture), truth, protocol=Protocol("rgb", crop=0)).item()

    expected = decibels(pixels(noisy))
    (lossless,) = decoded(grid([noisy], alt="Noise.", lossless=True).html)
    (lossy,) = decoded(grid([noisy], alt="Noise.").html)
    assert decibels(lossless) == expected
    assert decibels(lossy) > expected + 0.5
    compared = CompareSlider({"truth": truth, "noisy": noisy}, alt="Noise.", lossless=True)
    assert [decibels(shown) for shown in decoded(compared.html)][1] == expected
    data = encode(noisy, lossless=True)
    assert decibels(np.asarray(Image.open(io.BytesIO(data)))) == expected


def test_what_may_lose_nothing_and_does_not_fit_is_refused():
    images = {"a": noise(256, 256), "b": noise(256, 256, 1)}
    with pytest.raises(ValueError, match=r"takes \d+ kB without loss, and the limit is 300 kB"):
        grid(images, columns=1, alt="Noise.", lossless=True, max_bytes=300_000)
    with pytest.raises(ValueError, match="without loss"):
        CompareSlider(images, alt="Noise.", lossless=True, max_bytes=300_000)


def test_lower_quality_takes_fewer_bytes():
    assert len(encode(noise(96, 96), quality=40)) < len(encode(noise(96, 96), quality=90))


def test_files_are_embedded_as_they_are(tmp_path):
    data = encode(noise(), "png")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for given in (data, path):
        assert encoded(given) == (data, "image/png", 32, 24)


def test_img_states_its_size_and_its_text():
    html = img(encoded(noise()), alt='a "quoted" <text>', width=64)
    assert 'width="64" height="48"' in html
    assert 'alt="a &quot;quoted&quot; &lt;text&gt;"' in html
    assert "image-rendering:pixelated" in html
    assert "pixelated" not in img(encoded(noise()), alt="a")


def test_mapping_gives_the_titles_and_captions_their_numbers():
    html = grid(
        {"bicubic": noise(), "SR<GAN>": noise()}, captions=["28 dB", "26 dB"], alt="Two."
    ).html
    assert re.findall(r"alt=\"([^\"]*)\"", html) == ["bicubic", "SR&lt;GAN&gt;"]
    assert html.index("bicubic") < html.index("28 dB") < html.index("SR&lt;GAN&gt;")
    assert 'aria-label="Two."' in html


def test_batch_is_a_wall_of_pictures_with_texts():
    html = grid(torch.rand(6, 3, 16, 16), alt="Samples.").html
    assert len(decoded(html)) == 6
    assert 'alt="Samples. (6 of 6)"' in html


def test_enlarged_pictures_keep_every_pixel():
    (shown,) = decoded(grid([noise()], alt="Noise.").html)
    assert np.array_equal(shown, pixels(noise()))


def test_zoom_shows_exactly_the_pixels_in_the_box():
    image = noise(100, 200)
    shown = decoded(grid([image, 1 - image], zoom=(50, 20, 30, 10), alt="Noise.").html)
    assert np.array_equal(shown[1], pixels(image)[20:30, 50:80])
    assert np.array_equal(shown[3], pixels(1 - image)[20:30, 50:80])


def test_zoom_box_is_outlined_where_it_is():
    html = grid([noise(100, 200)], zoom=(50, 20, 30, 10), alt="Noise.").html
    assert "left:25.000%;top:20.000%;width:15.000%;height:10.000%" in html


def test_zoom_reads_files(tmp_path):
    data = encode(noise(), "png")
    shown = decoded(grid([data], zoom=(1, 2, 8, 4), alt="Noise.").html)
    assert np.array_equal(shown[1], pixels(noise())[2:6, 1:9])


def test_output_is_html_and_its_text():
    picture = grid([noise()], alt=" A text. ")
    assert picture._repr_mimebundle_() == {"text/html": picture.html, "text/plain": "A text."}


def test_too_large_pictures_are_encoded_at_a_lower_quality():
    images = [noise(256, 256, seed) for seed in range(4)]
    free = grid(images, columns=2, alt="Noise.", max_bytes=10**9)
    limit = int(0.8 * len(free.html))
    limited = grid(images, columns=2, alt="Noise.", max_bytes=limit)
    assert len(limited.html) <= limit
    assert [shown.shape for shown in decoded(limited.html)] == [(256, 256, 3)] * 4


def test_what_no_quality_makes_small_enough_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"limit is 20 kB: .*crop them, make them smaller"):
        grid([noise(400, 400)], alt="Noise.", max_bytes=20_000)


def test_best_quality_that_fits_is_taken():
    tried = []

    def build(quality):
        tried.append(quality)
        return "x" * quality

    assert within(build, 80) == "x" * 80
    assert tried == [90, 80]


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_alt_is_required(alt):
    with pytest.raises(ValueError, match="alt is empty"):
        grid([noise()], alt=alt)
    with pytest.raises(TypeError, match="alt"):
        grid([noise()])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"titles": ["a"]}, "2 pictures, but 1 titles"),
        ({"captions": ["a", "b", "c"]}, "2 pictures, but 3 captions"),
        ({"zoom": (20, 0, 13, 5)}, "not inside the picture of 32x24"),
        ({"zoom": (0, -1, 4, 4)}, "not inside"),
        ({"zoom": (0, 0, 0, 4)}, "not inside"),
    ],
)
def test_what_does_not_match_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        grid([noise(), noise()], alt="Noise.", **options)


def test_no_pictures_are_refused():
    with pytest.raises(ValueError, match="no picture"):
        grid({}, alt="Nothing.")


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 8, 8), (8, 8)])
def test_encode_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="one image"):
        encode(torch.rand(shape))


def test_encode_refuses_other_formats():
    with pytest.raises(ValueError, match='"webp" or "png"'):
        encode(noise(), "bmp")


def test_bytes_that_are_no_picture_are_refused():
    with pytest.raises(ValueError, match="4 bytes: not a WebP"):
        encoded(b"text")


def test_strings_are_not_taken_for_paths():
    with pytest.raises(TypeError, match=r"pathlib\.Path, got str 'a\.png'"):
        encoded("a.png")


# Files as phones and scanners write them


@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_a_files_size_is_that_of_the_upright_picture(tmp_path, turned):
    exif = Image.Exif()
    exif[0x0112] = turned
    path = tmp_path / "a.jpg"
    Image.new("RGB", (40, 20), "red").save(path, exif=exif)
    found = encoded(path)
    assert (found.width, found.height) == tuple(reversed(read_image(path).shape[-2:]))
    assert found.data == path.read_bytes()


def test_the_zoom_box_of_a_turned_file_lies_where_its_part_is(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 20), "red").save(path, exif=exif)  # 20 wide and 40 high, once turned
    html = grid([path], alt="Red.", zoom=(10, 30, 5, 4)).html
    assert "left:50.000%;top:75.000%;width:25.000%;height:10.000%" in html


def test_a_phones_jpeg_with_a_second_picture_inside(tmp_path):
    path = tmp_path / "a.jpg"
    pictures = [Image.new("RGB", (40, 20), colour) for colour in ("red", "blue")]
    pictures[0].save(path, format="MPO", save_all=True, append_images=pictures[1:])
    assert encoded(path) == (path.read_bytes(), "image/jpeg", 40, 20)


@pytest.mark.parametrize("suffix", [".bmp", ".tiff"])
def test_a_file_that_no_browser_shows_is_shown_as_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (4, 2), "red").save(path)
    assert encoded(path)[1:] == ("image/webp", 4, 2)
