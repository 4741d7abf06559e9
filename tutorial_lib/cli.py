"""The command ``tutorial``: what there is to run, running it, and what came of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tutorial_lib import ledger, provenance
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import GROUPS, DataUnavailable, ImageError, InUse, fetch, group_names
from tutorial_lib.deep_image_prior.restore import NetworkName, TaskName, restore_file
from tutorial_lib.dni.upscale import upscale_file
from tutorial_lib.experiment import Experiment, execute, nearest
from tutorial_lib.lapstyle.stylise import stylise_files
from tutorial_lib.stamp import stamp_files
from tutorial_lib.training import (
    PROFILES,
    PURPOSE,
    CheckpointError,
    Diverged,
    Interrupted,
    process_number,
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
    InUse,
    Interrupted,
    OSError,
    ledger.LedgerError,
    ValueError,
)
"""Errors whose message is all that a user needs."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print an expected error as one message, without the traceback."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader has seen enough, such as `head`
    except EXPECTED as error:
        number = process_number()
        # What all processes find alike, one says; a disk or a download may fail in one alone.
        if number == 0 or not isinstance(error, Interrupted | ValueError | CheckpointError):
            where = f"process {number}: " if number else ""
            typer.secho(f"{where}{error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(130 if isinstance(error, Interrupted) else 1) from error
    except KeyboardInterrupt as error:
        typer.secho("stopped; the same command goes on from its last checkpoint", err=True)
        raise typer.Exit(130) from error


def experiment_named(name: str) -> Experiment:
    """Look up an experiment, or say which are nearest."""
    if name not in EXPERIMENTS:
        raise ValueError(f"there is no experiment {name!r}; {nearest(name, EXPERIMENTS)}")
    return EXPERIMENTS[name]


def chapters() -> list[str]:
    """Names of the chapters that have experiments, in the book's order."""
    return list(dict.fromkeys(name.partition("/")[0] for name in EXPERIMENTS))


def experiments_of(chapter: str) -> list[Experiment]:
    """All experiments of a chapter, or say which chapters there are."""
    found = [e for name, e in EXPERIMENTS.items() if name.partition("/")[0] == chapter]
    if not found:
        raise ValueError(f"there is no chapter {chapter!r}; {nearest(chapter, chapters())}")
    return found


@app.command("list")
def list_experiments(
    chapter: Annotated[
        str | None, typer.Argument(help="A chapter, such as srgan, for its profiles and records.")
    ] = None,
) -> None:
    """List all experiments; of one chapter, the steps of each profile and what is recorded."""
    with plain_errors():
        if chapter is None:
            width = max(map(len, EXPERIMENTS))
            for name, experiment in EXPERIMENTS.items():
                typer.echo(f"{name:<{width}}  {experiment.summary}")
            typer.echo()
            for profile, purpose in PURPOSE.items():
                typer.echo(f"{profile:>8}: {purpose}")
        else:
            typer.echo("\n".join(chapter_table(chapter)))


SCREEN = 40
"""Lines of a terminal that are seen at once."""


def chapter_table(chapter: str) -> list[str]:
    """Lines that show a chapter's experiments, their steps by profile, and what is recorded.

    Summaries stand among them where all fit on a screen; ``tutorial list`` shows them in any case.

    Raises
    ------
    ValueError
        If there is no such chapter.
    """
    experiments = experiments_of(chapter)
    recorded = {record.experiment: record for record in ledger.records()}
    rows = [["steps", *PROFILES, "recorded"]]
    for experiment in experiments:
        steps = (experiment.profiles[profile].steps for profile in PROFILES)
        record = recorded.get(experiment.name)
        rows.append(
            [
                experiment.name,
                *(f"{count:,}" if count else "–" for count in steps),
                f"{record.profile} {record.steps:,}" if record else "nothing",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    summarised = 1 + 2 * len(experiments) <= SCREEN
    for name, *numbers, last in rows:
        middle = "  ".join(f"{n:>{w}}" for n, w in zip(numbers, widths[1:], strict=False))
        lines.append(f"{name:<{widths[0]}}  {middle}  {last}")
        if name in EXPERIMENTS and summarised:
            lines.append(f"    {EXPERIMENTS[name].summary}")
    return lines


@app.command()
def run(
    name: Name,
    profile: Annotated[
        str,
        typer.Option(metavar="|".join(PROFILES), help="How long; `tutorial list` explains."),
    ] = "quick",
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
        experiment = experiment_named(name)
        if profile not in PROFILES:
            raise ValueError(f"there is no profile {profile!r}; {nearest(profile, PROFILES)}")
        if profile != "smoke" and provenance.commit().endswith(provenance.CHANGED):
            if publish:
                raise ledger.LedgerError(f"not begun: {ledger.UNCLEAN}")
            typer.secho(f"cannot be published: {ledger.UNCLEAN}", err=True, fg=typer.colors.YELLOW)
        done = execute(
            experiment,
            profile,
            steps=steps,
            changes=dict(_pair(text) for text in change or []),
            devices=devices,
            precision=precision,
            folder=folder,
        )
        if process_number():
            return
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
    name: Annotated[
        str | None, typer.Argument(help="An experiment or a chapter; default is everything.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Whole records, as a JSON list for programs.")
    ] = False,
) -> None:
    """Print what was measured, with device, steps and time."""
    with plain_errors():
        found = records_of(name)
        if as_json:
            rows = [dataclasses.asdict(record) for record in found]
            typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
            return
        for record in found:
            typer.echo("\n".join(summary(record)) + "\n")


def records_of(name: str | None) -> list[ledger.Record]:
    """Published records of an experiment, of a chapter, or all.

    Raises
    ------
    ValueError
        If there is no such experiment or chapter.
    LedgerError
        If there is no record of it.
    """
    if name and "/" in name:
        return [ledger.read(experiment_named(name).name)]
    wanted = [e.name for e in experiments_of(name)] if name else list(EXPERIMENTS)
    there = {record.experiment: record for record in ledger.records()}
    found = [there[each] for each in wanted if each in there]
    if not found:
        raise ledger.LedgerError(f"no records in {ledger.results_folder() / (name or '')}")
    return found


def summary(record: ledger.Record) -> list[str]:
    """Lines that show one record in a terminal."""
    steps = f"{record.steps:,} steps"
    if record.steps < record.steps_planned:
        steps += f" of {record.steps_planned:,}"
    lines = [
        f"{record.experiment} · {record.profile} · {steps} · {record.seconds:.0f} s · "
        f"{record.device} · {record.precision}"
    ]
    if len(record.sittings) > 1:
        lines += [
            f"  {each['steps']:,} steps on {each['devices']} × {each['device']}, torch "
            f"{each['torch']}, commit {each['commit'][:9]}"
            for each in record.sittings
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
    chapters_: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CHAPTERS]...", help="Such as srgan; default is all."),
    ] = None,
) -> None:
    """Download what chapters are trained and measured on, checked by hash, resumable."""
    with plain_errors():
        wanted = [e for name in chapters_ or chapters() for e in experiments_of(name)]
        paths = fetch(files_of(wanted))
        typer.echo(f"{len(paths)} files are here and have the right hash")


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
        painted = stylise_files(photo, output, style=style, strength=strength, overwrite=overwrite)
        there = f"; {painted.kept} were there already" if painted.kept else ""
        typer.echo(f"{painted.done} painted: {output}{there}")
        if painted.failed:
            lines = [f"  {photo.name}: {why}" for photo, why in painted.failed.items()]
            raise ValueError("\n".join([f"{len(lines)} could not be painted:", *lines]))


@app.command()
def upscale(
    photo: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The photograph.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .png file.")],
    mix: Annotated[
        float,
        typer.Option(min=0, max=1, help="0 is SRResNet, smooth and true; 1 is SRGAN, sharp."),
    ] = 0.5,
    overwrite: Annotated[bool, typer.Option(help="Replace the output if it is there.")] = False,
) -> None:
    """Enlarge a photograph of any size four times, with the recorded networks of SRGAN's chapter.

    In between, the two networks are mixed by their weights.
    """
    with plain_errors():
        size = upscale_file(photo, output, mix=mix, overwrite=overwrite)
        typer.echo(f"enlarged to {size}: {output}")


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
        root = provenance.root()
        if root is None:
            raise ValueError("`tutorial stamp` works in a checkout of the repository only")
        changed = stamp_files(root, address)
        typer.echo(f"stamped: {', '.join(changed) or 'nothing to change'}")
