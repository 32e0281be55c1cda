"""Trimaps from what people have: a segmentation, an alpha matte, scribbles, strokes.

Every trimap made here is (H, W) uint8: 255 foreground, 0 background, 128 unknown.
"""

from __future__ import annotations

import math

import numpy as np

from alphamat.door.image import (
    FULL_SCALE,
    Pixels,
    as_array,
    as_image,
    as_plane,
    refuse_other_size,
    unit_range,
)
from alphamat.door.parameters import as_number
from alphamat.trimap.parse import Trimap
from alphamat.trimap.widths import Width, depth, grow


def from_mask(
    mask: Pixels, *, inner: Width, outer: Width, low: float = 0.0, high: float = 1.0
) -> np.ndarray:
    """Make a trimap from a segmentation: its edge becomes a band of unknown pixels.

    A soft mask has unknown pixels of its own: all strictly between `low` and `high`. The bands grow
    from these as they do from a hard edge. The border of the picture is no edge: what touches it
    stays known there.

    Parameters
    ----------
    mask : (H, W) array_like, or PIL image
        bool, or uint8, uint16 or floating point in [0, 1], full scale being foreground.
    inner, outer : float, or callable
        How far the unknown region reaches into the foreground and into the background. A number is
        a distance in pixels, between the centres of pixels: with `inner=2` the foreground keeps
        what is farther than 2 pixels from all that is not foreground. A function grows a mask:
        `Ellipse(7, iterations=6)` is a common recipe, `Diagonal(0.01)` is 1 % of the image's
        diagonal, and any function region -> region of (H, W) bool will do.
    low, high : float
        Levels up to `low` count as background, from `high` on as foreground, in shares of full
        scale. Masks from networks are seldom 0 or 1 exactly, and need something like 0.05 and 0.95.

    Returns
    -------
    (H, W) uint8 array of 0, 128 and 255.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or if no foreground or no background would be known.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat.trimap import Diagonal, Ellipse, from_mask
    >>> mask = np.zeros((90, 120), bool)
    >>> mask[20:70, 30:90] = True
    >>> trimap = from_mask(mask, inner=10, outer=15)
    >>> [int((trimap == level).sum()) for level in (0, 128, 255)]
    [3852, 5748, 1200]
    >>> trimap = from_mask(mask, inner=Diagonal(0.01), outer=Diagonal(0.015))
    >>> trimap = from_mask(mask, inner=Ellipse(7, iterations=6), outer=Ellipse(7, iterations=6))

    One class of a label image:

    >>> labels = 3 * mask
    >>> trimap = from_mask(labels == 3, inner=10, outer=10)
    """
    levels = mask_levels(mask, "mask")
    white, black = _certain(levels, low, high)
    trimap = _banded(white, black, inner, outer)
    _refuse_lost("foreground", white, trimap == 255, levels, "inner", inner)
    _refuse_lost("background", black, trimap == 0, levels, "outer", outer)
    return trimap


def from_alpha(
    alpha: Pixels,
    *,
    inner: Width = 0.0,
    outer: Width = 0.0,
    low: float = 0.0,
    high: float = 1.0,
) -> np.ndarray:
    """Make a trimap from an alpha matte, as data sets do from the truth.

    Fractional pixels are unknown. Bands grow from them, as in `from_mask`, and from edges where
    alpha jumps from 0 to 1. Unlike `from_mask` it takes a matte without opaque or without clear
    pixels: smoke, glass and the crops of a training set may have none. Where a method needs both,
    `as_trimap` refuses the trimap.

    Parameters
    ----------
    alpha : (H, W) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1].
    inner, outer : float, or callable
        How far the unknown region reaches into the opaque pixels and into the clear ones, in pixels
        or by a function; see `from_mask`. The default adds nothing to the fractional pixels.
    low, high : float
        Alpha up to `low` counts as clear, from `high` on as opaque.

    Returns
    -------
    (H, W) uint8 array of 0, 128 and 255.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused.

    Examples
    --------
    Recipes of data sets and of networks. For training: Deep Image Matting's, as most
    implementations have it, with one kernel for both sides; then GCA's, with one for each side:

    >>> import numpy as np
    >>> from alphamat.examples import fur, synthetic
    >>> from alphamat.trimap import Ellipse, from_alpha
    >>> rng, alpha = np.random.default_rng(3), synthetic(fur, 90, 120).alpha
    >>> width = Ellipse.random(rng, size=(2, 4), iterations=(5, 14))
    >>> trimap = from_alpha(alpha, inner=width, outer=width)
    >>> inner, outer = (Ellipse.random(rng, size=(1, 29), iterations=(1, 1)) for _ in range(2))
    >>> trimap = from_alpha(alpha, inner=inner, outer=outer)

    For evaluation: PaddleSeg's, where a data set has no trimaps; then the style of Composition-1k.
    The trimaps there reach into the background by an exact distance that differs between pictures:
    8, 9 and 15 pixels in three of them:

    >>> trimap = from_alpha(alpha, inner=Ellipse(25), outer=Ellipse(25))
    >>> trimap = from_alpha(alpha, inner=10, outer=10)
    """
    white, black = _certain(as_plane(alpha, name="alpha"), low, high)
    return _banded(white, black, inner, outer)


