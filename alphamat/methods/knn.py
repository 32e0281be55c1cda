"""KNN matting.

Chen, Li & Tang, "KNN Matting", CVPR 2012 and TPAMI 35(9), 2013.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from alphamat import memory
from alphamat.door.image import Pixels, as_array, as_image
from alphamat.door.parameters import as_count, as_positive, shown
from alphamat.laplacians.neighbours import Edges, graph_laplacian, neighbourhoods, with_position
from alphamat.methods import _knn_kernels as kernels
from alphamat.system import System, alpha_system
from alphamat.trimap import Trimap, as_trimap
from solvers import Pinned, Solver, amg, cg
from solvers.loops import over_range

SOLVER: Solver = partial(cg, preconditioner=amg, rtol=1e-6)


def knn(
    image: Pixels,
    trimap: Pixels,
    *,
    rounds: Sequence[tuple[int, float]] = ((19, 2.0), (9, 0.1)),
    features: Callable[[np.ndarray], np.ndarray] | None = None,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> np.ndarray:
    """Estimate alpha, assuming that pixels of similar colour have similar alphas, even far apart.

    Alpha at a pixel is a weighted mean over its nearest neighbours in a space of colour and
    position, and over the pixels that have it as a neighbour. Nearer ones weigh more.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    rounds : sequence of (int, float)
        Searches; a pixel is joined to what each of them finds. They have a number of neighbours, at
        least 1, and a weight of position, > 0, in units of the image's diagonal. The first default
        looks near by, the second nearly everywhere. Of twenty choices tried on 18 photographs the
        defaults had the smallest squared error. The authors' program has (9, 1.0) and (1, 0.01);
        it calls these 10 and 2 neighbours, since a pixel finds itself first.
    features : callable, optional
        Turns the (H, W, 3) image into (H, W, c) features. None takes red, green and blue, as the
        authors' program does; `alphamat.methods.knn.hsv` is the paper's choice, and did worse on
        those photographs.
    confidence : float, optional
        λ, the weight with which known pixels are held to the trimap; the authors use 100. None
        holds them exactly.
    solver : callable
        `solver(A, b) -> solvers.Solution`. By default conjugate gradients with algebraic multigrid,
        which takes 6 to 8 iterations. Jacobi's preconditioner takes 130 to 180 on a megapixel, in
        about the same time, but 315 on four, in twice the time. At the tolerance of 1e-6 alpha was
        within 5e-5 of the exact solution on these photographs, and within 6e-7 on average.

    Returns
    -------
    (H, W) float64 array, alpha in [0, 1]; exactly the trimap on known pixels unless `confidence`
    is given.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused; the message says why.
    MemoryError
        If this machine cannot hold the graph, which takes about two kilobytes for each unknown
        pixel with the default rounds.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    Notes
    -----
    The Laplacian is D - W with a symmetric W: an edge counts once if one of its pixels found the
    other, and twice if both did. Other implementations give all edges the weight 1, or divide rows
    by their sums. Division does not change alpha where known pixels are held exactly, but the
    matrix is no longer symmetric.

    Some unknown pixels have no path of neighbours to a known one, such as those of a colour that no
    known pixel has. They are joined to the pixels beside them in the image; see `graph_laplacian`.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 96, 128, seed=5)
    >>> alpha = alphamat.knn(scene.image, scene.trimap)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.1)
    True
    """
    options = {"rounds": rounds, "features": features, "confidence": confidence, "solver": solver}
    return knn_system(image, trimap, **options).solve().alpha


def knn_system(
    image: Pixels,
    trimap: Pixels,
    *,
    rounds: Sequence[tuple[int, float]] = ((19, 2.0), (9, 0.1)),
    features: Callable[[np.ndarray], np.ndarray] | None = None,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> System:
    """Return the system that `knn` solves, of the same arguments."""
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    rounds = _as_rounds(rounds)
    if features is not None and not callable(features):
        raise TypeError(f"`features` is {features!r}; expected a function of the image, or None.")
    searched, graphs, colours = None, [], None

    def rows(trimap: Trimap, free: np.ndarray) -> Pinned:
        nonlocal searched, graphs, colours
        _refuse_beyond_memory(free, rounds)
        if colours is None:
            colours = image if features is None else _as_features(features(image), free.shape)
        if searched is None or (free & ~searched).any():
            graphs = [affinities(colours, free, count, weight) for count, weight in rounds]
            searched = free
        return graph_laplacian(graphs, free, trimap.known)

    return alpha_system(rows, trimap, confidence=confidence, solver=solver)


def hsv(image: np.ndarray) -> np.ndarray:
    """Return (H, W, 4): cos h, sin h, s and v, the colour features of the paper (section 3.1)."""
    from skimage.color import rgb2hsv

    h, s, v = np.moveaxis(rgb2hsv(image), 2, 0)
    return np.stack([np.cos(2 * np.pi * h), np.sin(2 * np.pi * h), s, v], axis=2)


def affinities(features: np.ndarray, free: np.ndarray, count: int, weight: float) -> Edges:
    """Return k(i, j) = 1 - ‖X(i) - X(j)‖ / C for pixels i and their neighbours j (equation 3).

    The norm is the sum of absolute values. It does not exceed C, the sum of the features' ranges.
    Pixels that are not free, and have no free neighbour, are left out.
    """
    unit = weight / np.hypot(*free.shape)
    points = with_position(features, (unit, unit))
    centres, members = neighbourhoods(points, count, free)
    weights, scale = np.empty(members.shape), np.ptp(points, axis=0).sum()
    work = weights.size * points.shape[1]
    over_range(kernels.closeness, len(centres), work, points, centres, members, scale, weights)
    return Edges(centres, members, weights)


def _as_rounds(rounds) -> list[tuple[int, float]]:
    try:
        pairs = [(count, weight) for count, weight in rounds]
    except (TypeError, ValueError):
        pairs = []
    if not pairs:
        raise TypeError(
            f"`rounds` is {shown(rounds)}; expected pairs of a number of neighbours and a weight "
            "of position, such as [(19, 2.0), (9, 0.1)]."
        )
    return [
        (
            as_count(count, "rounds: neighbours"),
            as_positive(weight, "rounds: weight of position", "such as 1.0"),
        )
        for count, weight in pairs
    ]


def _as_features(features, shape: tuple[int, int]) -> np.ndarray:
    array = as_array(features, name="features(image)")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`features` returned dtype {array.dtype}; expected real numbers.")
    array = array.astype(np.float64)
    if array.ndim != 3 or array.shape[:2] != shape or not np.isfinite(array).all():
        raise ValueError(
            f"`features` returned an array of shape {array.shape}; expected finite numbers in "
            f"{(*shape, 'c')}."
        )
    return array


def _refuse_beyond_memory(free: np.ndarray, rounds) -> None:
    unknowns = int(np.count_nonzero(free))
    neighbours = sum(min(count, free.size - 1) for count, _ in rounds)
    memory.refuse_beyond(
        100 * free.size + 60 * unknowns * neighbours,  # points and tree; edges, twice
        f"The graph of {unknowns:,} pixels with {neighbours} neighbours each",
        "Narrow the unknown region, ask for fewer neighbours, or make the image smaller.",
    )
