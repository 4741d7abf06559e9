"""The command `tutorial restore`."""

import errno
import itertools
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from tutorial_lib.cli import app
from tutorial_lib.data import read_image, write_image, writing
from tutorial_lib.deep_image_prior import Step
from tutorial_lib.deep_image_prior import restore as restoring


def tutorial(*arguments):
    return CliRunner().invoke(app, ["restore", *map(str, arguments)])


def quickly(*arguments):
    return tutorial(*arguments, "--network", "small", "--steps", 2)


@pytest.mark.parametrize("task", ["denoise", "jpeg"])
def test_command_restores_a_file(photo, tmp_path, task):
    result = quickly(photo, "--task", task, "-o", tmp_path / "out.png")
    assert result.exit_code == 0, result.stderr
    assert f"restored: {tmp_path / 'out.png'}" in result.stdout
    assert read_image(tmp_path / "out.png").shape == (1, 3, 40, 48)


def test_command_enlarges(photo, tmp_path):
    options = "--task", "super-resolution", "--scale", 2, "-o", tmp_path / "out.jpg"
    assert quickly(photo, *options).exit_code == 0
    assert read_image(tmp_path / "out.jpg").shape == (1, 3, 80, 96)


def test_command_fills_only_the_hole(photo, photograph, tmp_path):
    mask = torch.ones(1, 3, 40, 48)
    mask[..., 10:20, 10:30] = 0
    write_image(tmp_path / "mask.png", mask)
    out = tmp_path / "out.png"
    result = quickly(photo, "--task", "inpaint", "--mask", tmp_path / "mask.png", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert "filling 10.4 % of the picture" in result.stdout
    changed = (read_image(out) - read_image(photo)).abs().amax(1)[0] > 0
    assert changed[10:20, 10:30].float().mean() > 0.9
    assert changed.sum() == changed[10:20, 10:30].sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "inpaint"], "inpaint needs a mask: --mask FILE, black where"),
        (["--task", "denoise", "--mask", "PHOTO"], "denoise takes no mask: only inpaint does"),
        (["--task", "denoise", "--steps", "0"], "steps must be at least 1: got 0"),
        (["--task", "super-resolution", "--scale", "1"], "scale must be at least 2: got 1"),
        (
            ["--task", "super-resolution", "--scale", "50"],
            "smaller first, to 64 % of its sides",
        ),
        (["--task", "denoise", "-o", "out.gif"], "the name must end in .png, .jpg or .webp"),
        (["--task", "denoise", "-o", "none/out.png"], "there is no folder none"),
        (["--task", "denoise", "-o", "PHOTO"], "exists: choose another name, or pass --overwrite"),
    ],
)
def test_command_says_what_is_wrong_before_it_works(photo, tmp_path, options, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = [str(photo) if option == "PHOTO" else option for option in options]
    if "-o" not in options:
        options += ["-o", "out.png"]
    before = sorted(tmp_path.iterdir())
    result = tutorial(photo, *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_command_names_a_file_that_is_no_picture(tmp_path):
    (tmp_path / "photo.jpg").write_text("words")
    result = tutorial(tmp_path / "photo.jpg", "--task", "denoise", "-o", tmp_path / "out.png")
    assert result.exit_code == 1
    assert "is not an image that can be read" in result.stderr


def interrupted_after(count):
    def steps(task, **_):
        for step in range(1, count + 1):
            grey = torch.full((1, 3, *task.size), step / 10)
            yield Step(step, 0.1, torch.zeros_like(grey), grey, False)
        raise KeyboardInterrupt

    return steps


def test_interrupting_keeps_the_result_so_far(photo, tmp_path, monkeypatch):
    monkeypatch.setattr(restoring, "restore", interrupted_after(5))
    result = tutorial(photo, "--task", "denoise", "-o", tmp_path / "out.png")
    assert result.exit_code == 0
    assert "stopped after step 5" in result.stdout
    assert read_image(tmp_path / "out.png").mean().item() == pytest.approx(0.5, abs=0.003)


def test_interrupting_before_anything_writes_nothing(photo, tmp_path, monkeypatch):
    monkeypatch.setattr(restoring, "restore", interrupted_after(0))
    result = tutorial(photo, "--task", "denoise", "-o", tmp_path / "out.png")
    assert result.exit_code == 130
    assert "nothing was written" in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_denoising_keeps_its_calmest_moment(photo, tmp_path, monkeypatch):
    def steps(task, **_):
        generator = torch.Generator().manual_seed(0)
        for step in itertools.count(1):
            unrest = abs(step - 150) / 1000
            noise = torch.randn(1, 3, *task.size, generator=generator)
            yield Step(step, 0.1, 0.5 + unrest * noise, torch.full_like(noise, step / 500), False)

    monkeypatch.setattr(restoring, "restore", steps)
    out = tmp_path / "out.png"
    result = tutorial(photo, "--task", "denoise", "-o", out, "--patience", 40)
    assert result.exit_code == 0
    # The calmest window of 100 steps is the one around step 150.
    assert "calmest about step 199" in result.stdout or "about step 200" in result.stdout
    # Kept is the mean of its outputs, not the average of all, 0.4 there, nor its last output, of
    # five hundredths' noise.
    made = read_image(out)
    assert made.mean().item() == pytest.approx(0.5, abs=0.002)
    assert made.std().item() < 0.005


# The output is tried before the first step, and the result is not lost after the last


@pytest.fixture
def no_steps(monkeypatch):
    def begun(*_, **__):
        pytest.fail("a step was begun")

    monkeypatch.setattr(restoring, "restore", begun)


def test_a_folder_as_output_is_refused_before_the_first_step(photo, tmp_path, no_steps):
    (tmp_path / "out.png").mkdir()
    result = tutorial(photo, "--task", "denoise", "-o", tmp_path / "out.png", "--overwrite")
    assert result.exit_code == 1
    assert "out.png is a folder: name a file in it" in result.stderr


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_place_that_takes_no_file_is_found_before_the_first_step(
    photo, tmp_path, no_steps, monkeypatch, error
):
    def refuse(*_, **__):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(writing.tempfile, "NamedTemporaryFile", refuse)
    result = tutorial(photo, "--task", "denoise", "-o", tmp_path / "out.png")
    assert result.exit_code == 1
    assert f"cannot write there: {os.strerror(error)}; nothing was begun" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_disk_too_full_for_the_result_is_found_before_the_first_step(
    photo, tmp_path, no_steps, monkeypatch
):
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda _: SimpleNamespace(free=5000))
    result = tutorial(photo, "--task", "denoise", "-o", tmp_path / "out.png")
    assert result.exit_code == 1
    assert "may be needed" in result.stderr


def test_a_name_too_long_is_found_before_the_first_step(photo, tmp_path, no_steps):
    result = tutorial(photo, "--task", "denoise", "-o", tmp_path / ("n" * 300 + ".png"))
    assert result.exit_code == 1
    assert "too long" in result.stderr


def test_a_picture_too_wide_for_webp_is_found_before_the_first_step(tmp_path, no_steps):
    write_image(tmp_path / "wide.png", torch.zeros(1, 3, 2, 16_384))
    result = tutorial(tmp_path / "wide.png", "--task", "denoise", "-o", tmp_path / "out.webp")
    assert result.exit_code == 1
    assert "holds at most 16383 pixels along a side" in result.stderr
    assert "use .png" in result.stderr


def test_a_name_of_255_bytes_is_written(photo, tmp_path, monkeypatch):
    monkeypatch.setattr(restoring, "restore", interrupted_after(1))
    out = tmp_path / ("n" * 251 + ".png")
    assert tutorial(photo, "--task", "denoise", "-o", out).exit_code == 0
    assert out.exists()


def test_a_result_that_cannot_be_written_is_kept_beside(photo, tmp_path, monkeypatch):
    """Somebody makes a folder of the output's name while the fit runs."""
    out = tmp_path / "out.png"

    def steps(task, **_):
        out.mkdir()
        grey = torch.full((1, 3, *task.size), 0.5)
        yield Step(1, 0.1, grey, grey, False)
        raise KeyboardInterrupt

    monkeypatch.setattr(restoring, "restore", steps)
    result = tutorial(photo, "--task", "denoise", "-o", out, "--overwrite")
    assert result.exit_code == 1
    place = re.search(r"The result is (\S+\.png)", " ".join(result.stderr.split()))[1]
    assert read_image(place).mean().item() == pytest.approx(0.5, abs=0.003)
    assert Path(place).parent == tmp_path


def test_a_result_whose_folder_is_gone_is_kept_among_the_temporary_files(
    photo, tmp_path, monkeypatch
):
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setattr(writing.tempfile, "gettempdir", lambda: str(tmp_path))

    def steps(task, **_):
        folder.rmdir()
        grey = torch.full((1, 3, *task.size), 0.5)
        yield Step(1, 0.1, grey, grey, False)
        raise KeyboardInterrupt

    monkeypatch.setattr(restoring, "restore", steps)
    result = tutorial(photo, "--task", "denoise", "-o", folder / "out.png")
    assert result.exit_code == 1
    [place] = tmp_path.glob("result-*.png")
    assert place.name in "".join(result.stderr.split())
