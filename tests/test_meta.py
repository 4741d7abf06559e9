"""Every recipe's step where tensors live elsewhere: a forgotten ``.to(device)`` raises here.

The meta device has shapes and no values. Mixing its tensors with those of the CPU is an error, as
it is with those of a GPU.
"""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.coarse_to_fine.recipe import Recipe as CoarseRecipe
from tutorial_lib.coarse_to_fine.recipe import prepare
from tutorial_lib.data import DataUnavailable
from tutorial_lib.dni.denoisers import DenoiserRecipe
from tutorial_lib.gan_basics.faces_training import FacesRecipe
from tutorial_lib.gan_basics.plane_training import PlaneRecipe
from tutorial_lib.lapstyle.training import StyleRecipe
from tutorial_lib.srgan.training import SrganRecipe, SrresnetRecipe

META = torch.device("meta")


class Elsewhere:
    """As much of Fabric as recipes use, with its tensors on the meta device."""

    device, world_size, global_rank, is_global_zero = META, 1, 0, True
    _precision = SimpleNamespace(precision="32-true")

    def setup(self, network, optimizer):
        network.to(META)
        # Its weights are other tensors now, which the optimiser is to have.
        kind, group = type(optimizer), dict(optimizer.param_groups[0])
        options = {k: group[k] for k in ("lr", "betas")}
        parameters = [p for p in network.parameters() if p.requires_grad]
        return network, kind(parameters, **options)

    def autocast(self):
        return nullcontext()

    def no_backward_sync(self, module, enabled=True):
        return nullcontext()

    def backward(self, loss):
        loss.backward()


def smoke(name, **changes):
    return dataclasses.replace(EXPERIMENTS[name].profiles["smoke"], **changes)


def coarse(fabric):
    config = smoke("coarse_to_fine/gan_ctf_each")
    return CoarseRecipe(config, fabric, prepare(config, fabric).train, seed=0)


RECIPES = {
    "srresnet": lambda fabric: SrresnetRecipe(
        smoke("srgan/srresnet", average=True, cosine=True), fabric, steps=4
    ),
    "srgan": lambda fabric: SrganRecipe(
        smoke("srgan/srgan", start="", judge_first=0), fabric, steps=4
    ),
    "denoiser": lambda fabric: DenoiserRecipe(smoke("dni/filters"), fabric, steps=4),
    "style": lambda fabric: StyleRecipe(smoke("lapstyle/starry_night"), fabric, steps=3),
    "coarse to fine": coarse,
    "faces": lambda fabric: FacesRecipe(smoke("gan_basics/faces32"), fabric),
    "plane": lambda fabric: PlaneRecipe(smoke("gan_basics/collapse"), fabric),
}


def unfused(recipe):
    """PyTorch has no fused optimiser for the meta device."""
    for optimizer in recipe.optimizers.values():
        for group in optimizer.param_groups:
            group["fused"] = False


def step(recipe, index):
    return recipe.step(index, torch.Generator().manual_seed(index))


@pytest.mark.parametrize("name", RECIPES)
def test_a_step_elsewhere(name):
    try:
        recipe = RECIPES[name](Elsewhere())
    except DataUnavailable as unavailable:
        pytest.skip(str(unavailable))
    unfused(recipe)
    for average in getattr(recipe, "averages", ()):
        # How much the newest weights count is computed from a number, and here are none.
        average.update_parameters = lambda _: None
    for index in range(3):
        losses = step(recipe, index)
        assert losses
        assert all(loss.device == META and loss.ndim == 0 for loss in losses.values())


def test_the_meta_device_notices():
    """What the test above would see of a batch that stays on the CPU."""
    recipe = RECIPES["plane"](Elsewhere())
    unfused(recipe)
    recipe.device = torch.device("cpu")
    with pytest.raises(RuntimeError, match=r"same device|meta tensor"):
        step(recipe, 0)


def half(kind):
    """Fabric on the CPU, as on a GPU without bfloat16: fp16 with a scaler; or with it."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8) if kind == "16-mixed" else None
    fabric = Fabric(accelerator="cpu", plugins=[MixedPrecision(kind, "cpu", scaler)])
    fabric.launch()
    return fabric


@pytest.mark.parametrize("kind", ["16-mixed", "bf16-mixed"])
@pytest.mark.parametrize("name", ["srgan", "denoiser", "style", "coarse to fine", "faces"])
def test_a_step_in_half_precision(name, kind):
    fabric = half(kind)
    try:
        recipe = RECIPES[name](fabric)
    except DataUnavailable as unavailable:
        pytest.skip(str(unavailable))
    weights = [p for module in recipe.modules.values() for p in module.parameters()]
    before = [weight.detach().clone() for weight in weights]
    for index in range(3):
        losses = step(recipe, index)
        assert all(bool(loss.isfinite()) for loss in losses.values())
    assert all(bool(weight.isfinite().all()) for weight in weights)
    assert any(not torch.equal(*pair) for pair in zip(before, weights, strict=True))
    if kind == "16-mixed":
        # Now and then a gradient is too large: the scale is halved, and that step left out.
        assert fabric._precision.scaler.get_scale() >= 2.0**5
