"""Clips from files: films, folders and patterns of pictures."""

from __future__ import annotations

import os
from fractions import Fraction
from functools import partial
from pathlib import Path

from alphamat.video import film, sequence
from alphamat.video.animation import is_animation, open_animation
from alphamat.video.frames import Video
from alphamat.words import as_rate


def read_video(
    path: str | os.PathLike[str],
    *,
    rate: Fraction | float | str | None = None,
    layer: str | None = None,
    exposure: float = 0.0,
) -> Video:
    """Open a clip.

    Parameters
    ----------
    path : path
        A film, of any kind that FFmpeg reads; a folder of pictures, in natural order of their
        names; a pattern of pictures, `shot.%04d.exr`, `shot.####.png` or `shot.*.png`; one picture;
        or an animated one (GIF, WebP, APNG, AVIF). Films need PyAV: pip install "alphamat[video]".
    rate : number or fraction, optional
        Frames per second of pictures, such as 25, "24000/1001". A film and an animation have their
        own.
    layer : str, optional
        Of EXR files; see `read_image`.
    exposure : float
        Stops by which the light of EXR files is brightened where it is shown in sRGB.

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
        If it is no film and no picture, has no frames, or is a TIFF of several pages.
        While it is read: if a frame is damaged or of another size, or the file is cut short; the
        message names the frame.
    ImportError
        If it is a film, and PyAV is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from alphamat.video import read_video, write_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_video(folder, np.zeros((2, 8, 9, 3), np.uint8))
    ...     [frame.shape for frame in read_video(folder)]
    [(8, 9, 3), (8, 9, 3)]
    """
    path = Path(path)
    if is_animation(path):
        kind, clip = "an animation", partial(open_animation, path)
    elif sequence.is_sequence(path):
        fps = None if rate is None else as_rate(rate)
        return sequence.open_sequence(path, fps, layer, exposure)
    else:
        kind, clip = "a film", partial(film.open_film, path)
    for name, given in (("rate", rate), ("layer", layer), ("exposure", exposure or None)):
        if given is not None:
            has = "has its own" if name == "rate" else "has none"
            raise ValueError(f"`{name}` is given, and {path} is {kind}, which {has}.")
    return clip()
