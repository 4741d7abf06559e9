"""What an experiment is, and how one is run and recorded."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pooch
from lightning_fabric import Fabric

from tutorial_lib import ledger, provenance
from tutorial_lib.data import GROUPS, REGISTRY, group_names, only_one
from tutorial_lib.settings import nearest, parse_changes
from tutorial_lib.training import (
    History,
    Profile,
    from_first,
    launch,
    make_fabric,
    sittings_below,
    started_from_outside,
)

Reader = Callable[[str], ledger.Record]
"""From an experiment's name to its record."""


Verdict = Literal["agrees", "in part", "disagrees", "not settled"]
"""What the records say of an article's finding. *Not settled* wherever they are too small."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """Something the mirrored article found, and how a record answers it.

    Attributes
    ----------
    article : str
        The finding, in our words.
    measured : callable
        From the ledger, as a function that reads a record by its name, to a sentence.
    verdict : str
        Whether that agrees with the article: our reading of it, and no measurement.
    """

    article: str
    measured: Callable[[Reader], str]
    verdict: Verdict = "not settled"


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
        For the checkpoint, the frames, the artefacts and the record. Of several processes the first
        has the one that was asked for; the others' are thrown away.
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
            device=provenance.device_in_words(self.fabric.device),
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
            devices=self.fabric.world_size,
            sittings=sittings_below(self.folder),
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
    return Path(named).expanduser() if named else Path(pooch.os_cache("tutorial_lib")) / "runs"


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

    A finished run is left alone. Where torchrun or SLURM has started this process and others, on
    one machine or on several, they are one run.

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
        Processes, as in :func:`tutorial_lib.training.make_fabric`; with a launcher, its number.
    precision : str
        Likewise.
    folder : Path, optional
        For checkpoint, artefacts and record; default is a folder a profile, and its changes, in
        the runs folder.

    Returns
    -------
    Path
        The folder; it holds ``record.json``.

    Raises
    ------
    ValueError
        If the experiment has no such profile or setting, a value is none that the setting can
        have, `steps` is not positive, or `folder` holds something else.
    InUse
        If another process works in the folder.
    OSError
        If the folder cannot be written to; nothing has been computed then.
    """
    if profile not in experiment.profiles:
        near = nearest(profile, experiment.profiles)
        raise ValueError(f"{experiment.name} has no profile {profile!r}; {near}")
    if steps is not None and steps < 1:
        raise ValueError(f"steps must be at least 1: got {steps}")
    if steps is not None and not experiment.profiles[profile].steps:
        raise ValueError(f"{experiment.name} trains nothing: leave --steps out")
    changed = parse_changes(experiment.profiles[profile], changes or {})
    folder = folder or runs_folder() / experiment.name / _folder_name(profile, changed)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: a run needs a folder")
    here, machines = started_from_outside() or (devices, 1)
    if devices not in (1, here):
        raise ValueError(f"--devices {devices}, but the launcher has started {here} a machine")
    job = partial(
        _run,
        experiment=experiment,
        profile=profile,
        config=dataclasses.replace(experiment.profiles[profile], **changed),
        steps=steps,
        changes=changed,
        folder=folder,
        precision=precision,
    )
    launch(make_fabric(devices=here, machines=machines, precision=precision), job)
    return folder


def _folder_name(profile: str, changes: Mapping[str, Any]) -> str:
    """A folder for these settings alone."""
    if not changes:
        return profile
    words = "".join(f",{name}={value}" for name, value in sorted(changes.items()))
    plain = "".join(c if c.isalnum() or c in ",=.-_" else "_" for c in words)
    return f"{profile}{plain[:60]}-{hashlib.sha256(words.encode()).hexdigest()[:6]}"


def _run(
    fabric: Fabric,
    *,
    experiment: Experiment,
    profile: Profile,
    config: Any,
    steps: int | None,
    changes: Mapping[str, Any],
    folder: Path,
    precision: str,
) -> None:
    run = Run(
        experiment=experiment.name,
        profile=profile,
        config=config,
        fabric=fabric,
        folder=folder,
        steps=steps or config.steps,
        commit=provenance.commit(),
        changes=changes,
    )
    with _working_folder(run) as working:
        run = dataclasses.replace(run, folder=working)
        finished = from_first(fabric, partial(_finished, run, precision=precision))
        if finished:
            fabric.print(finished)
            return
        record = experiment.run(run)
        if fabric.is_global_zero:
            ledger.write(record, working)


@contextmanager
def _working_folder(run: Run) -> Iterator[Path]:
    """The run's folder for the first process, and one to be thrown away for every other.

    So there is one writer, whatever an experiment writes, and wherever the others are.
    """
    if not run.fabric.is_global_zero:
        from_first(run.fabric, lambda: None)
        with TemporaryDirectory() as elsewhere:
            yield Path(elsewhere)
        return
    alone = only_one(
        run.folder,
        what=f"{run.experiment}, {run.profile}",
        remedy="wait for it, stop it, or choose another folder with --folder",
    )
    try:
        from_first(run.fabric, alone.__enter__)
    except OSError as error:
        raise OSError(
            error.errno,
            f"cannot write there: {error.strerror}. Choose another folder with --folder, or by the "
            "variable TUTORIAL_LIB_RUNS",
            str(run.folder),
        ) from error
    try:
        yield run.folder
    finally:
        alone.__exit__(None, None, None)


def _finished(run: Run, *, precision: str) -> str:
    """What to say of a run that is finished already; nothing if it is not.

    A record of other settings of the same profile is kept beside the new one to come.
    """
    path = run.folder / ledger.RECORD
    if not path.exists():
        return ""
    there = ledger.read(run.experiment, folder=run.folder)
    if (there.experiment, there.profile) != (run.experiment, run.profile):
        raise ValueError(
            f"{run.folder} holds {there.experiment}, {there.profile}: choose another --folder"
        )
    if there.config != json.loads(json.dumps(run.settings())):
        path.replace(path.with_name("record.before.json"))
        return ""
    if there.steps > run.steps:
        raise ValueError(
            f"{run.folder} has {there.steps} steps, more than the {run.steps} asked for: choose "
            "another folder"
        )
    if there.steps < run.steps:
        return ""
    asked: dict[str, tuple[object, object]] = {"devices": (there.devices, run.fabric.world_size)}
    if precision != "auto" and " and " not in there.precision:
        asked["precision"] = there.precision, str(run.fabric._precision.precision)
    other = [f"{name}: {old} → {new}" for name, (old, new) in asked.items() if old != new]
    if other:
        raise ValueError(
            f"{run.folder} holds a finished run ({', '.join(other)}): choose another --folder"
        )
    return (
        f"finished: {there.steps} steps on {there.device}, {there.precision}. The record is left "
        f"as it is; delete {path} to measure again."
    )
