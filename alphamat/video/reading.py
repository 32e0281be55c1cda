"""Clips from files: films, folders and patterns of pictures."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from alphamat.video import film, sequence
from alphamat.video.frames import Video
from alphamat.words import as_rate


def read_video(
    path: str | os.PathLike[str], *, rate: Fraction | float | str | None = None
) -> Video:
    """Open a clip.

    Parameters
    ----------
    path : path
        A film, of any kind that FFmpeg reads; a folder of pictures (PNG, TIFF, JPEG, WebP), in
        natural order of their names; a pattern of pictures, `shot.%04d.png`, `shot.####.png` or
        `shot.*.png`; or one picture. Films need PyAV: pip install "alphamat[video]".
    rate : number or fraction, optional
        Frames per second of pictures, such as 25, "24000/1001". A film has its own.

    Returns
    -------
    Video
        Frames are RGB, by the film's matrix and range, turned upright. A film that does not say its
        matrix is taken to be BT.709 from 1280 pixels' width or 577 pixels' height on, BT.601 below.
        Alpha becomes a fourth channel.

    Raises
    ------
    FileNotFoundError
        If there is nothing of this name.
    ValueError
        If it is no film and no picture, has no frames, or is a picture file of several frames.
        While it is read: if a frame is damaged or of another size, or the file is cut short; the
        message names the frame.
    ImportError
        If it is a film, and PyAV is not installed.
    """
    path = Path(path)
    if sequence.is_sequence(path):
        return sequence.open_sequence(path, None if rate is None else as_rate(rate))
    if rate is not None:
        raise ValueError(f"`rate` is given, and {path} is a film, which has its own.")
    return film.open_film(path)
