"""Alpha that follows a brush.

Alpha solves L α = 0 at the unknown pixels. A stroke makes some of them known, or others unknown, so
that the equations no longer hold around it. First they are solved again in a window around the
stroke, with alpha held outside, and the window grows as long as alpha changes at its sides
(multiplicative Schwarz). Then the residual of all equations is taken, and what it says of the error
decides whether iterations on all of them follow. These take the multigrid cycle of an earlier
trimap: restricted to the pixels that are still unknown, it stays symmetric and positive definite,
and its smallest eigenvalue with the matrix does not fall. A new one is made where it helps no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np

from alphamat.door.image import Pixels, as_image
from alphamat.door.parameters import as_number, shown
from alphamat.interactive.area import MARGIN, SEEN, Area, sides_to_grow
from alphamat.interactive.strokes import as_stroke
from alphamat.laplacians.windows import parse_parameters
from alphamat.method import LAPLACIANS, SYSTEMS
from alphamat.methods.closed_form import closed_form
from alphamat.system import System
from alphamat.trimap import Trimap
from alphamat.trimap.parse import trimap_levels
from solvers import StencilMatrix, cg, correct, multigrid

LEVELS = {"background": 0, "unknown": 128, "foreground": 255}
ALLOWED = 3e-4  # estimated error of alpha
WINDOW: dict[str, Any] = {"rtol": 1e-4, "xtol": 1e-3, "maxiter": 60}  # of the first window
WIDER = WINDOW | {"rtol": 1e-2, "xtol": 1e-2}  # of those after it, which correct what it gave
SHARE = 0.2  # of the unknown pixels: a window with more of them is not solved
PATIENCE = 12  # iterations with the cycle of another trimap, before one of this trimap is made
MOST_STEPS = 1000  # that can be undone


class _Step(NamedTuple):
    area: Area
    levels: np.ndarray
    """The trimap in this area, before a stroke or after it."""


class Session:
    """A picture on which a person paints, with the alpha that follows.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]; H and W at least 2 `radius` + 1. See `as_image`.
    trimap : (H, W) array_like, or PIL image, optional
        0 is known background, full scale known foreground, all between unknown. Either may be
        missing. By default all is unknown.
    method : callable
        `alphamat.closed_form` or `alphamat.learning_based`.
    epsilon, radius
        As in the method.

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
        If double precision does not determine the alpha of some areas.

    Notes
    -----
    As long as there is no foreground, or no background, alpha is ½ at all unknown pixels.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> image, _ = examples.astronaut()
    >>> session = alphamat.interactive.Session(image)
    >>> area = session.paint([(250, 60), (220, 180)], "foreground")
    >>> area = session.paint([(20, 20), (20, 240)], "background", width=12)
    >>> float(session.alpha[20, 20]), float(session.alpha[60, 250])
    (0.0, 1.0)
    >>> area = session.undo()
    >>> float(session.alpha[20, 20])
    0.5
    """

    error: float
    """Estimate of the largest error of alpha; infinite before `settle`."""

    def __init__(
        self,
        image: Pixels,
        trimap: Pixels | None = None,
        *,
        method: Callable[..., np.ndarray] = closed_form,
        epsilon: float = 1e-7,
        radius: int = 1,
    ):
        if not (callable(method) and method in LAPLACIANS):
            name = getattr(method, "__name__", shown(method))
            raise ValueError(f"`method` is {name}; expected closed_form or learning_based.")
        self._image = as_image(image)
        shape = self._image.shape[:2]
        epsilon, radius = parse_parameters(shape, epsilon, radius)
        self._options: dict[str, Any] = {"epsilon": epsilon, "radius": radius}
        self._method = method
        self._trimap = np.full(shape, LEVELS["unknown"], np.uint8)
        if trimap is not None:
            self._trimap = Trimap.of(trimap_levels(trimap, shape)).levels
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._system: System | None = None
        self._whole: _Whole | None = None
        self._smallest = 1.0
        self._alpha = np.zeros(shape)
        self._start()

    @property
    def trimap(self) -> np.ndarray:
        """(H, W) uint8: 0, 128 and 255; a copy."""
        return self._trimap.copy()

    @property
    def alpha(self) -> np.ndarray:
        """(H, W) float64 in [0, 1]; a copy."""
        return np.clip(self._alpha, 0, 1)

    def paint(
        self, stroke: Any, label: str, *, width: float = 20, seconds: float | None = None
    ) -> Area | None:
        """Put a stroke into the trimap, and let alpha follow.

        Parameters
        ----------
        stroke : (H, W) bool array_like, or (N, 2) array_like
            The pixels; or the points of a line, each with x, to the right, and y, downwards, of
            pixels' centres. What lies outside the picture is left out.
        label : str
            "foreground", "background", or "unknown", which erases.
        width : float
            Of a line, in pixels.
        seconds : float, optional
            The windows around the stroke grow as long as this time is enough, and `settle` has to
            do what is left. By default it is done at once. The first alpha is always waited for.

        Returns
        -------
        Area or None
            The least rectangle around all that changed visibly; None if nothing did.

        Raises
        ------
        TypeError, ValueError
            If an argument is refused; the message says why.
        """
        if label not in LEVELS:
            expected = ", ".join(map(repr, LEVELS))
            raise ValueError(f"`label` is {shown(label)}; expected one of {expected}.")
        seconds = _as_seconds(seconds)
        mask, area = as_stroke(stroke, width, self._trimap.shape)
        levels = np.where(mask, LEVELS[label], self._trimap[area.slices]).astype(np.uint8)
        changed = area.around(levels != self._trimap[area.slices])
        if changed is None:
            return None
        self._undone.clear()
        self._done.append(_Step(changed, self._trimap[changed.slices].copy()))
        del self._done[:-MOST_STEPS]
        return self._put(_Step(changed, levels[changed.within(area)]), seconds)

    def undo(self, *, seconds: float | None = None) -> Area | None:
        """Take the last stroke back, and let alpha follow; None if there is none. See `paint`."""
        return self._again(self._done, self._undone, _as_seconds(seconds))

    def redo(self, *, seconds: float | None = None) -> Area | None:
        """Paint what was undone last; None if there is nothing. See `paint`."""
        return self._again(self._undone, self._done, _as_seconds(seconds))

    def settle(self) -> Area | None:
        """Finish what strokes with few `seconds` have left; return where alpha changed visibly."""
        before = self._alpha.copy()
        if self.error == inf:
            self._settle()
        return self._changed(before)

    def _again(self, steps: list[_Step], others: list[_Step], seconds: float) -> Area | None:
        if not steps:
            return None
        step = steps.pop()
        others.append(_Step(step.area, self._trimap[step.area.slices].copy()))
        return self._put(step, seconds)

    def _put(self, step: _Step, seconds: float) -> Area:
        started, was_determined = time.perf_counter(), self._is_determined()
        self._trimap[step.area.slices] = step.levels
        if not (was_determined and self._is_determined()):
            before = self._alpha
            self._start()
            return step.area.joined(self._changed(before))
        known = step.levels != LEVELS["unknown"]
        self._alpha[step.area.slices][known] = step.levels[known] / 255
        self.error = inf
        seen = step.area.joined(self._solve_around(step.area, started + seconds))
        return seen.joined(self.settle()) if seconds == inf else seen

    def _changed(self, before: np.ndarray) -> Area | None:
        height, width = before.shape
        return Area(0, 0, width, height).around(np.abs(self._alpha - before) > SEEN / 2)

    def _is_determined(self) -> bool:
        return all((self._trimap == LEVELS[part]).any() for part in ("foreground", "background"))

    def _start(self) -> None:
        unknown = self._trimap == LEVELS["unknown"]
        determined = self._is_determined()
        self._alpha = np.where(unknown, 0 if determined else 0.5, self._trimap / 255.0)
        self.error = inf if determined else 0.0
        if determined:
            self._settle()

    def _solve_around(self, area: Area, until: float) -> Area | None:
        """Solve in windows around an area, as long as they are small and end before a time.

        Returns where alpha changed by so much that a few such changes are visible.
        """
        seen = None
        most = SHARE * np.count_nonzero(self._trimap == LEVELS["unknown"])
        window, options = area.grown((MARGIN,) * 4, self._trimap.shape), WINDOW
        while np.count_nonzero(self._trimap[window.slices] == LEVELS["unknown"]) <= most:
            begun = time.perf_counter()
            difference = self._solve_in(window, options)
            changed = window.around(difference > SEEN / 4)
            seen = changed.joined(seen) if changed else seen
            wider = window.grown(sides_to_grow(difference), self._trimap.shape)
            now = time.perf_counter()
            if wider == window or now + (now - begun) * wider.size / window.size > until:
                return seen
            window, options = wider, WIDER
        return seen

    def _solve_in(self, window: Area, options: dict[str, Any]) -> np.ndarray:
        """Solve in a window, alpha held outside; return by how much alpha has changed."""
        crop = window.grown((2 * self._options["radius"],) * 4, self._trimap.shape)
        trimap, alpha = self._trimap[crop.slices], self._alpha[crop.slices]
        place = np.zeros(trimap.shape, bool)
        inside = window.within(crop)
        place[inside] = trimap[inside] == LEVELS["unknown"]
        before = alpha[inside].copy()
        if place.any():
            image = np.ascontiguousarray(self._image[crop.slices])
            L = LAPLACIANS[self._method](image, place, **self._options)
            alpha[place] += cg(L, -L.couple(alpha), preconditioner=multigrid, **options).x
        return np.abs(alpha[inside] - before)

    def _settle(self) -> None:
        """Solve for all unknown pixels, from the alpha there is, until the error is small."""
        unknown = self._trimap == LEVELS["unknown"]
        if self._whole is None or (unknown & ~self._whole.place).any():
            self._set_up()
        while not self._iterate(unknown):
            self._set_up()

    def _set_up(self) -> None:
        """Make the system and the cycle of the trimap."""
        if self._system is None:
            self._system = SYSTEMS[self._method](self._image, self._trimap, **self._options)
        else:
            self._system = self._system.again(self._trimap)
        self._whole = _Whole.of(self._system)

    def _iterate(self, unknown: np.ndarray) -> bool:
        """Improve alpha; return False where only the cycle of this trimap can do more."""
        assert self._whole is not None
        whole, cycle = self._whole, self._whole.cycle
        if cycle is None:
            self._solve_plainly()
            return True
        free = unknown[whole.place]
        own = bool(free.all())
        found = correct(
            _Free(whole.rows, free),
            -whole.rows.couple(self._alpha) * free,
            lambda r: cycle(r) * free,
            atol=ALLOWED,
            smallest=self._smallest,
            maxiter=2000 if own else PATIENCE,
        )
        self._smallest, self.error = found.smallest, found.error
        self._alpha[whole.place] += found.x
        if own and found.error > ALLOWED:
            self._solve_plainly()
        return own or found.error <= ALLOWED

    def _solve_plainly(self) -> None:
        """Solve as the method does, which warns where alpha is not determined."""
        assert self._system is not None
        system = self._system.again(self._trimap)
        self._alpha, solution = system.solve(start=self.alpha)
        self.error = solution.error


def _as_seconds(seconds: float | None) -> float:
    if seconds is None:
        return inf
    return as_number(seconds, "seconds", "a number ≥ 0, or None for no limit", least=0)


@dataclass(frozen=True, eq=False)
class _Whole:
    """The equations of all pixels that a trimap left unknown."""

    place: np.ndarray
    rows: Any
    cycle: Callable[[np.ndarray], np.ndarray] | None
    """None where parts of the picture need more care than a cycle gives them."""

    @classmethod
    def of(cls, system: System) -> _Whole:
        rows: Any = system.laplacian
        parts = rows.weak_parts
        if parts is None:
            return cls(system.place, rows, multigrid(rows))
        if parts.others or parts.loose.any():
            return cls(system.place, rows, None)
        return cls(system.place, rows, parts.added_to(multigrid(rows)))


@dataclass(frozen=True, eq=False)
class _Free:
    """Rows and columns of some of the unknowns of a matrix; the others are zero."""

    rows: StencilMatrix
    free: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.shape

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        return (self.rows @ x) * self.free

    def diagonal(self) -> np.ndarray:
        return np.where(self.free, self.rows.diagonal(), 1)
