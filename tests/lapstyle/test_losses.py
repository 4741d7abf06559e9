import itertools
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tutorial_lib.lapstyle.losses import (
    LAYERS,
    STRUCTURE_LAYERS,
    Style,
    StyleWeights,
    base_losses,
    cosine_distances,
    moment_loss,
    moments,
    normalise,
    perceptual_loss,
    relaxed_emd,
    self_similarity_loss,
)

LOSSES = [relaxed_emd, self_similarity_loss, moment_loss, perceptual_loss]


@pytest.fixture
def maps():
    torch.manual_seed(0)
    return torch.rand(2, 6, 4, 5).double(), torch.rand(2, 6, 4, 5).double()


# -------------------------------------------------------------------------------- shape


def test_distances_are_between_all_places(maps):
    made, style = maps[0], maps[1][:1, :, :3]
    distances = cosine_distances(made, style)
    assert distances.shape == (2, 20, 15)
    by_hand = F.cosine_similarity(made[1, :, 2, 4], style[0, :, 1, 3], dim=0)
    assert distances[1, 14, 8].item() == pytest.approx(1 - by_hand.item(), abs=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_is_a_scalar_and_zero_for_equal_maps(loss, maps):
    assert loss(*maps).shape == ()
    assert loss(*maps).item() > 0.01
    assert loss(maps[0], maps[0]).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("loss", [relaxed_emd, moment_loss])
def test_style_losses_take_one_style_of_another_size_for_a_whole_batch(loss, maps):
    style = torch.rand(1, 6, 3, 7)
    alone = [loss(made[None], style) for made in maps[0]]
    torch.testing.assert_close(loss(maps[0], style), torch.stack(alone).mean())


def test_the_dearer_direction_is_chosen_for_each_picture_by_itself():
    """One picture has a single one of the style's features, the other all of them and more."""
    style = torch.eye(6).view(1, 6, 2, 3)
    one = style[..., :1, :1].expand(1, 6, 4, 5)
    more = torch.cat(
        [style.flatten(2), -style.flatten(2).mean(2, keepdim=True).expand(1, 6, 14)], 2
    )
    batch = torch.cat([one, more.view(1, 6, 4, 5)])
    there, back = (cosine_distances(batch, style).amin(side).mean(1) for side in (2, 1))
    assert there[0] < 1e-4 < 0.5 < back[0]
    assert back[1] < 1e-4 < 0.5 < there[1]
    together = relaxed_emd(batch, style)
    torch.testing.assert_close(together, (back[0] + there[1]) / 2)
    # As the batch has two pictures, the larger of the two directions' means is far from it.
    assert together > 1.5 * max(there.mean(), back.mean())


def test_style_losses_do_not_see_where_a_feature_stands(maps):
    shuffled = maps[0].flatten(2)[:, :, torch.randperm(20)].view_as(maps[0])
    for loss in (relaxed_emd, moment_loss):
        torch.testing.assert_close(loss(shuffled, maps[1]), loss(*maps))
    for loss in (self_similarity_loss, perceptual_loss):
        assert abs(loss(shuffled, maps[1]) - loss(*maps)) > 1e-4


def test_normalised_maps_have_no_mean_and_unit_deviation(maps):
    mean, deviation = moments(normalise(maps[0] * 7 + 3))
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-5, rtol=0)
    torch.testing.assert_close(deviation, torch.ones_like(deviation), atol=1e-4, rtol=0)


def test_total_weighs_as_the_article():
    losses = {
        name: torch.tensor(10.0**i)
        for i, name in enumerate(["perceptual", "self_similarity", "moment", "remd", "adversarial"])
    }
    expected = (1 + 16 * 10) + 3 * (100 + 3 * 1000) + 10_000
    assert StyleWeights().total(losses).item() == pytest.approx(expected)
    with pytest.raises(KeyError, match="identity"):
        StyleWeights().total({"identity": torch.ones(())})


def test_chosen_places_estimate_the_losses_over_all_of_them():
    torch.manual_seed(0)
    made, content, style = (
        {name: F.avg_pool2d(torch.rand(1, 8, 34, 34), 3, 1) for name in LAYERS} for _ in range(3)
    )
    style = Style.of(style)
    whole = base_losses(made, content, style)
    enough = base_losses(made, content, style, places=torch.rand(32 * 32))
    some = base_losses(made, content, style, places=torch.rand(400))
    for name, value in whole.items():
        torch.testing.assert_close(enough[name], value)
        if name in ("perceptual", "moment"):
            torch.testing.assert_close(some[name], value)
    assert some["self_similarity"] == pytest.approx(whole["self_similarity"].item(), rel=0.1)
    # The nearest of fewer features is farther away.
    assert whole["remd"] < some["remd"] < 2 * whole["remd"]


def test_what_is_computed_once_does_not_change_the_losses():
    """Each of the four, added up over its layers one by one."""
    torch.manual_seed(0)
    made, content, style = ({name: torch.rand(n, 8, 6, 5) for name in LAYERS} for n in (2, 2, 1))
    pairs = {
        "perceptual": (perceptual_loss, content, LAYERS),
        "self_similarity": (self_similarity_loss, content, STRUCTURE_LAYERS),
        "moment": (moment_loss, style, LAYERS),
        "remd": (relaxed_emd, style, STRUCTURE_LAYERS),
    }
    found = base_losses(made, content, Style.of(style))
    for name, (loss, other, layers) in pairs.items():
        one_by_one = torch.stack([loss(made[layer], other[layer]) for layer in layers]).sum()
        torch.testing.assert_close(found[name], one_by_one)


