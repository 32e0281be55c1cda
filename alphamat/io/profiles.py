"""Colour profiles: which fit a picture, and colours brought from one to another.

ISO 15076-1 (ICC.1). Without a profile, pictures are sRGB.
"""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np

from alphamat.io.primaries import SRGB, of_profile, tags_of

ALIKE = 2  # levels of 255: profiles that differ by no more are one; two sRGBs differ by 1


def fitting(profile: bytes | None, pixels: np.ndarray) -> bytes | None:
    """Return `profile` if it is an ICC profile for the channels of `pixels`, or else None."""
    space = b"GRAY" if pixels.ndim == 2 else b"RGB "
    if profile is None or profile[36:40] != b"acsp" or profile[16:20] != space:
        return None
    return profile


def as_rgb(profile: bytes | None, *, name: str) -> bytes | None:
    """Return a profile for RGB, in which gray looks as in `profile`, if that is one for gray.

    `name` is what the error calls the picture.

    Raises
    ------
    ValueError
        If the profile is for gray, and not by a curve.

    Examples
    --------
    >>> as_rgb(None, name="image") is None  # sRGB
    True
    """
    if profile is None or profile[16:20] != b"GRAY":
        return profile
    tags = tags_of(profile)
    if b"kTRC" not in tags or profile[20:24] != b"XYZ ":
        raise ValueError(
            f"{name} has a colour profile for gray without a curve, which colours cannot have; "
            "convert it to sRGB."
        )
    curve = tags.pop(b"kTRC")
    tags = {tag: tags[tag] for tag in (b"desc", b"cprt", b"wtpt") if tag in tags}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    for tag, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), SRGB, strict=True):
        tags[tag] = b"XYZ \0\0\0\0" + np.rint(65536 * np.array(column)).astype(">i4").tobytes()
    table, content = b"", b""
    for tag, body in tags.items():
        place = 132 + 12 * len(tags) + len(content)
        table += struct.pack(">4sII", tag, place, len(body))
        content += body + bytes(-len(body) % 4)
    size = 132 + len(table) + len(content)
    head = struct.pack(">I8x4s4s", size, b"mntr", b"RGB ")
    head = head[:4] + profile[4:12] + head[12:] + profile[20:84] + bytes(44)
    return head + struct.pack(">I", len(tags)) + table + content


def convert_colours(pixels: np.ndarray, source: bytes | None, target: bytes | None) -> np.ndarray:
    """Bring colours from one profile to another, relative to the white of each.

    Profiles of curves and a matrix are computed in floating point; those with tables by LittleCMS,
    in 8 bits.

    Parameters
    ----------
    pixels : (..., 3) array
        RGB in [0, 1].
    source, target : bytes or None
        ICC profiles for RGB; None is sRGB.

    Returns
    -------
    (..., 3) float64 array in [0, 1]. It is `pixels` itself where the profiles are alike.

    Raises
    ------
    ValueError
        If a profile cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> convert_colours(np.array([1.0, 0.5, 0.0]), None, None).tolist()
    [1.0, 0.5, 0.0]
    """
    if source == target:
        return pixels
    steps = np.linspace(0, 255, 9).round()
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1) / 255
    converted = _converted(colours, source, target)
    if np.abs(converted - colours).max() <= ALIKE / 255:
        return pixels
    return _converted(pixels, source, target)


def _converted(colours: np.ndarray, source: bytes | None, target: bytes | None) -> np.ndarray:
    start, end = of_profile(source), of_profile(target)
    if start is None or end is None:
        levels = np.rint(255 * colours).astype(np.uint8).reshape(1, -1, 3)
        return _by_littlecms(levels, source, target).reshape(colours.shape) / 255
    return end.encoded(start.linear(colours) @ np.linalg.solve(end.matrix, start.matrix).T)


def _by_littlecms(levels: np.ndarray, source: bytes | None, target: bytes | None) -> np.ndarray:
    from PIL import Image, ImageCms

    def opened(profile):
        if profile is None:
            return ImageCms.createProfile("sRGB")
        return ImageCms.ImageCmsProfile(BytesIO(profile))

    try:
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        return np.asarray(
            ImageCms.profileToProfile(
                Image.fromarray(levels), opened(source), opened(target), renderingIntent=intent
            )
        )
    except (ImageCms.PyCMSError, OSError) as fault:
        raise ValueError(f"a colour profile cannot be used: {fault}.") from fault
