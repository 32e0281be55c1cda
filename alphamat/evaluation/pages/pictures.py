"""Pictures for the report: small, and inlined."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np

from alphamat.door import encode_srgb, refuse_other_size
from alphamat.door.image import as_image, as_plane
from alphamat.trimap import Trimap

# Hues of the error map in OKLab (Ottosson 2020), radians: too transparent, too opaque.
LACKING, EXCESS = np.deg2rad([250.0, 55.0])


def gray(levels, side: int) -> str:
    """Return an alpha or a trimap as the source of an <img>."""
    return _source(as_plane(levels, name="picture"), side)


def photograph(image, side: int) -> str:
    return _source(as_image(image), side)


def error_map(alpha, truth, trimap, side: int) -> str:
    """Return the colours of an alpha's errors as the source of an <img>."""
    return _source(coloured_errors(alpha, truth, trimap), side)


def coloured_errors(alpha, truth, trimap) -> np.ndarray:
    """Return alpha less the truth in sRGB; pixels that are not scored are nearly black."""
    alpha, truth = as_plane(alpha, name="alpha"), as_plane(truth, name="truth")
    refuse_other_size(alpha.shape, truth.shape, "alpha", "`truth`")
    scored = np.ones(truth.shape, bool)
    if trimap is not None:
        levels = as_plane(trimap, name="trimap")
        refuse_other_size(levels.shape, truth.shape, "trimap", "`truth`")
        scored = Trimap.of(levels).unknown
    return np.where(scored[..., None], error_colours(alpha - truth), 0.05)


def error_colours(difference: np.ndarray) -> np.ndarray:
    """Return sRGB in [0, 1] of errors in [-1, 1]: dark where there is none.

    Lightness and chroma grow evenly, to the eye, with the square root of the error, so that errors
    of a few hundredths are seen: blue where alpha is too low, orange where it is too high.
    """
    size = np.sqrt(np.abs(difference))
    hue = np.where(difference < 0, LACKING, EXCESS)
    chroma = 0.17 * size
    return _from_oklab(0.25 + 0.6 * size, chroma * np.cos(hue), chroma * np.sin(hue))


def _from_oklab(L: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return sRGB; the constants are Ottosson's, and IEC 61966-2-1's."""
    cones = np.stack(
        [
            L + 0.3963377774 * a + 0.2158037573 * b,
            L - 0.1055613458 * a - 0.0638541728 * b,
            L - 0.0894841775 * a - 1.2914855480 * b,
        ],
        axis=-1,
    )
    linear = cones**3 @ np.array(
        [
            [4.0767416621, -1.2684380046, -0.0041960863],
            [-3.3077115913, 2.6097574011, -0.7034186147],
            [0.2309699292, -0.3413193965, 1.7076147010],
        ]
    )
    return encode_srgb(linear)


def _source(pixels: np.ndarray, side: int) -> str:
    import cv2
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    file = BytesIO()
    levels = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    Image.fromarray(levels).save(file, "WEBP", quality=85, method=2)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
