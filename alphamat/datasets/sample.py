"""A data set: a sequence of samples, each read when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, overload

import numpy as np


class Sample(NamedTuple):
    """A picture, its trimap and its alpha.

    Attributes
    ----------
    name : str
        The picture, such as "GT04".
    image : (H, W, 3) array
        uint8 or uint16 where it was read from a file; float64 in [0, 1] where it was painted.
    trimap : (H, W) array, or None
    truth : (H, W) array, or None
        Alpha; None where it is not public.
    group : str
        Which of several trimaps, such as "Trimap1", or which clip the frame belongs to.
    plate : (H, W, 3) array, or None
        The scene without its foreground, where it is known.
    """

    name: str
    image: np.ndarray
    trimap: np.ndarray | None
    truth: np.ndarray | None
    group: str = ""
    plate: np.ndarray | None = None


class Entry(Protocol):
    """Where a sample comes from."""

    @property
    def name(self) -> str: ...

    @property
    def group(self) -> str: ...

    def read(self) -> Sample: ...


@dataclass(frozen=True)
class Dataset(Sequence[Sample]):
    """Samples, each read anew every time that it is taken.

    It can be sliced. It can be pickled if the function given as `trimap`, if any, can be.
    """

    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Dataset: ...
    def __getitem__(self, index: int | slice) -> Sample | Dataset:
        """Read a sample; of a slice, return the data set."""
        if isinstance(index, slice):
            return Dataset(self.entries[index])
        return self.entries[index].read()

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Name and group of each sample, known without reading a picture."""
        return [(entry.name, entry.group) for entry in self.entries]
