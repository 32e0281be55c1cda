"""Who runs against whom: methods of ours, and the one of PyMatting that does the same work."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

import alphamat
from benchmarks.cases import Picture

PEER = "PyMatting"


class Contest(NamedTuple):
    """Methods of ours by the name of their row, and a function of PyMatting."""

    ours: dict[str, Callable]
    peer: str
    peer_options: tuple[tuple[str, object], ...] = ()
    wants: str = "trimap"
    """What the methods take beside the image: trimap, or alpha."""
    patience: float = 1.0
    """How large a picture may be for PyMatting to take part unasked, in megapixels of unknowns."""

    def entries(self) -> dict[str, Callable]:
        """Return all methods by name, PyMatting's among them where it is installed."""
        if find_spec("pymatting") is None:
            return self.ours
        peer = getattr(import_module("pymatting"), self.peer)
        return {**self.ours, PEER: partial(peer, **dict(self.peer_options))}

    def peer_runs(self, picture: Picture, full: bool) -> bool:
        """Say whether PyMatting is to run: always with `full`, else where that takes no hour."""
        affordable = picture.unknown.sum() <= self.patience * 1e6
        return find_spec("pymatting") is not None and (full or affordable)

    def inputs(self, picture: Picture) -> tuple[np.ndarray, np.ndarray]:
        if self.wants == "trimap":
            return tuple(picture)
        return picture.image, alphamat.closed_form(*picture)


def default_solver(method: Callable) -> Callable | None:
    """Return the solver that a method takes when it is not told which."""
    solver = inspect.signature(method).parameters.get("solver")
    return None if solver is None else solver.default


def at_tolerance(method: Callable, rtol: float) -> Callable:
    """Return a method whose solver, its own otherwise, stops at another tolerance."""
    return partial(method, solver=partial(default_solver(method), rtol=rtol))


def tiny() -> Picture:
    """Return a picture to compile with. Its trimap serves as an alpha as well."""
    image = np.random.default_rng(0).random((48, 48, 3))
    trimap = np.full((48, 48), 0.5)
    trimap[:, :8], trimap[:, -8:] = 0, 1
    return Picture(image, trimap)


CONTESTS = {
    "closed-form": Contest(
        {
            "closed-form": alphamat.closed_form,
            "closed-form at 1e-6": at_tolerance(alphamat.closed_form, 1e-6),
        },
        "estimate_alpha_cf",
    ),
}
