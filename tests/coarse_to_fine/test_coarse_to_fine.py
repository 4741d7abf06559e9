import copy
import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.coarse_to_fine import experiments as trained
from tutorial_lib.coarse_to_fine.networks import (
    CoarseToFine,
    PatchDiscriminator,
    Phase,
    adversarial_step,
    enter,
    l1_step,
    layout,
    phase,
    sizes,
    to_grey,
    to_mosaic,
)
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.show import diagram
from tutorial_lib.data import embedded
from tutorial_lib.experiment import execute
from tutorial_lib.training import make_fabric

TRAININGS = {
    "ctf": {},
    "ctfae": {"skips": False},
    "unet": {"every_input": False},
}


def small(**switches):
    torch.manual_seed(0)
    return CoarseToFine(top=32, width=4, widest=8, **switches)


def adam(network):
    return torch.optim.Adam(network.parameters(), lr=1e-2)


def weights(module):
    return [p.detach().clone() for p in module.parameters()]


def same(before, module):
    return all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


# ------------------------------------------------------------------------------ network


@pytest.mark.parametrize("switches", TRAININGS.values(), ids=TRAININGS)
def test_answers_have_the_pictures_size_and_range(switches):
    network = small(**switches)
    made = network(torch.rand(2, 3, 32, 48) * 100)
    assert made.shape == (2, 3, 32, 48)
    assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_stage_is_the_smaller_network(stage, skips):
    """Its levels alone, built as a network of its own, answer the same."""
    network = small(skips=skips).eval()
    side = network.sizes[stage - 1]
    alone = CoarseToFine(top=side, width=[8, 8, 4][stage - 1], widest=8, skips=skips).eval()
    state = {k: v for k, v in network.state_dict().items() if int(k.split(".")[1]) < stage}
    alone.load_state_dict(state)
    picture = torch.rand(2, 3, side, side)
    torch.testing.assert_close(network(picture, stage=stage), alone(picture))


def test_levels_above_the_stage_are_not_run():
    network = small()
    for level in network.levels[2:]:
        for module in level.children():
            module.register_forward_hook(lambda *_: pytest.fail("a level above the stage ran"))
    network(torch.rand(1, 3, 16, 16), stage=2)


def test_channels_double_downwards_up_to_the_widest():
    network = CoarseToFine(top=256, width=8, widest=64)
    assert network.sizes == (8, 16, 32, 64, 128, 256)
    assert [level.head.in_channels for level in network.levels] == [64, 64, 64, 32, 16, 8]


def test_what_the_switches_switch():
    def parts(network):
        return {name for name, _ in network.named_modules()}

    plain, unet = small(), small(every_input=False)
    assert {n for n in parts(plain) - parts(unet) if n.count(".") == 2} == {
        "levels.0.stem",
        "levels.1.stem",
    }
    assert unet.levels[2].stem is not None
    ctfae = small(skips=False)
    assert parts(ctfae) == parts(plain)
    assert ctfae.levels[2].join[0].in_channels == plain.levels[2].join[0].in_channels // 2


@pytest.mark.parametrize("switches", TRAININGS.values(), ids=TRAININGS)
def test_the_forward_pass_equals_one_written_out(switches):
    network = small(**switches).eval()
    one, two, three = network.levels
    picture = torch.rand(2, 3, 32, 32)

    def shrunk(image):
        return (
            image[..., ::2, ::2]
            + image[..., 1::2, ::2]
            + image[..., ::2, 1::2]
            + image[..., 1::2, 1::2]
        ) / 4

    def join(level, coarse, features):
        coarse = level.up(coarse)
        joined = coarse if not level.skips else torch.cat([coarse, features], 1)
        return level.join(joined).relu()

    e3 = three.stem(picture).relu()
    if switches.get("every_input", True):
        e2 = (two.stem(shrunk(picture)) + three.down(e3)).relu()
        e1 = (one.stem(shrunk(shrunk(picture))) + two.down(e2)).relu()
    else:
        e2 = three.down(e3).relu()
        e1 = two.down(e2).relu()
    made = join(three, join(two, one.join(e1).relu(), e2), e3)
    torch.testing.assert_close(network(picture), three.head(made).sigmoid())


