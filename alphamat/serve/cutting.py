"""A cut-out by a method that a person chose, and what live strokes need of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.installed import installed_methods, installed_models
from alphamat.method import Matte, Method, Need, name_of, run, takes
from alphamat.methods.learned import WINDOW, confidence, learned, learned_system
from alphamat.onnx import load
from alphamat.photograph import Cutout, cutout_photo
from alphamat.segmentation import at, largest
from alphamat.serve.methods import ONNX

TRUST = 0.02  # how strongly strokes are held to the method's alpha; as in `learned`
MOST_DOUBT = 0.5
MOST_DOUBT_ONCE_DRAWN = 0.999  # nearly any answer is better than none


def cut_out(
    image: np.ndarray, options: dict[str, Any], plate: np.ndarray | None, **given: Any
) -> tuple[Cutout, np.ndarray]:
    """Cut out, and return (H, W) weights, with which live strokes hold to the method's alpha.

    `given` goes to `cutout_photo`.
    """
    method, keep = method_of(options), keeping(options.get("keep"))
    if takes(method).trimap is Need.NO:
        if given:
            name = name_of(method)
            warnings.warn(f"{name} takes no trimap, so learned was used here.", stacklevel=2)
            method = learned
        else:
            found = run(method, image, None, plate)
            given["segment"], method = lambda image: found.alpha, _held(found)
    drawn = "box" in given or "scribbles" in given
    weights: list[np.ndarray] = []
    matte = _noting(method, plate, weights)
    doubt = MOST_DOUBT_ONCE_DRAWN if drawn else MOST_DOUBT
    return cutout_photo(image, matte=matte, keep=keep, doubt=doubt, **given), weights[0]


def method_of(options: dict[str, Any]) -> Method:
    """Return the method that options name: `method`, and for a network `weights`, a path."""
    name, methods = options.get("method") or "learned", installed_methods()
    if name in methods:
        return methods[name].load()
    weights = options.get("weights")
    if weights and name.endswith(ONNX):
        return load(weights)
    models = installed_models() if weights else {}
    if name not in models:
        raise ValueError(f"`method` is '{name}'; expected one of: {', '.join(sorted(methods))}.")
    return models[name].load(name, Path(options["weights"]))


def keeping(keep: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return what takes the objects that are wanted out of a mask; None if all are.

    Examples
    --------
    >>> import numpy as np
    >>> keeping([3, 0])(np.array([[True, False, False, True]])).tolist()
    [[False, False, False, True]]
    """
    if keep in (None, "all"):
        return None
    if keep == "largest":
        return largest
    if isinstance(keep, list | tuple) and len(keep) == 2:
        return partial(at, x=keep[0], y=keep[1])
    raise ValueError(f"`keep` is {keep!r}; expected 'all', 'largest', or a point [x, y].")


def _held(found: Matte) -> Method:
    """Return a method that gives what was found, held to the trimap."""

    def matte(image: np.ndarray, trimap: np.ndarray) -> Matte:
        return found._replace(alpha=np.where(trimap == 128, found.alpha, trimap / 255.0))

    return matte


def _noting(method: Method, plate: np.ndarray | None, weights: list[np.ndarray]) -> Method:
    """Return a method that appends the weights of what it found to a list."""

    def matte(image: np.ndarray, trimap: np.ndarray) -> Matte:
        if method is learned and min(trimap.shape) >= WINDOW:
            system = learned_system(image, trimap)
            found, opinion = Matte(system.solve().alpha), system.given
        else:
            found = run(method, image, trimap, plate)
            opinion = found.alpha
        weights.append(np.where(trimap == 128, TRUST * confidence(opinion), 0))
        return found

    return matte
