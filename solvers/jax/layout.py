"""What operators and their weakly held parts become on a device."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvers.grid import StencilMatrix, offsets
from solvers.jax.stencil import Stencil
from solvers.parts import Parts

MOST_FUNCTIONS = 2000  # of weakly held parts, whose dense inverse the device gets


def lay_out(A: Any, dtype):
    """Return A as a pytree on the device, and where its unknowns are in the vectors there."""
    if isinstance(A, StencilMatrix):
        return _stencil(A, dtype)
    if hasattr(A, "tocsr"):
        return _Sparse.of(A.tocsr(), dtype), slice(None)
    if isinstance(A, np.ndarray):
        return jnp.asarray(A, dtype), slice(None)
    if not is_dataclass(A):
        raise TypeError(
            f"`A` is a {type(A).__name__}, whose `@` JAX cannot trace; expected a StencilMatrix, "
            "something with tocsr(), a NumPy array, or a frozen dataclass of arrays whose `@` is "
            "written in array expressions."
        )
    while strangers := {type(leaf) for leaf in jax.tree.leaves(A) if is_dataclass(leaf)}:
        for stranger in strangers:
            jax.tree_util.register_dataclass(stranger)
    return jax.tree.map(jnp.asarray, A), slice(None)


def lay_out_with_parts(A: Any, parts: Parts | None, dtype):
    """Return also the parts on the device, if there are any that it can hold."""
    operator, place = lay_out(A, dtype)
    together = None
    if parts is not None and 0 < parts.functions.shape[1] <= MOST_FUNCTIONS:
        entries = parts.functions.tocoo()
        rows, columns = entries.coords
        inverse = np.linalg.inv(parts.energies.toarray())
        at = np.arange(operator.shape[0])[place][rows]
        values, inverse = entries.data.astype(dtype), inverse.astype(dtype)
        together = _Parts(*map(jnp.asarray, (values, at, columns, inverse)))
    return operator, place, together


def _stencil(A: StencilMatrix, dtype) -> tuple[Stencil, np.ndarray]:
    """Lay planes out on the bounding box of the stored cells; the diagonal of others is one."""
    region, reach = A.region, A.region.reach
    box, margins = zip(*(_span(at, reach) for at in np.nonzero(region.stored)), strict=True)
    chosen, stored = (np.pad(mask[box], margins) for mask in (region.chosen, region.stored))
    planes = np.zeros((len(A.planes), *stored.shape), dtype)
    for k, (dy, dx) in enumerate(offsets(reach)):
        planes[k, stored] = A.planes[k]
        planes[k, ~(chosen & np.roll(chosen, (-dy, -dx), (0, 1)))] = 0  # leads into the halo
    planes[0][~chosen] = 1
    near_null = None
    if A.near_null is not None:
        near_null = np.zeros((len(A.near_null), *stored.shape), np.float32)
        near_null[:, stored] = A.near_null
        near_null = jnp.asarray(near_null[:, reach:-reach, reach:-reach])
    return Stencil(jnp.asarray(planes), near_null), chosen[reach:-reach, reach:-reach].ravel()


def _span(at: np.ndarray, reach: int) -> tuple[slice, tuple[int, int]]:
    """Return where stored cells begin and end, and how many cells to add there.

    Sides are rounded up, by an eighth at most, so that few programs have to be compiled.
    """
    begin, end = int(at.min()), int(at.max()) + 1
    inner = end - begin - 2 * reach
    step = 1 << max(inner.bit_length() - 4, 0)
    return slice(begin, end), (0, -inner % step)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Parts:
    """`solvers.parts.Parts`: the entries of P, and (Pᵀ A P)⁻¹."""

    values: jax.Array
    rows: jax.Array
    columns: jax.Array
    inverse: jax.Array

    def correct(self, r):
        total = jax.ops.segment_sum(self.values * r[self.rows], self.columns, len(self.inverse))
        y = (self.inverse * total).sum(1)
        return jax.ops.segment_sum(self.values * y[self.columns], self.rows, r.size)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Sparse:
    """A sparse matrix as its entries, row by row."""

    values: jax.Array
    rows: jax.Array
    columns: jax.Array
    entries: jax.Array

    @classmethod
    def of(cls, csr, dtype) -> _Sparse:
        rows = np.repeat(np.arange(csr.shape[0]), np.diff(csr.indptr))
        values, diagonal = (jnp.asarray(part, dtype) for part in (csr.data, csr.diagonal()))
        return cls(values, jnp.asarray(rows), jnp.asarray(csr.indices), diagonal)

    @property
    def shape(self) -> tuple[int, int]:
        return (self.entries.size, self.entries.size)

    def __matmul__(self, x):
        terms = self.values * x[self.columns]
        return jax.ops.segment_sum(terms, self.rows, x.size, indices_are_sorted=True)

    def diagonal(self):
        return self.entries
