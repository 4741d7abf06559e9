"""The experiments run, record, and go on where they stopped."""

import math

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.experiment import execute
from tutorial_lib.gan_basics import experiments
from tutorial_lib.gan_basics.faces_training import FacesRecipe
from tutorial_lib.gan_basics.plane_training import Game, PlaneConfig, PlaneRecipe, recorded_views
from tutorial_lib.training import PROFILES, make_fabric, train

EXPERIMENTS = {experiment.name: experiment for experiment in experiments.EXPERIMENTS}


@pytest.mark.parametrize("name", ["ring", "collapse", "faces32", "faces64"])
def test_an_experiment_runs_and_records(name, tmp_path):
    execute(EXPERIMENTS[f"gan_basics/{name}"], "smoke", precision="32-true", folder=tmp_path)
    record = ledger.read(f"gan_basics/{name}", folder=tmp_path)
    assert record.steps == record.steps_planned > 0
    assert record.artefacts
    assert all((tmp_path / file).stat().st_size < 3_000_000 for file in record.artefacts)
    assert all(math.isfinite(v) for curve in record.curves.values() for v in curve["value"])


def test_every_experiment_has_every_profile():
    for name in EXPERIMENTS:
        assert list(EXPERIMENTS[name].profiles) == list(PROFILES)


def test_what_is_stored_of_a_view_is_what_was_seen(tmp_path, monkeypatch):
    experiment = EXPERIMENTS["gan_basics/ring"]
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    execute(experiment, "smoke", folder=tmp_path / experiment.name)
    record = ledger.read(experiment.name)
    recipe = PlaneRecipe(experiment.profiles["smoke"], make_fabric(precision="32-true"))
    for game, stored in recorded_views(record, 0).items():
        seen = recipe.views()[game][0]
        torch.testing.assert_close(stored.learned, seen.learned, atol=0.003, rtol=0)
        torch.testing.assert_close(stored.samples, seen.samples, atol=0.003, rtol=0)
        assert stored.divergence == pytest.approx(seen.divergence)


def test_views_of_another_step_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    name = "gan_basics/ring"
    execute(EXPERIMENTS[name], "smoke", folder=tmp_path / name)
    with pytest.raises(ledger.LedgerError, match="views_000123"):
        recorded_views(ledger.read(name), 123)


def test_stopped_and_resumed_is_the_same_run(tmp_path):
    games = (Game("a"), Game("b", loss="wasserstein", generator_rate=3e-3, rounds=2))
    config = PlaneConfig(distribution="ring", games=games, steps=6, seeds=2, batch=8)
    fabric = make_fabric(precision="32-true")

    def run(folder, steps):
        recipe = PlaneRecipe(config, fabric)
        history = train(recipe, fabric=fabric, steps=steps, folder=folder, config={})
        return recipe, history

    whole, history = run(tmp_path / "whole", 6)
    run(tmp_path / "parts", 2)
    parts, again = run(tmp_path / "parts", 6)
    assert again.losses.equal(history.losses)
    for name, module in whole.modules.items():
        for key, tensor in module.state_dict().items():
            assert tensor.equal(parts.modules[name].state_dict()[key]), (name, key)


def test_faces_stopped_and_resumed_are_the_same(tmp_path):
    config = EXPERIMENTS["gan_basics/faces32"].profiles["smoke"]
    fabric = make_fabric(precision="32-true")

    def run(folder, steps):
        recipe = FacesRecipe(config, fabric)
        train(recipe, fabric=fabric, steps=steps, folder=folder, config={})
        return recipe.result().state_dict()

    whole = run(tmp_path / "whole", 5)
    run(tmp_path / "parts", 3)
    for key, tensor in run(tmp_path / "parts", 5).items():
        assert tensor.equal(whole[key]), key


def test_sliders_name_every_position_once():
    names = [game.name for game in experiments.SLIDERS]
    assert len(set(names)) == len(names) == 3 * 2 * 3 * 3
