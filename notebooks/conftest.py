"""What `pytest --nbval` compares when it runs a chapter again: everything but pictures.

Printed text, tables and captions must come out as they were committed, number by number. Encoded
pictures may differ in their bytes from one version of an encoder to the next. A cell whose output
depends on the machine, such as a time, carries the tag `nbval-ignore-output`.
"""

import re
from typing import Any

PICTURES = ("image/webp", "image/svg+xml")  # nbval leaves out PNG and JPEG by itself
EMBEDDED = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+")


def pytest_collectstart(collector: Any) -> None:
    """Tell nbval what to leave out of the comparison."""
    if collector.nodeid.endswith(".ipynb"):
        collector.skip_compare += PICTURES
        collector.sanitize_patterns[EMBEDDED] = "picture"
