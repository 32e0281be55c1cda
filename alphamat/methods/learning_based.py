"""Learning-based matting, local and global.

Zheng & Kambhamettu, "Learning Based Digital Matting", ICCV 2009.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from alphamat.door.colour import LUMA
from alphamat.door.image import Pixels, as_image
from alphamat.door.parameters import as_count, as_positive
from alphamat.laplacians.colour_line import colour_line_laplacian, colour_line_noise
from alphamat.laplacians.windows import SOLVER, parse_parameters
from alphamat.methods import _learning_based_kernels
from alphamat.system import Spread, System, alpha_system, rows_of_picture
from alphamat.trimap import Trimap, as_trimap
from solvers import Solver, StencilMatrix
from solvers.loops import over_range

SIGMA = 0.038  # see docs/uncertainty.md
PIECE = 2048  # unknown pixels at a time
MOST_SAMPLES = 1000  # of each kind: a pixel then takes a second, a thousand times the default


def learning_based(
    image: Pixels,
    trimap: Pixels,
    *,
    epsilon: float = 1e-7,
    radius: int = 1,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> np.ndarray:
    """Estimate the alpha that small windows predict best from their colours.

    In each window, ridge regression learns alpha as an affine function of colour. The sum of its
    squared errors over all windows is minimised.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]; H and W at least 2 `radius` + 1. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    epsilon : float
        λ_r, the ridge: the penalty on the squares of the slopes, > 0. The authors' code has 1e-7,
        their paper 0.1.
    radius : int
        Windows are 2 `radius` + 1 pixels wide; 3 in the authors' code, 7 in their paper.
    confidence : float, optional
        c, the weight with which known pixels are held to the trimap; the authors' code has 800.
        None holds them exactly, as does the paper.
    solver : callable
        `solver(A, b) -> solvers.Solution`. By default conjugate gradients with
        `solvers.quickest`: Cholesky's factors, exact but for rounding, where unknown pixels lie in
        bands or are few, and elsewhere multigrid whose coarse functions are affine in colour. With
        multigrid single pixels were off by up to 0.02 on photographs of 8 bits, and by 2e-5 on
        average.

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

    See Also
    --------
    closed_form : The same regression, with the ridge's penalty in the sum that is minimised.
    learning_based_global : The paper's other method, for thin unknown regions.

    Notes
    -----
    Two details are as in the authors' code, not as in the paper: a window predicts all of its
    pixels, not only its centre, and there is no kernel. A third differs from the paper, which
    penalises the constant like the slopes. That draws alpha towards background and makes it depend
    on brightness, so here the constant is free. At the default `epsilon` this moves alpha by 1e-4
    on average, or by 1e-3 on enlarged photographs.

    A window that is fitted well costs the square of what it costs in closed-form matting. In
    drawings, flat colours may separate a part of the picture from all known pixels. The cost of
    its alpha is then lost in the rounding of double precision. Such a part gets the alpha ½, and a
    warning says where it is; an `epsilon` of 1e-4 determines it.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 96, 128, seed=5)
    >>> alpha = alphamat.learning_based(scene.image, scene.trimap)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.1)
    True
    """
    options = {"epsilon": epsilon, "radius": radius, "confidence": confidence, "solver": solver}
    return learning_based_system(image, trimap, **options).solve().alpha


def learning_based_system(
    image: Pixels,
    trimap: Pixels,
    *,
    epsilon: float = 1e-7,
    radius: int = 1,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> System:
    """Return the system that `learning_based` solves, of the same arguments."""
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    epsilon, radius = parse_parameters(image.shape[:2], epsilon, radius)

    def rows(pixels: np.ndarray) -> StencilMatrix:
        return local_learning_laplacian(image, pixels, epsilon=epsilon, radius=radius)

    noise = partial(colour_line_noise, image, epsilon=epsilon, radius=radius, squared=True)
    spread = Spread(SIGMA, noise)
    options = {"confidence": confidence, "solver": solver, "spread": spread}
    return alpha_system(rows_of_picture(rows), trimap, **options)


def local_learning_laplacian(
    image: np.ndarray, unknown: np.ndarray, *, epsilon: float, radius: int
) -> StencilMatrix:
    """Return the rows of L = Σ_w (I - F_w)ᵀ (I - F_w) that belong to unknown pixels (eq. 6).

    F = X (XᵀX + ε diag(1, 1, 1, 0))⁻¹ Xᵀ with X = [colours, 1] predicts a window's alphas (eq. 10).
    """
    return colour_line_laplacian(image, unknown, epsilon=epsilon, radius=radius, squared=True)


def learning_based_global(
    image: Pixels,
    trimap: Pixels,
    *,
    samples: int = 80,
    ridge: float = 0.1,
    reach: float = 1.2,
    fading: float = 0.25,
) -> np.ndarray:
    """Predict each unknown pixel's alpha from its colour, learning from the known pixels nearby.

    Each unknown pixel has a kernel ridge regression of its own, which takes about a millisecond of
    one core. The method suits thin unknown regions whose colours occur nearby.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    samples : int
        How many known pixels of foreground, and how many of background, a pixel learns from. At
        most 1000.
    ridge : float
        λ_r, the penalty on the squares of the coefficients, > 0.
    reach : float
        γ_d: samples lie closer to the unknown region than √2 + γ_d times its share of the picture.
    fading : float
        γ_w: a sample at the distance D from the unknown region weighs D to the power of -γ_w.

    Returns
    -------
    (H, W) float64 array, alpha in [0, 1]; exactly the trimap on known pixels.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused; the message says why.

    Notes
    -----
    Labels are 1 and -1, as in the authors' code, so that foreground and background count alike.
    The regression is that of equation 18, with weights on the samples' labels, too: weighted ridge
    regression needs them, and the printed formula leaves them out. Colours unlike all samples get
    an alpha near ½.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 48, 64, seed=5)
    >>> alpha = alphamat.learning_based_global(scene.image, scene.trimap)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.1)
    True
    """
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    samples = as_count(samples, "samples", most=MOST_SAMPLES)
    ridge = as_positive(ridge, "ridge", "such as 0.1")
    reach = as_positive(reach, "reach", "such as 1.2")
    fading = as_positive(fading, "fading", "such as 0.25")
    alpha = trimap.foreground.astype(np.float64)
    unknown = trimap.unknown
    if unknown.any():
        near, known = known_samples(image, trimap, reach=reach, fading=fading)
        alpha[unknown] = _predict(image, unknown, near, known, samples, ridge)
    return np.clip(alpha, 0, 1, out=alpha)


def known_samples(
    image: np.ndarray, trimap: Trimap, *, reach: float, fading: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return places and samples of the known pixels to learn from.

    Places are two (n, 2) arrays of y and x, of foreground and of background. Samples have a row for
    each place, foreground first: red, green, blue, weight, and label.
    """
    from scipy.ndimage import distance_transform_edt

    distance = distance_transform_edt(trimap.known)
    farthest = reach * np.count_nonzero(trimap.unknown) / distance.size + np.sqrt(2)
    places, rows = [], []
    for part, label in ((trimap.foreground, 1.0), (trimap.background, -1.0)):
        near = part & (distance < farthest)
        if not near.any():
            near = part & (distance == distance[part].min())
        weight = distance[near] ** -fading
        places.append(np.argwhere(near))
        rows.append(np.column_stack([image[near], weight, np.full_like(weight, label)]))
    return places, np.concatenate(rows)


def _predict(image, unknown, near, known, samples, ridge) -> np.ndarray:
    from scipy.spatial import KDTree

    foreground, background = (KDTree(places) for places in near)
    pixels, colours = np.argwhere(unknown), image[unknown]
    variance = max((image @ LUMA).var(), np.finfo(float).tiny)
    alpha = np.empty(len(pixels))

    def learn(first, last):
        for piece in (slice(k, min(k + PIECE, last)) for k in range(first, last, PIECE)):
            nearest = np.hstack(
                [
                    _nearest(foreground, pixels[piece], samples),
                    _nearest(background, pixels[piece], samples) + foreground.n,
                ]
            )
            _learning_based_kernels.predict(
                colours[piece], known, nearest, variance, ridge, alpha[piece]
            )

    over_range(learn, len(pixels), len(pixels) * (1000 + samples**3))
    return alpha


def _nearest(tree, pixels, samples: int) -> np.ndarray:
    return tree.query(pixels, np.arange(1, min(samples, tree.n) + 1))[1]
