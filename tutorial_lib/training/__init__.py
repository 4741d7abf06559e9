"""The one training engine: loop, checkpoints, profiles."""

from tutorial_lib.training.checkpoint import CheckpointError, write_atomically
from tutorial_lib.training.engine import (
    Diverged,
    History,
    Interrupted,
    Recipe,
    make_fabric,
    native_bf16,
    set_up,
    shard,
    train,
)
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
    "half_state",
    "load_half_state",
    "make_fabric",
    "native_bf16",
    "reestimate_statistics",
    "set_up",
    "shard",
    "train",
    "write_atomically",
]
