import copy

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.cli import app
from tutorial_lib.data import DataUnavailable, group_names, locate, read_image, write_image
from tutorial_lib.experiment import execute
from tutorial_lib.lapstyle import experiments as lapstyle
from tutorial_lib.lapstyle import networks as lapstyle_module
from tutorial_lib.lapstyle.losses import moments
from tutorial_lib.lapstyle.networks import (
    SKIPS,
    Decoder,
    Encoder,
    LapStyle,
    PatchDiscriminator,
    Revision,
    adain,
    levels_for,
    normalise_encoder,
    pad_to_multiple,
    revise,
    style_statistics,
    stylised_maps,
)
from tutorial_lib.lapstyle.pyramid import expand
from tutorial_lib.lapstyle.stylise import fast_form, style_state
from tutorial_lib.lapstyle.training import Photographs, StyleConfig
from tutorial_lib.vgg import VGG16_FILE, Vgg


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(scope="module")
def encoder():
    """With weights that keep the signal's size from layer to layer, as trained ones do."""
    torch.manual_seed(0)
    network = Encoder()
    for p in network.parameters():
        if p.ndim == 4:
            nn.init.kaiming_normal_(p, nonlinearity="relu")
    return network


@pytest.fixture(scope="module")
def painter(encoder):
    """Untrained, but neither a decoder nor a revision that does nothing."""
    torch.manual_seed(0)
    model = LapStyle(encoder, revisions=2)
    for network in (model.decoder, model.revisions):
        for p in network.parameters():
            if p.ndim == 4:
                nn.init.normal_(p, std=0.02)
    model.learn_style(torch.rand(1, 3, 48, 64))
    return model.eval()


# -------------------------------------------------------------------------- smoke, shape


def test_parameter_counts_are_the_references():
    assert count(Decoder()) == 7_634_755
    assert count(Revision()) == 152_963
    # Five 3 × 3 convolutions, 64 channels, and batch normalisation after the first four.
    assert count(PatchDiscriminator()) == 3 * 64 * 9 + 3 * 64 * 64 * 9 + 64 * 9 + 4 * 3 * 64 + 1


@pytest.mark.parametrize("backbone", ["vgg16", "vgg19"])
def test_encoder_has_the_published_maps(backbone):
    encoder, image = Encoder(backbone=backbone, blocks=5), torch.rand(1, 3, 64, 48)
    maps = encoder(image)
    fewer = encoder.first(4)
    assert list(fewer.state_dict()) == list(Encoder(backbone=backbone).state_dict())
    assert torch.equal(fewer(image)["relu4_1"], maps["relu4_1"])
    assert list(fewer(image)) == list(maps)[:4]
    assert {k: tuple(v.shape[1:]) for k, v in maps.items()} == {
        "relu1_1": (64, 64, 48),
        "relu2_1": (128, 32, 24),
        "relu3_1": (256, 16, 12),
        "relu4_1": (512, 8, 6),
        "relu5_1": (512, 4, 3),
    }


def test_patch_discriminator_judges_every_place_by_11_pixels():
    judge = PatchDiscriminator(channels=4).eval()
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    logits = judge(image)
    assert logits.shape == (1, 1, 32, 32)
    logits[0, 0, 16, 16].backward()
    seen = image.grad.abs().sum((0, 1)).nonzero()
    assert seen.min(0).values.tolist() == [11, 11]
    assert seen.max(0).values.tolist() == [21, 21]


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (33, 47), (128, 131)])
def test_any_size_is_painted_within_the_unit_range(painter, size):
    with torch.no_grad():
        made = painter(torch.rand(2, 3, *size))
    assert made.shape == (2, 3, *size)
    assert made.min() >= 0
    assert made.max() <= 1
    assert made.isfinite().all()


@pytest.mark.parametrize(
    ("size", "levels"),
    [((128, 128), 0), ((256, 256), 1), ((512, 700), 2), ((1024, 1024), 3), ((1080, 1920), 3)],
)
def test_revisions_double_the_draft_as_often_as_the_picture_needs(size, levels):
    assert levels_for(*size) == levels


def test_larger_pictures_repeat_the_last_revision(painter):
    photo = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        *_, third, fourth = painter.stages(photo, levels=3)
        band = photo - expand(
            nn.functional.interpolate(photo, size=(64, 64), mode="bilinear"),
            size=(128, 128),
            form="bilinear",
        )
        torch.testing.assert_close(fourth, revise(painter.revisions[1], band, third))


def test_a_new_revision_only_doubles():
    picture, band = torch.rand(1, 3, 8, 6), torch.rand(1, 3, 16, 12)
    doubled = expand(picture, size=(16, 12), form="bilinear")
    torch.testing.assert_close(revise(Revision(), band, picture), doubled)


