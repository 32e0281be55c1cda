"""Colours by three curves and a matrix, in floating point: ICC profiles and EXR's chromaticities.

ISO 15076-1 (ICC.1), 8.3 and annex F: colours through the curves are linear, and the matrix brings
them to CIE XYZ under D50. Chromaticities become such a matrix by SMPTE RP 177, adapted to D50 by
the Bradford transform.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Curve = Callable[[np.ndarray], np.ndarray]
D50 = np.array([0.96420, 1.00000, 0.82491])
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # of type 3
# D50-adapted primaries of sRGB: columns of the matrix.
SRGB = (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
ROUNDING = 0.002  # by which the sum of a matrix may miss D50 and mean it
TABLES = (b"A2B0", b"A2B1", b"D2B0", b"D2B1")  # which a profile with tables has
PARAMETERS = (1, 3, 4, 5, 7)  # of parametric curves, by type


class Primaries(NamedTuple):
    """What the numbers of a picture mean."""

    curves: tuple[tuple[Curve, Curve], ...]
    """Of red, green and blue: to linear light, and back."""
    matrix: np.ndarray
    """(3, 3): linear light to XYZ under D50."""

    def linear(self, colours: np.ndarray) -> np.ndarray:
        """Return the linear light of (..., 3) colours in [0, 1]."""
        return _each(colours, [curve for curve, _ in self.curves])

    def encoded(self, light: np.ndarray) -> np.ndarray:
        """Return colours of linear light; what is beyond [0, 1] is clipped."""
        return _each(np.clip(light, 0, 1), [back for _, back in self.curves])


def of_profile(profile: bytes | None) -> Primaries | None:
    """Return what an ICC profile for RGB says; None is sRGB. Return None where it has tables.

    Raises
    ------
    ValueError
        If a tag is damaged.
    """
    if profile is None:
        return Primaries((_curve(SRGB_CURVE, 3),) * 3, _meeting_white(np.array(SRGB).T))
    tags = tags_of(profile)
    columns, curves = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
    if profile[20:24] != b"XYZ " or set(TABLES) & tags.keys():
        return None
    if not tags.keys() >= {*columns, *curves}:
        return None
    try:
        matrix = np.stack([_xyz(tags[tag]) for tag in columns], axis=1)
        found = tuple(_curve_of(tags[tag]) for tag in curves)
    except (struct.error, ValueError, ZeroDivisionError) as fault:
        raise ValueError(f"a colour profile cannot be used: {fault}.") from fault
    if not np.isfinite(np.linalg.cond(matrix)):
        raise ValueError("a colour profile cannot be used: its primaries are on one line.")
    return Primaries(found, _meeting_white(matrix))


def of_chromaticities(chromaticities: tuple[float, ...]) -> np.ndarray:
    """Return the matrix (3, 3) from linear light to XYZ under D50.

    Parameters
    ----------
    chromaticities : x and y of red, green, blue and white

    Raises
    ------
    ValueError
        If they are those of no colours.
    """
    x, y = np.reshape(chromaticities, (4, 2)).astype(np.float64).T
    with np.errstate(all="ignore"):
        columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    primaries, white = columns[:, :3], columns[:, 3]
    if not np.isfinite(columns).all() or not np.linalg.cond(primaries) < 1e6:
        raise ValueError(f"chromaticities {tuple(chromaticities)} are those of no colours.")
    matrix = primaries * np.linalg.solve(primaries, white)
    cones = BRADFORD @ D50 / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ (cones[:, None] * BRADFORD) @ matrix


def tags_of(profile: bytes) -> dict[bytes, bytes]:
    """Return the tags of an ICC profile."""
    (count,) = struct.unpack_from(">I", profile, 128)
    table = profile[132 : 132 + 12 * count]
    entries = struct.iter_unpack(">4sII", table[: len(table) // 12 * 12])
    return {tag: profile[start : start + size] for tag, start, size in entries}


def _each(values: np.ndarray, curves: list[Curve]) -> np.ndarray:
    return np.stack([curve(values[..., at]) for at, curve in enumerate(curves)], axis=-1)


def _meeting_white(matrix: np.ndarray) -> np.ndarray:
    """Undo the rounding of a matrix that is meant to bring white to D50."""
    shares = np.linalg.solve(matrix, D50)
    return matrix * shares if np.abs(shares - 1).max() < ROUNDING else matrix


def _xyz(tag: bytes) -> np.ndarray:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve_of(tag: bytes) -> tuple[Curve, Curve]:
    """Return the curve of a tag, and its inverse."""
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        if kind >= len(PARAMETERS):
            raise ValueError(f"a curve is of the unknown type {kind}")
        numbers = struct.unpack_from(f">{PARAMETERS[kind]}i", tag, 12)
        return _curve(tuple(number / 65536 for number in numbers), kind)
    if tag[:4] != b"curv":
        raise ValueError("a curve is missing")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count < 2:
        gamma = struct.unpack_from(">H", tag, 12)[0] / 256 if count else 1.0
        return _curve((gamma,), 0)
    if len(tag) < 12 + 2 * count:
        raise ValueError("a curve is cut short")
    levels = np.frombuffer(tag, ">u2", count, 12) / 65535
    steps, rising = np.linspace(0, 1, count), np.maximum.accumulate(levels)
    return (lambda x: np.interp(x, steps, levels)), (lambda y: np.interp(y, rising, steps))


def _curve(parameters: tuple[float, ...], kind: int) -> tuple[Curve, Curve]:
    """Return a parametric curve (a x + b)^g + e, and c x + f where x < d; and its inverse.

    Types 0 to 4 have the parameters g; g a b; g a b c (which is e = f, d = -b / a); g a b c d; and
    g a b c d e f.
    """
    g, a, b, c, d, e, f = 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == 0:
        (g,) = parameters
    elif kind in (1, 2):
        g, a, b = parameters[:3]
        e = f = parameters[3] if kind == 2 else 0.0
        d = -b / a
    else:
        g, a, b, c, d = parameters[:5]
        e, f = parameters[5:] if kind == 4 else (0.0, 0.0)
    if g <= 0 or a <= 0:
        raise ValueError("a curve does not rise")
    bend = (max(a * d + b, 0.0)) ** g + e

    def forward(x: np.ndarray) -> np.ndarray:
        return np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)

    def back(y: np.ndarray) -> np.ndarray:
        straight = (y - f) / c if c > 0 else np.full(np.shape(y), d)
        curved = (np.maximum(y - e, 0) ** (1 / g) - b) / a
        return np.clip(np.where(y >= bend, curved, straight), 0, 1)

    return forward, back
