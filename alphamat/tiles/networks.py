"""Networks on pictures beyond memory: by tiles that overlap, blended by smooth ramps.

All tiles have one size, so that a network is compiled once, and begin at multiples of 32 pixels, as
networks halve pictures up to five times. Only tiles that touch the unknown are run.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from alphamat import progress
from alphamat.door.parameters import shown
from alphamat.method import Need, name_of, unbound
from alphamat.rules import Brighten, NetworkMethod, Preprocess, Resize, Stretch
from alphamat.tiles.picture import Picture
from alphamat.tiles.plan import Cells
from alphamat.tiles.state import Box, State, Visit

SIDES = range(384, 2049, 64)  # pixels: of tiles
MULTIPLE = 32
MARGIN = 96  # pixels at the border of a tile that are not used, at least
RAMP = 64  # pixels beyond these over which two tiles are blended
OWN = 60  # bytes for each pixel of a tile: colours, trimap, alpha, ramps


class Network(NamedTuple):
    """A network that is run on tiles."""

    run: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """From pixels (h, w, 3) and levels 0, 128 and 255 of a trimap to alpha; any may be missing."""
    bytes_of: Callable[[int, int], float]
    """What a run takes, from height and width."""
    sides: tuple[int, ...]
    """Of tiles that it sees in their own size, in pixels."""


def network_of(method: Callable) -> Network | None:
    """Return a method's network, None where it is none; raise if it sees more than tiles."""
    function, bound = unbound(method)
    if not isinstance(function, NetworkMethod):
        return None
    if bound:
        raise TypeError(f"`method` has {shown(next(iter(bound)))} bound, which it does not take.")
    name, rules = name_of(method), function.rules
    if function.takes.trimap is Need.NO:
        _refuse(name, "finds the foreground in the whole picture, without a trimap")
    if rules.plate or function.remembers:
        _refuse(name, "takes a plate or remembers frames")
    if rules.coarse or any(isinstance(step, Brighten | Stretch) for step in rules.chain):
        _refuse(name, "looks at the whole picture first")
    sides = tuple(side for side in SIDES if _keeps(rules, side))
    if not sides:
        _refuse(name, "resizes pictures to a size of its own")
    return Network(function, function.bytes_of, sides)


def _keeps(rules: Preprocess, side: int) -> bool:
    """Return whether a network sees tiles of a side in their own size."""
    resizing = [step for step in rules.chain if isinstance(step, Resize)]
    return all(step.size(side, side) == (side, side) for step in resizing)


def _refuse(name: str, reason: str) -> None:
    raise ValueError(
        f"`method` is {name}, which {reason}; pictures beyond memory are matted by networks that "
        "take a trimap and see pictures in their own size."
    )


def side_for(network: Network, name: str, memory: int) -> int:
    """Return the side of the largest tile for which there is memory."""
    needed = {side: network.bytes_of(side, side) + OWN * side**2 for side in network.sides}
    fitting = [side for side in needed if needed[side] <= memory]
    if not fitting:
        least = network.sides[0]
        raise ValueError(
            f"`memory` leaves {max(memory, 0) / 2**20:.0f} MiB for {name}; a tile of {least} × "
            f"{least} takes {needed[least] / 2**20:.0f} MiB."
        )
    return fitting[-1]


def run_on_tiles(network: Network, picture: Picture, cells: Cells, state: State, side: int) -> None:
    """Write the alpha of all unknown pixels to a state, from its last tile on."""
    tiles = [tile for tile in _tiles(cells.size, side) if cells.inside(_core(tile)).size]
    for number in range(len(state.visits), len(tiles)):
        progress.tell(progress.Step("running the network", number / len(tiles)))
        core = _core(tiles[number])
        place = picture.levels.read(*core) == 128
        found, ramps = _run(network, picture, tiles[number], core)
        alpha = state.alpha(core)[place] + (ramps * found)[place]
        state.keep(Visit(number, {}, 0, 0.0, True), core, place, alpha.astype(np.float32))


class Span(NamedTuple):
    """A tile along one side of the picture."""

    window: slice
    """What the network sees; the last one may reach beyond the picture."""
    core: slice
    """Where its alpha counts."""
    ramps: np.ndarray
    """How much, in [0, 1]; all spans sum to 1."""


def _tiles(size: tuple[int, int], side: int) -> list[tuple[Span, Span]]:
    rows, columns = (_spans(length, side) for length in size)
    return list(product(rows, columns))


def _core(tile: tuple[Span, Span]) -> Box:
    return tile[0].core, tile[1].core


def _spans(length: int, side: int) -> list[Span]:
    """Return spans that cover a length; those inside the picture are `side` pixels long."""
    if length <= side:
        return [Span(slice(0, length), slice(0, length), np.ones(length))]
    step = (side - 2 * max(MARGIN, side // 8) - RAMP) // MULTIPLE
    last = -(-(length - side) // MULTIPLE)
    count = -(-last // step)
    starts = [k * last // count * MULTIPLE for k in range(count + 1)]
    middles = [(first + second + side) // 2 for first, second in pairwise(starts)]
    rises = [-RAMP, *middles]  # where each takes over from the one before
    falls = [*middles, length + RAMP]
    spans = []
    for start, rise, fall in zip(starts, rises, falls, strict=True):
        core = slice(max(rise - RAMP // 2, 0), min(fall + RAMP // 2, length))
        at = np.arange(core.start, core.stop) + 0.5
        spans.append(Span(slice(start, start + side), core, _up(at - rise) - _up(at - fall)))
    return spans


def _up(at: np.ndarray) -> np.ndarray:
    """Return a ramp from 0 to 1 around 0 whose slope is 0 at both ends."""
    t = np.clip(at / RAMP + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def _run(
    network: Network, picture: Picture, tile: tuple[Span, Span], core: Box
) -> tuple[np.ndarray, np.ndarray]:
    """Return the network's alpha of a tile's core, and how much it counts."""
    y, x = (span.window for span in tile)
    height, width = picture.image.size
    box = slice(y.start, min(y.stop, height)), slice(x.start, min(x.stop, width))
    beyond = [(0, y.stop - box[0].stop), (0, x.stop - box[1].stop)]
    image = np.pad(picture.pixels(box), [*beyond, (0, 0)], mode="reflect")
    levels = np.pad(picture.levels.read(*box), beyond, mode="reflect")
    alpha = network.run(image, levels)
    inside = tuple(
        slice(part.start - span.window.start, part.stop - span.window.start)
        for part, span in zip(core, tile, strict=True)
    )
    return alpha[inside], tile[0].ramps[:, None] * tile[1].ramps