# ---------------------------------------------------------------------------- exceptions


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 3, 0, 32)])
def test_what_is_not_a_picture_is_refused(painter, shape):
    with pytest.raises(ValueError, match=r"shape \(N, 3, H, W\), got"):
        painter(torch.zeros(shape))


def test_an_encoder_of_other_depth_is_not_loaded(painter):
    with pytest.raises(RuntimeError, match=r"Unexpected key.*stages\.4"):
        Encoder(blocks=4).load_state_dict(Encoder(blocks=5).state_dict())
    with pytest.raises(RuntimeError, match="Missing key"):
        LapStyle(Encoder(), revisions=1).load_state_dict(Revision().state_dict())


# ------------------------------------------------------------------------------ gradient


def test_only_decoder_and_revisions_learn(painter):
    model = copy.deepcopy(painter).train()
    photo = torch.rand(1, 3, 64, 64)
    model.stages(photo, levels=2)[-1].sum().backward()
    assert not any(p.requires_grad for p in model.encoder.parameters())
    for network in (model.decoder, model.revisions):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_every_network_starts_where_it_can_learn():
    torch.manual_seed(0)
    model = LapStyle(Encoder(), revisions=1)
    for _ in range(2):
        model.zero_grad()
        made = model.stages(torch.rand(1, 3, 32, 32), levels=1)[-1]
        made.square().mean().backward()
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p -= 0.1 * p.grad
    made = model.stages(torch.rand(1, 3, 32, 32), levels=1)[-1]
    model.zero_grad()
    made.square().mean().backward()
    for network in (model.decoder, model.revisions):
        assert all(p.grad.abs().sum() > 0 for p in network.parameters())


# ------------------------------------------------------------------- what the parts mean


def test_adain_gives_the_styles_moments():
    content, style = torch.rand(2, 5, 6, 7) * 3, torch.rand(1, 5, 4, 4) + 2
    made = adain(content, *moments(style))
    for ours, theirs in zip(moments(made), moments(style), strict=True):
        torch.testing.assert_close(ours, theirs.expand_as(ours), atol=1e-4, rtol=1e-4)


def test_strength_blends_the_maps(encoder):
    maps = encoder(torch.rand(1, 3, 32, 32))
    style = style_statistics(encoder, torch.rand(1, 3, 32, 48).square())
    whole, none, half = (stylised_maps(maps, style, strength=s) for s in (1.0, 0.0, 0.5))
    for name in SKIPS:
        torch.testing.assert_close(none[name], maps[name])
        torch.testing.assert_close(half[name], (maps[name] + whole[name]) / 2)
        assert not torch.allclose(whole[name], maps[name], atol=1e-3)


def test_nearest_upsampling_changes_only_what_the_network_sees():
    revision = Revision()
    nn.init.normal_(revision.up[-1].weight, std=0.1)
    band = torch.zeros(1, 3, 16, 16)
    flat, varied = torch.full((1, 3, 8, 8), 0.5), torch.rand(1, 3, 8, 8)
    for picture, equal in ((flat, True), (varied, False)):
        made = [revise(revision, band, picture, upsampling=u) for u in ("bilinear", "nearest")]
        assert torch.allclose(*made, atol=1e-6) == equal


@pytest.mark.parametrize("size", [(64, 48), (90, 8), (34, 8)])
def test_strips_leave_no_seam(size):
    torch.manual_seed(0)
    revision = Revision()
    for p in revision.parameters():
        if p.ndim == 4:
            nn.init.kaiming_normal_(p)
    residual, seen = torch.randn(2, 1, 3, *size)
    with torch.no_grad():
        whole = revision(residual, seen)
        strips = lapstyle_module._in_strips(revision, residual, seen, pixels=20 * size[1])
    torch.testing.assert_close(strips, whole, atol=1e-4, rtol=1e-4)


def test_padding_repeats_the_border_and_leaves_what_fits():
    image = torch.rand(1, 3, 5, 32)
    padded = pad_to_multiple(image, 16, least=16)
    assert padded.shape == (1, 3, 16, 32)
    assert torch.equal(padded[..., 5:, :], image[..., 4:5, :].expand(1, 3, 11, 32))
    assert pad_to_multiple(padded, 16, least=16) is padded


def test_equalised_channels_average_one_and_tell_the_same(encoder):
    torch.manual_seed(1)
    photos = torch.rand(3, 3, 48, 48)
    equal = copy.deepcopy(encoder)
    normalise_encoder(equal, photos)
    with torch.no_grad():
        before, after = encoder(photos), equal(photos)
    for name in before:
        mean = after[name].mean((0, 2, 3))
        assert mean.max().item() == pytest.approx(1, abs=1e-3)
        alive = before[name].mean((0, 2, 3)) > 0.06 * before[name].mean()
        torch.testing.assert_close(mean[alive], torch.ones_like(mean[alive]), atol=1e-3, rtol=0)
        factor = before[name].mean((0, 2, 3), keepdim=True) / mean.view(1, -1, 1, 1).clamp(1e-9)
        torch.testing.assert_close(after[name] * factor, before[name], atol=1e-4, rtol=1e-3)


