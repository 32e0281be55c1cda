"""The bank of painted layers that stays on a device: it holds the newest, and batches come of it.

Layers come in shelves. Which of them are there at a step depends on the number of the step alone,
so that a run goes on with the bank that it had: it paints these layers again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from alphamat_deep.training.bank.assembly import Layers, crops
from alphamat_deep.training.compositions.packing import POINTS

AHEAD = 4  # shelves that are on their way to the device


@dataclass(frozen=True, kw_only=True)
class Bank:
    """How many layers a device holds, how fast they change, and what is cut out of them."""

    layers: int = 6000
    """Foregrounds, and as many backgrounds; a multiple of `shelf`, as `first` is."""
    first: int = 1200
    """Those that are there before the first step."""
    shelf: int = 4
    """Those that come together. They take the place of the oldest."""
    every: int = 1
    """Steps from one shelf to the next."""
    side: int = 288
    """Of a crop, in pixels; a multiple of 32."""

    @property
    def extent(self) -> int:
        """Side of a layer: crops of most scales fit into it."""
        return -(-self.side * 16 // (9 * 32)) * 32

    def come(self, step: int) -> int:
        """Return how many shelves have come when a step is made, counted from 0."""
        return self.first // self.shelf + step // self.every

    def held(self, come: int) -> int:
        """Return how many layers there are once so many shelves have come."""
        return min(self.layers, self.shelf * come)


class Crops(Iterator[dict[str, Array]]):
    """Batches of crops, on the device. Crop i is a function of the seed and of i.

    Parameters
    ----------
    shelves : callable
        `shelves(start)` returns an endless iterator of shelves, from number `start` on: batches of
        `compositions.pack_layers`.
    bank : Bank
    batch : int
        Crops of a batch, of all shards together.
    seed, start, shard
        As for `compositions.batches`.
    """

    def __init__(
        self,
        shelves: Callable[..., Any],
        bank: Bank,
        *,
        batch: int,
        seed: int = 0,
        start: int = 0,
        shard: tuple[int, int] = (0, 1),
    ):
        index, parts = shard
        own = batch // parts
        self.bank, self.position = bank, start
        self.first, self.step, self.own = index * own, batch, own
        self.key = jax.random.key(seed)
        self.come = max(0, bank.come(start) - bank.layers // bank.shelf)
        self.shelves = shelves(start=self.come)
        self.layers = _empty(bank)
        # Layers are painted while the programs are compiled, which the first crops do.
        self.carrier = ThreadPoolExecutor(1, "shelves")
        waiting = bank.come(start) - self.come + AHEAD
        self.coming = deque(self.carrier.submit(self._carried) for _ in range(waiting))
        self.compiler = ThreadPoolExecutor(1, "crops")
        self.compiled = self.compiler.submit(self._cut, held=1)

    @property
    def like(self) -> Mapping[str, jax.ShapeDtypeStruct]:
        """What a batch will be, before there is one."""
        made = partial(crops, side=self.bank.side)
        return jax.eval_shape(made, self.layers, 1, self.key, np.arange(self.own))

    def __next__(self) -> dict[str, Array]:
        self.compiled.result()
        while self.come < self.bank.come(self.position):
            at = self.come % (self.bank.layers // self.bank.shelf) * self.bank.shelf
            self.layers = _put(self.layers, self.coming.popleft().result(), at)
            self.come += 1
            self.coming.append(self.carrier.submit(self._carried))
        batch = self._cut(self.bank.held(self.come))
        self.position += 1
        return batch

    def _cut(self, held: int) -> dict[str, Array]:
        first = self.position * self.step + self.first
        numbers = np.arange(first, first + self.own)
        return crops(self.layers, held, self.key, numbers, side=self.bank.side)

    def _carried(self) -> Layers:
        """Bring the next shelf to the device."""
        shelf = next(self.shelves)
        planes = shelf["foreground"], shelf["background"]
        fronts, backs = (plane.view(np.uint32)[..., 0] for plane in planes)
        return jax.device_put(Layers(fronts, shelf["points"], backs))

    def close(self) -> None:
        """End the processes that paint."""
        self.carrier.shutdown(cancel_futures=True)
        self.compiler.shutdown()
        self.shelves.close()

    def __enter__(self) -> Crops:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _empty(bank: Bank) -> Layers:
    planes = bank.layers, bank.extent, bank.extent
    fronts, backs = (jnp.zeros(planes, jnp.uint32) for _ in range(2))
    return Layers(fronts, jnp.zeros((bank.layers, POINTS, 2)), backs)


@partial(jax.jit, donate_argnums=0)
def _put(layers: Layers, shelf: Layers, at: int) -> Layers:
    """Return layers with those of a shelf from number `at` on."""

    def put(all_, new):
        return lax.dynamic_update_slice_in_dim(all_, new, at, axis=0)

    return jax.tree.map(put, layers, shelf)
