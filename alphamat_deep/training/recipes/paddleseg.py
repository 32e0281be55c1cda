"""What PaddleSeg's recipes share: how it composes, changes pictures, and moves parameters.

PaddleSeg changes the colours and the focus of image, foreground and background by draws of their
own, so that the image is no composite any more. Here all are changed alike.
"""

from __future__ import annotations

import numpy as np
import optax

from alphamat_deep.training.augment import (
    Sample,
    compose_in_8_bits,
    dim_trimap,
    random_blur,
    random_distort,
    random_flip,
    random_jpeg,
    random_noise,
    random_sharpen,
)
from alphamat_deep.training.recipes.layers import put_over


def composed(layers: Sample, rng: np.random.Generator) -> Sample:
    """Return the composite in 8 bits, with a trimap of the whole picture."""
    return dim_trimap(put_over(layers, compose=compose_in_8_bits), rng)


def changed(
    sample: Sample, rng: np.random.Generator, *, sharpen: bool = False, degrade: bool = False
) -> Sample:
    """Change colours and focus, with `degrade` add noise and JPEG's errors, and mirror."""
    sample = random_blur(random_distort(sample, rng), rng, probability=0.1)
    if sharpen:
        sample = random_sharpen(sample, rng, probability=0.2)
    if degrade:
        sample = random_jpeg(random_noise(sample, rng, probability=0.5), rng, probability=0.2)
    return random_flip(sample, rng)


def momentum(rates: optax.ScalarOrSchedule, *, decay: float) -> optax.GradientTransformation:
    """Return Paddle's Momentum 0.9 with L2 of all parameters: decay enters the momentum."""
    return optax.chain(optax.add_decayed_weights(decay), optax.sgd(rates, momentum=0.9))


def poly(steps: int) -> optax.Schedule:
    """Return rates that fall from 0.01 to 0 by a power of 0.9."""
    return optax.polynomial_schedule(0.01, 0.0, 0.9, steps)
