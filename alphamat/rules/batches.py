"""A picture, or a batch of pictures, as a network is given them."""

from __future__ import annotations

from typing import Any

from alphamat.door import as_array
from alphamat.rules.preprocess import refuse_channels_first


def one_by_one(given: dict[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
    """Return whether a batch is given, and the inputs for each of its pictures."""
    arrays = {
        name: None if pixels is None else as_array(pixels, name=name)
        for name, pixels in given.items()
    }
    image = arrays["image"]
    if image is None or image.ndim != 4:
        return False, [given]
    refuse_channels_first(image, "image")
    if not len(image):
        raise ValueError(f"`image` has shape {image.shape}: it is an empty batch.")
    for name, array in arrays.items():
        if array is not None and (array.ndim < 3 or len(array) != len(image)):
            raise ValueError(
                f"`{name}` has shape {array.shape}; expected one for each of {len(image)} pictures."
            )
    return True, [
        {name: None if array is None else array[at] for name, array in arrays.items()}
        for at in range(len(image))
    ]
