"""A Laplacian and what is given of alpha: a linear system, before and after it is solved."""

from __future__ import annotations

import inspect
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from alphamat import progress
from alphamat.door.image import Pixels, as_alpha
from alphamat.door.parameters import as_number, parameters, refuse_unless_solver
from alphamat.trimap import Trimap, as_trimap
from solvers import Operator, Solution, Solver, StencilMatrix
from solvers.parts import parts_of

HOLD = 1e-8  # of alpha to ½ where nothing holds it, as a share of the matrix's diagonal


class ConvergenceWarning(UserWarning):
    """Alpha may be wrong: a solver stopped early, or double precision does not determine alpha."""


class Laplacian(Operator, Protocol):
    """Rows of a matrix over pixels: `solvers.StencilMatrix`, `solvers.Pinned`, or their like."""

    def couple(self, field: np.ndarray) -> np.ndarray:
        """Apply the rows, with their entries at all other pixels, to an (H, W) field."""
        ...

    def shifted(self, shift: np.ndarray) -> Operator:
        """Return the square part of the rows plus diag(shift)."""
        ...


Assemble = Callable[[Trimap, np.ndarray], Laplacian]
"""From a trimap and an (H, W) bool mask to the rows of the pixels that the mask marks."""


class Spread(NamedTuple):
    """How far alpha may lie from the truth: by σ (A⁻¹)_ii, see `alphamat.uncertainty`."""

    sigma: float
    """σ, fitted to photographs with true alphas."""
    noise: Callable[[np.ndarray], Callable[[np.random.Generator], np.ndarray]] | None = None
    """From an (H, W) mask to what draws flat vectors over it whose covariance is the Laplacian.

    None if that is the Laplacian of a graph, whose entries tell.
    """


class Solved(NamedTuple):
    """Alpha, and how the solver came to it."""

    alpha: np.ndarray
    """(H, W) float64 in [0, 1]."""
    solution: Solution
    """Its x is what alpha adds to `System.given`, not clipped to [0, 1]."""


@dataclass(frozen=True, eq=False)
class System:
    """The least αᵀ L α + Σ w (α - given)², as a linear system A x = b.

    Alpha is held exactly where `place` is False. Where it is True, x is what alpha adds to `given`:
    A = L + diag(w) and b = -L given. So the size of b is that of the step, and the residual says
    how much of it is left.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> system = alphamat.closed_form_system(image, trimap)
    >>> alpha, solution = system.solve()
    >>> solution.converged
    True
    >>> trimap = trimap.copy()
    >>> trimap[:40] = 0  # a stroke of background
    >>> alpha = system.again(trimap).solve(start=alpha).alpha
    """

    laplacian: Laplacian = field(repr=False)
    """L, the rows of the pixels that `place` marks."""
    given: np.ndarray = field(repr=False)
    """(H, W) float64: alpha where it is known, elsewhere an estimate, or 0."""
    place: np.ndarray = field(repr=False)
    """(H, W) bool: where the n unknowns sit in the picture, in reading order."""
    weights: np.ndarray | None = field(repr=False)
    """(n,) w, how strongly alpha is held to `given`; None holds it nowhere."""
    solver: Solver
    """What `solve` calls unless it is told otherwise."""
    remake: Callable[[Trimap], System] = field(repr=False)
    """Makes the system of another trimap."""
    spread: Spread | None = field(default=None, repr=False)
    """How sure alpha is; None where that is not known. See `alphamat.uncertainty`."""

    @property
    def matrix(self) -> Operator:
        """A, (n, n)."""
        return self.laplacian if self.weights is None else self.laplacian.shifted(self.weights)

    @property
    def right_hand_side(self) -> np.ndarray:
        """b, (n,)."""
        return -self.laplacian.couple(self.given)

    def solve(self, solver: Solver | None = None, *, start: Pixels | None = None) -> Solved:
        """Solve for alpha.

        Parameters
        ----------
        solver : callable, optional
            `solver(A, b) -> solvers.Solution`; by default the system's own.
        start : (H, W) array_like, optional
            An alpha in [0, 1] to start from, such as that of a similar trimap. The solver has to
            take `x0`, as `solvers.cg` does.

        Returns
        -------
        Solved

        Raises
        ------
        TypeError, ValueError
            If `solver` is not callable, or does not take `x0` although there is a `start`; or if
            `start` is no alpha of the picture's size.

        Warns
        -----
        ConvergenceWarning
            If the solver did not reach its tolerance, or double precision does not determine the
            alpha of some areas.
        """
        if start is not None:
            start = as_alpha(start, shape=self.given.shape, name="start")
        solution = self.solution(solver, start=start)
        alpha = self.given.copy()
        alpha[self.place] += solution.x
        return Solved(np.clip(alpha, 0, 1, out=alpha), solution)

    def solution(
        self, solver: Solver | None = None, *, start: np.ndarray | None = None
    ) -> Solution:
        """Return what alpha adds to `given`, as `solve` finds it, not clipped to [0, 1].

        `start` is (H, W) float64 in any range.
        """
        solver = self.solver if solver is None else solver
        refuse_unless_solver(solver)
        options = {}
        if start is not None:
            if "x0" not in parameters(solver):
                raise ValueError("`start` is given, and the solver takes no `x0` to start from.")
            options["x0"] = (start - self.given)[self.place]
        if not self.place.any():
            return Solution(np.empty(0), 0, 0.0, True)
        return told(solver, *self.held_where_loose(), **options)

    def held_where_loose(self) -> tuple[Operator, np.ndarray]:
        """Return A and b, with alpha held to ½ where only rounding would hold it; warn of that."""
        A, b = self.matrix, self.right_hand_side
        parts = parts_of(A)
        if parts is None or not parts.loose.any():
            return A, b
        where = np.zeros(self.place.shape, bool)
        where[self.place] = parts.loose
        _warn_of_loose(where)
        hold = HOLD * A.diagonal() * parts.loose
        weights = hold if self.weights is None else self.weights + hold
        return self.laplacian.shifted(weights), b + hold * (0.5 - self.given[self.place])

    def residual(self, alpha: Pixels) -> float:
        """Return ‖b - A x‖ / ‖b‖ of an alpha, an (H, W) array_like in [0, 1]."""
        alpha = as_alpha(alpha, shape=self.given.shape)
        b = self.right_hand_side
        r = b - self.matrix @ (alpha - self.given)[self.place]
        return float(np.linalg.norm(r) / (np.linalg.norm(b) or 1))

    def again(self, trimap: Pixels) -> System:
        """Return the system of another trimap on the same picture.

        What does not depend on the trimap is kept: the parsed picture; rows of the Laplacian, where
        the pixels to solve for are among those that had some; the neighbours that were found. The
        picture itself is not copied, and has to be what it was.

        Parameters
        ----------
        trimap : (H, W) array_like, or PIL image
            See `as_trimap`.
        """
        return self.remake(as_trimap(trimap, shape=self.given.shape))


