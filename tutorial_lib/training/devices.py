"""Where a training runs: device, processes and precision, on one machine or on several."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

from tutorial_lib.training.batch_norm import synchronise

Result = TypeVar("Result")


def native_bf16() -> bool:
    """Whether this machine multiplies bfloat16 numbers in hardware.

    Examples
    --------
    >>> isinstance(native_bf16(), bool)
    True
    """
    if torch.cuda.is_available():
        return torch.cuda.get_device_capability()[0] >= 8
    return "bf16" in _cpu_features()


def _cpu_features() -> str:
    try:
        return Path("/proc/cpuinfo").read_text().lower()
    except OSError:
        return ""


def started_from_outside() -> tuple[int, int] | None:
    """How a launcher has started this process: processes a machine, and machines.

    Returns
    -------
    (int, int) or None
        As torchrun or SLURM's ``srun`` says; None where there is neither, or this process only.
    """
    if TorchElasticEnvironment.detect():
        total, here = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
        return (here, total // here) if total > 1 else None
    if "SLURM_NTASKS" in os.environ and SLURMEnvironment.detect():
        total, machines = int(os.environ["SLURM_NTASKS"]), int(os.environ["SLURM_NNODES"])
        return (total // machines, machines) if total > 1 else None
    return None


def process_number() -> int:
    """Which of a launcher's processes this is, from 0; without a launcher, 0."""
    if started_from_outside() is None:
        return 0
    return int(os.environ["RANK" if TorchElasticEnvironment.detect() else "SLURM_PROCID"])


def make_fabric(*, devices: int = 1, machines: int = 1, precision: str = "auto") -> Fabric:
    """Choose the device, the number of processes and the precision.

    Parameters
    ----------
    devices : int
        Processes on this machine, one a GPU; without a GPU, processes on the CPU (gloo).
    machines : int
        More than one where a launcher has started such processes on each, as
        :func:`started_from_outside` says.
    precision : str
        "auto", or what Fabric takes, such as "32-true" and "bf16-mixed". Automatic is bf16
        autocast where the hardware has it, fp16 autocast on an older GPU, float32 otherwise.

    Returns
    -------
    Fabric
        Launched if it has one process; else the caller launches it with its function.

    Raises
    ------
    ValueError
        If SLURM was asked for so many processes in all, not on each machine: Fabric needs that.
    """
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        fallback = "16-mixed" if accelerator == "cuda" else "32-true"
        precision = "bf16-mixed" if native_bf16() else fallback
    several = devices * machines > 1
    # Broadcasting buffers would change batch statistics in place between a discriminator's two
    # forward passes, which autograd rightly refuses.
    strategy: Any = "auto"
    if several:
        outside = started_from_outside() == (devices, machines)
        by_slurm = outside and not TorchElasticEnvironment.detect()
        if by_slurm and "SLURM_NTASKS_PER_NODE" not in os.environ:
            raise ValueError("SLURM has to know a machine's processes: --ntasks-per-node, not -n")
        strategy = DDPStrategy(
            start_method="popen" if outside else "spawn", broadcast_buffers=False
        )
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        num_nodes=machines,
        strategy=strategy,
        precision=precision,  # type: ignore[arg-type]
    )
    if not several:
        fabric.launch()
    return fabric


def from_first(fabric: Fabric, function: Callable[[], Result]) -> Result:
    """What a function returns in the first process, in all of them; or what it raises there.

    Parameters
    ----------
    fabric : Fabric
        Whose processes all call this at the same point.
    function : callable
        Called in the first process only. What it returns can be pickled.
    """
    if fabric.world_size == 1:
        return function()
    outcome: tuple[Any, Exception | None] = None, None
    if fabric.is_global_zero:
        try:
            outcome = function(), None
        except Exception as error:
            outcome = None, error
    value, raised = fabric.broadcast(outcome)
    if raised is not None:
        raise raised
    return value


def set_up(
    fabric: Fabric,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    compile: bool = False,
) -> tuple[Any, Any]:
    """Put a network and its optimiser where Fabric trains them, channels last in memory.

    On several devices, batch normalisation takes its statistics over all of them.

    Parameters
    ----------
    fabric : Fabric
        From :func:`make_fabric`.
    network : nn.Module
        Moved in place: the caller's reference stays valid, and is what checkpoints hold.
    optimizer : torch.optim.Optimizer
        Of the network's parameters.
    compile : bool
        Compile the network where there is a GPU; for runs long enough to earn the minute back.

    Returns
    -------
    tuple
        Fabric's wrappers of the two: the network to call, the optimiser to step.
    """
    network.to(memory_format=torch.channels_last)
    if fabric.world_size > 1:
        synchronise(network)
    fast: Any = torch.compile(network) if compile and fabric.device.type == "cuda" else network
    return fabric.setup(fast, optimizer)


def shard(fabric: Fabric, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Take this process's part of a batch that every process has drawn alike.

    Raises
    ------
    ValueError
        If the batch does not divide by the number of processes.
    """
    parts = fabric.world_size
    if tensors[0].shape[0] % parts:
        raise ValueError(
            f"a batch of {tensors[0].shape[0]} does not divide among {parts} devices: choose a "
            "multiple"
        )
    return tuple(t.chunk(parts)[fabric.global_rank] for t in tensors)
