"""Which dictionary of a checkpoint holds the network."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from alphamat_deep.checkpoints.tensors import Budget, Refusal, Tensor, texted

# What training programs call the network's state, beside the optimiser's and the epoch.
ENTRIES = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "params",
    "weights",
    "ema",
    "model_ema",
    "params_ema",
    "state_dict_ema",
)

DEPTH = 3  # of dictionaries in dictionaries: a file can nest one in itself


def choose(outermost: object, entry: str | None, budget: Budget) -> dict[str, Tensor]:
    """Return the tensors of the one dictionary that is meant, or list those there are."""
    start, path = outermost, ""
    for key in [] if entry is None else entry.split("/"):
        pairs = texted(start, budget)
        start = next((value for name, value in pairs if name == key), None)
        path += f"{key}/"
        if start is None:
            raise Refusal(f"has no entry {path[:-1]!r}; there is {_listed(n for n, _ in pairs)}.")
    found = _networks(start, path, DEPTH, budget)
    if len(found) == 1:
        return _named(found[0][1], budget)
    names = [name for name, _ in found] or [path + name for name in _holders(start, budget)]
    if not names:
        raise Refusal("holds no tensors by name; expected a state dict.")
    raise Refusal(
        f"leaves open which of its dictionaries is the network's. Choose with `entry`: "
        f"{_listed(names)}."
    )


def _networks(holder: object, path: str, depth: int, budget: Budget) -> list[tuple[str, object]]:
    """Return the dictionaries of tensors that `ENTRIES` leads to, with their paths."""
    pairs = texted(holder, budget)
    inner = [
        network
        for name, value in pairs
        if name in ENTRIES and depth
        for network in _networks(value, f"{path}{name}/", depth - 1, budget)
    ]
    if inner or _holders(holder, budget):
        return inner
    return [(path[:-1], holder)] if any(isinstance(value, Tensor) for _, value in pairs) else []


def _holders(holder: object, budget: Budget) -> list[str]:
    """Return the names of the dictionaries of tensors in a dictionary."""
    return [
        name
        for name, value in texted(holder, budget)
        if any(isinstance(inner, Tensor) for _, inner in texted(value, budget))
    ]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name[:100]) for name in islice(names, 20)) or "none"


def _named(dictionary: object, budget: Budget) -> dict[str, Tensor]:
    tensors = {}
    for name, value in texted(dictionary, budget):
        if isinstance(value, Tensor):
            if name in tensors:
                raise Refusal(f"is damaged: it has two tensors called {name[:100]!r}.")
            tensors[name] = value
    return tensors
