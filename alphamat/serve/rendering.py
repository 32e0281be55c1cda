"""The pictures of a job, as PNG files."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

from alphamat.door import css_colour
from alphamat.door.image import as_image
from alphamat.foreground import composite, cutout, estimate_foreground
from alphamat.io import write_image
from alphamat.io.profiles import fitting
from alphamat.serve.stored import load, mapped, store

QUICK = 1  # of 9: how hard zlib tries


def render(folder: Path, kind: str, bits: int = 8, over: str | None = None) -> bytes:
    """Return a picture of a job as a PNG.

    Parameters
    ----------
    kind : str
        "picture", "trimap", "alpha", "cutout" or "composite".
    bits : int
        8 or 16 per channel. A trimap has 8.
    over : str, optional
        The CSS colour that a composite is put over; white by default.

    Raises
    ------
    ValueError
        If an argument is refused.
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` is '{kind}'; expected one of: {', '.join(KINDS)}.")
    if kind == "trimap":
        return gray_png(load(folder, "trimap"))
    if kind == "alpha" and bits == 8:
        return gray_png(alpha_levels(mapped(folder, "alpha")))
    pixels = KINDS[kind](folder, over)
    profile = (folder / "profile").read_bytes()
    file = BytesIO()
    write_image(file, pixels, bits=bits, profile=fitting(profile, pixels), format="png")
    return file.getvalue()


def alpha_levels(alpha: np.ndarray) -> np.ndarray:
    """Return alpha in 8 bits, rounded as in a cut-out."""
    return np.rint(255 * np.clip(alpha, 0, 1, dtype=np.float64)).astype(np.uint8)


def gray_png(levels: np.ndarray) -> bytes:
    """Return a gray PNG of uint8 levels, made quickly."""
    import cv2

    return cv2.imencode(".png", levels, [cv2.IMWRITE_PNG_COMPRESSION, QUICK])[1].tobytes()


def _image(folder: Path, _: str | None) -> np.ndarray:
    return as_image(load(folder, "image"))


def _alpha(folder: Path, _: str | None) -> np.ndarray:
    return np.clip(load(folder, "alpha"), 0, 1)


def _cutout(folder: Path, _: str | None) -> np.ndarray:
    return cutout(_foreground(folder), _alpha(folder, _))


def _composite(folder: Path, over: str | None) -> np.ndarray:
    return composite(_foreground(folder), _alpha(folder, over), css_colour(over or "white"))


def _foreground(folder: Path) -> np.ndarray:
    """Return the foreground's colours, (H, W, 3), which are estimated once for each alpha."""
    if not (folder / "foreground.npy").exists():
        found = estimate_foreground(_image(folder, None), _alpha(folder, None)).foreground
        store(folder, foreground=found.astype(np.float32))
    return load(folder, "foreground")


KINDS: dict[str, Callable[[Path, str | None], np.ndarray]] = {
    "picture": _image,
    "trimap": _alpha,
    "alpha": _alpha,
    "cutout": _cutout,
    "composite": _composite,
}
