"""Image files: PNG, JPEG, TIFF and WebP in; PNG and TIFF out, at 8 or 16 bits."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from alphamat import memory
from alphamat.door.image import FULL_SCALE, Pixels, unit_range
from alphamat.door.parameters import as_count
from alphamat.io.png import encode_png, open_png
from alphamat.io.profiles import fitting
from alphamat.io.sniff import READABLE, format_of, other_kind
from alphamat.io.sources import Source, opened
from alphamat.io.stored import UPRIGHT, Refusal, Stored, open_with_pillow, silent_libtiff
from alphamat.io.tiff import open_tiff
from alphamat.io.whole import refuse_unwritable, replace_file

WRITABLE = (".png", ".tif", ".tiff")


class Picture(NamedTuple):
    """What an image file shows."""

    pixels: np.ndarray
    """(H, W), (H, W, 3) or (H, W, 4), uint8 or uint16; see `read_image`."""
    profile: bytes | None
    """Its ICC profile, if it has one that fits; without one, colours are sRGB."""


def read_image(path: Source, *, limit: int | None = None) -> np.ndarray:
    """Read an image file, upright.

    Parameters
    ----------
    path : path of a PNG, JPEG, TIFF or WebP file, or such a file open for reading
        Its contents decide the format, not its name. Of several frames, the first is read; of the
        pages of a TIFF, the first that is no thumbnail.
    limit : int, optional
        Pixels that the image may have. Set it where files come from strangers: a small file may
        claim a large image. By default it is twice `PIL.Image.MAX_IMAGE_PIXELS`.

    Returns
    -------
    (H, W), (H, W, 3) or (H, W, 4) array, uint8 or uint16
        Gray, RGB or RGBA with straight alpha, turned as its EXIF orientation says. Palette, CMYK
        and bilevel images become RGB or gray; transparency of any kind becomes a fourth channel.
        Colour profiles are not applied; `alphamat.io.read_picture` also gives the profile.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If there is no file at `path`, or it must not be read.
    ValueError
        If the file is not an image of these formats, is damaged or cut short, has samples of
        other than 8 or 16 bits, or more pixels than `limit`.
    MemoryError
        If this machine cannot hold the image.
    """
    return read_picture(path, limit=limit).pixels


def read_picture(path: Source, *, limit: int | None = None) -> Picture:
    """Read an image file with its colour profile.

    The profile says which colours the numbers are; `write_image` puts it into a result made from
    them. That of a CMYK image is dropped, since it becomes RGB. All else is as in `read_image`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "white.png"
    ...     write_image(path, np.ones((11, 14, 3)))
    ...     pixels, profile = read_picture(path)
    >>> pixels.shape, profile
    ((11, 14, 3), None)
    """
    if limit is not None:
        limit = as_count(limit, "limit", most=None)
    with opened(path) as (file, name), _named(name):
        stored = _stored(file)
        height, width = stored.size
        if limit is not None and height * width > limit:
            size = f"{height} × {width} pixels (height × width)"
            raise Refusal(f"has {size}; expected at most {limit:,}")
        # as stored, and as float64 RGB
        memory.refuse_beyond(
            32 * width * height,
            f"{name}, {height} × {width} (height × width),",
            "Make it smaller, or crop it.",
        )
        pixels = np.ascontiguousarray(UPRIGHT[stored.orientation](stored.decode()))
    return Picture(pixels, fitting(stored.profile, pixels))


def image_size(path: Source) -> tuple[int, int]:
    """Return the height and width of what `read_image` reads, without its pixels.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, ValueError
        As `read_image`, if it shows without the pixels.
    """
    with opened(path) as (file, name), _named(name):
        stored = _stored(file)
    height, width = stored.size
    return (height, width) if stored.orientation < 5 else (width, height)


def write_image(
    path: str | os.PathLike[str] | IO[bytes],
    pixels: Pixels,
    *,
    bits: int = 8,
    profile: bytes | None = None,
    format: str | None = None,
) -> None:
    """Write an image file whole, or not at all.

    The file takes its name only once it is complete and on disk: what was there before stays until
    then, also if the process is killed.

    Parameters
    ----------
    path : path ending in .png, .tif or .tiff, or a file open for writing
        A file already there is replaced.
    pixels : (H, W), (H, W, 3) or (H, W, 4) array_like
        Gray, RGB or RGBA with straight alpha: floating point in [0, 1], uint8 or uint16. Values
        are rounded to the nearest level.
    bits : 8 or 16
        Bits per channel.
    profile : bytes or None
        ICC profile that the colours have, such as `alphamat.io.read_picture` gives. Without one,
        they are taken for sRGB.
    format : "png" or "tiff"
        For open files, which have no ending.

    Raises
    ------
    ValueError, FileNotFoundError, IsADirectoryError
        If no such file can be written at `path` (see `refuse_unwritable`), or if another argument
        is not as above.
    """
    kind = _kind_to_write(path, format)
    if bits not in (8, 16):
        raise ValueError(f"`bits` is {bits}; expected 8 or 16.")
    pixels = unit_range(pixels, name="pixels")
    if pixels.ndim != 2 and (pixels.ndim != 3 or pixels.shape[2] not in (3, 4)):
        raise ValueError(
            f"`pixels` has shape {pixels.shape}; expected (H, W), (H, W, 3) or (H, W, 4)."
        )
    if fitting(profile, pixels) is not profile:
        raise ValueError(
            f"`profile` is no ICC profile for {'gray' if pixels.ndim == 2 else 'RGB'}, which "
            "`pixels` has."
        )
    dtype = np.dtype(f"uint{bits}")
    levels = np.rint(pixels * FULL_SCALE[dtype]).astype(dtype)
    content = (encode_png if kind == "png" else _encode_tiff)(levels, profile)
    if isinstance(path, str | os.PathLike):
        replace_file(path, [content])
    else:
        path.write(content)


def _stored(file: Any) -> Stored:
    """Read all of an image file but its pixels."""
    from PIL import Image

    head = file.read(512)
    if not head:
        raise Refusal(f"is empty; expected a whole {READABLE} file")
    kind = format_of(head)
    if kind is None and (other := other_kind(head)):
        told = other if "," in other else f"{other}, which is not read"
        raise Refusal(f"is {told}; expected {READABLE}")
    if kind is None:
        raise Refusal(
            f"({file.seek(0, 2):,} bytes) is not an image that can be read; expected a whole "
            f"{READABLE} file"
        )
    file.seek(0)
    readers = {"PNG": open_png, "TIFF": open_tiff}
    stored = readers[kind](file) if kind in readers else open_with_pillow(file, kind)
    if Image.MAX_IMAGE_PIXELS and stored.size[0] * stored.size[1] > 2 * Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError
    return stored


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name the file in whatever goes wrong."""
    from PIL import Image, UnidentifiedImageError

    # Pillow warns about odd metadata, and about sizes that are checked here.
    with warnings.catch_warnings(), silent_libtiff():
        warnings.simplefilter("ignore")
        try:
            yield
        except MemoryError as fault:
            raise MemoryError(str(fault) or f"{name} does not fit into memory.") from fault
        except Refusal as fault:
            raise ValueError(f"{name} {fault}.") from fault
        except Image.DecompressionBombError:
            raise ValueError(
                f"{name} has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, which is too "
                "large (from Python, raise PIL.Image.MAX_IMAGE_PIXELS to read it all the same)."
            ) from None
        except UnidentifiedImageError:
            raise ValueError(
                f"{name} is damaged, or of a rare kind that is not read; save it as PNG."
            ) from None
        except Exception as error:  # decoders raise anything on bad bytes
            if isinstance(error, OSError) and error.errno:  # the system does, not a decoder
                raise type(error)(f"{name} cannot be read: {error.strerror}.") from error
            raise ValueError(f"{name} is damaged or cut short: {error}.") from error


def _kind_to_write(path: Any, format: str | None) -> str:
    """Return "png" or "tiff"."""
    if isinstance(path, str | os.PathLike):
        if format is not None:
            raise ValueError(
                f"`format` is {format!r}; the ending of a path decides, and open files have none."
            )
        refuse_unwritable(path, endings=WRITABLE)
        return "png" if Path(path).suffix.lower() == ".png" else "tiff"
    if not hasattr(path, "write"):
        raise TypeError(
            f"`path` is a {type(path).__name__}; expected a path, or a file open for writing in "
            "binary mode."
        )
    if format not in ("png", "tiff"):
        raise ValueError(f"`format` is {format!r}; expected 'png' or 'tiff' for an open file.")
    return format


def _encode_tiff(levels: np.ndarray, profile: bytes | None) -> bytes:
    import tifffile

    file = BytesIO()
    tifffile.imwrite(
        file,
        levels,
        photometric="minisblack" if levels.ndim == 2 else "rgb",
        extrasamples=["unassalpha"] if levels.shape[2:] == (4,) else None,
        compression="zlib",
        iccprofile=profile,
        metadata=None,
    )
    return file.getvalue()
