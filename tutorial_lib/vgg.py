"""Features of a frozen VGG network, for losses that compare pictures as a classifier sees them.

References
----------
K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", ICLR 2015 (arXiv:1409.1556).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import models

from tutorial_lib.files import locate

Backbone = Literal["vgg19", "vgg16"]

VGG16_FILE = "vgg16-imagenet-features-fp16.safetensors"


def available_backbone() -> Backbone:
    """The backbone that this machine can have: VGG19 where torchvision has or gets its weights.

    Returns
    -------
    str
        ``"vgg19"``, or ``"vgg16"`` where VGG19 is out of reach.
    """
    try:
        models.VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except OSError:
        return "vgg16"
    except RuntimeError as error:  # torch's word for a file whose hash is wrong
        warnings.warn(
            f"VGG19 did not arrive whole, so VGG16 takes its place; try again for VGG19: {error}",
            stacklevel=2,
        )
        return "vgg16"
    return "vgg19"


class Vgg(nn.Module):
    """Feature maps after chosen ReLUs of a VGG network trained on ImageNet, frozen.

    Parameters
    ----------
    layers : sequence of str
        Which maps, such as ``"relu2_2"``: the second convolution of the second block, after its
        ReLU. ``"last2"`` means the last ReLU of the second block, whatever the backbone.
    backbone : {"auto", "vgg19", "vgg16"}
        "auto" is VGG19 where it can be had, else the VGG16 of the library's registry.
    weights : Path, optional
        A safetensors file in the registry's form to use for VGG16 instead.

    Attributes
    ----------
    backbone : str
        The one that was loaded.
    layers : tuple of str
        The maps' names, spelled out.

    Raises
    ------
    ValueError
        If the backbone has no such layer; lists those it has.
    DataUnavailable
        If the weights cannot be had.
    """

    mean: Tensor
    factor: Tensor

    def __init__(
        self,
        layers: Sequence[str],
        *,
        backbone: Literal["auto", "vgg19", "vgg16"] = "auto",
        weights: Path | None = None,
    ) -> None:
        super().__init__()
        self.backbone = available_backbone() if backbone == "auto" else backbone
        if self.backbone == "vgg19":
            imagenet = models.VGG19_Weights.IMAGENET1K_V1
            convolutions = models.vgg19(weights=imagenet).features
            mean, factor = [0.485, 0.456, 0.406], [1 / 0.229, 1 / 0.224, 1 / 0.225]
        else:
            # These weights expect 0–255 minus the training set's mean.
            convolutions = models.vgg16().features
            state = load_file(weights or locate(VGG16_FILE))
            convolutions.load_state_dict({k.removeprefix("features."): v for k, v in state.items()})
            mean, factor = [123.68 / 255, 116.779 / 255, 103.939 / 255], [255.0] * 3

        names = _names(convolutions)
        last = {f"last{name[4]}": name for name in names if name.startswith("relu")}
        self.layers = tuple(last.get(layer, layer) for layer in layers)
        if unknown := [layer for layer in self.layers if layer not in names]:
            known = ", ".join(name for name in names if name.startswith("relu"))
            raise ValueError(f"{self.backbone} has no {', '.join(unknown)}; it has: {known}")
        depth = max(names.index(layer) for layer in self.layers) + 1
        # ReLU in place would overwrite a convolution's output that autograd still needs whole.
        self.net = nn.ModuleDict(
            {
                name: nn.ReLU() if isinstance(module, nn.ReLU) else module
                for name, module in zip(names[:depth], list(convolutions)[:depth], strict=True)
            }
        )
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("factor", torch.tensor(factor).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Compute the chosen maps.

        Parameters
        ----------
        image : Tensor
            (N, 3, H, W), RGB, range [0, 1]; sides of at least 16 for the deepest block.

        Returns
        -------
        dict of Tensor
            Layer → (N, C, H', W'), non-negative, in the order asked for.
        """
        x = (image - self.mean) * self.factor
        found = {}
        for name, module in self.net.items():
            x = module(x)
            if name in self.layers:
                found[name] = x
        return {layer: found[layer] for layer in self.layers}


def _names(convolutions: nn.Module) -> list[str]:
    """Names such as conv1_1, relu1_1, …, pool1 for torchvision's numbered layers."""
    names, block, index = [], 1, 0
    for module in cast(nn.Sequential, convolutions):
        if isinstance(module, nn.MaxPool2d):
            names.append(f"pool{block}")
            block, index = block + 1, 0
        else:
            index += isinstance(module, nn.Conv2d)
            kind = "conv" if isinstance(module, nn.Conv2d) else "relu"
            names.append(f"{kind}{block}_{index}")
    return names
