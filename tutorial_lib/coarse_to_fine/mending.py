"""The recorded networks, put to work on any picture."""

from __future__ import annotations

import torch
from safetensors.torch import load_file
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine.networks import CoarseToFine
from tutorial_lib.coarse_to_fine.recipe import TRAININGS, Config
from tutorial_lib.coarse_to_fine.tasks import TASKS
from tutorial_lib.metrics import imresize
from tutorial_lib.training import load_half_state


def recorded_network(experiment: str) -> CoarseToFine:
    """The network that a record's weights hold, ready to use on the CPU.

    Parameters
    ----------
    experiment : str
        Such as ``"coarse_to_fine/colour_unet"``.

    Raises
    ------
    LedgerError
        If there is no such record, or its weights are not those recorded.
    """
    record = ledger.read(experiment)
    network = Config(**record.config).network()
    load_half_state(network, load_file(record.artefact("weights.safetensors")))
    return network


def recorded_networks(task: str) -> dict[str, CoarseToFine]:
    """The networks of a task by what the chapter calls them.

    Parameters
    ----------
    task : str
        One of :data:`tutorial_lib.coarse_to_fine.TASKS`.

    Returns
    -------
    dict of str to CoarseToFine
        The five trainings' networks; for colourisation also the one trained on photographs.
    """
    found = {
        words: recorded_network(f"coarse_to_fine/{task}_{key}")
        for key, (words, _) in TRAININGS.items()
    }
    if task == "colour":
        found["taught by photographs"] = recorded_network("coarse_to_fine/photos_ctf_all")
    return found


@torch.no_grad()
def mend(picture: Tensor, *, task: str, networks: dict[str, CoarseToFine]) -> dict[str, Tensor]:
    """Spoil the central square of a picture, and have networks mend it.

    Parameters
    ----------
    picture : Tensor
        (1, 3, H, W), range [0, 1].
    task : str
        One of :data:`tutorial_lib.coarse_to_fine.TASKS`.
    networks : dict of str to CoarseToFine
        By name, all of one size S, in evaluation mode.

    Returns
    -------
    dict of str to Tensor
        "given", the networks' answers by their names, and "wanted"; each (1, 3, S, S), range
        [0, 1].
    """
    top = next(iter(networks.values())).sizes[-1]
    side = min(picture.shape[-2:])
    y, x = ((length - side) // 2 for length in picture.shape[-2:])
    wanted = imresize(picture[..., y : y + side, x : x + side], size=(top, top)).clamp(0, 1)
    given = TASKS[task](wanted)
    made = {name: network(given) for name, network in networks.items()}
    return {"given": given, **made, "wanted": wanted}
