"""Records of what was measured: one ``record.json`` beside its artefacts for each experiment.

A record says what was run, on what, for how long, from which data, and what came out; and it
holds the hash of every file beside it. Everything that the book shows as measured is read from
here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tutorial_lib import provenance
from tutorial_lib.data import REGISTRY, locate, write_atomically

RECORD = "record.json"

UNCLEAN = (
    "tutorial_lib differs from its commit: commit the changes first, then run into a new folder "
    "(--folder)"
)
"""Why a run's record cannot be published, and what to do."""


class LedgerError(RuntimeError):
    """A record is missing, damaged, or would be overwritten by a lesser one."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One experiment as it was run.

    Attributes
    ----------
    experiment : str
        ``chapter/experiment``.
    profile : str
        Which of the experiment's configurations.
    config : dict
        All its settings, as they were run.
    changes : dict
        Those of them that differ from the profile's.
    seed : int
        Of everything random.
    steps, steps_planned : int
        Steps done and steps that the profile asks for.
    device : str
        The processor, in words; where there were several sittings, that of the last.
    precision : str
        As Fabric names it.
    seconds : float
        Training time in seconds, over all sittings.
    metrics : dict
        What was measured, by name; nested by data set where there are several.
    protocol : dict
        How: the sentence that belongs to each kind of number.
    curves : dict
        Numbers over steps: name → {"step": […], "value": […]}.
    data : dict
        Name of an outside file or group → sha256.
    artefacts : dict
        Name of a file beside the record → sha256.
    start : dict
        Experiment or published file whose weights the run started from → sha256 of its weights.
    torch, commit : str
        Version of PyTorch, and the git commit of the code, of the last sitting, which measured.
    devices : int
        Processes that each had a part of every batch.
    sittings : list of dict
        Who did the steps, over all trainings of the experiment: "device", "devices", "commit",
        "torch" and "steps" of each. Empty where nothing was trained, and in records that were made
        before sittings were kept.
    """

    experiment: str
    profile: str
    config: dict[str, Any]
    seed: int
    steps: int
    steps_planned: int
    device: str
    precision: str
    seconds: float
    metrics: dict[str, Any]
    protocol: dict[str, str]
    curves: dict[str, dict[str, list[float]]] = dataclasses.field(default_factory=dict)
    data: dict[str, str] = dataclasses.field(default_factory=dict)
    artefacts: dict[str, str] = dataclasses.field(default_factory=dict)
    start: dict[str, str] = dataclasses.field(default_factory=dict)
    torch: str = torch.__version__
    commit: str = ""
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    devices: int = 1
    sittings: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the published record and its artefacts lie."""
        return results_folder() / self.experiment

    def artefact(self, name: str) -> Path:
        """Path of a file beside the record, after checking its hash.

        Raises
        ------
        LedgerError
            If the record has no such file, or the file is not the one recorded.
        """
        if name not in self.artefacts:
            known = ", ".join(sorted(self.artefacts)) or "none"
            raise LedgerError(f"{self.experiment} has no artefact {name!r}; it has: {known}")
        path = self.folder / name
        if not path.exists() or sha256(path) != self.artefacts[name]:
            raise LedgerError(
                f"{path} is not the file that was recorded: restore it (git checkout), or run "
                f"`tutorial run {self.experiment}` again"
            )
        return path

    def metric(self, *keys: str) -> float:
        """A number by its path, such as ``metric("set5", "y", "psnr")``.

        Raises
        ------
        LedgerError
            If there is no such number; lists those that are there.
        """
        value: Any = self.metrics
        for depth, key in enumerate(keys):
            if not isinstance(value, Mapping) or key not in value:
                there = ", ".join(map(str, value)) if isinstance(value, Mapping) else "a number"
                where = "/".join(keys[:depth]) or self.experiment
                raise LedgerError(f"no metric {key!r} under {where}: there is {there}")
            value = value[key]
        return float(value)

    def changed(self) -> str:
        """What differs from the profile's settings, for a sentence; empty if nothing does."""
        return ", ".join(_setting(name, value) for name, value in self.changes.items())


def _setting(name: str, value: Any) -> str:
    words = name.replace("_", " ")
    if value is False or value in ("", []):
        return f"no {words}"
    return f"{words} {'/'.join(map(str, value)) if isinstance(value, list) else value}"


