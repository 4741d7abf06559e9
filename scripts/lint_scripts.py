"""Look for mistakes in the site's scripts with ESLint, by the rules in ``lint_scripts.js``.

ESLint is brought from npm once, as one file without dependencies, pinned by version and hash.
"""

import subprocess
from pathlib import Path

from vendor import NODE, tool

PACKAGE = "eslint-linter-browserify@10.11.0"
SHA512 = "XVaxxFwVyLM80nUjJhp0HXah9uDXDTuSU74+FcJB02ibU6uNviMGqzy0R6OFtFSoREGp40zRkTGfF7T37R+fZA=="
FILES = {"linter.cjs": "."}

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "book" / "_static"
RULES = HERE / "lint_scripts.js"


def main() -> int:
    """Look at every script of the site's own: 1 if a rule is broken, else 0."""
    scripts = sorted([*STATIC.glob("*.js"), *STATIC.glob("inpage/**/*.js"), RULES])
    linter = tool(PACKAGE, SHA512, FILES) / "linter.cjs"
    return subprocess.run([NODE, RULES, linter, *scripts], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
