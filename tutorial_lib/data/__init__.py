"""Everything the book reads, as tensors.

`images` turns image files into tensors, `writing` tensors into image files, `originals` does both
with all that a user's own photograph holds, `folders` lists them, `photographs` names the benchmark
sets, `degrade` shrinks and damages them, `patches` cuts training batches from them, and `faces`
draws pictures that need no file at all. The files themselves are found by `tutorial_lib.files`,
whose names are here too.
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
from tutorial_lib.data.folders import READABLE, pictures_in, unreadable
from tutorial_lib.data.images import (
    EMBEDDED,
    ImageError,
    embedded,
    from_uint8,
    read_image,
    to_uint8,
)
from tutorial_lib.data.originals import Original, read_original, write_png
from tutorial_lib.data.patches import Pairs
from tutorial_lib.data.photographs import GROUPS, group_names, load, photographs, squares
from tutorial_lib.data.writing import (
    FORMATS,
    check_size,
    keep_image,
    spare_places,
    try_output,
    write_image,
)
from tutorial_lib.files import (
    REGISTRY,
    DataUnavailable,
    Entry,
    InUse,
    fetch,
    locate,
    names,
    only_one,
    write_atomically,
)

__all__ = [
    "COLOURED",
    "DEFAULT_STYLES",
    "EMBEDDED",
    "FORMATS",
    "GROUPS",
    "READABLE",
    "REGISTRY",
    "CartoonFaces",
    "DataUnavailable",
    "Entry",
    "ImageError",
    "InUse",
    "Original",
    "Pairs",
    "add_noise",
    "channel_correlation",
    "check_size",
    "coloured",
    "compress_jpeg",
    "draw_face",
    "embedded",
    "face_credits",
    "fetch",
    "from_uint8",
    "group_names",
    "keep_image",
    "load",
    "locate",
    "low_resolution",
    "mod_crop",
    "names",
    "only_one",
    "photographs",
    "pictures_in",
    "random_mask",
    "read_image",
    "read_original",
    "spare_places",
    "squares",
    "text_mask",
    "to_uint8",
    "try_output",
    "two_lights",
    "unreadable",
    "write_atomically",
    "write_image",
    "write_png",
]
