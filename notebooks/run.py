"""Run the notebooks, and keep their outputs small enough to commit: `python notebooks/run.py`."""

import base64
from copy import deepcopy
from io import BytesIO
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

COLOURS = 128
"""Of a picture that is kept."""


def run(path: Path) -> None:
    """Run a notebook, and write it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    kernel = deepcopy(notebook.metadata)
    here = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=1200, coalesce_streams=True, resources=here).execute()
    notebook.metadata = kernel
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [reduced(output) for output in cell.outputs if is_lasting(output)]
    nbformat.write(notebook, path)


def is_lasting(output: dict) -> bool:
    """Return whether an output is no bar that has vanished, no slider, no word about compiling."""
    data = output.get("data", {})
    live = data.get("text/html") == "" or "application/vnd.jupyter.widget-view+json" in data
    return output.get("name") != "stderr" and not live


def reduced(output: dict) -> dict:
    """Return an output whose picture has fewer colours."""
    if encoded := output.get("data", {}).get("image/png"):
        picture = Image.open(BytesIO(base64.b64decode(encoded))).convert("RGB").quantize(COLOURS)
        file = BytesIO()
        picture.save(file, "PNG", optimize=True)
        output["data"]["image/png"] = base64.b64encode(file.getvalue()).decode("ascii")
    return output


if __name__ == "__main__":
    for path in sorted(Path(__file__).parent.glob("*.ipynb")):
        run(path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
