"""Samples of the Gaussian whose likeliest alpha a method finds.

A method that solves A x = b finds the likeliest alpha of a Gaussian of covariance A⁻¹. If
y is noise of covariance A, then A⁻¹ y is noise of covariance A⁻¹. And A is a sum over windows, or
edges of a graph, for each of which such noise is easily drawn. Papandreou & Yuille, "Gaussian
Sampling by Local Perturbations", NIPS 2010.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from alphamat.door.image import Pixels
from alphamat.door.parameters import parameters
from alphamat.methods.closed_form import closed_form_system
from alphamat.system import Spread, System
from solvers import Operator, Solver
from solvers.inverse import graph_noise

LOOSE = {"rtol": 3e-3, "xtol": 1}  # a sample's error is then far below its size
MOST = 0.5  # a number in [0, 1] has no larger standard deviation


def as_system(image: Pixels | System, trimap: Pixels | None) -> tuple[System, Spread]:
    """Return the system of a picture, or the one that is given, and how sure it is, or refuse."""
    if not isinstance(image, System):
        if trimap is None:
            raise ValueError("`trimap` is missing; only a System has one already.")
        system = closed_form_system(image, trimap)
    else:
        system = image if trimap is None else image.again(trimap)
    if system.spread is None:
        raise ValueError(
            "`image` is a System whose method does not tell how sure it is; expected one of "
            "closed_form_system, learning_based_system, learned_system, shared_sampling_system or "
            "random_walk_system."
        )
    return system, system.spread


class Sampler(NamedTuple):
    """What draws flat vectors of covariance A⁻¹, and solves with A."""

    solve: Callable[[np.ndarray], np.ndarray]
    """From b to about A⁻¹ b."""
    noise: Callable[[np.random.Generator], np.ndarray]
    """Draws flat vectors of covariance A."""

    @classmethod
    def of(cls, system: System, spread: Spread) -> Sampler:
        A = system.held_where_loose()[0]
        solver = _prepared(system.solver, A)
        return cls(lambda b: solver(A, b).x, _noise(system, spread, A))

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return self.solve(self.noise(rng))


def _noise(
    system: System, spread: Spread, A: Operator
) -> Callable[[np.random.Generator], np.ndarray]:
    """Return what draws flat vectors of covariance A."""
    if spread.noise is None:
        return graph_noise(A)
    draw = spread.noise(system.place)
    alone = np.sqrt(np.maximum(A.diagonal() - system.laplacian.diagonal(), 0))
    return lambda rng: draw(rng) + alone * rng.standard_normal(alone.size)


def _prepared(solver: Solver, A: Operator) -> Solver:
    """Return a loose solver for many right-hand sides; it prepares its preconditioner once."""
    known = parameters(solver)
    options = {key: value for key, value in LOOSE.items() if key in known}
    if "preconditioner" in known:
        apply = known["preconditioner"].default(A)
        options["preconditioner"] = lambda _: apply
    return partial(solver, **options)


def calibrated(variance: np.ndarray, sigma: float) -> np.ndarray:
    """Return the deviation of alpha where A⁻¹ has this diagonal.

    Errors on photographs grow with the diagonal itself, not with its root, as far as [0, 1] has
    room for them.
    """
    deviation = sigma * variance
    return deviation / np.hypot(1, deviation / MOST)