def test_an_encoder_without_the_last_layer_leaves_its_losses_out():
    torch.manual_seed(0)
    made, content, style = ({name: torch.rand(1, 8, 6, 5) for name in LAYERS} for _ in range(3))
    whole = base_losses(made, content, Style.of(style))
    deepest = made.pop("relu5_1")
    style_of_four = Style.of({name: style[name] for name in made})
    found = base_losses(made, content, style_of_four)
    lost = {
        "perceptual": perceptual_loss(deepest, content["relu5_1"]),
        "moment": moment_loss(deepest, style["relu5_1"]),
    }
    for name, value in whole.items():
        torch.testing.assert_close(found[name] + lost.get(name, 0), value)


def test_moments_are_the_unbiased_ones():
    maps = 3 + 5 * torch.rand(2, 6, 7, 4)
    variance, mean = torch.var_mean(maps, dim=(-2, -1), keepdim=True)
    torch.testing.assert_close(moments(maps), (mean, (variance + 1e-5).sqrt()))


# ----------------------------------------------------------------- gradient and stability


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_finite_differences(loss, maps):
    """The library works in single precision, so the step is wide and the bound loose."""
    made = maps[0].float().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(made, maps[1].float()), made)
    direction = F.normalize(gradient.flatten(), dim=0).view_as(gradient)
    step = 1e-3
    with torch.no_grad():
        ahead, behind = (loss(made + s * step * direction, maps[1].float()) for s in (1, -1))
    slope = ((ahead - behind) / (2 * step)).item()
    assert slope == pytest.approx(gradient.norm().item(), rel=0.05)


CASES = {
    "zero": torch.zeros(2, 6, 4, 5),
    "constant": torch.full((2, 6, 4, 5), 0.7),
    "one zero feature": torch.rand(2, 6, 4, 5).index_fill(3, torch.tensor([0]), 0.0),
    "one dead channel": torch.rand(2, 6, 4, 5).index_fill(1, torch.tensor([2]), 0.0),
    "one place": torch.rand(2, 6, 1, 1),
    "random": torch.rand(2, 6, 4, 5),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("case", list(itertools.product(CASES, CASES)), ids="-".join)
def test_value_and_gradient_are_finite_where_the_published_code_divides_by_zero(loss, case):
    made, other = (CASES[name].clone().requires_grad_(True) for name in case)
    if made.shape != other.shape and loss in (self_similarity_loss, perceptual_loss):
        other = CASES[case[0]].detach().flip(0).requires_grad_(True)
    value = loss(made, other)
    value.backward()
    assert value.isfinite()
    for x in (made, other):
        assert x.grad is not None
        assert x.grad.isfinite().all()
        assert x.grad.abs().max() < 1e4


def test_the_published_form_does_give_nan():
    """The chapter shows this; if it were not so, the guards would be dead weight."""
    zero = torch.zeros(1, 6, 4, 5)
    flat = zero.flatten(2)
    length = flat.square().sum(1).sqrt()
    published = 1 - flat.mT @ flat / length[:, :, None] / length[:, None]
    assert published.isnan().all()


# ---------------------------------------------------------------------------- reference


@pytest.mark.parametrize("case", ["a", "b"])
def test_losses_equal_the_reference(case, reference_dir):
    arrays = np.load(reference_dir / "lapstyle_reference.npz")
    expected = json.loads((reference_dir / "lapstyle_reference.json").read_text())[case]
    made, target = (torch.from_numpy(arrays[f"{case}_{x}"]) for x in ("pred", "target"))
    # The reference averages each direction over the batch before it takes the larger; of a batch of
    # one, as in case a, that is the loss.
    distances = cosine_distances(made, target)
    remd = torch.maximum(distances.amin(2).mean(), distances.amin(1).mean())
    if len(made) == 1:
        torch.testing.assert_close(relaxed_emd(made, target), remd)
    found = {
        "remd": remd,
        "self_similarity": self_similarity_loss(made, target),
        "moment": moment_loss(made, target),
        "content": perceptual_loss(made, target),
    }
    assert {k: v.item() for k, v in found.items()} == pytest.approx(expected, abs=1e-4)


def test_pairwise_losses_equal_loops(maps):
    """Every pair of places by hand, as the papers' equations read."""
    made, other = (m[:1] for m in maps)
    a, b = made[0].flatten(1).T, other[0].flatten(1).T

    def distance(x, y):
        return (1 - x @ y / x.norm() / y.norm()).item()

    nearest = [min(distance(x, y) for y in b) for x in a]
    nearest_back = [min(distance(x, y) for x in a) for y in b]
    emd = max(sum(nearest) / len(a), sum(nearest_back) / len(b))
    assert relaxed_emd(made, other).item() == pytest.approx(emd, abs=1e-5)

    def shares(places):
        table = np.array([[distance(x, y) for y in places] for x in places])
        return table / table.sum(0, keepdims=True)

    difference = np.abs(shares(a) - shares(b)).mean() * len(a)
    assert self_similarity_loss(made, other).item() == pytest.approx(difference, abs=1e-5)
