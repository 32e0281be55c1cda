"""Mean squared error and sum of absolute differences on alphamatting.com's training pictures.

`python -m benchmarks.quality [--contest NAME …]`. GT01 to GT18 at low resolution, both trimaps:
36 mattes a method. Errors are taken over the unknown pixels of floating-point mattes, before any
rounding to 8 bits; MSE is their mean square, SAD the sum of their absolute values over 1000. The
table gives the means over all 36, ours and PyMatting's, each with its defaults.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.cases import DATA, Picture
from benchmarks.contests import CONTESTS, PEER
from benchmarks.report import Table, choose

FOLDER = DATA / "alphamatting"


class Score(NamedTuple):
    mse: float
    sad: float


def main() -> None:
    options = choose(__doc__)
    paths = sorted((FOLDER / "gt").glob("GT*.png"))
    if not paths:
        print(f"The pictures are not here: {FOLDER}")
        return
    entries = {}
    for name in options.contest:
        contest = CONTESTS[name]
        if contest.wants == "trimap":
            entries |= {
                entry if entry != PEER else f"{PEER}'s {contest.peer}": method
                for entry, method in contest.entries().items()
            }
    scores = {entry: [] for entry in entries}
    for path in paths:
        for trimap in ("trimap1", "trimap2"):
            picture, truth = read(path, trimap)
            for entry, method in entries.items():
                scores[entry].append(score(method, picture, truth))
    table = Table(f"{'method':<36}", "   MSE", "   SAD", "pictures")
    for entry, values in scores.items():
        mean = Score(*np.mean(values, axis=0))
        table.add(entry, f"{mean.mse:.4f}", f"{mean.sad:.2f}", f"{len(values)}")


def read(truth: Path, trimap: str) -> tuple[Picture, np.ndarray]:
    """Return a picture with one of its trimaps, and its true alpha, all in [0, 1]."""
    image = cv2.imread(str(FOLDER / "input" / truth.name))[..., ::-1] / 255
    marks = cv2.imread(str(FOLDER / trimap / truth.name), cv2.IMREAD_GRAYSCALE) / 255
    alpha = cv2.imread(str(truth), cv2.IMREAD_GRAYSCALE) / 255
    return Picture(np.ascontiguousarray(image), marks), alpha


def score(method, picture: Picture, truth: np.ndarray) -> Score:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alpha = method(*picture)
    difference = (alpha - truth)[picture.unknown]
    return Score(float(np.mean(difference**2)), float(np.abs(difference).sum() / 1000))


if __name__ == "__main__":
    main()
