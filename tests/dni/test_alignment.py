import itertools

import torch

from tutorial_lib.dni import Denoiser, align


def shuffled(denoiser, seed):
    """The same function with the channels of all hidden layers in another order."""
    torch.manual_seed(seed)
    state = {key: value.clone() for key, value in denoiser.state_dict().items()}
    layers = [key.removesuffix(".weight") for key in state if key.endswith(".weight")]
    for layer, after in itertools.pairwise(layers):
        order = torch.randperm(len(state[f"{layer}.bias"]))
        for kind in ("weight", "bias"):
            state[f"{layer}.{kind}"] = state[f"{layer}.{kind}"][order]
        state[f"{after}.weight"] = state[f"{after}.weight"][:, order]
    return state


def test_align_undoes_a_shuffle():
    torch.manual_seed(0)
    denoiser = Denoiser(channels=12, layers=4, kernel=3)
    state = shuffled(denoiser, 1)
    found = align(state, denoiser.state_dict())
    for key, value in denoiser.state_dict().items():
        assert not torch.equal(state[key], value) or "net.6.bias" in key
        torch.testing.assert_close(found[key], value)


def test_align_does_not_change_the_function():
    torch.manual_seed(0)
    one, other = (
        Denoiser(channels=12, layers=4, kernel=3),
        Denoiser(channels=12, layers=4, kernel=3),
    )
    picture = torch.rand(1, 3, 8, 8)
    before = other(picture)
    other.load_state_dict(align(other.state_dict(), one.state_dict()))
    torch.testing.assert_close(other(picture), before)
