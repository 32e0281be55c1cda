"""Trimaps made of alpha by the rules of authors.

All but one of these rules grow the unknown region by OpenCV's ellipses, whose even sizes reach one
pixel farther right and down. They differ in sizes, in passes, and in which alphas are certain:

==================  =====================================  ============================
author              ellipses                               certain
==================  =====================================  ============================
DIM, PaddleSeg      one of 2 … 4, 5 … 14 passes            0 and 255 of 8 bits
mmagic's DIM        two of 1 … 29, one pass                0 and 255 of 8 bits
PaddleSeg, tests    25, one pass                           0 and 255 of 8 bits
GCA                 two of 1 … 29, one pass                ≤ 1e-5 and ≥ 1 - 1e-5
ViTMatte            GCA's, on a copy of 640 × 640          ≤ 1e-5 and ≥ 1 - 1e-5
P3M                 one of 15 … 30, one pass               0 and 255 of 8 bits
GFM                 25, one pass                           0 and 255 of 8 bits
IndexNet (mmagic)   a distance of 1 … 19 to the fractions  0 and 255 of 8 bits
==================  =====================================  ============================

"Two" are drawn apart, for foreground and background. A trimap made before a crop is resized has
other widths than one made after it: GCA makes it before, DIM after.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from alphamat.trimap import Ellipse, from_alpha
from alphamat_deep.training.augment.geometry import resize_pixels, size_of
from alphamat_deep.training.augment.sample import Sample, by_picture, to_8_bits

ROUNDED = 0.5 / 255
"""Alphas nearer than this to 0 or 1 are 0 or 255 in 8 bits."""
GCA_MARGIN = 1e-5


def trimap_by_ellipses(
    alpha: np.ndarray, inner: Ellipse, outer: Ellipse, *, margin: float = ROUNDED
) -> np.ndarray:
    """Return the trimap of alphas (..., H, W, 1): 0, 0.5 and 1.

    `inner` takes from the foreground and `outer` from the background, which begin at alphas within
    `margin` of 1 and of 0.

    Examples
    --------
    >>> alpha = np.float32([[[x] for x in (1, 1, 1, 0, 0, 0)]])
    >>> trimap_by_ellipses(alpha, Ellipse(1), Ellipse(5)).ravel().tolist()
    [1.0, 1.0, 1.0, 0.5, 0.5, 0.0]
    """

    def trimap(plane):
        levels = from_alpha(plane[..., 0], inner=inner, outer=outer, low=margin, high=1 - margin)
        return np.where(levels == 128, np.float32(0.5), levels / np.float32(255))

    return by_picture(alpha, trimap)


def trimap_by_distance(alpha: np.ndarray, distance: float) -> np.ndarray:
    """Return the trimap whose unknown pixels lie within a distance of fractional alphas.

    An edge without fractional pixels between 0 and 1 gets no unknown pixels.

    Examples
    --------
    >>> alpha = np.float32([[[x] for x in (1, 1, 0.5, 0, 0, 0)]])
    >>> trimap_by_distance(alpha, 2).ravel().tolist()
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.0]
    """

    def trimap(plane):
        levels = to_8_bits(plane[..., 0])
        known = ((levels == 0) | (levels == 255)).astype(np.uint8)
        certain = (levels == 255).astype(np.float32)
        if known.all():
            return certain  # OpenCV has no distance to nothing
        away = cv2.distanceTransform(known, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return np.where(away <= distance, np.float32(0.5), certain)

    return by_picture(alpha, trimap)


def random_trimap(
    sample: Sample,
    rng: np.random.Generator,
    *,
    size: tuple[int, int],
    passes: tuple[int, int] = (1, 1),
    apart: bool = False,
    margin: float = ROUNDED,
    side: int | None = None,
) -> Sample:
    """Set the trimap to one grown by ellipses that are drawn uniformly, both ends included.

    The rules of authors are functions of a sample and `rng`: `dim_trimap`, `mmagic_trimap`,
    `paddleseg_test_trimap`, `gca_trimap`, `vitmatte_trimap`, `p3m_trimap` and `gfm_trimap`.

    Parameters
    ----------
    sample : Sample
        With alpha.
    rng : Generator
    size, passes : (int, int)
        Least and most.
    apart : bool
        Whether foreground and background have ellipses of their own.
    margin : float
        How far certain alphas may be from 0 and 1.
    side : int, optional
        Make the trimap of an alpha of this height and width, taken pixel by pixel, and resize it
        back. The widths are then shares of the sides.

    Examples
    --------
    >>> sample = {"alpha": np.float32([[[x] for x in (1, 1, 1, 0, 0, 0)]])}
    >>> rng = np.random.default_rng(0)
    >>> random_trimap(sample, rng, size=(3, 3))["trimap"].ravel().tolist()
    [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    >>> dim_trimap(sample, rng)["trimap"].shape
    (1, 6, 1)
    """
    inner = Ellipse.random(rng, size=size, iterations=passes)
    outer = Ellipse.random(rng, size=size, iterations=passes) if apart else inner
    alpha = sample["alpha"]
    if side is not None:
        alpha = resize_pixels(alpha, side, side, interpolation=cv2.INTER_NEAREST)
    trimap = trimap_by_ellipses(alpha, inner, outer, margin=margin)
    trimap = resize_pixels(trimap, *size_of(sample), interpolation=cv2.INTER_NEAREST)
    return sample | {"trimap": trimap}


dim_trimap = partial(random_trimap, size=(2, 4), passes=(5, 14))
mmagic_trimap = partial(random_trimap, size=(1, 29), apart=True)
paddleseg_test_trimap = partial(random_trimap, size=(25, 25))
gca_trimap = partial(random_trimap, size=(1, 29), apart=True, margin=GCA_MARGIN)
vitmatte_trimap = partial(gca_trimap, side=640)
p3m_trimap = partial(random_trimap, size=(15, 30))
gfm_trimap = partial(random_trimap, size=(25, 25))


def indexnet_trimap(
    sample: Sample, rng: np.random.Generator, *, distance: tuple[int, int] = (1, 19)
) -> Sample:
    """Set the trimap to one by a distance, drawn from whole numbers, both ends included.

    Examples
    --------
    >>> sample = {"alpha": np.float32([[[x] for x in (1, 1, 0.5, 0, 0, 0)]])}
    >>> rng = np.random.default_rng(0)
    >>> indexnet_trimap(sample, rng, distance=(1, 1))["trimap"].ravel().tolist()
    [1.0, 0.5, 0.5, 0.5, 0.0, 0.0]
    """
    drawn = int(rng.integers(*distance, endpoint=True))
    return sample | {"trimap": trimap_by_distance(sample["alpha"], drawn)}


def possible_foreground(alpha: np.ndarray, size: int) -> np.ndarray:
    """Return 1 within an ellipse of all that is not clear: the target of GFM's BT track.

    Examples
    --------
    >>> possible_foreground(np.float32([[[x] for x in (0.5, 0, 0, 0)]]), 3).ravel().tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    return (trimap_by_ellipses(alpha, Ellipse(size), Ellipse(size)) > 0).astype(np.float32)


def certain_foreground(alpha: np.ndarray, size: int) -> np.ndarray:
    """Return 1 where an ellipse holds opaque pixels only: the target of GFM's FT track.

    Examples
    --------
    >>> certain_foreground(np.float32([[[x] for x in (1, 1, 1, 0)]]), 3).ravel().tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    return (trimap_by_ellipses(alpha, Ellipse(size), Ellipse(size)) == 1).astype(np.float32)
