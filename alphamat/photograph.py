"""From a photograph to a cut-out: segmentation, trimap, matte, colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from alphamat.door.image import Pixels, as_array, as_image, as_plane, refuse_other_size
from alphamat.foreground import Layers, cutout, estimate_foreground
from alphamat.method import Method, run
from alphamat.methods.learned import learned
from alphamat.segmentation import Segmentation, segment
from alphamat.trimap import as_trimap, from_segmentation


class Cutout(NamedTuple):
    """A cut-out, and all that led to it."""

    rgba: np.ndarray
    """(H, W, 4) float64 in [0, 1], with straight alpha."""
    alpha: np.ndarray
    """(H, W) float64 in [0, 1]."""
    foreground: np.ndarray
    """(H, W, 3) float64 colours in [0, 1], not multiplied by alpha."""
    trimap: np.ndarray
    """(H, W) uint8: 0, 128 and 255."""
    segmentation: Segmentation | None
    """None where a trimap was given."""


class DoubtfulError(ValueError):
    """The foreground is in doubt; `segmentation` is what was found."""

    def __init__(self, segmentation: Segmentation):
        super().__init__(
            f"I could not tell the foreground: {segmentation.reason} Draw a box (`box=`) or "
            "strokes (`scribbles=`), or pass a trimap (`trimap=`)."
        )
        self.segmentation = segmentation


def cutout_photo(
    image: Pixels,
    *,
    box: Sequence[float] | None = None,
    scribbles: Pixels | None = None,
    trimap: Pixels | None = None,
    segment: Callable[..., Any] = segment,
    make_trimap: Callable[[np.ndarray, np.ndarray], np.ndarray] = from_segmentation,
    matte: Method = learned,
    layers: Callable[[np.ndarray, np.ndarray], Layers] = estimate_foreground,
    keep: Callable[[np.ndarray], np.ndarray] | None = None,
    doubt: float = 0.5,
) -> Cutout:
    """Cut the foreground out of a photograph."""
    image = as_image(image)
    found = None
    if trimap is None:
        given = {"box": box, "scribbles": scribbles}
        found = _segmented(segment, image, {k: v for k, v in given.items() if v is not None})
        if found.doubt > doubt:
            raise DoubtfulError(found)
        if keep is not None:
            found = found._replace(foreground=_kept(found.foreground, keep))
        trimap = make_trimap(image, found.foreground)
    parts = as_trimap(trimap, shape=image.shape[:2])
    levels = np.where(parts.foreground, 255, np.where(parts.background, 0, 128)).astype(np.uint8)
    alpha, foreground = run(matte, image, levels)
    if foreground is None:
        foreground = layers(image, alpha).foreground
    return Cutout(cutout(foreground, alpha), alpha, foreground, levels, found)


def _segmented(segment: Callable[..., Any], image: np.ndarray, given: dict) -> Segmentation:
    found = segment(image, **given)
    if isinstance(found, Segmentation):
        return found
    mask = as_array(found, name="segment(image)")
    plane = as_plane(mask.astype(float) if mask.dtype == bool else mask, name="segment(image)")
    refuse_other_size(plane.shape, image.shape, "segment(image)")
    return Segmentation(plane)


def _kept(foreground: np.ndarray, keep: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return foreground * keep(foreground > 0.5)
