"""Shared sampling.

Gastal & Oliveira, "Shared Sampling for Real-Time Alpha Matting", Eurographics 2010 (Computer
Graphics Forum 29(2)).
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from alphamat import memory
from alphamat.door.image import Pixels, as_image
from alphamat.door.parameters import as_count, as_number, as_positive, refuse_unless_solver, shown
from alphamat.laplacians.colour_line import colour_line_laplacian, colour_line_noise
from alphamat.laplacians.windows import SOLVER, parse_parameters
from alphamat.methods import _shared_sampling_kernels as kernels
from alphamat.system import Spread, System, rows_of_picture
from alphamat.trimap import Trimap, as_trimap
from solvers import Solver, StencilMatrix
from solvers.grid import Region
from solvers.loops import over_bounds, over_range

SIGMA = 0.156  # see docs/uncertainty.md
BACKGROUND, FOREGROUND, UNKNOWN = 0, 1, 2
ORIENTATIONS = 3  # rays turn from pixel to pixel in squares of this side
MOST_RAYS = 256  # a pixel compares all pairs of what they meet: thousands of times the default's
MOST_SHARING = 100_000  # hundreds of times the default; all pixels read so many neighbours


def shared_sampling(
    image: Pixels,
    trimap: Pixels,
    *,
    reach: int = 10,
    similarity: float = 5 / 256,
    rays: int = 4,
    exponents: tuple[float, float, float, float] = (3, 2, 1, 4),
    sharing: int = 200,
    smoothing: int = 100,
    falloff: float = 10,
    trust: float | None = None,
    epsilon: float = 1e-7,
    solver: Solver = SOLVER,
) -> np.ndarray:
    """Estimate alpha from pairs of known colours that neighbours find and share.

    Each unknown pixel sends out a few rays and keeps the best pair of a foreground and a background
    pixel that these meet. Then it averages the pairs of its neighbours that explain its own colour
    best, and computes alpha from them. Where no pair explains it well, alpha is mostly a local
    average.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    reach, similarity : int, float
        k_i and k_c: an unknown pixel becomes known if a known one lies no more than `reach` pixels
        away, with a colour no farther than `similarity`. The nearest such pixel counts.
    rays : int
        k_g, how many rays a pixel sends out, at most 256.
    exponents : four floats
        e_N, e_A, e_f and e_b, the weights of four costs in the choice of a pair: colours in 3 × 3
        pixels that it does not explain, disagreement with the probability of foreground, distance
        to the foreground pixel, distance to the background pixel.
    sharing : int
        k_r, how many neighbours share their pairs: those in the disc of the nearest size. At most
        100,000.
    smoothing : int
        k_s, over how many neighbours the result is smoothed, likewise.
    falloff : float
        λ, how fast confidence falls with the distance of a colour from the mixtures of its pair.
    trust : float, optional
        γ; the authors use 0.1. Closed-form matting then refines this alpha, which it holds with the
        weight γ times the confidence: slower, smoother, nearer to the truth. None leaves alpha as
        it is.
    epsilon : float
        ε of the matting Laplacian. Used with `trust` only.
    solver : callable
        `solver(A, b) -> solvers.Solution`. Used with `trust` only; see `closed_form`.

    Returns
    -------
    (H, W) float64 array, alpha in [0, 1]; exactly the trimap on known pixels.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused; the message says why.
    MemoryError
        If this machine cannot hold the pairs, which take about 200 bytes for each unknown pixel.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    Notes
    -----
    The paper leaves some choices open. Here E_p sums up at most ten places of a line, which changes
    the error by less than 1 %. A pixel whose rays all miss the foreground, or the background, gets
    the nearest pixel of it. The Gaussian G of local smoothing is exp(-d² / σ²), whose peak is 1
    like the weight of known pixels. Only pixels that the trimap knows count as known. A normalised
    Gaussian, or counting pixels that became known, would let the known region bleed into alpha.
    Between equal colours alpha is ½.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 96, 128, seed=5)
    >>> alpha = alphamat.shared_sampling(scene.image, scene.trimap)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.1)
    True
    """
    if trust is not None:
        options = {"reach": reach, "similarity": similarity, "rays": rays, "exponents": exponents}
        options |= {"sharing": sharing, "smoothing": smoothing, "falloff": falloff}
        options |= {"trust": trust, "epsilon": epsilon, "solver": solver}
        return shared_sampling_system(image, trimap, **options).solve().alpha
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    nearby, options = _parse_parameters(
        reach, similarity, rays, exponents, sharing, smoothing, falloff
    )
    as_positive(epsilon, "epsilon")
    refuse_unless_solver(solver)
    return sample(image, trimap, expand(image, trimap, **nearby), **options)[0]


def shared_sampling_system(
    image: Pixels,
    trimap: Pixels,
    *,
    reach: int = 10,
    similarity: float = 5 / 256,
    rays: int = 4,
    exponents: tuple[float, float, float, float] = (3, 2, 1, 4),
    sharing: int = 200,
    smoothing: int = 100,
    falloff: float = 10,
    trust: float = 0.1,
    epsilon: float = 1e-7,
    solver: Solver = SOLVER,
) -> System:
    """Return the system that `shared_sampling` solves with a `trust`, of the same arguments.

    Minimise αᵀ L α + Σ w (α - α̂)² over the unknown pixels, with L the matting Laplacian, α̂ what
    sampling gives, and w its confidence times `trust`. Pixels that `expand` labelled may change.
    """
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    nearby, options = _parse_parameters(
        reach, similarity, rays, exponents, sharing, smoothing, falloff
    )
    expected = "a positive number from 1e-12 to 1e30, such as 0.1, or None"
    trust = as_number(trust, "trust", expected, least=1e-12, most=1e30)
    epsilon, _ = parse_parameters(image.shape[:2], epsilon, 1)
    refuse_unless_solver(solver)

    def rows(pixels: np.ndarray) -> StencilMatrix:
        return colour_line_laplacian(image, pixels, epsilon=epsilon, radius=1)

    laplacian = rows_of_picture(rows)
    spread = Spread(SIGMA, partial(colour_line_noise, image, epsilon=epsilon, radius=1))

    def system(trimap: Trimap) -> System:
        alpha, confidence = sample(image, trimap, expand(image, trimap, **nearby), **options)
        place = trimap.unknown
        weights = trust * confidence[place]
        return System(laplacian(trimap, place), alpha, place, weights, solver, system, spread)

    return system(trimap)


def expand(image: np.ndarray, trimap: Trimap, *, reach: int, similarity: float) -> np.ndarray:
    """Label (H, W) pixels, unknown ones like the nearest known one of a similar colour (§3.1)."""
    labels = np.full(image.shape[:2], UNKNOWN, np.uint8)
    labels[trimap.background], labels[trimap.foreground] = BACKGROUND, FOREGROUND
    pixels = np.flatnonzero(labels == UNKNOWN)
    found = np.empty(pixels.size, np.uint8)
    offsets = within(reach, labels.shape)
    work = pixels.size * len(offsets)
    arguments = pixels, image, labels, offsets, similarity, found
    over_range(kernels.expand, pixels.size, work, *arguments)
    labels.ravel()[pixels] = found
    return labels


def sample(
    image: np.ndarray,
    trimap: Trimap,
    labels: np.ndarray,
    *,
    rays: int,
    exponents,
    sharing: int,
    smoothing: int,
    falloff: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return alpha and its confidence, (H, W), by sampling and sharing (§3.2 to 3.4)."""
    alpha, confidence = np.where(labels == FOREGROUND, 1.0, 0.0), np.ones(labels.shape)
    unknown = labels == UNKNOWN
    if unknown.any():
        sharers, smoothers = (disc(count, labels.shape) for count in (sharing, smoothing))
        region = Region.of(unknown, int(max(sharers.max(), smoothers.max())))
        _refuse_beyond_memory(region)
        pairs = gather(image, labels, region, rays=rays, exponents=exponents)
        tuples = share(image, trimap, labels, region, pairs, sharers, falloff=falloff)
        alpha[unknown], confidence[unknown] = smooth(
            image, region, tuples, smoothers, variance=smoothing / (9 * np.pi), falloff=falloff
        )
    return alpha, confidence


