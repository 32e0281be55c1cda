"""From the user's picture to a network's inputs, and back: the authors' rules, as data.

A `Preprocess` is a chain of steps, such as resizing and padding, then a normalisation of colours
and an encoding of the trimap. The network's alpha goes back through the chain, to the image's size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from alphamat.door import Pixels, as_array, as_image, refuse_other_size
from alphamat.rules.sizes import Size
from alphamat.rules.steps import Step
from alphamat.trimap import Trimap
from alphamat.trimap.parse import trimap_levels

HALF = (0.5, 0.5, 0.5)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocess:
    """What is done to a picture before the network, and to alpha after it."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """Of colours in [0, 1]: the network takes (image - mean) / std."""
    encode: Callable[[np.ndarray], np.ndarray] | None = None
    """Turns the trimap into the network's input; None where the network takes no trimap."""
    chain: tuple[Step, ...] = ()
    keep_known: bool = True
    """Whether alpha is set to 0 and 1 on the trimap's known pixels."""
    keep_image: bool = False
    """Whether the foreground is set to the image where alpha is 1."""
    plate: bool = False
    """Whether the network takes a plate: the scene without its foreground."""
    coarse: tuple[Step, ...] = ()
    """Steps to a smaller picture that the network takes beside the image; none where it does not.
    """

    def apply(
        self, image: Pixels, trimap: Pixels | None = None, plate: Pixels | None = None
    ) -> Prepared:
        """Return a network's inputs, and what `undo` needs.

        Parameters
        ----------
        image, trimap, plate
            As any method of `alphamat` takes them, except that all of the trimap may be unknown. If
            all values of the image are levels of 8 bits, in whatever type, resizing rounds to such
            levels, as the authors' does; otherwise it does not round.
        """
        pixels = _pixels(image, "image")
        behind = _pixels(plate, "plate") if self.plate else None
        if behind is not None:
            refuse_other_size(behind.shape, pixels.shape, "plate")
        parsed = marks = None
        if self.encode is not None:
            parsed = Trimap.of(trimap_levels(trimap, pixels.shape[:2]))
            marks = np.select([*parsed], [255, 0], 128).astype(np.uint8)
        sizes, whole = [], pixels
        for step in self.chain:
            sizes.append(pixels.shape[:2])
            pixels, marks = step.apply(pixels, marks)
            if behind is not None:
                behind, _ = step.apply(behind, None)
        inputs = [self._colours(pixels)]
        if self.coarse:
            small = whole
            for step in self.coarse:
                small, _ = step.apply(small, None)
            inputs.append(self._colours(small))
        if behind is not None:
            inputs.append(self._colours(behind))
        if self.encode is not None and marks is not None:
            inputs.append(self.encode(marks))
        return Prepared(tuple(x[None] for x in inputs), tuple(sizes), parsed, whole)

    def _colours(self, pixels: np.ndarray) -> np.ndarray:
        rows = pixels.reshape(len(pixels), -1)  # NumPy is slow along three channels
        if pixels.dtype == np.uint8:
            rows = rows / np.float32(255)
        mean, std = np.tile(np.array([self.mean, self.std], np.float32), pixels.shape[1])
        return ((rows - mean) / std).reshape(pixels.shape)

    def undo(self, alpha: np.ndarray, prepared: Prepared) -> np.ndarray:
        """Return the image's alpha (H, W), float64 in [0, 1], from the network's (h, w)."""
        alpha = self.undo_chain(alpha, prepared).astype(np.float64)
        if self.keep_known and prepared.trimap is not None:
            alpha[prepared.trimap.foreground], alpha[prepared.trimap.background] = 1, 0
        return alpha

    def undo_foreground(
        self, foreground: np.ndarray, alpha: np.ndarray, prepared: Prepared
    ) -> np.ndarray:
        """Return the image's foreground (H, W, 3), float32 in [0, 1], from the network's.

        `alpha` is what `undo` returned.
        """
        foreground = self.undo_chain(foreground, prepared)
        if self.keep_image:
            image, opaque = prepared.image, alpha == 1
            white = np.float32(255 if image.dtype == np.uint8 else 1)
            foreground[opaque] = image[opaque] / white
        return foreground

    def undo_chain(self, pixels: np.ndarray, prepared: Prepared) -> np.ndarray:
        """Return pixels of the image's size, float32 in [0, 1], from the network's."""
        pixels = np.asarray(pixels, np.float32)
        for step, size in zip(self.chain[::-1], prepared.sizes[::-1], strict=True):
            pixels = step.undo(pixels, size)
        return np.clip(pixels, 0, 1)


class Prepared(NamedTuple):
    """A network's inputs, and what `Preprocess.undo` needs."""

    inputs: tuple[np.ndarray, ...]
    """(1, h, w, …) float32 each."""
    sizes: tuple[Size, ...]
    """The picture's size before each step of the chain."""
    trimap: Trimap | None
    image: np.ndarray
    """(H, W, 3) uint8, or float32 in [0, 1]."""


def _pixels(image: Any, name: str) -> np.ndarray:
    """Return an image as (H, W, 3): uint8 if its values are levels of 8 bits, else float32."""
    array = as_array(image, name=name)
    refuse_channels_first(array, name)
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3 and array.size:
        return array
    pixels = as_image(array, name=name).astype(np.float32)
    levels_of_8_bits = np.rint(pixels * 255)
    if np.abs(pixels * 255 - levels_of_8_bits).max() < 1e-3:
        return levels_of_8_bits.astype(np.uint8)
    return pixels


def refuse_channels_first(array: np.ndarray, name: str) -> None:
    """Raise ValueError for a picture, or a batch, with its channels before its height and width."""
    if array.ndim in (3, 4) and array.shape[-3] in (1, 3) and array.shape[-1] not in (1, 3, 4):
        expected = "(H, W, 3)" if array.ndim == 3 else "(B, H, W, 3)"
        raise ValueError(f"`{name}` is {array.shape}; expected {expected}: channels last.")