def alpha_system(
    assemble: Assemble,
    trimap: Trimap,
    *,
    confidence: float | None,
    solver: Solver,
    spread: Spread | None = None,
) -> System:
    """Return the system for the unknown pixels, or with a confidence λ for all.

    Without λ known pixels are held exactly: L_uu α_u = -L_uk α_k. With λ a penalty holds them,
    (L + λ D) α = λ D α_k, where the diagonal D marks known pixels. Solved for α - α_k, it has no
    λ D α_k on its right-hand side, beside which the solver would take any residual for a small one.
    """
    refuse_unless_solver(solver)
    if confidence is None:
        place, weights = trimap.unknown, None
    else:
        # A smaller one would be lost in the sums, and multigrid could not hold a larger one.
        expected = "a positive number from 1e-12 to 1e30, such as 100, or None for certainty"
        confidence = as_number(confidence, "confidence", expected, least=1e-12, most=1e30)
        place = np.ones(trimap.foreground.shape, bool)
        weights = confidence * trimap.known.ravel()
    return System(
        laplacian=assemble(trimap, place),
        given=trimap.foreground.astype(np.float64),
        place=place,
        weights=weights,
        solver=solver,
        remake=partial(alpha_system, assemble, confidence=confidence, solver=solver, spread=spread),
        spread=spread,
    )


def rows_of_picture(make: Callable[[np.ndarray], Laplacian]) -> Assemble:
    """Return an `Assemble` for rows that depend on the picture alone: `make(mask)`.

    Rows that were made before are not made again.
    """
    marked, made = np.zeros(0, bool), None

    def assemble(trimap: Trimap, mask: np.ndarray) -> Laplacian:
        nonlocal marked, made
        if made is not None and np.array_equal(mask, marked):
            return made
        if isinstance(made, StencilMatrix) and not (mask & ~marked).any():
            return made.restricted(mask)
        marked, made = mask, make(mask)
        return made

    return assemble


def told(solver: Solver, A: Operator, b: np.ndarray, **options: Any) -> Solution:
    """Call a solver; tell how it gets on, and its solution; warn where it did not converge."""
    known = parameters(solver)
    if progress.is_heard() and {"callback", "rtol"} <= set(known):
        options["callback"] = partial(_tell_residual, known["rtol"].default)
    solution = solver(A, b, **options)
    progress.tell(solution)
    warn_unless_converged(solution)
    return solution


@contextmanager
def collecting(solutions: list[Solution]) -> Iterator[None]:
    """Append to a list the solution of each system that is solved inside."""

    def hear(event: object) -> None:
        if isinstance(event, Solution):
            solutions.append(event)

    with progress.listening(hear):
        yield


def _tell_residual(tolerance: float, iteration: int, residual: float) -> None:
    # Residuals fall about geometrically, so their logarithm goes steadily to its goal.
    done = math.log(min(max(residual, 1e-300), 1)) / math.log(tolerance)
    text = f"solving: iteration {iteration}, residual {residual:.0e}"
    progress.tell(progress.Step(text, min(done, 1.0)))


def warn_unless_converged(solution: Solution) -> None:
    """Warn at the caller's line if a solver did not reach its tolerance."""
    if solution.converged:
        return
    known = math.isfinite(solution.error)
    error = f" and an estimated error of {solution.error:.1e}" if known else ""
    warnings.warn(
        f"The solver stopped after {solution.iterations} iterations with a residual of "
        f"{solution.residual:.1e}{error}, short of its tolerance; the result is its best. Give it "
        "more iterations or a looser tolerance, `solver=functools.partial(solvers.cg, "
        "preconditioner=…, maxiter=…, rtol=…)`. More known pixels and a stronger regularisation "
        "make the system easier.",
        ConvergenceWarning,
        stacklevel=_levels_to_user(),
    )


def _warn_of_loose(where: np.ndarray) -> None:
    y, x = np.argwhere(where)[0]
    warnings.warn(
        f"{np.count_nonzero(where)} pixels, the first in row {y} and column {x}, lie in areas of "
        "few colours, which only the regularisation ties to known pixels, more weakly than double "
        "precision can tell. They got the alpha ½ where the pixels beside them do not decide. Mark "
        "some pixels of each area in `trimap`, or raise `epsilon`, such as to 1e-4.",
        ConvergenceWarning,
        stacklevel=_levels_to_user(),
    )


def _levels_to_user() -> int:
    """Return the stack level of the first frame outside this package."""
    package = os.path.dirname(__file__) + os.sep
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    return level