def gather(
    image: np.ndarray, labels: np.ndarray, region: Region, *, rays: int, exponents
) -> np.ndarray:
    """Return for each pixel of a region the best pair of samples that its rays meet (eq. 8).

    The fields F - B, (F + B) / 2, 1 / |F - B|², σ²_f and σ²_b (eq. 9) are (9, stored_size), and
    NaN in the halo.
    """
    small = sum(labels.shape) < 2**16
    distances = np.empty((2, *labels.shape), np.uint16 if small else np.int32)
    over_range(kernels.chessboard, 2, 8 * labels.size, labels, distances)
    pairs = np.full((9, region.stored_size), np.nan)
    arguments = image, distances, _directions(rays), np.array(exponents), pairs
    work = region.size * (8000 + 150 * rays**2)
    over_bounds(kernels.gather, region.bounds, work, region.runs, *arguments)
    return pairs


def share(
    image: np.ndarray,
    trimap: Trimap,
    labels: np.ndarray,
    region: Region,
    pairs: np.ndarray,
    neighbours: np.ndarray,
    *,
    falloff: float,
) -> np.ndarray:
    """Return each pixel's colours and alpha by its neighbours' three best pairs (eqs. 10 to 13).

    The fields F, B, α, confidence f, whether the trimap knows the pixel, f α (1 - α), and this
    times |F - B| are (11, stored_size). A known pixel has its own colour for F and B, and f = 1.
    """
    tuples = np.zeros((11, region.stored_size))
    for c in range(3):
        tuples[c] = tuples[3 + c] = region.store(image[..., c])
    tuples[6] = region.store(labels == FOREGROUND)
    tuples[7] = region.store(labels != UNKNOWN)
    tuples[8] = region.store(trimap.known)
    work = region.size * 40 * len(neighbours)
    arguments = image, neighbours, pairs, falloff, tuples
    over_bounds(kernels.share, region.bounds, work, region.runs, *arguments)
    return tuples


