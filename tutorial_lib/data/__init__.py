"""Everything the book reads, as tensors.

`images` turns image files into tensors and back, `photographs` names the benchmark sets, `degrade`
makes low-resolution twins, `patches` cuts training batches from them, and `faces` draws pictures
that need no file at all. The files themselves are found by `tutorial_lib.files`, whose names are
here too.
"""

from tutorial_lib.data.degrade import low_resolution, mod_crop
from tutorial_lib.data.faces import (
    DEFAULT_STYLES,
    CartoonFaces,
    draw_face,
    face_credits,
)
from tutorial_lib.data.images import (
    COLOURED,
    EMBEDDED,
    ImageError,
    channel_correlation,
    coloured,
    embedded,
    from_uint8,
    read_image,
    to_uint8,
    write_image,
)
from tutorial_lib.data.patches import Pairs
from tutorial_lib.data.photographs import GROUPS, group_names, load, photographs, squares
from tutorial_lib.files import (
    REGISTRY,
    DataUnavailable,
    Entry,
    fetch,
    locate,
    names,
    write_atomically,
)

__all__ = [
    "COLOURED",
    "DEFAULT_STYLES",
    "EMBEDDED",
    "GROUPS",
    "REGISTRY",
    "CartoonFaces",
    "DataUnavailable",
    "Entry",
    "ImageError",
    "Pairs",
    "channel_correlation",
    "coloured",
    "draw_face",
    "embedded",
    "face_credits",
    "fetch",
    "from_uint8",
    "group_names",
    "load",
    "locate",
    "low_resolution",
    "mod_crop",
    "names",
    "photographs",
    "read_image",
    "squares",
    "to_uint8",
    "write_atomically",
    "write_image",
]
