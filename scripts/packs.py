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
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from torch import Tensor, nn

from tutorial_lib.data import embedded, low_resolution, to_uint8
from tutorial_lib.srgan.training import recorded_generator

STATIC = Path(__file__).resolve().parent.parent / "book" / "_static"
RUNTIME = STATIC / "vendor" / "onnxruntime"
TARGET = STATIC / "packs"
SIZES = "sizes.json"

Arrays = Mapping[str, np.ndarray]
"""What is in a pack: the name of each array, and its values."""

DEMOS = {
    "srgan": ("srgan-graph", "srgan-srresnet", "srgan-srgan", "srgan-samples"),
}
"""Demo → the packs that it loads, beside one of the two of ONNX Runtime Web."""

SAMPLES = {
    "astronaut": ("astronaut", 0, 84),
    "cat": ("chelsea", 12, 70),
    "coffee": ("coffee", 40, 160),
}
"""Sample → embedded photograph, and top and left of the square that is shrunk, in pixels."""

SIDE = 288
"""Side of those squares, in pixels."""


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


def graph(module: nn.Module, example: Tensor, *, input: str, output: str) -> Arrays:
    """A network from pictures to pictures as an ONNX graph that has no weights.

    Parameters
    ----------
    module : nn.Module
        Exported in evaluation mode: batch normalisation uses its running statistics.
    example : Tensor
        (1, C, H, W). The graph calls its sides ``height`` and ``width``, and leaves them open: who
        runs it fixes them.
    input, output : str
        What the graph calls them. Its other inputs are the weights, by their names in
        ``module.state_dict()``.

    Returns
    -------
    Arrays
        The ONNX file, as ``graph``.
    """
    sides = {2: torch.export.Dim("height", min=1), 3: torch.export.Dim("width", min=1)}
    program = torch.onnx.export(
        module.eval(),
        (example,),
        dynamo=True,
        optimize=False,  # or the normalisation would be folded into weights that are not given
        dynamic_shapes=(sides,),
        input_names=[input],
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
        return {"graph": file_bytes(path)}


def weights(module: nn.Module) -> Arrays:
    """Parameters and buffers of a network, floating-point ones alone, in half precision."""
    return {
        name: tensor.half().numpy()
        for name, tensor in module.state_dict().items()
        if tensor.is_floating_point()
    }


def samples() -> Arrays:
    """Small pictures to begin with: squares of embedded photographs, shrunk by four, uint8 HWC."""
    squares = {
        name: embedded(photograph)[..., top : top + SIDE, left : left + SIDE]
        for name, (photograph, top, left) in SAMPLES.items()
    }
    return {
        name: np.ascontiguousarray(to_uint8(low_resolution(square))[0].permute(1, 2, 0).numpy())
        for name, square in squares.items()
    }


def srgan_graph() -> Arrays:
    """The generator of SRGAN and SRResNet."""
    generator = recorded_generator("srgan/srresnet")
    return graph(generator, torch.rand(1, 3, 24, 20), input="low", output="high")


PACKS: dict[str, Callable[[], Arrays]] = {
    "ort-wasm": lambda: runtime("ort.wasm.min.js", "ort-wasm-simd-threaded"),
    "ort-webgpu": lambda: runtime("ort.webgpu.min.js", "ort-wasm-simd-threaded.asyncify"),
    "srgan-graph": srgan_graph,
    "srgan-srresnet": lambda: weights(recorded_generator("srgan/srresnet")),
    "srgan-srgan": lambda: weights(recorded_generator("srgan/srgan")),
    "srgan-samples": samples,
}
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
            print(f"packed {pack}: {sizes[pack] / 1e6:.1f} MB")
        (folder / SIZES).write_text(json.dumps({"packs": sizes, "demos": DEMOS}), encoding="utf-8")
        shutil.rmtree(TARGET, ignore_errors=True)
        folder.rename(TARGET)


if __name__ == "__main__":
    main()
