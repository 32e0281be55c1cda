"""Graph cuts on a small copy of a picture, from several seeds.

Rother, Kolmogorov & Blake, "GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts",
SIGGRAPH 2004, as OpenCV has it. Seeds that differ a little show how far the result can be trusted:
how likely a pixel is foreground is the share of the runs that say so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphamat.segmentation.result import Doubt
from alphamat.trimap.likely import depth_in

LONGEST = 320  # pixels: pictures are reduced to this longer side
ROUNDS = 3  # of colours and cut in turn
DEEP = 0.05  # of the longer side: so far from their outline most runs decide
SPECK = 0.005  # of the foreground: smaller parts and holes are noise
HOLE = 0.05  # of the foreground: larger holes stay as they are
UNSURE = 0.25  # mean likelihood in a hole, from which on it is filled
BACKGROUND, FOREGROUND, PERHAPS_BACKGROUND, PERHAPS_FOREGROUND = range(4)  # as OpenCV has them


class Cuts(NamedTuple):
    """What several runs have found, (h, w) like their seeds."""

    foreground: np.ndarray
    """Share of the runs that call a pixel foreground."""
    doubts: list[Doubt]


def shrunk(image: np.ndarray) -> np.ndarray:
    """Return a copy (h, w, 3) of an image that is at most `LONGEST` wide and high."""
    import cv2

    height, width = image.shape[:2]
    shrink = min(1.0, LONGEST / max(height, width))
    size = max(1, round(shrink * width)), max(1, round(shrink * height))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def enlarged(foreground: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a small likelihood at the size of its picture, without stair steps."""
    import cv2

    smooth = cv2.GaussianBlur(foreground, (0, 0), 1.0)
    return np.clip(cv2.resize(smooth, shape[1::-1], interpolation=cv2.INTER_CUBIC), 0, 1)


def cut(small: np.ndarray, seeds: list[np.ndarray]) -> Cuts:
    """Cut a small picture (h, w, 3) from each of some seeds (h, w) of the four levels."""
    from concurrent.futures import ThreadPoolExecutor

    import cv2

    pixels = np.ascontiguousarray((255 * small).round().astype(np.uint8)[..., ::-1])

    def run(seed: np.ndarray) -> tuple[np.ndarray, float]:
        cv2.setRNGSeed(7)  # of this thread, which is nobody else's
        marks, back, front = seed.copy(), np.zeros((1, 65)), np.zeros((1, 65))
        if len(set(np.unique(seed & 1))) == 2:
            whole = (0, 0, 0, 0)  # not used
            cv2.grabCut(pixels, marks, whole, back, front, ROUNDS, cv2.GC_INIT_WITH_MASK)
        found = (marks & 1).astype(bool)
        return _tidied(found, seed), _mistaken(pixels, found, back, front)

    with ThreadPoolExecutor(len(seeds)) as threads:
        runs, mistaken = zip(*threads.map(run, seeds), strict=True)
    doubts = _doubts(np.stack(runs), float(np.mean(mistaken)))
    known = np.min(seeds, axis=0) == BACKGROUND
    return Cuts(_filled(_decided(np.mean(runs, axis=0)), known), doubts)


def _tidied(found: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """Drop specks, and parts that the seeds did not expect."""
    parts, sizes = _parts(found)
    expected = _sums(parts, seed & 1) > 0.5 * sizes
    kept = expected & (sizes >= SPECK * found.sum()) | (_sums(parts, seed == FOREGROUND) > 0)
    return kept[parts] & found


def _decided(foreground: np.ndarray) -> np.ndarray:
    """Follow most runs far from their outline: large parts must not become half transparent."""
    most = foreground > 0.5
    return np.where(depth_in(most) + depth_in(~most) > DEEP * max(most.shape), most, foreground)


def _filled(foreground: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill holes without known background: small ones, and larger ones that are not sure."""
    parts, sizes = _parts(foreground < 1)
    border = np.ones_like(known)
    border[1:-1, 1:-1] = False
    enclosed = _sums(parts, known | border) == 0
    unsure = (_sums(parts, foreground) > UNSURE * sizes) & (sizes < HOLE * foreground.sum())
    filled = enclosed & (unsure | (sizes < SPECK * foreground.sum()))
    return np.where(filled[parts], 1.0, foreground)


def _parts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each pixel's connected part, 0 outside of all, and their sizes."""
    import cv2

    parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1]
    return parts, np.bincount(parts.ravel())


def _sums(parts: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.bincount(parts.ravel(), values.ravel())


def _doubts(runs: np.ndarray, mistaken: float) -> list[Doubt]:
    share = runs.mean()
    if not 0.002 < share < 0.98:
        found = "nothing is" if share < 0.5 else "all of it looks like"
        return [Doubt(1.0, f"In this picture {found} foreground.")]
    agree = runs.all(axis=0).sum() / max(runs.any(axis=0).sum(), 1)
    return [
        Doubt(between(agree, 0.9, 0.3), "The outline depends on where I begin."),
        Doubt(between(mistaken, 0.1, 0.4), "Foreground and background have the same colours."),
    ]


def between(value: float, sure: float, lost: float) -> float:
    """Return 0 where a value is `sure`, 1 where it is `lost`, and shares between."""
    return float(np.clip((value - sure) / (lost - sure), 0, 1))


def _mistaken(pixels: np.ndarray, found: np.ndarray, back: np.ndarray, front: np.ndarray) -> float:
    """Return the share of pixels on the wrong side by colour alone, the mean of both sides."""
    if found.all() or not found.any():
        return 0.5
    foreground = _density(pixels, front) > _density(pixels, back)
    return float((1 - foreground[found].mean() + foreground[~found].mean()) / 2)


def _density(pixels: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Return how dense a mixture of Gaussians is at each pixel: 5 weights, means, covariances."""
    colours, parts = pixels.reshape(-1, 3).astype(float), model.ravel()
    total = np.zeros(len(colours))
    for k in np.flatnonzero(parts[:5] > 0):
        away = colours - parts[5 + 3 * k : 8 + 3 * k]
        spread = parts[20 + 9 * k : 29 + 9 * k].reshape(3, 3) + 0.01 * np.eye(3)
        power = np.einsum("ni,ij,nj->n", away, np.linalg.inv(spread), away, optimize=True)
        total += parts[k] * np.exp(-power / 2) / np.sqrt(np.linalg.det(spread))
    return total.reshape(pixels.shape[:2])
