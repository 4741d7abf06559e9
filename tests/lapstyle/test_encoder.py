import copy

import pytest
import torch

from tutorial_lib.data import DataUnavailable
from tutorial_lib.lapstyle import Encoder, normalise_encoder
from tutorial_lib.vgg import Vgg


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
