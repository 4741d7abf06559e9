"""Recorded painters, and painting files with them: what ``tutorial stylise`` does."""

from __future__ import annotations

import copy
import dataclasses
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from tutorial_lib import ledger
from tutorial_lib.data import (
    FORMATS,
    READABLE,
    ImageError,
    check_size,
    group_names,
    keep_image,
    load,
    only_one,
    pictures_in,
    read_image,
    try_output,
)
from tutorial_lib.lapstyle.encoder import Encoder, normalise_encoder
from tutorial_lib.lapstyle.painter import LapStyle
from tutorial_lib.lapstyle.pictures import STYLES, fit
from tutorial_lib.training import half_state, load_half_state, native_bf16
from tutorial_lib.vgg import Backbone, Vgg

ENCODER = "lapstyle/encoder"
"""The record that keeps the encoder for all of them."""

ENCODER_WEIGHTS = "encoder.safetensors"

WEIGHTS = "weights.safetensors"
"""Files of weights beside the records: of the encoder, and of a style's other networks."""

# --------------------------------------------------------------------------- painters


def prepared_encoder(backbone: Backbone, *, blocks: int = 5, photographs: int = 40) -> Encoder:
    """VGG with its channels made comparable over BSDS500's photographs, in half precision's values.

    Parameters
    ----------
    backbone : {"vgg16", "vgg19"}
        The network.
    blocks : int
        4 for painting, 5 for the losses as well.
    photographs : int
        How many photographs to take the channels' means over, 128 pixels square.
    """
    encoder = Encoder(backbone=backbone, blocks=blocks)
    load_half_state(encoder, _prepared(backbone, blocks, photographs))
    return encoder


