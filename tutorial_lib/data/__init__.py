"""Everything the book reads, as tensors.

`images` turns image files into tensors and back, `originals` does so with all that a user's own
photograph holds, `photographs` names the benchmark sets, `degrade`
shrinks and damages them, `patches` cuts training batches from them, and `faces` draws pictures
that need no file at all. The files themselves are found by `tutorial_lib.files`, whose names are
here too.
"""

from tutorial_lib.data.colours import COLOURED, channel_correlation, coloured
from tutorial_lib.data.degrade import (
    add_noise,
    compress_jpeg,
    low_resolution,
    mod_crop,
    random_mask,
    text_mask,
    two_lights,
)
from tutorial_lib.data.faces import (
    DEFAULT_STYLES,
    CartoonFaces,
    draw_face,
    face_credits,
)
from tutorial_lib.data.images import (
    EMBEDDED,
    ImageError,
    embedded,
    from_uint8,
    read_image,
    to_uint8,
    write_image,
)
from tutorial_lib.data.originals import Original, read_original, write_png
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
    "Original",
    "Pairs",
    "add_noise",
    "channel_correlation",
    "coloured",
    "compress_jpeg",
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
    "random_mask",
    "read_image",
    "read_original",
    "squares",
    "text_mask",
    "to_uint8",
    "two_lights",
    "write_atomically",
    "write_image",
    "write_png",
]
