"""Plates: a picture of the scene without its foreground, aligned with the image.

Two views of a scene through one lens differ by a homography if the camera only turned, or if the
scene is flat or far away. If the camera moved before a near scene, no homography fits. It is found
from points that both pictures show: Lowe, "Distinctive Image Features from
Scale-Invariant Keypoints", IJCV 2004; Barath, Noskova, Ivashechkin & Matas, "MAGSAC++, a Fast,
Reliable and Accurate Robust Estimator", CVPR 2020.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphamat.door.colour import luma
from alphamat.door.image import Pixels, as_image

LONGEST = 1000  # pixels: points are looked for in pictures reduced to this longer side
CONTRAST = 0.01  # of points, a quarter of Lowe's: walls and cloth have only faint points
RATIO = 0.8  # a match is sure if its distance is less than this share of the second best's (Lowe)
REACH = 2.0  # pixels at that size: a point that lies farther off is not of the scene
ENOUGH = 30  # points to trust a homography
LIKE = 0.06  # of full scale: colours that differ by less are taken to agree


class AlignedPlate(NamedTuple):
    """A plate in the image's view, and how well it fits."""

    plate: np.ndarray
    """(H, W, 3) float64; where the plate does not reach, the image's own colours."""
    covered: np.ndarray
    """(H, W) bool: where the plate reaches."""
    homography: np.ndarray
    """(3, 3), from the image's pixels (x, y, 1) to the plate's."""
    points: int
    """How many points of the scene are found in both."""
    error: float
    """Root mean square distance of these points after alignment, in pixels of the plate."""
    agreement: float
    """Share of the covered pixels whose colours agree: the scene without the foreground."""


def align_plate(image: Pixels, plate: Pixels) -> AlignedPlate:
    """Align a plate from a hand-held camera with the image.

    Parameters
    ----------
    image : (H, W, 3) array_like
        With the foreground; see `as_image`.
    plate : (h, w, 3) array_like
        The same scene without it, from nearly the same place, of any size. Focus, exposure and
        white balance have to be the same: they are not corrected.

    Returns
    -------
    AlignedPlate

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or if the plate does not fit: if the two have fewer than 30
        points in common; if these points would turn the plate inside out or scale it by more than
        two; or if it covers less than half of the image.
    """
    image, plate = as_image(image), as_image(plate, name="plate")
    homography, here, there = _seen_in_both(image, plate)
    if len(here) < ENOUGH:
        raise ValueError(
            f"`plate` does not fit `image`: {len(here)} points in common, expected at least "
            f"{ENOUGH}. It has to show the same scene from nearly the same place, with some "
            "texture. If the camera did not move, use the plate as it is."
        )
    _refuse_folded(homography, image.shape, plate.shape)
    aligned, covered = _warped(plate, homography, image.shape[:2])
    if covered.mean() < 0.5:
        raise ValueError(
            f"`plate` covers only {covered.mean():.0%} of `image`; expected at least half."
        )
    aligned[~covered] = image[~covered]
    off = np.square(_mapped(homography, here) - there).sum(axis=1)
    like = np.abs(aligned - image).max(axis=2)[covered] < LIKE
    return AlignedPlate(
        aligned, covered, homography, len(here), float(np.sqrt(off.mean())), float(like.mean())
    )


def _seen_in_both(
    image: np.ndarray, plate: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a homography and the points (n, 2) that follow it, in the image and in the plate."""
    import cv2

    none = np.eye(3), np.zeros((0, 2)), np.zeros((0, 2))
    (ours, ours_by), (theirs, theirs_by) = _points(image), _points(plate)
    if min(len(ours), len(theirs)) < ENOUGH:
        return none
    pairs = cv2.BFMatcher().knnMatch(ours_by, theirs_by, k=2)
    sure = [best for best, second in pairs if best.distance < RATIO * second.distance]
    nearest = {match.trainIdx: match for match in sorted(sure, key=lambda x: -x.distance)}
    if len(nearest) < ENOUGH:
        return none
    here = ours[[match.queryIdx for match in nearest.values()]]
    there = theirs[list(nearest)]
    reach = REACH * max(1, max(plate.shape) / LONGEST)
    homography, kept = cv2.findHomography(here, there, cv2.USAC_MAGSAC, reach, maxIters=10000)
    if homography is None:
        return none
    kept = kept.ravel() > 0
    return homography, here[kept], there[kept]


def _points(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distinctive points (n, 2), in pixels (x, y) of the image, and their descriptors."""
    import cv2

    gray = luma(image)
    shrink = min(1.0, LONGEST / max(gray.shape))
    if shrink < 1:
        gray = cv2.resize(gray, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    found, looks = cv2.SIFT.create(contrastThreshold=CONTRAST).detectAndCompute(gray, None)
    scale = np.divide(image.shape[1::-1], gray.shape[::-1])
    places = np.array([point.pt for point in found], float).reshape(-1, 2)
    return (places + 0.5) * scale - 0.5, looks


def _refuse_folded(homography: np.ndarray, image: tuple[int, ...], plate: tuple[int, ...]) -> None:
    height, width = image[:2]
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    quad = _mapped(homography, frame) / plate[1::-1] * (width, height)
    sides = np.roll(quad, -1, axis=0) - quad
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    areas = turns / (height * width)  # of the plate near each corner, over the image's
    if not (areas.min() > 1 / 4 and areas.max() < 4):
        raise ValueError(
            "`plate` does not fit `image`: the points in common would turn it inside out, or scale "
            "it by more than two. It has to show the same scene from nearly the same place."
        )


def _warped(
    plate: np.ndarray, homography: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the plate in the image's view, (H, W, 3), and where it reaches, (H, W)."""
    import cv2

    def warp(pixels, how, border):
        flags = how | cv2.WARP_INVERSE_MAP
        return cv2.warpPerspective(pixels, homography, size[::-1], flags=flags, borderMode=border)

    aligned = np.clip(warp(plate, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE), 0, 1)
    inside = np.ones(plate.shape[:2], np.float32)
    return aligned, warp(inside, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT) > 0.999


def _mapped(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    mapped = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return mapped[:, :2] / mapped[:, 2:]
