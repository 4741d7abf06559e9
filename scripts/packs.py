"""Pack what networks in the page need into classic scripts, ``book/_static/packs/NAME.js``.

A page that is opened from a folder may read nothing but scripts. So each pack is one: the base64
of a gzipped safetensors file, which `packs.js` unpacks. There are packs of ONNX Runtime Web, of
graphs (their weights are inputs, so that one graph serves every network of its form, and every
mixture of two), of weights in half precision, and of sample pictures. ``make book`` runs this;
nothing it writes is committed.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save
from torch import Tensor, nn

from tutorial_lib import ledger
from tutorial_lib.data import embedded, low_resolution, to_uint8
from tutorial_lib.gan_basics.copying import WEIGHTS
from tutorial_lib.gan_basics.players_training import EXPERIMENT as PLAYERS
from tutorial_lib.lapstyle.drafting import SKIPS, adain
from tutorial_lib.lapstyle.painter import DRAFT_SIDE, LapStyle
from tutorial_lib.lapstyle.pictures import STYLES
from tutorial_lib.lapstyle.stylise import recorded_encoder, recorded_painter
from tutorial_lib.srgan.training import recorded_generator

STATIC = Path(__file__).resolve().parent.parent / "book" / "_static"
RUNTIME = STATIC / "vendor" / "onnxruntime"
TARGET = STATIC / "packs"
SIZES = "sizes.json"

Arrays = Mapping[str, np.ndarray]
"""What is in a pack: the name of each array, and its values."""

RECORDS = ledger.results_folder() / "lapstyle"
PAINTERS = tuple(style for style in STYLES if (RECORDS / style / ledger.RECORD).is_file())
"""Styles whose painters are recorded."""

DEMOS = {
    "srgan": ("srgan-graph", "srgan-srresnet", "srgan-srgan", "srgan-samples"),
    "dni": ("srgan-graph", "srgan-srresnet", "srgan-srgan", "samples"),
    "lapstyle": ("lapstyle-graphs", "lapstyle-encoder", f"lapstyle-{PAINTERS[0]}", "samples"),
}
"""Demo → the packs that it loads, beside one of the two of ONNX Runtime Web."""

LATER = {
    "gan_basics": ("gan_basics-players",),
    "lapstyle": tuple(f"lapstyle-{style}" for style in PAINTERS[1:]),
}
"""Demo → the packs that it loads when the reader asks for more. One that is not among `DEMOS` loads
none before, and has its button from a script of its own."""

SAMPLES = {
    "astronaut": ("astronaut", 0, 84),
    "cat": ("chelsea", 12, 70),
    "coffee": ("coffee", 40, 160),
}
"""Sample → embedded photograph, and top and left of a square in it, in pixels."""

SIDE = 288
"""Side of those squares, in pixels."""

WHOLE_SIDE = 256
"""Side of their middles, which are given as they are, in pixels."""


def file_bytes(path: Path) -> np.ndarray:
    """A file's content, (bytes,) uint8."""
    return np.frombuffer(path.read_bytes(), np.uint8)


def runtime(script: str, binary: str) -> Arrays:
    """ONNX Runtime Web in one of its builds.

    Parameters
    ----------
    script : str
        File of the library itself.
    binary : str
        Name of its WebAssembly and of the module that starts it, without their endings.
    """
    return {
        "script": file_bytes(RUNTIME / script),
        "module": file_bytes(RUNTIME / f"{binary}.mjs"),
        "wasm": file_bytes(RUNTIME / f"{binary}.wasm"),
    }


def graph(module: nn.Module, examples: Mapping[str, Tensor], *, output: str) -> np.ndarray:
    """A network from pictures to pictures as an ONNX graph that has no weights.

    Parameters
    ----------
    module : nn.Module
        Exported in evaluation mode: batch normalisation uses its running statistics.
    examples : mapping of str to Tensor
        Inputs by name, in the order of ``module.forward``. Of pictures (1, C, H, W) the graph calls
        the sides ``height`` and ``width``, and leaves them open: who runs it fixes them.
    output : str
        What the graph calls its answer. Its other inputs are the weights, by their names in
        ``module.state_dict()``.

    Returns
    -------
    ndarray
        The ONNX file, (bytes,) uint8.
    """
    height, width = (torch.export.Dim(side, min=1) for side in ("height", "width"))
    program = torch.onnx.export(
        module.eval(),
        tuple(examples.values()),
        dynamo=True,
        optimize=False,  # or the normalisation would be folded into weights that are not given
        dynamic_shapes=tuple(
            {2: height, 3: width} if example.ndim == 4 else None for example in examples.values()
        ),
        input_names=list(examples),
        output_names=[output],
        opset_version=20,
        verbose=False,
    )
    assert program is not None
    wanted = program.model.graph
    for name in list(wanted.initializers):
        weight = wanted.initializers.pop(name)
        weight.const_value = None
        wanted.inputs.append(weight)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "graph.onnx")
        program.save(path, external_data=False)
        return file_bytes(path)


def weights(state: Mapping[str, Tensor]) -> Arrays:
    """Parameters and buffers of a network, floating-point ones alone, in half precision."""
    return {
        name: tensor.half().numpy() for name, tensor in state.items() if tensor.is_floating_point()
    }


