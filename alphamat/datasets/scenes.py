"""Synthetic scenes as a data set: alpha, layers and trimap are exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from alphamat import examples
from alphamat.datasets.sample import Dataset, Sample
from alphamat.door.parameters import as_count


def synthetic(
    height: int = 480,
    width: int = 640,
    *,
    scenes: Iterable[Callable[..., np.ndarray]] | None = None,
    seeds: Iterable[int] = (0,),
) -> Dataset:
    """Paint scenes whose alpha is known exactly; see `alphamat.examples.synthetic`.

    Parameters
    ----------
    height, width : int
        Size of every picture.
    scenes : functions, optional
        What to paint; all of `alphamat.examples.SCENES` by default.
    seeds : int
        Each scene is painted once for each seed.

    Returns
    -------
    Dataset
        Samples are named by their scene, and grouped by the seed where there are several. Their
        arrays are float64 in [0, 1], except for the trimap.

    Raises
    ------
    TypeError, ValueError
        If `height` or `width` is not a whole number of at least 1.

    Examples
    --------
    >>> from alphamat import datasets
    >>> datasets.synthetic(40, 50)[2].name
    'smoke'
    """
    height, width = as_count(height, "height"), as_count(width, "width")
    seeds = tuple(seeds)
    return Dataset(
        tuple(
            Painting(scene, height, width, seed, f"seed {seed}" if len(seeds) > 1 else "")
            for scene in (examples.SCENES if scenes is None else scenes)
            for seed in seeds
        )
    )


class Painting(NamedTuple):
    """The scene, size and seed of a sample."""

    scene: Callable[..., np.ndarray]
    height: int
    width: int
    seed: int
    group: str

    @property
    def name(self) -> str:
        return self.scene.__name__

    def read(self) -> Sample:
        painted = examples.synthetic(self.scene, self.height, self.width, seed=self.seed)
        return Sample(
            self.name, painted.image, painted.trimap, painted.alpha, self.group, painted.background
        )
