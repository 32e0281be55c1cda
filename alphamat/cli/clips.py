"""The clips that `alphamat video` reads beside its input."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from alphamat.door.image import as_plane, refuse_other_size
from alphamat.io.folders import SUFFIXES, read_gray
from alphamat.video import Video, read_video
from alphamat.words import file_or_colour


def trimaps(path: Path, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    """Return the first frame's trimap, or those of all frames."""
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        trimap = read_gray(path)
        refuse_other_size(trimap.shape, clip.size, "trimap", "the clip")
        return trimap
    given = _beside("trimap", path, clip)
    return (as_plane(image, name=str(path)) for image in given)


def plates(path: Path, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    """Return the scene without its foreground: a picture, or a clip."""
    return _still_or_clip("plate", path, clip)


def over_what(text: str, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    """Return what a cut-out is put over: a colour, a picture, or a clip."""
    is_pattern = set(text) & set("%*") and Path(text).suffix.lower() in SUFFIXES
    given = Path(text) if is_pattern else file_or_colour(text, name="--over")
    return _still_or_clip("over", given, clip) if isinstance(given, Path) else given


def _still_or_clip(name: str, path: Path, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    given = _beside(name, path, clip)
    still = path.is_file() and path.suffix.lower() in SUFFIXES
    return next(iter(given)) if still else given


def _beside(name: str, path: Path, clip: Video) -> Video:
    """Open a clip whose frames go with those of another."""
    given = read_video(path)
    refuse_other_size(given.size, clip.size, name, "the clip")
    if given.rate and clip.rate and given.rate != clip.rate:
        raise ValueError(
            f"{path} has {float(given.rate):.5g} frames per second, and {clip.path} has "
            f"{float(clip.rate):.5g}; they must have the same rate."
        )
    return given
