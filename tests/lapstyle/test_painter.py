import copy

import pytest
import torch
from torch import nn

from tutorial_lib.lapstyle import (
    Decoder,
    Encoder,
    LapStyle,
    PatchDiscriminator,
    Revision,
    expand,
    levels_for,
    pad_to_multiple,
    revise,
)


def count(network):
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_are_the_references():
    assert count(Decoder()) == 7_634_755
    assert count(Revision()) == 152_963
    # Five 3 × 3 convolutions, 64 channels, and batch normalisation after the first four.
    assert count(PatchDiscriminator()) == 3 * 64 * 9 + 3 * 64 * 64 * 9 + 64 * 9 + 4 * 3 * 64 + 1


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


def test_padding_repeats_the_border_and_leaves_what_fits():
    image = torch.rand(1, 3, 5, 32)
    padded = pad_to_multiple(image, 16, least=16)
    assert padded.shape == (1, 3, 16, 32)
    assert torch.equal(padded[..., 5:, :], image[..., 4:5, :].expand(1, 3, 11, 32))
    assert pad_to_multiple(padded, 16, least=16) is padded


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 3, 0, 32)])
def test_what_is_not_a_picture_is_refused(painter, shape):
    with pytest.raises(ValueError, match=r"shape \(N, 3, H, W\), got"):
        painter(torch.zeros(shape))


def test_an_encoder_of_other_depth_is_not_loaded(painter):
    with pytest.raises(RuntimeError, match=r"Unexpected key.*stages\.4"):
        Encoder(blocks=4).load_state_dict(Encoder(blocks=5).state_dict())
    with pytest.raises(RuntimeError, match="Missing key"):
        LapStyle(Encoder(), revisions=1).load_state_dict(Revision().state_dict())


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


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [(0, 255, "got 0 to 255"), (-1, 1, "got -1 to 1"), (float("nan"), 1, "got nan")],
)
def test_another_range_is_refused(painter, low, high, message):
    photo = torch.rand(1, 3, 32, 32)
    photo[0, 0, 0, 0], photo[0, 1, 2, 3] = low, high
    with pytest.raises(ValueError, match=rf"pictures in \[0, 1\], {message}"):
        painter(photo)


def test_rounding_beyond_the_range_is_let_pass(painter):
    photo = torch.rand(1, 3, 32, 32)
    photo[0, 0, 0, 0], photo[0, 1, 2, 3] = -1e-6, 1 + 1e-6
    with torch.no_grad():
        assert painter(photo).isfinite().all()


def test_levels_that_cannot_be_are_refused(encoder, painter):
    drafting = LapStyle(encoder, revisions=0)
    with pytest.raises(ValueError, match="without revision networks has no 1 levels, only 0"):
        drafting(torch.rand(1, 3, 64, 64), levels=1)
    with pytest.raises(ValueError, match="levels must be 0 or more, got -1"):
        painter(torch.rand(1, 3, 64, 64), levels=-1)
    with torch.no_grad():
        # As many as there can be.
        assert drafting(torch.rand(1, 3, 256, 256)).shape == (1, 3, 256, 256)


def test_a_strength_that_is_no_share_is_refused(painter):
    with pytest.raises(ValueError, match="strength must lie between 0 and 1, got 7"):
        painter(torch.rand(1, 3, 32, 32), strength=7)
