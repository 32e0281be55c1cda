"""What clips are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alphamat.io.picture import Picture
from alphamat.video.colour import PICTURES, Colour


class Frame(NamedTuple):
    """One frame of a clip, and its place there."""

    image: np.ndarray
    """(H, W, 3), or (H, W, 4) where the clip has alpha; uint8, or uint16 if it is deeper."""
    time: Fraction | None
    """Seconds from the clip's start; None where it has no frame rate."""
    number: int
    """From 1; of pictures in a folder, the number in their names."""
    duration: Fraction | None = None
    """Seconds that it is shown; None stands for one frame at the clip's rate."""
    picture: Picture | None = None
    """Of EXR, scene-linear light, of which `image` is what sRGB shows; None of other frames."""


@dataclass(frozen=True)
class Video:
    """A clip. Iteration yields the images of its frames, and reads the file anew each time.

    Only one frame is in memory.
    """

    path: Path
    read: Callable[[], Iterator[Frame]]
    size: tuple[int, int]
    """Height and width, upright."""
    rate: Fraction | None
    """Frames per second, on average; None of pictures in a folder, unless it was given."""
    count: int | None
    """Number of frames, of some files about; None if it is not known before reading."""
    time_base: Fraction | None = None
    """Seconds of which all times are multiples; None where there is no rate."""
    colour: Colour = PICTURES
    pixel_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    start: Fraction = Fraction(0)
    """The clip's time 0 in the file's own time, in seconds."""
    film: bool = False
    """Whether it is a film, which may have sound, and not pictures."""
    timecode: str | None = None
    """Name of its first frame in the editors' way, `01:02:03:04`; None where it has none."""
    limit: int | None = None

    def frames(self) -> Iterator[Frame]:
        """Read the frames with their times."""
        return islice(self.read(), self.limit)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (frame.image for frame in self.frames())

    def first(self, count: int) -> Video:
        """Return the clip of the first `count` frames, with their sound."""
        known = count if self.count is None else min(count, self.count)
        return replace(self, limit=count, count=known)
