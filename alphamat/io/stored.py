"""An image file whose header is read: what the readers of all formats give."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

# How to turn stored pixels upright, by EXIF orientation.
UPRIGHT = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}

# The form that each of Pillow's modes is converted to.
EIGHT_BIT_FORM = {
    **dict.fromkeys(("1", "L"), "L"),
    **dict.fromkeys(("P", "RGB", "CMYK", "YCbCr"), "RGB"),
    **dict.fromkeys(("LA", "PA", "RGBA", "RGBa"), "RGBA"),
}


class Refusal(ValueError):
    """A fault in a file; its message goes on after the file's name."""


class Light(NamedTuple):
    """What an EXR file says of its numbers, which are scene-linear light."""

    chromaticities: tuple[float, ...] = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)
    """x and y of red, green, blue and white, CIE 1931; by default those of sRGB, ITU-R BT.709."""
    pixel_aspect: float = 1.0
    """Width of a pixel over its height."""


class Stored(NamedTuple):
    """An image file whose header is read."""

    size: tuple[int, int]
    """Height and width as stored."""
    orientation: int
    """By EXIF, 1 to 8: how `decode` gives the pixels."""
    profile: bytes | None
    """ICC profile."""
    decode: Callable[[], np.ndarray]
    """Returns gray, RGB or RGBA: uint8, uint16, float16 or float32."""
    light: Light | None = None
    """Of scene-linear light; None where numbers are encoded."""


class Windows(NamedTuple):
    """An image file of which parts can be read."""

    size: tuple[int, int]
    """Height and width."""
    rows: int
    """How many are unpacked together."""
    direct: bool
    """Whether any window is read at about its own cost; else bands of whole rows are."""
    read: Callable[[slice, slice], np.ndarray]
    """Returns gray, RGB or RGBA, uint8 or uint16, of some rows and columns; of arrays, as is."""
    profile: bytes | None = None
    """ICC profile."""


def open_with_pillow(file: Any, kind: str, page: int = 0) -> Stored:
    """Open one page of a file of 8 bits; Pillow refuses what is damaged."""
    from PIL import Image

    picture = Image.open(file, formats=[kind])
    if page:
        picture.seek(page)
    width, height = picture.size
    # Pillow gives TIFFs upright.
    turned = 1 if kind == "TIFF" else orientation_in(picture.info)
    profile = picture.info.get("icc_profile")
    if picture.mode == "CMYK" and profile is not None:
        return Stored((height, width), turned, None, lambda: _without_ink(picture, profile))
    return Stored((height, width), turned, profile, lambda: decode_with_pillow(picture))


def decode_with_pillow(picture: Any) -> np.ndarray:
    """Decode a picture of 8 bits or less."""
    picture.load()  # raises where the file is cut short
    if picture.mode not in EIGHT_BIT_FORM:
        raise unread_form(f"mode {picture.mode}")
    form = "RGBA" if "transparency" in picture.info else EIGHT_BIT_FORM[picture.mode]
    return np.asarray(picture if picture.mode == form else picture.convert(form))


def _without_ink(picture: Any, profile: bytes) -> np.ndarray:
    """Return what a CMYK picture looks like in sRGB; of a damaged profile, what it may."""
    from PIL import ImageCms

    picture.load()
    try:
        ink, screen = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        shown = ImageCms.profileToProfile(picture, ink, screen, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return decode_with_pillow(picture)
    return np.asarray(shown)


@contextmanager
def silent_libtiff() -> Iterator[None]:
    """Let libtiff, in Pillow, print nothing on stderr: damage becomes an error."""
    from PIL import Image

    try:
        set_handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError, TypeError):  # where Pillow hides it
        yield
        return
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    handler = set_handler(None)
    try:
        yield
    finally:
        set_handler(handler)


def orientation_in(info: dict) -> int:
    """Return the orientation that EXIF or XMP says, in Pillow's terms; 1 if they are damaged."""
    from PIL import Image

    about = Image.new("1", (1, 1))
    about.info = info
    try:
        found = about.getexif().get(0x0112)
    except Exception:  # it raises anything on bad bytes, as decoders do
        return 1
    return found if found in UPRIGHT else 1


def unread_form(what: str) -> Refusal:
    """Return the refusal of samples that are not gray or RGB of 8 or 16 bits, half or float."""
    return Refusal(
        f"has samples in a form that is not read ({what}); expected gray, RGB or RGBA with 8 or 16 "
        "bits per channel, or half or float"
    )
