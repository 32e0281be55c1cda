"""Image files in and out; docs/formats.md has a table of formats."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from alphamat import memory
from alphamat.door.image import FULL_SCALE, Pixels, as_array, unit_range
from alphamat.door.parameters import as_count, shown
from alphamat.io.exr import LARGEST_HALF, encode_exr, open_exr
from alphamat.io.heif import open_avif, open_heif
from alphamat.io.picture import Picture, encoded
from alphamat.io.png import encode_png, open_png
from alphamat.io.profiles import fitting
from alphamat.io.sniff import READABLE, format_of, other_kind
from alphamat.io.sources import Source, opened
from alphamat.io.stored import UPRIGHT, Light, Refusal, Stored, open_with_pillow, silent_libtiff
from alphamat.io.tiff import open_tiff
from alphamat.io.whole import refuse_unwritable, replace_file

KINDS = {".png": "png", ".tif": "tiff", ".tiff": "tiff", ".exr": "exr"}
WRITABLE = tuple(KINDS)
SAMPLES = {8: np.uint8, 16: np.uint16, "half": np.float16, "float": np.float32}
READERS = {"PNG": open_png, "TIFF": open_tiff, "AVIF": open_avif, "HEIF": open_heif}
DEPTHS = {"png": (8, 16), "tiff": (8, 16, "half", "float"), "exr": ("half", "float")}
"""What the samples of each kind of file may be; the first is the default."""


def read_image(path: Source, *, layer: str | None = None, limit: int | None = None) -> np.ndarray:
    """Read an image file, upright, as matting takes it.

    Parameters
    ----------
    path : path of an image file, or such a file open for reading
        PNG, JPEG, TIFF, WebP, AVIF; OpenEXR and HEIF, if their extras are installed. The contents
        decide the format, not the name. Of several frames, the first is read; of the pages of a
        TIFF, the first that is no thumbnail.
    layer : str, optional
        Of an EXR file: a layer, a part, or one channel by its name. By default R, G, B and A, or Y,
        or A, of the first part; or the only layer.
    limit : int, optional
        Pixels that the image may have. Set it where files come from strangers: a small file may
        claim a large image. By default it is twice `PIL.Image.MAX_IMAGE_PIXELS`.

    Returns
    -------
    (H, W), (H, W, 3) or (H, W, 4) array: uint8, uint16, or floating point in [0, 1]
        Gray, RGB or RGBA with straight alpha, turned as its EXIF orientation says. Palette, CMYK
        and bilevel images become RGB or gray; transparency of any kind becomes a fourth channel.
        The light of EXR's colours is clipped to [0, 1] and encoded by sRGB's curve, while single
        channels are as they are. Colour profiles are not applied. `alphamat.io.read_picture` gives
        light and profile.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If there is no file at `path`, or it must not be read.
    ValueError
        If the file is not an image of these formats, is damaged or cut short, has samples of
        another kind or floating point beyond [0, 1], has no such layer, or more pixels than
        `limit`.
    MemoryError
        If this machine cannot hold the image.
    ImportError
        If the format needs an extra that is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import alphamat
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     alphamat.write_image(f"{folder}/alpha.png", np.array([[0.0, 1.0]]))
    ...     alphamat.read_image(f"{folder}/alpha.png")
    array([[  0, 255]], dtype=uint8)
    """
    pixels, _, light = read_picture(path, layer=layer, limit=limit)
    if light is not None and pixels.ndim == 3:
        pixels = encoded(pixels, light)
    return pixels.astype(np.float32, copy=False) if pixels.dtype.kind == "f" else pixels


def read_picture(path: Source, *, layer: str | None = None, limit: int | None = None) -> Picture:
    """Read an image file with its colour profile, or as the light that it is.

    The profile says which colours the numbers are; `write_image` puts it into a result made from
    them. That of a CMYK image is applied, since it becomes RGB: sRGB. EXR gives scene-linear light,
    of any brightness, as it is. All else is as in `read_image`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "white.png"
    ...     write_image(path, np.ones((11, 14, 3)))
    ...     pixels, profile, light = read_picture(path)
    >>> pixels.shape, profile, light
    ((11, 14, 3), None, None)
    """
    if limit is not None:
        limit = as_count(limit, "limit", most=None)
    with opened(path) as (file, name), _named(name):
        stored = _stored(file, layer)
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
        if stored.light is None and pixels.dtype.kind == "f":
            _refuse_out_of_range(pixels)
    return Picture(pixels, fitting(stored.profile, pixels), stored.light)


def _refuse_out_of_range(pixels: np.ndarray) -> None:
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite(low + high):
        raise Refusal("has samples that are NaN or infinite; expected values in [0, 1]")
    if low < 0 or high > 1:
        raise Refusal(
            f"has values from {low:g} to {high:g}; expected [0, 1], encoded as sRGB or by a "
            "profile. If they are scene-linear light, save it as EXR; if they are on another "
            "scale, divide them by their full scale"
        )


def image_size(path: Source, *, layer: str | None = None) -> tuple[int, int]:
    """Return the height and width of what `read_image` reads, without its pixels.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, ValueError
        As `read_image`, if it shows without the pixels.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import alphamat
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     alphamat.write_image(f"{folder}/photo.png", np.zeros((4, 5, 3)))
    ...     alphamat.io.image_size(f"{folder}/photo.png")
    (4, 5)
    """
    with opened(path) as (file, name), _named(name):
        stored = _stored(file, layer)
    height, width = stored.size
    return (height, width) if stored.orientation < 5 else (width, height)


def write_image(
    path: str | os.PathLike[str] | IO[bytes],
    pixels: Pixels,
    *,
    bits: int | str | None = None,
    profile: bytes | None = None,
    light: Light | None = None,
    format: str | None = None,
) -> None:
    """Write an image file whole, or not at all.

    The file takes its name only once it is complete and on disk: what was there before stays until
    then, also if the process is killed.

    Parameters
    ----------
    path : path ending in .png, .tif, .tiff or .exr, or a file open for writing
        A file already there is replaced.
    pixels : (H, W), (H, W, 3) or (H, W, 4) array_like
        Gray, RGB or RGBA with straight alpha: floating point in [0, 1], uint8 or uint16. Values
        are rounded to the nearest level. For EXR floating point of any brightness: scene-linear
        light, such as `alphamat.door.decode_srgb` gives of sRGB, of which the file gets colours
        multiplied by alpha, as the format has them; one channel is written as Y.
    bits : 8, 16, "half" or "float"
        Bits of each sample; or floating point of 16 bits or 32. PNG has 8 or 16, EXR half or float,
        TIFF all. By default 8, or half in EXR.
    profile : bytes or None
        ICC profile that the colours have, such as `alphamat.io.read_picture` gives. Without one,
        they are taken for sRGB. EXR has none.
    light : alphamat.io.Light, optional
        Primaries and shape of pixels, for EXR; by default sRGB's, and square.
    format : "png", "tiff" or "exr"
        For open files, which have no ending.

    Raises
    ------
    ValueError, FileNotFoundError, IsADirectoryError
        If no such file can be written at `path` (see `refuse_unwritable`), or if another argument
        is not as above.
    ImportError
        If it is EXR, and OpenEXR is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import alphamat
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     alphamat.write_image(f"{folder}/alpha.png", np.array([[0.0, 1.0]]))
    ...     alphamat.read_image(f"{folder}/alpha.png")
    array([[  0, 255]], dtype=uint8)
    """
    kind = _kind_to_write(path, format)
    bits = DEPTHS[kind][0] if bits is None else bits
    if bits not in DEPTHS[kind]:
        expected = " or ".join(map(str, DEPTHS[kind]))
        raise ValueError(f"`bits` is {shown(bits)}; expected {expected} for {kind.upper()}.")
    if light is not None and kind != "exr":
        raise ValueError(f"`light` is given, and {kind.upper()} is not light; write EXR.")
    values = _light(pixels, bits) if kind == "exr" else unit_range(pixels, name="pixels")
    if values.ndim != 2 and (values.ndim != 3 or values.shape[2] not in (3, 4)):
        raise ValueError(
            f"`pixels` has shape {values.shape}; expected (H, W), (H, W, 3) or (H, W, 4)."
        )
    if kind == "exr" and profile is not None:
        raise ValueError("`profile` is given, and EXR has none; expected light, and None.")
    if fitting(profile, values) is not profile:
        raise ValueError(
            f"`profile` is no ICC profile for {'gray' if values.ndim == 2 else 'RGB'}, which "
            "`pixels` has."
        )
    content = _encoded(values, kind, np.dtype(SAMPLES[bits]), profile, light or Light())
    if isinstance(path, str | os.PathLike):
        replace_file(path, [content])
    else:
        path.write(content)


def _light(pixels: Pixels, bits: int | str) -> np.ndarray:
    """Return pixels as light that a file can hold: finite, and within half or float."""
    values = as_array(pixels, name="pixels")
    if values.ndim == 2 and values.dtype in FULL_SCALE:
        return unit_range(values, name="pixels")  # an alpha or a trimap
    if values.dtype.kind != "f":
        raise TypeError(
            f"`pixels` has dtype {values.dtype}; expected floating point, scene-linear light, for "
            "EXR. alphamat.door.decode_srgb makes it of sRGB values in [0, 1]."
        )
    if values.size == 0:
        raise ValueError(f"`pixels` is empty: its shape is {values.shape}.")
    largest = float(np.abs(values).max())
    if not np.isfinite(largest):
        raise ValueError("`pixels` contains NaN or infinite values; expected finite light.")
    if bits == "half" and largest > LARGEST_HALF:
        raise ValueError(
            f"`pixels` has light up to {largest:g}, and half holds at most {LARGEST_HALF:g}; give "
            "`bits` 'float'."
        )
    return values


def _encoded(
    values: np.ndarray, kind: str, dtype: np.dtype, profile: bytes | None, light: Light
) -> bytes:
    if kind == "exr":
        return encode_exr(values, dtype, light)
    if dtype.kind == "f":
        levels = values.astype(dtype)
    else:
        levels = np.rint(values * FULL_SCALE[dtype]).astype(dtype)
    return (encode_png if kind == "png" else _encode_tiff)(levels, profile)


def _stored(file: Any, layer: str | None) -> Stored:
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
    if kind == "EXR":
        stored = open_exr(file, layer)
    elif layer is not None:
        raise Refusal(f"is {kind}, which has no layers; leave out `layer`")
    else:
        stored = READERS[kind](file) if kind in READERS else open_with_pillow(file, kind)
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
        except ImportError as fault:  # of an extra
            raise type(fault)(f"{name}: {fault}") from None
        except Exception as error:  # decoders raise anything on bad bytes
            if isinstance(error, OSError) and error.errno:  # the system does, not a decoder
                raise type(error)(f"{name} cannot be read: {error.strerror}.") from error
            raise ValueError(f"{name} is damaged or cut short: {error}.") from error


def _kind_to_write(path: Any, format: str | None) -> str:
    """Return "png", "tiff" or "exr"."""
    kinds = list(DEPTHS)
    if isinstance(path, str | os.PathLike):
        if format is not None:
            raise ValueError(
                f"`format` is {format!r}; the ending of a path decides, and open files have none."
            )
        refuse_unwritable(path, endings=WRITABLE)
        return KINDS[Path(path).suffix.lower()]
    if not hasattr(path, "write"):
        raise TypeError(
            f"`path` is a {type(path).__name__}; expected a path, or a file open for writing in "
            "binary mode."
        )
    if format not in kinds:
        raise ValueError(
            f"`format` is {format!r}; expected {' or '.join(map(repr, kinds))} for an open file."
        )
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