def from_scribbles(scribbles: Pixels, *, image: Pixels | None = None) -> np.ndarray:
    """Make a trimap from a picture of strokes: white on foreground, black on background.

    All else is unknown, also strokes in other colours.

    Parameters
    ----------
    scribbles : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        A copy of `image` with strokes painted over it. Without `image`, strokes on a plain ground
        that is neither black nor white, or on a transparent one.
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image, optional
        The photograph itself. A stroke is where the two differ by more than 0.001 in the sum of the
        channels; that is the rule of the MATLAB code of Levin et al. (2008).

    Returns
    -------
    (H, W) uint8 array of 0, 128 and 255.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or if there are no white or no black strokes.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat.trimap import from_scribbles
    >>> image = np.full((1, 3, 3), 0.4)
    >>> painted = image.copy()
    >>> painted[0, 0], painted[0, 2] = 1, 0
    >>> from_scribbles(painted, image=image)
    array([[255, 128,   0]], dtype=uint8)
    """
    if image is None:
        pixels, painted = _strokes_alone(scribbles)
    else:
        image, pixels = as_image(image), as_image(scribbles, name="scribbles")
        refuse_other_size(pixels.shape, image.shape, "scribbles")
        painted = np.abs(pixels - image).sum(axis=2) > 1e-3
    strokes = {
        "white": painted & (pixels == 1).all(axis=2),
        "black": painted & (pixels == 0).all(axis=2),
    }
    for colour, stroke in strokes.items():
        if not stroke.any():
            raise ValueError(
                f"`scribbles` has no {colour} stroke among {np.count_nonzero(painted):,} painted "
                "pixels. White marks foreground and black background, exactly: 255 and 0, which "
                "JPEG does not keep."
            )
    return Trimap(strokes["white"], strokes["black"]).levels


def from_strokes(*, foreground: Pixels, background: Pixels) -> np.ndarray:
    """Make a trimap from two masks of strokes; what neither covers is unknown.

    Parameters
    ----------
    foreground, background : (H, W) array_like, or PIL image
        bool, or uint8, uint16 or floating point, of which only full scale is a stroke. Of a label
        image, as `skimage.segmentation.random_walker` takes it: `labels == 1`, `labels == 2`.

    Returns
    -------
    (H, W) uint8 array of 0, 128 and 255.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, marks nothing, or if the two overlap.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat.trimap import from_strokes
    >>> labels = np.array([[1, 0, 2]])
    >>> from_strokes(foreground=labels == 1, background=labels == 2)
    array([[255, 128,   0]], dtype=uint8)
    """
    white, black = (
        mask_levels(foreground, "foreground") == 1,
        mask_levels(background, "background") == 1,
    )
    if white.shape != black.shape:
        raise ValueError(
            f"`foreground` has shape {white.shape} and `background` {black.shape}; they must be of "
            "one size."
        )
    for name, stroke in (("foreground", white), ("background", black)):
        if not stroke.any():
            raise ValueError(f"`{name}` marks no pixel, so no {name} is known.")
    both = np.argwhere(white & black)
    if both.size:
        raise ValueError(
            f"`foreground` and `background` overlap in {len(both):,} pixels, the first in row "
            f"{both[0][0]}, column {both[0][1]}; a pixel cannot be both."
        )
    return Trimap(white, black).levels


def _strokes_alone(scribbles: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """Return the colours of a layer of strokes, (H, W, 3), and where it is opaque."""
    pixels = unit_range(scribbles, name="scribbles")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        return pixels[..., :3], pixels[..., 3] == 1
    pixels = as_image(pixels, name="scribbles")
    return pixels, np.ones(pixels.shape[:2], bool)


def mask_levels(mask: Pixels, name: str) -> np.ndarray:
    """Return a mask's levels as (H, W) float64 in [0, 1]."""
    array = as_array(mask, name=name)
    if array.dtype == bool:
        array = array.astype(np.float64)
    if array.dtype.kind in "iu" and array.dtype not in FULL_SCALE:
        raise TypeError(
            f"`{name}` has dtype {array.dtype}; expected bool, uint8, uint16 or floating point in "
            f"[0, 1]. If it holds labels, pass `{name} == label`."
        )
    return as_plane(array, name=name)


def _certain(levels: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels that are foreground and those that are background by their levels."""
    low = as_number(low, "low", "a number in [0, 1]")
    high = as_number(high, "high", "a number in [0, 1]")
    if not 0 <= low < high <= 1:
        raise ValueError(f"`low` and `high` are {low} and {high}; expected 0 <= low < high <= 1.")
    return levels >= high, levels <= low


def _banded(white: np.ndarray, black: np.ndarray, inner: Width, outer: Width) -> np.ndarray:
    return Trimap(~grow(~white, inner, "inner"), ~grow(~black, outer, "outer")).levels


def _refuse_lost(
    part: str, certain: np.ndarray, kept: np.ndarray, levels: np.ndarray, name: str, width: Width
) -> None:
    """Raise if a mask has no foreground (or background), or if its band leaves none."""
    if kept.any():
        return
    if not certain.any():
        raise ValueError(
            f"`mask` has no {part}: its values run from {levels.min():.3g} to {levels.max():.3g} "
            "of full scale. If it holds 0 and 1, pass `mask.astype(bool)`; if it is soft, say with "
            "`low` and `high` what is certain."
        )
    reach = width if callable(width) else f"{float(width):g} pixels"
    raise ValueError(
        f"`{name}` is {reach}, which leaves no known {part}: the mask's {part} is nowhere "
        f"deeper than {math.floor(10 * depth(certain)) / 10:g} pixels. Make `{name}` smaller."
    )
