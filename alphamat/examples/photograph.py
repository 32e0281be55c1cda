"""Pictures that come with the library.

The trimap of `astronaut` was drawn by hand for alphamat: her outline as a polygon of 135 points on
the enlarged photograph, and along it a band of unknown pixels. The band is 14 wide at the hair (6
inside, 8 outside, for the strands that stand off), and 6 along suit and helmet. It is 3 to 4 at the
clasp of the collar, the patch on the sleeve and the black hinge of the helmet in front of a black
table: colour says little there, and a person has to decide.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import NamedTuple

import numpy as np

from alphamat.io.images import read_image


class Example(NamedTuple):
    """A picture and its trimap."""

    image: np.ndarray
    trimap: np.ndarray


def astronaut() -> Example:
    """Return a portrait with hair in front of a mottled wall, and its trimap.

    The photograph is NASA's, in the public domain, as distributed with scikit-image: Eileen
    Collins, 512 × 512. The trimap has the levels 0, 128 and 255; 4 % of the pixels are unknown.

    Returns
    -------
    Example
        `image` (512, 512, 3) and `trimap` (512, 512), both uint8.

    Examples
    --------
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> image.shape, trimap.shape
    ((512, 512, 3), (512, 512))
    """
    from skimage import data

    with as_file(files("alphamat") / "assets" / "astronaut_trimap.png") as path:
        return Example(data.astronaut(), read_image(path))


def sky(height: int, width: int) -> np.ndarray:
    """Return a bright evening sky as a background, (height, width, 3) floats in [0, 1].

    Examples
    --------
    >>> from alphamat import examples
    >>> examples.sky(40, 50).shape
    (40, 50, 3)
    """
    down, along = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    zenith, blue, horizon, sun = np.array(
        [[0.10, 0.25, 0.55], [0.40, 0.66, 0.86], [0.99, 0.82, 0.68], [1.0, 0.93, 0.74]]
    )
    low, high = np.clip([2 * down - 1, 1 - 2 * down], 0, 1)[..., None]
    clear = blue + high * (zenith - blue) + low * (horizon - blue)
    glow = np.exp(-10 * ((along - 0.85) ** 2 + (down - 0.7) ** 2))[..., None]
    return clear + 0.6 * glow * (sun - clear)