@cache
def _prepared(backbone: Backbone, blocks: int, photographs: int) -> dict[str, Tensor]:
    encoder = Encoder.from_vgg(Vgg([f"relu{blocks}_1"], backbone=backbone))
    names = group_names("bsds500")
    names = names[:: len(names) // photographs]
    normalise_encoder(encoder, torch.cat([fit(load(name), 128)[..., :128, :128] for name in names]))
    return half_state(encoder)


def style_state(model: LapStyle) -> dict[str, Tensor]:
    """A painter's weights as they are stored: in half precision, without the encoder's."""
    return {k: v for k, v in half_state(model).items() if not k.startswith("encoder.")}


def recorded_painter(style: str) -> LapStyle:
    """The painter of one style, as recorded; needs no data from outside.

    Parameters
    ----------
    style : str
        One of `STYLES`.

    Raises
    ------
    ValueError
        If there is no such style.
    LedgerError
        If it is not recorded, or its weights are not those recorded.
    """
    if style not in STYLES:
        raise ValueError(f"no style {style!r}; there are: {', '.join(STYLES)}")
    record = ledger.read(f"lapstyle/{style}")
    state = load_file(record.artefact(WEIGHTS))
    encoder = recorded_encoder(record.config["backbone"])
    revisions = {key.split(".")[1] for key in state if key.startswith("revisions.")}
    model = LapStyle(encoder, revisions=len(revisions))
    theirs = {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
    load_half_state(model, state | theirs)
    return model


def recorded_encoder(backbone: Backbone = "vgg16") -> Encoder:
    """The encoder as recorded, or one prepared here if the record's has another backbone."""
    record = ledger.read(ENCODER)
    if record.config["backbone"] != backbone:
        return prepared_encoder(backbone, blocks=4)
    encoder = Encoder(backbone=backbone)
    load_half_state(encoder, load_file(record.artefact(ENCODER_WEIGHTS)))
    return encoder


def fast_form(model: LapStyle, device: torch.device, *, compile: bool = False) -> nn.Module:
    """A copy for painting only: channels last, and in half precision where that is faster.

    Parameters
    ----------
    model : LapStyle
        Left as it is.
    device : torch.device
        A GPU takes float16; a CPU bfloat16 if it multiplies that in hardware, else float32.
    compile : bool
        Compile on a GPU: worth a minute for many pictures of one size.
    """
    half = torch.float16 if device.type == "cuda" else torch.bfloat16
    dtype = half if device.type == "cuda" or native_bf16() else torch.float32
    fast = copy.deepcopy(model).eval().requires_grad_(False)
    fast.to(device=device, dtype=dtype).to(memory_format=torch.channels_last)
    if compile and device.type == "cuda":
        return torch.compile(fast, mode="reduce-overhead", dynamic=False)  # type: ignore[return-value]
    return fast


# ------------------------------------------------------------------------------ files


@dataclasses.dataclass(frozen=True)
class Painted:
    """What came of painting files.

    Attributes
    ----------
    done, kept : int
        Pictures painted now, and those that were there.
    failed : dict of Path to str
        What could not be painted, and why.
    """

    done: int = 0
    kept: int = 0
    failed: dict[Path, str] = dataclasses.field(default_factory=dict)


def stylise_files(
    source: Path, target: Path, *, style: str, strength: float = 1.0, overwrite: bool = False
) -> Painted:
    """Paint one photograph into a file, or all photographs of a folder into another folder.

    A picture of a folder that cannot be read or written does not stop the others. Paintings of
    kinds that are read and not written, such as .tiff, are PNG files.

    Parameters
    ----------
    source : Path
        A picture, or a folder of them; their order and names are kept.
    target : Path
        A file with the suffix of an image format, or a folder, which is made.
    style : str
        A recorded style.
    strength : float
        0 to 1, as in :func:`tutorial_lib.lapstyle.drafting.stylised_maps`.
    overwrite : bool
        Replace paintings that exist. Without it, those of a folder are kept, so that a run that
        was stopped goes on; a single one is an error.

    Returns
    -------
    Painted
        What was done, and what failed.

    Raises
    ------
    ValueError
        If there is no such source or style, the source holds no pictures, or the target exists
        or has no image's suffix.
    ImageError
        If a single picture cannot be read.
    InUse
        If another process paints into the folder.
    OSError
        If the target cannot be written: before the work, or with the place of the result.
    LedgerError
        If the style is not recorded.
    """
    if source.is_dir():
        jobs = _jobs(source, target)
        remedy = "wait for it, or choose another folder"
        with only_one(target, what=f"stylise --style {style}", remedy=remedy):
            return _paint_folder(jobs, style=style, strength=strength, overwrite=overwrite)
    if not source.exists():
        raise ValueError(f"{source}: no such file or folder")
    if target.suffix.lower() not in FORMATS:
        raise ValueError(f"{target}: cannot write {target.suffix!r}; use {', '.join(FORMATS)}")
    try_output(target, overwrite=overwrite)
    photo = read_image(source)
    check_size(target, width=photo.shape[-1], height=photo.shape[-2])
    painter, device = _ready(style)
    made = _painted(painter, photo, device, strength=strength)
    keep_image(target, made, overwrite=overwrite)
    return Painted(done=1)


def _paint_folder(
    jobs: list[tuple[Path, Path]], *, style: str, strength: float, overwrite: bool
) -> Painted:
    waiting = [(a, b) for a, b in jobs if overwrite or not b.exists()]
    kept, failed = len(jobs) - len(waiting), dict[Path, str]()
    if not waiting:
        return Painted(kept=kept)
    try_output(waiting[0][1], overwrite=True)
    painter, device = _ready(style)
    for photo, painting in tqdm(waiting, desc=style, unit="picture", disable=len(waiting) == 1):
        try:
            picture = read_image(photo)
            check_size(painting, width=picture.shape[-1], height=picture.shape[-2])
            made = _painted(painter, picture, device, strength=strength)
            keep_image(painting, made, overwrite=overwrite)
        except (ImageError, OSError, ValueError) as error:
            failed[photo] = str(error)
    return Painted(len(waiting) - len(failed), kept, failed)


def _ready(style: str) -> tuple[nn.Module, torch.device]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return fast_form(recorded_painter(style), device), device


@torch.inference_mode()
def _painted(painter: nn.Module, photo: Tensor, device: torch.device, *, strength: float) -> Tensor:
    made: Tensor = painter(photo.to(device), strength=strength)
    return made.float()


def _jobs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Every photograph of a folder with the name of its painting."""
    photos = pictures_in(source)
    if not photos:
        raise ValueError(f"no pictures in {source}; they end in {', '.join(READABLE)}")
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} is a file: a folder of photographs needs a folder")
    if target.resolve() == source.resolve():
        raise ValueError(f"{target} holds the photographs: choose another folder")
    names = {photo.name for photo in photos}
    jobs = []
    for photo in photos:
        name = photo.name
        if photo.suffix.lower() not in FORMATS:
            # Another photograph may have the short name.
            name = f"{photo.stem}.png" if f"{photo.stem}.png" not in names else f"{name}.png"
            names.add(name)
        jobs.append((photo, target / name))
    return jobs
