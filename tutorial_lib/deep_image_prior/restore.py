"""What the command `tutorial restore` does with a photograph from a file."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from tqdm.auto import tqdm

from tutorial_lib.data import FORMATS, check_size, keep_image, read_image, try_output
from tutorial_lib.deep_image_prior.early_stopping import EarlyStopping
from tutorial_lib.deep_image_prior.fit import Settings
from tutorial_lib.deep_image_prior.fitting import restore
from tutorial_lib.deep_image_prior.networks import (
    JPEG_CHANNELS,
    JPEG_SKIPS,
    PriorNet,
    SkipNetwork,
)
from tutorial_lib.deep_image_prior.tasks import Denoising, Inpainting, SuperResolution, Task
from tutorial_lib.training import Interrupted

TaskName = Literal["denoise", "jpeg", "super-resolution", "inpaint"]
NetworkName = Literal["paper", "article", "small"]

MAX_PIXELS = 2_000_000
"""Of the restored picture: a step keeps about four kilobytes for each."""


def task_for(photo: Tensor, name: TaskName, *, mask: Tensor | None = None, scale: int = 4) -> Task:
    """Say what is wrong with a picture.

    Parameters
    ----------
    photo : Tensor
        Shape (1, 3, H, W), range [0, 1].
    name : str
        "denoise", "jpeg", "super-resolution" or "inpaint".
    mask : Tensor, optional
        For inpainting: (1, 3, H, W), dark where the picture is to be filled in.
    scale : int
        For super-resolution: the factor.

    Returns
    -------
    Task
        With its loss.

    Raises
    ------
    ValueError
        If there is a mask too few or too many, it does not fit, or the result would be too large.
    """
    if (mask is None) == (name == "inpaint"):
        need = "needs a mask: --mask FILE, black where" if mask is None else "takes no mask: only"
        end = "the picture is to be filled in" if mask is None else "inpaint does"
        raise ValueError(f"{name} {need} {end}")
    factor = scale if name == "super-resolution" else 1
    if factor < 2 and name == "super-resolution":
        raise ValueError(f"scale must be at least 2: got {scale}")
    pixels = photo[0, 0].numel() * factor**2
    if pixels > MAX_PIXELS:
        share = math.sqrt(MAX_PIXELS / pixels)
        raise ValueError(
            f"the result would have {pixels / 1e6:.1f} million pixels, and the limit is "
            f"{MAX_PIXELS / 1e6:.0f} million: make the picture smaller first, to "
            f"{int(100 * share)} % of its sides or less"
        )
    if name == "super-resolution":
        return SuperResolution(photo, scale)
    if mask is not None:
        return Inpainting(photo, (mask.mean(dim=1, keepdim=True) > 0.5).float())
    return Denoising(photo)


def restore_file(
    photo: Path,
    output: Path,
    *,
    task: TaskName,
    mask: Path | None = None,
    scale: int = 4,
    steps: int = 2_000,
    patience: int = 500,
    network: NetworkName = "paper",
    seed: int = 0,
    overwrite: bool = False,
    say: Callable[[str], object] = print,
) -> Path:
    """Restore a photograph; Ctrl-C ends the fit and keeps what there is.

    Parameters
    ----------
    photo, output : Path
        What to read, and what to write: .png, .jpg or .webp.
    task : str
        What is wrong with it.
    mask : Path, optional
        For inpainting: a picture of the same size, black where it is to be filled in.
    scale : int
        For super-resolution.
    steps : int
        At most so many.
    patience : int
        Denoising stops when its outputs have not been calmer for so many steps; 0 goes on.
    network : str
        "paper", "article", or "small", which is several times as fast.
    seed : int
        Of everything random.
    overwrite : bool
        Whether `output` may be replaced.
    say : callable
        Takes a line of news.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If something cannot be done as asked; nothing has been computed then.
    OSError
        If `output` cannot be written: before the first step, or with the place of the result.
    Interrupted
        If Ctrl-C came before the first step was done.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1: got {steps}")
    if output.suffix.lower() not in FORMATS:
        raise ValueError(f"{output}: the name must end in .png, .jpg or .webp")
    try_output(output, overwrite=overwrite)
    job = task_for(read_image(photo), task, mask=read_image(mask) if mask else None, scale=scale)
    if isinstance(job, Inpainting):
        say(f"filling {100 * (1 - job.mask.mean().item()):.1f} % of the picture")

    height, width = job.size
    check_size(output, width=width, height=height)
    try_output(output, overwrite=overwrite, needed=3 * width * height)
    # The rule is for damage that was observed, and that a fit takes up in the end.
    watched = patience > 0 and job.complete
    rule = EarlyStopping(job.size, patience=patience) if watched else None
    torch.manual_seed(seed)
    fitting = restore(
        job,
        network=_network(network),
        settings=Settings(uniform=network == "article"),
        seed=seed,
    )
    done, now = 0, None
    bar = tqdm(islice(fitting, steps), total=steps, desc=f"{task} {width}x{height}", unit="step")
    try:
        for now in bar:
            done = now.step
            bar.set_postfix(loss=f"{now.loss:.5f}", refresh=False)
            # A step that was taken back may have left no picture.
            if rule is None or not math.isfinite(now.loss):
                continue
            if rule.update(now.output.cpu(), now.average.cpu()):
                say(f"the outputs were calmest about step {rule.best_step}: their mean is kept")
                break
    except KeyboardInterrupt:
        if now is None:
            raise Interrupted("stopped before the first step; nothing was written") from None
        say(f"stopped after step {done}; the average of the outputs so far is kept")
    finally:
        bar.close()
    assert now is not None
    made = rule.best_mean if rule is not None and rule.stopped else now.average.cpu()
    return keep_image(output, job.restored(made).clamp(0, 1), overwrite=overwrite)


def _network(name: NetworkName) -> torch.nn.Module:
    if name == "article":
        return PriorNet()
    if name == "small":
        return SkipNetwork(channels=JPEG_CHANNELS, skips=JPEG_SKIPS)
    return SkipNetwork()
