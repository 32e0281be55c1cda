"""Tensors as files describe them, and how they are copied out: checked first, and counted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
from ml_dtypes import bfloat16

Buffer = memoryview | bytes

# By NumPy's code. Of a boolean every value but 0 is true, so its byte is compared.
DTYPES = {
    **{f"{o}{code}": np.dtype(code) for o in "<>" for code in ("f8", "f4", "f2", "i8", "i4", "i2")},
    **{f"{order}{code}": np.dtype(code) for order in "<>|" for code in ("i1", "u1", "b1")},
    "<bfloat16": np.dtype(bfloat16),
}

PAIR = 1024  # bytes counted for looking at a pair, so that the limit bounds the time as well


class Refusal(ValueError):
    """What is wrong with a file: the rest of a sentence that begins with the file's name."""


@dataclass
class Budget:
    """The bytes that a file may make us allocate."""

    limit: int
    claimed: int = 0

    def claim(self, size: int, what: str) -> None:
        """Count bytes, and refuse those beyond the limit before they are allocated."""
        self.claimed += size
        if self.claimed > self.limit:
            raise Refusal(
                f"claims {self.claimed:,} bytes or more (up to {what}); allowed are "
                f"{self.limit:,}. If you trust it, pass a greater `limit`."
            )


@dataclass(eq=False, repr=False, slots=True)
class Dictionary:
    """A dictionary as (key, value) pairs: what a file holds is never hashed before it is known."""

    pairs: list = field(default_factory=list)


@dataclass(eq=False, repr=False, slots=True)
class Tensor:
    """A tensor as the file describes it, on trust. `take` judges it."""

    storage: Callable[[], Buffer]
    dtype: str
    shape: object
    strides: object = None  # in elements; None of an array without gaps
    offset: Any = 0  # in elements
    fortran: bool = False  # the order of an array without gaps


def texted(holder: object, budget: Budget) -> list[tuple[str, object]]:
    """Return the pairs of a dictionary whose key is text; none of anything else."""
    if not isinstance(holder, Dictionary):
        return []
    budget.claim(PAIR * len(holder.pairs), "its dictionaries")
    return [
        (pair[0], pair[1])
        for pair in holder.pairs
        if isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)
    ]


def take(name: str, tensor: Tensor, budget: Budget) -> np.ndarray:
    """Copy a tensor out of its file, if all that is said of it is true."""
    called = f"its tensor {name[:100]!r}"
    dtype, shape, size = measured(called, tensor)
    budget.claim(size, f"{called}, {dtype.name} of shape {shape}")
    if 0 in shape:
        return np.empty(shape, dtype)
    strides, reach = _spanned(called, tensor, shape)
    storage = tensor.storage()
    if reach * dtype.itemsize > len(storage):
        raise Refusal(
            f"is damaged: {called}, {dtype.name} of shape {shape}, reaches beyond its storage of "
            f"{len(storage):,} bytes."
        )
    order: Any = tensor.dtype[0]
    stored = "u1" if dtype.kind == "b" else dtype.newbyteorder(order)
    view = np.ndarray(
        shape,
        stored,
        storage,
        tensor.offset * dtype.itemsize,
        [stride * dtype.itemsize for stride in strides],
    )
    return np.array(view, dtype, order="C")


def measured(called: str, tensor: Tensor) -> tuple[np.dtype, tuple[int, ...], int]:
    """Return a dtype and shape that an array can have, and its bytes."""
    dtype, shape = DTYPES.get(tensor.dtype), tensor.shape
    if dtype is None:
        raise Refusal(
            f"has values of type {tensor.dtype[:20]!r} in {called}; expected float64, float32, "
            "float16, bfloat16, int8 to int64, uint8 or bool."
        )
    if _counts(shape) and len(shape) <= 32:
        size = dtype.itemsize * math.prod(max(n, 1) for n in shape)
        if size < 2**63:
            return dtype, shape, size if all(shape) else 0
    raise Refusal(f"is damaged: {called} has a shape that no tensor has.")


def _spanned(called: str, tensor: Tensor, shape: tuple[int, ...]) -> tuple[list[int], int]:
    """Return strides in elements, and how many elements of its storage a tensor needs."""
    strides = tensor.strides
    if strides is None:
        inner = (
            slice(axis) if tensor.fortran else slice(axis + 1, None) for axis in range(len(shape))
        )
        strides = tuple(math.prod(shape[axes]) for axes in inner)
    if not _counts(strides) or len(strides) != len(shape) or not _counts((tensor.offset,)):
        raise Refusal(f"is damaged: {called} has strides or an offset that no tensor has.")
    # Of a side of 1, any stride may be told.
    strides = [stride if n > 1 else 0 for stride, n in zip(strides, shape, strict=True)]
    reach = sum(stride * (n - 1) for stride, n in zip(strides, shape, strict=True))
    return strides, tensor.offset + reach + 1


def _counts(numbers: object) -> TypeGuard[tuple[int, ...]]:
    return type(numbers) is tuple and all(type(n) is int and n >= 0 for n in numbers)
