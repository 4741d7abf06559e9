"""The panel, and the chapter's pictures."""

import asyncio
import datetime
import re

import pytest
import torch

from tutorial_lib.deep_image_prior import PriorNet, SkipNetwork, error_plane, show
from tutorial_lib.deep_image_prior.scores import decibels
from tutorial_lib.deep_image_prior.show import (
    DAMAGES,
    RestorePanel,
    diagram,
    mosaic,
    spectrum,
    stretched,
    two_paths,
)
from tutorial_lib.metrics import imresize


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_panel_restores_every_kind_of_damage(damage):
    panel = RestorePanel(side=48)
    panel.picture.value = "coffee"
    panel.damage.value = damage
    assert panel.result is None
    now = panel.advance(0)
    assert now.step == 1
    assert panel.result.shape == panel.truth.shape == (1, 3, 32, 48)
    assert panel.advance(0).step == 2


@pytest.mark.parametrize("damage", ["noise, σ = 50", "JPEG, quality 20", "a quarter of the size"])
def test_the_panels_first_choice_makes_pictures_better_in_half_its_time(damage):
    panel = RestorePanel(side=64)
    panel.damage.value = damage
    # The small picture enlarged smoothly is what there is to be better than.
    start = imresize(panel.task.damaged, size=panel.task.size, kernel="bilinear")
    before = decibels(start, panel.truth)
    for _ in range(panel.steps // 2):
        panel.advance(0)
        if decibels(panel.result, panel.truth) > before + 0.2:
            break
    else:
        pytest.fail(f"{before:.2f} dB before, {decibels(panel.result, panel.truth):.2f} dB after")


def test_panel_starts_anew_for_another_picture_and_keeps_a_stopped_one():
    panel = RestorePanel(side=48)
    panel.advance(0)
    kept = panel.result
    panel.stop.click()
    assert panel.result is kept
    panel.picture.value = "rocket"
    assert panel.result is None
    assert panel.advance(0).step == 1


def test_panel_runs_and_stops():
    async def play():
        panel = RestorePanel(side=48, steps=10_000)
        panel.start.click()
        while panel.bar.value == 0:
            await asyncio.sleep(0.01)
        running = panel.status.value
        panel.stop.click()
        done = panel.bar.value
        await asyncio.sleep(0.05)
        return panel, running, done

    panel, running, done = asyncio.run(play())
    assert re.match(r"step \d+: output [\d.]+ dB, average [\d.]+ dB, \d+ steps/s", running)
    assert panel.bar.value == done
    assert panel.result is not None
    assert not panel.start.disabled
    assert "data:image/webp" in panel.image.value


def uploaded(content):
    """A file as the browser hands it to the panel."""
    moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    kind = {"name": "photo.png", "type": "image/png", "size": len(content)}
    return kind | {"content": memoryview(content), "last_modified": moment}


def test_panel_takes_the_readers_own_picture(photo):
    panel = RestorePanel(side=40)
    panel.upload.value = (uploaded(photo.read_bytes()),)
    assert panel.truth.shape == (1, 3, 32, 40)
    panel.upload.value = (uploaded(b"words"),)
    assert "is not an image" in panel.status.value


def test_two_paths_are_drawn_with_their_text(photograph):
    noisy = (photograph + 0.1 * torch.randn_like(photograph)).clamp(0, 1)
    outputs = [torch.full_like(photograph, 0.5).lerp(noisy, share / 20) for share in range(20)]
    drawn = two_paths(outputs, truth=photograph, observed=noisy, alt="Two paths.")
    assert "data:image/webp" in drawn.html
    assert drawn.alt == "Two paths."


def test_two_paths_keep_their_start_in_the_frame(photograph, monkeypatch):
    kept = []
    monkeypatch.setattr(show, "figure", lambda drawing, alt: kept.append(drawing) or alt)
    noisy = (photograph + 0.1 * torch.randn_like(photograph)).clamp(0, 1)
    # A start as far off as an untrained network's grey.
    outputs = [torch.full_like(photograph, 0.5).lerp(noisy, share / 20) for share in range(20)]
    two_paths(outputs, truth=photograph, observed=noisy, alt="Two paths.")
    (axes,) = kept[0].axes
    x, y = error_plane(outputs[0], truth=photograph, observed=noisy)
    assert y > 1.35
    assert axes.get_xlim()[0] < x < axes.get_xlim()[1]
    assert axes.get_ylim()[0] < y < axes.get_ylim()[1]


def test_the_mosaic_is_laid_out_row_by_row():
    shades = [torch.full((1, 3, 8, 12), shade / 10) for shade in range(6)]
    shades[0][..., 2:6, 4:8] = 0.9  # its middle, and nothing else of it
    made = mosaic(shades, columns=3, side=4)
    assert made.shape == (1, 3, 8, 12)
    expected = torch.tensor([[0.9, 0.1, 0.2], [0.3, 0.4, 0.5]])
    torch.testing.assert_close(made[0, 0], expected.repeat_interleave(4, 0).repeat_interleave(4, 1))


@pytest.mark.parametrize(
    ("network", "levels", "skips"),
    [
        (SkipNetwork(4, channels=(8, 8), skips=(2, 0)), 2, 1),
        (PriorNet(4, latent=8), 5, 4),
    ],
)
def test_the_diagram_says_what_goes_through(network, levels, skips):
    drawn = diagram(network, size=64)
    assert f"{levels} levels" in drawn.alt
    assert f"down to {64 // 2**levels}" in drawn.alt
    assert f"{skips} thin skips" in drawn.alt
    # Nothing goes on watching.
    assert not any(part._forward_hooks for part in network.modules())


def test_a_spectrum_has_slow_waves_in_its_middle():
    x = torch.arange(32) / 32
    slow, fast = (torch.sin(2 * torch.pi * waves * x).expand(1, 3, 32, 32) for waves in (2, 14))
    for image, place in ((slow, 18), (fast, 30)):
        found = spectrum(image)
        assert found.shape == (1, 3, 32, 32)
        assert found[0, 0].argmax().item() in (16 * 32 + place, 16 * 32 + 32 - place)
        assert found.max() == 1


def test_stretched_contrast_fills_the_range(photograph):
    dull = 0.4 + 0.1 * photograph
    made = stretched(dull)
    assert made.min() == 0
    assert made.max() == 1
    torch.testing.assert_close(made, stretched(photograph))
