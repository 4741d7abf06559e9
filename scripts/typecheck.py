"""Check the types of the site's scripts, which are stated in their comments, with TypeScript.

The compiler is brought from npm once, pinned by version and hash, into the environment's folder.
"""

import subprocess
from pathlib import Path

from vendor import NODE, tool

PACKAGE = "typescript@5.9.3"
SHA512 = "jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw=="
FILES = {"lib/*.js": "lib", "lib/lib.*.d.ts": "lib"}
PROJECT = Path(__file__).resolve().parent / "tsconfig.json"


def main() -> int:
    """Have the compiler look at every script: its exit code."""
    compiler = tool(PACKAGE, SHA512, FILES) / "lib" / "tsc.js"
    return subprocess.run([NODE, compiler, "--project", PROJECT], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
