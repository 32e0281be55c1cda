"""What an image file shows, and its colours as others need them: sRGB for matting, or light."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphamat.door.colour import decode_srgb, encode_srgb
from alphamat.door.image import as_image
from alphamat.door.parameters import as_number
from alphamat.io.primaries import of_chromaticities, of_profile
from alphamat.io.profiles import as_rgb, convert_colours
from alphamat.io.stored import Light


class Picture(NamedTuple):
    """What an image file shows."""

    pixels: np.ndarray
    """(H, W), (H, W, 3) or (H, W, 4): uint8 or uint16, float16 or float32; see `read_picture`."""
    profile: bytes | None
    """Its ICC profile, if it has one that fits; without one, colours are sRGB."""
    light: Light | None = None
    """Of EXR, whose pixels are scene-linear light of any brightness; None of all others."""


def as_srgb(picture: Picture, *, name: str = "picture", exposure: float = 0.0) -> np.ndarray:
    """Return a picture's colours as matting takes them: sRGB, whatever they are in the file.

    Light is multiplied by 2 to the power of `exposure`, clipped to [0, 1] and encoded by sRGB's
    curve. Other colours are brought from their profile to sRGB, and clipped to its gamut.

    Parameters
    ----------
    picture : Picture
    name : str
        What errors call it.
    exposure : float
        Stops, from -100 to 100; for light.

    Returns
    -------
    (H, W, 3) float64 array in [0, 1].

    Raises
    ------
    ValueError
        If the picture is transparent in places, its profile cannot be used, or `exposure` is
        given and the picture is not light.

    Examples
    --------
    >>> import numpy as np
    >>> light = np.full((11, 14, 3), 0.107, np.float32)
    >>> float(as_srgb(Picture(light, None, Light()), exposure=1)[0, 0, 0].round(2))
    0.5
    """
    exposure = as_number(exposure, "exposure", "stops in [-100, 100]", least=-100, most=100)
    if picture.light is not None:
        return as_image(encoded(picture.pixels, picture.light, exposure), name=name)
    if exposure:
        raise ValueError(
            f"`exposure` is {exposure:g}, and {name} is not scene-linear light, as EXR is."
        )
    return convert_colours(as_image(picture.pixels, name=name), _profile(picture, name), None)


def as_light(picture: Picture, *, name: str = "picture") -> np.ndarray:
    """Return the scene-linear light of a picture with sRGB's primaries.

    Parameters
    ----------
    picture : Picture
    name : str
        What errors call it.

    Returns
    -------
    (H, W, 3) float64 array. Light that sRGB cannot show is below 0 or above 1; the white of a
    picture that is not EXR is 1.

    Raises
    ------
    ValueError
        If the picture is transparent in places, or its profile cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> as_light(Picture(np.full((1, 1), 255, np.uint8), None))[0, 0].tolist()
    [1.0, 1.0, 1.0]
    """
    if picture.light is not None:
        return to_primaries(as_opaque(picture.pixels, name), picture.light, Light())
    colours, profile = as_image(picture.pixels, name=name), _profile(picture, name)
    primaries = None if profile is None else of_profile(profile)
    if primaries is None:
        return decode_srgb(convert_colours(colours, profile, None))
    srgb = of_profile(None)
    assert srgb is not None
    return primaries.linear(colours) @ np.linalg.solve(srgb.matrix, primaries.matrix).T


def as_opaque(light: np.ndarray, name: str) -> np.ndarray:
    """Return light as (H, W, 3) float64, if it is opaque."""
    if light.ndim == 2:
        return np.repeat(light[..., None].astype(np.float64), 3, axis=2)
    if light.shape[2] == 4 and (light[..., 3] != 1).any():
        raise ValueError(
            f"`{name}` has a fourth channel that is not opaque everywhere; expected RGB. Pass "
            f"`{name}[..., :3]` to ignore it, or composite over a background first."
        )
    return light[..., :3].astype(np.float64)


def encoded(pixels: np.ndarray, light: Light, exposure: float = 0.0) -> np.ndarray:
    """Return light as sRGB shows it, clipped; of its shape, with its alpha."""
    if pixels.ndim == 2:
        return encode_srgb(2.0**exposure * pixels.astype(np.float64))
    colours = to_primaries(pixels[..., :3], light, Light())
    return np.dstack([encode_srgb(2.0**exposure * colours), pixels[..., 3:]])


def to_primaries(colours: np.ndarray, light: Light, other: Light) -> np.ndarray:
    """Return the light of (..., 3) colours in other primaries, float64."""
    if np.allclose(light.chromaticities, other.chromaticities, rtol=0, atol=1e-5):
        return colours.astype(np.float64, copy=False)
    start, end = (of_chromaticities(each.chromaticities) for each in (light, other))
    return colours @ np.linalg.solve(end, start).T


def _profile(picture: Picture, name: str) -> bytes | None:
    return as_rgb(picture.profile, name=name)
