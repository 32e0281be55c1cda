"""Sources without files: the synthetic scenes of `alphamat.examples`, and what is behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from alphamat.door import as_count
from alphamat_deep.training.compositions.entries import Entry, Made, layers
from alphamat_deep.training.sample import Sample


def painted(
    height: int = 512,
    width: int = 512,
    *,
    scenes: Iterable[Callable[..., np.ndarray]] | None = None,
    seeds: Sequence[int] = range(2**31),
) -> Sequence[Entry]:
    """Return painted foregrounds without end, each with a background of its own.

    Parameters
    ----------
    height, width : int
        At least 16.
    scenes : functions, optional
        What to paint; all of `alphamat.examples.SCENES` by default.
    seeds : sequence of int
        Each scene is painted with each seed. Validation needs other seeds than training.

    Examples
    --------
    >>> source = painted(32, 48)
    >>> len(source), source[7].name
    (12884901888, 'fur 1')
    >>> source[7].read()["foreground"].shape
    (32, 48, 3)
    """
    from alphamat import examples

    chosen = tuple(examples.SCENES if scenes is None else scenes)
    size = as_count(height, "height"), as_count(width, "width")
    return Made(len(chosen) * len(seeds), partial(_scene, chosen, size, seeds))


def _scene(scenes: tuple[Any, ...], size: tuple[int, int], seeds: Sequence[int], at: int) -> Entry:
    turn, which = divmod(at, len(scenes))
    scene, seed = scenes[which], seeds[turn]
    return Entry(f"{scene.__name__} {seed}", partial(_paint, scene, size, seed))


def _paint(scene: Any, size: tuple[int, int], seed: int) -> Sample:
    from alphamat import examples

    found = examples.synthetic(scene, *size, seed=seed)
    kept = {"foreground": found.foreground, "alpha": found.alpha, "background": found.background}
    return layers(kept, f"the scene {scene.__name__} of seed {seed}")


def backdrops(
    height: int = 512, width: int = 512, *, seeds: Sequence[int] = range(2**31)
) -> Sequence[Entry]:
    """Return painted backgrounds without end: gardens, hills, walls and shelves.

    Examples
    --------
    >>> backdrops(32, 48)[3].read()["background"].shape
    (32, 48, 3)
    """
    size = as_count(height, "height"), as_count(width, "width")
    return Made(len(seeds), partial(_backdrop, size, seeds))


def _backdrop(size: tuple[int, int], seeds: Sequence[int], at: int) -> Entry:
    return Entry(f"backdrop {seeds[at]}", partial(_paint_backdrop, size, seeds[at]))


def _paint_backdrop(size: tuple[int, int], seed: int) -> Sample:
    from alphamat.examples.backdrops import backdrop
    from alphamat.examples.painting import Canvas

    picture = backdrop(Canvas.of(*size), np.random.default_rng(seed))
    return {"background": picture.astype(np.float32)}
