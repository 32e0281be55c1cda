"""The trimap that `alphamat matte` is given: what it cannot be, and what is odd about it."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import numpy as np

from alphamat.door import FULL_SCALE, as_image, refuse_other_size
from alphamat.trimap import check


def oddities(trimap: np.ndarray, path: Path, image: np.ndarray, photograph: Path) -> list[str]:
    """Return one line that says what is odd about a trimap as it was read; none if nothing is.

    Strokes are refused.
    """
    refuse_other_size(trimap.shape, image.shape, "trimap")
    _refuse_strokes(trimap, path, image, photograph)
    odd = check(trimap if trimap.ndim == 2 else trimap[..., 0], image=image)
    return [f"{path}: {' '.join(odd)}"] if odd else []


def _refuse_strokes(trimap: np.ndarray, path: Path, image: np.ndarray, photograph: Path) -> None:
    """Raise where a trimap has colours, is transparent in places, or is the photograph."""
    if trimap.shape[2:] == (4,) and (trimap[..., 3] != FULL_SCALE[trimap.dtype]).any():
        raise ValueError(
            f"`trimap` is transparent in places. {_advice(path)} Otherwise "
            "flatten it in the program that made it, and save it again."
        )
    has_colours = trimap.ndim == 3 and any((trimap[..., 0] != trimap[..., k]).any() for k in (1, 2))
    if not has_colours and _has_one_gray(trimap):
        return
    same = (as_image(trimap) == image).all(axis=2)
    over = _advice(path, f" --image {quote(str(photograph))}")
    if same.all():
        raise ValueError("`trimap` is the photograph itself.")
    if has_colours:
        raise ValueError(
            "`trimap` has colours; expected black background, white foreground, and gray between. "
            + over
        )
    if same.mean() > 0.5 and not _has_one_gray(trimap[same]):
        raise ValueError(f"`trimap` is the photograph with something over it. {over}")


def _advice(path: Path, options: str = "") -> str:
    return (
        "If it is strokes, white on foreground and black on background, `alphamat trimap "
        f"{quote(str(path))} --from scribbles{options}` makes a trimap of it."
    )


def _has_one_gray(levels: np.ndarray) -> bool:
    """Return whether there is at most one level between black and white."""
    between = levels[(levels > 0) & (levels < FULL_SCALE[levels.dtype])]
    return between.size == 0 or np.ptp(between) == 0
