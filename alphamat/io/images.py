"""Image files: PNG, JPEG, TIFF and WebP in; PNG and TIFF out, at 8 or 16 bits.

Pillow decodes every file, and refuses bad ones. It may keep only 8 of 16 bits, and it turns some
16-bit TIFFs wrongly, so OpenCV decodes files with 16 bits a second time.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from alphamat import memory
from alphamat.door.image import FULL_SCALE, Pixels, unit_range
from alphamat.io.whole import refuse_unwritable, replace_file

READABLE = ("PNG", "JPEG", "TIFF", "WEBP")
WRITABLE = (".png", ".tif", ".tiff")

# The form that each of Pillow's modes is converted to.
EIGHT_BIT_FORM = {
    **dict.fromkeys(("1", "L"), "L"),
    **dict.fromkeys(("P", "RGB", "CMYK", "YCbCr"), "RGB"),
    **dict.fromkeys(("LA", "PA", "RGBA", "RGBa"), "RGBA"),
}

# How to turn stored pixels upright, by EXIF orientation.
UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an image file, upright.

    Parameters
    ----------
    path : path of a PNG, JPEG, TIFF or WebP file
        Its contents decide the format, not its name. Of several frames, the first is read.

    Returns
    -------
    (H, W), (H, W, 3) or (H, W, 4) array, uint8 or uint16
        Gray, RGB or RGBA as stored, turned as its EXIF orientation says. Palette, CMYK and bilevel
        images become RGB or gray; transparency of any kind becomes a fourth channel. Colour
        profiles are not applied.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no file at `path`.
    ValueError
        If the file is not an image of these formats, is damaged or cut short, or has samples of
        other than 8 or 16 bits.
    MemoryError
        If this machine cannot hold the image.
    """
    path = Path(path)
    with _opened(path) as picture:
        width, height = picture.size
        # as stored, and as float64 RGB
        memory.refuse_beyond(
            32 * width * height,
            f"{path}, {height} × {width} (height × width),",
            "Make it smaller, or crop it.",
        )
        pixels = _decode(path, picture)
        # Decoded TIFFs are upright, and then Pillow has dropped their orientation.
        turn = UPRIGHT.get(picture.getexif().get(0x0112), lambda pixels: pixels)
        return np.ascontiguousarray(turn(pixels))


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the height and width of what `read_image` reads, from the file's header alone.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError
        As `read_image`, if the header shows it.
    """
    from PIL import Image

    path = Path(path)
    with _opened(path) as picture:
        width, height = picture.size
        # Pillow gives the size of a TIFF upright, and PNG's own `getexif` would decode the picture.
        orientation = Image.Image.getexif(picture).get(0x0112)
        sideways = picture.format != "TIFF" and orientation in (5, 6, 7, 8)
    return (width, height) if sideways else (height, width)


def write_image(path: str | os.PathLike[str], pixels: Pixels, *, bits: int = 8) -> None:
    """Write an image file whole, or not at all.

    The file takes its name only once it is complete and on disk: what was there before stays until
    then, also if the process is killed.

    Parameters
    ----------
    path : path ending in .png, .tif or .tiff
        A file already there is replaced.
    pixels : (H, W), (H, W, 3) or (H, W, 4) array_like
        Gray, RGB or RGBA with straight alpha: floating point in [0, 1], uint8 or uint16. Values
        are rounded to the nearest level.
    bits : 8 or 16
        Bits per channel.

    Raises
    ------
    ValueError, FileNotFoundError, IsADirectoryError
        If no such file can be written at `path` (see `refuse_unwritable`), or if `pixels` or `bits`
        are not as above.
    """
    path = Path(path)
    refuse_unwritable(path, endings=WRITABLE)
    if bits not in (8, 16):
        raise ValueError(f"`bits` is {bits}; expected 8 or 16.")
    pixels = unit_range(pixels, name="pixels")
    if pixels.ndim != 2 and (pixels.ndim != 3 or pixels.shape[2] not in (3, 4)):
        raise ValueError(
            f"`pixels` has shape {pixels.shape}; expected (H, W), (H, W, 3) or (H, W, 4)."
        )
    dtype = np.dtype(f"uint{bits}")
    levels = np.rint(pixels * FULL_SCALE[dtype]).astype(dtype)
    encode = _encode_png if path.suffix.lower() == ".png" else _encode_tiff
    replace_file(path, [encode(levels)])


class _Refusal(ValueError):
    """A fault found here, whose message names the file already."""


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open with Pillow, and name the file in whatever goes wrong until it is closed."""
    from PIL import Image, UnidentifiedImageError

    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected an image file.")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; expected an image file.")
    # Pillow warns about odd metadata, and about sizes that are checked here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=READABLE) as picture:
                yield picture
        except (_Refusal, PermissionError, MemoryError):
            raise
        except Image.DecompressionBombError:
            raise ValueError(
                f"{path} has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, which is too "
                "large (from Python, raise PIL.Image.MAX_IMAGE_PIXELS to read it all the same)."
            ) from None
        except UnidentifiedImageError:
            raise ValueError(
                f"{path} ({path.stat().st_size:,} bytes) is not an image that can be read; "
                "expected a whole PNG, JPEG, TIFF or WebP file."
            ) from None
        except Exception as error:  # decoders raise anything on bad bytes
            raise ValueError(f"{path} is damaged or cut short: {error}.") from error


def _decode(path: Path, picture) -> np.ndarray:
    sixteen = any(";16" in str(tile.args) for tile in picture.tile)
    picture.load()  # raises where the file is cut short
    if sixteen and picture.mode in ("I;16", "I;16B", "LA", "RGB", "RGBA"):
        return _decode_sixteen(path)
    if sixteen or picture.mode not in EIGHT_BIT_FORM:
        raise _Refusal(
            f"{path} has samples in a form that is not read (mode {picture.mode}); expected gray, "
            "RGB or RGBA with 8 or 16 bits per channel."
        )
    form = "RGBA" if "transparency" in picture.info else EIGHT_BIT_FORM[picture.mode]
    return np.asarray(picture.convert(form))


def _decode_sixteen(path: Path) -> np.ndarray:
    import cv2

    stored = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint16:
        raise _Refusal(f"{path} has 16 bits per channel in a form that OpenCV cannot decode.")
    return _swap_red_and_blue(stored)


def _encode_png(levels: np.ndarray) -> bytes:
    import cv2

    return cv2.imencode(".png", _swap_red_and_blue(levels))[1].tobytes()


def _encode_tiff(levels: np.ndarray) -> bytes:
    from io import BytesIO

    import tifffile

    file = BytesIO()
    tifffile.imwrite(
        file,
        levels,
        photometric="minisblack" if levels.ndim == 2 else "rgb",
        extrasamples=["unassalpha"] if levels.shape[2:] == (4,) else None,
        compression="zlib",
        metadata=None,
    )
    return file.getvalue()


def _swap_red_and_blue(pixels: np.ndarray) -> np.ndarray:
    """Exchange OpenCV's order of channels and ours."""
    return pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
