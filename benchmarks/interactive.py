"""How long a stroke of a session takes, from the call to alpha.

`python -m benchmarks.interactive [MEGAPIXELS:MARGIN …]`. The lemur, resampled to 8 bits, with its
unknown region grown by a margin in pixels. Lines of 20 pixels, as wide as long, are painted at
random places of it: each says what alpha says there ("agrees"), or the opposite ("objects"). "near"
is `paint(seconds=0)`, one window; "all" is until the estimated error is small. The error is against
a new solve of the last trimap.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

import alphamat
from benchmarks.cases import CASES, available, load
from benchmarks.report import Table, machine

STROKES = 16
SIZES = ["1:0", "1:60", "1:140", "4:0"]


def main() -> None:
    told = (__doc__ or "").strip()
    parser = argparse.ArgumentParser(description=told.partition("\n")[0])
    parser.add_argument("sizes", nargs="*", default=SIZES)
    sizes = parser.parse_args().sizes
    print(f"{told}\n\n{machine()}\n")
    if not available(CASES["lemur"]):
        parser.exit(1, "the lemur is not here: ../shared/data/lemur\n")
    table = Table(
        *("megapixels", "unknown", "first, s", "stroke", "near, median ms", "all, median ms"),
        *("95th percentile", "error"),
    )
    warm = alphamat.interactive.Session(*picture(0.05, 0))
    painted(warm, 2, agrees=False)
    for size in sizes:
        megapixels, margin = (float(part) for part in size.split(":"))
        image, trimap = picture(megapixels, int(margin))
        start = time.perf_counter()
        session = alphamat.interactive.Session(image, trimap)
        first = f"{time.perf_counter() - start:.2f}"
        share = f"{np.mean(trimap == 128):.0%}"
        for agrees in (True, False):
            near, settled = painted(session, STROKES, agrees=agrees)
            expected = alphamat.closed_form(image, session.trimap)
            error = f"{np.abs(session.alpha - expected).max():.0e}"
            stroke = "agrees" if agrees else "objects"
            spent = np.median(near), np.median(settled), np.percentile(settled, 95)
            cells = (f"{milliseconds:.0f}" for milliseconds in spent)
            table.add(f"{megapixels:g}", share, first, stroke, *cells, error)


def picture(megapixels: float, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lemur and its trimap, both uint8."""
    image, levels = load(CASES["lemur"])
    factor = (1e6 * megapixels / levels.size) ** 0.5
    size = tuple(round(factor * side) for side in levels.shape[::-1])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    image = cv2.resize(np.rint(255 * image).astype(np.uint8), size, interpolation=how)
    levels = cv2.resize(levels, size, interpolation=cv2.INTER_NEAREST)
    trimap = alphamat.Trimap.of(levels).levels
    if margin:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)
        trimap[cv2.dilate((trimap == 128).astype(np.uint8), disc) > 0] = 128
    return image, trimap


def painted(
    session: alphamat.interactive.Session, count: int, *, agrees: bool
) -> tuple[list[float], list[float]]:
    """Paint at random places; return the milliseconds of one window, and of all."""
    rng = np.random.default_rng(17)
    near, settled = [], []
    for _ in range(count):
        rows, columns = np.nonzero(session.trimap == 128)
        at = rng.integers(len(rows))
        x, y = int(columns[at]), int(rows[at])
        is_foreground = (session.alpha[y, x] > 0.5) == agrees
        start = time.perf_counter()
        session.paint(
            [(x, y), (x + 20, y)], "foreground" if is_foreground else "background", seconds=0
        )
        near.append(1000 * (time.perf_counter() - start))
        session.settle()
        settled.append(1000 * (time.perf_counter() - start))
    return near, settled


if __name__ == "__main__":
    main()
