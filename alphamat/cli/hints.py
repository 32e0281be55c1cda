"""The trimap that `alphamat matte` is given: what it cannot be, and what is odd about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from alphamat.door import FULL_SCALE, as_image, refuse_other_size
from alphamat.trimap import check

ADVICE = (
    "Of strokes, white on foreground and black on background, `alphamat trimap {path} --from "
    "scribbles{over}` makes a trimap."
)


def oddities(trimap: np.ndarray, path: Path, image: np.ndarray, photograph: Path) -> list[str]:
    """Return one line that says what is odd about a trimap as it was read; none if nothing is.

    Strokes are refused.
    """
    refuse_other_size(trimap.shape, image.shape, "trimap")
    _refuse_strokes(trimap, path, image, photograph)
    odd = check(trimap, image=image)
    return [f"{path}: {' '.join(odd)}"] if odd else []


def _refuse_strokes(trimap: np.ndarray, path: Path, image: np.ndarray, photograph: Path) -> None:
    """Raise where a trimap has colours, is transparent in places, or is the photograph."""
    full = FULL_SCALE[trimap.dtype]
    if trimap.shape[2:] == (4,) and (trimap[..., 3] != full).any():
        raise ValueError(
            f"`trimap` is transparent in places. {ADVICE.format(path=path, over='')} Otherwise "
            "flatten it in the program that made it, and save it again."
        )
    levels = as_image(trimap)
    over = ADVICE.format(path=path, over=f" --image {photograph}")
    if (levels != levels[..., :1]).any():
        raise ValueError(
            "`trimap` has colours; expected black background, white foreground, and gray between. "
            + over
        )
    between = ((levels > 0) & (levels < 1)).all(axis=2)
    several = np.ptp(levels[between]) > 0.1 if between.any() else False
    if several and (levels == image)[between].all(axis=1).mean() > 0.5:
        raise ValueError(f"`trimap` is the photograph itself, perhaps with strokes. {over}")
