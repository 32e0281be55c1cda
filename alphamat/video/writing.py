"""Clips to files: films, and pictures in a folder."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.door.image import FULL_SCALE, refuse_other_size, unit_range
from alphamat.io.images import WRITABLE, write_image
from alphamat.io.whole import refuse_unwritable
from alphamat.video import sequence
from alphamat.video.animation import LONGEST, WRITTEN, write_animation
from alphamat.video.colour import HDR, PICTURES
from alphamat.video.container import until_complete
from alphamat.video.encoding import KINDS, Kind, encoding, kind_of, refuse_unencodable
from alphamat.video.frames import Frame, Video
from alphamat.video.sound import sound_of
from alphamat.words import as_rate


def write_video(
    path: str | os.PathLike[str],
    pictures: Iterable[np.ndarray | Frame],
    *,
    source: Video | None = None,
    rate: Fraction | float | str | None = None,
    bits: int | str | None = None,
    overwrite: bool = False,
) -> int:
    """Write a clip, each picture as soon as it is made.

    A film gets its name once it is complete. Until then it is called `NAME.part-….mov`, in the same
    folder, and can be played as far as it is written. A killed run leaves that file, and none of
    the name itself. If `pictures` raises, the part written until then is kept, and a note at the
    error says so. Pictures in a folder are complete one by one, and the earlier ones stay.

    Parameters
    ----------
    path : path
        `NAME.mov` is ProRes 4444, whose alpha is kept to 10 bits; `NAME.webm` is VP9, with lossy
        alpha of 8 bits; `NAME.mp4` is H.264 without alpha, of 10 bits if the source is HDR. A
        folder, which is made if missing, or a pattern such as `out/shot.%04d.tif` or
        `out/shot.####.tif`, gets PNG or TIFF files; it must have none before. All have straight
        alpha. Files ending in .exr get scene-linear light, multiplied by alpha as that format has
        it. `NAME.webp` and `NAME.apng` are animations of 8 bits, WebP with a little loss; their
        frames are in memory until the file is written, whole or not at all.
    pictures : iterable of (H, W), (H, W, 3) or (H, W, 4) arrays, or of Frames with such
        Gray, RGB, or RGBA with straight alpha: uint8, uint16, or floating point in [0, 1]; for EXR
        light, of any brightness. Frames keep their times and numbers.
    source : Video, optional
        Clip whose rate, time base, timecode, colour tags, shape of pixels and sound the film gets.
        Sound is copied where the film can hold it, and coded anew (Opus in WebM) where it cannot.
    rate : number or fraction, optional
        Frames per second, for a film without a source that has them.
    bits : 8, 16, "half" or "float", optional
        Bits per channel of pictures; see `write_image`.
    overwrite : bool
        Whether to replace a film that is there already.

    Returns
    -------
    int
        Number of pictures written.

    Raises
    ------
    ValueError, FileNotFoundError, FileExistsError
        If no clip can be written at `path` (see `refuse_unwritable_clip`), if there are no
        pictures, or if they are not as above or not of one shape.
    ImportError
        If it is a film, and PyAV is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from alphamat.video import read_video, write_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_video(f"{folder}/shot.%04d.png", np.zeros((3, 8, 9, 3), np.uint8))
    ...     len(list(read_video(f"{folder}/shot.%04d.png")))
    3
    3
    """
    path = Path(path)
    kind = kind_of(path, source.colour if source else PICTURES)
    numbered = enumerate(pictures, 1)
    try:
        first = next(numbered)
    except StopIteration:
        raise ValueError(f"there are no pictures to write to {path}.") from None
    fps = as_rate(rate) if rate is not None else source.rate if source else None
    animated = path.suffix.lower() in WRITTEN
    deep = 16 if kind is not None else 8 if animated else bits or 8
    light = kind is None and not animated and _pattern(path).suffix.lower() == ".exr"
    frames = _alike(chain([first], numbered), fps, None if light else deep)
    image = _image(first[1])
    alpha = image.shape[2:] == (4,)
    refuse_unwritable_clip(
        path, size=image.shape[:2], alpha=alpha, source=source, overwrite=overwrite
    )
    if source is not None and source.colour.transfer in HDR and image.ndim == 3:
        _warn_of_hdr(path, kind, alpha, source)
    if kind is None and not animated:
        return _write_pictures(path, frames, bits)
    if fps is None:
        raise ValueError(f"{path} needs a rate, which pictures do not have: give one, such as 25.")
    if kind is None:
        return write_animation(path, frames, fps)
    return _write_film(path, kind, frames, image.shape[:2], alpha, fps, source)


def refuse_unwritable_clip(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    alpha: bool = False,
    source: Video | None = None,
    overwrite: bool = False,
) -> None:
    """Raise unless a clip can be written at `path`, with pictures of a size and with alpha.

    `source` and `overwrite` are those of `write_video`.
    """
    path = Path(path)
    kind = kind_of(path, source.colour if source else PICTURES)
    if kind is not None or path.suffix.lower() in WRITTEN:
        refuse_unwritable(path, endings=(*KINDS, *WRITTEN))
        if path.exists() and not overwrite:
            raise FileExistsError(
                f"{path} is there already; name another file, or replace it with overwrite=True "
                "(--overwrite)."
            )
        if kind is not None:
            refuse_unencodable(path, kind, size or (2, 2), alpha)
        elif size is not None and max(size) > LONGEST[path.suffix.lower()]:
            raise ValueError(
                f"the clip is {size[0]} × {size[1]} (height × width), and {path} has at most "
                f"{LONGEST[path.suffix.lower()]:,} pixels a side."
            )
        return
    pattern = _pattern(path)
    there = next(iter(sequence.matches(pattern).values()), None)
    if there is not None:
        raise FileExistsError(
            f"{there} is there already, and would be mixed with the new pictures; remove such "
            "files, or name another folder."
        )
    folder = pattern.parent
    if folder != path:
        refuse_unwritable(sequence.numbered(pattern, 1), endings=WRITABLE)
    elif not folder.exists():
        refuse_unwritable(folder, endings=("",))


def _warn_of_hdr(path: Path, kind: Kind | None, alpha: bool, source: Video) -> None:
    name = f"{source.path} is HDR ({HDR[source.colour.transfer]})"
    if kind is None:
        warnings.warn(
            f"{name}, and PNG and TIFF files do not say so: their colours will be taken for those "
            "of ordinary pictures; write .mov to keep it.",
            stacklevel=3,
        )
    elif kind.bits(alpha) == 8:
        warnings.warn(
            f"{name}, and {path} keeps 8 bits of it, which may show as bands; write .mov for 10.",
            stacklevel=3,
        )


def _pattern(path: Path) -> Path:
    """Return the pattern for the names of the pictures."""
    path = sequence.with_percent(path)
    if path.is_dir() or not path.suffix:
        return path / "%04d.png"
    if path.suffix.lower() not in WRITABLE or not sequence.NUMBER.search(path.name):
        raise ValueError(
            f"{path} cannot be written; expected a name in {', '.join((*KINDS, *WRITTEN))}, a "
            "folder, or a pattern such as out/%04d.png or out/%04d.exr."
        )
    return path


def _image(picture) -> np.ndarray:
    return np.asarray(picture.image if isinstance(picture, Frame) else picture)


def _alike(pictures: Iterator, rate: Fraction | None, bits: int | str | None) -> Iterator[Frame]:
    """Yield pictures as Frames of integers, if all are of one shape; without bits, as they are."""
    shape = None
    for number, picture in pictures:
        image = _image(picture)
        shape = shape or image.shape
        name = f"picture {number}"
        if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,), (4,)):
            raise ValueError(
                f"{name} has shape {image.shape}; expected (H, W), (H, W, 3) or (H, W, 4)."
            )
        refuse_other_size(image.shape, shape, name, "the first")
        if image.shape != shape:
            raise ValueError(f"{name} has shape {image.shape}, and the first {shape}.")
        if image.dtype not in FULL_SCALE and bits is not None:
            deep = np.dtype(np.uint8 if bits == 8 else np.uint16)
            image = np.rint(unit_range(image, name=name) * FULL_SCALE[deep]).astype(deep)
        frame = picture if isinstance(picture, Frame) else Frame(image, None, number)
        time = frame.time
        if time is None and rate is not None:
            time = (number - 1) / rate
        yield frame._replace(image=image, time=time)


def _write_pictures(path: Path, frames: Iterator[Frame], bits: int | str | None) -> int:
    pattern = _pattern(path)
    pattern.parent.mkdir(exist_ok=True)
    exr, count = pattern.suffix.lower() == ".exr", 0
    for frame in frames:
        light = frame.picture.light if frame.picture and exr else None
        write_image(sequence.numbered(pattern, frame.number), frame.image, bits=bits, light=light)
        count += 1
    return count


def _write_film(
    path: Path,
    kind: Kind,
    frames: Iterator[Frame],
    size: tuple[int, int],
    alpha: bool,
    rate: Fraction,
    source: Video | None,
) -> int:
    like: dict[str, Any] = {"time_base": 1 / rate}
    if source is not None:
        like = {"time_base": source.time_base or 1 / rate}
        like |= {"colour": source.colour, "pixel_aspect": source.pixel_aspect}
        like |= {"timecode": source.timecode}
        if source.pixel_aspect != 1 and path.suffix.lower() == ".webm":  # PyAV cannot store it
            warnings.warn(
                f"the pixels of {source.path} are not square ({source.pixel_aspect}), and "
                f"{path} cannot store that; write .mov or .mp4 to keep it.",
                stacklevel=3,
            )
    with until_complete(path) as part, ExitStack() as open_files:
        encoder = open_files.enter_context(
            encoding(part, kind, size=size, alpha=alpha, rate=rate, **like)
        )
        sound: Iterator[Any] = iter(())
        if source is not None and source.film:
            sound = open_files.enter_context(
                sound_of(source, encoder.container, path.suffix.lower())
            )
        waiting, count, end = next(sound, None), 0, Fraction(0)
        for frame in frames:
            assert frame.time is not None  # there is a rate
            duration = frame.duration or 1 / rate
            end = frame.time + duration
            while waiting is not None and waiting[0] < frame.time:
                encoder.mux(waiting[1])
                waiting = next(sound, None)
            encoder.write(frame.image, frame.time, duration)
            count += 1
        limit = None if source is None else source.limit
        while waiting is not None and (limit is None or waiting[0] < end):
            encoder.mux(waiting[1])
            waiting = next(sound, None)
    return count
