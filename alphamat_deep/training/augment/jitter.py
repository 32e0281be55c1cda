"""Random colours of layers. The image follows: I = αF + (1 - α)B stays true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from alphamat_deep.training.augment.colour import (
    PADDLESEG_RULES,
    PILLOW_RULES,
    Rule,
    change_hsv,
    grey_of,
    reflect,
)
from alphamat_deep.training.augment.sample import Sample, by_picture, parts, with_layers

Jitter = Sequence[tuple[Rule, float]]
"""Rules with their amounts, in the order in which they are applied."""


def apply_jitter(pixels: np.ndarray, jitter: Jitter) -> np.ndarray:
    """Apply rules to colours (..., H, W, 3), one after the other.

    Examples
    --------
    >>> from alphamat_deep.training.augment import adjust_brightness
    >>> apply_jitter(np.float32([[[0.25] * 3]]), [(adjust_brightness, 3)]).tolist()
    [[[0.75, 0.75, 0.75]]]
    """
    for rule, amount in jitter:
        pixels = rule(pixels, amount)
    return pixels


def draw_jitter(
    rng: np.random.Generator,
    *,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    rules: Sequence[Rule] = PILLOW_RULES,
) -> Jitter:
    """Draw torchvision's ColorJitter.

    Factors lie uniformly in 1 ± `brightness`, `contrast`, `saturation`, at least 0; the hue turns
    by ± `hue` of the circle. The order is random.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> jitter = draw_jitter(rng, brightness=0.1, contrast=0.1, saturation=0.1, hue=0.02)
    >>> len(jitter), max(amount for _, amount in jitter) <= 1.1
    (4, True)
    """
    amounts = [rng.uniform(max(0, 1 - x), 1 + x) for x in (brightness, contrast, saturation)]
    jitter = list(zip(rules, [*amounts, rng.uniform(-hue, hue)], strict=True))
    return [jitter[at] for at in rng.permutation(4)]


def random_jitter(
    sample: Sample,
    rng: np.random.Generator,
    *,
    names: Iterable[str] = ("foreground",),
    brightness: float = 0.15,
    contrast: float = 0.15,
    saturation: float = 0.15,
    hue: float = 0.05,
    rules: Sequence[Rule] = PILLOW_RULES,
) -> Sample:
    """Jitter the colours of some layers, each by a draw of its own.

    The defaults are BackgroundMattingV2's, for foregrounds and for backgrounds.

    Examples
    --------
    >>> sample = {"foreground": np.full((2, 3, 3), 0.5, np.float32)}
    >>> random_jitter(sample, np.random.default_rng(0))["foreground"].shape
    (2, 3, 3)
    """
    layers = {}
    for name in names:
        jitter = draw_jitter(
            rng,
            brightness=brightness,
            contrast=contrast,
            saturation=saturation,
            hue=hue,
            rules=rules,
        )
        layers[name] = apply_jitter(sample[name], jitter)
    return with_layers(sample, layers)


def random_distort(
    sample: Sample,
    rng: np.random.Generator,
    *,
    amount: float = 0.5,
    hue: float = 18,
    probability: float = 0.5,
    separately: bool = False,
) -> Sample:
    """Change brightness, contrast, saturation and hue: PaddleSeg's RandomDistort.

    Factors lie in 1 ± `amount`, the hue turns by ± `hue` of 256 steps; each happens with
    `probability`, in random order, on 8 bits. Foreground and background get the same draw and the
    image is composed anew. With `separately`, image, foreground and background each get a draw of
    their own, as in PaddleSeg: I = αF + (1 - α)B is then false.

    Examples
    --------
    >>> sample = {"foreground": np.full((2, 3, 3), 0.5, np.float32)}
    >>> random_distort(sample, np.random.default_rng(0))["foreground"].shape
    (2, 3, 3)
    """
    order = rng.permutation(4)

    def draw():
        amounts = [*rng.uniform(1 - amount, 1 + amount, size=3), rng.uniform(-hue, hue)]
        happens = rng.random(4) < probability
        return [(PADDLESEG_RULES[at], amounts[at]) for at in order if happens[at]]

    names = [name for name in parts(sample, separately=separately) if name != "alpha"]
    if separately:
        return sample | {name: apply_jitter(sample[name], draw()) for name in names}
    jitter = draw()
    return with_layers(sample, {name: apply_jitter(sample[name], jitter) for name in names})


def random_hsv_jitter(sample: Sample, rng: np.random.Generator) -> Sample:
    """Change hue, saturation and value of the foreground: GCA's RandomJitter.

    The hue turns by whole degrees, -40 … 39. Saturation and value move by up to ± (1.1 - mean) / 10
    with their means where alpha is above 0, and are reflected at 0 and 1. A sample without such
    pixels stays as it is.

    Examples
    --------
    >>> sample = {"foreground": np.full((2, 3, 3), 0.5, np.float32)}
    >>> sample["alpha"] = np.ones((2, 3, 1), np.float32)
    >>> random_hsv_jitter(sample, np.random.default_rng(0))["foreground"].shape
    (2, 3, 3)
    """
    visible = sample["alpha"][..., 0] > 0
    if not visible.any():
        return sample
    hsv = by_picture(sample["foreground"], lambda x: cv2.cvtColor(x, cv2.COLOR_RGB2HSV))
    reach = (1.1 - hsv[visible][:, 1:].mean(axis=0)) / 10
    steps = rng.uniform(-reach, reach).astype(np.float32)
    foreground = change_hsv(
        sample["foreground"],
        hue=int(rng.integers(-40, 40)),
        saturation=lambda s: reflect(s + steps[0]),
        value=lambda v: reflect(v + steps[1]),
    )
    return with_layers(sample, {"foreground": foreground})


def random_grey(sample: Sample, rng: np.random.Generator, *, probability: float = 0.02) -> Sample:
    """Take the colour from foreground and background, and so from the image: RVM's.

    Examples
    --------
    >>> sample = {"foreground": np.float32([[[1, 0, 0]]])}
    >>> grey = random_grey(sample, np.random.default_rng(0), probability=1)["foreground"]
    >>> bool(np.ptp(grey) == 0)
    True
    """
    if rng.random() >= probability:
        return sample
    names = [name for name in parts(sample) if name != "alpha"]
    greys = {name: np.repeat(grey_of(sample[name]), 3, axis=-1) for name in names}
    return with_layers(sample, greys)
