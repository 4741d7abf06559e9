"""What the SRGAN chapter draws."""

import base64
import dataclasses
import io
import re

import pytest
import torch
from torch import nn

from tutorial_lib import ledger
from tutorial_lib.data import embedded, read_image, write_image
from tutorial_lib.ledger import Record
from tutorial_lib.metrics import imresize
from tutorial_lib.srgan import show
from tutorial_lib.srgan.ablation import LEARNING, file_name
from tutorial_lib.srgan.show import (
    EnlargePanel,
    beside_the_published,
    enlarge_by,
    error_frames,
    flat_frames,
    generator_diagram,
    lattice_frames,
    loss_curves,
    plan,
)


def decode(base64_text):
    return read_image(io.BytesIO(base64.b64decode(base64_text)))


def record(config, *, steps=100, planned=100, protocol=None):
    return Record(
        "srgan/x", "book", config, 0, steps, planned, "CPU", "32-true", 120.0, {}, protocol or {}
    )


def test_the_plan_says_what_was_done():
    base = {"batch": 8, "patch": 96, "learning_rate": 2e-4}
    rows = plan(record(base | {"cosine": True, "average": True, "start": "published/x.pth"}))
    assert rows["learning rate"] == "0.0002, cosine to 0"
    assert rows["weights kept"] == "mean over the last tenth"
    assert rows["start"] == "published/x.pth"
    assert rows["steps"] == "100"
    assert rows["VGG features"] == "none"
    falling = plan(record(base | {"falling": 0.4}, steps=50, protocol={"content loss": "vgg16"}))
    assert falling["learning rate"] == "0.0002, to 0 over the last 40%"
    assert falling["steps"] == "50 of 100"
    assert falling["start"] == "random weights"
    assert falling["VGG features"] == "vgg16"
    assert plan(record(base | {"drop_every": 1000}))["learning rate"] == "0.0002, ×0.1 every 1,000"
    assert plan(record(base))["learning rate"] == "0.0002, constant"
    held = {"frozen": "tail", "window": 48, "slope_penalty": 0.03, "block": 100.0}
    for settings, wanted in (
        (
            held,
            ("all but the tail", "48 px of it", "0.03 × D's slope / 2, 100 × mean block's error"),
        ),
        (dict.fromkeys(held, 0), ("all", "the whole patch", "none")),
        ({}, ("all", "the whole patch", "none")),
    ):
        rows = plan(record(base | settings))
        assert (rows["weights that learn"], rows["D sees"], rows["further losses"]) == wanted


def test_methods_see_the_shrunk_square_and_the_photograph_stands_last():
    seen = []

    def method(low):
        seen.append(low.shape)
        return imresize(low, scale=4)

    real = embedded("coffee")[..., :64, :48]
    made = enlarge_by({"bicubic": method}, real)
    assert seen == [torch.Size([1, 3, 16, 12])]
    assert list(made) == ["bicubic", "photograph"]
    assert torch.equal(made["photograph"], real)
    assert 0 < (made["bicubic"] - real).abs().mean() < 0.1


def test_the_panel_follows_its_controls():
    panel = EnlargePanel({"bicubic": lambda low: imresize(low, scale=4).clamp(0, 1)}, side=64)
    shown = {panel.shown.value}
    panel.right.value = 90
    shown.add(panel.shown.value)
    panel.down.value = 80
    shown.add(panel.shown.value)
    panel.photograph.value = "rocket"
    shown.add(panel.shown.value)
    assert len(shown) == 4
    assert "tutorial-live" in panel.widget._dom_classes


def test_errors_are_counted_inside_the_border_only():
    real = torch.full((1, 3, 40, 40), 100 / 255)
    picture = real.clone()
    picture[..., :4, :] = 151 / 255
    shown = error_frames(picture, real)
    # The error is grey and lies in the border alone: without it all frames are one and black.
    files = re.findall(r"base64,([^\"]+)", shown.html)
    assert len(files) == 6
    assert len(set(files[1:3] + files[4:])) == 1
    assert files[0] != files[1]
    # Luma has 219 levels to colour's 255.
    colour, luma = (decode(file)[0, :, 1, 20] for file in (files[0], files[3]))
    torch.testing.assert_close(colour, torch.ones(3))
    torch.testing.assert_close(luma, torch.full((3,), 219 / 255), atol=2 / 255, rtol=0)
    found = [label.split(": ")[1] for label in shown.labels]
    # A tenth of the rows is off by 51 grey levels, all of them within four pixels of an edge.
    assert found[0] == "23.98 dB"
    assert found[1:3] == ["inf dB", "inf dB"]
    assert float(found[3].removesuffix(" dB")) > 23.98


