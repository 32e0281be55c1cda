"""The network on pictures of any size: at one go, or by tiles where that takes too much memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, compress, product
from typing import NamedTuple, TypeAlias

import numpy as np

from alphamat import memory
from alphamat.network import unet
from alphamat.network.features import MULTIPLE, Area, Models, features, size_of
from alphamat.progress import Step, tell
from alphamat.trimap import Trimap

REACH = 224  # pixels: alpha does not depend on features farther away
HALO = 32  # pixels: nor do levels 0 and 1, beside what the bottom gives
SIDE = 1088  # pixels: the longest side of a tile, unless a single one of that area is enough


class Tile(NamedTuple):
    """A part of a picture; sides are at multiples of 32."""

    core: Area
    """What it gives. Cores do not overlap."""
    window: Area
    """What it looks at: the core, and as much around it as the network's upper levels see."""


Alphas: TypeAlias = Iterator[tuple[Tile, np.ndarray]]
"""Tiles, and the network's alpha of their cores, neither clipped nor held to the trimap."""


def estimate_alpha(image: np.ndarray, trimap: Trimap, weights: unet.Weights) -> np.ndarray:
    """Return alpha (H, W) in [0, 1] of an image (H, W, 3); exactly the trimap where it is known.

    Only what unknown pixels depend on is computed.
    """
    alpha, unknown = trimap.foreground.astype(np.float64), trimap.unknown
    if not unknown.any():
        return alpha
    region = around(unknown)
    tiles = cut(region)
    _refuse_beyond_memory(unknown.size, region, tiles)
    models = Models.of(image, trimap)
    if len(tiles) == 1:
        found = at_one_go(models, tiles[0], weights)
    else:
        wanted = [bool(unknown[tile.core].any()) for tile in tiles]
        found = by_tiles(models, region, tiles, wanted, weights)
    for tile, values in found:
        inside = unknown[tile.core]
        height, width = inside.shape  # the picture may end before the tile does
        alpha[tile.core][inside] = np.clip(values[:height, :width][inside], 0, 1)
    return alpha


def at_one_go(models: Models, tile: Tile, weights: unet.Weights) -> Alphas:
    """Run the network on a single tile."""
    tell(Step("running the network"))
    run = unet.whole(weights, *size_of(tile.window))
    yield tile, run(features(models, tile.window))[0]


def by_tiles(
    models: Models, region: Area, tiles: list[Tile], wanted: list[bool], weights: unet.Weights
) -> Alphas:
    """Run levels 0 and 1 by tiles, and the bottom once, for all tiles that make up a region."""
    size, steps = size_of(tiles[0].window), 2 * len(tiles) + sum(wanted)
    encode = unet.encoder(weights, *size)
    x2 = np.empty((unet.CHANNELS[2], *(side // 4 for side in size_of(region))), np.float32)
    for done, tile in enumerate(tiles):
        tell(Step("running the network", done / steps))
        found = encode(features(models, tile.window))
        x2[(..., *_within(tile.core, region))] = found[(..., *_within(tile.core, tile.window))]
    del encode
    tell(Step("running the network", len(tiles) / steps))  # the bottom takes as long again
    x2 = unet.bottom(weights, *size_of(region))([x2])
    decode = unet.decoder(weights, *size)
    for done, tile in enumerate(compress(tiles, wanted), 2 * len(tiles)):
        tell(Step("running the network", done / steps))
        around = x2[(..., *_within(tile.window, region))]
        alpha = decode(chain(features(models, tile.window), [around]))[0]
        yield tile, alpha[_within(tile.core, tile.window, 1)]


def around(unknown: np.ndarray) -> Area:
    """Return the rectangle of what unknown pixels depend on, with sides at multiples of 32."""
    spans = []
    for axis, side in enumerate(unknown.shape):
        places = np.flatnonzero(unknown.any(axis=1 - axis))
        start = max(int(places[0]) - REACH, 0) // MULTIPLE * MULTIPLE
        stop = min(int(places[-1]) + 1 + REACH, side)
        spans.append(slice(start, -(-stop // MULTIPLE) * MULTIPLE))
    return spans[0], spans[1]


def cut(region: Area) -> list[Tile]:
    """Return the tiles that make up a region. Their windows have one size, and lie within it."""
    height, width = size_of(region)
    if height * width <= SIDE**2:
        return [Tile(region, region)]
    return [
        Tile((y, x), (rows, columns)) for (y, rows), (x, columns) in product(*map(_cut, region))
    ]


def _cut(side: slice) -> list[tuple[slice, slice]]:
    """Return cores and windows along one side."""
    length = side.stop - side.start
    count = 1 if length <= SIDE else -(-length // (SIDE - 2 * HALO))
    core = -(-length // (count * MULTIPLE)) * MULTIPLE
    window = min(core + 2 * HALO, length)
    spans = []
    for start in range(side.start, side.stop, core):
        first = min(max(start - HALO, side.start), side.stop - window)
        spans.append((slice(start, min(start + core, side.stop)), slice(first, first + window)))
    return spans


def _within(area: Area, other: Area, coarser: int = 4) -> Area:
    """Return where an area lies within another, in pixels so much coarser."""
    y, x = (
        slice((own.start - side.start) // coarser, (own.stop - side.start) // coarser)
        for own, side in zip(area, other, strict=True)
    )
    return y, x


def _refuse_beyond_memory(pixels: int, region: Area, tiles: list[Tile]) -> None:
    height, width = size_of(tiles[0].window)
    needed, bottom = 640 * height * width, 0
    if len(tiles) > 1:
        rows, columns = size_of(region)
        bottom = 20 * rows * columns
        needed = max(needed, 8 * bottom)
    memory.refuse_beyond(
        40 * pixels + bottom + needed,
        f"The network's alpha of {pixels:,} pixels",
        "Narrow the unknown region, or make the image smaller.",
    )
