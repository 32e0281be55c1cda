"""Matting with large windows, at a cost that does not depend on their size.

He, Sun & Tang, "Fast Matting Using Large Kernel Matting Laplacian Matrices", CVPR 2010.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from alphamat.door.image import Pixels, as_image
from alphamat.laplacians.boxes import ColourLineBoxes
from alphamat.laplacians.lattice import colour_lattice
from alphamat.laplacians.windows import parse_parameters
from alphamat.system import System, alpha_system, rows_of_picture
from alphamat.trimap import Trimap, as_trimap
from solvers import Solver, cg

SOLVER: Solver = partial(cg, preconditioner=colour_lattice, rtol=1e-7)


def fast(
    image: Pixels,
    trimap: Pixels,
    *,
    epsilon: float = 1e-7,
    radius: int | None = None,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> np.ndarray:
    """Estimate alpha, assuming that it is an affine function of colour in each large window.

    The quadratic form is that of closed-form matting. Its matrix is never written down: a product
    with it takes two passes of box sums, whatever the size of the windows.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]; H and W at least 2 `radius` + 1. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    epsilon : float
        Weight of the regularisation on the slopes, > 0.
    radius : int, optional
        Windows are 2 `radius` + 1 pixels wide. None chooses a size for each leaf of a KD-tree
        over the trimap, in proportion to the unknown region's width there.
    confidence : float, optional
        λ, the weight with which known pixels are held to the trimap. None holds them exactly. With
        a `radius`, a pixel has as many other terms as a window has pixels, so 100 holds loosely.
    solver : callable
        `solver(A, b) -> solvers.Solution`. By default conjugate gradients with a coarse lattice of
        functions affine in colour. It also reaches many patches of flat colour, which only ε ties
        to known pixels. With 13 % of 12 megapixels unknown it took 19 iterations and `jacobi` 892;
        with adaptive sizes, 108 and 1346. For solvers on other devices, `A @ x` is computed by
        array expressions if x has `__array_namespace__`.

    Returns
    -------
    (H, W) float64 array, alpha in [0, 1]; exactly the trimap on known pixels unless `confidence`
    is given.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused; the message says why.
    MemoryError
        If this machine cannot hold the system, which takes about a hundred bytes for each window.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    See Also
    --------
    closed_form : The same quadratic form at radius 1, solved with multigrid.

    Notes
    -----
    The paper solves leaf after leaf, then all at once, and once more leaf after leaf with smaller
    windows, each by some iterations. Here windows of all sizes make up one quadratic form. It has
    the mean over each window instead of the paper's sum, so that all sizes have the same weight.
    Its minimum is found to the solver's tolerance and does not depend on an order.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 96, 128, seed=5)
    >>> alpha = alphamat.fast(scene.image, scene.trimap, radius=5)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.1)
    True
    """
    options = {"epsilon": epsilon, "radius": radius, "confidence": confidence, "solver": solver}
    return fast_system(image, trimap, **options).solve().alpha


def fast_system(
    image: Pixels,
    trimap: Pixels,
    *,
    epsilon: float = 1e-7,
    radius: int | None = None,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> System:
    """Return the system that `fast` solves, of the same arguments."""
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    adaptive = radius is None
    epsilon, radius = parse_parameters(image.shape[:2], epsilon, 1 if radius is None else radius)

    def rows(trimap: Trimap, pixels: np.ndarray) -> ColourLineBoxes:
        radii = adaptive_radii(trimap) if adaptive else uniform_radii(pixels.shape, radius)
        return ColourLineBoxes.of(image, pixels, radii, epsilon=epsilon)

    assemble = rows if adaptive else rows_of_picture(partial(rows, trimap))
    return alpha_system(assemble, trimap, confidence=confidence, solver=solver)


def uniform_radii(shape: tuple[int, int], radius: int) -> np.ndarray:
    """Return the radius of the window around each pixel: one for all that have room for it."""
    radii = np.zeros(shape, np.int32)
    radii[radius:-radius, radius:-radius] = radius
    return radii


def adaptive_radii(trimap: Trimap, *, share: float = 0.05, smallest: int = 60) -> np.ndarray:
    """Return the radius of the window around each pixel: powers of two, 0 for no window.

    In each leaf it is a share of the distance between foreground and background, averaged over the
    unknown pixels. At the border of the picture it is smaller, so that windows fit. The paper makes
    the size follow the unknown region; the share was chosen on photographs with true alphas. Larger
    windows were worse there: they mix colours that lie on no common line.
    """
    from cv2 import DIST_L2, distanceTransform

    to_each = (distanceTransform((~part).astype(np.uint8), DIST_L2, 5) for part in trimap)
    distance = np.add(*to_each)
    radii = np.ones_like(distance)
    unknown = trimap.unknown
    for leaf in kd_tree_leaves(trimap, smallest):
        radii[leaf] = max(1, share * distance[leaf][unknown[leaf]].mean())
    y, x = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in radii.shape)
    room = np.minimum(y[:, None], x)
    _, exponent = np.frexp(np.minimum(radii, room))
    return np.ldexp(0.5, exponent).astype(np.int32)


Area = tuple[slice, slice]


def kd_tree_leaves(trimap: Trimap, smallest: int, area: Area | None = None) -> Iterator[Area]:
    """Yield the leaves with unknown pixels of an area, at first of the whole trimap.

    An area is a leaf if it has known pixels of one kind only, if its halves have one kind each, or
    if it is narrower than `smallest` (section 4).
    """
    height, width = trimap.foreground.shape
    area = area or (slice(0, height), slice(0, width))
    inside = _crop(trimap, area)
    if not inside.unknown.any():
        return
    if sum(_kinds(inside)) < 2 or min(inside.foreground.shape) < smallest:
        yield area
        return
    halves = _halves(inside.unknown, area)
    if {_kinds(_crop(trimap, half)) for half in halves} == {(True, False), (False, True)}:
        yield area
        return
    for half in halves:
        yield from kd_tree_leaves(trimap, smallest, half)


def _crop(trimap: Trimap, area: Area) -> Trimap:
    return Trimap(*(part[area] for part in trimap))


def _kinds(trimap: Trimap) -> tuple[bool, bool]:
    return bool(trimap.foreground.any()), bool(trimap.background.any())


def _halves(unknown: np.ndarray, area: Area) -> tuple[Area, ...]:
    """Cut at the mean place of unknown pixels, across the axis along which they vary more."""
    places = np.nonzero(unknown)
    axis = int(np.var(places[1]) > np.var(places[0]))
    whole = area[axis]
    cut = whole.start + max(1, round(places[axis].mean()))
    parts = slice(whole.start, cut), slice(cut, whole.stop)
    return tuple((part, area[1]) if axis == 0 else (area[0], part) for part in parts)
