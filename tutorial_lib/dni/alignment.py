"""An order of a network's channels in which it is most like another: strangers put in order.

Taught in the chapter *Deep Network Interpolation*.

References
----------
S. Ainsworth, J. Hayase, S. Srinivasa, "Git Re-Basin: Merging Models modulo Permutation
Symmetries", ICLR 2023 (arXiv:2209.04836).
"""

from __future__ import annotations

import itertools

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from tutorial_lib.dni.interpolation import State, check_states


@torch.no_grad()
def align(state: State, reference: State) -> dict[str, Tensor]:
    """Reorder the channels of a denoiser so that its filters lie where another's are like them.

    A network computes the same whatever the order of its hidden channels, as long as the next
    layer reads them in that order too. Layer by layer, the order is chosen that makes the sum of
    the products of weights largest, given the order of the neighbours, until nothing changes.

    Parameters
    ----------
    state, reference : mapping of str to Tensor
        ``state_dict()`` of two plain stacks of convolutions, such as :class:`Denoiser`.

    Returns
    -------
    dict of str to Tensor
        The same network as `state`, in another order.

    References
    ----------
    S. Ainsworth, J. Hayase, S. Srinivasa, "Git Re-Basin: Merging Models modulo Permutation
    Symmetries", ICLR 2023 (arXiv:2209.04836), Algorithm 1.
    """
    check_states([reference, state])
    ordered = {key: tensor.clone() for key, tensor in state.items()}
    layers = [key.removesuffix(".weight") for key in state if key.endswith(".weight")]
    hidden = list(itertools.pairwise(layers))
    changed = True
    while changed:
        changed = False
        for layer, after in hidden:
            weight, bias, reader = f"{layer}.weight", f"{layer}.bias", f"{after}.weight"
            gain = (
                reference[weight].flatten(1) @ ordered[weight].flatten(1).T
                + reference[bias][:, None] * ordered[bias][None]
                + reference[reader].transpose(0, 1).flatten(1)
                @ ordered[reader].transpose(0, 1).flatten(1).T
            )
            order = torch.as_tensor(linear_sum_assignment(gain.cpu(), maximize=True)[1])
            better = gain[torch.arange(len(order)), order].sum() - gain.diagonal().sum()
            # Equal gains would be exchanged for ever.
            if better > 1e-6 * gain.abs().sum():
                ordered[weight], ordered[bias] = ordered[weight][order], ordered[bias][order]
                ordered[reader] = ordered[reader][:, order]
                changed = True
    return ordered
