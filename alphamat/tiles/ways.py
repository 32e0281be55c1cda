"""How each method is run on pictures beyond memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from alphamat.door.parameters import shown
from alphamat.method import LAPLACIANS, name_of, unbound
from alphamat.tiles.networks import Network, network_of
from solvers import Solver, StencilMatrix, cg, multigrid

SOLVER: Solver = partial(cg, preconditioner=multigrid)
"""Factors would take more memory, and as much as the shape of a piece wants."""


class Way(NamedTuple):
    """How pictures beyond memory are matted by a method."""

    told: list
    """Its name and options, as JSON has them."""
    rows: Callable[..., StencilMatrix] | None
    """Of the system that is solved; None where a network says alpha."""
    network: Network | None = None
    epsilon: float = 1e-7
    radius: int = 1
    solver: Solver = SOLVER


def way_of(method: Callable) -> Way:
    """Return how a method is run in pieces; raise unless it can be."""
    function, bound = unbound(method)
    network = network_of(method)
    told = [name_of(method), getattr(function, "weights", None), words(bound)]
    if network is not None:
        return Way(told, None, network)
    if function not in LAPLACIANS:
        raise ValueError(
            f"`method` is {name_of(method)}; pictures beyond memory are matted by closed_form and "
            "learning_based, which look at small windows only, and by networks that take a trimap."
        )
    if bound.pop("confidence", None) is not None:
        raise ValueError("`confidence` is given; pieces of a picture hold known pixels exactly.")
    if other := set(bound) - {"epsilon", "radius", "solver"}:
        raise TypeError(f"`method` has {shown(other.pop())} bound, which it does not take.")
    return Way(told, LAPLACIANS[function], **bound)


def words(value: Any) -> Any:
    """Return what says the same in each process."""
    if isinstance(value, dict):
        return {name: words(each) for name, each in value.items()}
    if isinstance(value, partial):
        return [words(value.func), words(value.keywords)]
    return getattr(value, "__qualname__", None) or repr(value)