def pixels(image: Tensor) -> np.ndarray:
    """A picture (1, 3, H, W) in [0, 1] as uint8 HWC."""
    return np.ascontiguousarray(to_uint8(image)[0].permute(1, 2, 0).numpy())


def squares() -> dict[str, Tensor]:
    """Squares of embedded photographs to begin with, (1, 3, SIDE, SIDE), by the samples' names."""
    return {
        name: embedded(photograph)[..., top : top + SIDE, left : left + SIDE]
        for name, (photograph, top, left) in SAMPLES.items()
    }


def small_samples() -> Arrays:
    """The squares, shrunk by four."""
    return {name: pixels(low_resolution(square)) for name, square in squares().items()}


def samples() -> Arrays:
    """The middles of the squares, as they are."""
    edge = (SIDE - WHOLE_SIDE) // 2
    return {
        name: pixels(square[..., edge : SIDE - edge, edge : SIDE - edge])
        for name, square in squares().items()
    }


def srgan_graph() -> Arrays:
    """The generator of SRGAN and SRResNet."""
    generator = recorded_generator("srgan/srresnet")
    return {"graph": graph(generator, {"low": torch.rand(1, 3, 24, 20)}, output="high")}


class Draft(nn.Module):
    """The drafting network of a painter with the strength of its style as an input.

    Parameters
    ----------
    painter : LapStyle
        Its networks are taken, with the names that its state gives them.
    """

    def __init__(self, painter: LapStyle) -> None:
        super().__init__()
        self.encoder, self.decoder = painter.encoder, painter.decoder
        for name in SKIPS:
            self.register_buffer(f"mean_{name}", painter.style[name][0])
            self.register_buffer(f"deviation_{name}", painter.style[name][1])

    def forward(self, low: Tensor, strength: Tensor) -> Tensor:
        """Paint (1, 3, H, W), sides multiples of 8, at a strength (1,) from 0 to 1."""
        maps = self.encoder(low)
        for name in SKIPS:
            mean, deviation = (self.get_buffer(f"{what}_{name}") for what in ("mean", "deviation"))
            maps[name] = torch.lerp(maps[name], adain(maps[name], mean, deviation), strength)
        return self.decoder(maps)


def lapstyle_graphs() -> Arrays:
    """The drafting network, and a revision network."""
    painter = recorded_painter(PAINTERS[0])
    low, band = torch.rand(1, 3, DRAFT_SIDE, 96), torch.rand(1, 3, 48, 64)
    return {
        "draft": graph(Draft(painter), {"low": low, "strength": torch.ones(1)}, output="painting"),
        "revision": graph(
            painter.revisions[0],
            {"residual": band, "picture": torch.rand_like(band)},
            output="band",
        ),
    }


def encoder_weights() -> Arrays:
    """The encoder that all painters share, named as it is in a painter."""
    return weights({f"encoder.{k}": v for k, v in recorded_encoder().state_dict().items()})


def painter_weights(style: str) -> Arrays:
    """What a painter has beside the encoder."""
    state = recorded_painter(style).state_dict()
    return weights({k: v for k, v in state.items() if not k.startswith("encoder.")})


PACKS: dict[str, Callable[[], Arrays]] = {
    "ort-wasm": lambda: runtime("ort.wasm.min.js", "ort-wasm-simd-threaded"),
    "ort-webgpu": lambda: runtime("ort.webgpu.min.js", "ort-wasm-simd-threaded.asyncify"),
    "srgan-graph": srgan_graph,
    "srgan-srresnet": lambda: weights(recorded_generator("srgan/srresnet").state_dict()),
    "srgan-srgan": lambda: weights(recorded_generator("srgan/srgan").state_dict()),
    "srgan-samples": small_samples,
    "samples": samples,
    "gan_basics-players": lambda: load_file(ledger.read(PLAYERS).artefact(WEIGHTS)),
    "lapstyle-graphs": lapstyle_graphs,
    "lapstyle-encoder": encoder_weights,
} | {f"lapstyle-{style}": partial(painter_weights, style) for style in PAINTERS}
"""Pack → what makes its arrays."""


def packed(name: str, arrays: Arrays) -> tuple[str, int]:
    """A pack as a script, and its size in bytes as it travels, where scripts are compressed."""
    data = gzip.compress(save(dict(arrays)), mtime=0)
    text = base64.b64encode(data).decode()
    return f"tutorialInPage.packed[{json.dumps(name)}] = {json.dumps(text)};\n", len(data)


def main() -> None:
    """Write every pack, and the list of their sizes, then put the folder in place in one move."""
    with tempfile.TemporaryDirectory(dir=STATIC) as name:
        folder = Path(name, "packs")
        folder.mkdir()
        sizes = {}
        for pack, arrays in PACKS.items():
            script, sizes[pack] = packed(pack, arrays())
            (folder / f"{pack}.js").write_text(script, encoding="utf-8")
            print(f"packed {pack}: {sizes[pack] / 1e6:.2f} MB")
        known = {"packs": sizes, "demos": DEMOS, "later": LATER}
        (folder / SIZES).write_text(json.dumps(known), encoding="utf-8")
        shutil.rmtree(TARGET, ignore_errors=True)
        folder.rename(TARGET)


if __name__ == "__main__":
    main()
