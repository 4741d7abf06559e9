"""How fast a picture is painted: plainly and fast, with and without the style's maps."""

from __future__ import annotations

import dataclasses
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any, get_args

import torch
from torch import Tensor

from tutorial_lib import ledger
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
    backbone: str = "vgg16"

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
    try:
        model = recorded_painter(config.style)
    except ledger.LedgerError:
        model = LapStyle(Encoder(backbone=config.backbone))
    devices = [device] if device.type == "cpu" else [device, torch.device("cpu")]
    metrics: dict[str, Any] = {}
    for place in devices:
        forms = _forms(model.to(place), place)
        for height, width in config.sizes:
            image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
            rounds = config.rounds if place == device else min(3, config.rounds)
            metrics[f"{'CPU' if place.type == 'cpu' else 'GPU'}, {width} x {height}"] = _timed(
                forms, image.to(place), rounds=rounds, device=place
            )
    record = run.record(
        history=History(),
        metrics=metrics,
        protocol={
            "devices": "; ".join(ledger.device_in_words(place) for place in devices),
            "milliseconds": f"median of {config.rounds} pictures (on a CPU beside a GPU, 3), one "
            "at a time, already on the device; forms take turns",
            "plain": "float32, contiguous, not compiled, the style's maps computed anew for each "
            "picture",
            "fast": "channels last, style's statistics cached; float16 and compiled on a GPU, "
            "bfloat16 on a CPU that has it",
            "memory": "of the fast form: peak allocated on a GPU, with the weights; the whole "
            "process's peak so far on a CPU",
            "difference": "mean over the pixels, fast to plain, in steps of 1/255",
        },
    )
    return dataclasses.replace(record, precision="see protocol")


def _forms(plain: LapStyle, device: torch.device) -> dict[str, Callable[[Tensor], Tensor]]:
    """The ways of painting that are timed."""
    style = torch.rand(1, 3, 128, 160, device=device)
    fast = fast_form(plain, device, compile=True)
    bare: Any = getattr(fast, "_orig_mod", fast)

    def recomputing(network: Any, learner: LapStyle) -> Callable[[Tensor], Tensor]:
        def painter(image: Tensor) -> Tensor:
            learner.learn_style(style.to(next(learner.decoder.parameters()).dtype))
            return network(image)

        return painter

    return {
        "plain": recomputing(plain, plain),
        "plain, style cached": plain,
        "fast, style recomputed": recomputing(fast, bare),
        "fast": fast,
    }


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
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        seconds(forms["fast"])
        peak = torch.cuda.max_memory_allocated(device) / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return found | {"memory, MB": round(peak)}
