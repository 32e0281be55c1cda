"""Animated pictures as clips: GIF, WebP, APNG and AVIF in, WebP and APNG out, by Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.io.images import image_size
from alphamat.io.stored import UPRIGHT, orientation_in
from alphamat.io.whole import replace_file
from alphamat.video.frames import Frame, Video

READ = (".gif", ".webp", ".png", ".apng", ".avif")
FORMATS = ("GIF", "WEBP", "PNG", "AVIF")
WRITTEN = {".webp": "WEBP", ".apng": "PNG"}
LONGEST = {".webp": 16_383, ".apng": 2**31 - 1}  # pixels on a side
MILLISECOND = Fraction(1, 1000)
UNTIMED = Fraction(1, 10)
"""Seconds that browsers show a frame which has no time."""
QUALITY = {"WEBP": {"quality": 95, "method": 4}, "PNG": {}}


def is_animation(path: Path) -> bool:
    """Return whether a file holds several pictures to be shown in turn; a GIF may hold one."""
    if path.suffix.lower() not in READ or not path.is_file():
        return False
    if path.suffix.lower() == ".gif":
        return True
    image_size(path)  # or what is wrong with the file
    with _opened(path) as picture:
        return picture.format in FORMATS and getattr(picture, "n_frames", 1) > 1


def open_animation(path: Path) -> Video:
    """Open an animated picture, and read the times of its frames."""
    durations, size = [], (0, 0)
    for frame in _read(path):
        durations.append(frame.duration)
        size = frame.image.shape[:2]
    return Video(
        path=path,
        read=partial(_read, path),
        size=size,
        rate=len(durations) / sum(durations, Fraction(0)),
        count=len(durations),
        time_base=MILLISECOND,
    )


def write_animation(path: Path, frames: Iterator[Frame], rate: Fraction) -> int:
    """Write 8-bit frames, which are all in memory until then; return how many there are."""
    from PIL import Image

    pictures, durations = [], []
    for frame in frames:
        image = frame.image if frame.image.dtype == np.uint8 else (frame.image / 257).round()
        pictures.append(Image.fromarray(image.astype(np.uint8, copy=False)))
        durations.append(max(1, round((frame.duration or 1 / rate) / MILLISECOND)))
    kind, file = WRITTEN[path.suffix.lower()], BytesIO()
    pictures[0].save(
        file,
        kind,
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
        **QUALITY[kind],
    )
    replace_file(path, [file.getvalue()])
    return len(pictures)


def _read(path: Path) -> Iterator[Frame]:
    with _opened(path) as picture:
        turned = UPRIGHT[orientation_in(picture.info)]
        # An APNG may begin with a picture for programs that show no animations.
        hidden = bool(picture.info.get("default_image"))
        count, time = getattr(picture, "n_frames", 1), Fraction(0)
        for at in range(hidden, count):
            number = at + 1 - hidden
            try:
                picture.seek(at)
                image = np.ascontiguousarray(turned(np.asarray(picture.convert("RGBA"))))
                shown = Fraction(picture.info.get("duration") or 0) * MILLISECOND
            except Exception as fault:  # decoders raise anything on bad bytes
                raise ValueError(
                    f"frame {number} of {path} is damaged or cut short: {fault}."
                ) from fault
            if (image[..., 3] == 255).all():
                image = np.ascontiguousarray(image[..., :3])
            duration = shown if shown > 0 else UNTIMED
            yield Frame(image, time, number, duration)
            time += duration


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from PIL import Image

    with warnings.catch_warnings(), open(path, "rb") as file:
        warnings.simplefilter("ignore")  # of odd metadata
        try:
            picture = Image.open(file, formats=(*FORMATS, "TIFF", "JPEG"))
            getattr(picture, "n_frames", 1)
        except Image.DecompressionBombError:
            raise ValueError(f"{path} has more pixels than are read.") from None
        except Exception as fault:  # as above
            raise ValueError(f"{path} is damaged or cut short: {fault}.") from fault
        with picture:
            yield picture
