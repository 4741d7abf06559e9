"""The experiments of the chapter on perception and distortion: points on the plane.

Every record is one point, measured in one way: a method (bicubic, SRResNet, SRGAN, the photographs
themselves), or a generator carried on from SRResNet with one coefficient of the adversarial loss.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib import ledger
from tutorial_lib.data import (
    load,
    locate,
    low_resolution,
    mod_crop,
    photographs,
    write_atomically,
    write_image,
)
from tutorial_lib.experiment import Claim, Experiment, Reader, Run
from tutorial_lib.metrics import PIRM, imresize, niqe, rmse
from tutorial_lib.perception_distortion.scores import PROTOCOL, provenance, scores_of, summary
from tutorial_lib.perception_distortion.text_page import readings, share_read, text_page
from tutorial_lib.srgan import Generator
from tutorial_lib.srgan.evaluation import (
    CROPS,
    SCALE,
    square,
    write_scores,
)
from tutorial_lib.srgan.training import (
    VGG_UNIT,
    SrganConfig,
    SrganRecipe,
    recorded_generator,
)
from tutorial_lib.training import History, half_state, train
from tutorial_lib.vgg import VGG16_FILE

COEFFICIENTS = ("0", "1e-4", "3e-4", "1e-3", "3e-3", "1e-2")
"""Weights of the adversarial loss in the sweep, as the experiments are named: ``adv_1e-3``."""

CONTENT = {
    "adv_1e-3_no_vgg": "λ = 1e-3, no VGG loss",
    "adv_1e-3_vgg22": "λ = 1e-3, φ2,2 × 100",
    "adv_1e-3_vgg54": "λ = 1e-3, φ5,4 at 0.3",
    "adv_0_vgg22": "λ = 0, φ2,2 × 100",
}
"""Variants of the content loss: experiment → title."""

METHODS = {
    "bicubic": "bicubic",
    "srresnet": "SRResNet",
    "srgan": "SRGAN",
    "photographs": "photographs",
}
"""Points that need no training here: experiment → title."""

TITLES = {
    **{name: title for name, title in METHODS.items() if name != "photographs"},
    **{f"adv_{coefficient}": f"λ = {coefficient}" for coefficient in COEFFICIENTS},
    **CONTENT,
    "photographs": "photographs",
}
"""All points, in the order of tables: experiment → title."""

SHOWN = ("baboon", "zebra", "statues")
"""The squares that every record keeps."""

PHOTOGRAPH = ("set14/baboon.png", (150, 100))
"""What is shown beside the page of text, in its size: registry name and top left corner."""

PRISTINE = "niqe_pris_params.npz"

Enlarge = Callable[[Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class PointConfig:
    """Settings of a point that is measured without training.

    Attributes
    ----------
    steps : int
        None are done.
    test_sets : tuple of str
        Sets of photographs to measure on.
    """

    steps: int = 0
    test_sets: tuple[str, ...] = ("set14", "bsd100")


@dataclasses.dataclass(frozen=True)
class SweepConfig(SrganConfig):
    """Settings of one training of the sweep, beyond those of SRGAN's.

    Attributes
    ----------
    keep_weights : bool
        Whether the record holds the weights.
    """

    keep_weights: bool = False
    test_sets: tuple[str, ...] = ("set14", "bsd100")


# ------------------------------------------------------------------------- one point


@torch.no_grad()
def measure(run: Run, enlarge: Enlarge | None) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Measure a method, and write its scores, its squares and its page into the run's folder.

    Parameters
    ----------
    run : Run
        Whose folder, device and test sets.
    enlarge : callable or None
        From (1, 3, h, w) to (1, 3, 4h, 4w); None stands for the true photographs.

    Returns
    -------
    metrics : dict
        Set → measure → value; and ``page``.
    files : list of str
        What was written.
    """
    device = run.fabric.device

    def restore(image: Tensor) -> Tensor:
        real = mod_crop(image, SCALE)
        if enlarge is None:
            return real
        return enlarge(low_resolution(real, scale=SCALE).to(device)).cpu().clamp(0, 1)

    sets = {
        group: {
            Path(name).stem: scores_of(restore(image), mod_crop(image, SCALE))
            for name, image in photographs(group).items()
        }
        for group in run.config.test_sets
    }
    write_scores(run.folder / "scores.csv", sets)
    page, letters = text_page()
    printed = restore(page)
    metrics = {group: summary(scores) for group, scores in sets.items()}
    metrics["page"] = {
        "rmse": round(rmse(printed, page, protocol=PIRM).item(), 5),
        "read": share_read(printed, letters),
        "letters": float(len(letters)),
        "niqe": round(niqe(printed).item(), 5),
    }
    text = "".join(letter.text for letter in letters) + "\n" + readings(printed, letters) + "\n"
    write_atomically(
        run.folder / "readings.txt", lambda part: part.write_text(text, encoding="utf-8")
    )

    name, (top, left) = PHOTOGRAPH
    height, width = page.shape[-2:]
    beside = restore(load(name))[..., top : top + height, left : left + width]
    frames = {"page": printed, "photograph": beside}
    for shown in SHOWN:
        if enlarge is None:
            file, (top, left) = CROPS[shown]
            frames[shown] = load(file)[..., top : top + 256, left : left + 256]
        else:
            frames[shown] = square(shown, enlarge, device=device)
    for name, frame in frames.items():
        write_image(run.folder / f"{name}.webp", frame, quality=90, overwrite=True)
    return metrics, ["scores.csv", "readings.txt", *(f"{name}.webp" for name in frames)]


