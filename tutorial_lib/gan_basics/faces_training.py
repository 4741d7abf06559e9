"""DCGANs on cartoon faces, trained and recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.utils import make_grid

from tutorial_lib import ledger
from tutorial_lib.data import write_image
from tutorial_lib.data.faces import CartoonFaces
from tutorial_lib.experiment import Run
from tutorial_lib.gan_basics.game import gan_step
from tutorial_lib.gan_basics.losses import LOSSES
from tutorial_lib.gan_basics.measures import FixedFeatures, kernel_distance, nearest
from tutorial_lib.gan_basics.players import DcganDiscriminator, DcganGenerator
from tutorial_lib.gan_basics.seeds import curve_name, curve_names, over_seeds
from tutorial_lib.settings import at_least, positive, share
from tutorial_lib.training import half_state, load_half_state, set_up, train, write_atomically


@dataclasses.dataclass(frozen=True)
class FacesConfig:
    """Settings of a DCGAN on cartoon faces.

    Attributes
    ----------
    size : int
        Side of the pictures.
    steps : int
        Updates of the generator, and as many of the discriminator.
    seeds : int
        Runs, from seed 0; all are measured, and the first one's pictures are kept.
    batch, width, latent : int
        Pictures a batch; channels at full resolution; length of the noise.
    learning_rate, momentum : float
        Adam's, and its β₁; as in Radford 2016.
    averaging : float
        Decay of the moving average of the generator's weights that is looked at; less at first.
    count : int or None
        Use only so many faces.
    judged : int
        Pictures of either kind in a kernel distance.
    """

    size: int
    steps: int
    seeds: int = 3
    batch: int = 64
    width: int = 32
    latent: int = 64
    learning_rate: float = 2e-4
    momentum: float = 0.5
    averaging: float = 0.995
    count: int | None = None
    judged: int = 1000

    def __post_init__(self) -> None:
        at_least(self, 1, "seeds", "batch", "width", "latent", "count")
        at_least(self, 2, "judged")
        positive(self, "learning_rate")
        share(self, "momentum", "averaging")
        if self.size < 8 or self.size.bit_count() > 1:
            raise ValueError(f"size must be 8, 16, 32, 64, …: got {self.size}")


class FacesRecipe:
    """One DCGAN a seed, trained in turn on different batches."""

    def __init__(self, config: FacesConfig, fabric: Fabric) -> None:
        self.config, self.fabric = config, fabric
        self.batch_size = config.batch * config.seeds
        progress = fabric.is_global_zero
        self.faces = CartoonFaces("train", size=config.size, count=config.count, progress=progress)
        self.modules: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.players: list[tuple[nn.Module, nn.Module]] = []
        self.averages: list[AveragedModel] = []
        for seed in range(config.seeds):
            torch.manual_seed(seed)
            generator = DcganGenerator(size=config.size, latent=config.latent, width=config.width)
            discriminator = DcganDiscriminator(size=config.size, width=config.width)
            ready = []
            for player, network in (("generator", generator), ("discriminator", discriminator)):
                optimizer = torch.optim.Adam(
                    network.parameters(),
                    lr=config.learning_rate,
                    betas=(config.momentum, 0.999),
                    fused=True,
                )
                fast, self.optimizers[f"{player} {seed}"] = set_up(fabric, network, optimizer)
                self.modules[f"{player} {seed}"] = network
                ready.append(fast)
            self.players.append((ready[0], ready[1]))
            average = AveragedModel(
                generator, multi_avg_fn=warmed_up(config.averaging), use_buffers=True
            )
            self.modules[f"average {seed}"] = average
            self.averages.append(average)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Play one round of every seed's game; returns their losses."""
        config, device = self.config, self.fabric.device
        losses: dict[str, Tensor] = {}
        for seed, (maker, judge) in enumerate(self.players):
            real = self.faces.sample(config.batch, generator=generator, device=device)
            noises = torch.randn(2, config.batch, config.latent, generator=generator).to(device)
            found = gan_step(
                maker,
                judge,
                self.optimizers[f"generator {seed}"],
                self.optimizers[f"discriminator {seed}"],
                [real],
                list(noises),
                losses=LOSSES["non-saturating"],
                backward=self.fabric.backward,
            )
            # The count is the step's number: a resumed run then averages as if never stopped.
            self.averages[seed].n_averaged.fill_(index)
            self.averages[seed].update_parameters(self.modules[f"generator {seed}"])
            losses |= {
                curve_name(f"{player} loss", seed=seed): loss for player, loss in found.items()
            }
        return losses

    def result(self, seed: int = 0) -> DcganGenerator:
        """The generator to look at, as it will be stored: averaged, in half precision."""
        state = half_state(self.averages[seed].module)
        return faces_generator(state, self.config).to(self.fabric.device)


