"""What goes over what: two foregrounds made one, and backgrounds made large enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from alphamat_deep.training.augment.geometry import draw_filter, resize_pixels, size_of
from alphamat_deep.training.augment.sample import Sample, from_8_bits, to_8_bits, with_layers


def put_over(first: Sample, second: Sample) -> Sample:
    """Put one foreground over another of the same size: GCA's rule.

    α = 1 - (1 - α1)(1 - α2) and F = α1 F1 + (1 - α1) F2, truncated to 8 bits. Where no pixel would
    be left with α < 1, the first stays as it is.

    Examples
    --------
    >>> grey = [np.full((1, 2, 3), level, np.float32) for level in (0.2, 0.6)]
    >>> alpha = np.float32([[[0.5], [0]]])
    >>> first, second = ({"foreground": F, "alpha": alpha} for F in grey)
    >>> both = put_over(first, second)
    >>> both["alpha"].ravel().tolist(), (255 * both["foreground"][..., 0]).round().tolist()
    ([0.75, 0.0], [[102.0, 153.0]])
    """
    alpha = 1 - (1 - first["alpha"]) * (1 - second["alpha"])
    if not (alpha < 1).any():
        return first
    over, under = (to_8_bits(layer["foreground"]) for layer in (first, second))
    levels = over * first["alpha"] + under * (1 - first["alpha"])
    foreground = from_8_bits(levels.astype(np.uint8))
    return with_layers(first, {"foreground": foreground, "alpha": alpha})


def random_combine(
    sample: Sample,
    draw: Callable[[], Sample],
    rng: np.random.Generator,
    *,
    probability: float = 0.5,
    square: float = 0.25,
    side: int = 640,
    interpolations: Sequence[int] = (cv2.INTER_NEAREST,),
) -> Sample:
    """Combine with a second foreground, then resize both to a square; each sometimes: GCA's.

    `sample` and what `draw` returns hold `foreground` and `alpha`; the second is brought to the
    size of the first. With probability `square` the result becomes side × side.

    Examples
    --------
    >>> sample = {"foreground": np.ones((4, 6, 3), np.float32)}
    >>> sample["alpha"] = np.full((4, 6, 1), 0.5, np.float32)
    >>> rng = np.random.default_rng(0)
    >>> both = random_combine(sample, lambda: sample, rng, probability=1, square=0)
    >>> both["alpha"].max().item()
    0.75
    """
    if rng.random() < probability:
        sample = put_over(sample, _resized(draw(), *size_of(sample), interpolations, rng))
    if rng.random() < square:
        sample = _resized(sample, side, side, interpolations, rng)
    return sample


def cover_background(background: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the upper left of a background, enlarged where it is too small: PaddleSeg's rule.

    Bilinear, the sides rounded up; never shrunk. uint8 stays uint8. `alphamat.datasets` has the
    same rule with Pillow's bicubic filter, as Composition-1k was made.

    Examples
    --------
    >>> cover_background(np.zeros((4, 9, 3), np.float32), 5, 7).shape
    (5, 7, 3)
    """
    rows, columns = background.shape[-3:-1]
    ratio = max(width / columns, height / rows)
    if ratio > 1:
        enlarged = math.ceil(rows * ratio), math.ceil(columns * ratio)
        background = resize_pixels(background, *enlarged)
    return background[..., :height, :width, :]


def _resized(
    layer: Sample,
    height: int,
    width: int,
    interpolations: Sequence[int],
    rng: np.random.Generator,
) -> Sample:
    return {
        name: np.clip(
            resize_pixels(
                layer[name], height, width, interpolation=draw_filter(interpolations, rng)
            ),
            0,
            1,
        )
        for name in ("foreground", "alpha")
    }
