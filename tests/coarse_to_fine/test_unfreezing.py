"""Two optimisers at an unfreezing: where they part, and what is recorded of it."""

import pytest
import torch

from tutorial_lib import ledger
from tutorial_lib.coarse_to_fine import to_grey
from tutorial_lib.coarse_to_fine.experiments import EXPERIMENTS
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.unfreezing import Twins
from tutorial_lib.data import CartoonFaces
from tutorial_lib.experiment import execute
from tutorial_lib.training import make_fabric

(EXPERIMENT,) = (e for e in EXPERIMENTS if e.name == "coarse_to_fine/unfreezing")


def test_two_optimisers_part_at_the_unfreezing_and_not_before():
    config = EXPERIMENT.profiles["smoke"]
    fabric = make_fabric(precision="32-true")
    images = CartoonFaces("train", size=16, count=config.count, progress=False).images
    pictures = Octaves(images, sides=[8, 16], spoil=to_grey)
    recipe = Twins(config, fabric, pictures, seed=0)
    for step in range(config.unfreezing):
        losses = recipe.step(step, torch.Generator())
        assert losses["moments kept"] is losses["new optimiser"]
    losses = recipe.step(config.unfreezing, torch.Generator())
    # The same network on the same pictures: they part with the update.
    torch.testing.assert_close(losses["moments kept"], losses["new optimiser"])
    kept, new = (next(m.parameters()) for m in (recipe.network, recipe.twin))
    assert not torch.equal(kept, new)
    steps = [recipe.optimizers[n].state[p]["step"] for n, p in (("network", kept), ("twin", new))]
    assert steps[0] > steps[1] == 1
    # Adam's first step is the learning rate, whatever the gradient.
    rate = config.learning_rate
    assert losses["new optimiser, moved"].item() == pytest.approx(rate, rel=0.2)


def test_the_record_holds_the_steps_after_the_unfreezing(tmp_path):
    config = EXPERIMENT.profiles["smoke"]
    folder = execute(EXPERIMENT, "smoke", precision="32-true", folder=tmp_path)
    record = ledger.read(EXPERIMENT.name, folder=folder)
    assert record.steps == record.steps_planned == config.unfreezing + config.after
    kept, new = (
        record.curves[f"{name}, seed 0"]["value"] for name in ("moments kept", "new optimiser")
    )
    assert len(kept) == len(new) == config.after == 2
    assert kept[0] == new[0] == record.metric("seed 0", "new optimiser, first")
    assert kept[1] != new[1]
    assert record.metric("seed 0", "moments kept, mean") == pytest.approx(sum(kept) / 2, rel=1e-4)


def test_a_run_that_stops_before_the_unfreezing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unfreezing is at step 10: more steps"):
        execute(EXPERIMENT, "smoke", steps=10, precision="32-true", folder=tmp_path)
