"""The one training loop, on Lightning Fabric.

An experiment brings a :class:`Recipe`: its networks, its optimisers, and what one step does. The
loop brings everything else: seeds, progress, checkpoints, exact resume, and stopping well.

Everything random in a step is a function of the seed and of the step's number, never of what
came before. A run that was killed and resumed is therefore the same run.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from lightning_fabric.utilities.apply_func import convert_tensors_to_scalars
from torch import Tensor, nn
from tqdm.auto import tqdm

from tutorial_lib.training import checkpoint


class Recipe(Protocol):
    """What an experiment brings to the loop."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Everything with state: checkpoints hold and restore it."""
        ...

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """Of the networks' parameters; their state is in checkpoints too."""
        ...

    @property
    def batch_size(self) -> int:
        """Pictures in one step over all devices; for the progress bar."""
        ...

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the networks once and return the losses as detached scalars.

        All that is random is drawn from `generator` (on the CPU) or from the global generators,
        which the loop has seeded for this step.
        """
        ...


@dataclass
class History:
    """What a run has measured so far.

    Attributes
    ----------
    names : list of str
        Names of the losses.
    losses : Tensor
        (steps, losses) float32, one row a step.
    watched : list of dict
        What the watcher returned, each with its ``step``.
    seconds : float
        Time spent, over all sittings.
    """

    names: list[str] = field(default_factory=list)
    losses: Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    watched: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


class Interrupted(KeyboardInterrupt):
    """The run was stopped by the user, and can go on from its checkpoint."""


class Diverged(ArithmeticError):
    """A loss is no longer a finite number."""


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


def make_fabric(*, devices: int = 1, precision: str = "auto") -> Fabric:
    """Choose the device, the number of processes and the precision.

    Parameters
    ----------
    devices : int
        Processes, one a GPU; on a machine without GPU, processes on the CPU (gloo).
    precision : str
        "auto", or what Fabric takes, such as "32-true" and "bf16-mixed". Automatic is bf16
        autocast where the hardware has it, fp16 autocast on an older GPU, float32 otherwise.

    Returns
    -------
    Fabric
        Launched if it has one device; else the caller launches it with its function.
    """
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        fallback = "16-mixed" if accelerator == "cuda" else "32-true"
        precision = "bf16-mixed" if native_bf16() else fallback
    # Broadcasting buffers would change batch statistics in place between a discriminator's two
    # forward passes, which autograd rightly refuses.
    strategy: Any = (
        DDPStrategy(start_method="spawn", broadcast_buffers=False) if devices > 1 else "auto"
    )
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        strategy=strategy,
        precision=precision,  # type: ignore[arg-type]
    )
    if devices == 1:
        fabric.launch()
    return fabric


def set_up(
    fabric: Fabric,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    compile: bool = False,
) -> tuple[Any, Any]:
    """Put a network and its optimiser where Fabric trains them, channels last in memory.

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
    fast: Any = torch.compile(network) if compile and fabric.device.type == "cuda" else network
    return fabric.setup(fast, optimizer)


