"""Random-walk matting.

Grady, Schiwietz, Aharon & Westermann, "Random Walks for Interactive Alpha-Matting", VIIP 2005;
for the colour metric He & Niyogi, "Locality Preserving Projections", NIPS 2003.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from alphamat import memory
from alphamat.door.image import Pixels, as_array, as_image
from alphamat.door.parameters import as_positive
from alphamat.laplacians.windows import quickest_in_memory
from alphamat.methods import _random_walk_kernels as kernels
from alphamat.system import Spread, System, alpha_system, rows_of_picture
from alphamat.trimap import as_trimap
from solvers import Solver, StencilMatrix, amg, cg
from solvers.grid import Region, offsets
from solvers.loops import over_bounds, over_range

SOLVER: Solver = partial(cg, preconditioner=partial(quickest_in_memory, otherwise=amg), rtol=1e-7)
SIGMA = 0.028  # see docs/uncertainty.md
RIDGE = 1e-3  # of the mean second moment of colours: bounds the metric where these are few or gray


def random_walk(
    image: Pixels,
    trimap: Pixels,
    *,
    beta: float = 900.0,
    radius: float = 1.5,
    metric: np.ndarray | Sequence[Sequence[float]] | None = None,
    floor: float = 1e-5,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> np.ndarray:
    """Estimate alpha as the chance that a random walker meets foreground before background.

    The walker steps from pixel to neighbour with a probability proportional to their affinity,
    w_ij = exp(-β (z_i - z_j)ᵀ M (z_i - z_j)), which falls with the difference of their colours z.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    beta : float
        β > 0: how steeply affinities fall. 900 is the value that is quoted for the paper.
    radius : float
        Largest distance between the centres of neighbours, at least 1: at 1 a pixel has four
        neighbours, at 1.5 eight, at 2 twelve.
    metric : (3, 3) array_like, optional
        M, symmetric and positive definite. None computes it from the picture by locality preserving
        projections, as the paper does; `numpy.eye(3)` compares RGB as it is. On the 18 training
        pictures of alphamatting.com, with two trimaps each, the mean squared error was a sixth
        smaller with None, and smaller with eight neighbours than with four.
    floor : float
        The least affinity, 0 < floor < 1; lower ones are raised to it. Without it a pixel unlike
        all its neighbours would be cut off from them, and its alpha would be undetermined.
    confidence : float, optional
        λ, the weight with which known pixels are held to the trimap. None holds them exactly.
    solver : callable
        `solver(A, b) -> solvers.Solution`. By default conjugate gradients with
        `solvers.quickest`: Cholesky's factors, exact but for rounding, where unknown pixels lie in
        bands or are few, and elsewhere algebraic multigrid, because affinities differ by many
        orders of magnitude between neighbours: lattices of equal spacing do not follow them. With
        that alpha was within 3e-4 of the exact solution on photographs of up to 4 megapixels, and
        within 1e-6 on average. Incomplete Cholesky leaves errors that the residual hides: 7e-4 on
        average where half of the picture is unknown.

    Returns
    -------
    (H, W) float64 array, alpha in [0, 1]; exactly the trimap on known pixels unless `confidence`
    is given.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused; the message says why.
    MemoryError
        If this machine cannot hold the system, which takes about a kilobyte for each unknown
        pixel with eight neighbours.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    Notes
    -----
    The Laplacian is D - W, as in the paper. It is symmetric, and a pixel is no neighbour of itself.
    Some implementations divide its rows by their sums. The equations are then the same where known
    pixels are held exactly, but not with a penalty, and the matrix is no longer symmetric.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 96, 128, seed=5)
    >>> alpha = alphamat.random_walk(scene.image, scene.trimap)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.1)
    True
    """
    options = {"beta": beta, "radius": radius, "metric": metric, "floor": floor}
    options |= {"confidence": confidence, "solver": solver}
    return random_walk_system(image, trimap, **options).solve().alpha


def random_walk_system(
    image: Pixels,
    trimap: Pixels,
    *,
    beta: float = 900.0,
    radius: float = 1.5,
    metric: np.ndarray | Sequence[Sequence[float]] | None = None,
    floor: float = 1e-5,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> System:
    """Return the system that `random_walk` solves, of the same arguments."""
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    beta, radius, floor = _parse_parameters(beta, radius, floor)
    radius = min(radius, math.hypot(*image.shape[:2]))  # no pixels are farther apart
    options = {"beta": beta, "radius": radius, "floor": floor}
    M = None if metric is None else _as_metric(metric)

    def rows(pixels: np.ndarray) -> StencilMatrix:
        nonlocal M
        _refuse_beyond_memory(int(np.count_nonzero(pixels)), 0, radius)
        if M is None:
            M = locality_preserving_metric(image, beta=beta, radius=radius)
        return random_walk_laplacian(image, pixels, metric=M, **options)

    assemble, spread = rows_of_picture(rows), Spread(SIGMA)
    return alpha_system(assemble, trimap, confidence=confidence, solver=solver, spread=spread)


def locality_preserving_metric(image: np.ndarray, *, beta: float, radius: float) -> np.ndarray:
    """Return M = QᵀQ, where Q's rows are the locality preserving projections of the colours.

    These are the a that solve X L Xᵀ a = λ X D Xᵀ a, scaled to aᵀ X D Xᵀ a = 1, where X holds the
    colours as columns and L = D - W has w_ij = exp(-β ‖z_i - z_j‖²). All three are kept, so that
    QᵀQ = (X D Xᵀ)⁻¹ and no eigenproblem is left. It is multiplied by the mean eigenvalue of
    X D Xᵀ, so that M is the identity, and β means what it does for RGB, where X D Xᵀ is isotropic.
    """
    steps = _steps(radius)
    work = 30 * len(steps) * image.shape[0] * image.shape[1]
    upper = sum(over_range(kernels.second_moments, len(image), work, steps, image, float(beta)))
    moments = np.triu(upper) + np.triu(upper, 1).T
    scale = np.trace(moments) / 3
    if scale == 0:
        return np.eye(3)
    return np.linalg.inv(moments / scale + RIDGE * np.eye(3))


def random_walk_laplacian(
    image: np.ndarray,
    unknown: np.ndarray,
    *,
    beta: float,
    radius: float,
    metric: np.ndarray,
    floor: float,
) -> StencilMatrix:
    """Return the rows of D - W that belong to unknown pixels."""
    region = Region.of(unknown, int(radius))
    _refuse_beyond_memory(region.size, region.stored_size, radius)
    planes = np.zeros((len(offsets(region.reach)), region.stored_size))
    steps = _steps(radius)
    arguments = region.runs, steps, image, metric, float(beta), float(floor), planes
    over_bounds(kernels.link, region.bounds, 60 * len(steps) * region.size, *arguments)
    laplacian = StencilMatrix(region, planes)
    planes[0] = region.expand(-laplacian.couple(np.ones(unknown.shape)))
    return laplacian


def _steps(radius: float) -> np.ndarray:
    """List (dy, dx, plane of a stencil matrix) of the neighbours that lie ahead of a pixel."""
    return np.array(
        [
            (dy, dx, plane)
            for plane, (dy, dx) in enumerate(offsets(int(radius)))
            if 0 < math.hypot(dy, dx) <= radius
        ]
    )


def _parse_parameters(beta: float, radius: float, floor: float) -> tuple[float, float, float]:
    beta, floor = as_positive(beta, "beta", "such as 900"), as_positive(floor, "floor")
    radius = as_positive(radius, "radius", "at least 1")
    if radius < 1:
        raise ValueError(
            f"`radius` is {radius:g}; expected at least 1, or no pixel has neighbours."
        )
    if floor >= 1:
        raise ValueError(f"`floor` is {floor:g}; expected less than 1, the greatest affinity.")
    return beta, radius, floor


def _as_metric(metric) -> np.ndarray:
    M = as_array(metric, name="metric")
    if M.dtype.kind not in "iuf":
        raise TypeError(f"`metric` has dtype {M.dtype}; expected real numbers.")
    M = M.astype(np.float64)
    if M.shape != (3, 3):
        raise ValueError(f"`metric` has shape {M.shape}; expected (3, 3), such as numpy.eye(3).")
    if not (np.isfinite(M).all() and np.allclose(M, M.T) and np.linalg.eigvalsh(M)[0] > 0):
        raise ValueError(
            "`metric` is not a symmetric positive definite matrix; expected one, such as "
            "numpy.eye(3)."
        )
    return M


def _refuse_beyond_memory(unknowns: int, stored: int, radius: float) -> None:
    """Raise MemoryError; `stored` pixels are the unknown ones and their halo, a square at least."""
    reach = int(radius)
    planes = 2 * reach * (reach + 1) + 1
    stored = max(stored, (2 * reach + 1) ** 2 if unknowns else 0)
    memory.refuse_beyond(
        planes * (8 * stored + 142 * unknowns) + 200 * unknowns,
        f"The system of {unknowns:,} unknown pixels at radius {radius:g}",
        "Narrow the unknown region, or make the image smaller.",
    )
