"""From the user's picture to a network's inputs, and back: the authors' rules, as data.

A `Preprocess` is a chain of steps, such as resizing and padding, then a normalisation of colours
and an encoding of the trimap. The network's alpha goes back through the chain, to the image's size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, NamedTuple

import numpy as np

from alphamat.door import Pixels, as_array, as_image, refuse_other_size
from alphamat.trimap import Trimap
from alphamat.trimap.parse import trimap_levels

Size = tuple[int, int]  # height, width
HALF = (0.5, 0.5, 0.5)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def bilinear(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate without antialiasing. 8 bits stay 8 bits, as OpenCV has it."""
    import cv2

    return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_LINEAR)


def bicubic(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate without antialiasing and without rounding. 8 bits become numbers in [0, 1]."""
    import cv2

    return _resize_unrounded(pixels, size, cv2.INTER_CUBIC)


def lanczos(pixels: np.ndarray, size: Size) -> np.ndarray:
    """As `bicubic`, over 8 × 8 pixels. Values may leave [0, 1] a little."""
    import cv2

    return _resize_unrounded(pixels, size, cv2.INTER_LANCZOS4)


def _resize_unrounded(pixels: np.ndarray, size: Size, interpolation: int) -> np.ndarray:
    import cv2

    if pixels.dtype == np.uint8:
        pixels = pixels / np.float32(255)
    return cv2.resize(pixels, size[::-1], interpolation=interpolation)


def nearest(pixels: np.ndarray, size: Size) -> np.ndarray:
    import cv2

    return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_NEAREST)


def area(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Average all pixels that a new one touches, with equal weights ("adaptive" pooling).

    8 bits become numbers in [0, 1].
    """
    if pixels.dtype == np.uint8:
        pixels = pixels / np.float32(255)
    for axis, count in enumerate(size):
        side, at = pixels.shape[axis], np.arange(count)
        first, last = at * side // count, -(-(at + 1) * side // count)
        wide = (last - first).reshape(-1, *[1] * (pixels.ndim - axis - 1))
        total = pixels.take(first, axis)
        for offset in range(1, wide.max()):
            total += np.where(
                offset < wide, pixels.take(np.minimum(first + offset, side - 1), axis), 0
            )
        pixels = total / wide.astype(np.float32)
    return pixels


def bilinear_over_black(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate without antialiasing and without rounding; black lies beyond the border.

    So scikit-image has it by default up to 0.14. 8 bits become numbers in [0, 1].
    """
    from skimage.transform import resize

    if pixels.dtype == np.uint8:
        pixels = pixels / np.float32(255)
    return resize(pixels, size, order=1, mode="constant", anti_aliasing=False)


def pillow(filter: str, pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate as Pillow does, with antialiasing where a side shrinks. 8 bits stay 8 bits."""
    from PIL import Image

    height, width = size

    def resized(plane: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling[filter]))

    if pixels.ndim == 2:
        return resized(pixels)
    return np.stack([resized(pixels[..., at]) for at in range(pixels.shape[2])], axis=2)


class Resize(NamedTuple):
    """Resize the image, and alpha back."""

    size: Callable[[int, int], Size]
    """New height and width, from the old ones."""
    how: Callable[[np.ndarray, Size], np.ndarray] = bilinear
    how_trimap: Callable[[np.ndarray, Size], np.ndarray] = nearest
    back: Callable[[np.ndarray, Size], np.ndarray] | None = None
    """How alpha is resized; None where it is as the image is."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        size = self.size(*image.shape[:2])
        if image.shape[:2] == size:
            return image, trimap
        if trimap is not None:
            trimap = self.how_trimap(trimap, size)
        return self.how(image, size), trimap

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        return alpha if alpha.shape[:2] == size else (self.back or self.how)(alpha, size)


class Pad(NamedTuple):
    """Pad by mirroring at the borders, without repeating the border pixels."""

    border: int
    """Pixels added on every side."""
    multiple: int
    """Then height and width (without `border`) are padded at their ends to multiples of this."""
    mode: Literal["reflect", "edge"] = "reflect"
    """Of `numpy.pad`; "edge" repeats the border pixels instead."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        border = [(self.border, self.border + -side % self.multiple) for side in image.shape[:2]]
        return self._padded(image, border), None if trimap is None else self._padded(trimap, border)

    def _padded(self, pixels: np.ndarray, border: list[tuple[int, int]]) -> np.ndarray:
        return np.pad(pixels, [*border, *[(0, 0)] * (pixels.ndim - 2)], mode=self.mode)

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        y, x = (slice(self.border, self.border + side) for side in size)
        return alpha[y, x]


class Extend(NamedTuple):
    """Add pixels of one colour below and to the right. The trimap has them as background."""

    size: Callable[[int, int], Size]
    """New height and width, from the old ones."""
    colour: tuple[float, float, float]
    """In [0, 1]; so 8 bits become such numbers."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        height, width = image.shape[:2]
        size = self.size(height, width)
        if size == (height, width):
            return image, trimap
        wide = np.empty((*size, 3), np.float32)
        wide[:] = self.colour
        wide[:height, :width] = image / np.float32(255) if image.dtype == np.uint8 else image
        ends = [(0, size[0] - height), (0, size[1] - width)]
        return wide, None if trimap is None else np.pad(trimap, ends)

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        return alpha[: size[0], : size[1]]


class Brighten(NamedTuple):
    """Divide the image by its largest value."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        return image / np.float32(max(image.max(), 1e-6)), trimap

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        return alpha


class Stretch(NamedTuple):
    """Stretch alpha: its smallest value becomes 0, its largest 1."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        return image, trimap

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        low, high = alpha.min(), alpha.max()
        return (alpha - low) / (high - low) if low < high else alpha


def square(side: int, height: int, width: int) -> Size:
    """Resize to a square, whatever the proportions."""
    return side, side


def within(longest: int, height: int, width: int) -> Size:
    """Shrink to a long side of at most `longest`, keeping the proportions."""
    scale = min(1, longest / max(height, width))
    return round(height * scale), round(width * scale)


def floor_sides(
    multiple: int, height: int, width: int, *, least: int = 0, most: float = inf
) -> Size:
    """Round each side down to a multiple, within `least` and `most`.

    No side is less than one multiple.
    """
    least = max(least, multiple)
    rows, columns = (max(min(most, x - x % multiple), least) for x in (height, width))
    return int(rows), int(columns)


def ceil_sides(multiple: int, height: int, width: int) -> Size:
    """Round each side up to a multiple."""
    return height + -height % multiple, width + -width % multiple


def exceed_sides(multiple: int, height: int, width: int) -> Size:
    """Raise both sides to their next multiples, beyond themselves, unless both are multiples."""
    if height % multiple == width % multiple == 0:
        return height, width
    return height - height % multiple + multiple, width - width % multiple + multiple


def short_side(length: int, height: int, width: int) -> Size:
    """Resize to a short side of `length`, keeping the proportions."""
    scale = length / min(height, width)
    return round(height * scale), round(width * scale)


def short_side_within(longest: int, height: int, width: int) -> Size:
    """Shrink to a short side of at most `longest`, keeping the proportions."""
    return short_side(min(longest, height, width), height, width)


def floor_short_side(length: int, multiple: int, height: int, width: int) -> Size:
    """Resize to a short side of `length` and round both sides down to multiples, in one step."""
    if width >= height:
        height, width = length, int(width / height * length)
    else:
        height, width = int(height / width * length), length
    return floor_sides(multiple, height, width)


def floor_short_side_unless_between(length: int, multiple: int, height: int, width: int) -> Size:
    """As `floor_short_side`, but only round down where `length` lies between the two sides."""
    if min(height, width) <= length <= max(height, width):
        return floor_sides(multiple, height, width)
    return floor_short_side(length, multiple, height, width)


def levels(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → (H, W, 1) in [0, 1]."""
    return trimap[..., None] / np.float32(255)


def raw_levels(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → (H, W, 1) in 0 … 255."""
    return trimap[..., None].astype(np.float32)


def one_hot(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → (H, W, 3): background, unknown, foreground, each 0 or 1."""
    third = np.digitize(trimap, (85, 170))
    return (third[..., None] == np.arange(3)).astype(np.float32)


@dataclass(frozen=True)
class Preprocess:
    """What is done to a picture before the network, and to alpha after it."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """Of colours in [0, 1]: the network takes (image - mean) / std."""
    encode: Callable[[np.ndarray], np.ndarray] | None = None
    """Turns the trimap into the network's input; None where the network takes no trimap."""
    chain: tuple[Resize | Pad | Extend | Brighten | Stretch, ...] = ()
    keep_known: bool = True
    """Whether alpha is set to 0 and 1 on the trimap's known pixels."""
    keep_image: bool = False
    """Whether the foreground is set to the image where alpha is 1."""
    plate: bool = False
    """Whether the network takes a plate: the scene without its foreground."""
    coarse: tuple[Resize, ...] = ()
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
