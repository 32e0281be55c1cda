"""The pictures that the benchmarks run on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from alphamat import Trimap, examples

DATA = Path(__file__).parents[2] / "shared" / "data"


class Case(NamedTuple):
    """A photograph with its trimap, resampled to so many megapixels."""

    picture: str
    megapixels: float | None = None
    """None keeps the native size."""


class Picture(NamedTuple):
    image: np.ndarray
    """(H, W, 3) float64 in [0, 1]."""
    trimap: np.ndarray
    """(H, W) float64: 0, 1, and between them where alpha is unknown."""

    @property
    def unknown(self) -> np.ndarray:
        return Trimap.of(self.trimap).unknown


CASES = {
    "astronaut": Case("astronaut"),
    "lemur-1mp": Case("lemur", 1),
    "boy-1mp": Case("boy-1518482_1920_12", 1),
    "boy": Case("boy-1518482_1920_12"),
    "light-bulb-1mp": Case("light-bulb-376930_1920_11", 1),
    "light-bulb": Case("light-bulb-376930_1920_11"),
    "lemur-4mp": Case("lemur", 4),
    "lemur-12mp": Case("lemur", 12),
}


def available(case: Case) -> bool:
    """Say whether a case's files are here. The astronaut comes with the library."""
    return case.picture == "astronaut" or all(path.exists() for path in _files(case.picture))


def load(case: Case) -> Picture:
    """Read a case: colours resampled bicubically (by area when shrinking), trimap by nearest."""
    if case.picture == "astronaut":
        image, trimap = examples.astronaut()
    else:
        image, trimap = (cv2.imread(str(path)) for path in _files(case.picture))
        image, trimap = image[..., ::-1], trimap[..., 0]  # OpenCV reads everything as BGR
    image, trimap = image / 255, trimap / 255
    if case.megapixels is not None:
        factor = np.sqrt(case.megapixels * 1e6 / trimap.size)
        size = tuple(round(factor * side) for side in trimap.shape[::-1])
        smooth = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
        image = np.clip(cv2.resize(image, size, interpolation=smooth), 0, 1)
        trimap = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
    return Picture(np.ascontiguousarray(image), trimap)


def _files(picture: str) -> tuple[Path, Path]:
    if picture == "lemur":
        return DATA / "lemur" / "lemur.png", DATA / "lemur" / "lemur_trimap.png"
    folder = DATA / "composition1k_samples"
    return folder / "image" / f"{picture}.png", folder / "trimap" / f"{picture}.png"
