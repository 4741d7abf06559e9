"""A checkpoint of SRGAN's says which weights it began with and which VGG judged it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.data import embedded
from tutorial_lib.experiment import Run
from tutorial_lib.perception_distortion import sweep
from tutorial_lib.srgan import ablation, recording, training
from tutorial_lib.training import CheckpointError, checkpoint, make_fabric

START = {"srgan/srresnet": "ab"}


class TakenError(Exception):
    """With what a training was about to begin."""


def given(recipe, *, config, **_):
    raise TakenError(config)


def fake_recipe(backbone, start=START):
    """As much of a recipe as is asked before a training."""

    class Recipe(training.SrganRecipe):
        def __init__(self, config, fabric, *, steps):
            self.config, self.start = config, start
            self.vgg = SimpleNamespace(backbone=backbone)

    return Recipe


@pytest.mark.parametrize(
    ("module", "function", "experiment"),
    [
        (recording, "run_srgan", "srgan/srgan"),
        (ablation, "run_ablation", "srgan/losses"),
        (sweep, "run_sweep", "perception_distortion/adv_1e-3"),
    ],
)
def test_another_vgg_or_start_is_refused_by_its_name(
    tmp_path, monkeypatch, module, function, experiment
):
    monkeypatch.setattr(sweep, "load", lambda name: embedded("chelsea"))
    found = []
    for backbone, start in (
        ("vgg16", START),
        ("vgg19", START),
        ("vgg16", {"srgan/srresnet": "cd"}),
    ):
        monkeypatch.setattr(module, "SrganRecipe", fake_recipe(backbone, start))
        monkeypatch.setattr(module, "train", given)
        run = Run(
            experiment=experiment,
            profile="smoke",
            config=EXPERIMENTS[experiment].profiles["smoke"],
            fabric=make_fabric(precision="32-true"),
            folder=tmp_path,
            steps=3,
            commit="",
        )
        with pytest.raises(TakenError) as taken:
            getattr(module, function)(run)
        found.append(taken.value.args[0])
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, {"config": found[0]})
    cpu = torch.device("cpu")
    assert checkpoint.load(path, config=found[0], map_location=cpu)
    with pytest.raises(CheckpointError, match="backbone: 'vgg16' → 'vgg19'"):
        checkpoint.load(path, config=found[1], map_location=cpu)
    with pytest.raises(CheckpointError, match="srgan/srresnet: 'ab' → 'cd'"):
        checkpoint.load(path, config=found[2], map_location=cpu)
