"""Alpha while a person paints: each stroke is solved at once, in a window around it.

Alpha minimises αᵀ L α - 2 sᵀ α + Σ w (α - α₀)². L is the matting Laplacian of `closed_form`, α₀ the
alpha of the method before the first stroke, and w the confidence in it. s is chosen such that α₀ is
the answer as long as nothing is painted. A stroke gives some pixels an alpha of 0 or 1. What it
changes follows the colours of the picture, until the method's own opinion holds it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from alphamat.door.image import as_image
from alphamat.interactive.area import MARGIN, SEEN, Area, sides_to_grow
from alphamat.laplacians.colour_line import colour_line_laplacian
from solvers import cg, multigrid

EPSILON = 1e-7
REACH = 2  # pixels: a row of the matting Laplacian reaches so far
LEAST = 3  # pixels: the side of its windows
MOST = 60  # iterations
MOST_UNKNOWN = 200_000  # pixels that are solved at once; if there are more, the method is awaited
ROUGH = 1e-2  # tolerance of a wider window, which corrects what a narrower one gave


@dataclass(frozen=True, eq=False)
class Painting:
    """A picture with its trimap and alpha, which strokes change in place.

    The arrays may be maps of files; then the files change.
    """

    image: np.ndarray
    """(H, W), (H, W, 3) or (H, W, 4), as `as_image` takes it."""
    trimap: np.ndarray
    """(H, W) uint8: 0, 128 and 255."""
    alpha: np.ndarray
    """(H, W) float32; not clipped to [0, 1]."""
    given: np.ndarray
    """(H, W) float32: α₀."""
    weights: np.ndarray
    """(H, W) float32: w; 0 where α₀ is the trimap's."""

    def stroke(
        self, patch: np.ndarray, x: int, y: int, *, seconds: float = 0.2
    ) -> tuple[np.ndarray, Area]:
        """Put a patch into the trimap, and solve what it changes.

        Parameters
        ----------
        patch : (h, w) uint8 array
            The trimap of a rectangle: 0, 128 and 255.
        x, y : int
            Column and row of its upper left pixel.
        seconds : float
            The window grows as long as alpha changes at its border and this time is enough.

        Returns
        -------
        alpha : (h, w) array in [0, 1]
            What changed visibly, and perhaps more.
        area : Area
            Where it lies.

        Examples
        --------
        >>> import numpy as np
        >>> from alphamat import examples, learned
        >>> from alphamat.methods.learned import confidence
        >>> image, trimap = examples.astronaut()
        >>> alpha = learned(image, trimap).astype(np.float32)
        >>> weights = np.where(trimap == 128, 0.02 * confidence(alpha), 0)
        >>> painting = Painting(image, trimap.copy(), alpha, alpha.copy(), weights)
        >>> changed, area = painting.stroke(np.zeros((9, 14), np.uint8), 20, 30)
        >>> bool((painting.alpha[30:39, 20:34] == 0).all())
        True
        """
        started = time.perf_counter()
        here = Area(x, y, x + patch.shape[1], y + patch.shape[0])
        changed = here.around(self.trimap[here.slices] != patch)
        if changed is None:
            return self._shown(here)
        self.trimap[here.slices] = patch
        window, seen, rtol = changed.grown((MARGIN,) * 4, self.trimap.shape), here, 1e-4
        while True:
            begun = time.perf_counter()
            difference = self._solve(window, rtol)
            seen = seen.joined(window.around(difference > SEEN))
            wider = window.grown(sides_to_grow(difference), self.trimap.shape)
            now = time.perf_counter()
            needed = (now - begun) * wider.size / window.size
            if wider == window or now - started + needed > seconds:
                return self._shown(seen)
            window, rtol = wider, ROUGH

    def _shown(self, area: Area) -> tuple[np.ndarray, Area]:
        return np.clip(self.alpha[area.slices], 0, 1), area

    def _solve(self, window: Area, rtol: float) -> np.ndarray:
        """Solve for the unknown pixels of a window, and return by how much alpha has changed."""
        before = self.alpha[window.slices].copy()
        crop = window.grown((REACH,) * 4, self.trimap.shape)
        trimap = self.trimap[crop.slices]
        alpha = np.where(trimap == 128, self.alpha[crop.slices], trimap / 255.0)
        place = np.zeros(trimap.shape, bool)
        inside = window.within(crop)
        place[inside] = trimap[inside] == 128
        if 0 < np.count_nonzero(place) <= MOST_UNKNOWN and min(place.shape) >= LEAST:
            alpha[place] += self._step(crop, alpha, place, rtol)
        self.alpha[window.slices] = alpha[inside]
        return np.abs(self.alpha[window.slices] - before)

    def _step(self, crop: Area, alpha: np.ndarray, place: np.ndarray, rtol: float) -> np.ndarray:
        """Return what has to be added to alpha where `place` is true."""
        image = as_image(self.image[crop.slices])
        L = colour_line_laplacian(image, place, epsilon=EPSILON, radius=1)
        w = self.weights[crop.slices][place].astype(np.float64)
        given = self.given[crop.slices].astype(np.float64)
        s = L.couple(given) * (w > 0)
        b = s - L.couple(alpha) + w * (given - alpha)[place]
        options = {"rtol": rtol, "xtol": 10 * rtol, "maxiter": MOST}
        return cg(L.shifted(w), b, preconditioner=multigrid, **options).x
