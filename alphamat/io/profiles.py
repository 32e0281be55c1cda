"""Colour profiles: which fit a picture, and colours brought from one to another.

ISO 15076-1 (ICC.1). Without a profile, pictures are sRGB.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np

ALIKE = 2  # levels of 255: profiles that differ by no more are one; two sRGBs differ by 1


def fitting(profile: bytes | None, pixels: np.ndarray) -> bytes | None:
    """Return `profile` if it is an ICC profile for the channels of `pixels`, or else None."""
    space = b"GRAY" if pixels.ndim == 2 else b"RGB "
    if profile is None or profile[36:40] != b"acsp" or profile[16:20] != space:
        return None
    return profile


def convert_colours(
    pixels: np.ndarray, source: bytes | None, target: bytes | None
) -> np.ndarray:
    """Bring colours from one profile to another, by LittleCMS.

    Parameters
    ----------
    pixels : (..., 3) array
        RGB in [0, 1].
    source, target : bytes or None
        ICC profiles for RGB; None is sRGB.

    Returns
    -------
    (..., 3) float64 array, rounded to 8 bits. It is `pixels` itself where the profiles are alike.

    Raises
    ------
    ValueError
        If LittleCMS cannot use a profile.

    Examples
    --------
    >>> import numpy as np
    >>> convert_colours(np.array([1.0, 0.5, 0.0]), None, None).tolist()
    [1.0, 0.5, 0.0]
    """
    if source == target:
        return pixels
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    converted = _converted(colours, source, target)
    if np.abs(converted.astype(int) - colours).max() <= ALIKE:
        return pixels
    levels = np.rint(255 * pixels).astype(np.uint8)
    return _converted(levels.reshape(1, -1, 3), source, target).reshape(pixels.shape) / 255


def _converted(levels: np.ndarray, source: bytes | None, target: bytes | None) -> np.ndarray:
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