# ----------------------------------------------------------------------------- reference


@pytest.mark.parametrize("case", ["a", "b"])
def test_adain_equals_the_reference(case, reference_dir):
    arrays = np.load(reference_dir / "lapstyle_reference.npz")
    content, style, expected = (
        torch.from_numpy(arrays[f"{case}_{x}"]) for x in ("pred", "target", "adain")
    )
    torch.testing.assert_close(adain(content, *moments(style)), expected, atol=1e-4, rtol=1e-4)


def test_encoder_is_vgg_but_for_the_border():
    try:
        vgg = Vgg(["relu1_1", "relu2_1"], backbone="vgg16")
    except DataUnavailable as error:
        pytest.skip(str(error))
    ours = Encoder.from_vgg(vgg)
    image = torch.rand(1, 3, 32, 32)
    maps = ours(image)
    assert list(maps) == ["relu1_1", "relu2_1"]
    for name, theirs in vgg(image).items():
        inner = (..., slice(3, -3), slice(3, -3))
        torch.testing.assert_close(maps[name][inner], theirs[inner], atol=0.05, rtol=1e-4)
        assert not torch.allclose(maps[name], theirs, atol=0.05)


# --------------------------------------------------------------------------- experiments


def test_stages_share_the_steps():
    config = StyleConfig(steps=10, shares=(0.5, 0.3, 0.2))
    assert config.ends(10) == [5, 8, 10]
    assert lapstyle.AblationConfig(steps=10, shares=(0.0, 1.0)).ends(7) == [0, 7]
    assert lapstyle.watch_steps(60, [30, 45, 60]) == [0, 20, 30, 37, 45, 50, 52, 60]


def test_photographs_are_cropped_alike_from_the_same_seed(tmp_path):
    for i in range(3):
        write_image(tmp_path / f"{i}.jpg", torch.rand(1, 3, 40, 60))
    photos = Photographs(str(tmp_path), side=16, limit=2)
    assert len(photos.paths) == 2
    first, again = (photos.sample(5, torch.Generator().manual_seed(s)) for s in (3, 3))
    assert first.shape == (5, 3, 16, 16)
    assert first.dtype == torch.uint8
    assert torch.equal(first, again)
    assert not torch.equal(first, photos.sample(5, torch.Generator().manual_seed(4)))
    with pytest.raises(ValueError, match=r"no \*\.jpg in"):
        Photographs(str(tmp_path / "empty"), side=16, limit=2)


def test_stored_weights_are_whole_and_half(painter):
    state = style_state(painter)
    assert all(v.dtype == torch.half for v in state.values())
    assert sum(v.numel() * 2 for v in state.values()) < 17e6
    theirs = {f"encoder.{k}": v for k, v in painter.encoder.state_dict().items()}
    fresh = LapStyle(Encoder(), revisions=2)
    fresh.load_state_dict(state | theirs)
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


@pytest.mark.parametrize("name", ["encoder", "first", "starry_night", "ablations", "speed"])
def test_smoke_run_leaves_a_whole_record(name, tmp_path):
    try:
        locate("style/starry_night.jpg", download=False)
        locate("content/tubingen.jpg", download=False)
        locate(group_names("bsds500")[0], download=False)
        locate(VGG16_FILE, download=False)
    except DataUnavailable as error:
        pytest.skip(str(error))
    experiment = EXPERIMENTS[f"lapstyle/{name}"]
    folder = execute(experiment, "smoke", folder=tmp_path / "run")
    record = ledger.read(experiment.name, folder=folder)
    assert {p.name for p in folder.iterdir()} >= set(record.artefacts)
    if name == "starry_night":
        assert record.metrics["steps of each stage"] == {
            "drafting": 1,
            "first revision": 1,
            "second revision": 1,
        }
        losses = record.curves
        assert set(losses) >= {"perceptual", "self_similarity", "moment", "remd", "identity"}
        # Only the revisions meet a discriminator.
        assert losses["discriminator"]["value"][0] == 0 < losses["discriminator"]["value"][1]
    if name == "ablations":
        assert set(record.metrics) == {"photograph", *experiment.profiles["smoke"].names}


# ------------------------------------------------------------------------------- command


@pytest.fixture
def records(tmp_path, monkeypatch, painter):
    """A ledger with one style, untrained, and its encoder."""
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path / "results"))
    encoder_state = {k: v.half().contiguous() for k, v in painter.encoder.state_dict().items()}
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
