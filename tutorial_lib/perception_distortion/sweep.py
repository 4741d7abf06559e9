"""The sweep: SRResNet carried on with one coefficient of the adversarial loss, and measured."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import torch
from safetensors.torch import save_file

from tutorial_lib import ledger
from tutorial_lib.data import load, low_resolution, mod_crop
from tutorial_lib.experiment import Run
from tutorial_lib.metrics import PIRM, niqe, rmse
from tutorial_lib.perception_distortion.points import PRISTINE, PROTOCOL, measure_point, provenance
from tutorial_lib.srgan.evaluation import CROPS, SCALE
from tutorial_lib.srgan.training import SrganConfig, SrganRecipe
from tutorial_lib.training import half_state, train, write_atomically


@dataclasses.dataclass(frozen=True)
class SweepConfig(SrganConfig):
    """Settings of one training of the sweep, beyond those of SRGAN's.

    Attributes
    ----------
    keep_weights : bool
        Whether the record holds the weights.
    """

    keep_weights: bool = False
    test_sets: tuple[str, ...] = ("set14", "bsd100")
    measures_sets: ClassVar[bool] = False


def run_sweep(run: Run) -> ledger.Record:
    """Carry SRResNet on with this configuration's losses, and measure the point it comes to."""
    config = run.config
    recipe = SrganRecipe(config, run.fabric, steps=run.steps)
    file = CROPS["statues"][0]
    real = mod_crop(load(file), SCALE)
    low = low_resolution(real, scale=SCALE).to(run.fabric.device)

    @torch.no_grad()
    def watch(step: int) -> dict[str, float]:
        found = {}
        for suffix, network in (
            ("", recipe.result()),
            (", latest", recipe.stored(recipe.modules["generator"])),
        ):
            made = network(low).cpu().clamp(0, 1)
            found[f"rmse{suffix}"] = rmse(made, real, protocol=PIRM).item()
            found[f"niqe{suffix}"] = niqe(made).item()
        return found

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        # Where the rate falls towards the last step, that step belongs to the settings.
        config=run.settings()
        | {"steps": run.steps if recipe.falls else 0, "keep_weights": None}
        | recipe.determined(),
        watch=watch,
        watch_at=sorted({round(run.steps * part / 6) for part in range(7)}),
        label=run.experiment,
    )
    network = recipe.result()
    metrics, files = measure_point(run, network)
    if config.keep_weights:
        state = half_state(network)
        write_atomically(
            run.folder / "weights.safetensors", lambda path: save_file(state, str(path))
        )
        files.append("weights.safetensors")
    averaged = "mean of the weights over about the last tenth of the steps"
    words = recipe.protocol()
    words["content loss"] += f", weight {config.content:g}"
    photographs_used = [] if config.photographs == "voc2012" else [config.photographs]
    return run.record(
        history=history,
        metrics=metrics,
        protocol={
            **PROTOCOL,
            "start": provenance(config.start),
            "network": (averaged if config.average else "weights of the last step")
            + ", rounded to half precision; evaluated in float32",
            **words,
            "rmse, niqe over steps": f"of {file}; 'latest' is the network without averaging",
        },
        artefacts=files,
        data=[*config.test_sets, *photographs_used, PRISTINE, *recipe.files()],
        start=recipe.start,
    )
