"""Trimaps and strokes that commands are given: what is odd about them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import numpy as np

from alphamat.door import FULL_SCALE, as_image, refuse_other_size
from alphamat.io.images import read_image
from alphamat.trimap import check, from_scribbles


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
    if _is_clear(trimap):
        raise ValueError(
            f"`trimap` is transparent in places. {_advice(path)} Otherwise "
            "flatten it in the program that made it, and save it again."
        )
    has_colours = _has_colours(trimap)
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
    between = levels[(levels > 0) & (levels < FULL_SCALE.get(levels.dtype, 1))]
    return between.size == 0 or np.ptp(between) == 0


def _is_clear(picture: np.ndarray) -> bool:
    """Return whether a picture is transparent in places."""
    return picture.shape[2:] == (4,) and (picture[..., 3] != FULL_SCALE.get(picture.dtype, 1)).any()


def _has_colours(picture: np.ndarray) -> bool:
    return picture.ndim == 3 and any((picture[..., 0] != picture[..., k]).any() for k in (1, 2))


def strokes(path: Path, image: np.ndarray) -> np.ndarray:
    """Read strokes as a trimap has them, (H, W): 0, 128 and 255.

    They are on plain gray, where either kind may be missing; on a transparent layer; or on a copy
    of the image.
    """
    drawn = read_image(path)
    refuse_other_size(drawn.shape, image.shape, "scribbles")
    if _is_clear(drawn):
        return from_scribbles(drawn)
    if _has_colours(drawn) or not _has_one_gray(drawn):
        return from_scribbles(drawn, image=image)
    return drawn if drawn.ndim == 2 else drawn[..., 0]
