"""What the notebooks' figures share; importing it makes them small."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from alphamat.evaluation.pages.pictures import error_colours

plt.rcParams["figure.dpi"] = 60


def show(
    pictures: Sequence[np.ndarray],
    titles: Sequence[Any],
    *,
    columns: int | None = None,
    side: float = 2.2,
) -> None:
    """Show pictures row by row, in as many columns as there are titles unless told otherwise.

    Gray pictures and colours are uint8, or in [0, 1]. `side` is a picture's height in inches.
    """
    columns = columns or len(titles)
    rows = -(-len(pictures) // columns)
    height, width = pictures[0].shape[:2]
    _, axes = plt.subplots(
        rows,
        columns,
        figsize=(side * width / height * columns, (side + 0.2) * rows),
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture in zip(axes.flat, pictures, strict=False):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255 if picture.dtype == np.uint8 else 1)
    for axis, title in zip(axes.flat, titles, strict=False):
        axis.set_title(title, fontsize=9)
    plt.show()


def signed(field: np.ndarray, most: float = 1.0) -> np.ndarray:
    """Return colours of a field: blue below zero, orange above, dark at zero; `most` is bright."""
    return error_colours(np.clip(field / most, -1, 1))