# --------------------------------------------------------------------------- methods


def run_bicubic(run: Run) -> ledger.Record:
    """Measure bicubic interpolation."""
    return _method(run, lambda low: imresize(low, scale=SCALE))


def run_srresnet(run: Run) -> ledger.Record:
    """Measure the recorded SRResNet."""
    return _recorded(run, "srgan/srresnet")


def run_srgan(run: Run) -> ledger.Record:
    """Measure the recorded SRGAN."""
    return _recorded(run, "srgan/srgan")


def run_photographs(run: Run) -> ledger.Record:
    """Measure the photographs themselves, and keep the model of natural images beside them."""
    shutil.copyfile(locate(PRISTINE), run.folder / PRISTINE)
    return _method(run, None, more=[PRISTINE])


def _recorded(run: Run, name: str) -> ledger.Record:
    network = recorded_generator(name).to(run.fabric.device)
    return _method(run, network, protocol={"network": provenance(name)})


def _method(
    run: Run,
    enlarge: Enlarge | None,
    *,
    more: Sequence[str] = (),
    protocol: Mapping[str, str] | None = None,
) -> ledger.Record:
    metrics, files = measure(run, enlarge)
    record = run.record(
        history=History(),
        metrics=metrics,
        protocol={**PROTOCOL, **(protocol or {})},
        artefacts=[*files, *more],
        data=[*run.config.test_sets, PRISTINE],
    )
    return dataclasses.replace(record, precision="32-true")


# ------------------------------------------------------------------------- the sweep


