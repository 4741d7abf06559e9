"""The U-Net of many stages against networks written out, and what it refuses."""

import pytest
import torch

from tutorial_lib.coarse_to_fine import CoarseToFine, PatchDiscriminator, sizes

TRAININGS = {
    "ctf": {},
    "ctfae": {"skips": False},
    "unet": {"every_input": False},
}


@pytest.mark.parametrize("switches", TRAININGS.values(), ids=TRAININGS)
def test_answers_have_the_pictures_size_and_range(small, switches):
    network = small(**switches)
    made = network(torch.rand(2, 3, 32, 48) * 100)
    assert made.shape == (2, 3, 32, 48)
    assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_stage_is_the_smaller_network(small, stage, skips):
    """Its levels alone, built as a network of its own, answer the same."""
    network = small(skips=skips).eval()
    side = network.sizes[stage - 1]
    alone = CoarseToFine(top=side, width=[8, 8, 4][stage - 1], widest=8, skips=skips).eval()
    state = {k: v for k, v in network.state_dict().items() if int(k.split(".")[1]) < stage}
    alone.load_state_dict(state)
    picture = torch.rand(2, 3, side, side)
    torch.testing.assert_close(network(picture, stage=stage), alone(picture))


def test_levels_above_the_stage_are_not_run(small):
    network = small()
    for level in network.levels[2:]:
        for module in level.children():
            module.register_forward_hook(lambda *_: pytest.fail("a level above the stage ran"))
    network(torch.rand(1, 3, 16, 16), stage=2)


def test_channels_double_downwards_up_to_the_widest():
    network = CoarseToFine(top=256, width=8, widest=64)
    assert network.sizes == (8, 16, 32, 64, 128, 256)
    assert [level.head.in_channels for level in network.levels] == [64, 64, 64, 32, 16, 8]


def test_what_the_switches_switch(small):
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
def test_the_forward_pass_equals_one_written_out(small, switches):
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


@pytest.mark.parametrize("top", [0, 4, 12, 48, 100])
def test_other_sizes_are_refused(top):
    with pytest.raises(ValueError, match=f"got {top}"):
        sizes(top)


def test_other_stages_and_sides_are_refused(small):
    network = small()
    with pytest.raises(ValueError, match="stages 1 to 3: got 4"):
        network(torch.rand(1, 3, 32, 32), stage=4)
    with pytest.raises(ValueError, match="multiples of 4"):
        network(torch.rand(1, 3, 32, 30))
    with pytest.raises(ValueError, match="has one stage"):
        small(every_input=False)(torch.rand(1, 3, 16, 16), stage=2)


@pytest.mark.parametrize("side", [8, 16, 64])
def test_patch_discriminator_judges_every_stage(side):
    judge = PatchDiscriminator(width=4)
    assert judge(*torch.rand(2, 2, 3, side, side)).shape == (2, 1, side // 4, side // 4)


@pytest.mark.parametrize("skips", [True, False])
def test_a_level_that_is_not_faded_in_leaves_the_answer_to_the_one_below(small, skips):
    network = small(skips=skips).eval()
    picture = torch.rand(2, 3, 32, 32)
    shrunk = torch.nn.functional.avg_pool2d(picture, 2)
    below = network(shrunk, stage=2).repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(network(picture, fade=0.0), below)
    assert torch.equal(network(picture, fade=1.0), network(picture))
    half = network(picture, fade=0.5)
    assert (half - below).abs().max() > 1e-3
    assert (half - network(picture)).abs().max() > 1e-3


def test_instance_normalisation_treats_every_picture_by_itself():
    torch.manual_seed(0)
    network = CoarseToFine(top=16, width=4, norm="instance").train()
    pictures = torch.rand(3, 3, 16, 16)
    alone = torch.cat([network(picture[None]) for picture in pictures])
    torch.testing.assert_close(network(pictures), alone)
    batch = CoarseToFine(top=16, width=4).train()
    assert (batch(pictures) - torch.cat([batch(p[None]) for p in pictures])).abs().max() > 1e-2
    assert sum(p.numel() for p in network.parameters()) == sum(
        p.numel() for p in batch.parameters()
    )
    with pytest.raises(ValueError, match="batch, instance: got 'layer'"):
        CoarseToFine(top=16, norm="layer")
