"""How an image follows its layers.

No function of this folder needs all arrays of a sample, and none writes into one that it is given.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alphamat.datasets.compose import blend
from alphamat_deep.training.sample import Sample as Sample

LABELS = frozenset({"trimap", "segmentation"})
"""Arrays whose values are names: they are never mixed."""
LAYERS = frozenset({"foreground", "background", "alpha"})


def compose(sample: Sample) -> Sample:
    """Set the image to αF + (1 - α)B.

    Examples
    --------
    >>> alpha, F, B = (np.full((1, 1, c), x, np.float32) for c, x in [(1, 0.5), (3, 1), (3, 0.5)])
    >>> compose({"alpha": alpha, "foreground": F, "background": B})["image"].tolist()
    [[[0.75, 0.75, 0.75]]]
    """
    return sample | {"image": composite(sample)}


def compose_in_8_bits(sample: Sample) -> Sample:
    """Set the image to the composite of 8-bit layers, truncated to 8 bits.

    PaddleSeg and GFM compose so. The image is up to 1/255 darker than αF + (1 - α)B.

    Examples
    --------
    >>> alpha, F, B = (np.full((1, 1, c), x, np.float32) for c, x in [(1, 0.5), (3, 1), (3, 0.5)])
    >>> image = compose_in_8_bits({"alpha": alpha, "foreground": F, "background": B})["image"]
    >>> (255 * image).round().tolist()
    [[[191.0, 191.0, 191.0]]]
    """
    foreground, alpha, background = (
        to_8_bits(sample[name]) for name in ("foreground", "alpha", "background")
    )
    return sample | {"image": from_8_bits(blend(foreground, alpha[..., 0], background))}


def composite(sample: Sample) -> np.ndarray:
    """Return αF + (1 - α)B."""
    foreground, background = sample["foreground"], sample["background"]
    # NumPy is slow where it repeats a number along a last axis of three.
    share = np.repeat(sample["alpha"], foreground.shape[-1], axis=-1)
    image = share * foreground
    image += (1 - share) * background
    return image


def with_layers(sample: Sample, layers: Sample) -> Sample:
    """Exchange layers of a sample; its image, if it has one, changes as the composite does.

    What the image holds beside its layers, such as noise, stays.

    Examples
    --------
    >>> alpha, F, B = (np.full((1, 1, c), x, np.float32) for c, x in [(1, 0.5), (3, 1), (3, 0.5)])
    >>> sample = compose({"alpha": alpha, "foreground": F, "background": B})
    >>> with_layers(sample, {"background": 0 * B})["image"].tolist()
    [[[0.5, 0.5, 0.5]]]
    """
    new = sample | layers
    if _is_composed(sample) and LAYERS & layers.keys():
        rest = sample["image"] - composite(sample)  # exactly 0 of an image made by `compose`
        new["image"] = np.clip(composite(new) + rest, 0, 1)
    return new


def resample(
    sample: Sample,
    change: Callable[[str, np.ndarray], np.ndarray],
    *,
    separately: bool = False,
) -> Sample:
    """Apply a linear function of `name, pixels` to all arrays of a sample.

    A mean of composites is no composite of means. So an image beside its layers is composed anew,
    from the new layers, and what it holds beside them is resampled by itself. With `separately` the
    image is resampled as it is, which most authors do; I = αF + (1 - α)B then fails at edges.
    """
    follows = _is_composed(sample) and not separately
    alike = [name for name in sample if not (follows and name == "image")]
    new = {name: np.clip(change(name, sample[name]), 0, 1) for name in alike}
    if follows:
        rest = sample["image"] - composite(sample)
        new["image"] = composite(new)
        if rest.any():
            new["image"] = np.clip(new["image"] + change("image", rest), 0, 1)
    return new


def parts(sample: Sample, *, separately: bool = False) -> list[str]:
    """Return the names of what a change of colours or focus is made to.

    These are foreground, background and alpha, which the image follows; and the image itself where
    it goes separately, or where a sample has not all of these.
    """
    names = ["foreground", "background", "alpha"]
    if separately or not _is_composed(sample):
        names.insert(0, "image")
    return [name for name in names if name in sample]


def by_picture(pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply a function of (H, W, C) to each picture of (..., H, W, C)."""
    *lead, height, width, channels = pixels.shape
    flat = pixels.reshape(-1, height, width, channels)
    # OpenCV and Pillow drop the last axis where it is 1.
    new = [np.atleast_3d(change(picture)) for picture in flat]
    return np.stack(new).reshape(*lead, *new[0].shape) if lead else new[0]


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Round [0, 1] to 0 … 255."""
    return np.rint(255 * pixels).astype(np.uint8)


def from_8_bits(levels: np.ndarray) -> np.ndarray:
    """Return 0 … 255 as float32 in [0, 1]."""
    return levels / np.float32(255)


def in_8_bits(pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply a function of (H, W, C) uint8 to each picture of (..., H, W, C) in [0, 1]."""
    return from_8_bits(by_picture(to_8_bits(pixels), change))


def _is_composed(sample: Sample) -> bool:
    return sample.keys() >= LAYERS and "image" in sample
