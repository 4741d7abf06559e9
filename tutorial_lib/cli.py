"""The command ``tutorial``: what there is to run, running it, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import GROUPS, DataUnavailable, ImageError, fetch, group_names
from tutorial_lib.deep_image_prior.restore import NetworkName, TaskName, restore_file
from tutorial_lib.experiment import Experiment, execute
from tutorial_lib.lapstyle.stylise import stylise_files
from tutorial_lib.training import (
    PURPOSE,
    CheckpointError,
    Diverged,
    Interrupted,
    Profile,
    write_atomically,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="Run the book's experiments and read what they measured.\n\n"
    "Start with `tutorial list`, then `tutorial run srgan/srresnet --profile smoke`.",
)

Name = Annotated[str, typer.Argument(help="An experiment, such as srgan/srresnet.")]

EXPECTED = (
    CheckpointError,
    DataUnavailable,
    Diverged,
    ImageError,
    Interrupted,
    ledger.LedgerError,
    ValueError,
)
"""Errors whose message is all that a user needs."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print an expected error as one message, without the traceback."""
    try:
        yield
    except EXPECTED as error:
        typer.secho(str(error), err=True, fg=typer.colors.RED)
        raise typer.Exit(130 if isinstance(error, Interrupted) else 1) from error


def experiment_named(name: str) -> Experiment:
    """Look up an experiment, or say which there are."""
    if name not in EXPERIMENTS:
        raise ValueError(f"there is no experiment {name!r}; there are: {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]


@app.command("list")
def list_experiments() -> None:
    """List all experiments, their profiles in steps, and what is recorded."""
    recorded = {record.experiment: record for record in ledger.records()}
    for name, experiment in EXPERIMENTS.items():
        typer.secho(name, bold=True, nl=False)
        typer.echo(f"  {experiment.summary}")
        steps = ", ".join(f"{p} {c.steps:,}" for p, c in experiment.profiles.items())
        typer.echo(f"    steps: {steps}")
        if record := recorded.get(name):
            typer.echo(f"    recorded: {record.profile}, {record.steps:,} steps, {record.device}")
    typer.echo()
    for profile, purpose in PURPOSE.items():
        typer.echo(f"{profile:>8}: {purpose}")


@app.command()
def run(
    name: Name,
    profile: Annotated[Profile, typer.Option(help="How long; `tutorial list` explains.")] = "quick",
    steps: Annotated[
        int | None, typer.Option(help="Stop after so many steps; the record says so.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another value for a setting: --set batch=4; repeatable."),
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="GPUs, or processes on a CPU.")] = 1,
    precision: Annotated[str, typer.Option(help="auto, 32-true, bf16-mixed or 16-mixed.")] = "auto",
    folder: Annotated[
        Path | None, typer.Option(help="For checkpoint and record; default is the user's cache.")
    ] = None,
    publish: Annotated[
        bool, typer.Option(help="Copy the finished record to the book's results.")
    ] = False,
    replace: Annotated[
        bool, typer.Option(help="With --publish: even over a record of more steps.")
    ] = False,
) -> None:
    """Train and measure one experiment.

    Ctrl-C stops it well, a kill at any moment loses at most the steps since the last checkpoint;
    the same command goes on from there.
    """
    with plain_errors():
        done = execute(
            experiment_named(name),
            profile,
            steps=steps,
            changes=dict(_pair(text) for text in change or []),
            devices=devices,
            precision=precision,
            folder=folder,
        )
        record = ledger.read(name, folder=done)
        typer.echo("\n".join(summary(record)))
        typer.echo(f"record: {done / ledger.RECORD}")
        if publish:
            typer.echo(f"published: {ledger.publish(done, replace=replace)}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set takes name=value, got {text!r}")
    return name, value


@app.command()
def results(
    name: Annotated[str | None, typer.Argument(help="One experiment, or all.")] = None,
) -> None:
    """Print what was measured, with device, steps and time."""
    with plain_errors():
        found = [ledger.read(name)] if name else ledger.records()
        if not found:
            raise ledger.LedgerError(f"no records in {ledger.results_folder()}")
        for record in found:
            typer.echo("\n".join(summary(record)) + "\n")


def summary(record: ledger.Record) -> list[str]:
    """Lines that show one record in a terminal."""
    steps = f"{record.steps:,} steps"
    if record.steps < record.steps_planned:
        steps += f" of {record.steps_planned:,}"
    lines = [
        f"{record.experiment} · {record.profile} · {steps} · {record.seconds:.0f} s · "
        f"{record.device} · {record.precision}"
    ]
    nested = all(isinstance(value, dict) for value in record.metrics.values())
    for group, measures in (record.metrics if nested else {"": record.metrics}).items():
        numbers = [
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in measures.items()
            if not isinstance(value, dict | list)
        ]
        lines.append(f"  {group:<8} " + "  ".join(numbers))
    return lines


