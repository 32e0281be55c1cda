"""What clips are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alphamat.video.colour import PICTURES, Colour


class Frame(NamedTuple):
    """One frame of a clip, and its place there."""

    image: np.ndarray
    """(H, W, 3), or (H, W, 4) where the clip has alpha; uint8, or uint16 if it is deeper."""
    time: Fraction | None
    """Seconds from the clip's start; None where it has no frame rate."""
    number: int
    """From 1; of pictures in a folder, the number in their names."""


@dataclass(frozen=True)
class Video:
    """A clip. To iterate over it yields the images of its frames; each time it is read anew.

    Only the frame at hand is in memory.
    """

    path: Path
    read: Callable[[], Iterator[Frame]]
    size: tuple[int, int]
    """Height and width, upright."""
    rate: Fraction | None
    """Frames per second, on average; None of pictures in a folder, unless it was given."""
    count: int | None
    """Number of frames, as far as it is known beforehand; of some files, about."""
    time_base: Fraction | None = None
    """Seconds of which all times are multiples; None where there is no rate."""
    colour: Colour = PICTURES
    pixel_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    start: Fraction = Fraction(0)
    """Where the file's own time has our 0, in seconds."""
    film: bool = False
    """Whether it is a file that may have sound, not pictures."""
    limit: int | None = None

    def frames(self) -> Iterator[Frame]:
        """Read the frames with their times."""
        return islice(self.read(), self.limit)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (frame.image for frame in self.frames())

    def first(self, count: int) -> Video:
        """Return the same clip, ending after some frames, and its sound with it."""
        known = count if self.count is None else min(count, self.count)
        return replace(self, limit=count, count=known)
