"""What people write: colours, widths, frame rates and the names of files.

Each function takes text and returns what it means, or raises a ValueError that says what it was
and what was expected.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from alphamat.door import css_colour
from alphamat.trimap import Diagonal, Ellipse

LEVELS = ("trimap", "overlay")
"""Kinds of pictures that are levels for a screen, also where the source is light."""


def file_or_colour(text: str, *, name: str) -> Path | np.ndarray:
    """Return the path of a file or folder that is there, or else a CSS colour, (3,) in [0, 1].

    `name` is what the error calls the text.

    Examples
    --------
    >>> file_or_colour("rgb(51, 102, 204)", name="over").tolist()
    [0.2, 0.4, 0.8]
    """
    if Path(text).exists():
        return Path(text)
    try:
        return css_colour(text)
    except ValueError as fault:
        raise ValueError(f"{name} is '{text}'; there is no such file, and {fault}") from None


def width_named(text: str) -> float | Diagonal | Ellipse:
    """Return the width of a trimap's band.

    Examples
    --------
    >>> [width_named(text) for text in ("12", "1.5%", "7x6")]
    [12.0, Diagonal(share=0.015), Ellipse(size=7, iterations=6)]
    """
    number, separator, iterations = text.partition("x")
    try:
        if separator:
            return Ellipse(int(number), iterations=int(iterations))
        if text.endswith("%"):
            return Diagonal(float(text[:-1]) / 100)
        if 0 <= float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise ValueError(
        f"'{text}' is not a width; expected pixels (12), a share of the diagonal (1.5%), or the "
        "size and iterations of an elliptic kernel (7x6)."
    )


def bytes_named(text: str) -> int:
    """Return an amount of memory in bytes; K, M, G and T are powers of 1024.

    Examples
    --------
    >>> [bytes_named(text) for text in ("2G", "1.5 GiB", "800M")]
    [2147483648, 1610612736, 838860800]
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])?(?:i?B)?\s*", text, re.IGNORECASE)
    if not found:
        raise ValueError(f"'{text}' is no amount of memory; expected one such as 2G or 800M.")
    power = " KMGT".index((found[2] or " ").upper())
    return round(float(found[1]) * 1024**power)


def as_rate(rate: Fraction | float | str) -> Fraction:
    """Return frames per second as a fraction; 23.976 and the like become broadcast rates.

    Examples
    --------
    >>> [str(as_rate(rate)) for rate in (25, "23.976", "30000/1001", 12.5)]
    ['25', '24000/1001', '30000/1001', '25/2']
    """
    try:
        found = Fraction(rate)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        found = Fraction(0)
    if not Fraction(1, 86400) <= found <= 1000:
        raise ValueError(
            f"`rate` is {rate!r}; expected frames per second, such as 25, 24000/1001, or 1/3600 "
            "for one an hour; at least one a day."
        )
    if found < 1:
        return 1 / (1 / found).limit_denominator(1001)
    broadcast = Fraction(1000 * round(found * Fraction(1001, 1000)), 1001)
    near = abs(found - broadcast) < Fraction(2, 1000) and found.denominator > 1
    return broadcast if near else found.limit_denominator(1001)


def is_folder(output: str | os.PathLike[str]) -> bool:
    """Return whether an output is a folder: one that exists, or a name that ends in a slash.

    Examples
    --------
    >>> is_folder("new/"), is_folder("new")
    (True, False)
    """
    return os.fspath(output).endswith(("/", os.sep)) or Path(output).is_dir()


def output_paths(
    source: Path, output: str | os.PathLike[str] | None, kinds: Sequence[str]
) -> dict[str, Path]:
    """Return the file for each kind of picture made from `source`.

    `output` is a file, for one picture, or a folder; see `is_folder`. By default it is the folder
    of `source`. In a folder the files are NAME_KIND.png; of an EXR file NAME_KIND.exr, but for
    trimaps.

    Examples
    --------
    >>> paths = output_paths(Path("photos/lion.jpg"), None, ["alpha"])
    >>> paths["alpha"].as_posix()
    'photos/lion_alpha.png'
    """
    if output is None and source.parts[:2] == ("/", "dev"):
        raise ValueError(f"{source} has no folder for what is made of it; name a file.")
    if output is None or is_folder(output):
        folder = source.parent if output is None else Path(output)
        deep = source.suffix.lower() == ".exr"
        endings = {kind: "exr" if deep and kind not in LEVELS else "png" for kind in kinds}
        return {kind: folder / f"{source.stem}_{kind}.{endings[kind]}" for kind in kinds}
    if len(kinds) > 1:
        raise ValueError(
            f"{output} is not an existing folder; expected one, or {output}/ to make it, since "
            f"{len(kinds)} files are written: {' and '.join(kinds)}."
        )
    return {kinds[0]: Path(output)}
