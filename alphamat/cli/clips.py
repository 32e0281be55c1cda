"""The clips that `alphamat video` reads beside its input."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from alphamat.door.colour import decode_srgb
from alphamat.door.image import as_plane, refuse_other_size
from alphamat.io.folders import SUFFIXES, read_gray
from alphamat.io.picture import to_primaries
from alphamat.io.stored import Light
from alphamat.video import Video, light_of, read_video
from alphamat.video.colour import HDR, PICTURES
from alphamat.video.sequence import is_pattern
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


def over_what(
    text: str, clip: Video, light: Light | None = None
) -> np.ndarray | Iterable[np.ndarray]:
    """Return what a cut-out is put over: a colour, a picture, or a clip.

    With `light` it is scene-linear, in these primaries.
    """
    given = Path(text) if is_pattern(Path(text)) else file_or_colour(text, name="--over")
    if light is not None:
        return _in_light(given, clip, light)
    behind = _still_or_clip("over", given, clip) if isinstance(given, Path) else given
    colour = behind.colour if isinstance(behind, Video) else PICTURES
    if clip.colour.transfer in HDR and colour.transfer != clip.colour.transfer:
        warnings.warn(
            f"{clip.path} is HDR ({HDR[clip.colour.transfer]}), and what --over names is not: its "
            "levels are laid under as they are, so that white is as bright as a screen can be, and "
            "not paper. Make the clip SDR first, or name a clip of the same kind.",
            stacklevel=2,
        )
    return behind


def _in_light(
    given: Path | np.ndarray, clip: Video, light: Light
) -> np.ndarray | Iterable[np.ndarray]:
    if not isinstance(given, Path):
        return to_primaries(decode_srgb(given), Light(), light)
    frames = (light_of(frame, light).pixels for frame in _beside("over", given, clip).frames())
    return next(frames) if given.is_file() and given.suffix.lower() in SUFFIXES else frames


def _still_or_clip(name: str, path: Path, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    given = _beside(name, path, clip)
    still = path.is_file() and path.suffix.lower() in SUFFIXES
    return next(iter(given)) if still else given


def _beside(name: str, path: Path, clip: Video) -> Video:
    """Open a clip whose frames go with those of another."""
    given = read_video(path)
    refuse_other_size(given.size, clip.size, name, "the clip")
    # Recorders' averages, and 29.97 for 30000/1001, are not exact; 24 and 23.976 differ by more.
    if given.rate and clip.rate and abs(given.rate / clip.rate - 1) > Fraction(1, 1500):
        raise ValueError(
            f"{path} has {_in_words(given.rate)} frames per second, and {clip.path} has "
            f"{_in_words(clip.rate)}; they must have the same rate."
        )
    return given


def _in_words(rate: Fraction) -> str:
    """Return a rate such as `25`, or `24000/1001 (23.976)`."""
    return str(rate) + f" ({float(rate):.5g})" * (rate.denominator > 1)
