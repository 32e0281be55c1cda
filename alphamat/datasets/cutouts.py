"""Data sets of foregrounds with alpha, put over backgrounds when they are read.

Neither has backgrounds of its own, so scores depend on those that you choose; say which.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alphamat.datasets.compose import cover
from alphamat.datasets.sample import Dataset, Sample
from alphamat.door.image import FULL_SCALE, unit_range
from alphamat.foreground.compositing import composite
from alphamat.io.folders import (
    Folder,
    existing_folder,
    natural,
    partners,
    pictures,
    raise_faults,
    read_colour,
    read_gray,
    refuse_sixteen_bits,
    refuse_unless_among,
    size,
)
from alphamat.io.images import read_image

Colour = tuple[float, float, float]


def photomatte85(
    path: Folder,
    *,
    backgrounds: Folder | Colour,
    trimap: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Dataset:
    """Read PhotoMatte85, 85 cut-out studio portraits, over backgrounds of your own.

    Its files::

        path/
            0051115Q_000001_0003.png …    RGBA

    Parameters
    ----------
    path : path of a folder
    backgrounds : path of a folder, or (3,) colour in [0, 1]
        The pictures of a folder are used in turn, in natural order of their names. A picture that
        is too small is enlarged, and its upper left is used. 8 bits per channel.
    trimap : callable, optional
        Makes a trimap of each alpha, such as `alphamat.trimap.from_alpha`; there is none otherwise.

    Returns
    -------
    Dataset
        The `plate` of its samples is the background.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no folder `path`.
    ValueError
        If it has no images, if one cannot be read, or if `backgrounds` is not as above. The message
        names all of them.

    Notes
    -----
    By Lin et al., "Real-Time High-Resolution Background Matting", CVPR 2021; from
    https://grail.cs.washington.edu/projects/background-matting-v2, which states the terms. The
    layout is that of programs that read it.
    """
    root, faults = existing_folder(path), []
    cut = pictures(root, faults)
    for file in cut.values():
        size(file, faults)
    plates = _plates(backgrounds, faults)
    raise_faults(root, faults)
    return Dataset(
        tuple(
            Cutout(name, file, None, plates[at % len(plates)], trimap, "")
            for at, (name, file) in enumerate(cut.items())
        )
    )


def videomatte240k(
    path: Folder,
    *,
    split: str = "test",
    backgrounds: Folder | Colour,
    trimap: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Dataset:
    """Read VideoMatte240K, frames of people cut out from green screens, over your backgrounds.

    Its files::

        path/
            train/fgr/0000/00000.jpg …    train/pha/0000/00000.jpg …
            test/fgr/0000/00000.jpg …     test/pha/0000/00000.jpg …

    Parameters
    ----------
    path : path of a folder
        Such as VideoMatte240K_JPEG_SD or VideoMatte240K_JPEG_HD. If you have the MP4 videos,
        extract their frames first.
    split : "train", "test" or "valid"
        479 clips, 5 clips, or the clips that you have moved there.
    backgrounds : path of a folder, or (3,) colour in [0, 1]
        One picture for each clip, in turn; see `photomatte85`.
    trimap : callable, optional
        Makes a trimap of each alpha, such as `alphamat.trimap.from_alpha`; there is none otherwise.

    Returns
    -------
    Dataset
        Frames are named by their number, and grouped by clip. Their `plate` is the background.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `photomatte85`; also if frames of `fgr` and `pha` do not match.

    Notes
    -----
    By Lin et al., "Real-Time High-Resolution Background Matting", CVPR 2021; from
    https://grail.cs.washington.edu/projects/background-matting-v2, which states the terms. The
    layout is that of the authors' Robust Video Matting, which has the clips 0000, 0100, 0200 and
    0300 of `train` moved to `valid`.

    The headers of all frames are read first, about ten thousand in a few seconds.
    """
    refuse_unless_among("split", split, ("train", "test", "valid"))
    root, faults = existing_folder(path), []
    fgr, pha = root / split / "fgr", root / split / "pha"
    missing = [f"there is no folder {folder}" for folder in (fgr, pha) if not folder.is_dir()]
    plates = _plates(backgrounds, faults)
    raise_faults(root, missing + faults)

    entries = []
    clips = {file.name for folder in (fgr, pha) for file in folder.iterdir() if file.is_dir()}
    for at, clip in enumerate(sorted(clips, key=natural)):
        frames = pictures(fgr / clip, faults)
        sizes = {name: size(file, faults) for name, file in frames.items()}
        alphas = partners(pha / clip, frames, sizes, faults)
        plate = plates[at % len(plates)]
        entries += [
            Cutout(name, file, alphas.get(name), plate, trimap, clip)
            for name, file in frames.items()
        ]
    if not clips:
        faults.append(f"{fgr} has no folders of frames")
    raise_faults(root, faults)
    return Dataset(tuple(entries))


class Cutout(NamedTuple):
    """The layers of a sample. Where alpha has no file, it is the foreground's fourth channel."""

    name: str
    foreground: Path
    alpha: Path | None
    plate: Path | Colour
    trimap: Callable[[np.ndarray], np.ndarray] | None
    group: str

    def read(self) -> Sample:
        foreground, alpha = self._layers()
        plate = self._background(alpha.shape)
        image = composite(foreground, alpha, plate)
        if full := FULL_SCALE.get(foreground.dtype):
            image = np.rint(image * full)
        trimap = None if self.trimap is None else self.trimap(alpha)
        levels = image.astype(foreground.dtype)
        return Sample(self.name, levels, trimap, alpha, self.group, plate)

    def _layers(self) -> tuple[np.ndarray, np.ndarray]:
        if self.alpha is not None:
            return read_colour(self.foreground), read_gray(self.alpha)
        pixels = read_image(self.foreground)
        if pixels.shape[2:] != (4,):
            raise ValueError(f"{self.foreground} has no alpha channel; expected RGBA.")
        return pixels[..., :3], pixels[..., 3]

    def _background(self, shape: tuple[int, int]) -> np.ndarray:
        if isinstance(self.plate, Path):
            pixels = read_colour(self.plate)
            refuse_sixteen_bits(self.plate, pixels)
            return cover(pixels, *shape)
        return np.full((*shape, 3), np.rint(np.multiply(self.plate, 255)), dtype=np.uint8)


def _plates(backgrounds, faults: list[str]) -> Sequence[Path | Colour]:
    """Return the pictures or the colour that cut-outs are put over in turn."""
    if isinstance(backgrounds, str | os.PathLike):
        found = list(pictures(Path(backgrounds), faults).values())
        for file in found:
            size(file, faults)
        return found
    if np.shape(backgrounds) != (3,):
        raise ValueError(
            f"`backgrounds` is {backgrounds!r}; expected the path of a folder, or one colour, such "
            "as (1.0, 1.0, 1.0)."
        )
    return [tuple(unit_range(np.asarray(backgrounds, dtype=float), name="backgrounds").tolist())]
