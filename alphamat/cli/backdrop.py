"""What a cut-out is put over."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from alphamat.colours import Photograph, in_colours_of
from alphamat.door import refuse_other_size
from alphamat.io.images import read_picture
from alphamat.io.picture import Picture
from alphamat.words import file_or_colour


class Fit(StrEnum):
    """How a backdrop of another size is brought to that of the picture."""

    COVER = "cover"
    CONTAIN = "contain"
    STRETCH = "stretch"


HowToFit = Annotated[
    Fit | None,
    typer.Option(
        help="How to fit an image of another size to the photograph: cut off what is too much, add "
        "black bars, or change its proportions."
    ),
]
LinearLight = Annotated[
    bool,
    typer.Option("--linear", help="Blend the composite in linear light: soft edges do not darken."),
]


def over_what(
    text: str, size: tuple[int, ...], fit: Fit | None, photograph: Photograph
) -> np.ndarray:
    """Return what a cut-out is put over: an (H, W, 3) picture of its size, or a (3,) colour.

    It is in the photograph's own colours.
    """
    given = file_or_colour(text, name="--over")
    if not isinstance(given, Path):
        if fit is not None:
            raise typer.BadParameter("a colour has no size.", param_hint="--fit")
        colour = Picture(given.reshape(1, 1, 3), None)
        return in_colours_of(photograph, colour, name="over")[0, 0]
    pixels = in_colours_of(photograph, read_picture(given), name="over")
    if fit is not None:
        return fitted(pixels, size, fit)
    try:
        refuse_other_size(pixels.shape, size, "over")
    except ValueError as fault:
        raise ValueError(f"{str(fault)[:-1]}, or give --fit: {', '.join(Fit)}.") from None
    return pixels


def fitted(picture: np.ndarray, size: tuple[int, ...], fit: Fit) -> np.ndarray:
    """Return an (H, W, 3) picture at another size.

    COVER cuts off what is too much on two sides, CONTAIN leaves black bars there, and STRETCH
    changes the proportions.
    """
    rows, columns = picture.shape[:2]
    height, width = size
    if fit is Fit.STRETCH:
        return _resized(picture, (0, 0, columns, rows), size)
    scales = height / rows, width / columns
    if fit is Fit.COVER:
        scale = max(scales)
        top, left = (rows - height / scale) / 2, (columns - width / scale) / 2
        box = max(left, 0), max(top, 0), min(columns - left, columns), min(rows - top, rows)
        return _resized(picture, box, size)
    scale = min(scales)
    inner = max(1, round(rows * scale)), max(1, round(columns * scale))
    whole = np.zeros((height, width, 3))
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    shown = _resized(picture, (0, 0, columns, rows), inner)
    whole[top : top + inner[0], left : left + inner[1]] = shown
    return whole


def _resized(
    picture: np.ndarray, box: tuple[float, float, float, float], size: tuple[int, ...]
) -> np.ndarray:
    """Return what is inside a box (left, upper, right, lower), at another size."""
    from PIL import Image

    height, width = size
    resized = np.empty((height, width, 3))
    for at in range(3):
        channel = Image.fromarray(picture[..., at].astype(np.float32))
        resized[..., at] = np.asarray(
            channel.resize((width, height), Image.Resampling.BICUBIC, box=box)
        )
    return np.clip(resized, picture.min(), picture.max(), out=resized)
