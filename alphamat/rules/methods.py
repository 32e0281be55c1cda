"""What makes a method of a network and its rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from alphamat.door import Pixels, as_array, refuse_other_size
from alphamat.method import Matte, Need, Takes
from alphamat.rules.preprocess import Preprocess


class NetworkMethod(ABC):
    """A network as a method: `(image, trimap=None, plate=None) -> alpha`."""

    name: str

    @property
    @abstractmethod
    def rules(self) -> Preprocess:
        """What is done to pictures before the network, and to alpha after it."""

    @property
    @abstractmethod
    def remembers(self) -> bool:
        """Whether it uses what it saw in earlier frames of a clip."""

    @abstractmethod
    def bytes_of(self, height: int, width: int) -> float:
        """Return about how much memory it takes for a picture, beside the program's own."""

    @abstractmethod
    def _next(self, seen, image, trimap, plate) -> tuple[Matte, Any]:
        """Return a frame's matte, and the network's memory of the clip after it.

        `seen` is the memory before it, None at first.
        """

    @property
    def __name__(self) -> str:
        return self.name

    @property
    def takes(self) -> Takes:
        """What it takes beside the image, by its rules."""
        return Takes(
            trimap=Need.NO if self.rules.encode is None else Need.YES,
            plate=Need.YES if self.rules.plate else Need.NO,
            clip=True,
        )

    def __call__(
        self, image: Pixels, trimap: Pixels | None = None, plate: Pixels | None = None
    ) -> np.ndarray:
        """Estimate alpha.

        Parameters
        ----------
        image, trimap, plate
            As the methods of `alphamat` take them, or a batch of each: (B, H, W, 3), channels last,
            and (B, H, W) of trimaps. The plate is the scene without its foreground. A network that
            takes no trimap or no plate refuses one.

        Returns
        -------
        (H, W) or (B, H, W) float64 array, alpha in [0, 1], by the network's rules for pictures of
        any size.

        Raises
        ------
        TypeError, ValueError
            If an argument is refused, or missing; if a file cannot be run on it, or gives NaN.
        MemoryError
            If the network needs more memory for this picture than the machine has.
        """
        return self.layers(image, trimap, plate).alpha

    def layers(
        self, image: Pixels, trimap: Pixels | None = None, plate: Pixels | None = None
    ) -> Matte:
        """Estimate alpha and, where the network has one, the foreground's colours.

        The arguments and errors are those of a call.
        """
        return self._next(None, image, trimap, plate)[0]

    def clip(self) -> Callable[..., Matte]:
        """Return a function that mattes the frames of a clip in order, as `layers` does a picture.

        A network with a memory uses what it saw in earlier frames. It refuses a frame whose size is
        not that of the first.
        """
        return _remembering(self._next) if self.remembers else self.layers


def _remembering(matte_next: Callable[..., tuple[Matte, Any]]) -> Callable[..., Matte]:
    seen = size = None

    def step(image, trimap=None, plate=None) -> Matte:
        nonlocal seen, size
        image = as_array(image, name="image")
        if size is not None:
            refuse_other_size(image.shape, size, "image", "the clip's first frame")
        matte, seen = matte_next(seen, image, trimap, plate)
        size = image.shape
        return matte

    return step
