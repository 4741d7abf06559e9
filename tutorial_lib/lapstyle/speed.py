"""How fast a picture is painted: plainly and fast, with and without the style's maps."""

from __future__ import annotations

import dataclasses
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from tutorial_lib import ledger, provenance
from tutorial_lib.experiment import Run
from tutorial_lib.lapstyle.encoder import Encoder
from tutorial_lib.lapstyle.painter import LapStyle
from tutorial_lib.lapstyle.pictures import STYLES
from tutorial_lib.lapstyle.stylise import fast_form, recorded_painter
from tutorial_lib.settings import at_least, not_empty, one_of
from tutorial_lib.training import History
from tutorial_lib.vgg import Backbone


@dataclasses.dataclass(frozen=True)
class SpeedConfig:
    """Settings of the measurement of stylising.

    Attributes
    ----------
    steps : int
        Nothing is trained.
    style : str
        Whose networks; untrained ones where it is not recorded, which take the same time.
    sizes : tuple
        Height and width of the pictures.
    rounds : int
        Timed pictures of each kind, after two that are not.
    backbone : {"vgg16", "vgg19"}
        The encoder of untrained networks.
    """

    steps: int = 0
    style: str = "starry_night"
    sizes: tuple[tuple[int, int], ...] = ((256, 256), (512, 512), (1024, 1024), (1080, 1920))
    rounds: int = 10
    backbone: Backbone = "vgg16"

    def __post_init__(self) -> None:
        one_of(self, STYLES, "style")
        one_of(self, get_args(Backbone), "backbone")
        not_empty(self, "sizes")
        at_least(self, 1, "rounds")
        if not all(len(size) == 2 and min(size) >= 16 for size in self.sizes):
            raise ValueError(f"sizes are pairs of at least 16 pixels: got {self.sizes!r}")


def run_speed(run: Run) -> ledger.Record:
    """Time the painting of single pictures, plainly and fast, with and without the style's maps."""
    config, device = run.config, run.fabric.device
    model = _painter(config)
    devices = [device] if device.type == "cpu" else [device, torch.device("cpu")]
    metrics: dict[str, Any] = {}
    for place in devices:
        forms = _forms(model.to(place), place)
        for height, width in config.sizes:
            image = _picture(height, width)
            rounds = config.rounds if place == device else min(3, config.rounds)
            found = _timed(forms, image.to(place), rounds=rounds, device=place)
            for form in ("plain", "fast"):
                found[f"{form}, MB"] = peak_memory(config, form, (height, width), place)
            metrics[f"{'CPU' if place.type == 'cpu' else 'GPU'}, {width} x {height}"] = found
    record = run.record(
        history=History(),
        metrics=metrics,
        protocol={
            "devices": "; ".join(provenance.device_in_words(place) for place in devices),
            "milliseconds": f"median of {config.rounds} pictures (on a CPU beside a GPU, 3), one "
            "at a time, already on the device; forms take turns",
            "plain": "float32, contiguous, not compiled, the style's maps computed anew for each "
            "picture",
            "fast": "channels last, style's statistics cached; float16 and compiled on a GPU, "
            "bfloat16 on a CPU that has it",
            "memory": "peak while two pictures are painted, of a process that has painted nothing "
            "else: allocated on a GPU, with the weights; on a CPU the whole process, with Python "
            "and PyTorch",
            "difference": "mean over the pixels, fast to plain, in steps of 1/255",
        },
    )
    return dataclasses.replace(record, precision="see protocol")


def _painter(config: SpeedConfig) -> LapStyle:
    try:
        return recorded_painter(config.style)
    except ledger.LedgerError:
        return LapStyle(Encoder(backbone=config.backbone))


def _picture(height: int, width: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def peak_memory(config: SpeedConfig, form: str, size: tuple[int, int], device: torch.device) -> int:
    """The memory that one form of painting needs, in a process of its own.

    Parameters
    ----------
    config : SpeedConfig
        Whose painter.
    form : {"plain", "fast"}
        Or another of the forms that are timed.
    size : (int, int)
        Height and width of the picture.
    device : torch.device
        Where to paint.

    Returns
    -------
    int
        In units of 2²⁰ bytes; see the record's protocol.
    """
    # A process's peak never falls, so whatever ran in it before would be counted.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        return other.submit(_own_peak, config, form, size, str(device)).result()


@torch.no_grad()
def _own_peak(config: SpeedConfig, form: str, size: tuple[int, int], device: str) -> int:
    place = torch.device(device)
    paint = _forms(_painter(config).to(place), place, only=form)[form]
    image = _picture(*size).to(place)
    for _ in range(2):
        paint(image)
    if place.type == "cuda":
        return round(torch.cuda.max_memory_allocated(place) / 2**20)
    # Where Linux tells it: what getrusage says of a young process holds its parent's peak, too.
    status = Path("/proc/self/status")
    if status.exists():
        peaks = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return round(int(peaks[0].split()[1]) / 2**10)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


def _forms(
    plain: LapStyle, device: torch.device, *, only: str = ""
) -> dict[str, Callable[[Tensor], Tensor]]:
    """The ways of painting that are timed, or those that need no more than one of them does."""
    style = torch.rand(1, 3, 128, 160, device=device)

    def recomputing(network: Any, learner: LapStyle) -> Callable[[Tensor], Tensor]:
        def painter(image: Tensor) -> Tensor:
            learner.learn_style(style.to(next(learner.decoder.parameters()).dtype))
            return network(image)

        return painter

    forms: dict[str, Callable[[Tensor], Tensor]] = {
        "plain": recomputing(plain, plain),
        "plain, style cached": plain,
    }
    if only in forms:
        return forms
    fast = fast_form(plain, device, compile=True)
    bare: Any = getattr(fast, "_orig_mod", fast)
    return forms | {"fast, style recomputed": recomputing(fast, bare), "fast": fast}


@torch.no_grad()
def _timed(
    forms: dict[str, Callable[[Tensor], Tensor]],
    image: Tensor,
    *,
    rounds: int,
    device: torch.device,
) -> dict[str, float]:
    def seconds(form: Callable[[Tensor], Tensor]) -> float:
        begin = time.perf_counter()
        form(image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - begin

    for form in forms.values():
        for _ in range(2):
            seconds(form)
    times: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(rounds):
        for name, form in forms.items():
            times[name].append(seconds(form))
    found = {f"{name}, ms": float(f"{1e3 * statistics.median(t):.4g}") for name, t in times.items()}
    found["fast, pictures a second"] = float(f"{1 / statistics.median(times['fast']):.4g}")
    found["speed-up"] = float(
        f"{statistics.median(times['plain']) / statistics.median(times['fast']):.3g}"
    )
    difference = (forms["fast"](image).float() - forms["plain"](image)).abs().mean().item()
    found["difference"] = float(f"{255 * difference:.3g}")
    return found
