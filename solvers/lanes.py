"""Several neighbouring entries of an array at once, in kernels: what the processor's vectors hold.

LLVM makes vectors of loops itself, but only where it can tell that no store changes what is loaded
later, and for the entries that are left over it takes one at a time. In kernels full of short loops
over many rows it pays to say what is meant. Lanes are added, subtracted and multiplied by `+`, `-`
and `*`. The number of lanes is that of the elements of a tuple `like`.
"""

from __future__ import annotations

from solvers.loops import Instruction


@Instruction
def load(array, at, like):
    """Return the entries array[at], array[at + 1] … of a vector whose entries lie side by side."""


@Instruction
def store(lanes, array, at):
    """Write the lanes to array[at], array[at + 1] …"""


@Instruction
def spread(value, like):
    """Return lanes that all hold this number."""


@Instruction
def widen(lanes):
    """Return lanes of float32 as such of float64."""


@Instruction
def lane(lanes, at):
    """Return one of the lanes."""


@Instruction
def total(lanes):
    """Return the sum of the lanes."""
