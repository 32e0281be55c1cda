"""A matrix over the cells of a grid, in JAX's arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from solvers.grid import offsets


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Stencil:
    """A symmetric matrix over all cells of an (H, W) grid, in JAX arrays.

    `planes[k]` holds at each cell the entry that couples it to the cell `offsets(reach)[k]` further
    on, for a margin of `reach` cells around the grid as well: (H + 2 reach, W + 2 reach). Entries
    there, or that lead there, do not count. Vectors are flat, in reading order.

    `near_null` holds functions, (K, H, W), that the matrix nearly annihilates, for multigrid. They
    are zero at cells that are no unknowns, whose rows are those of the identity. None stands for
    the constant, and all cells are unknowns then.
    """

    planes: jax.Array
    near_null: jax.Array | None = None

    @property
    def reach(self) -> int:
        return (math.isqrt(2 * len(self.planes) - 1) - 1) // 2

    @property
    def grid(self) -> tuple[int, int]:
        _, height, width = self.planes.shape
        return (height - 2 * self.reach, width - 2 * self.reach)

    @property
    def shape(self) -> tuple[int, int]:
        return (math.prod(self.grid), math.prod(self.grid))

    def __matmul__(self, x: jax.Array) -> jax.Array:
        x = jnp.pad(x.reshape(self.grid), self.reach)
        y = self._at(0, 0, self.planes[0] * x)
        for plane, (dy, dx) in list(zip(self.planes, offsets(self.reach), strict=True))[1:]:
            y += self._at(0, 0, plane) * self._at(dy, dx, x)
            y += self._at(-dy, -dx, plane) * self._at(-dy, -dx, x)
        return y.ravel()

    def _at(self, dy: int, dx: int, field):
        """Return, for each cell of the grid, what a field with margin holds (dy, dx) further on."""
        (height, width), reach = self.grid, self.reach
        return field[reach + dy : reach + dy + height, reach + dx : reach + dx + width]

    def diagonal(self) -> jax.Array:
        return self._at(0, 0, self.planes[0]).ravel()

    def pinned(self, free: jax.Array, shift: jax.Array) -> Stencil:
        """Return A + diag(shift) among the free cells, and the identity among all others.

        `free` is an (H, W) bool array, and `shift` an (H, W) array.
        """
        margin = self.reach
        inside, shift = jnp.pad(free, margin), jnp.pad(shift, margin)
        own = jnp.where(inside, self.planes[0] + shift, 1)
        ahead = zip(self.planes[1:], offsets(margin)[1:], strict=True)
        others = [
            jnp.where(inside & jnp.roll(inside, (-dy, -dx), (0, 1)), plane, 0)
            for plane, (dy, dx) in ahead
        ]
        near_null = jnp.ones((1, *self.grid)) if self.near_null is None else self.near_null
        return Stencil(jnp.stack([own, *others]), jnp.where(free, near_null, 0))
