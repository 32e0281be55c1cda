"""An image file whose header is read: what the readers of all formats give."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


class Stored(NamedTuple):
    """An image file whose header is read."""

    size: tuple[int, int]
    """Height and width as stored."""
    orientation: int
    """By EXIF, 1 to 8: how `decode` gives the pixels."""
    profile: bytes | None
    """ICC profile."""
    decode: Callable[[], np.ndarray]
    """Returns gray, RGB or RGBA, uint8 or uint16."""


class Windows(NamedTuple):
    """An image file of which parts can be read."""

    size: tuple[int, int]
    """Height and width."""
    rows: int
    """How many are unpacked together."""
    direct: bool
    """Whether any window is read at about its own cost; else bands of whole rows are."""
    read: Callable[[slice, slice], np.ndarray]
    """Returns gray, RGB or RGBA, uint8 or uint16, of some rows and columns."""


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
    return Stored((height, width), turned, profile, lambda: decode_with_pillow(picture))


def decode_with_pillow(picture: Any) -> np.ndarray:
    """Decode a picture of 8 bits or less."""
    picture.load()  # raises where the file is cut short
    if picture.mode not in EIGHT_BIT_FORM:
        raise unread_form(f"mode {picture.mode}")
    form = "RGBA" if "transparency" in picture.info else EIGHT_BIT_FORM[picture.mode]
    return np.asarray(picture if picture.mode == form else picture.convert(form))


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
    """Return the refusal of samples that are not gray or RGB of 8 or 16 bits."""
    return Refusal(
        f"has samples in a form that is not read ({what}); expected gray, RGB or RGBA with 8 or 16 "
        "bits per channel"
    )