def step_seed(seed: int, index: int) -> int:
    """A seed for one step: well mixed, and a function of (seed, step) alone.

    Examples
    --------
    >>> step_seed(0, 1) == step_seed(0, 1), step_seed(0, 1) == step_seed(1, 0)
    (True, False)
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + index * 0xBF58476D1CE4E5B9 + 1) % 2**64
    mixed = ((mixed ^ (mixed >> 31)) * 0x94D049BB133111EB) % 2**64
    return (mixed ^ (mixed >> 29)) % 2**63


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


def train(
    recipe: Recipe,
    *,
    fabric: Fabric,
    steps: int,
    folder: Path,
    config: dict[str, Any],
    seed: int = 0,
    checkpoint_every: int = 250,
    watch: Callable[[int], dict[str, float]] | None = None,
    watch_at: Iterable[int] = (),
    label: str = "training",
) -> History:
    """Train until `steps` steps are done, from the checkpoint in `folder` if there is one.

    Parameters
    ----------
    recipe : Recipe
        Networks, optimisers and one step.
    fabric : Fabric
        From :func:`make_fabric`.
    steps : int
        Steps in all, those of earlier sittings included.
    folder : Path
        Holds ``checkpoint.pt``.
    config : dict
        Everything that determines the run; a checkpoint of another configuration is refused.
        The number of steps does not belong in it: a finished run may be carried on.
    seed : int
        Of everything random.
    checkpoint_every : int
        Steps between checkpoints.
    watch : callable, optional
        Called with the number of steps done, at those in `watch_at`; returns numbers to keep. It
        may write frames.
    watch_at : iterable of int
        When to watch; 0 is before the first step.
    label : str
        Of the progress bar.

    Returns
    -------
    History
        Losses of every step, what was watched, and the time spent.

    Raises
    ------
    Interrupted
        After Ctrl-C; the step under way was finished and a checkpoint written.
    Diverged
        If a loss becomes NaN or infinite; names the loss, the step and the last checkpoint.
    CheckpointError
        If a checkpoint cannot be written, read or continued.
    """
    path = folder / "checkpoint.pt"
    history, done = History(), 0
    if path.exists():
        history, done = _restore(recipe, path, config, fabric.device)
        if done < steps:
            fabric.print(f"{label}: going on from step {done} of {steps}")
    moments = set(watch_at)
    if watch is not None and done == 0 and 0 in moments:
        history.watched.append({"step": 0} | watch(0))

    began, before = time.monotonic(), history.seconds
    pending: list[Any] = []

    def keep() -> None:
        """Check the losses since the last call, and write a checkpoint."""
        history.losses = _checked(history, pending, done, path if path.exists() else None)
        pending.clear()
        history.seconds = before + time.monotonic() - began
        _check_weights(recipe, done, path if path.exists() else None)
        if fabric.is_global_zero:
            checkpoint.save(path, _state(recipe, history, done, config))
        fabric.barrier()

    bar = tqdm(
        total=steps, initial=done, desc=label, disable=not fabric.is_global_zero, unit="step"
    )
    with _StopSignal() as stop, bar:
        while done < steps:
            mixed = step_seed(seed, done)
            torch.manual_seed(mixed)
            losses = recipe.step(done, torch.Generator().manual_seed(mixed))
            history.names = list(losses)
            pending.append(fabric.all_reduce(torch.stack(list(losses.values())).float()))
            done += 1
            bar.update()

            if done % 10 == 0:
                speed = (bar.format_dict["rate"] or 0) * recipe.batch_size
                shown = {k: f"{v:.4g}" for k, v in zip(losses, pending[-1].tolist(), strict=True)}
                bar.set_postfix(shown | {"images/s": f"{speed:.0f}"}, refresh=False)
            if watch is not None and done in moments:
                history.watched.append({"step": done} | watch(done))
            if stop.asked or done % checkpoint_every == 0 or done == steps:
                keep()
            if stop.asked and done < steps:
                raise Interrupted(
                    f"stopped after step {done} of {steps}. The checkpoint is {path}: run the "
                    "same command again to go on."
                )
    return history


def _state(recipe: Recipe, history: History, done: int, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "step": done,
        "config": config,
        "modules": {name: m.state_dict() for name, m in recipe.modules.items()},
        "optimizers": {name: o.state_dict() for name, o in recipe.optimizers.items()},
        "names": history.names,
        "losses": history.losses,
        "watched": convert_tensors_to_scalars(history.watched),
        "seconds": history.seconds,
    }


def _restore(
    recipe: Recipe, path: Path, config: dict[str, Any], device: torch.device
) -> tuple[History, int]:
    state = checkpoint.load(path, config=config, map_location=device)
    for name, module in recipe.modules.items():
        module.load_state_dict(state["modules"][name])
    for name, optimizer in recipe.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    history = History(
        names=state["names"],
        losses=state["losses"].cpu(),
        watched=state["watched"],
        seconds=state["seconds"],
    )
    return history, state["step"]


def _checked(history: History, pending: list[Any], done: int, last: Path | None) -> Tensor:
    """All losses so far; raises at the first that is not finite."""
    if not pending:
        return history.losses
    new = torch.stack(pending).cpu()
    if not bool(new.isfinite().all()):
        row, column = (~new.isfinite()).nonzero()[0].tolist()
        step = done - len(pending) + row + 1
        value = new[row, column].item()
        raise Diverged(f"{history.names[column]} became {value} at step {step}. {_remedy(last)}")
    return new if history.losses.numel() == 0 else torch.cat([history.losses, new])


def _check_weights(recipe: Recipe, done: int, last: Path | None) -> None:
    """Raise if an update has left weights that are not numbers, before they are kept."""
    for name, module in recipe.modules.items():
        if not all(bool(p.isfinite().all()) for p in module.parameters()):
            raise Diverged(f"weights of {name} are not finite after step {done}. {_remedy(last)}")


def _remedy(last: Path | None) -> str:
    checkpoint = f"The last good checkpoint is {last}" if last else "There is no checkpoint yet"
    return (
        f"{checkpoint}; a smaller learning rate, or float32 instead of half precision, is the "
        "usual cure."
    )


class _StopSignal:
    """Turns the first Ctrl-C into a wish that the loop can grant between two steps."""

    def __init__(self) -> None:
        self.asked = False
        self._mine = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> _StopSignal:
        if self._mine:
            self._previous = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._mine:
            signal.signal(signal.SIGINT, self._previous)

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