@dataclasses.dataclass(frozen=True)
class Start:
    """Weights that a run starts from.

    Attributes
    ----------
    name : str
        An experiment, or a published file's name in the registry.
    path : Path
        Of the weights, whose hash has been checked.
    sha256 : str
        That hash.
    """

    name: str
    path: Path
    sha256: str

    def stamp(self) -> dict[str, str]:
        """What a record and a checkpoint say of it."""
        return {self.name: self.sha256}


def start(name: str) -> Start:
    """Find the weights that a run starts from.

    Parameters
    ----------
    name : str
        An experiment whose record holds weights, such as ``"srgan/srresnet"``, or a published
        file's name in the registry.

    Raises
    ------
    LedgerError
        If there is no such record, or its weights are not those recorded.
    DataUnavailable
        If the published file is not to be had.
    """
    if name in REGISTRY:
        return Start(name, locate(name), REGISTRY[name].sha256)
    record = read(name)
    path = record.artefact("weights.safetensors")
    return Start(name, path, record.artefacts[path.name])


def results_folder() -> Path:
    """Where the published records are.

    ``TUTORIAL_LIB_RESULTS`` if set; the checkout's ``results``; else the copy in the package.
    """
    if named := os.environ.get("TUTORIAL_LIB_RESULTS"):
        return Path(named).expanduser()
    checkout = provenance.root()
    return checkout / "results" if checkout else Path(__file__).parent / "_results"


def read(experiment: str, *, folder: Path | None = None) -> Record:
    """Read one experiment's record.

    Parameters
    ----------
    experiment : str
        ``chapter/experiment``, such as ``"srgan/srresnet"``.
    folder : Path, optional
        Another folder that holds a ``record.json``.

    Raises
    ------
    LedgerError
        If there is none, or it cannot be read.
    """
    path = (folder or results_folder() / experiment) / RECORD
    if not path.exists():
        remedy = f"`tutorial run {experiment} --profile book` makes one"
        chapters = {each.parent.parent.name for each in results_folder().glob(f"*/*/{RECORD}")}
        if "/" not in experiment:
            remedy = "an experiment's name is chapter/experiment, as `tutorial list` prints it"
        elif chapters and experiment.partition("/")[0] not in chapters:
            remedy = f"there is no such chapter; recorded are: {', '.join(sorted(chapters))}"
        raise LedgerError(f"no record of {experiment} at {path}: {remedy}")
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, TypeError) as error:
        raise LedgerError(f"{path} is not a record: {error}") from error


def records() -> list[Record]:
    """All published records, in the order of their names."""
    base = results_folder()
    paths = sorted(base.glob(f"*/*/{RECORD}"))
    return [read(path.parent.relative_to(base).as_posix()) for path in paths]


def sha256(path: Path) -> str:
    """Hash of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(record: Record, folder: Path) -> Record:
    """Hash the files in `folder` that `record` names as artefacts, and write its record there.

    Returns
    -------
    Record
        With hashes.

    Raises
    ------
    LedgerError
        If a named file is missing.
    """
    missing = [name for name in record.artefacts if not (folder / name).is_file()]
    if missing:
        raise LedgerError(f"{record.experiment}: artefacts not written: {', '.join(missing)}")
    hashed = dataclasses.replace(
        record, artefacts={name: sha256(folder / name) for name in sorted(record.artefacts)}
    )
    text = json.dumps(dataclasses.asdict(hashed), indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / RECORD, lambda path: path.write_text(text, encoding="utf-8"))
    return hashed


def publish(folder: Path, *, replace: bool = False) -> Path:
    """Copy a finished run's record and artefacts to the published results.

    Nothing is lost: a record that ran fewer steps does not replace a longer one.

    Parameters
    ----------
    folder : Path
        Holds ``record.json`` and its artefacts.
    replace : bool
        Replace even a longer record.

    Returns
    -------
    Path
        The published folder.

    Raises
    ------
    LedgerError
        If a longer record is there, or the run's code was in no commit.
    """
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    commits = [record.get("commit", ""), *(each["commit"] for each in record.get("sittings", []))]
    if any(each.endswith(provenance.CHANGED) for each in commits):
        raise LedgerError(f"{folder} is not published: when it ran, {UNCLEAN}")
    target = results_folder() / record["experiment"]
    if (target / RECORD).exists() and not replace:
        there = read(record["experiment"])
        if there.steps > record["steps"]:
            raise LedgerError(
                f"{target} holds a record of {there.steps} steps, this run has {record['steps']}: "
                "left as it is. It can be replaced with --replace."
            )
    fresh = target.with_name(f".{target.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in [*record["artefacts"], RECORD]:
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / name, fresh / name)
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target
