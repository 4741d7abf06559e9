import re

import pytest
import torch

from tutorial_lib.dni import DenseBlock, RRDBNet, interpolate, network_of, plain_names


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.fixture
def small():
    torch.manual_seed(0)
    return RRDBNet(channels=8, blocks=2, growth=4)


def as_of_2019(state):
    """The names in RRDB_ESRGAN_x4.pth and RRDB_PSNR_x4.pth."""
    renamed = {}
    for key, value in state.items():
        key = re.sub(r"^body\.(\d+)\.rdb(\d)", r"RRDB_trunk.\1.RDB\2", key)
        for new, old in (("conv_body", "trunk_conv"), ("conv_up", "upconv"), ("conv_hr", "HRconv")):
            key = key.replace(new, old)
        renamed[key] = value
    return renamed


def as_of_2018(state, blocks):
    """The names of the first release, when the network was one Sequential."""
    places = {"conv_first": "0", "conv_body": f"1.sub.{blocks}"}
    places |= {"conv_up1": "3", "conv_up2": "6", "conv_hr": "8", "conv_last": "10"}
    renamed = {}
    for key, value in state.items():
        layer, _, kind = key.rpartition(".")
        if layer in places:
            renamed[f"model.{places[layer]}.{kind}"] = value
        else:
            _, block, dense, conv = layer.split(".")
            renamed[f"model.1.sub.{block}.{dense.upper()}.{conv}.0.{kind}"] = value
    return renamed


def test_parameter_count_is_esrgans():
    network = RRDBNet()
    assert count(network) == 16_697_987
    assert len(network.state_dict()) == 702


@pytest.mark.parametrize("size", [(1, 1), (5, 7)])
def test_scales_by_four(small, size):
    assert small(torch.rand(2, 3, *size)).shape == (2, 3, 4 * size[0], 4 * size[1])


def test_dense_block_reads_everything_made_before():
    torch.manual_seed(0)
    block = DenseBlock(4, 2)
    x = torch.randn(1, 4, 5, 5)
    one = torch.nn.functional.leaky_relu(block.conv1(x), 0.2)
    two = torch.nn.functional.leaky_relu(block.conv2(torch.cat([x, one], 1)), 0.2)
    three = torch.nn.functional.leaky_relu(block.conv3(torch.cat([x, one, two], 1)), 0.2)
    four = torch.nn.functional.leaky_relu(block.conv4(torch.cat([x, one, two, three], 1)), 0.2)
    five = block.conv5(torch.cat([x, one, two, three, four], 1))
    torch.testing.assert_close(block(x), x + 0.2 * five)


def forward_written_out(state, low, *, blocks):
    """The paper's network from its weights alone, without this library's layers."""

    def conv(name, x):
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
        height, width = x.shape[2:]
        found = bias.view(1, -1, 1, 1).repeat(len(x), 1, height, width)
        for i in range(3):
            for j in range(3):
                seen = padded[:, :, i : i + height, j : j + width]
                found = found + torch.einsum("oc,nchw->nohw", weight[:, :, i, j], seen)
        return found

    def leaky(x):
        return torch.where(x < 0, x / 5, x)

    def doubled(x):
        return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def dense(name, x):
        a = leaky(conv(f"{name}.conv1", x))
        b = leaky(conv(f"{name}.conv2", torch.cat([x, a], 1)))
        c = leaky(conv(f"{name}.conv3", torch.cat([x, a, b], 1)))
        d = leaky(conv(f"{name}.conv4", torch.cat([x, a, b, c], 1)))
        return x + conv(f"{name}.conv5", torch.cat([x, a, b, c, d], 1)) / 5

    first = conv("conv_first", low)
    x = first
    for block in range(blocks):
        inside = x
        for part in (1, 2, 3):
            inside = dense(f"body.{block}.rdb{part}", inside)
        x = x + inside / 5
    x = first + conv("conv_body", x)
    x = leaky(conv("conv_up1", doubled(x)))
    x = leaky(conv("conv_up2", doubled(x)))
    return conv("conv_last", leaky(conv("conv_hr", x)))


def test_the_network_is_the_papers_written_out(small):
    # Large weights, so that every part of it weighs in the picture.
    state = {key: 3 * value for key, value in small.state_dict().items()}
    small.load_state_dict(state)
    low = torch.rand(2, 3, 5, 7)
    with torch.no_grad():
        found, wanted = small(low), forward_written_out(state, low, blocks=2)
    assert wanted.std() > 0.1
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("form", ["2018", "2019", "today", "params", "params_ema", "parallel"])
def test_every_published_form_loads_strictly(small, form):
    state = small.state_dict()
    checkpoint = {
        "2018": as_of_2018(state, 2),
        "2019": as_of_2019(state),
        "today": state,
        "params": {"params": state},
        "params_ema": {"params_ema": state, "params": {"nonsense": 1}},
        "parallel": {f"module.{key}": value for key, value in as_of_2019(state).items()},
    }[form]
    found = plain_names(checkpoint)
    other = network_of(found)
    assert count(other) == count(small)
    low = torch.rand(1, 3, 6, 5)
    assert torch.equal(other(low), small(low))


def test_two_forms_can_be_interpolated(small):
    torch.manual_seed(1)
    other = RRDBNet(channels=8, blocks=2, growth=4)
    a, b = as_of_2018(small.state_dict(), 2), as_of_2019(other.state_dict())
    found = interpolate(plain_names(a), plain_names(b), 0.25)
    key = "body.1.rdb3.conv5.weight"
    wanted = 0.25 * small.state_dict()[key] + 0.75 * other.state_dict()[key]
    torch.testing.assert_close(found[key], wanted)


@pytest.mark.parametrize(
    "key", ["model.5.weight", "conv_up3.weight", "body.0.rdb4.conv1.weight", "head.0.weight", "x"]
)
def test_another_networks_checkpoint_is_refused_by_the_keys_name(key):
    with pytest.raises(ValueError, match=f"'{key}' is no weight of RRDBNet"):
        plain_names({key: torch.zeros(1)})


def test_what_is_no_tensor_is_refused():
    with pytest.raises(ValueError, match="'epoch' of this checkpoint is a int"):
        plain_names({"epoch": 3})


def test_missing_weights_are_found_by_the_strict_load(small):
    state = as_of_2019(small.state_dict())
    del state["HRconv.bias"]
    with pytest.raises(RuntimeError, match=r"(?s)Missing key.*conv_hr.bias"):
        network_of(plain_names(state))
    del state["conv_first.weight"]
    with pytest.raises(ValueError, match=r"has no 'conv_first.weight': it is not a whole RRDBNet"):
        network_of(plain_names(state))


def test_gradients_reach_every_weight(small):
    small(torch.rand(1, 3, 4, 4)).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in small.parameters())
