"""Ways to resize pictures and planes, as programs of networks' authors do it."""

from __future__ import annotations

import numpy as np

from alphamat.rules.encodings import known_parts
from alphamat.rules.sizes import Size


def nearest(trimap: np.ndarray, size: Size) -> np.ndarray:
    """Take the nearest pixel, as OpenCV has it."""
    import cv2

    return cv2.resize(trimap, size[::-1], interpolation=cv2.INTER_NEAREST)


def bilinear(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate without antialiasing. 8 bits stay 8 bits, as OpenCV has it."""
    import cv2

    return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_LINEAR)


def bilinear_cut_off(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate as `bilinear` does, but cut 8 bits off to 8 bits instead of rounding."""
    return bilinear(pixels.astype(np.float32), size).astype(pixels.dtype)


def bilinear_over_black(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate without antialiasing and without rounding; black lies beyond the border.

    So scikit-image has it by default up to 0.14. 8 bits become numbers in [0, 1].
    """
    from skimage.transform import resize

    return resize(_in_range(pixels), size, order=1, mode="constant", anti_aliasing=False)


def bicubic(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate without antialiasing and without rounding. 8 bits become numbers in [0, 1]."""
    import cv2

    return cv2.resize(_in_range(pixels), size[::-1], interpolation=cv2.INTER_CUBIC)


def lanczos(pixels: np.ndarray, size: Size) -> np.ndarray:
    """As `bicubic`, over 8 × 8 pixels. Values may leave [0, 1] a little."""
    import cv2

    return cv2.resize(_in_range(pixels), size[::-1], interpolation=cv2.INTER_LANCZOS4)


def lanczos_parts(trimap: np.ndarray, size: Size) -> np.ndarray:
    """(H, W) uint8 → (h, w, 2): background and foreground, each resized by `lanczos`."""
    return lanczos(known_parts(trimap), size)


def area(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Average all pixels that a new one touches, with equal weights ("adaptive" pooling).

    8 bits become numbers in [0, 1].
    """
    pixels = _in_range(pixels)
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


def opencv_area(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Average the area of each new pixel where the picture shrinks. 8 bits stay 8 bits."""
    import cv2

    return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA)


def pillow_bilinear(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Interpolate, with antialiasing where a side shrinks. 8 bits stay 8 bits."""
    return _pillow(pixels, size, "BILINEAR")


def pillow_bicubic(pixels: np.ndarray, size: Size) -> np.ndarray:
    """As `pillow_bilinear`, by cubic curves. Values may leave [0, 1] a little."""
    return _pillow(pixels, size, "BICUBIC")


def pillow_lanczos(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Resize by Lanczos' filter, with antialiasing where a side shrinks. 8 bits stay 8 bits."""
    return _pillow(pixels, size, "LANCZOS")


def _pillow(pixels: np.ndarray, size: Size, kernel: str) -> np.ndarray:
    from PIL import Image

    how = Image.Resampling[kernel]
    if pixels.dtype == np.uint8 or pixels.ndim == 2:
        height, width = size
        return np.asarray(Image.fromarray(pixels).resize((width, height), how))
    return np.stack([_pillow(plane, size, kernel) for plane in np.moveaxis(pixels, -1, 0)], -1)


def _in_range(pixels: np.ndarray) -> np.ndarray:
    """Return 8 bits as numbers in [0, 1], and others as they are."""
    return pixels / np.float32(255) if pixels.dtype == np.uint8 else pixels


FILTERS = {
    resize.__name__: resize
    for resize in (
        bilinear,
        bilinear_cut_off,
        bilinear_over_black,
        bicubic,
        lanczos,
        lanczos_parts,
        nearest,
        area,
        opencv_area,
        pillow_bilinear,
        pillow_bicubic,
        pillow_lanczos,
    )
}
