"""Affine maps: turning, moving, scaling and shearing, alike for all arrays of a sample.

A matrix here is (2, 3) and maps the column, row and 1 of a new pixel to the column and row in the
old picture: whole numbers are the centres of pixels, as for OpenCV. Where there is no old picture,
all is 0. To move the foreground only, make a sample of it:

    layer = random_affine({name: sample[name] for name in ("foreground", "alpha")}, rng)
    sample = with_layers(sample, layer)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from alphamat_deep.training.augment.geometry import draw_filter, size_of
from alphamat_deep.training.augment.sample import LABELS, Sample, by_picture, resample


class Affine(NamedTuple):
    """Turn, shear and scale about a picture's centre, then move; torchvision's convention."""

    angle: float = 0.0
    """Degrees, clockwise."""
    right: float = 0.0
    """Pixels."""
    down: float = 0.0
    """Pixels."""
    scale: float = 1.0
    shear: float = 0.0
    """Degrees, along rows."""

    def matrix(self, height: int, width: int) -> np.ndarray:
        """Return the matrix of this map for pictures of a size.

        Examples
        --------
        >>> Affine(right=2).matrix(5, 7).tolist()
        [[1.0, 0.0, -2.0], [0.0, 1.0, 0.0]]
        """
        angle, tangent = math.radians(self.angle), math.tan(math.radians(self.shear))
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        forward = self.scale * turn @ [[1, -tangent], [0, 1]]
        return _backward(forward, ((width - 1) / 2, (height - 1) / 2), (self.right, self.down))


def draw_affine(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    degrees: float,
    translate: float,
    scale: tuple[float, float] = (1, 1),
    shear: float = 0,
) -> Affine:
    """Draw as torchvision's RandomAffine: everything uniform, moves in whole pixels.

    Angle and shear lie within ± `degrees` and ± `shear`; moves within ± `translate` of the sides.

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> move = draw_affine(rng, 50, 40, degrees=10, translate=0.1, scale=(0.5, 1), shear=5)
    >>> abs(move.angle) <= 10 and abs(move.right) <= 4 and 0.5 <= move.scale <= 1
    True
    """
    return Affine(
        angle=rng.uniform(-degrees, degrees),
        right=round(rng.uniform(-translate * width, translate * width)),
        down=round(rng.uniform(-translate * height, translate * height)),
        scale=rng.uniform(*scale),
        shear=rng.uniform(-shear, shear),
    )


def warp(
    pixels: np.ndarray,
    matrix: np.ndarray,
    height: int,
    width: int,
    *,
    interpolation: int = cv2.INTER_LINEAR,
) -> np.ndarray:
    """Return pictures (..., height, width, C) whose pixels lie in the old ones as `matrix` says.

    Examples
    --------
    >>> warp(np.float32([[[1], [2], [3]]]), Affine(right=1).matrix(1, 3), 1, 3).tolist()
    [[[0.0], [1.0], [2.0]]]
    """
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return by_picture(
        pixels, lambda picture: cv2.warpAffine(picture, matrix, (width, height), flags=flags)
    )


def move(
    sample: Sample,
    matrix: np.ndarray,
    height: int,
    width: int,
    *,
    interpolations: Sequence[int] = (cv2.INTER_LINEAR,),
    rng: np.random.Generator | None = None,
) -> Sample:
    """Warp a sample by a matrix to a new size. Of several filters each array draws one.

    Examples
    --------
    >>> sample = {"alpha": np.float32([[[1], [0]]])}
    >>> move(sample, Affine(right=1).matrix(1, 2), 1, 2)["alpha"].ravel().tolist()
    [0.0, 1.0]
    """

    def moved(name, pixels):
        how = cv2.INTER_NEAREST if name in LABELS else draw_filter(interpolations, rng)
        return warp(pixels, matrix, height, width, interpolation=how)

    return resample(sample, moved)


def random_affine(
    sample: Sample,
    rng: np.random.Generator,
    *,
    degrees: float = 10,
    translate: float = 0.1,
    scale: tuple[float, float] = (0.5, 1),
    shear: float = 5,
) -> Sample:
    """Move a sample by an affine map drawn as torchvision's RandomAffine.

    The defaults are what RVM does to every foreground; its backgrounds have scale 1 … 1.5. All
    frames of a clip move alike.

    Examples
    --------
    >>> sample = {"alpha": np.ones((20, 30, 1), np.float32)}
    >>> bool(random_affine(sample, np.random.default_rng(0))["alpha"].mean() < 1)
    True
    """
    height, width = size_of(sample)
    drawn = draw_affine(
        rng, height, width, degrees=degrees, translate=translate, scale=scale, shear=shear
    )
    return move(sample, drawn.matrix(height, width), height, width)


def random_affine_and_resize(
    sample: Sample,
    height: int,
    width: int,
    rng: np.random.Generator,
    *,
    degrees: float = 5,
    translate: float = 0.1,
    scale: tuple[float, float] = (0.4, 1),
    shear: float = 5,
) -> Sample:
    """Bring a sample to a size by an affine map: BackgroundMattingV2's AffineAndResize.

    At scale 1 the picture just covers the size. The defaults are for foregrounds; backgrounds have
    scale 1 … 2. It is one interpolation without antialiasing.

    Examples
    --------
    >>> sample = {"alpha": np.ones((20, 30, 1), np.float32)}
    >>> random_affine_and_resize(sample, 8, 9, np.random.default_rng(0))["alpha"].shape
    (8, 9, 1)
    """
    rows, columns = size_of(sample)
    cover = max(width / columns, height / rows)
    drawn = draw_affine(
        rng,
        rows,
        columns,
        degrees=degrees,
        translate=translate * cover,
        scale=(scale[0] * cover, scale[1] * cover),
        shear=shear,
    )
    return move(sample, _to_centre(drawn, (rows, columns), (height, width)), height, width)


def stretch_matrix(
    height: int,
    width: int,
    *,
    angle: float = 0,
    scale: tuple[float, float] = (1, 1),
    shear: float = 0,
    flips: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """Return GCA's affine map: flip and scale x and y, turn, shear; degrees.

    A flip is -1. The fixed point lies one pixel to the right of the picture's middle and one below
    it, so a flip also moves the picture, by two pixels.

    Examples
    --------
    >>> stretch_matrix(5, 7, scale=(2, 1)).tolist()
    [[0.5, 0.0, 2.0], [0.0, 1.0, 0.0]]
    """
    angle, sheared = math.radians(angle), math.radians(angle + shear)
    turn = np.array([[math.cos(sheared), -math.sin(sheared)], [math.sin(angle), math.cos(angle)]])
    forward = turn * np.multiply(scale, flips)
    return _backward(forward, (width / 2 + 0.5, height / 2 + 0.5), (0, 0))


def random_stretch(
    sample: Sample,
    rng: np.random.Generator,
    *,
    interpolations: Sequence[int] = (cv2.INTER_NEAREST,),
) -> Sample:
    """Move a sample by GCA's RandomAffine.

    Angle ± 30°, but 0 where both sides are below 1024 pixels; scales of x and y each 0.8 … 1.25,
    shear ± 10°, flips each half of the time. ViTMatte draws one of `ALL_FILTERS` for each array.

    Examples
    --------
    >>> sample = {"alpha": np.ones((20, 30, 1), np.float32)}
    >>> random_stretch(sample, np.random.default_rng(0))["alpha"].shape
    (20, 30, 1)
    """
    height, width = size_of(sample)
    degrees = 30 if max(height, width) >= 1024 else 0
    matrix = stretch_matrix(
        height,
        width,
        angle=rng.uniform(-degrees, degrees),
        scale=(rng.uniform(0.8, 1.25), rng.uniform(0.8, 1.25)),
        shear=rng.uniform(-10, 10),
        flips=(rng.choice([-1, 1]), rng.choice([-1, 1])),
    )
    return move(sample, matrix, height, width, interpolations=interpolations, rng=rng)


def _backward(forward, centre: tuple[float, float], moved: tuple[float, float]) -> np.ndarray:
    """Return the matrix of `forward`, (2, 2), about a centre, then a move."""
    back = np.linalg.inv(forward)
    return np.column_stack([back, centre - back @ np.add(centre, moved)])


def _to_centre(drawn: Affine, old: tuple[int, int], new: tuple[int, int]) -> np.ndarray:
    """Return the matrix of an affine map on a picture padded to at least a size, then cropped."""
    padding = -(np.minimum(np.subtract(old, new), 0) // 2)  # half of what lacks, rounded up
    padded = np.add(old, 2 * padding)
    corner = [round(side / 2) for side in padded - new]
    matrix = drawn.matrix(*padded)
    matrix[:, 2] += matrix[:, :2] @ corner[::-1] - padding[::-1]
    return matrix
