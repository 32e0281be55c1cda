"""Sources without files: what `alphamat.examples` paints."""

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
    background: Callable[..., np.ndarray] | None = None,
    seeds: Sequence[int] = range(2**31),
) -> Sequence[Entry]:
    """Return painted foregrounds without end, each with a background of its own.

    One of 512 × 512 takes about 0.1 s of one core with its background.

    Parameters
    ----------
    height, width : int
        At least 16.
    scenes : functions, optional
        What to paint: `alphamat.examples.any_foreground` by default, which paints all kinds of
        `FOREGROUNDS`, those that are common in photographs more often.
    background : function, optional
        What to paint behind; `alphamat.examples.any_background` by default.
    seeds : sequence of int
        Each scene is painted with each seed. Validation needs other seeds than training.

    Examples
    --------
    >>> source = painted(32, 48)
    >>> len(source), source[7].name
    (2147483648, 'any_foreground 7')
    >>> source[7].read()["foreground"].shape
    (32, 48, 3)
    """
    from alphamat import examples

    chosen = tuple([examples.any_foreground] if scenes is None else scenes)
    size = as_count(height, "height"), as_count(width, "width")
    behind = background or examples.any_background
    return Made(len(chosen) * len(seeds), partial(_scene, chosen, behind, size, seeds))


def _scene(
    scenes: tuple[Any, ...], background: Any, size: tuple[int, int], seeds: Sequence[int], at: int
) -> Entry:
    turn, which = divmod(at, len(scenes))
    scene, seed = scenes[which], seeds[turn]
    return Entry(f"{scene.__name__} {seed}", partial(_paint, scene, background, size, seed))


def _paint(scene: Any, background: Any, size: tuple[int, int], seed: int) -> Sample:
    from alphamat import examples

    found = examples.paint(scene, *size, background=background, seed=seed)
    kept = {"foreground": found.foreground, "alpha": found.alpha, "background": found.background}
    return layers(kept, f"the scene {scene.__name__} of seed {seed}")


def backdrops(
    height: int = 512,
    width: int = 512,
    *,
    background: Callable[..., np.ndarray] | None = None,
    seeds: Sequence[int] = range(2**31),
) -> Sequence[Entry]:
    """Return painted backgrounds without end, of all `alphamat.examples.TEXTURES` by default.

    Examples
    --------
    >>> backdrops(32, 48)[3].read()["background"].shape
    (32, 48, 3)
    """
    from alphamat import examples

    size = as_count(height, "height"), as_count(width, "width")
    return Made(len(seeds), partial(_backdrop, background or examples.any_background, size, seeds))


def _backdrop(background: Any, size: tuple[int, int], seeds: Sequence[int], at: int) -> Entry:
    return Entry(f"backdrop {seeds[at]}", partial(_paint_backdrop, background, size, seeds[at]))


def _paint_backdrop(background: Any, size: tuple[int, int], seed: int) -> Sample:
    from alphamat.examples.painting import Canvas

    picture = background(Canvas.of(*size), np.random.default_rng(seed))
    return {"background": np.clip(picture, 0, 1).astype(np.float32, copy=False)}
