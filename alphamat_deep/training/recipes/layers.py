"""The first step of every recipe: from layers of any size to one composed picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alphamat_deep.training.augment import Sample, compose, cover_background


def put_over(
    layers: Sample,
    *,
    resized: Callable[[np.ndarray, int, int], np.ndarray] = cover_background,
    compose: Callable[[Sample], Sample] = compose,
) -> Sample:
    """Put the foreground over the background, which is brought to its size.

    A picture that has an `image` already stays as it is.
    """
    if "image" in layers:
        return layers
    height, width = layers["alpha"].shape[-3:-1]
    return compose(layers | {"background": resized(layers["background"], height, width)})
