"""Names of methods and of metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alphamat.evaluation.measure import Row
from alphamat.evaluation.results import Means
from alphamat.metrics import METRICS


def named(methods: Mapping[str, Callable] | Iterable[Callable]) -> dict[str, Callable]:
    """Return methods by name: the names of a mapping, or the functions' own."""
    if callable(methods) or isinstance(methods, str):
        raise TypeError(f"`methods` is {methods!r}; expected several: a list or a dict of them.")
    pairs = methods.items() if isinstance(methods, Mapping) else _by_their_own(methods)
    result: dict[Any, Callable] = dict(pairs)
    if not result:
        raise ValueError("`methods` is empty; expected at least one method.")
    for name, method in result.items():
        if not callable(method) or not isinstance(name, str) or not name:
            raise TypeError(
                f"`methods` has {name!r}: {method!r}; expected a name and a function "
                "(image, trimap) -> alpha."
            )
    return result


def _by_their_own(methods: Iterable[Callable]) -> list[tuple[str, Callable]]:
    methods = list(methods)
    names: list[Any] = [getattr(method, "__name__", None) for method in methods]
    counts = Counter(names)
    for name, method in zip(names, methods, strict=True):
        if name is None or name == "<lambda>" or counts[name] > 1:
            raise ValueError(
                f"`methods` has {method!r}, which has no name of its own; pass a dict of names and "
                "methods, such as {'fast, radius 10': functools.partial(alphamat.fast, radius=10)}."
            )
    return list(zip(names, methods, strict=True))


def named_metrics(metrics: Mapping[str, Callable] | Iterable[Callable]) -> dict[str, Callable]:
    """Return the caller's own metrics by name."""
    if callable(metrics) or isinstance(metrics, str):
        raise TypeError(f"`metrics` is {metrics!r}; expected a list or a dict of functions.")
    if isinstance(metrics, Mapping):
        found: dict[Any, Callable] = dict(metrics)
    else:
        functions = list(metrics)
        names: list[Any] = [getattr(metric, "__name__", "<lambda>") for metric in functions]
        if "<lambda>" in names or len(set(names)) < len(names):
            raise ValueError(
                "`metrics` has functions without a name of their own; pass a dict of names and "
                "functions, such as {'worst': lambda alpha, truth, trimap: …}."
            )
        found = dict(zip(names, functions, strict=True))
    for name, metric in found.items():
        if not callable(metric) or not isinstance(name, str) or not name:
            raise TypeError(
                f"`metrics` has {name!r}: {metric!r}; expected a name and a function "
                "(alpha, truth, trimap) -> float."
            )
        if name.lower() in TAKEN:
            raise ValueError(f"`metrics` has {name!r}, which is the name of another column.")
    return found


TAKEN = {*METRICS, *Row._fields, *Means._fields, "mb", "not converged", "sample"}
"""Names of columns, in small letters."""
