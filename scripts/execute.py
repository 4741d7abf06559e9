"""Run chapters from top to bottom in place, and keep in the file only what another run repeats.

Outputs and the state of the widgets are saved, so that the static page shows them. Time stamps,
the kernel's version and random widget numbers are not, so that a difference in git is a
difference in what a reader sees.

    python scripts/execute.py notebooks/srgan.ipynb
"""

import json
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGETS = "application/vnd.jupyter.widget-state+json"


def clean(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Drop what changes from run to run, and number the widgets in the order of their making."""
    widgets = notebook.metadata.get("widgets", {})
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        }
    )
    if widgets.get(WIDGETS, {}).get("state"):
        notebook.metadata["widgets"] = widgets
    for cell in notebook.cells:
        for volatile in ("execution", "collapsed", "scrolled"):
            cell.metadata.pop(volatile, None)
    text = json.dumps(notebook)
    for number, model in enumerate(widgets.get(WIDGETS, {}).get("state", {})):
        text = text.replace(model, f"{name}-{number}")
    return nbformat.from_dict(json.loads(text))


def execute(path: Path) -> None:
    """Run one notebook in its own folder and write it back, or raise at its first failing cell."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
    )
    begin = time.perf_counter()
    client.execute()
    nbformat.write(clean(notebook, path.stem), path)
    size = path.stat().st_size / 1e6
    print(f"{path}: {time.perf_counter() - begin:.0f} s, {size:.1f} MB", flush=True)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        execute(Path(argument))
