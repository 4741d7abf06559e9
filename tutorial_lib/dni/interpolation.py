"""Deep network interpolation: networks between networks, made by averaging weights.

Taught in the chapter *Deep Network Interpolation*.

References
----------
X. Wang et al., "Deep Network Interpolation for Continuous Imagery Effect Transition", CVPR 2019
(arXiv:1811.10515).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

State = Mapping[str, Tensor]
"""What ``state_dict()`` returns: the name of each parameter and buffer, and its tensor."""


class InterpolationError(ValueError):
    """Networks have no weights in common between which one could be; the message names the key."""


def interpolate(state_a: State, state_b: State, alpha: float) -> dict[str, Tensor]:
    """Weights on the line between two networks: ``alpha`` · A + (1 − ``alpha``) · B.

    Parameters
    ----------
    state_a, state_b : mapping of str to Tensor
        ``state_dict()`` of two networks with the same layers.
    alpha : float
        Share of the first network, in [0, 1].

    Returns
    -------
    dict of str to Tensor
        New tensors, of the types of `state_a`; to be given to ``load_state_dict``.

    Raises
    ------
    InterpolationError
        If the two do not have the same keys, shapes and types, or differ in an entry that is not
        floating point.
    ValueError
        If `alpha` is outside [0, 1].

    References
    ----------
    Wang et al. 2019, Equation 1.

    Examples
    --------
    >>> a, b = {"w": torch.tensor([0.0, 8.0])}, {"w": torch.tensor([4.0, 4.0])}
    >>> interpolate(a, b, 0.25)
    {'w': tensor([3., 5.])}
    """
    return combine([state_a, state_b], [alpha, 1 - alpha])


@torch.no_grad()
def combine(states: Sequence[State], weights: Sequence[float]) -> dict[str, Tensor]:
    """Weighted mean of the weights of several networks.

    Parameters
    ----------
    states : sequence of mappings of str to Tensor
        ``state_dict()`` of each network; all have the same layers.
    weights : sequence of float
        One for each network, none negative, with the sum one.

    Returns
    -------
    dict of str to Tensor
        New tensors, of the types of the first network's. What is not floating point is equal in
        all networks, and copied.

    Raises
    ------
    InterpolationError
        If keys, shapes or types differ, or an entry that is not floating point does.
    ValueError
        If the weights are not as said.

    References
    ----------
    Wang et al. 2019, Equation 2.
    """
    check_states(states)
    check_weights(weights, len(states))
    mixed = {}
    for key, first in states[0].items():
        if not first.is_floating_point():
            mixed[key] = first.clone()
            continue
        # Sums of half-precision numbers are made in single precision, and rounded once.
        total = first.float() if first.dtype.itemsize < 4 else first
        total = total * weights[0]
        for state, weight in zip(states[1:], weights[1:], strict=True):
            total.add_(state[key].to(total.dtype), alpha=weight)
        mixed[key] = total.to(first.dtype)
    return mixed


def check_weights(weights: Sequence[float], count: int) -> None:
    """Refuse weights that are not a mean.

    Parameters
    ----------
    weights : sequence of float
        The weights.
    count : int
        How many networks there are.

    Raises
    ------
    ValueError
        If there are more or fewer, one is outside [0, 1], or they do not sum to one.
    """
    if len(weights) != count:
        raise ValueError(f"{count} networks, but {len(weights)} weights: give one for each")
    if not all(0 <= weight <= 1 for weight in weights):
        raise ValueError(
            f"weights must lie in [0, 1], got {[float(w) for w in weights]}: beyond the networks "
            "the variances of batch normalisation can become negative"
        )
    if not math.isclose(total := math.fsum(weights), 1, abs_tol=1e-6):
        raise ValueError(f"weights must sum to 1, got {total:.6g}: divide them by their sum")


def check_states(states: Sequence[State]) -> None:
    """Refuse networks that cannot be averaged, and name the first entry that stands in the way.

    Parameters
    ----------
    states : sequence of mappings of str to Tensor
        ``state_dict()`` of each network.

    Raises
    ------
    InterpolationError
        If keys, shapes or types differ, or an entry that is not floating point does.
    """
    if not states:
        raise InterpolationError("there is no network to interpolate")
    for number, state in enumerate(states, start=1):
        for key, tensor in state.items():
            if not isinstance(tensor, Tensor):
                raise InterpolationError(
                    f"{key!r} of network {number} is a {type(tensor).__name__}, not a tensor: its "
                    f"weights may be inside, as state[{key!r}]"
                )
    first = states[0]
    for number, other in enumerate(states[1:], start=2):
        for key in first:
            if key not in other:
                raise InterpolationError(
                    f"network {number} has no {key!r}. {remedy_for(key, other)}"
                )
        for key in other:
            if key not in first:
                raise InterpolationError(f"network 1 has no {key!r}. {remedy_for(key, first)}")
        for key, tensor in first.items():
            check_entry(key, tensor, other[key], number)


def check_entry(key: str, first: Tensor, other: Tensor, number: int) -> None:
    """Refuse an entry of two networks that cannot be averaged.

    Parameters
    ----------
    key : str
        The entry's name.
    first, other : Tensor
        What stands there in network 1, and in another.
    number : int
        The other's, from 2.

    Raises
    ------
    InterpolationError
        If shapes or types differ, or the entry is not floating point and does.
    """
    if first.shape != other.shape:
        raise InterpolationError(
            f"{key!r} has shape {tuple(first.shape)} in network 1 and {tuple(other.shape)} in "
            f"network {number}: only networks with the same layers can be interpolated"
        )
    if first.dtype != other.dtype:
        raise InterpolationError(
            f"{key!r} is {first.dtype} in network 1 and {other.dtype} in network {number}: "
            "convert one of them"
        )
    if not first.is_floating_point() and not torch.equal(first, other.to(first.device)):
        raise InterpolationError(
            f"{key!r} is {first.dtype} and differs between network 1 and network {number}. The "
            "mean of such numbers means nothing: set it to the same value in all networks, or "
            "leave it out of all of them"
        )


def remedy_for(key: str, state: State) -> str:
    """Say, in a sentence, what is probably wrong where a key is missing from a state."""
    for prefix, wrapper, inside in (
        ("module.", "inside DataParallel", "model.module"),
        ("_orig_mod.", "compiled", "model._orig_mod"),
    ):
        plain = key.removeprefix(prefix)
        if f"{prefix}{key}" in state or (plain != key and plain in state):
            return (
                f"One network was saved {wrapper}, which puts {prefix!r} before every name: "
                f"save {inside}.state_dict(), or remove the prefix from all keys of that one"
            )
    return "Only networks with the same layers can be interpolated"


class Interpolator:
    """Moves a network among others in place: what a slider calls.

    All parameters and buffers of the network become views into one stretch of memory, in the
    order and memory format that they have, and so do the weights of the networks to move among. A
    move is then a single pass over the memory: no dictionary, no new tensor, nothing to load.

    Parameters
    ----------
    network : nn.Module
        The network to move; its own weights are overwritten. To be built after the network has
        been moved to its device and memory format.
    states : sequence of mappings of str to Tensor
        ``state_dict()`` of the networks to move among; copied.

    Attributes
    ----------
    live : Tensor
        (L,): all L parameters and buffers of the network that are floating point.
    ends : Tensor
        (K, L): the same of each state.

    Raises
    ------
    InterpolationError
        If the network and the states do not have the same keys, shapes and types, if the states
        differ in an entry that is not floating point, or if the network has several types or
        devices.

    Examples
    --------
    >>> network = nn.Linear(2, 1)
    >>> ends = [{"weight": torch.ones(1, 2) * k, "bias": torch.zeros(1)} for k in (1, 3)]
    >>> move = Interpolator(network, ends)
    >>> move(0.75, 0.25)
    >>> network.weight.data
    tensor([[1.5000, 1.5000]])
    """

    @torch.no_grad()
    def __init__(self, network: nn.Module, states: Sequence[State]) -> None:
        check_states(states)
        own = network.state_dict(keep_vars=True)
        layers = {key: tensor for key, tensor in own.items() if tensor.is_floating_point()}
        counters = {key: states[0].get(key, own[key]) for key in own.keys() - layers.keys()}
        check_states([states[0], layers | counters])
        for key, value in counters.items():
            own[key].copy_(value)
        kinds = {(t.dtype, t.device) for t in layers.values()}
        if len(kinds) != 1:
            raise InterpolationError(f"the network is spread over {sorted(map(str, kinds))}")
        dtype, device = kinds.pop()
        total = sum(t.numel() for t in layers.values())
        self.live = torch.empty(total, dtype=dtype, device=device)
        self.ends = torch.empty(len(states), total, dtype=dtype, device=device)
        owners = {
            f"{path}.{name}".removeprefix("."): (owner, name)
            for path, part in network.named_modules()
            for owner in (part._parameters, part._buffers)
            for name in owner
        }
        # Where each weight is looked for when it is used, and where it is to be.
        self._places: list[tuple[dict[str, Any], str, int]] = []
        start = 0
        for key, tensor in layers.items():
            for end, state in zip(self.ends, states, strict=True):
                view_like(end, tensor, start).copy_(state[key])
            tensor.data = view_like(self.live, tensor, start)
            self._places.append((*owners[key], tensor.data_ptr()))
            start += tensor.numel()
        self(*[1.0] + [0.0] * (len(states) - 1))

    @torch.no_grad()
    def __call__(self, *weights: float) -> None:
        """Give the network its place.

        Parameters
        ----------
        *weights : float
            One for each state, in [0, 1], with the sum one.

        Raises
        ------
        ValueError
            If the weights are not as said.
        InterpolationError
            If the network has been moved or cast since, and has its weights elsewhere now.
        """
        check_weights(weights, len(self.ends))
        for owner, name, place in self._places:
            if owner[name].data_ptr() != place:
                raise InterpolationError(
                    f"{name} of the network was moved or cast after this interpolator was built: "
                    "build it anew, after the network has its device, type and memory format"
                )
        if len(weights) == 2:
            torch.lerp(self.ends[1], self.ends[0], weights[0], out=self.live)
        else:
            torch.mul(self.ends[0], weights[0], out=self.live)
            for end, weight in zip(self.ends[1:], weights[1:], strict=True):
                self.live.add_(end, alpha=weight)


def view_like(flat: Tensor, like: Tensor, start: int) -> Tensor:
    """A part of `flat` that looks like another tensor.

    Parameters
    ----------
    flat : Tensor
        (L,).
    like : Tensor
        Of any shape and memory format, with N entries.
    start : int
        Where in `flat` the N entries begin.

    Returns
    -------
    Tensor
        A view, with the shape and strides of `like`.
    """
    strides = torch.empty_like(like, device="meta").stride()
    return flat[start : start + like.numel()].as_strided(like.shape, strides)
