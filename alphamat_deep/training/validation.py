"""Scores of a network on held-out pictures, and a sheet that shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from alphamat import metrics
from alphamat.door import as_array, as_image, as_plane
from alphamat.method import Need
from alphamat_deep.matting import Matting

SCORES = "sad", "mse"
SHOWN, SIDE, GAP = 6, 224, 4
"""Pictures on a sheet; pixels of a picture's longer side; pixels between pictures."""


class Held(NamedTuple):
    """A held-out sample as a method takes it."""

    image: np.ndarray
    trimap: np.ndarray | None
    truth: np.ndarray
    plate: np.ndarray | None


class Validated(NamedTuple):
    scores: dict[str, float]
    """Means over the pictures and frames; NaN where there are none."""
    sheet: np.ndarray | None
    """A line of each picture, or of a clip's last frame: image, trimap, alpha, truth."""


def validate(method: Matting, samples: Sequence[Any]) -> Validated:
    """Matte samples as `alphamat_deep.load` would, and score their unknown pixels.

    A sample without trimap is scored everywhere. The frames of a clip are matted in their order,
    and each is scored. Each process takes a part of the samples.
    """
    values, lines, needs = [], [], method.takes
    for at in range(jax.process_index(), len(samples), jax.process_count()):
        matte = method.clip()
        for held in as_held(samples[at]):
            alpha = matte(
                held.image,
                None if needs.trimap is Need.NO else held.trimap,
                None if needs.plate is Need.NO else held.plate,
            ).alpha
            scores = [getattr(metrics, name)(alpha, held.truth, held.trimap) for name in SCORES]
            values.append(scores)
        if len(lines) < SHOWN:
            shown = (held.image, held.trimap, alpha, held.truth)
            lines.append([_tile(pixels) for pixels in shown if pixels is not None])
    return Validated(means(np.array(values).reshape(-1, len(SCORES))), sheet(lines))


def means(values: np.ndarray) -> dict[str, float]:
    """Return the mean of each score over the pictures that have it: a trimap may know all."""
    sums = np.stack([np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0)])
    totals, counts = _of_all_processes(sums)
    return {
        name: float(total / count) if count else math.nan
        for name, total, count in zip(SCORES, totals, counts, strict=True)
    }


def as_held(sample: Any) -> list[Held]:
    """Parse a sample: a dictionary with "image" and "alpha", or `alphamat.datasets.Sample`.

    A picture is one frame; a clip, (T, H, W, 3), is several, and its plate may be one picture.
    """
    if isinstance(sample, Mapping):
        parts = [sample.get(name) for name in ("image", "trimap", "alpha", "plate")]
    else:
        parts = [getattr(sample, name, None) for name in ("image", "trimap", "truth", "plate")]
    names = "image", "trimap", "alpha", "plate"
    image, trimap, truth, plate = (
        None if x is None else as_array(x, name=f"validation's {name}")
        for x, name in zip(parts, names, strict=True)
    )
    if image is None or truth is None:
        raise ValueError(
            f"`validation` has a {type(sample).__name__} without image or alpha; expected "
            'dictionaries with "image" and "alpha", or samples with `image` and `truth`.'
        )
    if image.ndim != 4:
        return [_held(image, trimap, truth, plate)]
    count = len(image)
    if plate is not None and plate.ndim < 4:
        plate = np.broadcast_to(plate, (count, *plate.shape))
    layers = [[None] * count if x is None else x for x in (image, trimap, truth, plate)]
    if not count or any(len(x) != count for x in layers):
        raise ValueError(
            f"`validation` has a clip of {count} images and {len(truth)} alphas; expected at least "
            "one, and as many of each."
        )
    return [_held(*frame) for frame in zip(*layers, strict=True)]


def _held(image: Any, trimap: Any, truth: Any, plate: Any) -> Held:
    return Held(
        as_image(image, name="validation's image"),
        None if trimap is None else as_plane(trimap, name="validation's trimap"),
        as_plane(truth, name="validation's alpha"),
        None if plate is None else as_image(plate, name="validation's plate"),
    )


def _of_all_processes(sums: np.ndarray) -> np.ndarray:
    if jax.process_count() == 1:
        return sums
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(np.float32(sums))).sum(axis=0)


def _tile(pixels: np.ndarray) -> np.ndarray:
    """Return a small picture in colour."""
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return small if small.ndim == 3 else np.repeat(small[..., None], 3, axis=-1)


def sheet(lines: list[list[np.ndarray]]) -> np.ndarray | None:
    if not lines:
        return None
    columns = max(map(len, lines))
    heights = [line[0].shape[0] + GAP for line in lines]
    width = max(tile.shape[1] for line in lines for tile in line) + GAP
    sheet = np.full((sum(heights) + GAP, columns * width + GAP, 3), 0.5, np.float32)
    top = GAP
    for line, height in zip(lines, heights, strict=True):
        for at, tile in enumerate(line):
            left = GAP + at * width
            sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
        top += height
    return np.clip(sheet, 0, 1)
