"""The benchmark photographs by name and by set."""

from __future__ import annotations

from torch import Tensor
from tqdm.auto import tqdm

from tutorial_lib.data.images import read_image
from tutorial_lib.files import locate, names

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
