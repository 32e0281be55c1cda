"""`alphamat demo`: the built-in photograph, cut out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.outputs import write_all
from alphamat.cli.report import tell, timed
from alphamat.cli.watch import estimate
from alphamat.door import as_image


def run_demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write to; made if missing.")
    ] = Path("demo"),
) -> None:
    """Cut out the built-in photograph: alpha, cut-out, composite and a contact sheet."""
    with faults_in_one_line():
        from alphamat import composite, cutout, estimate_foreground, learned
        from alphamat.examples import astronaut, sky

        output.mkdir(parents=True, exist_ok=True)
        seconds: dict[str, float] = {}
        with timed(seconds, "read"):
            image, trimap = astronaut()
        with timed(seconds, "matte"):
            found = estimate(learned, image, trimap)
        alpha = found.matte.alpha
        with timed(seconds, "foreground"):
            foreground = estimate_foreground(image, alpha).foreground
        with timed(seconds, "write"):
            pictures = {"alpha": alpha, "cutout": cutout(foreground, alpha)}
            pictures["composite"] = composite(foreground, alpha, sky(*alpha.shape))
            pictures["sheet"] = _contact_sheet([image, trimap, alpha, pictures["composite"]])
            outputs = {name: output / f"{name}.png" for name in pictures}
            write_all(outputs, pictures)
    tell(outputs, seconds, found)


def _contact_sheet(panels: list[np.ndarray], margin: int = 8) -> np.ndarray:
    """Return images of one size side by side on white."""
    frame = ((margin, margin), (margin, 0), (0, 0))
    row = [np.pad(as_image(panel), frame, constant_values=1) for panel in panels]
    return np.concatenate([*row, np.ones_like(row[0][:, :margin])], axis=1)
