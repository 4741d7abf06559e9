"""Recorded painters, and the command that paints files with them."""

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from tutorial_lib import ledger
from tutorial_lib.cli import app
from tutorial_lib.data import only_one, read_image, write_image
from tutorial_lib.lapstyle import Encoder, LapStyle, pictures, stylise
from tutorial_lib.lapstyle.pictures import Photographs
from tutorial_lib.lapstyle.stylise import fast_form, style_state
from tutorial_lib.training import half_state, load_half_state


def test_stored_weights_are_whole_and_half(painter):
    state = style_state(painter)
    assert all(v.dtype == torch.half for v in state.values())
    assert sum(v.numel() * 2 for v in state.values()) < 17e6
    theirs = {f"encoder.{k}": v for k, v in painter.encoder.state_dict().items()}
    fresh = load_half_state(LapStyle(Encoder(), revisions=2), state | theirs)
    photo = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(fresh(photo), painter(photo), atol=5e-3, rtol=0)


def test_fast_form_paints_the_same_picture(painter):
    photo = torch.rand(1, 3, 64, 96)
    before = painter.decoder.to_colour[-1].weight.clone()
    with torch.no_grad():
        fast = fast_form(painter, torch.device("cpu"))(photo)
        difference = (fast.float() - painter(photo)).abs().mean()
    assert difference < 0.01
    assert torch.equal(painter.decoder.to_colour[-1].weight, before)
    assert painter.decoder.to_colour[-1].weight.dtype == torch.float32


# ------------------------------------------------------------------------------- command


@pytest.fixture
def records(tmp_path, monkeypatch, painter):
    """A ledger with one style, untrained, and its encoder."""
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path / "results"))
    encoder_state = half_state(painter.encoder)
    for name, file, state in (
        ("encoder", "encoder.safetensors", encoder_state),
        ("starry_night", "weights.safetensors", style_state(painter)),
    ):
        folder = tmp_path / "results" / "lapstyle" / name
        folder.mkdir(parents=True)
        save_file(state, str(folder / file))
        ledger.write(
            ledger.Record(
                experiment=f"lapstyle/{name}",
                profile="smoke",
                config={"backbone": "vgg16"},
                seed=0,
                steps=0,
                steps_planned=0,
                device="CPU",
                precision="32-true",
                seconds=0.0,
                metrics={},
                protocol={},
                artefacts={file: ""},
            ),
            folder,
        )
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["stylise", *map(str, arguments)])


def test_stylise_paints_a_photograph_at_its_own_size(records):
    write_image(records / "photo.jpg", torch.rand(1, 3, 50, 70))
    result = run(records / "photo.jpg", "--style", "starry_night", "-o", records / "out.png")
    assert result.exit_code == 0, result.output
    assert read_image(records / "out.png").shape == (1, 3, 50, 70)
    again = run(records / "photo.jpg", "--style", "starry_night", "-o", records / "out.png")
    assert again.exit_code == 1
    assert "exists" in again.output
    assert "--overwrite" in again.output


def test_stylise_paints_a_folder_and_goes_on_where_it_stopped(records):
    (records / "frames").mkdir()
    for i in range(3):
        write_image(records / "frames" / f"{i}.png", torch.rand(1, 3, 24, 32))
    (records / "frames" / "notes.txt").write_text("not a picture")
    out = records / "painted"
    result = run(records / "frames", "--style", "starry_night", "-o", out)
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in out.iterdir()) == ["0.png", "1.png", "2.png"]
    (out / "1.png").unlink()
    kept = (out / "0.png").stat().st_mtime_ns
    result = run(records / "frames", "--style", "starry_night", "-o", out)
    assert "2 were there already" in result.output
    assert (out / "1.png").exists()
    assert (out / "0.png").stat().st_mtime_ns == kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jpg", "--style", "starry_night", "-o", "o.png"], "no such file or folder"),
        (["photo.jpg", "--style", "guernica", "-o", "o.png"], "no style 'guernica'; there are"),
        (["photo.jpg", "--style", "the_scream", "-o", "o.png"], "no record of lapstyle/the_scream"),
        (["photo.jpg", "--style", "starry_night", "-o", "o.gif"], "cannot write '.gif'"),
        (["text.jpg", "--style", "starry_night", "-o", "o.png"], "is not an image"),
        (["empty", "--style", "starry_night", "-o", "out"], "no pictures in"),
        (
            ["photo.jpg", "--style", "starry_night", "-o", "o.png", "--strength", "3"],
            "less than or equal",
        ),
    ],
)
def test_stylise_says_what_is_wrong_and_writes_nothing(records, monkeypatch, arguments, message):
    monkeypatch.chdir(records)
    write_image(records / "photo.jpg", torch.rand(1, 3, 20, 20))
    (records / "text.jpg").write_text("words")
    (records / "empty").mkdir()
    result = run(*arguments)
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not list(records.glob("o*.*"))
    assert not (records / "out").exists()


def test_another_backbone_than_the_recorded_one_is_prepared_anew(records, monkeypatch):
    asked = []
    monkeypatch.setattr(stylise, "prepared_encoder", lambda *a, **k: asked.append((a, k)))
    stylise.recorded_encoder("vgg16")
    assert not asked
    stylise.recorded_encoder("vgg19")
    assert asked == [(("vgg19",), {"blocks": 4})]


# Folders as they are


def test_one_bad_entry_does_not_stop_a_folder(records):
    frames, out = records / "frames", records / "painted"
    frames.mkdir()
    picture = torch.rand(1, 3, 24, 32)
    write_image(frames / "a.png", picture)
    for suffix in ("bmp", "tiff"):
        Image.new("RGB", (32, 24), "red").save(frames / f"b.{suffix}")
    cut = write_image(frames / "cut.png", torch.rand(1, 3, 64, 64)).read_bytes()
    (frames / "cut.png").write_bytes(cut[: len(cut) // 2])
    (frames / "._a.png").write_bytes(b"\0\5\x16\7")
    (frames / "folder.png").mkdir()
    result = run(frames, "--style", "starry_night", "-o", out)
    assert result.exit_code == 1
    assert "3 painted" in result.output
    assert "1 could not be painted:" in result.output
    assert "cut.png is damaged" in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert sorted(p.name for p in out.iterdir()) == ["a.png", "b.png", "b.tiff.png"]
    assert read_image(out / "b.png").shape == (1, 3, 24, 32)


def test_two_do_not_paint_into_one_folder(records):
    (records / "frames").mkdir()
    write_image(records / "frames" / "a.png", torch.rand(1, 3, 24, 32))
    out = records / "painted"
    with only_one(out, what="stylise --style the_scream", remedy="x"):
        result = run(records / "frames", "--style", "starry_night", "-o", out)
    assert result.exit_code == 1
    assert "is in use by stylise --style the_scream (process" in " ".join(result.output.split())
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("names", [["a.jpg", "b.png", "c.JPEG"]])
def test_training_takes_a_folders_pictures_and_refuses_damaged_ones_first(tmp_path, names):
    for name in names:
        write_image(tmp_path / name.lower(), torch.rand(1, 3, 40, 40)).rename(tmp_path / name)
    (tmp_path / "._a.jpg").write_bytes(b"\0")
    assert [p.name for p in Photographs(str(tmp_path), side=16, limit=9).paths] == names
    cut = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(cut[: len(cut) // 2])
    pictures._sound_pictures.cache_clear()
    with pytest.raises(ValueError, match=r"(?s)1 of 3 pictures .* read.*b\.png is dam"):
        Photographs(str(tmp_path), side=16, limit=9)