def test_layout_lists_what_a_stage_uses_and_leaves_the_network_alone():
    network = small()
    enter(network, Phase(2, frozen=True))
    before = [m.training for m in network.modules()]
    statistics = copy.deepcopy(network.state_dict())
    parts = layout(network, stage=2)
    assert [(p.level, p.name) for p in parts] == [
        (2, "stem"),
        (2, "down"),
        (1, "stem"),
        (1, "join"),
        (2, "up"),
        (2, "join"),
        (2, "head"),
    ]
    assert parts[1].entering == (8, 16)
    assert parts[1].leaving == (8, 8)
    assert {p.level for p in parts if p.learns} == {2}
    assert sum(p.parameters for p in layout(network)) == sum(
        p.numel() for p in network.parameters()
    ) - sum(p.numel() for level in network.levels[:2] for p in level.head.parameters())
    assert before == [m.training for m in network.modules()]
    after = network.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in statistics.items())
    assert not any(m._forward_hooks for m in network.modules())


# --------------------------------------------------------------------------- exceptions


@pytest.mark.parametrize("top", [0, 4, 12, 48, 100])
def test_other_sizes_are_refused(top):
    with pytest.raises(ValueError, match=f"got {top}"):
        sizes(top)


def test_other_stages_and_sides_are_refused():
    network = small()
    with pytest.raises(ValueError, match="stages 1 to 3: got 4"):
        network(torch.rand(1, 3, 32, 32), stage=4)
    with pytest.raises(ValueError, match="multiples of 4"):
        network(torch.rand(1, 3, 32, 30))
    with pytest.raises(ValueError, match="has one stage"):
        small(every_input=False)(torch.rand(1, 3, 16, 16), stage=2)


# ----------------------------------------------------------------------------- schedule


def test_train_each_is_the_articles_timetable():
    """50 epochs a stage, ten of them with the lower stages frozen."""
    expected = [Phase(k, frozen=k > 1 and epoch < 10) for k in range(1, 7) for epoch in range(50)]
    assert [phase(e, steps=300, stages=6, each=True) for e in range(300)] == expected
    assert {phase(e, steps=300, stages=6, each=False) for e in range(300)} == {Phase(6)}


