"""A photograph of any size, enlarged in tiles without a seam."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from safetensors.torch import save_file
from torch.nn import functional as F
from typer.testing import CliRunner

from tutorial_lib import ledger
from tutorial_lib.cli import app
from tutorial_lib.data import Original, embedded, from_uint8, read_original, to_uint8
from tutorial_lib.dni import upscale
from tutorial_lib.dni.upscale import (
    MARGIN,
    SCALE,
    WINDOW,
    enlarged,
    mixed_generator,
    spans,
    upscale_file,
)
from tutorial_lib.metrics import imresize
from tutorial_lib.srgan import Generator
from tutorial_lib.training import half_state


def repeated(low):
    """The simplest network: every pixel sixteen times."""
    return F.interpolate(low, scale_factor=SCALE)


def photograph(height, width, seed=0):
    torch.manual_seed(seed)
    return Original(torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8))


def whole(photo, network=repeated, **options):
    return torch.cat(list(enlarged(photo, network, **options)), dim=2)


@pytest.fixture
def simple(monkeypatch):
    """Without networks: the command's files, names and metadata."""

    class Simple(torch.nn.Module):
        def forward(self, low):
            return repeated(low)

    monkeypatch.setattr(upscale, "mixed_generator", lambda mix: Simple())


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)).save(path)
    return path


# Tiles


@pytest.mark.parametrize("length", [1, 7, 12, 13, 16, 17, 20, 100])
@pytest.mark.parametrize("margin", [0, 2, 5])
def test_parts_follow_each_other_inside_their_windows(length, margin):
    found = spans(length, window=12, margin=margin)
    assert found[0][:2] == (0, 0)
    assert found[-1][2] == length
    for (_, _, end), (start, begin, _) in pairwise(found):
        assert begin == end
        assert start > 0
    for start, begin, end in found:
        seen = min(12, length)
        assert 0 <= start <= length - seen
        assert begin < end
        assert start == begin == 0 or begin - start >= margin
        assert start + seen == end == length or start + seen - end >= margin


def test_margins_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match="margins of 6 leave nothing of a window of 12"):
        spans(20, window=12, margin=6)


@pytest.mark.parametrize("size", [(5, 6), (12, 12), (13, 40), (50, 12)])
def test_tiles_make_the_whole_picture(size):
    made = whole(photograph(*size), window=12, margin=3)
    assert torch.equal(made, to_uint8(repeated(from_uint8(photograph(*size).colours))))


def test_the_network_sees_windows_of_one_size_however_large_the_picture():
    seen = set()

    def network(low):
        seen.add(tuple(low.shape))
        return repeated(low)

    whole(photograph(2 * WINDOW + 5, 3 * WINDOW), network)
    assert seen == {(1, 3, WINDOW, WINDOW)}


def test_strips_come_before_the_picture_is_done():
    done = []

    def network(low):
        done.append(low)
        return repeated(low)

    strips = enlarged(photograph(40, 30), network, window=12, margin=3)
    assert next(strips).shape == (1, 3, SCALE * 9, SCALE * 30)
    assert len(done) == len(spans(30, window=12, margin=3))


def test_alpha_is_enlarged_beside_by_bicubic_interpolation():
    torch.manual_seed(0)
    alpha = torch.randint(0, 256, (1, 1, 40, 31), dtype=torch.uint8)
    photo = Original(photograph(40, 31).colours, alpha)
    made = whole(photo, window=20, margin=4)
    assert torch.equal(made[:, :3], whole(photograph(40, 31)))
    expected = imresize(from_uint8(alpha), scale=SCALE).clamp(0, 1)
    assert torch.equal(made[:, 3:], to_uint8(expected))


@pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
def test_recorded_networks_leave_no_seam(mix):
    """Cut by the margin, in the middle of a photograph, they change by under 0.005 of 255."""
    generator = mixed_generator(mix)
    side = 4 * MARGIN + 12
    low = embedded("coffee")[..., 100 : 100 + side, 200 : 200 + side]
    seen = low[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    edge = 2 * MARGIN * SCALE
    with torch.inference_mode():
        expected = generator(low)[..., edge:-edge, edge:-edge]
        found = generator(seen)[..., edge // 2 : -edge // 2, edge // 2 : -edge // 2]
    assert (found - expected).abs().max() * 255 < 0.005


# Networks


def publish(folder, name, seed):
    torch.manual_seed(seed)
    state = half_state(Generator(scale=SCALE))
    (folder / name).mkdir(parents=True)
    save_file(state, folder / name / "weights.safetensors")
    record = ledger.Record(
        experiment=name,
        profile="book",
        config={},
        seed=0,
        steps=0,
        steps_planned=0,
        device="",
        precision="",
        seconds=0,
        metrics={},
        protocol={},
        artefacts={"weights.safetensors": ""},
    )
    ledger.write(record, folder / name)
    return state


def test_mix_is_of_weights_from_srresnet_to_srgan(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    smooth = publish(tmp_path, "srgan/srresnet", 0)
    sharp = publish(tmp_path, "srgan/srgan", 1)
    for mix in (0.0, 0.25, 1.0):
        generator = mixed_generator(mix)
        assert not generator.training
        for name, value in generator.state_dict().items():
            if name in smooth:
                expected = (1 - mix) * smooth[name].float() + mix * sharp[name].float()
                torch.testing.assert_close(value, expected, rtol=0, atol=1e-6)


def test_either_end_needs_its_own_record_only(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    publish(tmp_path, "srgan/srresnet", 0)
    mixed_generator(0.0)
    with pytest.raises(ledger.LedgerError, match="no record of srgan/srgan"):
        mixed_generator(0.5)


@pytest.mark.parametrize("mix", [-0.1, 1.1])
def test_mix_outside_its_range_is_refused(mix):
    with pytest.raises(ValueError, match=r"from 0 \(SRResNet\) to 1 \(SRGAN\): got"):
        mixed_generator(mix)


# Files


def test_a_photograph_becomes_four_times_as_large(simple, photo, tmp_path):
    assert upscale_file(photo, tmp_path / "large.png") == "52x36"
    expected = read_original(photo).colours.repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.equal(read_original(tmp_path / "large.png").colours, expected)
    assert {p.name for p in tmp_path.iterdir()} == {"photo.png", "large.png"}


def test_transparency_rotation_profile_and_exif_come_along(simple, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Camera"
    profile = bytes(16) + b"RGB " + bytes(108)
    Image.new("RGBA", (6, 4), (10, 200, 30, 99)).save(
        tmp_path / "photo.png", exif=exif, icc_profile=profile
    )
    upscale_file(tmp_path / "photo.png", tmp_path / "large.png")
    with Image.open(tmp_path / "large.png") as large:
        assert large.size == (16, 24)
        assert large.getpixel((3, 5)) == (10, 200, 30, 99)
        assert large.info["icc_profile"] == profile
        assert dict(large.getexif()) == {ExifTags.Base.Make: "Camera"}


def test_an_existing_file_is_kept_unless_told_otherwise(simple, photo, tmp_path):
    target = tmp_path / "large.png"
    target.write_text("precious")
    with pytest.raises(ValueError, match=r"large\.png exists: .*--overwrite"):
        upscale_file(photo, target)
    assert target.read_text() == "precious"
    upscale_file(photo, target, overwrite=True)
    assert read_original(target).colours.shape == (1, 3, 36, 52)


def test_the_photograph_itself_is_never_replaced(simple, photo):
    before = photo.read_bytes()
    with pytest.raises(ValueError, match="is the photograph itself"):
        upscale_file(photo, photo.parent / "." / photo.name, overwrite=True)
    assert photo.read_bytes() == before


def test_what_cannot_be_written_is_refused_before_anything_is_computed(photo, tmp_path):
    with pytest.raises(ValueError, match=r"large\.jpg: the name must end in \.png"):
        upscale_file(photo, tmp_path / "large.jpg")
    with pytest.raises(ValueError, match=r"there is no folder .*absent"):
        upscale_file(photo, tmp_path / "absent" / "large.png")


def test_the_command(simple, photo, tmp_path):
    target = tmp_path / "large.png"
    result = CliRunner().invoke(app, ["upscale", str(photo), "-o", str(target), "--mix", "0.3"])
    assert result.exit_code == 0, result.output
    assert f"enlarged to 52x36: {target}" in result.stdout
    again = CliRunner().invoke(app, ["upscale", str(photo), "-o", str(target)])
    assert again.exit_code == 1
    assert "exists: choose another name" in again.stderr
    assert "Traceback" not in again.stderr


def test_a_result_that_cannot_be_written_is_made_again_elsewhere(
    simple, photo, tmp_path, monkeypatch
):
    """The disk fills up while the large picture is being made."""
    out, spare = tmp_path / "out.png", tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(spare))
    real = upscale.write_png

    def full(place, strips, **options):
        if place == out:
            next(iter(strips))
            raise OSError(28, "No space left on device")
        return real(place, strips, **options)

    monkeypatch.setattr(upscale, "write_png", full)
    result = CliRunner().invoke(app, ["upscale", str(photo), "-o", str(out)])
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    [kept] = spare.glob("result-*.png")
    assert kept.name in "".join(result.stderr.split())
    assert read_original(kept).colours.shape == (1, 3, 36, 52)


def test_a_folder_as_output_is_refused_before_the_work(photo, tmp_path, monkeypatch):
    monkeypatch.setattr(upscale, "mixed_generator", lambda mix: pytest.fail("worked"))
    (tmp_path / "out.png").mkdir()
    result = CliRunner().invoke(
        app, ["upscale", str(photo), "-o", str(tmp_path / "out.png"), "--overwrite"]
    )
    assert result.exit_code == 1
    assert "is a folder: name a file in it" in result.stderr
