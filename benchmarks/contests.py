"""Who runs against whom: methods of ours, and the one of PyMatting that does the same work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

import alphamat
from benchmarks.cases import Picture

PEER = "PyMatting"
MOST_FOR_PEER = 1_000_000  # unknown pixels; more take it many minutes


class Contest(NamedTuple):
    """Methods of ours by the name of their row, and a function of PyMatting."""

    ours: dict[str, Callable]
    peer: str | None
    peer_options: Mapping[str, object] = MappingProxyType({})
    wants: str = "trimap"
    """What the methods take beside the image: trimap, or alpha."""

    def entries(self) -> dict[str, Callable]:
        """Return all methods by name, PyMatting's among them where it is installed."""
        if self.peer is None or find_spec("pymatting") is None:
            return self.ours
        peer = getattr(import_module("pymatting"), self.peer)
        return {**self.ours, PEER: partial(peer, **self.peer_options)}

    def inputs(self, picture: Picture) -> tuple[np.ndarray, np.ndarray]:
        if self.wants == "trimap":
            return tuple(picture)
        return picture.image, alphamat.closed_form(*picture)


def tiny() -> Picture:
    """Return a picture to compile with. Its trimap serves as an alpha as well."""
    image = np.random.default_rng(0).random((48, 48, 3))
    trimap = np.full((48, 48), 0.5)
    trimap[:, :8], trimap[:, -8:] = 0, 1
    return Picture(image, trimap)


CONTESTS = {
    "closed-form": Contest({"closed-form": alphamat.closed_form}, "estimate_alpha_cf"),
    "learning-based": Contest({"learning-based": alphamat.learning_based}, "estimate_alpha_lbdm"),
    "random-walk": Contest({"random-walk": alphamat.random_walk}, "estimate_alpha_rw"),
    "fast": Contest(
        {
            "fast, radius 10": partial(alphamat.fast, radius=10, epsilon=1e-4),
            "fast, adaptive": alphamat.fast,
        },
        "estimate_alpha_lkm",
    ),
    "knn": Contest({"knn": alphamat.knn}, "estimate_alpha_knn"),
    "shared-sampling": Contest({"shared-sampling": alphamat.shared_sampling}, "estimate_alpha_sm"),
    "information-flow": Contest({"information-flow": alphamat.information_flow}, None),
    "learned": Contest({"learned": alphamat.learned}, None),
    "foreground": Contest(
        {"multilevel foreground": alphamat.estimate_foreground},
        "estimate_foreground_ml",
        {"return_background": True},
        wants="alpha",
    ),
    "closed-form-foreground": Contest(
        {"closed-form foreground": alphamat.closed_form_foreground},
        "estimate_foreground_cf",
        {"return_background": True},
        wants="alpha",
    ),
}
