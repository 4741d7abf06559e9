"""What the article's ablations change, in training and in painting alike."""

import dataclasses

import pytest
import torch
from torch import nn

from tutorial_lib.lapstyle import LapStyle, Revision, expand, laplacian_pyramid, reduce
from tutorial_lib.lapstyle.ablations import (
    ABLATIONS,
    Ablation,
    AblationConfig,
    Undrafted,
    WholePictures,
    slug_of,
)

WHOLE = AblationConfig(steps=4, sizes=(32, 64), shares=(0.5, 0.5))


def lively(painter):
    """With a revision that does something."""
    torch.manual_seed(0)
    nn.init.normal_(painter.revisions[0].up[-1].weight, std=0.1)
    return painter


def test_each_changes_one_thing():
    changed = {
        name: {
            key
            for key, value in dataclasses.asdict(ablation.settings(WHOLE)).items()
            if value != dataclasses.asdict(WHOLE)[key]
        }
        for name, ablation in ABLATIONS.items()
    }
    assert changed == {
        "whole": set(),
        "without perceptual loss": {"perceptual"},
        "without self-similarity": {"self_similarity"},
        "without moment matching": {"moment"},
        "without relaxed EMD": {"remd"},
        "without adversarial loss": {"adversarial"},
        "a: drafting only": set(),
        "b: drafting at 256": {"sizes"},
        "c: RGB for the residual": set(),
        "d: no drafting": set(),
    }
    assert ABLATIONS["b: drafting at 256"].settings(WHOLE).sizes == (64,)
    assert ABLATIONS["without moment matching"].settings(WHOLE).moment == 0
    assert [name for name, a in ABLATIONS.items() if not a.revises] == [
        "a: drafting only",
        "b: drafting at 256",
    ]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Ablation().drafts = False


def test_without_a_draft_the_photographs_own_small_picture_is_revised(encoder):
    photo = torch.rand(1, 3, 32, 32)
    painter = lively(Undrafted(encoder, revisions=1))
    with torch.no_grad():
        small, made = painter.stages(photo, levels=1)
    torch.testing.assert_close(small, reduce(photo, form="bilinear"))
    band = laplacian_pyramid(photo, levels=1, form="bilinear")[0]
    doubled = expand(small, size=(32, 32), form="bilinear")
    with torch.no_grad():
        torch.testing.assert_close(made, doubled + painter.revisions[0](band, doubled))


def test_a_revision_without_bands_sees_and_paints_whole_pictures(encoder):
    photo = torch.rand(1, 3, 32, 32)
    painter = lively(WholePictures(encoder, revisions=1))
    with torch.no_grad():
        draft, made = painter.stages(photo, levels=1)
        doubled = expand(draft, size=(32, 32), form="bilinear")
        torch.testing.assert_close(made, painter.revisions[0](photo, doubled))
        # A new one paints nothing at all, where one that adds a band leaves the draft.
        assert painter.revise(Revision(), photo, draft).abs().max() == 0
        torch.testing.assert_close(LapStyle.revise(Revision(), photo, draft), doubled)


def test_names_of_files_hold_letters_and_digits():
    assert slug_of("c: RGB for the residual") == "c__rgb_for_the_residual"
