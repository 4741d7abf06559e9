"""Recorded painters, and painting files with them: what ``tutorial stylise`` does."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from tutorial_lib import ledger
from tutorial_lib.data import group_names, load, read_image, write_image
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

PICTURES = (".png", ".jpg", ".jpeg", ".webp")

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


def stylise_files(
    source: Path, target: Path, *, style: str, strength: float = 1.0, overwrite: bool = False
) -> tuple[int, int]:
    """Paint one photograph into a file, or all photographs of a folder into another folder.

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
    painted, kept : int
        Pictures painted now, and those that were there.

    Raises
    ------
    ValueError
        If there is no such source or style, the source holds no pictures, or the target exists
        or has no image's suffix.
    ImageError
        If a picture cannot be read.
    LedgerError
        If the style is not recorded.
    """
    jobs = _jobs(source, target)
    if not source.is_dir() and target.exists() and not overwrite:
        raise ValueError(f"{target} exists: choose another name, or pass --overwrite")
    open_ = [(a, b) for a, b in jobs if overwrite or not b.exists()]
    if not open_:
        return 0, len(jobs)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    painter = fast_form(recorded_painter(style), device)
    with torch.inference_mode():
        for photo, painting in tqdm(open_, desc=style, unit="picture", disable=len(open_) == 1):
            made = painter(read_image(photo).to(device), strength=strength)
            painting.parent.mkdir(parents=True, exist_ok=True)
            write_image(painting, made.float(), overwrite=overwrite)
    return len(open_), len(jobs) - len(open_)


def _jobs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Every photograph with the name of its painting."""
    if source.is_dir():
        photos = sorted(p for p in source.iterdir() if p.suffix.lower() in PICTURES)
        if not photos:
            raise ValueError(f"no pictures in {source}; they end in {', '.join(PICTURES)}")
        if target.exists() and not target.is_dir():
            raise ValueError(f"{target} is a file: a folder of photographs needs a folder")
        if target.resolve() == source.resolve():
            raise ValueError(f"{target} holds the photographs: choose another folder")
        return [(photo, target / photo.name) for photo in photos]
    if not source.exists():
        raise ValueError(f"{source}: no such file or folder")
    if target.suffix.lower() not in PICTURES:
        raise ValueError(f"{target}: cannot write {target.suffix!r}; use {', '.join(PICTURES)}")
    return [(source, target)]
