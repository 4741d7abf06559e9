# Set-up, the same in every chapter: Colab installs the book's library here, others have it.
import importlib.util
import os
import subprocess
import sys

source = os.environ.get("TUTORIAL_LIB_SOURCE")  # a folder or address to install from instead
if source is None and "google.colab" in sys.modules:
    source = "git+https://github.com/OWNER/REPOSITORY"
if source and importlib.util.find_spec("tutorial_lib") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)
    importlib.invalidate_caches()

import tutorial_lib
