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
from lightning_fabric.utilities.apply_func import convert_tensors_to_scalars
from torch import Tensor, nn
from tqdm.auto import tqdm

from tutorial_lib import provenance
from tutorial_lib.metrics import NotFinite
from tutorial_lib.training import checkpoint
from tutorial_lib.training.checkpoint import CheckpointError
from tutorial_lib.training.devices import from_first


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
        Everything that determines the run, beside precision and number of devices; a checkpoint of
        another configuration is refused. The number of steps does not belong in it: a finished
        run may be carried on.
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
        After Ctrl-C in any of the processes; the step under way was finished and a checkpoint
        written.
    Diverged
        If a loss becomes NaN or infinite; names the loss, the step and the last checkpoint.
    CheckpointError
        If a checkpoint cannot be written, read or continued, or has more steps than `steps`.
    """
    path = folder / "checkpoint.pt"
    here = {"precision": str(fabric._precision.precision), "devices": fabric.world_size}
    history, done, sittings = History(), 0, list[dict[str, Any]]()
    if from_first(fabric, path.exists):
        history, done, sittings = _restore(recipe, path, fabric, config, here)
        if done > steps:
            raise CheckpointError(
                f"{path} has {done} steps, more than the {steps} asked for: choose another folder, "
                "or delete it to start over."
            )
        if done < steps:
            fabric.print(f"{label}: going on from step {done} of {steps}")
    began_at, sitting = done, provenance.sitting(fabric.device, devices=fabric.world_size)
    moments = set(watch_at)
    if watch is not None and done == 0 and 0 in moments:
        history.watched.append({"step": 0} | watch(0))

    began, before = time.monotonic(), history.seconds
    pending: list[Any] = []

    def check() -> None:
        """Look at the losses since the last call, and at the weights."""
        last = path if path.exists() else None
        history.losses = _checked(history, pending, done, last)
        pending.clear()
        _check_weights(recipe, done, last)

    def keep() -> None:
        """Write a checkpoint of what is in order."""
        check()
        history.seconds = before + time.monotonic() - began
        state = {
            "step": done,
            "config": config,
            "circumstances": here,
            "sittings": [*sittings, sitting | {"steps": done - began_at}],
            "precision": fabric._precision.state_dict(),
            "modules": {name: m.state_dict() for name, m in recipe.modules.items()},
            "optimizers": {name: o.state_dict() for name, o in recipe.optimizers.items()},
            "names": history.names,
            "losses": history.losses,
            "watched": convert_tensors_to_scalars(history.watched),
            "seconds": history.seconds,
        }
        from_first(fabric, lambda: checkpoint.save(path, state))

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
                check()
                try:
                    history.watched.append({"step": done} | watch(done))
                except NotFinite as error:
                    last = path if path.exists() else None
                    raise Diverged(
                        f"what is made after step {done} is no picture any more. {_remedy(last)}"
                    ) from error
            stopping = stop.asked_anywhere(fabric)
            if stopping or done % checkpoint_every == 0 or done == steps:
                keep()
            if stopping and done < steps:
                raise Interrupted(
                    f"stopped after step {done} of {steps}. The checkpoint is {path}: run the "
                    "same command again to go on."
                )
    return history


def _restore(
    recipe: Recipe,
    path: Path,
    fabric: Fabric,
    config: dict[str, Any],
    circumstances: dict[str, Any],
) -> tuple[History, int, list[dict[str, Any]]]:
    # The first process alone reads: on another machine there may be no such file.
    several = fabric.world_size > 1
    place = torch.device("cpu") if several else fabric.device
    state = from_first(
        fabric,
        lambda: checkpoint.load(
            path, config=config, circumstances=circumstances, map_location=place
        ),
    )
    try:
        for name, module in recipe.modules.items():
            try:
                module.load_state_dict(state["modules"][name])
            except RuntimeError as error:
                raise CheckpointError(
                    f"{name} has other layers in {path} than now. Delete it to start over."
                ) from error
        for name, optimizer in recipe.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        fabric._precision.load_state_dict(state.get("precision", {}))
        history = History(
            names=state["names"],
            losses=state["losses"].cpu(),
            watched=state["watched"],
            seconds=state["seconds"],
        )
        done = state["step"]
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise checkpoint.foreign(path) from error
    return history, done, state.get("sittings", [provenance.UNKNOWN_SITTING | {"steps": done}])


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
    """Turns the first Ctrl-C into a wish that the loop can grant between two steps.

    The second one stops at once, unless it comes with the first: a launcher may hand on what a
    terminal has sent to all.
    """

    def __init__(self) -> None:
        self.asked = False
        self._since = 0.0
        self._mine = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> _StopSignal:
        if self._mine:
            self._previous = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._mine:
            signal.signal(signal.SIGINT, self._previous)

    def _ask(self, *_: object) -> None:
        if self.asked and time.monotonic() - self._since > 1:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self._since = True, time.monotonic()

    def asked_anywhere(self, fabric: Fabric) -> bool:
        """Whether any of the processes was asked; the same answer in all of them."""
        if fabric.world_size == 1:
            return self.asked
        asked = torch.tensor(float(self.asked), device=fabric.device)
        total: Any = fabric.all_reduce(asked, reduce_op="sum")
        return bool(total > 0)
