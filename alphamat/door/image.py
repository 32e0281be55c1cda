"""Images and alphas as users have them, turned into what the library needs, or refused.

Nothing behind this door checks again.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from PIL.Image import Image

    Pixels: TypeAlias = ArrayLike | Image
    """What users hold: an image, a trimap or an alpha as array_like or PIL image."""
else:
    Pixels = Any

FULL_SCALE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


def as_image(image: Pixels, *, name: str = "image") -> np.ndarray:
    """Return `image` as float64 RGB in [0, 1].

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16, or floating point in [0, 1]. Gray is repeated into three channels. A fourth
        channel is accepted where it is opaque everywhere, and dropped.
    name : str
        What errors call the argument.

    Returns
    -------
    (H, W, 3) float64 array, C-contiguous and writeable. It is `image` itself where that has this
    form already.

    Raises
    ------
    TypeError
        If the dtype is not one of the above.
    ValueError
        If the shape, a value or the fourth channel is not as above.

    Examples
    --------
    >>> import numpy as np
    >>> import alphamat
    >>> alphamat.as_image(np.full((2, 3), 255, np.uint8)).shape  # gray becomes three channels
    (2, 3, 3)
    """
    pixels = unit_range(image, name=name)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise ValueError(
            f"`{name}` has shape {pixels.shape}; expected (H, W), (H, W, 3) or (H, W, 4)."
        )
    if pixels.shape[2] == 4:
        pixels = _without_opaque_alpha(pixels, name)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.require(pixels, requirements=["C", "W"])  # kernels compile anew for read-only ones


def as_alpha(alpha: Pixels, *, shape: tuple[int, int], name: str = "alpha") -> np.ndarray:
    """Return `alpha` as an (H, W) float64 array in [0, 1] that fits an image of `shape`."""
    plane = as_plane(alpha, name=name)
    refuse_other_size(plane.shape, shape, name)
    return plane


def as_plane(pixels: Pixels, *, name: str) -> np.ndarray:
    """Return an alpha, a trimap or a gray picture of any accepted dtype as one plane of levels.

    Parameters
    ----------
    pixels : (H, W) array_like, or PIL image
        uint8, uint16, or floating point in [0, 1]. Colours with equal channels are accepted, and a
        fourth channel where it is opaque everywhere.
    name : str
        What errors call the argument.

    Returns
    -------
    (H, W) float64 array in [0, 1], C-contiguous and writeable. It is `pixels` itself where that has
    this form already.

    Raises
    ------
    TypeError, ValueError
        If the dtype, the shape or a value is none of the above.
    """
    plane = _single_channel(unit_range(pixels, name=name), name)
    return np.require(plane, requirements=["C", "W"])  # kernels compile anew for read-only ones


def unit_range(values: Pixels, *, name: str) -> np.ndarray:
    """Return pixels of any accepted dtype as finite float64 values in [0, 1]."""
    array = as_array(values, name=name)
    if array.dtype == bool:
        raise TypeError(
            f"`{name}` has dtype bool; expected uint8, uint16 or floating point in [0, 1]. "
            f"If it is a mask, pass `{name}.astype(float)`."
        )
    if array.dtype not in FULL_SCALE and array.dtype.kind != "f":
        raise TypeError(
            f"`{name}` has dtype {array.dtype}; expected uint8, uint16 or floating point in "
            f"[0, 1]. If its values run from 0 to 255, pass `{name}.astype(numpy.uint8)`."
        )
    if array.size == 0:
        raise ValueError(f"`{name}` is empty: its shape is {array.shape}.")
    if array.dtype in FULL_SCALE:
        return array / FULL_SCALE[array.dtype]
    low, high = float(array.min()), float(array.max())
    if not np.isfinite(low + high):
        raise ValueError(f"`{name}` contains NaN or infinite values; expected values in [0, 1].")
    if low < 0 or high > 1:
        raise ValueError(
            f"`{name}` has values from {low:g} to {high:g}; expected floating point in [0, 1]. "
            f"If they are meant on another scale, divide `{name}` by its full scale (such as 255)."
        )
    return array.astype(np.float64, copy=False)


def as_array(values: Any, *, name: str) -> np.ndarray:
    """Return the pixels of an array_like or a PIL image, as they are, in native byte order."""
    if isinstance(values, str | os.PathLike):
        raise TypeError(
            f"`{name}` is the path {os.fspath(values)!r}; expected pixels. Read the file first: "
            "alphamat.read_image(path)."
        )
    pil = sys.modules.get("PIL.Image")  # without it there are no PIL images
    if pil is not None and isinstance(values, pil.Image):
        values = _with_levels(values, name)
    try:
        array = np.asarray(values)
    except (MemoryError, RecursionError):
        raise
    except Exception as fault:  # rows of unequal lengths, or whatever an `__array__` raises
        raise TypeError(
            f"`{name}` is a {type(values).__name__} that NumPy cannot turn into an array: {fault}"
        ) from fault
    masked = sys.modules.get("numpy.ma")
    if masked is not None and masked.is_masked(values):
        raise TypeError(
            f"`{name}` is a masked array with {masked.count_masked(values)} masked values; "
            "expected values for all pixels, such as `.filled(value)` gives."
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _with_levels(picture: Any, name: str) -> Any:
    """Return a PIL image whose array holds levels: not indices of a palette, nor bool."""
    _refuse_lying(picture, name)
    clear = picture.mode in ("1", "L", "RGB", "P") and picture.has_transparency_data
    if clear or picture.mode in ("1", "P"):
        return picture.convert("RGBA" if clear else {"1": "L", "P": "RGB"}[picture.mode])
    if picture.mode[:2] == "I;" and "transparency" in picture.info:
        raise TypeError(
            f"`{name}` is a PIL image of 16 bits in which one level is transparent; read its file "
            "with alphamat.read_image(path)."
        )
    if picture.mode not in ("L", "RGB", "RGBA", "F") and picture.mode[:2] != "I;":
        deep = (
            f"If its values run to 65535, `numpy.asarray({name}).astype(numpy.uint16)` converts it."
        )
        raise TypeError(
            f"`{name}` is a PIL image in mode {picture.mode}; expected L, RGB, RGBA, P, 1, F or "
            "I;16. " + (deep if picture.mode == "I" else 'Convert it with `.convert("RGB")`.')
        )
    return picture


def _refuse_lying(picture: Any, name: str) -> None:
    """Raise if a PIL image has to be turned, unless it was by hand, which nobody can tell."""
    try:
        picture.load()
    except Exception as fault:  # decoders raise anything on bad bytes
        raise ValueError(
            f"`{name}` is a PIL image whose file is damaged or cut short: {fault}."
        ) from fault
    try:
        orientation = picture.getexif().get(0x0112)
    except Exception:  # damaged, and viewers do not turn it either
        return
    if orientation in range(2, 9):
        raise ValueError(
            f"`{name}` is a PIL image with EXIF orientation {orientation}, which is not upright. "
            f"Pass `PIL.ImageOps.exif_transpose({name})`, or `numpy.asarray({name})` if you have "
            "turned it already."
        )


def _single_channel(pixels: np.ndarray, name: str) -> np.ndarray:
    """Return the (H, W) plane of pixels stored as gray, or as colour with equal channels."""
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _without_opaque_alpha(pixels, name)
    if pixels.ndim == 3 and pixels.shape[2] in (1, 3):
        if (pixels != pixels[..., :1]).any():
            raise ValueError(f"`{name}` has colours; expected one gray channel, shape (H, W).")
        pixels = pixels[..., 0]
    if pixels.ndim != 2:
        raise ValueError(f"`{name}` has shape {pixels.shape}; expected (H, W).")
    return pixels


def refuse_other_size(
    actual: tuple[int, ...], expected: tuple[int, ...], name: str, other: str = "the image"
) -> None:
    """Raise ValueError unless two arrays have the same height and width."""
    if tuple(actual[:2]) != tuple(expected[:2]):
        raise ValueError(
            f"`{name}` is {actual[0]} × {actual[1]} and {other} is "
            f"{expected[0]} × {expected[1]} (height × width); they must be of one size."
        )


def _without_opaque_alpha(pixels: np.ndarray, name: str) -> np.ndarray:
    if (pixels[..., 3] != 1).any():
        raise ValueError(
            f"`{name}` has a fourth channel that is not opaque everywhere; expected RGB. Pass "
            f"`{name}[..., :3]` to ignore it, or composite over a background first."
        )
    return pixels[..., :3]
