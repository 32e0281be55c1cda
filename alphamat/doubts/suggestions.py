"""Which pixels to label next: those whose alpha tells most about the others'."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphamat.door.image import Pixels
from alphamat.door.parameters import as_count
from alphamat.doubts.sampling import Sampler, as_system, calibrated
from alphamat.system import System

CANDIDATES, WITNESSES = 1500, 4000  # pixels that are weighed, and on which their gain is counted


class Suggestion(NamedTuple):
    """A place to label, and what that is expected to be worth."""

    row: int
    column: int
    gain: float
    """The share of alpha's variance, summed over the picture, that the label takes away."""


def suggest(
    image: Pixels | System,
    trimap: Pixels | None = None,
    *,
    count: int = 5,
    radius: int = 3,
    probes: int = 64,
    seed: int = 0,
) -> list[Suggestion]:
    """Suggest where to label foreground or background next, the most telling place first.

    Each place is chosen as if those before it had been labelled. If alpha at pixel i were known,
    the variance of pixel j would fall by the square of their correlation, which is taken from the
    samples that `uncertainty` draws.

    Parameters
    ----------
    image, trimap, seed
        As for `uncertainty`. Scribbles do for a trimap: see `alphamat.trimap.from_scribbles`.
    count : int
        Places to suggest; there are fewer if fewer pixels are unknown.
    radius : int
        Of the disc around a place that a label is expected to cover, in pixels.
    probes : int
        Samples that are drawn, at least 8.

    Returns
    -------
    list of `count` Suggestion

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or it is not known how sure the system's method is.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> first, *others = alphamat.suggest(image, trimap, count=2, probes=16)
    >>> int(trimap[first.row, first.column])
    128
    """
    system, spread = as_system(image, trimap)
    count, radius = as_count(count, "count"), as_count(radius, "radius", least=0)
    probes = as_count(probes, "probes", least=8)
    rng = np.random.default_rng(as_count(seed, "seed", least=0))
    place = np.argwhere(system.place)
    if not len(place):
        return []
    sampler = Sampler.of(system, spread)
    drawn = np.stack([sampler.draw(rng).astype(np.float32) for _ in range(probes)])
    candidates, witnesses = (_spread(len(place), most) for most in (CANDIDATES, WITNESSES))
    sigma, found = spread.sigma, []
    total = float((calibrated(_variance(drawn[:, witnesses]), sigma) ** 2).sum())
    while len(found) < min(count, len(place)):
        gains = _gains(drawn[:, candidates], drawn[:, witnesses], sigma) / total
        best = candidates[np.argmax(gains)]
        row, column = place[best]
        found.append(Suggestion(int(row), int(column), float(gains.max())))
        disc = (((place - place[best]) ** 2).sum(axis=1) <= radius**2).astype(np.float64)
        covariance = sampler.solve(disc)
        # Of a sample this leaves what the disc's mean does not tell (Matheron's rule).
        told = drawn @ disc.astype(np.float32) / (disc @ covariance)
        drawn -= told[:, None].astype(np.float32) * covariance.astype(np.float32)
    return found


def _spread(size: int, most: int) -> np.ndarray:
    """Return at most so many of the numbers below `size`, evenly spread."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))


def _variance(drawn: np.ndarray) -> np.ndarray:
    return (drawn * drawn).mean(axis=0)


def _gains(candidates: np.ndarray, witnesses: np.ndarray, sigma: float) -> np.ndarray:
    """Return by how much a label at each candidate lowers the variance at all witnesses."""
    probes = len(witnesses)
    known, asked = (np.maximum(_variance(drawn), 1e-12) for drawn in (candidates, witnesses))
    covariance = candidates.T @ witnesses / probes
    squares = covariance**2 / known[:, None] / asked
    # Samples that tell nothing of each other seem to: the mean of their squares is 1 / probes.
    squares = np.clip((squares - 1 / probes) / (1 - 1 / probes), 0, 1)
    before = calibrated(asked, sigma) ** 2
    after = calibrated(asked * (1 - squares), sigma) ** 2
    return (before - after).sum(axis=1)
