"""Closed-form matting.

Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", CVPR 2006 and
TPAMI 30(2), 2008.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from alphamat.door.image import Pixels, as_image
from alphamat.laplacians.colour_line import colour_line_laplacian, colour_line_noise
from alphamat.laplacians.windows import SOLVER, parse_parameters
from alphamat.system import Spread, System, alpha_system, rows_of_picture
from alphamat.trimap import as_trimap
from solvers import Solver, StencilMatrix

SIGMA = 0.046  # see docs/uncertainty.md


def closed_form(
    image: Pixels,
    trimap: Pixels,
    *,
    epsilon: float = 1e-7,
    radius: int = 1,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> np.ndarray:
    """Estimate alpha, assuming that it is an affine function of colour in each small window.

    This holds where foreground and background colours each lie on a line (the colour-line model).
    Alpha then minimises a quadratic form, and is given on the known pixels.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]; H and W at least 2 `radius` + 1. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    epsilon : float
        Weight of the regularisation on the slopes, > 0. Larger values make alpha smoother and
        the system easier.
    radius : int
        Windows are 2 `radius` + 1 pixels wide.
    confidence : float, optional
        λ, the weight with which known pixels are held to the trimap; the authors use 100. None
        holds them exactly.
    solver : callable
        `solver(A, b) -> solvers.Solution`. By default conjugate gradients with
        `solvers.quickest`: Cholesky's factors, exact but for rounding, where unknown pixels lie in
        bands or are few, and elsewhere multigrid whose coarse functions are affine in colour. With
        multigrid alpha was within 4e-3 of the exact solution on photographs of 8 bits, and within
        2e-6 on average.

    Returns
    -------
    (H, W) float64 array, alpha in [0, 1]; exactly the trimap on known pixels unless `confidence`
    is given.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused; the message says why.
    MemoryError
        If this machine cannot hold the system, which takes about half a kilobyte for each unknown
        pixel at radius 1.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    Notes
    -----
    A gray image is treated as three equal channels. That is the formula for gray with ε / 3.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 96, 128, seed=5)
    >>> alpha = alphamat.closed_form(scene.image, scene.trimap)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.1)
    True
    """
    options = {"epsilon": epsilon, "radius": radius, "confidence": confidence, "solver": solver}
    return closed_form_system(image, trimap, **options).solve().alpha


def closed_form_system(
    image: Pixels,
    trimap: Pixels,
    *,
    epsilon: float = 1e-7,
    radius: int = 1,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> System:
    """Return the system that `closed_form` solves, of the same arguments."""
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    epsilon, radius = parse_parameters(image.shape[:2], epsilon, radius)

    def rows(pixels: np.ndarray) -> StencilMatrix:
        return colour_line_laplacian(image, pixels, epsilon=epsilon, radius=radius)

    spread = Spread(SIGMA, partial(colour_line_noise, image, epsilon=epsilon, radius=radius))
    options = {"confidence": confidence, "solver": solver, "spread": spread}
    return alpha_system(rows_of_picture(rows), trimap, **options)
