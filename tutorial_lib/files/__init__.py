"""Outside files: what there is, where it lies, and how a file is written whole.

`registry` knows every outside file by size and hash, `lookup` finds or downloads it, `atomic`
writes files that are never seen half written, and `lock` keeps a folder for one process.
"""

from tutorial_lib.files.atomic import write_atomically
from tutorial_lib.files.lock import InUse, only_one
from tutorial_lib.files.lookup import DataUnavailable, fetch, locate
from tutorial_lib.files.registry import REGISTRY, Entry, names

__all__ = [
    "REGISTRY",
    "DataUnavailable",
    "Entry",
    "InUse",
    "fetch",
    "locate",
    "names",
    "only_one",
    "write_atomically",
]
