import os
import signal
import subprocess
import sys
import time

import pytest
import torch
import training_example
from training_example import CONFIG, Recipe, run

from tutorial_lib.metrics import NotFinite
from tutorial_lib.training import Diverged, Interrupted, make_fabric, shard, train
from tutorial_lib.training.engine import step_seed


def weights(recipe):
    return [p.detach().clone() for p in recipe.modules["network"].parameters()]


def assert_same(one, other):
    for a, b in zip(weights(one), weights(other), strict=True):
        assert torch.equal(a, b)


def test_training_lowers_the_loss_and_keeps_every_step(tmp_path):
    _, history = run(tmp_path)
    assert history.names == ["fit", "other"]
    assert history.losses.shape == (60, 2)
    assert history.losses[-5:, 0].mean() < 0.5 * history.losses[:5, 0].mean()
    assert history.seconds > 0


def test_watching_happens_when_asked_and_is_kept(tmp_path):
    fabric = make_fabric(precision="32-true")
    seen = []

    def watch(step):
        seen.append(step)
        return {"square": step**2}

    history = train(
        Recipe(fabric),
        fabric=fabric,
        steps=6,
        folder=tmp_path,
        config=CONFIG,
        watch=watch,
        watch_at=[0, 2, 6],
    )
    assert seen == [0, 2, 6]
    assert history.watched == [{"step": s, "square": s**2} for s in (0, 2, 6)]


def test_a_finished_run_is_carried_on_to_the_same_weights(tmp_path):
    whole, history = run(tmp_path / "whole")
    run(tmp_path / "parts", steps=23)
    parts, resumed = run(tmp_path / "parts")
    assert_same(whole, parts)
    assert torch.equal(history.losses, resumed.losses)


def test_three_kills_change_nothing(tmp_path):
    whole, history = run(tmp_path / "whole")
    killed = tmp_path / "killed"
    killed.mkdir()
    progress = killed / "progress"
    for moment in (7, 9, 31):
        progress.unlink(missing_ok=True)
        child = subprocess.Popen(
            [sys.executable, training_example.__file__, str(killed)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 120
        while not (progress.exists() and f"\n{moment}\n" in progress.read_text()):
            assert time.monotonic() < deadline
            assert child.poll() is None
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.wait()
    # The last sitting began at a checkpoint, not at the beginning.
    assert int(progress.read_text().split()[0]) >= 5
    assert not list(killed.glob(".*.part")) or (killed / "checkpoint.pt").exists()
    resumed, resumed_history = run(killed)
    assert_same(whole, resumed)
    assert torch.equal(history.losses, resumed_history.losses)


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path):
    whole, _ = run(tmp_path / "whole")
    fabric = make_fabric(precision="32-true")

    class Impatient(Recipe):
        def step(self, index, generator):
            if index == 12:
                os.kill(os.getpid(), signal.SIGINT)
            return super().step(index, generator)

    folder = tmp_path / "stopped"
    with pytest.raises(Interrupted, match=r"after step 13 of 60.*checkpoint\.pt.*same command"):
        train(Impatient(fabric), fabric=fabric, steps=60, folder=folder, config=CONFIG)
    resumed, _ = run(folder)
    assert_same(whole, resumed)


def test_the_signal_handler_is_given_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    run(tmp_path, steps=2)
    assert signal.getsignal(signal.SIGINT) is before


def test_nan_stops_with_step_name_and_last_checkpoint(tmp_path):
    with pytest.raises(Diverged, match=r"other became nan at step 18\. The last good checkpoint"):
        run(tmp_path, poison_at=17)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["step"] == 15
    assert state["losses"].isfinite().all()


def test_weights_that_are_not_numbers_are_never_kept(tmp_path):
    fabric = make_fabric(precision="32-true")

    class Exploding(Recipe):
        def step(self, index, generator):
            losses = super().step(index, generator)
            if index == 9:
                with torch.no_grad():
                    next(self.modules["network"].parameters()).fill_(float("inf"))
            return losses

    with pytest.raises(Diverged, match="weights of network are not finite after step 10"):
        train(
            Exploding(fabric),
            fabric=fabric,
            steps=20,
            folder=tmp_path,
            config=CONFIG,
            checkpoint_every=5,
        )
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 5


def test_two_processes_learn_as_one(tmp_path):
    one = make_fabric(precision="32-true")
    history = train(
        Recipe(one, dropout=0.0), fabric=one, steps=8, folder=tmp_path / "one", config=CONFIG
    )
    (tmp_path / "two").mkdir()
    two = make_fabric(devices=2, precision="32-true")
    two.launch(training_example.on_two_processes, tmp_path / "two")
    losses = torch.load(tmp_path / "two" / "losses.pt", weights_only=True)
    torch.testing.assert_close(losses, history.losses, rtol=1e-5, atol=1e-7)


def test_a_batch_that_does_not_divide_is_refused():
    class Three:
        world_size, global_rank = 3, 0

    with pytest.raises(ValueError, match="4 does not divide among 3 devices"):
        shard(Three(), torch.zeros(4))


def test_step_seeds_do_not_collide():
    seeds = {step_seed(seed, index) for seed in range(20) for index in range(500)}
    assert len(seeds) == 20 * 500
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("moment", [4, 20])
def test_a_picture_that_is_none_is_the_trainings_fault(tmp_path, moment):
    """What watches complains of NaN; whether a checkpoint was written before or not."""
    fabric = make_fabric(precision="32-true")

    def watch(step):
        raise NotFinite("image must lie in [0, 1]")

    with pytest.raises(Diverged, match=f"after step {moment} is no picture.*smaller learning rate"):
        train(
            Recipe(fabric),
            fabric=fabric,
            steps=20,
            folder=tmp_path,
            config=CONFIG,
            watch=watch,
            watch_at=[moment],
        )


def test_a_loss_that_is_none_is_found_before_anyone_looks(tmp_path):
    fabric = make_fabric(precision="32-true")

    def watch(step):
        raise ValueError("looked")

    with pytest.raises(Diverged, match="other became nan at step 4"):
        train(
            Recipe(fabric, poison_at=3),
            fabric=fabric,
            steps=20,
            folder=tmp_path,
            config=CONFIG,
            watch=watch,
            watch_at=[5],
        )
