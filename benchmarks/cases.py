"""The pictures that the benchmarks run on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from alphamat import Trimap, examples

DATA = Path(__file__).parents[2] / "shared" / "data"


class Case(NamedTuple):
    """A photograph of 8 bits with its trimap, as their files have them unless it is said."""

    picture: str
    trimap: str = "trimap1"
    """Of alphamatting.com's pictures: trimap1, or trimap2, which is wider."""
    mirrored: float | None = None
    """Megapixels up to which it is continued by its mirror images, and then cut."""
    resampled: float | None = None
    """Megapixels to which it is resampled in floating point, which makes every system easier."""


class Picture(NamedTuple):
    image: np.ndarray
    """(H, W, 3) float64 in [0, 1]."""
    trimap: np.ndarray
    """(H, W) float64: 0, 1, and between them where alpha is unknown."""

    @property
    def unknown(self) -> np.ndarray:
        return Trimap.of(self.trimap).unknown


ALPHAMATTING = [f"GT{k:02}" for k in range(1, 19)]
COMPOSITION = {
    "boy": "boy-1518482_1920_12",
    "dandelion": "dandelion-1335575_1920_1",
    "light-bulb": "light-bulb-376930_1920_11",
}
CASES = {
    "astronaut": Case("astronaut"),
    **{name: Case(name) for name in ALPHAMATTING},
    **{f"{name}-wide": Case(name, "trimap2") for name in ALPHAMATTING},
    "lemur": Case("lemur"),
    **{name: Case(picture) for name, picture in COMPOSITION.items()},
    "lemur-12mp": Case("lemur", mirrored=12),
    "lemur-24mp": Case("lemur", mirrored=24),
    "lemur-1mp-float": Case("lemur", resampled=1),
}


def available(case: Case) -> bool:
    """Say whether a case's files are here. The astronaut comes with the library."""
    return case.picture == "astronaut" or all(path.exists() for path in _files(case))


def load(case: Case) -> Picture:
    """Read a case: floats, with the 8 bits of the file unless it is resampled."""
    if case.picture == "astronaut":
        image, trimap = examples.astronaut()
    else:
        image, trimap = (cv2.imread(str(path)) for path in _files(case))
        image, trimap = image[..., ::-1], trimap[..., 0]  # OpenCV reads everything as BGR
    image, trimap = image / 255, trimap / 255
    if case.mirrored is not None:
        image, trimap = (_mirrored(array, case.mirrored) for array in (image, trimap))
    if case.resampled is not None:
        factor = np.sqrt(case.resampled * 1e6 / trimap.size)
        size = tuple(round(factor * side) for side in trimap.shape[::-1])
        image = np.clip(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), 0, 1)
        trimap = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
    return Picture(np.ascontiguousarray(image), trimap)


def _mirrored(array: np.ndarray, megapixels: float) -> np.ndarray:
    factor = np.sqrt(megapixels * 1e6 / array[..., :1].size)
    more = [(0, round((factor - 1) * side)) for side in array.shape[:2]]
    return np.pad(array, [*more, (0, 0)][: array.ndim], mode="symmetric")


def _files(case: Case) -> tuple[Path, Path]:
    if case.picture == "lemur":
        return DATA / "lemur" / "lemur.png", DATA / "lemur" / "lemur_trimap.png"
    name = f"{case.picture}.png"
    if case.picture in ALPHAMATTING:
        folder = DATA / "alphamatting"
        return folder / "input" / name, folder / case.trimap / name
    folder = DATA / "composition1k_samples"
    return folder / "image" / name, folder / "trimap" / name
