"""Interlaced film: each frame holds two moments, in alternate rows."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np

ALWAYS = {"dvvideo"}
"""Decoders that call each frame interlaced; there, the picture has to show it."""


def is_interlaced(frame, codec: str, image: np.ndarray) -> bool:
    """Return whether a frame says that it is interlaced, and it may be believed."""
    return frame.interlaced_frame and (codec not in ALWAYS or _has_combs(image))


def _has_combs(image: np.ndarray) -> bool:
    """Return whether rows differ from both their neighbours, as where a thing moves between two."""
    green = image[..., 1].astype(np.int32) * 255 // np.iinfo(image.dtype).max
    return _teeth(green) > 4 * _teeth(green[::2]) + 1e-4 * green.size


def _teeth(levels: np.ndarray) -> int:
    middle = levels[1:-1]
    return int(np.count_nonzero((middle - levels[:-2]) * (middle - levels[2:]) > 20**2))


def advice(path: Path) -> str:
    """Say what to do with an interlaced film."""
    return (
        f"{path} is interlaced: each frame holds two moments, in alternate rows, and is taken as "
        f"one picture. Deinterlace it first: ffmpeg -i {shlex.quote(str(path))} -vf bwdif OUT.mkv"
    )
