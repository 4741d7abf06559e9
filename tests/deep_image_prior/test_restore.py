"""The command `tutorial restore`."""

import itertools

import pytest
import torch
from typer.testing import CliRunner

from tutorial_lib.cli import app
from tutorial_lib.data import read_image, write_image
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
