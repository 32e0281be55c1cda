"""What the catalogue says of a network: a row, its weights, its scores, the memory it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from alphamat.rules import Preprocess
from alphamat_deep.fill import Names


class Weights(NamedTuple):
    """A checkpoint as its authors publish it."""

    url: str
    """Where to get it. A URL that ends with a slash becomes the file's own when `file` is added."""
    format: str
    licence: str
    commercial: bool | None
    """Whether its terms allow commercial use; None where they do not say."""
    file: str = ""
    """Name of the file there; "" where `url` leads to nothing else."""
    size: str = ""
    sha256: str = ""
    """Only where it has been computed from the file."""

    @property
    def place(self) -> str:
        """`url` and `file` in one text."""
        if not self.file:
            return self.url
        return self.url + self.file if self.url.endswith("/") else f"{self.url} ({self.file})"


class Score(NamedTuple):
    """Errors on a data set, as the authors report them, by their protocol."""

    dataset: str
    sad: float
    """In thousands."""
    mse: float
    grad: float
    conn: float
    note: str = ""
    """How their protocol differs from the data set's own."""


class Backbone(NamedTuple):
    """A kind of file that fills a network's backbone with what was learnt from other pictures."""

    title: str
    """Whose it is, and what it was trained on."""
    mark: str
    """Regular expression of a name that only files of this kind have."""
    names: Names
    """How its names become the model's."""
    part: str = r"^backbone\."
    """Regular expression of the arrays that it has to fill, by our names."""
    widened: tuple[str, ...] = ()
    """Regular expressions of arrays with more input channels than the file has: these start at 0.
    """


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A published network: what it is, what it takes, and where its weights are."""

    model: Callable[..., Any]
    config: Any
    preprocess: Preprocess
    memory: Callable[[int, int], float]
    """Bytes that a float32 run takes besides the weights, from the network's height and width."""
    weights: Weights | None
    """None where nobody publishes any."""
    citation: str
    bundled: str = ""
    """File of `alphamat/assets` with its weights, where it comes with them."""
    scores: tuple[Score, ...] = ()
    warning: str = ""
    """What its users have to know."""
    names: Names = Names()
    """How the checkpoint's names become the model's, where they differ."""
    doubt: Callable[[Any], str] | None = None
    """Returns a warning about a filled network's weights, or ""; None where there is no check."""
    backbones: tuple[Backbone, ...] = ()
    """Files that training can begin with, first the authors'."""


def by_pixel(count: float, height: int, width: int) -> float:
    """Return `count` bytes for each pixel."""
    return count * height * width


def by_patches(sampled: int, height: int, width: int) -> float:
    """Return bytes, most of them for the `sampled` pixels that are refined."""
    return 1000 * min(height * width, sampled) + 70 * height * width


def by_small_frame(height: int, width: int) -> float:
    """Return bytes, most of them for a frame of at most 512 × 512 pixels."""
    return 700 * min(height * width, 512**2) + 60 * height * width
