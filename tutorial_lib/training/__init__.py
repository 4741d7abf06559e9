"""The one training engine: loop, checkpoints, profiles."""

from tutorial_lib.training.checkpoint import CheckpointError, sittings_below, write_atomically
from tutorial_lib.training.devices import (
    from_first,
    make_fabric,
    native_bf16,
    process_number,
    set_up,
    shard,
    started_from_outside,
)
from tutorial_lib.training.engine import Diverged, History, Interrupted, Recipe, train
from tutorial_lib.training.launch import launch
from tutorial_lib.training.profiles import PROFILES, PURPOSE, Profile
from tutorial_lib.training.weights import (
    average_weights,
    half_state,
    load_half_state,
    reestimate_statistics,
)

__all__ = [
    "PROFILES",
    "PURPOSE",
    "CheckpointError",
    "Diverged",
    "History",
    "Interrupted",
    "Profile",
    "Recipe",
    "average_weights",
    "from_first",
    "half_state",
    "launch",
    "load_half_state",
    "make_fabric",
    "native_bf16",
    "process_number",
    "reestimate_statistics",
    "set_up",
    "shard",
    "sittings_below",
    "started_from_outside",
    "train",
    "write_atomically",
]
