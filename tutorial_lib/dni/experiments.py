"""The experiments of the chapter on interpolation between networks.

The path from SRResNet to SRGAN, a triangle of three networks, the conditions under which networks
can be interpolated, and the paper's figure of a denoiser's filters.
"""

from __future__ import annotations

import dataclasses

from tutorial_lib.dni.conditions import ConditionsConfig, run_conditions
from tutorial_lib.dni.denoisers import FiltersConfig, run_filters
from tutorial_lib.dni.triangle import TriangleConfig, run_triangle
from tutorial_lib.dni.walk import PathConfig, run_path
from tutorial_lib.experiment import Experiment

ONE_SET = PathConfig(test_sets=("set14",), squares=("baboon",))
SWEEP = dataclasses.replace(ONE_SET, end="perception_distortion/adv_1e-3")
ESRGAN = dataclasses.replace(ONE_SET, start="RRDB_PSNR_x4.pth", end="RRDB_ESRGAN_x4.pth")

EXPERIMENTS = (
    Experiment(
        name="dni/path",
        summary="from SRResNet to SRGAN: averaged weights beside blended pictures",
        profiles={
            "smoke": dataclasses.replace(ONE_SET, alphas=(0.0, 0.5, 1.0), limit=1),
            "quick": PathConfig(test_sets=("set14",), squares=("baboon", "zebra")),
            "book": PathConfig(limit=34),
            "gpu": PathConfig(),
            "article": ONE_SET,
        },
        run=run_path,
        needs=("set14", "bsd100"),
    ),
    Experiment(
        name="dni/sweep",
        summary="the same to the sweep's training with coefficient 1e-3, past its other trainings",
        profiles={
            "smoke": dataclasses.replace(SWEEP, limit=1, alphas=(0.0, 1.0)),
            "quick": SWEEP,
            "book": SWEEP,
            "gpu": SWEEP,
            "article": SWEEP,
        },
        run=run_path,
        needs=("set14",),
    ),
    Experiment(
        name="dni/esrgan",
        summary="the same with ESRGAN's published networks, for readers who have the files",
        profiles={
            "smoke": dataclasses.replace(ESRGAN, limit=1, alphas=(0.0, 1.0)),
            "quick": dataclasses.replace(ESRGAN, limit=1),
            "book": ESRGAN,
            "gpu": ESRGAN,
            "article": dataclasses.replace(ESRGAN, limit=1),
        },
        run=run_path,
        needs=("set14",),
    ),
    Experiment(
        name="dni/triangle",
        summary="means of three networks: SRResNet, SRGAN with φ2,2 and with φ5,4",
        profiles={
            "smoke": TriangleConfig(parts=1),
            "quick": TriangleConfig(),
            "book": TriangleConfig(),
            "gpu": TriangleConfig(),
            "article": TriangleConfig(),
        },
        run=run_triangle,
        needs=("set14/baboon.png",),
    ),
    Experiment(
        name="dni/conditions",
        summary="pairs of SRResNets with one start and with two, and batch normalisation between",
        profiles={
            "smoke": ConditionsConfig(
                steps=2, batch=2, patch=48, limit=8, alphas=(0.5,), batches=1
            ),
            "quick": ConditionsConfig(steps=2_000, batch=16),
            "book": ConditionsConfig(steps=800, batch=8, patch=48),
            "gpu": ConditionsConfig(steps=10_000, batch=16, batches=16),
            "article": ConditionsConfig(steps=208_750, batch=16, batches=16),
        },
        run=run_conditions,
        needs=("bsds500", "set5"),
    ),
    Experiment(
        name="dni/filters",
        summary="the first-layer filters of denoisers, and of those between them",
        profiles={
            "smoke": FiltersConfig(
                steps=2, batch=2, limit=4, noises=(20, 40, 60), alphas=(0.0, 1.0), pictures=2
            ),
            "quick": FiltersConfig(steps=4_000, batch=32),
            "book": FiltersConfig(steps=1_000, batch=8),
            "gpu": FiltersConfig(steps=20_000, batch=32),
            "article": FiltersConfig(steps=200_000, batch=32),
        },
        run=run_filters,
        needs=("bsds500", "bsd100"),
    ),
)
