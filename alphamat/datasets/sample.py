"""A data set: a sequence of samples, each read when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
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

    def __repr__(self) -> str:
        return as_text(*self._table())

    def _repr_html_(self) -> str:
        return as_html(*self._table())

    def _table(self) -> tuple[str, list[tuple[str, ...]]]:
        lines: list[tuple[str, ...]] = [("", "shape", "type")]
        for key in ("image", "trimap", "truth", "plate"):
            if (pixels := getattr(self, key)) is not None:
                pixels = np.asarray(pixels)
                lines.append((key, " × ".join(map(str, pixels.shape)), str(pixels.dtype)))
        return " ".join(filter(None, ["Sample", self.name, self.group])), lines


class Entry(Protocol):
    """Where a sample comes from."""

    @property
    def name(self) -> str: ...

    @property
    def group(self) -> str: ...

    def read(self) -> Sample: ...


MOST_LINES = 10
"""A data set prints as a table of so many samples."""


@dataclass(frozen=True, repr=False)
class Dataset(Sequence[Sample]):
    """Samples, each read anew every time that it is taken.

    It can be sliced. It can be pickled if the function given as `trimap`, if any, can be.
    """

    entries: tuple[Entry, ...]

    def __repr__(self) -> str:
        return as_text(*self._table())

    def _repr_html_(self) -> str:
        return as_html(*self._table())

    def _table(self) -> tuple[str, list[tuple[str, ...]]]:
        lines = [("name", "group"), *self.labels[:MOST_LINES]]
        if not any(group for _, group in self.labels):
            lines = [(name,) for name, _ in lines]
        if len(self) > MOST_LINES:
            lines.append((f"… {len(self) - MOST_LINES} more",))
        return f"Dataset of {len(self)} sample{'s' * (len(self) != 1)}", lines

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


def as_text(title: str, lines: list[tuple[str, ...]]) -> str:
    """Return a title, and a table whose first line is its head."""
    widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]
    rows = (zip(line, widths, strict=False) for line in lines)
    texts = ("  ".join(cell.ljust(width) for cell, width in row).rstrip() for row in rows)
    return "\n".join([title, *texts])


def as_html(title: str, lines: list[tuple[str, ...]]) -> str:
    """Return the same for a notebook."""
    rows = [
        "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in line)
        for tag, line in zip(["th"] + ["td"] * len(lines), lines, strict=False)
    ]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><caption>{escape(title)}</caption>{body}</table>"