@pytest.mark.parametrize(("steps", "stages"), [(3, 3), (7, 3), (64 * 24, 4), (1000, 6)])
def test_every_stage_gets_an_equal_share_and_a_fifth_of_it_is_frozen(steps, stages):
    phases = [phase(s, steps=steps, stages=stages, each=True) for s in range(steps)]
    assert [p.stage for p in phases] == sorted(p.stage for p in phases)
    for stage in range(1, stages + 1):
        mine = [p.frozen for p in phases if p.stage == stage]
        assert abs(len(mine) - steps / stages) < 1
        assert sum(mine) == (0 if stage == 1 else -(-len(mine) // 5))
        assert mine == sorted(mine, reverse=True)


def test_steps_outside_the_training_are_refused():
    with pytest.raises(ValueError, match="steps 0 to 9: got 10"):
        phase(10, steps=10, stages=2, each=True)
    with pytest.raises(ValueError, match="3 steps do not suffice for 4 stages"):
        phase(0, steps=3, stages=4, each=True)


def test_a_frozen_level_stays_as_it_is_and_costs_no_gradient():
    network, batch = small(), torch.rand(4, 3, 16, 16)
    optimizer = adam(network)
    enter(network, Phase(1))
    for _ in range(3):
        l1_step(network, optimizer, batch[..., :8, :8], batch[..., :8, :8], stage=1)
    lower = weights(network.levels[0])
    moments = {id(p): copy.deepcopy(s) for p, s in optimizer.state.items()}

    enter(network, Phase(2, frozen=True))
    for _ in range(3):
        l1_step(network, optimizer, batch, batch, stage=2)
    assert same(lower, network.levels[0])
    assert all(p.grad is None for p in network.levels[0].parameters())
    for p in network.levels[0].parameters():
        if id(p) in moments:
            assert torch.equal(optimizer.state[p]["exp_avg"], moments[id(p)]["exp_avg"])
            assert optimizer.state[p]["step"] == moments[id(p)]["step"]
    assert all(p.grad is not None for p in network.levels[1].parameters())

    enter(network, Phase(2))
    l1_step(network, optimizer, batch, batch, stage=2)
    assert not same(lower, network.levels[0])
    first = next(network.levels[0].parameters())
    assert optimizer.state[first]["step"] == moments[id(first)]["step"] + 1


def test_a_gradient_of_zero_in_place_of_none_would_move_a_frozen_level():
    """Why the step sets gradients to None: Adam's momentum goes on without a gradient."""
    network, batch = small(), torch.rand(4, 3, 8, 8)
    optimizer = adam(network)
    enter(network, Phase(1))
    l1_step(network, optimizer, batch, batch.flip(1), stage=1)
    network.requires_grad_(False)
    lower = weights(network.levels[0])
    optimizer.zero_grad(set_to_none=False)
    optimizer.step()
    assert not same(lower, network.levels[0])


# -------------------------------------------------------------------------------- tasks


def test_grey_is_pillows():
    image = embedded("chelsea")
    pixels = (image[0].permute(1, 2, 0) * 255).byte().numpy()
    expected = np.asarray(Image.fromarray(pixels).convert("L"), dtype=float)
    found = to_grey(image)
    assert torch.equal(found[:, 0], found[:, 1])
    assert np.abs(found[0, 0].numpy() * 255 - expected).max() <= 1


def test_mosaic_is_the_articles_at_256_pixels():
    """Nearest neighbour to a sixteenth and back by Pillow; a Gaussian of 4 pixels by SciPy."""
    ndimage = pytest.importorskip("scipy.ndimage")
    image = embedded("astronaut")[..., :256, 100:356]
    pixels = (image[0].permute(1, 2, 0) * 255).byte().numpy()
    tiny = Image.fromarray(pixels).resize((16, 16), Image.Resampling.NEAREST)
    tiles = np.asarray(tiny.resize((256, 256), Image.Resampling.NEAREST), dtype=float)
    expected = ndimage.gaussian_filter(tiles, (4, 4, 0), mode="nearest", truncate=4)
    found = to_mosaic(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)
    np.testing.assert_allclose(found[0].permute(1, 2, 0).numpy() * 255, expected, atol=0.01)


def test_mosaic_scales_with_the_picture():
    large = torch.rand(1, 3, 16, 16).repeat_interleave(16, -1).repeat_interleave(16, -2)
    small_ = large[..., ::4, ::4]
    expected = torch.nn.functional.avg_pool2d(to_mosaic(large), 4)
    assert (to_mosaic(small_) - expected).abs().mean() < 0.01


@pytest.mark.parametrize("shape", [(16, 16), (24, 24), (40, 40), (32, 64)])
def test_mosaic_refuses_other_sizes(shape):
    with pytest.raises(ValueError, match=f"got {shape[0]} × {shape[1]}"):
        to_mosaic(torch.rand(1, 3, *shape))


# -------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("switches", TRAININGS.values(), ids=TRAININGS)
def test_a_network_learns_one_batch(switches):
    network, optimizer = small(**switches), None
    optimizer = adam(network)
    truth = torch.rand(4, 3, 4, 4).repeat_interleave(8, -1).repeat_interleave(8, -2)
    enter(network, Phase(3))
    losses = [
        l1_step(network, optimizer, to_grey(truth), truth, stage=3)["l1"].item() for _ in range(40)
    ]
    assert losses[-1] < 0.6 * losses[0]


def test_adversarial_step_is_the_sum_of_its_parts():
    torch.manual_seed(0)
    network, judge = small().eval(), PatchDiscriminator(width=4).eval()
    slow, slow_judge = copy.deepcopy(network), copy.deepcopy(judge)
    spoiled, truth = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    optimizers = [torch.optim.SGD(n.parameters(), lr=0.1) for n in (network, judge)]
    losses = adversarial_step(network, judge, *optimizers, spoiled, truth, stage=3, weight=0.2)
    assert list(losses) == ["l1", "adversarial", "discriminator"]
    assert all(p.requires_grad for p in judge.parameters())

    bce = nn.BCEWithLogitsLoss()
    made = slow(spoiled)
    real, fake = slow_judge(spoiled, truth), slow_judge(spoiled, made.detach())
    loss = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
    loss.backward()
    torch.optim.SGD(slow_judge.parameters(), lr=0.1).step()
    believed = bce(slow_judge(spoiled, made), torch.ones_like(fake))
    ((made - truth).abs().mean() + 0.2 * believed).backward()
    torch.optim.SGD(slow.parameters(), lr=0.1).step()
    for ours, theirs in ((network, slow), (judge, slow_judge)):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("side", [8, 16, 64])
def test_patch_discriminator_judges_every_stage(side):
    judge = PatchDiscriminator(width=4)
    assert judge(*torch.rand(2, 2, 3, side, side)).shape == (2, 1, side // 4, side // 4)


# -------------------------------------------------------------------------- experiments


def test_octaves_give_pictures_and_their_spoiled_twins():
    images = (torch.rand(5, 3, 32, 32) * 255).byte()
    pictures = Octaves(images, sides=[8, 32], spoil=to_mosaic)
    spoiled, true = pictures.batch(torch.tensor([4, 1]), side=32)
    torch.testing.assert_close(true, images[[4, 1]].float() / 255)
    torch.testing.assert_close(spoiled, to_mosaic(true), atol=0.51 / 255, rtol=0)
    spoiled_8, true_8 = pictures.batch(torch.tensor([4, 1]), side=8)
    pool = nn.AvgPool2d(4)
    torch.testing.assert_close(true_8, pool(true), atol=0.51 / 255, rtol=0)
    torch.testing.assert_close(spoiled_8, pool(to_mosaic(true)), atol=0.51 / 255, rtol=0)


def test_every_picture_comes_once_before_any_comes_again(monkeypatch):
    config = trained.Config(top=8, width=4, count=10, batch=4, epochs=10)
    images = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1).expand(-1, 3, 8, 8)
    octaves = Octaves(images, sides=[8], spoil=to_grey)
    sets = type("Sets", (), {"train": octaves, "test": octaves})()
    fabric = make_fabric(precision="32-true")

    def drawn(recipe, steps):
        return [
            round(value.item() * 255)
            for step in steps
            for value in recipe.batch(step, stage=1)[1][:, 0, 0, 0]
        ]

    recipe = trained.Recipe(config, fabric, sets, seed=0)
    found = drawn(recipe, range(10))
    for first in range(0, 40, 10):
        assert sorted(found[first : first + 10]) == list(range(10))
    assert found[:10] != found[10:20]
    # Another sitting, which begins in the middle, goes on with the same pictures.
    assert drawn(trained.Recipe(config, fabric, sets, seed=0), range(4, 10)) == found[16:]
    assert drawn(trained.Recipe(config, fabric, sets, seed=1), range(10)) != found


NAMES = ["colour_ctf_each", "mosaic_ctfae_all", "gan_ctf_each"]


@pytest.mark.parametrize("name", NAMES)
def test_smoke_run_leaves_a_whole_record(name, tmp_path):
    experiment = EXPERIMENTS[f"coarse_to_fine/{name}"]
    config = experiment.profiles["smoke"]
    folder = execute(experiment, "smoke", precision="32-true", folder=tmp_path / "run")
    record = ledger.read(experiment.name, folder=folder)
    assert record.steps == config.steps == 6
    for file, digest in record.artefacts.items():
        assert ledger.sha256(folder / file) == digest
    assert {"weights.safetensors", "epoch_000.webp", "true.webp"} <= set(record.artefacts)
    epochs, values = trained.curve(record, "val_psnr")
    assert epochs == [0, 1, 2, 3]
    assert all(3 < value < 40 for value in values)
    stages = trained.curve(record, "stage")[1]
    assert stages == ([1, 1, 2, 3] if config.each else [3, 3, 3, 3])
    assert len(trained.clock(record)) == 4
    assert list(trained.stage_seconds(record)) == ([1, 2, 3] if config.each else [3])
    assert ("adversarial" in record.curves) == bool(config.adversarial)


def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    experiment = EXPERIMENTS["coarse_to_fine/colour_ctf_each"]
    for name, stops in (("whole", [None]), ("stopped", [3, None])):
        for stop in stops:
            execute(experiment, "smoke", steps=stop, precision="32-true", folder=tmp_path / name)
    whole, stopped = (
        ledger.read(experiment.name, folder=tmp_path / name) for name in ("whole", "stopped")
    )
    assert whole.curves["l1"] == stopped.curves["l1"]
    assert whole.artefacts == stopped.artefacts


def test_seeds_can_be_added_to_a_run(tmp_path):
    experiment = EXPERIMENTS["coarse_to_fine/colour_unet"]
    for seeds in ("1", "2"):
        execute(
            experiment,
            "smoke",
            changes={"seeds": seeds},
            precision="32-true",
            folder=tmp_path / "run",
        )
    record = ledger.read(experiment.name, folder=tmp_path / "run")
    assert {"seed 0", "seed 1"} <= set(record.metrics)
    assert record.metric("seed 0", "test_psnr") != record.metric("seed 1", "test_psnr")


def test_stored_weights_are_read_strictly():
    config = trained.Config(top=16, width=4, widest=8)
    state = trained.half_state(config.network())
    made = trained.network_from(state, config)(torch.rand(1, 3, 16, 16))
    assert made.shape == (1, 3, 16, 16)
    with pytest.raises(RuntimeError, match=r"Missing key.*levels\.0\.head\.weight"):
        trained.network_from({k: v for k, v in state.items() if "0.head.weight" not in k}, config)


def test_two_optimisers_part_at_the_unfreezing_and_not_before(tmp_path):
    experiment = EXPERIMENTS["coarse_to_fine/unfreezing"]
    config = experiment.profiles["smoke"]
    fabric = make_fabric(precision="32-true")
    recipe = trained.UnfreezingRecipe(config, fabric, trained.Sets(config, fabric), seed=0)
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


def test_frames_are_kept_at_every_stages_end():
    config = trained.Config(top=64, epochs=24, count=64, batch=32)
    assert {0, 1, 2, 6, 12, 18, 24} <= set(trained.frame_epochs(config))
    assert trained.frame_epochs(dataclasses.replace(config, epochs=3)) == [0, 1, 2, 3]


def test_a_training_is_timed_by_the_same_steps_in_part_as_in_whole(monkeypatch):
    config = trained.Config(top=8, width=4, count=8, batch=2, epochs=2)
    images = torch.zeros(8, 3, 8, 8, dtype=torch.uint8)
    octaves = Octaves(images, sides=[8], spoil=to_grey)
    sets = type("Sets", (), {"train": octaves, "test": octaves})()
    recipe = trained.Recipe(config, make_fabric(precision="32-true"), sets, seed=0)
    now = iter([100.0, 104.0, 200.0, 202.0])
    monkeypatch.setattr(recipe, "_now", lambda: next(now))
    for step in range(4):
        recipe.step(step, torch.Generator())
    assert recipe.epoch_seconds(4) == 4
    recipe.pause()
    # A sitting that begins with the last two of four steps.
    for step in (6, 7):
        recipe.step(step, torch.Generator())
    assert recipe.epoch_seconds(8) == 4


# -------------------------------------------------------------------- reading, claims


def record(psnr, *, seconds, stages=(2, 2, 2, 2), seeds=1, train=None):
    """A record of four epochs of three steps, made up."""
    steps = [0.0, 3.0, 6.0, 9.0, 12.0]
    curves = {}
    for seed in range(seeds):
        for name, values, at in (
            ("val_psnr_top", psnr, steps),
            ("train_psnr", train or psnr, steps),
            ("stage", [float(stages[0]), *map(float, stages)], steps),
            ("seconds", seconds, steps[1:]),
        ):
            shift = 0.5 * seed if "psnr" in name else 0.0
            curves[f"{name}, seed {seed}"] = {"step": at, "value": [v + shift for v in values]}
    return ledger.Record(
        experiment="coarse_to_fine/x",
        profile="smoke",
        config={"count": 9, "batch": 3, "seeds": seeds, "top": 16, "epochs": 4, "adversarial": 0.1},
        seed=0,
        steps=12,
        steps_planned=12,
        device="",
        precision="",
        seconds=0.0,
        metrics={"data": {"psnr of the spoiled": 12.5}},
        protocol={},
        curves=curves,
    )


EACH = record([5, 8, 9, 18, 20], seconds=[1, 1, 4, 4], stages=(1, 1, 2, 2))
ALL = record([5, 15, 21, 22, 23], seconds=[4, 4, 4, 4], train=[5, 16, 23, 25, 27])


def test_records_are_read_by_epoch_by_second_and_by_stage():
    assert trained.curve(ALL, "val_psnr_top") == ([0, 1, 2, 3, 4], [5, 15, 21, 22, 23])
    assert trained.clock(EACH) == [0, 1, 2, 6, 10]
    assert trained.stage_seconds(EACH) == {1: 1, 2: 4}
    assert trained.last(EACH) == 20
    swaying = record([5, 8, 19, 21, 18], seconds=[1, 1, 4, 4], seeds=2)
    assert trained.ends(swaying) == [21, 21.5]
    assert trained.last(swaying) == 21.25
    assert trained.overfitting(ALL) == pytest.approx((3, 1))
    assert trained.passed(ALL, 20) == 2
    assert trained.passed(EACH, 20.5) is None
    assert trained.at_seconds(ALL, 11.9) == 21
    assert trained.at_seconds(ALL, 12) == 22
    twice = record([5, 8, 9, 18, 20], seconds=[1, 1, 4, 4], seeds=2)
    assert trained.mean_curve(twice, "val_psnr_top")[1] == [5.25, 8.25, 9.25, 18.25, 20.25]


def test_claims_say_what_the_records_say():
    def read(name):
        return EACH if name.endswith("each") else ALL

    said = [claim.measured(read) for claim in trained.CLAIMS]
    assert "colourisation, with skips: 20.00 dB stage by stage, 23.00 dB all at once" in said[0]
    assert "colourisation: +0.00 dB, 0.00 dB apart" in said[1]
    assert "after 2 of 4 epochs" in said[2]
    assert "with skips: 16 s and 10 s, 1.60 times" in said[3]
    assert said[4] == "Stage by stage: 8 px 1.00 s, 16 px 4.00 s an epoch; all at once: 4.00 s"
    assert "with skips: 21.00 dB all at once, 20.00 dB stage by stage" in said[5]
    assert "colourisation: U-Net 23.00 dB, auto-encoder 23.00 dB" in said[6]
    assert "+3.00 dB against new ones, which end 1.00 dB below" in said[7]
    assert said[7].endswith("from 9 faces in 4 epochs: +3.00 dB, 1.00 dB below")
    assert "(weight 0.1): 20.00 dB stage by stage, 23.00 dB all at once" in said[8]
    assert said[9].endswith("left grey, 12.50 dB")


def test_diagrams_are_drawn_from_the_network():
    whole = diagram(small())
    assert "3 rows, from 8 to 32 pixels, with skip connections; 3 of them read" in whole.alt
    assert "without skip connections" in diagram(small(skips=False)).alt
    assert "1 of them read" in diagram(small(every_input=False)).alt
    frozen = small()
    enter(frozen, Phase(2, frozen=True))
    assert diagram(frozen, stage=2).alt.endswith("The rows that learn: 16 pixels.")