class SweepRecipe(SrganRecipe):
    """SRGAN's training, which leaves the discriminator out where nobody would hear it."""

    config: SweepConfig

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the networks."""
        if self.config.adversarial:
            return super().step(index, generator)
        self.set_rate(self.rate(index))
        low, real = self.sample(generator)
        fake = self.generator(low)
        losses = {"mse": F.mse_loss(fake, real)}
        with self.fabric.autocast():
            losses["content"] = self.content(fake, real) / VGG_UNIT[self.vgg.backbone] ** 2
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(losses["mse"] + self.config.content * losses["content"])
        self.optimizer.step()
        self.keep_average(index)
        return {name: loss.detach() for name, loss in losses.items()}

    def latest(self) -> Generator:
        """The network as the last step left it, without averaging."""
        return self.stored(self.modules["generator"])


def run_sweep(run: Run) -> ledger.Record:
    """Carry SRResNet on with this configuration's losses, and measure the point it comes to."""
    config = run.config
    recipe = SweepRecipe(config, run.fabric, steps=run.steps)
    file = CROPS["statues"][0]
    real = mod_crop(load(file), SCALE)
    low = low_resolution(real, scale=SCALE).to(run.fabric.device)

    @torch.no_grad()
    def watch(step: int) -> dict[str, float]:
        found = {}
        for suffix, network in (("", recipe.result()), (", latest", recipe.latest())):
            made = network(low).cpu().clamp(0, 1)
            found[f"rmse{suffix}"] = rmse(made, real, protocol=PIRM).item()
            found[f"niqe{suffix}"] = niqe(made).item()
        return found

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        config={k: v for k, v in run.settings().items() if k not in ("steps", "keep_weights")},
        watch=watch,
        watch_at=sorted({round(run.steps * part / 6) for part in range(7)}),
        label=run.experiment,
    )
    network = recipe.result()
    metrics, files = measure(run, network)
    if config.keep_weights:
        state = half_state(network)
        write_atomically(
            run.folder / "weights.safetensors", lambda path: save_file(state, str(path))
        )
        files.append("weights.safetensors")
    backbone = recipe.vgg.backbone
    return run.record(
        history=history,
        metrics=metrics,
        protocol=PROTOCOL
        | {
            "start": provenance("srgan/srresnet"),
            "network": (
                "mean of the weights over about the last tenth of the steps"
                if config.average
                else "weights of the last step"
            )
            + ", rounded to half precision; evaluated in float32",
            "content loss": f"{backbone}, {recipe.vgg.layers[0]}, maps divided by "
            f"{VGG_UNIT[backbone]:.1f}, weight {config.content:g}",
            "rmse, niqe over steps": f"of {file}; 'latest' is the network without averaging",
        },
        artefacts=files,
        data=[*config.test_sets, "bsds500", PRISTINE]
        + ([VGG16_FILE] if backbone == "vgg16" else []),
    )


# ----------------------------------------------------------------------- reading them


def available(names: Iterable[str]) -> dict[str, ledger.Record]:
    """The records of this chapter that there are, by their short names and in that order."""
    there = {record.experiment for record in ledger.records()}
    full = {name: f"perception_distortion/{name}" for name in names}
    return {name: ledger.read(long) for name, long in full.items() if long in there}


# ---------------------------------------------------------------------------- claims


def _read_sweep(read: Reader) -> dict[str, ledger.Record]:
    return {c: read(f"perception_distortion/adv_{c}") for c in COEFFICIENTS}


def _score_against_look(read: Reader) -> str:
    parts = []
    for name in ("srresnet", "srgan", "photographs"):
        record = read(f"perception_distortion/{name}")
        rmse_, niqe_ = (record.metric("bsd100", measure) for measure in ("rmse", "niqe"))
        parts.append(f"{METHODS[name]} RMSE {rmse_:.2f}, NIQE {niqe_:.2f}")
    return "BSD100: " + "; ".join(parts)


def _along_the_bound(read: Reader) -> str:
    points = [
        (c, r.metric("bsd100", "rmse"), r.metric("bsd100", "niqe"))
        for c, r in _read_sweep(read).items()
    ]
    listed = ", ".join(f"{c}: {rmse_:.2f} / {niqe_:.2f}" for c, rmse_, niqe_ in points)
    exchanges = sum(b[1] > a[1] and b[2] < a[2] for a, b in pairwise(points))
    return (
        f"RMSE / NIQE on BSD100 by coefficient: {listed}. From one coefficient to the next, "
        f"{exchanges} of {len(points) - 1} steps trade distortion for perception"
    )


def _best_points(read: Reader) -> str:
    sweep = _read_sweep(read)
    natural = min(sweep, key=lambda c: sweep[c].metric("bsd100", "niqe"))
    legible = max(sweep, key=lambda c: sweep[c].metric("page", "read"))
    return (
        f"of the six coefficients, NIQE on BSD100 likes {natural} best; most letters of the page "
        f"are read at {legible}"
    )


def _page(read: Reader) -> str:
    read_shares = {c: r.metric("page", "read") for c, r in _read_sweep(read).items()}
    others = {
        name: read(f"perception_distortion/{name}").metric("page", "read")
        for name in ("bicubic", "srresnet", "srgan")
    }
    listed = ", ".join(f"{c}: {100 * share:.0f} %" for c, share in read_shares.items())
    beside = ", ".join(f"{METHODS[name]} {100 * share:.0f} %" for name, share in others.items())
    return f"letters read on our page, by coefficient: {listed}; {beside}"


