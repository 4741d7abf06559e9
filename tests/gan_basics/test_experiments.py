"""The experiments run, record, and go on where they stopped."""

import dataclasses
import json
import math

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.experiment import execute
from tutorial_lib.gan_basics import experiments
from tutorial_lib.gan_basics.faces_training import FacesRecipe
from tutorial_lib.gan_basics.optimum_training import IN_THE_GAME, OptimumRecipe
from tutorial_lib.gan_basics.plane_training import Game, PlaneConfig, PlaneRecipe
from tutorial_lib.gan_basics.stored import recorded_views
from tutorial_lib.training import PROFILES, make_fabric, train

EXPERIMENTS = {experiment.name: experiment for experiment in experiments.EXPERIMENTS}


@pytest.mark.parametrize("name", ["ring", "optimum", "collapse", "sure", "faces32"])
def test_an_experiment_runs_and_records(name, tmp_path):
    execute(EXPERIMENTS[f"gan_basics/{name}"], "smoke", precision="32-true", folder=tmp_path)
    record = ledger.read(f"gan_basics/{name}", folder=tmp_path)
    assert record.steps == record.steps_planned > 0
    assert record.artefacts
    assert all((tmp_path / file).stat().st_size < 3_000_000 for file in record.artefacts)
    assert all(math.isfinite(v) for curve in record.curves.values() for v in curve["value"])
    watched = [curve for curve in record.curves if ", seed " in curve]
    assert {curve.rpartition(" ")[2] for curve in watched} == {"0", "1"}
    if name != "faces32":  # of the plane, what is watched are the games, or the judges
        looked = {game for curve in watched for game in record.metrics if game in curve}
        assert looked == set(record.metrics) - {IN_THE_GAME}


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
        seen = recipe.views()[game]
        for part in ("learned", "optimal", "present"):
            kept = getattr(stored, part)
            torch.testing.assert_close(kept, getattr(seen, part), atol=0.003, rtol=0)
        torch.testing.assert_close(stored.samples, seen.samples, atol=0.003, rtol=0)
        assert stored.divergence == pytest.approx(seen.divergence)


def test_views_of_another_step_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))
    name = "gan_basics/ring"
    execute(EXPERIMENTS[name], "smoke", folder=tmp_path / name)
    with pytest.raises(ledger.LedgerError, match="views_000123"):
        recorded_views(ledger.read(name), 123)


def test_stopped_and_resumed_is_the_same_run(tmp_path):
    games = (
        Game("a"),
        Game("b", loss="wasserstein", generator_rate=3e-3, rounds=2),
        Game("c", spectral=True, r1=0.1),
    )
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


def test_a_remedy_alone_is_one_change_and_a_pair_is_two():
    wrong, *others = experiments.WANDERING
    changes = {
        game.name: {
            field.name
            for field in dataclasses.fields(game)
            if getattr(game, field.name) != getattr(wrong, field.name)
        }
        - {"name"}
        for game in others
    }
    alone = {name: changed for name, changed in changes.items() if "+" not in name}
    assert list(alone) == list(experiments.REMEDIES)
    assert all(len(changed) == 1 for changed in alone.values())
    for name, changed in changes.items():
        if "+" in name:
            one, other = name.split(" + ")
            assert changed == alone[one] | alone[other]
            assert len(changed) == 2
    assert len(changes) == 5 + 7
    sure, *held = experiments.SURE
    for game in held:
        more = [f.name for f in dataclasses.fields(game)
                if getattr(game, f.name) != getattr(sure, f.name) and f.name != "name"]  # fmt: skip
        assert len(more) == 1


def test_games_of_different_kinds_do_not_share_a_penalty():
    config = PlaneConfig("ring", (Game("a"), Game("b", r1=0.1), Game("c", spectral=True)), steps=1)
    recipe = PlaneRecipe(config, make_fabric(precision="32-true"))
    assert [team.losses.r1 for team in recipe.teams] == [0.0, 0.1, 0.0]
    assert [team.discriminator.spectral for team in recipe.teams] == [False, False, True]
    assert not any(team.generator.spectral for team in recipe.teams)


def test_the_generator_rests_while_judges_learn():
    config = EXPERIMENTS["gan_basics/optimum"].profiles["smoke"]
    recipe = OptimumRecipe(config, make_fabric(precision="32-true"))
    before = [p.clone() for p in recipe.generator.parameters()]
    judges = {name: judge.weights[0].clone() for name, judge in recipe.judges.items()}
    source = torch.Generator().manual_seed(0)
    for index in range(2):
        recipe.step(index, source)
    assert all(a.equal(b) for a, b in zip(before, recipe.generator.parameters(), strict=True))
    for name, weight in judges.items():
        assert not weight.equal(recipe.judges[name].weights[0])


def test_copies_are_told_from_faces_that_nobody_saw(tmp_path):
    experiment = EXPERIMENTS["gan_basics/copies"]
    execute(experiment, "smoke", precision="32-true", folder=tmp_path)
    metrics = json.loads((tmp_path / "record.json").read_text())["metrics"]
    share, error = metrics["expected"]["share"], metrics["expected"]["standard error"]
    assert share == 0.8
    assert metrics["copies"]["nearer to training"] == 1.0
    assert abs(metrics["test"]["nearer to training"] - share) < 4 * error
    assert metrics["copies"]["distance, 50%"] == pytest.approx(0.1, abs=0.02)
    assert metrics["test"]["distance, 50%"] > 0
