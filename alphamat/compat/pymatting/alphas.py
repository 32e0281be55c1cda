"""PyMatting's methods: alpha of an image and a trimap.

With the default preconditioner, and no more of `cg_kwargs` than `rtol` and `maxiter`, a method
solves its equations by multigrid, with known pixels held exactly unless it says otherwise. Anything
else is done as it is written: PyMatting's matrix, by conjugate gradients, with that preconditioner
and those options.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import alphamat
from alphamat.compat.pymatting.laplacians import (
    as_picture,
    cf_laplacian,
    closeness,
    knn_laplacian,
    knn_points,
    knn_rounds,
    lbdm_laplacian,
    lkm_laplacian,
    lkm_rows,
    make_linear_system,
    rw_laplacian,
    steepness,
)
from alphamat.compat.pymatting.pixels import sanity_check_image, trimap_split
from alphamat.compat.pymatting.solving import cg, did_not_converge, ichol, jacobi
from alphamat.foreground import estimate_foreground
from alphamat.laplacians.colour_line import colour_line_laplacian
from alphamat.laplacians.lattice import colour_lattice
from alphamat.laplacians.neighbours import Edges, graph_laplacian, neighbourhoods
from alphamat.laplacians.windows import parse_parameters
from alphamat.methods.learning_based import local_learning_laplacian
from alphamat.methods.random_walk import random_walk_laplacian
from alphamat.system import System, alpha_system, rows_of_picture
from alphamat.trimap import Trimap
from solvers import Pinned, amg, multigrid
from solvers import cg as solve

Keywords = Mapping[str, Any] | None
FLOOR = 1e-12  # the least affinity of random walks, below what their regularisation adds
LAMBDA = 100.0  # with which PyMatting holds known pixels


def estimate_alpha_cf(
    image: np.ndarray,
    trimap: np.ndarray,
    preconditioner: Callable | None = None,
    laplacian_kwargs: Keywords = None,
    cg_kwargs: Keywords = None,
) -> np.ndarray:
    """Estimate alpha by closed-form matting.

    Parameters
    ----------
    image : (H, W, 3) array
        Floating point in [0, 1].
    trimap : (H, W) array
        Floating point: up to 0.1 is background, from 0.9 on foreground, all between unknown.
    preconditioner : callable, optional
        A -> M, such as `ichol`; see the module.
    laplacian_kwargs : dict, optional
        `epsilon` and `radius` of `cf_laplacian`.
    cg_kwargs : dict, optional
        Those of `cg`.

    Returns
    -------
    (H, W) array in [0, 1], of the trimap's dtype; the trimap on known pixels.

    Raises
    ------
    ValueError
        If the trimap lacks foreground or background or has another size, or `maxiter` iterations
        were not enough.
    TypeError
        If the image is not of floating point, or an option is unknown.

    Examples
    --------
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> alpha = estimate_alpha_cf(image / 255, trimap / 255, laplacian_kwargs={"epsilon": 1e-6})
    >>> alpha.shape == trimap.shape
    True
    """
    sanity_check_image(image)
    is_fg, is_bg, is_known, is_unknown = trimap_split(trimap, flatten=False)
    image, options = _parsed(image, trimap), _options(cf_laplacian, laplacian_kwargs)
    if options.pop("is_known") is not None:
        raise TypeError("`laplacian_kwargs` has `is_known`, which the trimap says already.")
    cg_kwargs, alpha = dict(cg_kwargs or {}), trimap.copy()
    if preconditioner is None and _is_plain(cg_kwargs):
        epsilon, radius = parse_parameters(image.shape[:2], **options)
        rows = partial(colour_line_laplacian, image, epsilon=epsilon, radius=radius)
        system = _system(rows_of_picture(rows), is_fg, is_bg)
        alpha[is_unknown] = _solve(system, multigrid, cg_kwargs)[is_unknown]
    else:
        unknown, known = is_unknown.ravel(), is_known.ravel()
        rows = cf_laplacian(image, **options, is_known=is_known)[unknown]
        A, b = rows[:, unknown], -rows[:, known].dot(is_fg[is_known])
        alpha[is_unknown] = cg(A, b, M=(preconditioner or ichol)(A), **cg_kwargs)
    return np.clip(alpha, 0, 1)


def estimate_alpha_lbdm(
    image: np.ndarray,
    trimap: np.ndarray,
    preconditioner: Callable | None = None,
    laplacian_kwargs: Keywords = None,
    cg_kwargs: Keywords = None,
) -> np.ndarray:
    """Estimate alpha by learning-based matting.

    The arguments are those of `estimate_alpha_cf`; `laplacian_kwargs` those of `lbdm_laplacian`.
    Known pixels have exactly 0 or 1.
    """
    sanity_check_image(image)
    is_fg, is_bg, _, _ = trimap_split(trimap, flatten=False)
    image, options = _parsed(image, trimap), _options(lbdm_laplacian, laplacian_kwargs)
    cg_kwargs = dict(cg_kwargs or {})
    if preconditioner is None and _is_plain(cg_kwargs):
        epsilon, radius = parse_parameters(image.shape[:2], **options)
        rows = partial(local_learning_laplacian, image, epsilon=epsilon, radius=radius)
        return _solve(_system(rows_of_picture(rows), is_fg, is_bg), multigrid, cg_kwargs)
    return _as_written(lbdm_laplacian(image, **options), trimap, preconditioner or ichol, cg_kwargs)


def estimate_alpha_knn(
    image: np.ndarray,
    trimap: np.ndarray,
    preconditioner: Callable | None = None,
    laplacian_kwargs: Keywords = None,
    cg_kwargs: Keywords = None,
) -> np.ndarray:
    """Estimate alpha by the mean over pixels that look alike.

    The arguments are those of `estimate_alpha_cf`; `laplacian_kwargs` those of `knn_laplacian`.
    Known pixels have exactly 0 or 1.
    """
    sanity_check_image(image)
    is_fg, is_bg, _, _ = trimap_split(trimap, flatten=False)
    image, options = _parsed(image, trimap), _options(knn_laplacian, laplacian_kwargs)
    cg_kwargs = dict(cg_kwargs or {})
    if preconditioner is None and _is_plain(cg_kwargs):
        system = _system(partial(_knn_rows, image, **options), is_fg, is_bg)
        return _solve(system, amg, cg_kwargs)
    return _as_written(knn_laplacian(image, **options), trimap, preconditioner or jacobi, cg_kwargs)


def _knn_rows(
    image: np.ndarray,
    trimap: Trimap,
    free: np.ndarray,
    n_neighbors: Any,
    distance_weights: Any,
    kernel: str,
) -> Pinned:
    graphs = []
    for count, weight in knn_rounds(n_neighbors, distance_weights, kernel):
        points = knn_points(image, weight)
        centres, members = neighbourhoods(points, count - 1, free)
        graphs.append(Edges(centres, members, closeness(points, centres, members, kernel)))
    return graph_laplacian(graphs, free, trimap.known)


def estimate_alpha_rw(
    image: np.ndarray,
    trimap: np.ndarray,
    preconditioner: Callable | None = None,
    laplacian_kwargs: Keywords = None,
    cg_kwargs: Keywords = None,
) -> np.ndarray:
    """Estimate alpha as the chance that a random walker meets foreground first.

    The arguments are those of `estimate_alpha_cf`; `laplacian_kwargs` those of `rw_laplacian`.
    Known pixels have exactly 0 or 1. A pixel unlike all its neighbours is drawn to background by
    the regularisation.
    """
    sanity_check_image(image)
    is_fg, is_bg, _, _ = trimap_split(trimap, flatten=False)
    image, options = _parsed(image, trimap), _options(rw_laplacian, laplacian_kwargs)
    cg_kwargs, radius = dict(cg_kwargs or {}), options["radius"]
    if preconditioner is None and _is_plain(cg_kwargs) and radius in (1, 2):
        rows = partial(
            random_walk_laplacian,
            image,
            beta=steepness(options["sigma"]),
            radius=math.hypot(radius, radius),  # of a disc that reaches the corners of the square
            metric=np.eye(3),
            floor=FLOOR,
        )
        system = _system(rows_of_picture(rows), is_fg, is_bg)
        weights = options["regularization"] * (1 + system.laplacian.diagonal())
        return _solve(replace(system, weights=weights), amg, cg_kwargs)
    return _as_written(rw_laplacian(image, **options), trimap, preconditioner or jacobi, cg_kwargs)


def estimate_alpha_lkm(
    image: np.ndarray,
    trimap: np.ndarray,
    laplacian_kwargs: Keywords = None,
    cg_kwargs: Keywords = None,
) -> np.ndarray:
    """Estimate alpha by closed-form matting with large windows.

    The arguments are those of `estimate_alpha_cf`; `laplacian_kwargs` those of `lkm_laplacian`.
    Known pixels are held by a penalty of 100 only, beside as many terms as windows have pixels, and
    may change; `alphamat.fast` holds them.
    """
    sanity_check_image(image)
    is_fg, is_bg, is_known, _ = trimap_split(trimap, flatten=False)
    image, options = _parsed(image, trimap), _options(lkm_laplacian, laplacian_kwargs)
    diagonal_too, cg_kwargs = options.pop("return_diagonal"), dict(cg_kwargs or {})
    if not diagonal_too:
        raise TypeError("`laplacian_kwargs` has `return_diagonal=False`; expected it to be left.")
    if _is_plain(cg_kwargs):
        rows = rows_of_picture(partial(lkm_rows, image, **options))
        return _solve(_system(rows, is_fg, is_bg, LAMBDA), colour_lattice, cg_kwargs)
    product, diagonal = lkm_laplacian(image, **options)
    c, b = LAMBDA * is_known.ravel(), LAMBDA * is_fg.ravel()
    inverse = 1 / (diagonal + c)
    x = cg(lambda x: product(x) + c * x, b, M=lambda r: inverse * r, **cg_kwargs)
    return np.clip(x, 0, 1).reshape(trimap.shape)


def estimate_alpha_sm(
    image: np.ndarray,
    trimap: np.ndarray,
    return_foreground_background: bool = False,
    trimap_expansion_radius: int = 10,
    trimap_expansion_threshold: float = 0.02,
    sample_gathering_angles: int = 4,
    sample_gathering_weights: tuple[float, float, float, float] = (3.0, 2.0, 1.0, 4.0),
    sample_gathering_Np_radius: int = 1,
    sample_refinement_radius: int = 5,
    local_smoothing_radius1: int = 5,
    local_smoothing_radius2: int = 5,
    local_smoothing_radius3: int = 5,
    local_smoothing_sigma_sq1: float | None = None,
    local_smoothing_sigma_sq2: float = 0.1,
    local_smoothing_sigma_sq3: float | None = None,
) -> Any:
    """Estimate alpha by shared sampling, as `alphamat.shared_sampling` does.

    Parameters
    ----------
    image, trimap : (H, W, 3) and (H, W) arrays
        float32 or float64 in [0, 1]. Exactly 0 is background, and exactly 1 foreground.
    return_foreground_background : bool
        Whether the layers, (H, W, 3), are returned too. They are those of `estimate_foreground`.
    trimap_expansion_radius, trimap_expansion_threshold : int, float
        How far known pixels spread, to colours how near; 0 keeps the trimap.
    sample_gathering_angles : int
        How many rays a pixel sends out.
    sample_gathering_weights : four floats
        Weights of the costs of a pair of samples.
    sample_gathering_Np_radius : int
        Only 1 is accepted.
    sample_refinement_radius : int
        Neighbours that share their pairs: as many as a square of this radius holds, in a disc.
    local_smoothing_radius1, local_smoothing_radius2, local_smoothing_radius3 : int
        Neighbours over which the result is smoothed, likewise; three equal radii are accepted.
    local_smoothing_sigma_sq1, local_smoothing_sigma_sq3 : None
        Only None is accepted: they follow from the radius.
    local_smoothing_sigma_sq2 : float
        The smaller, the less a pair counts that does not explain the pixel's colour.

    Returns
    -------
    alpha : (H, W) float32 array
    foreground, background : (H, W, 3) float32 arrays, if they are asked for

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    radii = {local_smoothing_radius1, local_smoothing_radius2, local_smoothing_radius3}
    sigmas = {local_smoothing_sigma_sq1, local_smoothing_sigma_sq3}
    if sample_gathering_Np_radius != 1 or len(radii) > 1 or sigmas != {None}:
        raise ValueError(
            f"`sample_gathering_Np_radius` is {sample_gathering_Np_radius}, and the "
            f"`local_smoothing_…` radii and sigmas {sorted(radii)} and {sorted(map(str, sigmas))}; "
            "expected 1, three equal radii, and None."
        )
    spreads = trimap_expansion_radius > 0 and trimap_expansion_threshold > 0
    for name, array in (("image", image), ("trimap", trimap)):
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(f"`{name}` has dtype {array.dtype}; expected float32 or float64.")
    alpha = alphamat.shared_sampling(
        image,
        trimap,
        reach=trimap_expansion_radius if spreads else 1,
        similarity=trimap_expansion_threshold if spreads else 1e-300,
        rays=sample_gathering_angles,
        exponents=sample_gathering_weights,
        sharing=(2 * sample_refinement_radius + 1) ** 2,
        smoothing=(2 * local_smoothing_radius1 + 1) ** 2,
        falloff=1 / local_smoothing_sigma_sq2,
    )
    if not return_foreground_background:
        return alpha.astype(np.float32)
    layers = estimate_foreground(image, alpha)
    return tuple(array.astype(np.float32) for array in (alpha, *layers))


