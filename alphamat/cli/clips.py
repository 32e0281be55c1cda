"""What the arguments of `alphamat video` stand for, beside the clip itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from alphamat.cli.arguments import backdrop_pixels, refuse_overwriting
from alphamat.door.image import as_plane, refuse_other_size
from alphamat.files.folders import SUFFIXES, read_gray
from alphamat.video import Video, read_video


def refuse_clip_overwriting(output: Path, *inputs: Path | str | None) -> None:
    """Raise if the output is an input, or if its pictures would be mixed with those of one."""
    refuse_overwriting(output, *inputs)
    folder = output if output.is_dir() else output.parent if "%" in output.name else None
    for given in filter(None, map(_folder, inputs)):
        if folder is not None and folder.exists() and folder.samefile(given):
            raise ValueError(f"{output} is in the folder of an input; name another --output.")


def trimaps(path: Path, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    """Return the first frame's trimap, or those of all frames."""
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        trimap = read_gray(path)
        refuse_other_size(trimap.shape, clip.size, "trimap", "the clip")
        return trimap
    given = _beside("trimap", path, clip)
    return (as_plane(image, name=str(path)) for image in given)


def plates(path: Path, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    """Return the clean plate, or a clip of them."""
    return _still_or_clip("plate", path, clip)


def backdrops(spec: str, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    """Return what goes behind the foreground: a picture, or a clip."""
    path = Path(spec)
    if not path.exists() and "%" not in spec and "*" not in spec:
        return backdrop_pixels(spec, (1, 1, 3))[0, 0]
    return _still_or_clip("backdrop", path, clip)


def _still_or_clip(name: str, path: Path, clip: Video) -> np.ndarray | Iterable[np.ndarray]:
    given = _beside(name, path, clip)
    still = path.is_file() and path.suffix.lower() in SUFFIXES
    return next(iter(given)) if still else given


def _beside(name: str, path: Path, clip: Video) -> Video:
    """Open a clip that belongs to another, frame by frame."""
    given = read_video(path)
    refuse_other_size(given.size, clip.size, name, "the clip")
    if given.rate and clip.rate and given.rate != clip.rate:
        raise ValueError(
            f"{path} has {float(given.rate):.5g} frames per second, and {clip.path} "
            f"{float(clip.rate):.5g}; they must have as many."
        )
    return given


def _folder(given: Path | str | None) -> Path | None:
    """Return the folder of pictures that an input is, if it is one."""
    path = Path(given or "")
    if given and path.is_dir():
        return path
    return path.parent if set(path.name) & set("%*") and path.parent.is_dir() else None