@app.command("fetch")
def fetch_data(
    chapters: Annotated[
        list[str] | None, typer.Argument(help="Chapters, such as srgan; default is all.")
    ] = None,
) -> None:
    """Download what chapters are trained and measured on, checked by hash, resumable."""
    with plain_errors():
        there = {name.partition("/")[0] for name in EXPERIMENTS}
        if unknown := [c for c in chapters or [] if c not in there]:
            raise ValueError(
                f"no chapter {', '.join(unknown)}; there are: {', '.join(sorted(there))}"
            )
        wanted = files_of([e for n, e in EXPERIMENTS.items() if _in(n, chapters)])
        paths = fetch(wanted)
        typer.echo(f"{len(paths)} files are here and have the right hash")


def _in(name: str, chapters: Sequence[str] | None) -> bool:
    return not chapters or name.partition("/")[0] in chapters


def files_of(experiments: Sequence[Experiment]) -> list[str]:
    """Registry names of all that these experiments need, each once."""
    needs = [need for experiment in experiments for need in experiment.needs]
    files = [f for need in needs for f in (group_names(need) if need in GROUPS else [need])]
    return list(dict.fromkeys(files))


@app.command()
def stylise(
    photo: Annotated[Path, typer.Argument(help="A photograph, or a folder of photographs.")],
    style: Annotated[str, typer.Option(help="starry_night, the_scream or shipwreck.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The painting (.png, .jpg, .webp), or a folder.")
    ],
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 photograph, 1 painting.")] = 1.0,
    overwrite: Annotated[bool, typer.Option(help="Replace paintings that exist.")] = False,
) -> None:
    """Paint a photograph, or every frame in a folder, in a recorded style, at its own size."""
    with plain_errors():
        done, kept = stylise_files(
            photo, output, style=style, strength=strength, overwrite=overwrite
        )
        there = f"; {kept} were there already" if kept else ""
        typer.echo(f"{done} painted: {output}{there}")


ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)/?")


@app.command()
def restore(
    photo: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The photograph.")],
    task: Annotated[TaskName, typer.Option(help="What is wrong with it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .png, .jpg or .webp file.")],
    mask: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="For inpaint: black where to fill, white elsewhere."
        ),
    ] = None,
    scale: Annotated[int, typer.Option(help="For super-resolution: 4, 8 …")] = 4,
    steps: Annotated[int, typer.Option(help="At most so many steps.")] = 2_000,
    patience: Annotated[
        int, typer.Option(help="Denoising stops so long after its calmest moment; 0: never.")
    ] = 500,
    network: Annotated[NetworkName, typer.Option(help="small is several times as fast.")] = "paper",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    overwrite: Annotated[bool, typer.Option(help="Replace the output if it is there.")] = False,
) -> None:
    """Restore one photograph by Deep Image Prior, which needs no training.

    Ctrl-C ends it and keeps the result so far.
    """
    with plain_errors():
        written = restore_file(
            photo,
            output,
            task=task,
            mask=mask,
            scale=scale,
            steps=steps,
            patience=patience,
            network=network,
            seed=seed,
            overwrite=overwrite,
            say=typer.echo,
        )
        typer.echo(f"restored: {written}")


@app.command()
def stamp(
    address: Annotated[
        str | None,
        typer.Argument(help="https://github.com/owner/name; default is the one in _config.yml."),
    ] = None,
) -> None:
    """Write the repository's public address into _config.yml, notebooks and set-up cell."""
    with plain_errors():
        root = ledger.root()
        if root is None:
            raise ValueError("`tutorial stamp` works in a checkout of the repository only")
        changed = stamp_files(root, address)
        typer.echo(f"stamped: {', '.join(changed) or 'nothing to change'}")


def stamp_files(root: Path, address: str | None) -> list[str]:
    """Replace the repository's address wherever readers meet it.

    Parameters
    ----------
    root : Path
        The checkout.
    address : str or None
        ``https://github.com/owner/name``; None takes the one in ``_config.yml``.

    Returns
    -------
    list of str
        The files that changed.

    Raises
    ------
    ValueError
        If the address is not of that form, or ``_config.yml`` has none.
    """
    configured = re.search(r"^\s+url:\s*(\S+)", (root / "_config.yml").read_text("utf-8"), re.M)
    if configured is None:
        raise ValueError("_config.yml has no repository url")
    address = address or configured[1]
    match = ADDRESS.fullmatch(address.removesuffix(".git"))
    if match is None:
        raise ValueError(f"{address!r} is not of the form https://github.com/owner/name")
    setup = root / "scripts" / "setup_cell.py"
    stamped = re.search(r"git\+https://github\.com/([\w.-]+/[\w.-]+)", setup.read_text("utf-8"))
    old = {ADDRESS.fullmatch(configured[1])[1], stamped[1] if stamped else match[1]}  # type: ignore[index]
    changed = []
    for path in [root / "_config.yml", setup, *sorted(root.glob("notebooks/*.ipynb"))]:
        text = fresh = path.read_text("utf-8")
        for slug in old:
            place = rf"(github(?:\.com)?/){re.escape(slug)}(?![\w.-])"
            fresh = re.sub(place, rf"\g<1>{match[1]}", fresh)
        if fresh != text:
            write_atomically(path, partial(_write_text, text=fresh))
            changed.append(path.relative_to(root).as_posix())
    return changed


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
