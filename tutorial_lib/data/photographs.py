"""The benchmark photographs by name and by set."""

from __future__ import annotations

import torch
from torch import Tensor
from tqdm.auto import tqdm

from tutorial_lib.data.images import read_image, to_uint8
from tutorial_lib.files import locate, names
from tutorial_lib.metrics.resize import imresize

GROUPS: dict[str, tuple[str, ...]] = {
    "set5": ("set5",),
    "set14": ("set14",),
    # BSD100, the test set of the super-resolution papers, is the validation part of BSDS500 ...
    "bsd100": ("bsds500/val",),
    # ... so what remains for training is the other two parts.
    "bsds500": ("bsds500/train", "bsds500/test"),
}
"""The sets, and the folders of the registry that each is made of."""


def group_names(group: str) -> list[str]:
    """List the files of a set, in registry order.

    Parameters
    ----------
    group : str
        One of `GROUPS`.

    Returns
    -------
    list of str
        Names in the registry.

    Raises
    ------
    ValueError
        If there is no such set.

    Examples
    --------
    >>> [len(group_names(group)) for group in GROUPS]
    [5, 14, 100, 400]
    """
    if group not in GROUPS:
        raise ValueError(f"no set of photographs {group!r}; there are {', '.join(GROUPS)}")
    return [name for folder in GROUPS[group] for name in names(folder)]


def load(name: str) -> Tensor:
    """Read one registered image.

    Parameters
    ----------
    name : str
        Its name in the registry, such as ``"set5/baby.png"``.

    Returns
    -------
    Tensor
        Shape (1, 3, H, W), float32, range [0, 1].

    Raises
    ------
    DataUnavailable
        If the file is not to be had.
    """
    return read_image(locate(name))


def photographs(group: str, *, progress: bool = False) -> dict[str, Tensor]:
    """Read a whole set.

    Parameters
    ----------
    group : str
        ``"set5"``, ``"set14"``, ``"bsd100"`` (BSDS500 val) or ``"bsds500"`` (BSDS500 train and
        test, 400 photographs, 741 MB as floats).
    progress : bool
        Whether to draw a progress bar.

    Returns
    -------
    dict of str to Tensor
        Registry name to image of shape (1, 3, H, W), float32, range [0, 1], in registry order.

    Raises
    ------
    DataUnavailable
        If a file is not to be had.
    ValueError
        If there is no such set.
    """
    return {name: load(name) for name in tqdm(group_names(group), desc=group, disable=not progress)}


def squares(group: str, *, count: int, side: int, progress: bool = True) -> Tensor:
    """Cut squares from photographs, the same at every call.

    Each is cut at a random place at twice the size, or as large as the photograph allows, and
    shrunk.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    count : int
        How many, N; the photographs take turns.
    side : int
        Of the squares, S, in pixels.
    progress : bool
        Whether there is a progress bar.

    Returns
    -------
    Tensor
        (N, 3, S, S), uint8.

    Raises
    ------
    DataUnavailable
        If a photograph is not to be had.
    """
    names = group_names(group)
    random = torch.Generator().manual_seed(0)
    found = torch.empty(count, 3, side, side, dtype=torch.uint8)
    for index, name in enumerate(tqdm(names[:count], desc=group, disable=not progress)):
        image = load(name)
        cut = min(2 * side, *image.shape[-2:])
        for place in range(index, count, len(names)):
            top, left = (
                int(torch.randint(length - cut + 1, (), generator=random))
                for length in image.shape[-2:]
            )
            square = image[..., top : top + cut, left : left + cut]
            found[place] = to_uint8(imresize(square, size=(side, side)))[0]
    return found
