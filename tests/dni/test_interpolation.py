import copy

import pytest
import torch
from torch import nn

from tutorial_lib.dni import (
    InterpolationError,
    Interpolator,
    check_states,
    combine,
    interpolate,
)
from tutorial_lib.srgan import Generator


def generators(count, **sizes):
    """State dictionaries of small networks with batch normalisation, all numbers at random."""
    states = []
    for seed in range(count):
        torch.manual_seed(seed)
        state = Generator(**({"channels": 4, "blocks": 2} | sizes)).state_dict()
        states.append(
            {
                key: torch.rand_like(value) + 0.1 if value.is_floating_point() else value
                for key, value in state.items()
            }
        )
    return states


def article_loop(net_a, net_b, alpha):
    """What the mirrored article describes, as plainly as it can be written."""
    found = {}
    for name in net_a:
        found[name] = alpha * net_a[name] + (1 - alpha) * net_b[name]
    return found


# ---------------------------------------------------------------------------- functions


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_interpolate_is_the_articles_loop(alpha):
    a, b = generators(2)
    found = interpolate(a, b, alpha)
    assert list(found) == list(a)
    for key, value in article_loop(a, b, alpha).items():
        torch.testing.assert_close(found[key], value.to(a[key].dtype))
    for end, state in ((1.0, a), (0.0, b)):
        if alpha == end:
            assert all(torch.equal(found[key], state[key]) for key in state)


def test_interpolate_leaves_its_arguments_alone_and_shares_nothing():
    a, b = generators(2)
    before = copy.deepcopy(a)
    for value in interpolate(a, b, 1.0).values():
        value.zero_()
    assert all(torch.equal(a[key], before[key]) for key in a)


def test_combine_is_the_weighted_mean_of_three():
    a, b, c = generators(3)
    found = combine([a, b, c], [0.5, 0.2, 0.3])
    for key, value in found.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.5 * a[key] + 0.2 * b[key] + 0.3 * c[key])


def test_combine_does_not_depend_on_the_order():
    a, b, c = generators(3)
    one, other = combine([a, b, c], [0.5, 0.2, 0.3]), combine([c, a, b], [0.3, 0.5, 0.2])
    for key in one:
        torch.testing.assert_close(one[key], other[key])


def test_half_precision_is_summed_in_single():
    ends = [{"w": torch.full((1,), v, dtype=torch.float16)} for v in (1.0, 1.0 + 2**-10)]
    thirds = combine([*ends, ends[1]], [1 / 3, 1 / 3, 1 / 3])
    assert thirds["w"].dtype == torch.float16
    # Rounding each product to half precision would give 0.9995.
    assert thirds["w"].item() == 1 + 2**-10


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 0.4], "sum to 1, got 0.9"),
        ([1.5, -0.5], r"lie in \[0, 1\], got \[1.5, -0.5\]"),
        ([float("nan"), 1.0], r"lie in \[0, 1\], got \[nan"),
        ([1.0], "2 networks, but 1 weights"),
    ],
)
def test_weights_that_are_no_mean_are_refused(weights, message):
    states = generators(2)
    with pytest.raises(ValueError, match=message):
        combine(states, weights)
    with pytest.raises(ValueError, match=message):
        Interpolator(Generator(channels=4, blocks=2), states)(*weights)


def test_alpha_outside_is_refused_because_variances_would_turn_negative():
    with pytest.raises(ValueError, match="variances of batch normalisation"):
        interpolate(*generators(2), 1.2)


def test_missing_keys_are_named_from_either_side():
    a, b = generators(2)
    lost = {key: value for key, value in b.items() if key != "head.0.bias"}
    with pytest.raises(InterpolationError, match=r"network 2 has no 'head.0.bias'"):
        interpolate(a, lost, 0.5)
    with pytest.raises(InterpolationError, match=r"network 1 has no 'head.0.bias'"):
        interpolate(lost, b, 0.5)
    with pytest.raises(InterpolationError, match="no network"):
        check_states([])


def test_data_parallels_prefix_is_recognised():
    a, b = generators(2)
    wrapped = {f"module.{key}": value for key, value in b.items()}
    with pytest.raises(InterpolationError, match=r"DataParallel.*save model.module.state_dict"):
        interpolate(a, wrapped, 0.5)
    with pytest.raises(InterpolationError, match="DataParallel"):
        interpolate(wrapped, b, 0.5)


def test_other_shapes_and_types_are_named():
    a, _ = generators(2)
    deeper = generators(1, channels=6)[0]
    with pytest.raises(InterpolationError, match=r"'head.0.weight' has shape \(4.*\(6"):
        interpolate(a, deeper, 0.5)
    half = {key: v.half() if v.is_floating_point() else v for key, v in a.items()}
    with pytest.raises(InterpolationError, match=r"'head.0.weight' is torch.float32 .*float16"):
        interpolate(a, half, 0.5)


