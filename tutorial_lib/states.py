"""Weights by name, whatever a network was wrapped in when they were saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict")
"""Keys under which programs keep a state; the first that is there is taken."""

PREFIXES = ("_orig_mod.", "module.")
"""What ``torch.compile`` and data parallelism put before every name."""


def plain_state(state: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """Weights under the names that their network gave them.

    Parameters
    ----------
    state : mapping
        What ``state_dict()`` returns of a network, plain, compiled or parallel; or what a program
        saved, with that under one of `WRAPPERS`.

    Returns
    -------
    mapping of str to Tensor
        The same tensors; `state` itself if its names are plain.

    Examples
    --------
    >>> import torch
    >>> plain_state({"params": {"module._orig_mod.weight": torch.ones(1)}})
    {'weight': tensor([1.])}
    """
    for wrapper in WRAPPERS:
        inside = state.get(wrapper)
        if isinstance(inside, Mapping):
            return plain_state(inside)
    for prefix in PREFIXES:
        # Before every name, or it is the network's own.
        if state and all(name.startswith(prefix) for name in state):
            return plain_state({name.removeprefix(prefix): value for name, value in state.items()})
    return state
