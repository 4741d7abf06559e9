"""Weights outside a step: halved, averaged, and with statistics made anew."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tutorial_lib.training import (
    average_weights,
    half_state,
    load_half_state,
    reestimate_statistics,
)


def network(seed=0):
    """Convolution, batch normalisation that has seen something, and another convolution."""
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    made(torch.rand(2, 3, 8, 8))
    return made


# Half precision


def test_stored_weights_are_half_precision_without_counters():
    state = half_state(network())
    assert set(state) == set(network().state_dict()) - {"1.num_batches_tracked"}
    for name, value in state.items():
        assert value.dtype == torch.float16
        assert value.is_contiguous()
        assert torch.equal(value, network().state_dict()[name].half())


def test_loaded_weights_are_those_stored_in_single_precision_and_ready_to_evaluate():
    given, loaded = network(), network(seed=1).train()
    assert load_half_state(loaded, half_state(given)) is loaded
    assert not any(part.training for part in loaded.modules())
    for name, value in loaded.state_dict().items():
        if value.is_floating_point():
            assert value.dtype == torch.float32
            assert torch.equal(value, given.state_dict()[name].half().float())


@pytest.mark.parametrize("name", ["0.weight", "1.running_var", "2.bias"])
def test_a_missing_name_is_refused(name):
    state = half_state(network())
    del state[name]
    with pytest.raises(RuntimeError, match=rf'Missing key\(s\).*"{name}"'):
        load_half_state(network(), state)


def test_an_unknown_name_and_another_shape_are_refused():
    state = half_state(network())
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\).*"3\.bias"'):
        load_half_state(network(), state | {"3.bias": torch.zeros(2)})
    with pytest.raises(RuntimeError, match=r"size mismatch for 2\.bias"):
        load_half_state(network(), state | {"2.bias": torch.zeros(3)})


# Averages


def test_average_is_the_mean_with_polynomial_weights():
    """Against the mean written out: the weight of step t decays with the steps after it."""
    steps = 40
    networks = [network(seed) for seed in range(steps)]
    average = network(seed=99)
    for index, now in enumerate(networks):
        average_weights(average, now, index)
    newest = [10 / (index + 10) for index in range(steps)]
    for name, found in average.state_dict().items():
        if not found.is_floating_point():
            continue
        expected = torch.zeros_like(found, dtype=torch.float64)
        for index, now in enumerate(networks):
            share = newest[index]
            for later in newest[index + 1 :]:
                share *= 1 - later
            expected += share * now.state_dict()[name].double()
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)


def test_first_average_is_the_network_and_the_network_is_left_alone():
    now, average = network(), network(seed=1)
    before = {name: value.clone() for name, value in now.state_dict().items()}
    average_weights(average, now, 0)
    for name, value in before.items():
        assert torch.equal(average.state_dict()[name], value)
        assert torch.equal(now.state_dict()[name], value)


def test_average_takes_over_the_newest_counter():
    now, average = network(), network()
    now(torch.rand(2, 3, 8, 8))
    average_weights(average, now, 50)
    assert average[1].num_batches_tracked.item() == 2


def test_average_of_other_layers_is_refused():
    with pytest.raises(ValueError, match="zip"):
        average_weights(network()[:2], network(), 0)


# Statistics


def test_statistics_are_means_over_the_batches_each_counting_alike():
    # Sizes differ, so that a mean over all pixels would be another one.
    batches = [torch.rand(count, 3, 8, 8) * (k + 1) for k, count in enumerate((2, 5, 3))]
    made = network()
    inputs = [made[0](batch).detach() for batch in batches]
    mean = torch.stack([x.mean(dim=(0, 2, 3)) for x in inputs]).mean(dim=0)
    variance = torch.stack([x.var(dim=(0, 2, 3), unbiased=True) for x in inputs]).mean(dim=0)
    reestimate_statistics(made, batches)
    torch.testing.assert_close(made[1].running_mean, mean)
    torch.testing.assert_close(made[1].running_var, variance)


def test_statistics_of_a_later_layer_follow_a_batch_that_is_normalised_by_itself():
    torch.manual_seed(0)
    made = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    batches = [torch.rand(4, 3, 6, 6) + shift for shift in (0.0, 5.0)]
    means = []
    for batch in batches:
        mean = batch.mean(dim=(0, 2, 3), keepdim=True)
        variance = batch.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
        means.append(made[1]((batch - mean) / (variance + 1e-5).sqrt()).mean(dim=(0, 2, 3)))
    reestimate_statistics(made, batches)
    torch.testing.assert_close(made[2].running_mean, torch.stack(means).mean(dim=0))


def test_nothing_but_the_statistics_changes():
    made = network().train()
    made[1].momentum = 0.3
    before = {name: value.clone() for name, value in made.named_parameters()}
    reestimate_statistics(made, [torch.rand(2, 3, 8, 8)])
    assert made[1].momentum == 0.3
    assert not any(part.training for part in made.modules())
    for name, value in made.named_parameters():
        assert torch.equal(value, before[name])
        assert value.grad is None


def test_dropout_does_not_drop_while_statistics_are_estimated():
    made = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(1)).train()
    reestimate_statistics(made, [torch.ones(2, 1, 4, 4)])
    assert made[1].running_mean.item() == 1
    assert made[1].running_var.item() == 0


def test_batches_in_half_precision_are_measured_in_float32():
    made = nn.BatchNorm2d(1)
    reestimate_statistics(made, [torch.full((2, 1, 4, 4), 3.0, dtype=torch.float16)])
    assert made.running_mean.dtype == torch.float32
    assert made.running_mean.item() == 3


def test_no_batch_is_an_error_that_costs_no_statistics():
    made = network().train()
    before = made[1].running_mean.clone()
    with pytest.raises(ValueError, match="no batches to estimate statistics from"):
        reestimate_statistics(made, [])
    assert torch.equal(made[1].running_mean, before)
    assert made[1].momentum == 0.1


def test_a_batch_that_does_not_fit_gives_the_momentum_back():
    made = network()
    with pytest.raises(RuntimeError):
        reestimate_statistics(made, [torch.rand(2, 5, 8, 8)])
    assert made[1].momentum == 0.1
    assert not made[1].training


def test_a_network_without_batch_normalisation_is_left_as_it_is():
    made = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Dropout())
    before = {name: value.clone() for name, value in made.state_dict().items()}

    def batches():
        pytest.fail("no batch is needed")
        yield

    reestimate_statistics(made, batches())
    assert not made.training
    for name, value in made.state_dict().items():
        assert torch.equal(value, before[name])


# Wrapped networks


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {f"_orig_mod.{k}": v for k, v in state.items()},
        lambda state: {f"module.{k}": v for k, v in state.items()},
        lambda state: {f"module._orig_mod.{k}": v for k, v in state.items()},
        lambda state: {"params": state},
        lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}, "epoch": 3},
        lambda state: {"params": {}, "params_ema": state},
    ],
)
def test_a_wrapped_state_is_loaded(wrap):
    given, loaded = network(), network(seed=1)
    load_half_state(loaded, wrap(half_state(given)))
    for name, value in half_state(given).items():
        assert torch.equal(half_state(loaded)[name], value)


@pytest.mark.parametrize("wrapped", [torch.compile, nn.DataParallel])
def test_a_wrapped_network_is_stored_and_loaded_by_its_own_names(wrapped):
    given, loaded = network(), network(seed=1)
    outside = wrapped(given)
    assert half_state(outside).keys() == half_state(given).keys()
    load_half_state(wrapped(loaded), half_state(outside))
    for name, value in half_state(given).items():
        assert torch.equal(half_state(loaded)[name], value)
    assert not loaded.training


def test_a_prefix_before_some_names_is_the_networks_own():
    state = half_state(network())
    first, *rest = state
    mixed = {f"module.{first}": state[first]} | {name: state[name] for name in rest}
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\).*"module\.0\.'):
        load_half_state(network(), mixed)