def test_an_error_in_blue_is_a_small_one_in_luma():
    real = torch.full((1, 3, 40, 40), 0.5)
    picture = real.clone()
    picture[:, 2] += 0.2
    files = re.findall(r"base64,([^\"]+)", error_frames(picture, real).html)
    luma = decode(files[3])[0, :, 20, 20]
    torch.testing.assert_close(luma, torch.full((3,), 24.966 / 255), atol=3 / 255, rtol=0)


def test_a_pattern_on_grey_is_measured_and_shown():
    stripes = torch.zeros(1, 3, 224, 224)
    stripes[..., ::2] = 2 / 255

    def striped(low):
        return nn.functional.interpolate(low, scale_factor=4) + stripes

    shown = flat_frames({"flat": lambda low: low.repeat(1, 1, 4, 4), "striped": striped})
    assert [label.split(": ")[1] for label in shown.labels] == [
        *["0.00 grey levels of pattern"] * 3,
        *["1.00 grey levels of pattern"] * 3,
    ]
    files = re.findall(r"base64,([^\"]+)", shown.html)
    flat, striped_ = decode(files[1]), decode(files[4])
    assert flat.std() == 0
    # Ten grey levels above and below the middle.
    assert 255 * (striped_.amax() - striped_.amin()).item() == pytest.approx(20, abs=2)


def test_losses_are_those_of_one_verdict(monkeypatch):
    drawn = {}
    monkeypatch.setattr(show, "curves", lambda series, **more: drawn.update(more, series=series))
    steps = [float(40 * k) for k in range(1, 26)]
    record_ = dataclasses.replace(
        record({}),
        curves={
            "discriminator": {"step": steps, "value": [1.0, 3.0] * 12 + [9.0]},
            "adversarial": {"step": steps, "value": [0.5] * 25},
        },
    )
    loss_curves(record_)
    assert drawn["series"]["discriminator, half its loss"] == ([400.0, 800.0], [1.0, 1.0])
    assert drawn["bands"]["discriminator, half its loss"] == ([0.5, 0.5], [1.5, 1.5])
    assert drawn["series"]["generator, adversarial loss"] == ([400.0, 800.0], [0.5, 0.5])
    assert list(drawn["references"].values()) == [pytest.approx(0.6931, abs=1e-4)]


def test_each_training_has_its_row_of_frames(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path / "results"))
    folder = tmp_path / "results" / "srgan" / "x"
    folder.mkdir(parents=True)
    curves, artefacts = {}, {}
    for number, variant in enumerate(LEARNING):
        curves[f"lattice, {variant}"] = {
            "step": [0.0, 25.0, 50.0],
            "value": [0.001, 0.005, 0.01 * number],
        }
        for step in (0, 25, 50):
            name = file_name(variant, f"{step:06d}.webp")
            write_image(folder / name, torch.full((1, 3, 48, 144), number / 9 + step / 1000))
            artefacts[name] = ledger.sha256(folder / name)
    found = dataclasses.replace(
        record({"variants": list(LEARNING), "judge_first": 25}), curves=curves, artefacts=artefacts
    )
    shown = lattice_frames(found)  # from where the generator begins to learn
    assert len(shown.labels) == 2 * len(LEARNING)
    assert shown.labels[0] == f"{LEARNING[0]}, step 25: lattice 0.005"
    assert shown.labels[3] == f"{LEARNING[1]}, step 50: lattice 0.010"
    files = re.findall(r"base64,([^\"]+)", shown.html)
    assert decode(files[3]).mean().item() == pytest.approx(1 / 9 + 0.05, abs=3e-3)


def test_ours_stand_first_beside_the_published_in_one_protocol():
    ours = dataclasses.replace(
        record({}),
        metrics={"set5": {"psnr_y": 31.0, "ssim_y": 0.88, "psnr_rgb": 29.0, "ssim_rgb": 0.85}},
    )
    luma = beside_the_published({"ours": ours}, "y").alt.splitlines()
    assert [part.strip() for part in luma[0].split("|")] == ["method", "PSNR Y", "SSIM Y"]
    assert [part.strip() for part in luma[1].split("|")] == ["ours", "31.00", "0.8800"]
    assert any("Ledig" in line and "32.05" in line for line in luma[2:])
    colour = beside_the_published({"ours": ours}, "rgb").alt.splitlines()
    assert [part.strip() for part in colour[1].split("|")] == ["ours", "29.00", "0.8500"]
    assert not any("Ledig" in line for line in colour)


def test_the_diagram_has_a_text():
    assert "sixteen residual blocks" in generator_diagram().alt
