"""From a photograph to a cut-out: segmentation, trimap, matte, colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any, NamedTuple

import numpy as np

from alphamat.door.image import Pixels, as_alpha, as_array, as_image
from alphamat.door.parameters import as_number, parameters
from alphamat.foreground import Layers, cutout, estimate_foreground
from alphamat.method import Method, name_of, run
from alphamat.methods.learned import learned
from alphamat.progress import Step, tell
from alphamat.segmentation import Segmentation, segment
from alphamat.trimap import as_trimap, from_segmentation
from alphamat.trimap.likely import depth_in


class Cutout(NamedTuple):
    """A cut-out, and what led to it."""

    rgba: np.ndarray
    """(H, W, 4) float64 in [0, 1], with straight alpha, as PNG has it."""
    alpha: np.ndarray
    """(H, W) float64 in [0, 1]."""
    foreground: np.ndarray
    """(H, W, 3) float64 colours in [0, 1], not multiplied by alpha."""
    trimap: np.ndarray
    """(H, W) uint8: 0, 128 and 255."""
    segmentation: Segmentation | None
    """None where a trimap was given."""


class DoubtfulError(ValueError):
    """The foreground is in doubt. `segmentation` is what was found of it."""

    def __init__(self, segmentation: Segmentation):
        super().__init__(segmentation)
        self.segmentation = segmentation

    def __str__(self) -> str:
        return (
            f"I could not tell the foreground: {self.segmentation.reason} Draw a box (`box=`) or "
            "strokes (`scribbles=`), or accept more doubt (`doubt=`)."
        )


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
    """Cut the foreground out of a photograph.

    A segmentation says roughly where the foreground is, a trimap marks what is left to find out,
    and a method finds alpha there. Each step is a function that can be another one. Without a box,
    strokes or a trimap, people are found by their faces.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        See `as_image`.
    box : (left, top, right, bottom), optional
        A rectangle in pixels around all of the foreground, as PIL's `crop` takes it.
    scribbles : (H, W) array_like, or PIL image, optional
        Strokes: full scale is foreground, 0 background, and all between says nothing. Either kind
        may be missing.
    trimap : (H, W) array_like, or PIL image, optional
        With a trimap there is nothing to segment.
    segment : callable
        `segment(image)` returns a `Segmentation`, a mask or an alpha, (H, W); a network without
        trimap will do. It is given `box` and `scribbles` by name, where they are there.
    make_trimap : callable
        `make_trimap(image, foreground)` returns a trimap.
    matte : Method
        `matte(image, trimap)` returns alpha, or a `Matte`.
    layers : callable
        `layers(image, alpha)` returns `Layers`. Not called where `matte` gives the foreground, too.
    keep : callable, optional
        `keep(mask)` returns which pixels of a mask to keep, (H, W) bool:
        `segmentation.largest`, or `functools.partial(segmentation.at, x=310, y=200)`.
    doubt : float
        A segmentation may have so much doubt, from 0 to 1.

    Returns
    -------
    Cutout

    Raises
    ------
    DoubtfulError
        If the segmentation has more doubt. It is a ValueError, and has the `segmentation`.
    TypeError, ValueError
        If an argument is refused.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat.examples import fur, synthetic
    >>> image = synthetic(fur, 120, 160).image
    >>> found = alphamat.cutout_photo(image, box=(30, 10, 130, 120))
    >>> found.rgba.shape
    (120, 160, 4)
    """
    image = as_image(image)
    doubt = as_number(doubt, "doubt", "a number in [0, 1]", least=0, most=1)
    given = {"box": box, "scribbles": scribbles}
    given = {name: value for name, value in given.items() if value is not None}
    found = None
    if trimap is not None:
        if given:
            raise ValueError(
                f"`trimap` and `{next(iter(given))}` are both given; the trimap says all, so leave "
                "out the other."
            )
    else:
        tell(Step("finding the foreground"))
        found = _segmented(segment, image, given)
        if found.doubt > doubt:
            raise DoubtfulError(found)
        if keep is not None:
            found = found._replace(foreground=_kept(found.foreground, keep))
        trimap = make_trimap(image, found.foreground)
    levels = as_trimap(trimap, shape=image.shape[:2]).levels
    if found is None and keep is not None:
        levels[~_asked(keep, levels > 0)] = 0
    alpha, foreground = run(matte, image, levels)
    alpha = np.asarray(alpha, np.float64)
    foreground = layers(image, alpha).foreground if foreground is None else foreground
    foreground = np.asarray(foreground, np.float64)
    return Cutout(cutout(foreground, alpha), alpha, foreground, levels, found)


def _segmented(
    segment: Callable[..., Any], image: np.ndarray, given: dict[str, Any]
) -> Segmentation:
    known = parameters(segment)
    if known and all(x.kind is not Parameter.VAR_KEYWORD for x in known.values()):
        for name in given.keys() - known:
            raise ValueError(f"`{name}` is given, and {name_of(segment)} takes none.")
    found = segment(image, **given)
    if isinstance(found, Segmentation):
        return found
    mask = as_array(found, name="segment(image)")
    mask = mask.astype(float) if mask.dtype == bool else mask
    return Segmentation(as_alpha(mask, shape=image.shape[:2], name="segment(image)"))


def _kept(foreground: np.ndarray, keep: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return a likelihood without what lies nearer to a dropped part than to a kept one."""
    mask = foreground > 0.5
    kept = _asked(keep, mask)
    foreground, dropped = np.where(kept & ~mask, 1.0, foreground), mask & ~kept
    if dropped.any():
        far, near = depth_in(~dropped), depth_in(~kept)
        foreground[~kept & (far <= near)] = 0
    return foreground


def _asked(keep: Callable[[np.ndarray], np.ndarray], mask: np.ndarray) -> np.ndarray:
    """Return what `keep` keeps of a mask, if it is a mask of that size."""
    kept = np.asarray(keep(mask))
    if kept.shape != mask.shape or kept.dtype != bool:
        raise ValueError(
            f"`keep` returned an array of shape {kept.shape} and dtype {kept.dtype}; expected "
            f"which pixels of a mask to keep: {mask.shape} and bool."
        )
    if not kept.any():
        raise ValueError("`keep` keeps nothing, so there is nothing to cut out.")
    return kept