def smooth(
    image: np.ndarray,
    region: Region,
    tuples: np.ndarray,
    neighbours: np.ndarray,
    *,
    variance: float,
    falloff: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return alpha and its confidence, smoothed over neighbours, for the pixels of a region."""
    gaussian = np.exp(-(neighbours**2).sum(axis=1) / variance)
    alpha, confidence = np.empty((2, region.size))
    work = region.size * 20 * len(neighbours)
    arguments = image, neighbours, gaussian, tuples, falloff, alpha, confidence
    over_bounds(kernels.smooth, region.bounds, work, region.runs, *arguments)
    return alpha, confidence


def within(radius: int, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return the offsets (n, 2) of all pixels no farther than `radius`, nearest first.

    In a picture of a given shape, those that lead out of it from everywhere are left out.
    """
    rows, columns = (min(radius, side - 1) for side in shape or (radius + 1, radius + 1))
    count = (2 * rows + 1) * (2 * columns + 1)
    memory.refuse_beyond(80 * count, f"A search of {count:,} pixels around each", "Search nearer.")
    offsets = np.mgrid[-rows : rows + 1, -columns : columns + 1].reshape(2, -1).T
    squared = (offsets**2).sum(axis=1)
    order = np.argsort(squared, kind="stable")
    return np.ascontiguousarray(offsets[order][squared[order] <= radius**2])


def disc(count: int, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return the offsets (n, 2) of the disc whose n is nearest to `count`, nearest first.

    In a picture of a given shape, those that lead out of it from everywhere are left out.
    """
    offsets = within(math.ceil(math.sqrt(count)))
    squared = (offsets**2).sum(axis=1)
    sizes = np.searchsorted(squared, np.unique(squared), side="right")
    offsets = offsets[: sizes[np.argmin(np.abs(sizes - count))]]
    return offsets if shape is None else offsets[(np.abs(offsets) < shape).all(axis=1)]


def _directions(rays: int) -> np.ndarray:
    """Return (9, rays, 2) steps of one pixel along y or x, and no more along the other."""
    turns = np.arange(ORIENTATIONS**2)[:, None] / ORIENTATIONS**2
    angle = 2 * np.pi * (np.arange(rays) + turns) / rays
    direction = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    return direction / np.abs(direction).max(axis=-1, keepdims=True)


def _parse_parameters(reach, similarity, rays, exponents, sharing, smoothing, falloff):
    """Return the parameters of `expand` and those of `sample`, or raise."""
    nearby = {
        "reach": as_count(reach, "reach"),
        "similarity": as_positive(similarity, "similarity", "such as 5 / 256"),
    }
    if np.shape(exponents) != (4,):
        raise ValueError(
            f"`exponents` is {shown(exponents)}; expected four numbers: e_N, e_A, e_f and e_b."
        )
    names = [f"exponents[{k}]" for k in range(4)]
    return nearby, {
        "rays": as_count(rays, "rays", most=MOST_RAYS),
        "exponents": [as_positive(*e, "such as 2") for e in zip(exponents, names, strict=True)],
        "sharing": as_count(sharing, "sharing", most=MOST_SHARING),
        "smoothing": as_count(smoothing, "smoothing", most=MOST_SHARING),
        "falloff": as_positive(falloff, "falloff", "such as 10"),
    }


def _refuse_beyond_memory(region: Region) -> None:
    memory.refuse_beyond(
        180 * region.stored_size + 20 * math.prod(region.grid),
        f"The pairs of {region.size:,} unknown pixels",
        "Narrow the unknown region, or make the image smaller.",
    )