def _parsed(image: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    image = as_picture(image)
    if trimap.shape != image.shape[:2]:
        raise ValueError(
            f"`trimap` has shape {trimap.shape} and `image` {image.shape}; expected the same "
            "height and width."
        )
    return image


def _options(laplacian: Callable, given: Keywords) -> dict[str, Any]:
    """Return the arguments of a Laplacian beside the image: those given, and defaults."""
    signature = inspect.signature(laplacian)
    try:
        bound = signature.bind(None, **(given or {}))
    except TypeError as fault:
        names = ", ".join(list(signature.parameters)[1:])
        raise TypeError(f"`laplacian_kwargs`: {fault}; expected some of: {names}.") from None
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])


def _is_plain(cg_kwargs: dict[str, Any]) -> bool:
    return cg_kwargs.keys() <= {"rtol", "maxiter"}


def _system(
    rows: Callable, is_fg: np.ndarray, is_bg: np.ndarray, confidence: float | None = None
) -> System:
    return alpha_system(rows, Trimap(is_fg, is_bg), confidence=confidence, solver=solve)


def _solve(system: System, preconditioner: Callable, cg_kwargs: dict[str, Any]) -> np.ndarray:
    """Return alpha; raise where the iterations were too few."""
    options = {"rtol": 1e-7, "maxiter": 10_000} | cg_kwargs
    alpha, solution = system.solve(partial(solve, preconditioner=preconditioner, **options))
    if not solution.converged and solution.iterations >= options["maxiter"]:
        raise ValueError(did_not_converge(options["maxiter"]))
    return alpha


def _as_written(
    laplacian: Any, trimap: np.ndarray, preconditioner: Callable, cg_kwargs: dict[str, Any]
) -> np.ndarray:
    A, b = make_linear_system(laplacian, trimap, LAMBDA)
    x = cg(A, b, M=preconditioner(A), **cg_kwargs)
    return np.clip(x, 0, 1).reshape(trimap.shape)