def warmed_up(decay: float) -> Callable[[Any, Any, Tensor | int], None]:
    """Make the rule of a moving average whose decay is less at first.

    So the initial weights are soon forgotten.

    Parameters
    ----------
    decay : float
        In the long run; after n steps it is (1 + n) / (10 + n), if that is less.

    Returns
    -------
    callable
        For :class:`torch.optim.swa_utils.AveragedModel`.
    """

    def average(averaged: Any, current: Any, count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(now)(averaged, current, count)

    return average


def faces_generator(weights: dict[str, Tensor], config: FacesConfig) -> DcganGenerator:
    """Build a generator from stored half-precision weights; strict about every name."""
    network = DcganGenerator(size=config.size, latent=config.latent, width=config.width)
    load_half_state(network, weights)
    return network


def make_faces(network: nn.Module, noise: Tensor) -> Tensor:
    """Faces from (N, latent) noise, on the CPU: (N, 3, S, S) in [0, 1]."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        parts = [network(part.to(device)).float().cpu() for part in noise.split(250)]
    return torch.cat(parts).contiguous()


def wall_noise(count: int, latent: int, *, seed: int = 0) -> Tensor:
    """The noise vectors behind the chapter's walls: (count, latent)."""
    return torch.randn(count, latent, generator=torch.Generator().manual_seed(seed))


LOOKS = (0, 100, 200, 400, 700, *range(1000, 100_000, 500))
"""Steps after which faces are drawn and measured, beside the last."""

FACES_PROTOCOL = {
    "kernel distance": "squared MMD without bias, kernel (a·b/2048 + 1)³, on 2,048 features of a "
    "random convolutional network (FixedFeatures, seed 0) with the test faces as reference; "
    "generated faces against as many test faces",
    "true kernel distance": "the same for training faces in place of generated ones",
    "generator": "moving average of the weights, rounded to half precision",
}


def run_faces(run: Run) -> ledger.Record:
    """Train DCGANs on cartoon faces, measure them, and keep the nearest training faces of some."""
    config: FacesConfig = run.config
    recipe = FacesRecipe(config, run.fabric)
    test = CartoonFaces("test", size=config.size, count=config.judged, progress=False)
    true = test.images.float() / 255
    features = FixedFeatures(true)
    wanted = features(true)
    noise = wall_noise(config.judged, config.latent, seed=1)

    def distance(images: Tensor) -> float:
        return kernel_distance(features(images), wanted).item()

    def watch(step: int) -> dict[str, float]:
        found = {}
        for seed in range(config.seeds):
            network = recipe.result(seed)
            found[curve_name("kernel distance", seed=seed)] = distance(make_faces(network, noise))
            if seed == 0 and run.fabric.is_global_zero:
                wall = make_grid(make_faces(network, wall_noise(32, config.latent)), 8, padding=0)
                path = run.folder / wall_name(step)
                write_image(path, wall[None], quality=95, overwrite=True)
        return found

    history = train(
        recipe,
        fabric=run.fabric,
        steps=run.steps,
        folder=run.folder,
        config=run.settings(),
        watch=watch,
        watch_at={*(step for step in LOOKS if step < run.steps), run.steps},
        checkpoint_every=200,
        label=run.experiment,
    )
    # A run that ended earlier once and was carried on has looked there too.
    regular = {*LOOKS, run.steps}
    history.watched = [row for row in history.watched if row["step"] in regular]
    network = recipe.result().cpu()
    made = make_faces(network, wall_noise(8, config.latent, seed=2))
    training = recipe.faces.images.cpu()
    index, _ = nearest(made, training)
    distances = curve_names("kernel distance", seeds=config.seeds)
    metrics: dict[str, Any] = {
        "kernel distance": over_seeds([history.watched[-1][name] for name in distances]),
        "true kernel distance": round(distance(training[: config.judged].float() / 255), 5),
    }
    pairs = torch.cat([made, training[index].float() / 255])
    write_image(
        run.folder / "neighbours.webp", make_grid(pairs, 8, padding=0)[None], overwrite=True
    )
    state = half_state(network)
    write_atomically(run.folder / "weights.safetensors", lambda path: save_file(state, str(path)))
    walls = [wall_name(int(row["step"])) for row in history.watched]
    return run.record(
        history=history,
        metrics=metrics,
        protocol=FACES_PROTOCOL,
        artefacts=["weights.safetensors", "neighbours.webp", *walls],
    )


def wall_name(step: int) -> str:
    """File with 32 faces after so many steps, 8 in a row."""
    return f"wall_{step:06d}.webp"
