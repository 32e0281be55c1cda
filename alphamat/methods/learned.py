"""The library's own network, and closed-form matting that refines what it gives."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np

from alphamat.door.image import Pixels, as_image
from alphamat.door.parameters import as_count, as_flag, as_number, as_positive, refuse_unless_solver
from alphamat.laplacians.colour_line import colour_line_laplacian, colour_line_noise
from alphamat.laplacians.windows import SOLVER, parse_parameters, refuse_beyond_memory
from alphamat.network.looks import estimate_by_looks
from alphamat.network.weights import BUNDLED, read_weights
from alphamat.system import Spread, System, rows_of_picture
from alphamat.trimap import Trimap, as_trimap
from solvers import Solver, StencilMatrix

SIGMA = 0.065  # see docs/uncertainty.md
WINDOW = 3  # pixels: the side of closed-form matting's windows
LEAST = 0.03  # confidence in an alpha of a half


def learned(
    image: Pixels,
    trimap: Pixels,
    *,
    looks: int = 3,
    mirrored: bool = False,
    trust: float | None = 0.02,
    weights: str | os.PathLike[str] | None = None,
    epsilon: float = 1e-7,
    solver: Solver = SOLVER,
) -> np.ndarray:
    """Estimate alpha with a network that has learnt from painted scenes.

    The network has 3.6 million parameters, which come with the package. It was trained on hair,
    fur, smoke, lace and the like that a program painted, never on a photograph. Around each pixel
    it sees the known colours of foreground and background, near and far, and how the pixel compares
    with them. Closed-form matting then refines its alpha. It runs on the CPU, and needs no JAX.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    looks : int
        At how many sizes the network sees the picture, each half of the one before. A smaller one
        counts where it is more decided, in wide unknown areas. 1 is faster by a quarter.
    mirrored : bool
        Take the mean of what the network says of the picture and of its three mirror images. It
        works four times as long, and is a little better on some pictures.
    trust : float, optional
        How strongly the network's alpha is held while it is refined: a pixel's weight is `trust`
        times its confidence, which is greatest where alpha is 0 or 1. The default was chosen on
        photographs with true alphas. None refines nothing. Pictures narrower than three pixels are
        never refined.
    weights : path, optional
        A .safetensors file of other parameters for the same network, in float16 or float32. None
        takes those of the package. Nothing in the file is executed.
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
        If an argument is refused, or the file of weights; the message says why.
    OSError
        If the file of weights cannot be read.
    MemoryError
        If this machine cannot hold what the network computes, up to 600 MB for a megapixel and 3
        GB for twelve, or the system that refines it: see `closed_form`.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    Notes
    -----
    The network itself could do without known foreground or background. A trimap that lacks either
    is refused, as by all methods: nothing in it says what the foreground is.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> alpha = alphamat.learned(image, trimap)
    >>> bool((alpha[trimap == 255] == 1).all())
    True
    """
    image = as_image(image)
    if trust is not None and min(image.shape[:2]) >= WINDOW:
        options = {"looks": looks, "mirrored": mirrored, "trust": trust, "weights": weights}
        options |= {"epsilon": epsilon, "solver": solver}
        return learned_system(image, trimap, **options).solve().alpha
    trimap = as_trimap(trimap, shape=image.shape[:2])
    if trust is not None:
        _parse_trust(trust)
    as_positive(epsilon, "epsilon")
    refuse_unless_solver(solver)
    return _network(looks, mirrored, weights)(image, trimap)


def learned_system(
    image: Pixels,
    trimap: Pixels,
    *,
    looks: int = 3,
    mirrored: bool = False,
    trust: float = 0.02,
    weights: str | os.PathLike[str] | None = None,
    epsilon: float = 1e-7,
    solver: Solver = SOLVER,
) -> System:
    """Return the system that `learned` solves with a `trust`, of the same arguments.

    Minimise αᵀ L α + Σ w (α - α̂)² over the unknown pixels, with L the matting Laplacian, α̂ what
    the network gives, and w its confidence times `trust`.
    """
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    trust = _parse_trust(trust)
    epsilon, _ = parse_parameters(image.shape[:2], epsilon, 1)
    refuse_unless_solver(solver)
    network = _network(looks, mirrored, weights)

    def rows(pixels: np.ndarray) -> StencilMatrix:
        return colour_line_laplacian(image, pixels, epsilon=epsilon, radius=1)

    laplacian = rows_of_picture(rows)
    spread = Spread(SIGMA, partial(colour_line_noise, image, epsilon=epsilon, radius=1))

    def system(trimap: Trimap) -> System:
        place = trimap.unknown
        refuse_beyond_memory(int(np.count_nonzero(place)), radius=1)  # before the network's work
        alpha = network(image, trimap)
        weights = trust * confidence(alpha[place])
        return System(laplacian(trimap, place), alpha, place, weights, solver, system, spread)

    return system(trimap)


def confidence(alpha: np.ndarray) -> np.ndarray:
    """Return how sure the network is of its alpha: 1 at 0 and 1, little between."""
    return LEAST + (1 - LEAST) * (2 * alpha - 1) ** 4


def _network(
    looks: int, mirrored: bool, weights: str | os.PathLike[str] | None
) -> Callable[[np.ndarray, Trimap], np.ndarray]:
    """Return the network as a function of an image and a trimap."""
    looks = as_count(looks, "looks")
    steps = (1, -1) if as_flag(mirrored, "mirrored") else (1,)
    parameters = read_weights(BUNDLED if weights is None else weights)

    def network(image: np.ndarray, trimap: Trimap) -> np.ndarray:
        alpha = np.zeros(image.shape[:2])
        for y, x in product(steps, steps):
            turned = np.ascontiguousarray(image[::y, ::x])
            parts = Trimap(*(part[::y, ::x] for part in trimap))
            alpha += estimate_by_looks(turned, parts, parameters, looks=looks)[::y, ::x]
        return alpha / len(steps) ** 2

    return network


def _parse_trust(trust: float) -> float:
    expected = "a positive number from 1e-12 to 1e30, such as 0.02, or None"
    return as_number(trust, "trust", expected, least=1e-12, most=1e30)
