"""What an experiment is, and how one is run and recorded."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pooch
from lightning_fabric import Fabric

from tutorial_lib import ledger
from tutorial_lib.data import GROUPS, REGISTRY, group_names
from tutorial_lib.training import History, Profile, make_fabric

Reader = Callable[[str], ledger.Record]
"""From an experiment's name to its record."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """Something the mirrored article found, and how a record answers it.

    Attributes
    ----------
    article : str
        The finding, in our words.
    measured : callable
        From the ledger, as a function that reads a record by its name, to a sentence.
    """

    article: str
    measured: Callable[[Reader], str]


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A name, a configuration for each profile, and what to do.

    Attributes
    ----------
    name : str
        ``chapter/experiment``.
    summary : str
        One line.
    profiles : mapping
        Profile → frozen configuration.
    run : callable
        Trains and measures; writes artefacts into the run's folder and returns the record.
    needs : sequence of str
        Outside data: groups of photographs or names in the registry.
    """

    name: str
    summary: str
    profiles: Mapping[Profile, Any]
    run: Callable[[Run], ledger.Record]
    needs: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of one experiment.

    Attributes
    ----------
    experiment : str
        Its name.
    profile : str
        Which configuration.
    config : dataclass
        The configuration.
    fabric : Fabric
        Device, processes and precision.
    folder : Path
        For the checkpoint, the frames, the artefacts and the record.
    steps : int
        How far to go, in steps; `config.steps` unless the user stopped it short.
    commit : str
        The code's git commit when the run began.
    changes : mapping
        Settings of `config` that differ from the profile's.
    """

    experiment: str
    profile: Profile
    config: Any
    fabric: Fabric
    folder: Path
    steps: int
    commit: str
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """The configuration as plain values, for checkpoints and records."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self.config).items()
        }

    def record(
        self,
        *,
        history: History,
        metrics: dict[str, Any],
        protocol: dict[str, str],
        artefacts: Sequence[str] = (),
        data: Sequence[str] = (),
        start: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> ledger.Record:
        """Make the record of this run from what it measured."""
        return ledger.Record(
            experiment=self.experiment,
            profile=self.profile,
            config=self.settings(),
            seed=seed,
            steps=len(history.losses),
            steps_planned=self.config.steps,
            device=ledger.device_in_words(self.fabric.device),
            precision=str(self.fabric._precision.precision),
            seconds=round(history.seconds, 1),
            metrics=metrics,
            protocol=protocol,
            curves=curves(history),
            data=data_hashes(data),
            artefacts=dict.fromkeys(artefacts, ""),
            start=dict(start or {}),
            commit=self.commit,
            changes=dict(self.changes),
        )


def curves(history: History, *, points: int = 200) -> dict[str, dict[str, list[float]]]:
    """Thin a history to curves that a record can hold: means over equal stretches of steps."""
    found: dict[str, dict[str, list[float]]] = {}
    count = len(history.losses)
    stretch = max(1, -(-count // points))
    for column, name in enumerate(history.names):
        parts = history.losses[:, column].split(stretch)
        ends = [min((i + 1) * stretch, count) for i in range(len(parts))]
        values = [float(f"{part.mean().item():.6g}") for part in parts]
        found[name] = {"step": [float(e) for e in ends], "value": values}
    for name in sorted({key for row in history.watched for key in row} - {"step"}):
        rows = [row for row in history.watched if name in row]
        found[name] = {
            "step": [row["step"] for row in rows],
            "value": [float(f"{row[name]:.6g}") for row in rows],
        }
    return found


def data_hashes(names: Sequence[str]) -> dict[str, str]:
    """Hashes of files and groups; a group's is the hash over its files' hashes in order."""
    found = {}
    for name in names:
        if name in GROUPS:
            joined = "".join(REGISTRY[file].sha256 for file in group_names(name))
            found[name] = hashlib.sha256(joined.encode()).hexdigest()
        else:
            found[name] = REGISTRY[name].sha256
    return found


def runs_folder() -> Path:
    """Where runs keep checkpoints: ``TUTORIAL_LIB_RUNS``, else the user's cache."""
    named = os.environ.get("TUTORIAL_LIB_RUNS")
    return Path(named) if named else Path(pooch.os_cache("tutorial_lib")) / "runs"


def execute(
    experiment: Experiment,
    profile: Profile,
    *,
    steps: int | None = None,
    changes: Mapping[str, str] | None = None,
    devices: int = 1,
    precision: str = "auto",
    folder: Path | None = None,
) -> Path:
    """Run an experiment, from its checkpoint if there is one, and write its record.

    Parameters
    ----------
    experiment : Experiment
        What to run.
    profile : str
        Which of its configurations.
    steps : int, optional
        Stop after so many steps instead of the profile's number; the record says so.
    changes : mapping, optional
        Setting → another value than the profile's, as text; the record says so.
    devices : int
        Processes, as in :func:`tutorial_lib.training.make_fabric`.
    precision : str
        Likewise.
    folder : Path, optional
        For checkpoint, artefacts and record; default is a folder a profile in the runs folder.

    Returns
    -------
    Path
        The folder; it holds ``record.json``.

    Raises
    ------
    ValueError
        If the experiment has no such profile or setting, a value is not of the setting's type, or
        `steps` is not positive.
    """
    if profile not in experiment.profiles:
        near = nearest(profile, experiment.profiles)
        raise ValueError(f"{experiment.name} has no profile {profile!r}; {near}")
    if steps is not None and steps < 1:
        raise ValueError(f"steps must be at least 1: got {steps}")
    folder = folder or runs_folder() / experiment.name / profile
    changed = parse_changes(experiment.profiles[profile], changes or {})
    fabric = make_fabric(devices=devices, precision=precision)
    job = partial(
        _run,
        experiment=experiment,
        profile=profile,
        steps=steps,
        changes=changed,
        folder=folder,
    )
    if devices == 1:
        job(fabric)
    else:
        fabric.launch(job)
    return folder


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what a wrong name was meant to be, for the end of a message.

    Parameters
    ----------
    name : str
        What there is not.
    known : iterable of str
        What there is.

    Examples
    --------
    >>> nearest("bok", ["smoke", "book"])
    'did you mean book?'
    >>> nearest("long", ["smoke", "book"])
    'there are: smoke, book'
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(known)}"


def parse_changes(config: Any, changes: Mapping[str, str]) -> dict[str, Any]:
    """Read settings given as text, each as the type that the configuration has there.

    Raises
    ------
    ValueError
        If there is no such setting, or the text is not of its type.
    """
    found: dict[str, Any] = {}
    for name, text in changes.items():
        if name not in (known := dataclasses.asdict(config)) or name == "steps":
            near = nearest(name, [key for key in known if key != "steps"])
            raise ValueError(f"no setting {name!r}; {near}")
        kind = type(known[name])
        try:
            value = text if kind is str else ast.literal_eval(text)
            if kind is float and isinstance(value, int):
                value = float(value)
        except (SyntaxError, ValueError):
            value = text
        if known[name] is not None and not isinstance(value, kind):
            raise ValueError(f"{name} is {known[name]!r} in this profile, not like {text!r}")
        if value != known[name]:
            found[name] = value
    return found


def _run(
    fabric: Fabric,
    *,
    experiment: Experiment,
    profile: Profile,
    steps: int | None,
    changes: Mapping[str, Any],
    folder: Path,
) -> None:
    config = dataclasses.replace(experiment.profiles[profile], **changes)
    run = Run(
        experiment=experiment.name,
        profile=profile,
        config=config,
        fabric=fabric,
        folder=folder,
        steps=steps or config.steps,
        commit=ledger.commit(),
        changes=changes,
    )
    folder.mkdir(parents=True, exist_ok=True)
    record = experiment.run(run)
    if fabric.is_global_zero:
        ledger.write(record, folder)
