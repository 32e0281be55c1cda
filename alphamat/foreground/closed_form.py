"""The colours of the two layers behind an image and its alpha, as the minimum of one cost.

Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 2008, section 7.

An image shows no more of its two layers than αF + (1-α)B. So in each pixel the pair (F, B) is
turned into two other coordinates: the *seen* colour, which is what the image shows, and the
*hidden* colour, of which it shows nothing:

    F = cos θ · hidden + sin θ · seen,   B = cos θ · seen - sin θ · hidden,   tan θ = α / (1-α).

Where alpha is 1 or 0, F or B is seen and held. Only the hidden colours make the system hard, and
between them it is a Laplacian of the grid with decaying mass, which suits multigrid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphamat import memory
from alphamat.door.image import Pixels, as_alpha, as_image
from alphamat.door.parameters import as_number, refuse_unless_solver
from alphamat.foreground import _closed_form_kernels as _kernels
from alphamat.foreground.multilevel import Layers, estimate_foreground
from alphamat.system import warn_unless_converged
from solvers import Solution, Solver, cg
from solvers.blackbox import coarse_correction, padded
from solvers.loops import over_range


def closed_form_foreground(
    image: Pixels,
    alpha: Pixels,
    *,
    regularization: float = 1e-5,
    solver: Solver | None = None,
) -> Layers:
    """Find the foreground and background colours that minimise one quadratic cost.

    For each colour channel it is, with pixels i and pairs ij of horizontal or vertical neighbours::

        Σ_i (α_i F_i + (1-α_i) B_i - I_i)² + Σ_ij (|α_i - α_j| + ε) ((F_i - F_j)² + (B_i - B_j)²),

    equation 19 of Levin et al. and ε, without which nothing fixes a layer where it cannot be seen.
    As in the authors' code, a pixel that shows one layer only has that layer's colour: F = I is
    held where alpha is 1, and B = I where alpha is 0.

    Parameters
    ----------
    image : (H, W, 3) array_like
        See `as_image`.
    alpha : (H, W) array_like
        Opacity in [0, 1].
    regularization : float
        ε, positive.
    solver : callable, optional
        `solver(A, b)` returns a `Solution`. It is called for each channel, to correct the result
        of `estimate_foreground`; its tolerance is a share of that result's residual. For more
        digits pass `partial(solvers.cg, preconditioner=alphamat.foreground.multigrid, rtol=1e-6)`.
        By default it is that, with one preconditioner for the three channels, until the residual
        is 1e-5 of what an error of full scale everywhere would leave. On photographs of up to 4
        megapixels that took 3 to 17 iterations, and left α · F and (1-α) · B within 3e-5 of the
        exact minimum on average, and within 0.04 at the worst pixel.

    Returns
    -------
    Layers
        Clipped to [0, 1] after solving. A layer that is nowhere visible is one colour.

    Raises
    ------
    TypeError, ValueError
        If `image` or `alpha` is not as above, or `regularization` is not positive.
    MemoryError
        If this machine cannot hold the system, which takes about 200 bytes for each pixel.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 48, 64)
    >>> layers = alphamat.closed_form_foreground(scene.image, scene.alpha)
    >>> again = alphamat.composite(layers.foreground, scene.alpha, layers.background)
    >>> bool(abs(again - scene.image).mean() < 0.01)
    True
    """
    image = as_image(image)
    alpha = as_alpha(alpha, shape=image.shape[:2])
    expected = "a positive number from 1e-100 to 1e100, such as 1e-5"
    regularization = as_number(regularization, "regularization", expected, least=1e-100, most=1e100)
    if solver is not None:
        refuse_unless_solver(solver)
    memory.refuse_beyond(200 * alpha.size, "The system of two layers", "Make the image smaller.")
    layers = estimate_foreground(image, alpha, regularization=regularization)
    over_range(_kernels.hold, len(alpha), image.size, alpha, image, *layers)
    both_seen = alpha.max() > 0 and alpha.min() < 1  # else one is the image, the other nowhere
    if both_seen and alpha.size > 1:
        A = TwoLayers.of(alpha, regularization)
        solver = solver or _cg_with_one_multigrid(A)
        solutions = [_correct(A, solver, image, channel, layers) for channel in range(3)]
        warn_unless_converged(min(solutions, key=lambda solution: solution.converged))
    return layers


def _cg_with_one_multigrid(A: TwoLayers) -> Solver:
    M, goal = multigrid(A), 1e-5 * _norm(A.diagonal())

    def solver(A: TwoLayers, b: np.ndarray) -> Solution:
        return cg(A, b, preconditioner=lambda A: M, rtol=goal / (_norm(b) or 1), xtol=1)

    return solver


def _norm(x: np.ndarray) -> float:
    return float(np.sqrt((x * x).sum()))


def _correct(
    A: TwoLayers, solver: Solver, image: np.ndarray, channel: int, layers: Layers
) -> Solution:
    """Add to one channel of the layers, in place, what they lack of the minimum."""
    b = A.loop(_kernels.residual, image, channel, *layers)
    solution = solver(A, b)
    where = A.alpha, A.starts, A.columns
    over_range(_kernels.add, len(A.alpha), b.size, *where, solution.x, channel, *layers)
    return solution


@dataclass(frozen=True, eq=False)
class TwoLayers:
    """The matrix of the cost in one channel, symmetric and positive semidefinite.

    Its unknowns are the hidden colour of every pixel, and then the seen colour of every mixed one,
    where 0 < α < 1; both in reading order. Mixed pixels of row y lie at
    columns[starts[y] : starts[y + 1]].
    """

    alpha: np.ndarray
    regularization: float
    starts: np.ndarray
    columns: np.ndarray
    weak_parts: None = None
    """Colours that nothing but the regularisation holds are smooth, and need no more."""

    @classmethod
    def of(cls, alpha: np.ndarray, regularization: float) -> TwoLayers:
        rows, columns = np.nonzero((alpha > 0) & (alpha < 1))
        return cls(alpha, regularization, np.searchsorted(rows, np.arange(len(alpha) + 1)), columns)

    @property
    def shape(self) -> tuple[int, int]:
        unknowns = self.alpha.size + self.columns.size
        return (unknowns, unknowns)

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        return self.loop(_kernels.apply, np.ascontiguousarray(x, np.float64))

    def diagonal(self) -> np.ndarray:
        return self.loop(_kernels.diagonal)

    def loop(self, kernel: Callable, *arguments: Any) -> np.ndarray:
        """Return the vector that a kernel fills, row by row of the image."""
        out = np.empty(self.shape[0])
        where = self.regularization, self.alpha, self.starts, self.columns
        over_range(kernel, len(self.alpha), 5 * out.size, *where, *arguments, out)
        return out

    def tocsr(self) -> Any:
        """Return the matrix as a SciPy sparse array."""
        from scipy.sparse import block_array, block_diag, diags_array

        a, b = self.alpha.ravel(), 1 - self.alpha.ravel()
        length = np.hypot(a, b)
        sine, cosine = diags_array(a / length), diags_array(b / length)
        turn = block_array([[cosine, sine], [-sine, cosine]])
        S = _smoothness(self.alpha, self.regularization)
        seen = np.concatenate([np.zeros_like(length), length**2])
        A = (turn.T @ block_diag([S, S]) @ turn + diags_array(seen)).tocsr()
        unknown = np.concatenate([np.ones(a.size, bool), (a > 0) & (a < 1)])
        return A[unknown][:, unknown]


def _smoothness(alpha: np.ndarray, regularization: float):
    """Return the Laplacian of the grid whose edges weigh |α_i - α_j| + ε, as a CSR array."""
    from scipy.sparse import coo_array, diags_array

    index = np.arange(alpha.size).reshape(alpha.shape)
    pairs = [(index[:, :-1], index[:, 1:]), (index[:-1], index[1:])]
    i, j = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in range(2))
    weights = np.abs(alpha.flat[i] - alpha.flat[j]) + regularization
    W = coo_array((weights, (i, j)), shape=(alpha.size, alpha.size)).tocsr()
    W = W + W.T
    return (diags_array(W.sum(axis=1)) - W).tocsr()


def multigrid(A: TwoLayers, *, step: float = 0.8) -> Callable[[np.ndarray], np.ndarray]:
    """Return a preconditioner r -> z for the two layers; each call overwrites the last one's z.

    One Jacobi step takes care of the seen colours, and smooths the hidden ones; black-box
    multigrid corrects the hidden ones; another step follows. In float32.

    Parameters
    ----------
    A : TwoLayers
        What `closed_form_foreground` passes to its solver.
    step : float
        Length of the Jacobi steps as a share of r / diag(A), below 1.
    """
    step = as_number(step, "step", "a share, such as 0.8", least=math.ulp(0.0), most=1)
    height, width = A.alpha.shape
    planes = padded(5, height, width, dtype=np.float64)  # diagonal couplings are zero
    over_range(_kernels.hidden_planes, height, planes.size, A.regularization, A.alpha, planes)
    correct = coarse_correction(planes)
    q, e = padded(2, height, width)
    z = np.empty(A.shape[0])
    # float32 can divide by sums of such weights
    epsilon = np.float32(np.clip(A.regularization, 1e-30, 1e30))
    where = epsilon, np.float32(step), A.alpha, A.starts, A.columns

    def cycle(r: np.ndarray) -> np.ndarray:
        over_range(_kernels.smooth_before, height, 5 * z.size, *where, r, q)
        e[:] = 0
        correct(q, e)
        over_range(_kernels.smooth_after, height, 6 * z.size, *where, r, e, z)
        return z

    return cycle
