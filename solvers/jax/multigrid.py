"""`solvers.multigrid` on a device: the same cycle, in array expressions of static shapes.

Cells fill the whole grid, and squares between the nodes of the first lattice are axes of their
arrays: cells (…, H, W) are (…, ny, spacing, nx, spacing). So nothing is gathered or scattered.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from solvers.grid import offsets
from solvers.jax.lanczos import largest_eigenvalue
from solvers.jax.lattice import Lattices
from solvers.jax.stencil import Stencil
from solvers.multigrid import MOST
from solvers.parameters import as_count, as_number

STRIP = 16_384  # squares that are projected at a time


def multigrid(
    A: Stencil, *, spacing: int = 5, coarsest: int = 200, damping: float = 1.8
) -> Callable[[Any], Any]:
    """Return one cycle as a preconditioner r -> z, to be traced.

    Parameters
    ----------
    A : Stencil
        On (H, W) cells, with the functions that it nearly annihilates. `solvers.jax.cg` makes it of
        a `StencilMatrix`.
    spacing : int
        Cells between the nodes of the first coarse lattice, at least the reach of `A`.
    coarsest : int
        Number of nodes at which the dense inverse takes over, at least 4. A device multiplies by a
        large matrix in the time that it takes to start a small program.
    damping : float
        Jacobi's step, as a multiple of 1 / λmax(D⁻¹A).

    Raises
    ------
    TypeError, ValueError
        If A has no grid, or a parameter is refused.

    Notes
    -----
    Coarse matrices are assembled in the precision of `A`, and all is applied in float32.
    """
    if not isinstance(A, Stencil):
        raise TypeError(
            f"`A` is a {type(A).__name__}; multigrid needs a StencilMatrix or a Stencil, which "
            "knows its grid. For other matrices use `jacobi`."
        )
    spacing = max(as_count(spacing, "spacing", most=MOST), A.reach)
    coarsest = as_count(coarsest, "coarsest", least=4, most=MOST)  # 2 × 2 does not get smaller
    expected = "a positive number below 2, such as 1.8; from 2 on the step would not converge"
    damping = as_number(damping, "damping", expected, least=1e-12, most=math.nextafter(2, 1))
    A = lax.stop_gradient(A)
    near_null = jnp.ones((1, *A.grid)) if A.near_null is None else A.near_null
    blocks = project(A, near_null, spacing)
    fine = Stencil(jnp.asarray(A.planes, jnp.float32))
    diagonal = fine.diagonal()
    largest = largest_eigenvalue(lambda x: fine @ x / diagonal, diagonal.shape, weight=diagonal)
    return Cycle(
        fine,
        damping / largest / diagonal,
        jnp.asarray(near_null, jnp.float32),
        Lattices.of(blocks, damping, coarsest),
        spacing,
    )


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cycle:
    """One cycle as a preconditioner r -> z."""

    A: Stencil
    weight: jax.Array
    near_null: jax.Array
    lattices: Lattices
    spacing: int = field(metadata={"static": True})

    def __call__(self, r: jax.Array) -> jax.Array:
        dtype, r = r.dtype, r.astype(jnp.float32)
        A, grid = self.A, self.A.grid
        x = self.weight * r
        b = self._restrict((r - A @ x).reshape(grid))
        x = lax.optimization_barrier(x + self._prolong(self.lattices.solve(b)).ravel())
        x = x + self.weight * (r - A @ x)
        return x.astype(dtype)

    def _restrict(self, r):
        hats = _hats(self.spacing).astype(np.float32)
        for _ in range(2):
            r = self.near_null * r if r.ndim == 2 else r
            squares = _in_squares(r, self.spacing)
            behind, total = (squares * hats).sum(-1), squares.sum(-1)
            ahead = total - behind
            r = jnp.swapaxes(_pad_last(behind, 0, 1) + _pad_last(ahead, 1, 0), -1, -2)
        return r

    def _prolong(self, coarse):
        hats = _hats(self.spacing).astype(np.float32)
        for count in reversed(self.A.grid):
            behind, ahead = coarse[..., :-1, None], coarse[..., 1:, None]
            cells = ahead + (behind - ahead) * hats
            cells = cells.reshape(*coarse.shape[:-1], -1)[..., :count]
            coarse = jnp.swapaxes(cells, -1, -2)
        terms = [f * c for f, c in zip(self.near_null, coarse, strict=True)]
        return reduce(operator.add, terms)


def _hats(spacing: int) -> np.ndarray:
    """Return the weight of the node behind, for each place between two nodes."""
    return 1 - (np.arange(spacing) + 0.5) / spacing


def _pad_last(field, before, after):
    return jnp.pad(field, [(0, 0)] * (field.ndim - 1) + [(before, after)])


def _in_squares(field, spacing: int):
    """Cut the last axis into squares."""
    field = _pad_last(field, 0, -field.shape[-1] % spacing)
    return field.reshape(*field.shape[:-1], -1, spacing)


def project(A: Stencil, near_null, spacing: int):
    """Return Pᵀ A P on the first lattice, as blocks of `solvers.jax.lattice`."""
    reach, dtype = A.reach, A.planes.dtype
    ny, nx = (-(-side // spacing) for side in A.grid)
    rows = max(1, min(ny, STRIP // nx))
    strips = -(-ny // rows)
    height, width = strips * rows * spacing, nx * spacing
    after = [(0, height - A.grid[0]), (0, width - A.grid[1])]
    planes = jnp.pad(A.planes, [(0, 0), *after])
    margin = [(reach, reach + more) for _, more in after]
    functions = jnp.pad(near_null.astype(dtype), [(0, 0), *margin])

    def corners(strip):
        here = strip * rows * spacing
        tall = rows * spacing + 2 * reach
        cut = [lax.dynamic_slice_in_dim(f, here, tall, 1) for f in (planes, functions)]
        return _corners(cut[0], cut[1], reach, spacing)

    found = lax.map(corners, jnp.arange(strips))  # strips, a my mx b ny nx, rows, squares
    found = jnp.moveaxis(found, 0, -3)
    found = found.reshape(*found.shape[:-3], strips * rows, nx)[..., :ny, :]
    return _gather(found)


def _corners(planes, functions, reach, spacing):
    """Return what strips of squares give their corners, coupled to the 4 × 4 nodes around.

    The axes are those of Pᵀ: function, lower or not, right or not; those of P: function, row and
    column among the 4 × 4; then rows and columns of squares.
    """
    tall, wide = planes.shape[1:]
    grid = tall - 2 * reach, wide - 2 * reach

    def at(field, dy, dx):
        return field[..., reach + dy : reach + dy + grid[0], reach + dx : reach + dx + grid[1]]

    ahead = dict(zip(offsets(reach), planes, strict=True))
    table = _table(reach, spacing).astype(planes.dtype)  # size, 4, spacing
    on_x = jnp.tile(table, grid[1] // spacing)[:, None, :, None, :]  # size, 1, 4, 1, W
    on_y = jnp.tile(table, grid[0] // spacing)[:, None, :, None, :, None]
    total: Any = 0
    for dy in range(-reach, reach + 1):
        row: Any = 0
        for dx in range(-reach, reach + 1):
            plane = ahead.get((dy, dx))
            entry = at(ahead[-dy, -dx], dy, dx) if plane is None else at(plane, 0, 0)
            row += on_x[reach + dx] * (entry * at(functions, dy, dx))[:, None]
        total += on_y[reach + dy] * row[:, None]  # b ny nx H W

    hats = jnp.asarray(_hats(spacing), planes.dtype)
    sides = jnp.stack([hats, 1 - hats])
    here = at(functions, 0, 0).reshape(len(functions), -1, spacing, grid[1] // spacing, spacing)
    there = total.reshape(*total.shape[:3], *here.shape[1:])
    return jnp.einsum(
        "aypxq,ip,jq,bklypxq->aijbklyx",
        here,
        sides,
        sides,
        there,
        precision="highest",
        optimize=[(0, 1), (0, 2), (0, 1)],
    )


def _gather(found):
    """Add up at each node what the four squares around it give, as blocks."""
    y = _nodes(jnp.moveaxis(found, (1, 4, 6), (0, 1, 2)))  # 5 Y | a mx b nx x
    y = jnp.moveaxis(y, (3, 5, 6), (0, 1, 2))  # mx nx x | 5 Y a b
    y = _nodes(y)  # 5x X | 5y Y a b
    return jnp.transpose(y, (2, 0, 4, 5, 3, 1))


def _nodes(found):
    """Turn (2 corners, 4 nodes, squares, …) into (5 offsets, nodes, …) along one axis."""
    rest = [(0, 0)] * (found.ndim - 3)
    behind = jnp.pad(found[0], [(1, 0), (0, 1), *rest])
    ahead = jnp.pad(found[1], [(0, 1), (1, 0), *rest])
    return behind + ahead


def _table(reach, spacing):
    """Return the hats' values at offsets from a place in a square: (offset, node, place)."""
    table = np.zeros((2 * reach + 1, 4, spacing))
    hats = _hats(spacing)
    for d in range(-reach, reach + 1):
        for p in range(spacing):
            square, place = divmod(p + d, spacing)
            table[reach + d, 1 + square, p] = hats[place]
            table[reach + d, 2 + square, p] = 1 - hats[place]
    return table