def test_counters_are_kept_if_equal_and_refused_if_not():
    a, b = generators(2)
    counter = "body.0.net.1.num_batches_tracked"
    a[counter], b[counter] = torch.tensor(7), torch.tensor(7)
    found = interpolate(a, b, 0.5)[counter]
    assert (found.dtype, found.item()) == (torch.int64, 7)
    b[counter] = torch.tensor(9)
    with pytest.raises(InterpolationError, match=f"{counter}.* is torch.int64 and differs"):
        interpolate(a, b, 0.5)


# --------------------------------------------------------------------------- in place


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_moving_in_place_equals_loading_the_mean(memory_format):
    states = generators(2)
    network = Generator(channels=4, blocks=2).eval().to(memory_format=memory_format)
    move = Interpolator(network, states)
    other = Generator(channels=4, blocks=2).eval()
    low = torch.rand(1, 3, 6, 5)
    for alpha in (0.0, 0.25, 0.8, 1.0):
        move(alpha, 1 - alpha)
        other.load_state_dict(interpolate(*states, alpha))
        for key, value in network.state_dict().items():
            torch.testing.assert_close(value, other.state_dict()[key])
        torch.testing.assert_close(network(low), other(low))


def test_moving_among_three():
    states = generators(3)
    network = Generator(channels=4, blocks=2)
    Interpolator(network, states)(0.2, 0.5, 0.3)
    wanted = combine(states, [0.2, 0.5, 0.3])
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, wanted[key])


def test_a_move_allocates_nothing_and_keeps_every_tensor_in_its_place():
    network = Generator(channels=4, blocks=2)
    before = {key: value.stride() for key, value in network.state_dict().items()}
    parameters = [id(p) for p in network.parameters()]
    move = Interpolator(network, generators(2))
    places = {key: value.data_ptr() for key, value in network.state_dict().items()}
    with torch.profiler.profile(profile_memory=True) as profile:
        move(0.5, 0.5)
    assert sum(max(0, event.self_cpu_memory_usage) for event in profile.events()) <= 64
    assert {key: value.data_ptr() for key, value in network.state_dict().items()} == places
    assert {key: value.stride() for key, value in network.state_dict().items()} == before
    assert [id(p) for p in network.parameters()] == parameters


def test_the_ends_are_copies():
    states = generators(2)
    network = Generator(channels=4, blocks=2)
    move = Interpolator(network, states)
    wanted = interpolate(*states, 0.5)
    for state in states:
        for value in state.values():
            value.zero_()
    move(0.5, 0.5)
    torch.testing.assert_close(network.state_dict()["head.0.weight"], wanted["head.0.weight"])


def test_another_network_or_several_types_are_refused():
    states = generators(2)
    with pytest.raises(InterpolationError, match=r"network 2 has no 'body.1.net.0.weight'"):
        Interpolator(Generator(channels=4, blocks=1), states)
    mixed = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double())
    with pytest.raises(InterpolationError, match="spread over"):
        Interpolator(mixed, [mixed.state_dict()] * 2)


def test_gradients_flow_through_a_moved_network():
    network = Generator(channels=4, blocks=2)
    Interpolator(network, generators(2))(0.5, 0.5)
    network(torch.rand(1, 3, 4, 4)).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in network.parameters())


# Networks that were wrapped, moved or cast


def test_a_compiled_networks_prefix_is_recognised():
    a, b = generators(2)
    wrapped = {f"_orig_mod.{key}": value for key, value in b.items()}
    with pytest.raises(InterpolationError, match=r"compiled.*save model._orig_mod.state_dict"):
        interpolate(a, wrapped, 0.5)
    with pytest.raises(InterpolationError, match=r"saved compiled"):
        interpolate(wrapped, b, 0.5)


@pytest.mark.parametrize("wrapper", ["params", "state_dict"])
def test_a_state_inside_something_is_pointed_at(wrapper):
    a, b = generators(2)
    with pytest.raises(InterpolationError, match=rf"network 2 is a dict.*state\['{wrapper}'\]"):
        interpolate(a, {wrapper: b}, 0.5)


@pytest.mark.parametrize(
    "change",
    [
        lambda network: network.double(),
        lambda network: network.half().float(),
        lambda network: network.to("meta"),
        lambda network: network.to(memory_format=torch.channels_last),
    ],
)
def test_a_network_that_was_moved_afterwards_is_not_moved_in_silence(change):
    network = Generator(channels=4, blocks=2)
    move = Interpolator(network, generators(2))
    move(0.5, 0.5)
    change(network)
    with pytest.raises(InterpolationError, match="moved or cast after this interpolator was built"):
        move(0.25, 0.75)


def test_a_network_that_stayed_where_it_was_is_moved():
    network = Generator(channels=4, blocks=2)
    move = Interpolator(network, generators(2))
    network.float().to("cpu").eval()
    move(0.25, 0.75)
