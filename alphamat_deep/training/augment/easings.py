"""Easings: how a change between two states goes on in time, from 0 to 1.

Penner's ten curves, each slow at its beginning, at its end, or at both, and a jump: those of RVM's
motion. Each is a function of an array of times in [0, 1]; some leave [0, 1] on the way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Easing = Callable[[np.ndarray], np.ndarray]


def linear(time: np.ndarray) -> np.ndarray:
    """Go on evenly.

    Examples
    --------
    >>> linear(np.array([0, 0.5, 1])).tolist()
    [0.0, 0.5, 1.0]
    """
    return time


def jump(time: np.ndarray) -> np.ndarray:
    """Be 0 before the middle and 1 from there on.

    Examples
    --------
    >>> jump(np.array([0, 0.5, 1])).tolist()
    [0.0, 1.0, 1.0]
    """
    return np.where(time < 0.5, 0.0, 1.0)


def slow_at_end(curve: Easing) -> Easing:
    """Return a curve turned by half a turn: slow at its beginning, it becomes slow at its end.

    Examples
    --------
    >>> slow_at_end(lambda t: t**2)(np.array([0, 0.5, 1])).tolist()
    [0.0, 0.75, 1.0]
    """
    return lambda time: 1 - curve(1 - time)


def slow_at_both(curve: Easing) -> Easing:
    """Return a curve at half its size, followed by itself turned.

    Examples
    --------
    >>> slow_at_both(lambda t: t**2)(np.array([0, 0.25, 0.5, 1])).tolist()
    [0.0, 0.125, 0.5, 1.0]
    """
    return lambda time: np.where(
        time < 0.5, curve(2 * time) / 2, 1 - curve(2 * np.minimum(1 - time, 0.5)) / 2
    )


def power(exponent: int) -> Easing:
    """Return the curve t^exponent.

    Examples
    --------
    >>> power(3)(np.array([0, 0.5, 1])).tolist()
    [0.0, 0.125, 1.0]
    """
    return lambda time: time**exponent


def sine(time: np.ndarray) -> np.ndarray:
    """Follow a quarter of a cosine.

    Examples
    --------
    >>> sine(np.array([0, 2 / 3, 1])).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    return 1 - np.cos(np.pi / 2 * time)


def circular(time: np.ndarray) -> np.ndarray:
    """Follow a quarter of a circle.

    Examples
    --------
    >>> circular(np.array([0, 0.6, 1])).round(3).tolist()
    [0.0, 0.2, 1.0]
    """
    return 1 - np.sqrt(1 - np.clip(time, 0, 1) ** 2)


def exponential(time: np.ndarray) -> np.ndarray:
    """Double with each tenth of the time, from 0.

    Examples
    --------
    >>> exponential(np.array([0, 0.9, 1])).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.where(time <= 0, 0, 2 ** (10 * (time - 1)))


def elastic(time: np.ndarray) -> np.ndarray:
    """Swing more and more.

    Examples
    --------
    >>> elastic(np.array([0, 0.9, 1])).round(3).tolist()
    [0.0, -0.227, 1.0]
    """
    return np.sin(13 * np.pi / 2 * time) * 2 ** (10 * (time - 1))


def back(time: np.ndarray) -> np.ndarray:
    """Draw back first.

    Examples
    --------
    >>> back(np.array([0, 0.5, 1])).round(3).tolist()
    [0.0, -0.375, 1.0]
    """
    return time**3 - time * np.sin(np.pi * time)


def bounce(time: np.ndarray) -> np.ndarray:
    """Bounce like a ball let fall, backwards in time.

    Examples
    --------
    >>> bounce(np.array([0.5, 0.8, 1])).round(3).tolist()
    [0.281, 0.698, 1.0]
    """
    left = 1 - time
    return 1 - np.select(
        [left < 4 / 11, left < 8 / 11, left < 9 / 10],
        [
            121 * left**2 / 16,
            363 * left**2 / 40 - 99 * left / 10 + 17 / 5,
            4356 * left**2 / 361 - 35442 * left / 1805 + 16061 / 1805,
        ],
        54 * left**2 / 5 - 513 * left / 25 + 268 / 25,
    )


SLOW_AT_START = (
    back,
    bounce,
    circular,
    power(3),
    exponential,
    elastic,
    power(2),
    power(4),
    power(5),
    sine,
)
EASINGS = (
    *(turn(curve) for curve in SLOW_AT_START for turn in (lambda x: x, slow_at_end, slow_at_both)),
    jump,
)
"""The 31 that RVM draws from where it does not take `linear`."""


def draw_easing(rng: np.random.Generator) -> Easing:
    """Draw `linear` one time in five, otherwise one of `EASINGS`.

    Examples
    --------
    >>> easing = draw_easing(np.random.default_rng(0))
    >>> easing(np.array([0.0, 1.0])).round(3).tolist()
    [0.0, 1.0]
    """
    return linear if rng.random() < 0.2 else EASINGS[rng.integers(len(EASINGS))]
