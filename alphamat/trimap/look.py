"""Look at trimaps: over their photograph, and for what is odd about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphamat.door.colour import LUMA
from alphamat.door.image import (
    FULL_SCALE,
    Pixels,
    as_array,
    as_image,
    refuse_other_size,
    unit_range,
)
from alphamat.door.parameters import as_count, as_number
from alphamat.trimap.fit import fits
from alphamat.trimap.parse import Trimap, trimap_levels
from alphamat.trimap.widths import grow

AMBER = (1.0, 0.75, 0.1)
NIGHT = (0.08, 0.15, 0.4)


def overlay(
    image: Pixels,
    trimap: Pixels,
    *,
    unknown: np.ndarray | Sequence[float] = AMBER,
    background: np.ndarray | Sequence[float] = NIGHT,
    strength: float = 0.5,
) -> np.ndarray:
    """Show a trimap on its photograph.

    The foreground keeps its colours, inside a white line. The background turns gray and is tinted,
    inside a dark line. The unknown region between the lines is tinted, and keeps its details.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        The photograph. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        Its trimap, which may lack foreground or background.
    unknown, background : (3,) array_like
        Colours of the tints, RGB in [0, 1].
    strength : float
        Share of the tints: 0 is no tint, 1 nothing else.

    Returns
    -------
    (H, W, 3) float64 array in [0, 1].

    Raises
    ------
    TypeError, ValueError
        If an argument is refused.

    Examples
    --------
    >>> from alphamat import examples
    >>> from alphamat.trimap import overlay
    >>> overlay(*examples.astronaut()).shape
    (512, 512, 3)
    """
    image = as_image(image)
    parts = Trimap.of(trimap_levels(trimap, image.shape[:2]))
    strength = as_number(strength, "strength", "a number in [0, 1]", least=0, most=1)
    unknown, background = _colour(unknown, "unknown"), _colour(background, "background")
    picture = image.copy()
    gray = (image[parts.background] @ LUMA)[:, None]
    picture[parts.background] = (1 - strength) * gray + strength * background
    picture[parts.unknown] = (1 - strength) * image[parts.unknown] + strength * unknown
    width = max(1, round(max(image.shape) / 700))
    picture[_rim(parts.background, width)] = 0.5 * background
    picture[_rim(parts.foreground, width)] = 1
    return picture


def check(trimap: Pixels, *, image: Pixels | None = None, speck: int = 10) -> list[str]:
    """Say in words what is odd about a trimap.

    Odd are: no foreground, no background, nothing unknown or more than half; foreground around
    background, as in an inverted trimap; specks; foreground that touches background with nothing
    unknown between; unknown pixels of other levels than the usual 128; and a trimap that fits its
    photograph no better than if it were mirrored or moved.

    Parameters
    ----------
    trimap : (H, W) array_like, or PIL image
        As for `as_trimap`, but it may lack foreground or background.
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image, optional
        Its photograph.
    speck : int
        Regions of fewer pixels are specks. Neighbours by a corner belong to one region.

    Returns
    -------
    list of str, one sentence each; empty if there is nothing odd.

    Raises
    ------
    TypeError, ValueError
        If it is not a trimap: a bool mask, say, or a picture in colours; or if `image` is of
        another size.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> alphamat.trimap.check(trimap, image=image)
    []
    >>> alphamat.trimap.check(255 * (trimap > 0).astype("uint8"))[0]
    'No pixel is unknown, so there is nothing to estimate.'
    """
    speck = as_count(speck, "speck")
    levels = trimap_levels(trimap)
    full = FULL_SCALE.get(as_array(trimap, name="trimap").dtype, 1.0)
    parts = Trimap.of(levels)
    return [
        *_missing(parts),
        *_share_unknown(parts.unknown),
        *_inverted(parts),
        *_unusual_levels(levels[parts.unknown], full),
        *_specks("foreground", parts.foreground, speck),
        *_specks("background", parts.background, speck),
        *_specks("unknown", parts.unknown, speck),
        *_touching(parts),
        *([] if image is None else _of_another(as_image(image), levels)),
    ]


def _colour(value: np.ndarray | Sequence[float], name: str) -> np.ndarray:
    colour = unit_range(value, name=name)
    if colour.shape != (3,):
        raise ValueError(f"`{name}` has shape {colour.shape}; expected a colour, RGB in [0, 1].")
    return colour


def _rim(part: np.ndarray, width: int) -> np.ndarray:
    """Return the pixels of a part that lie within `width` pixels of another part."""
    return part & grow(~part, width, "width")


def _missing(parts: Trimap) -> list[str]:
    levels = {"foreground": "white: 255, or 1.0", "background": "black: 0"}
    return [
        f"No pixel is known {part} ({level}), so alpha is not determined."
        for part, level in levels.items()
        if not getattr(parts, part).any()
    ]


def _share_unknown(unknown: np.ndarray) -> list[str]:
    if not unknown.any():
        return ["No pixel is unknown, so there is nothing to estimate."]
    if unknown.mean() > 0.5:
        return [
            f"{100 * unknown.mean():.0f} % of the pixels are unknown, which leaves little to infer "
            "them from."
        ]
    return []


def _inverted(parts: Trimap) -> list[str]:
    foreground, background = (
        np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]).mean() for part in parts
    )
    if not (foreground > 0.5 and foreground > 2 * background and parts.background.any()):
        return []
    return [
        f"Foreground covers {100 * foreground:.0f} % of the picture's border, and background "
        f"{100 * background:.0f} %: is it inverted?"
    ]


def _unusual_levels(unknown: np.ndarray, full: float) -> list[str]:
    # 127 and 128 of 255 are both half, and so are the same levels at other depths.
    unusual = unknown[np.abs(unknown - 0.5) >= 1 / 255] * full
    levels = [f"{level:.6g}" for level in np.unique(unusual)]
    half = f"{(full + 1) / 2 if full > 1 else 0.5:g}"
    if len(levels) > 3:
        return [
            f"Unknown pixels have {len(levels)} levels other than {half}, from {levels[0]} to "
            f"{levels[-1]}: is this an alpha matte, or a trimap resized or saved as JPEG?"
        ]
    if levels:
        return [
            f"{unusual.size:,} pixels have the level {' or '.join(levels)}, not {half}; they count "
            "as unknown here, but perhaps not in other programs."
        ]
    return []


def _specks(name: str, part: np.ndarray, speck: int) -> list[str]:
    import cv2

    # Several times as fast as `connectedComponentsWithStats`.
    _, labels = cv2.connectedComponents(part.astype(np.uint8), connectivity=8)
    small = np.bincount(labels.ravel()) < speck
    small[0] = False  # all that is not in `part`
    count = np.count_nonzero(small)
    if not count:
        return []
    row, column = np.unravel_index(np.argmax(small[labels.astype(np.intp)]), part.shape)
    found = f"There are {count} specks" if count > 1 else "There is a speck"
    return [
        f"{found} of fewer than {speck} {name} pixels"
        f"{', the first' if count > 1 else ''} in row {row}, column {column}."
    ]


def _touching(parts: Trimap) -> list[str]:
    foreground, background = parts
    down = _adjoining(foreground, background)
    along = _adjoining(foreground.T, background.T).T
    count = np.count_nonzero(down) + np.count_nonzero(along)
    if not count:
        return []
    row, column = min(tuple(np.argwhere(side)[0]) for side in (down, along) if side.any())
    return [
        f"Foreground touches background, with nothing unknown between, along {count:,} sides of "
        f"pixels, the first in row {row}, column {column}."
    ]


def _adjoining(foreground: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return at which pixels one is foreground and the next below background, or the reverse."""
    return foreground[:-1] & background[1:] | background[:-1] & foreground[1:]


def _of_another(image: np.ndarray, levels: np.ndarray) -> list[str]:
    refuse_other_size(levels.shape, image.shape, "trimap")
    if fits(image, levels):
        return []
    return [
        "It fits the photograph no better than if it were mirrored or moved: is it the trimap of "
        "another one?"
    ]
