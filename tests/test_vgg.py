import pytest
import torch
from torch import nn

from tutorial_lib import vgg
from tutorial_lib.data import DataUnavailable
from tutorial_lib.vgg import Vgg


@pytest.fixture(scope="module")
def vgg16():
    try:
        return Vgg(["relu1_1", "last2", "relu5_3"], backbone="vgg16")
    except DataUnavailable as error:
        pytest.skip(str(error))


def test_maps_have_the_published_shapes(vgg16):
    maps = vgg16(torch.rand(2, 3, 64, 48))
    assert {k: tuple(v.shape) for k, v in maps.items()} == {
        "relu1_1": (2, 64, 64, 48),
        "relu2_2": (2, 128, 32, 24),
        "relu5_3": (2, 512, 4, 3),
    }
    assert all(v.min() >= 0 for v in maps.values())


def test_no_parameter_learns_and_gradients_reach_the_picture(vgg16):
    assert not any(p.requires_grad for p in vgg16.parameters())
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    vgg16(image)["relu5_3"].sum().backward()
    assert image.grad.abs().sum() > 0


def test_first_map_follows_from_the_documented_range(vgg16):
    """RGB on 0–255 minus the mean, through the first convolution, by hand."""
    image = torch.rand(1, 3, 16, 16)
    mean = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)
    convolution = vgg16.net["conv1_1"]
    by_hand = nn.functional.conv2d(
        image * 255 - mean, convolution.weight, convolution.bias, padding=1
    ).relu()
    torch.testing.assert_close(vgg16(image)["relu1_1"], by_hand, rtol=1e-4, atol=1e-2)


def test_unknown_layer_lists_those_there_are(vgg16):
    with pytest.raises(ValueError, match=r"vgg16 has no relu5_4; it has: relu1_1, relu1_2"):
        Vgg(["relu5_4"], backbone="vgg16")


def test_out_of_reach_vgg19_means_vgg16(monkeypatch):
    def refuse(**_):
        raise OSError("no network")

    monkeypatch.setattr(vgg.models.VGG19_Weights, "get_state_dict", lambda self, **k: refuse())
    assert vgg.available_backbone() == "vgg16"


def test_a_download_that_is_not_whole_means_vgg16_with_a_warning(monkeypatch):
    def refuse(**_):
        raise RuntimeError('invalid hash value (expected "dcbb9e9d", got "00000000")')

    monkeypatch.setattr(vgg.models.VGG19_Weights, "get_state_dict", lambda self, **k: refuse())
    with pytest.warns(UserWarning, match=r"VGG16 takes its place.*invalid hash value"):
        assert vgg.available_backbone() == "vgg16"


@pytest.mark.parametrize(("network", "convolutions"), [("vgg16", 13), ("vgg19", 16)])
def test_names_count_blocks_as_the_papers_do(network, convolutions):
    names = vgg._names(getattr(vgg.models, network)().features)
    assert sum(name.startswith("conv") for name in names) == convolutions
    assert names[:5] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"]
    assert names[8] == "relu2_2"  # the article's features[:9]
    last = {"vgg16": "relu5_3", "vgg19": "relu5_4"}[network]
    assert names[-2:] == [last, "pool5"]
