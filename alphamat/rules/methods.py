"""What makes a method of a network and its rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alphamat.door import as_array, refuse_other_size
from alphamat.method import Matte, Need, Takes
from alphamat.rules.preprocess import Preprocess


def taken_by(rules: Preprocess) -> Takes:
    """Return what a network takes beside the image."""
    return Takes(
        trimap=Need.NO if rules.encode is None else Need.YES,
        plate=Need.YES if rules.plate else Need.NO,
        clip=True,
    )


def remembering(matte_next: Callable[..., tuple[Matte, Any]]) -> Callable[..., Matte]:
    """Return a function that mattes the frames of one clip in order.

    `matte_next(seen, image, trimap, plate)` returns a frame's matte, and what is remembered after
    it; `seen` is what was remembered before, None at first. A frame must have the first one's size.
    """
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