def _range_for_reading(read: Reader) -> str:
    sweep = _read_sweep(read)
    without = sweep["0"].metric("page", "read")
    best = max(COEFFICIENTS[1:], key=lambda c: sweep[c].metric("page", "read"))
    with_ = sweep[best].metric("page", "read")
    count = sweep["0"].metric("page", "letters")
    letters = round((with_ - without) * count)
    verdict = "as many letters as without an adversary"
    if letters:
        verdict = f"{abs(letters)} letters {'more' if letters > 0 else 'fewer'} than without one"
    return f"the best coefficient above 0 for reading is {best}: of {count:.0f}, {verdict}"


def _niqe_on_a_page(read: Reader) -> str:
    true, blurred = (
        read(f"perception_distortion/{name}").metric("page", "niqe")
        for name in ("photographs", "bicubic")
    )
    return (
        f"NIQE, which should be low: of the page of text itself {true:.1f}, of its bicubic blur "
        f"{blurred:.1f}"
    )


CLAIMS = (
    Claim(
        "a better PSNR or SSIM does not make a better picture: SRResNet leads in both, and has "
        "lost the texture that SRGAN has",
        _score_against_look,
    ),
    Claim(
        "there is a lower bound that no method passes, and tuning the coefficient of the "
        "adversarial loss travels along it",
        _along_the_bound,
    ),
    Claim(
        "the best operating point depends on the use: a low coefficient for medical pictures, a "
        "high one for a photo album",
        _best_points,
    ),
    Claim(
        "business cards need little texture, so that adjusting the trade-off is of little use "
        "for enlarging them",
        _page,
    ),
    Claim(
        "it may be worth trying GANs as far as they help the accuracy of OCR, with the trade-off "
        "under control",
        _range_for_reading,
    ),
    Claim(
        "measures such as NIQE judge a picture alone, do not suit restoration, and cannot be a "
        "loss because they are not differentiable",
        _niqe_on_a_page,
    ),
)
"""What the articles found about the trade-off, and how the records answer."""


def _sweep(name: str, summary: str, **changes: float | str | bool) -> Experiment:
    def config(steps: int, **more: object) -> SweepConfig:
        return SweepConfig(steps=steps, **{**changes, **more})  # type: ignore[arg-type]

    return Experiment(
        name=f"perception_distortion/{name}",
        summary=summary,
        profiles={
            "smoke": config(2, batch=2, patch=32, limit=8, test_sets=("set5",)),
            "quick": config(1_000),
            "book": config(5_000),
            "article": config(208_750, photographs="voc2012", average=False),
        },
        run=run_sweep,
        needs=("bsds500", "set14", "bsd100", PRISTINE, VGG16_FILE),
    )


def _point(name: str, summary: str, run: Callable[[Run], ledger.Record]) -> Experiment:
    full = PointConfig()
    return Experiment(
        name=f"perception_distortion/{name}",
        summary=summary,
        profiles={
            "smoke": PointConfig(test_sets=("set5",)),
            "quick": full,
            "book": full,
            "article": full,
        },
        run=run,
        needs=("set14", "bsd100", PRISTINE),
    )


EXPERIMENTS = (
    _point("bicubic", "the point of bicubic interpolation", run_bicubic),
    _point("srresnet", "the point of the recorded SRResNet", run_srresnet),
    _point("srgan", "the point of the recorded SRGAN", run_srgan),
    _point("photographs", "the point of the photographs themselves", run_photographs),
    *(
        _sweep(
            f"adv_{coefficient}",
            f"SRResNet carried on, adversarial coefficient {coefficient}",
            adversarial=float(coefficient),
            keep_weights=coefficient in ("1e-4", "1e-3", "1e-2"),
        )
        for coefficient in COEFFICIENTS
    ),
    _sweep("adv_1e-3_no_vgg", "coefficient 1e-3, no VGG loss", content=0.0),
    _sweep("adv_1e-3_vgg22", "coefficient 1e-3, φ2,2 with a weight that counts", content=2e-4),
    _sweep(
        "adv_1e-3_vgg54",
        "coefficient 1e-3, φ5,4 with a weight that counts",
        content=0.3,
        features="last5",
    ),
    _sweep(
        "adv_0_vgg22", "no adversary, φ2,2 with a weight that counts", adversarial=0.0, content=2e-4
    ),
)
