"""The experiments of the chapter on perception and distortion: points on the plane.

Every record but the last is one point, measured in one way: a method (bicubic, SRResNet, SRGAN, the
photographs themselves), or a generator carried on from SRResNet with one coefficient of the
adversarial loss. The last counts letters.
"""

from __future__ import annotations

from collections.abc import Callable

from tutorial_lib import ledger
from tutorial_lib.experiment import Experiment, Run
from tutorial_lib.perception_distortion.letters import LettersConfig, run_letters
from tutorial_lib.perception_distortion.points import (
    PRISTINE,
    PointConfig,
    run_bicubic,
    run_brief,
    run_photographs,
    run_srgan,
    run_srresnet,
)
from tutorial_lib.perception_distortion.reading import COEFFICIENTS
from tutorial_lib.perception_distortion.sweep import SweepConfig, run_sweep
from tutorial_lib.training import PROFILES
from tutorial_lib.vgg import VGG16_FILE

START = "srgan/brief"
"""What every training of the sweep is carried on from."""


def _sweep(name: str, summary: str, **losses: float | str | bool) -> Experiment:
    def config(steps: int, **more: object) -> SweepConfig:
        return SweepConfig(steps=steps, **{"start": START, **losses, **more})  # type: ignore[arg-type]

    return Experiment(
        name=f"perception_distortion/{name}",
        summary=summary,
        profiles={
            "smoke": config(2, batch=2, patch=32, limit=8, test_sets=("set5",)),
            "quick": config(1_000),
            "book": config(600, batch=4, patch=48),
            "gpu": config(5_000),
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
            "gpu": full,
            "article": full,
        },
        run=run,
        needs=("set14", "bsd100", PRISTINE),
    )


EXPERIMENTS = (
    _point("bicubic", "the point of bicubic interpolation", run_bicubic),
    _point("brief", "the point of the SRResNet that the sweep starts from", run_brief),
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
    Experiment(
        name="perception_distortion/letters",
        summary="small letters, read after each enlargement, and without one",
        profiles={profile: LettersConfig() for profile in PROFILES}
        | {"smoke": LettersConfig(sizes=(16,), count=40)},
        run=run_letters,
    ),
)
