"""The endless stream of samples: sample i is a function of the seed and of i, and of nothing else.

So it is the same for any number of processes, and a run goes on anywhere by a number.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from alphamat.door import as_count, shown, unit_range
from alphamat.door.parameters import parameters
from alphamat_deep.training.compositions.entries import Entry, Made, arrays
from alphamat_deep.training.compositions.folders import cutouts, plates
from alphamat_deep.training.sample import Sample

ATTEMPTS = 100
ROUNDS = 8
Compose = Callable[..., Sample]


class Composed(NamedTuple):
    """A sample, and what there is to say of it."""

    sample: Sample
    faults: tuple[str, ...]
    """Of each entry that could not be read."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stream:
    """What samples are made of."""

    source: Sequence[Entry]
    backgrounds: Sequence[Entry] | None
    compose: Compose
    seed: int
    draws: bool
    """Whether `compose` draws further entries."""

    def __call__(self, at: int) -> Composed:
        """Make sample number `at`."""
        faults: list[str] = []
        given = _read(self.source, (self.seed, "foreground"), at, faults)
        if self.backgrounds is not None:
            behind = _read(self.backgrounds, (self.seed, "background"), at, faults)["background"]
            given = _before(given, behind)
        turns = count()

        def draw() -> Sample:
            return _read(self.source, (self.seed, "draw", next(turns)), at, faults)

        rng = np.random.default_rng([self.seed, at])
        made = self.compose(given, rng, **({"draw": draw} if self.draws else {}))
        sample = {key: _stored(x) for key, x in made.items()}
        return Composed(sample, tuple(faults))


def _stored(x: np.ndarray) -> np.ndarray:
    return np.asarray(x) if np.asarray(x).dtype == np.uint8 else np.asarray(x, np.float32)


def _read(source: Sequence[Entry], key: tuple, at: int, faults: list[str]) -> Sample:
    """Read the entry whose turn it is; in the place of one that cannot be read, draw another."""
    epoch, turn = divmod(at, len(source))
    for attempt in range(ATTEMPTS):
        entry = source[shuffled(turn, len(source), (*key, epoch, attempt))]
        try:
            return entry.read()
        except (OSError, ValueError, MemoryError) as fault:
            faults.append(f"{entry.name} is left out: {fault}")
    raise RuntimeError(f"{ATTEMPTS} entries in a row could not be read. {faults[-1]}")


def shuffled(at: int, length: int, key: tuple) -> int:
    """Return where `at` comes in a permutation of range(length) that belongs to a key.

    No list is made, so that `length` may be any number. It is a Feistel network (Luby & Rackoff,
    SIAM J. Comput. 1988), run again while it leaves the range.
    """
    half = max(1, ((length - 1).bit_length() + 1) // 2)
    ones = (1 << half) - 1
    while True:
        left, right = at >> half, at & ones
        for turn in range(ROUNDS):
            text = repr((key, turn, right)).encode()
            mixed = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
            left, right = right, left ^ (mixed & ones)
        at = left << half | right
        if at < length:
            return at


def _before(given: Sample, background: np.ndarray) -> Sample:
    """Return a foreground and its alpha with another background."""
    if "foreground" not in given:
        raise ValueError(
            "`source` has pictures without `foreground`, which cannot be put before `backgrounds`. "
            "Estimate it (see `estimated`), or pass None to keep the pictures as they are."
        )
    foreground, alpha = given["foreground"], given["alpha"]
    if background.shape == (1, 1, 3):  # a colour
        background = np.full(foreground.shape[-3:], background)
    if foreground.ndim > background.ndim:
        background = np.broadcast_to(background, (len(foreground), *background.shape))
    if foreground.shape[:-3] != background.shape[:-3]:
        raise ValueError(
            f"`backgrounds` has clips of shape {background.shape}, and `source` has foregrounds of "
            f"shape {foreground.shape}; expected as many frames, or stills."
        )
    return {"foreground": foreground, "alpha": alpha, "background": background}


def stream_of(source: Any, backgrounds: Any, compose: Compose, seed: int) -> Stream:
    """Return the stream of what users have."""
    seed = as_count(seed, "seed", least=0, most=None)
    if isinstance(source, str | os.PathLike):
        source = cutouts(source)
    if not callable(compose):
        raise TypeError(f"`compose` is {shown(compose)}; expected a function (layers, rng).")
    draws = "draw" in parameters(compose)
    return Stream(_entries(source, "source"), _backgrounds(backgrounds), compose, seed, draws)


def _backgrounds(backgrounds: Any) -> Sequence[Entry] | None:
    if backgrounds is None:
        return None
    if isinstance(backgrounds, str | os.PathLike):
        return plates(backgrounds)
    if _is_colour(backgrounds):
        colour = np.asarray(backgrounds, dtype=np.float64).reshape(1, 1, 3)
        return arrays([unit_range(colour, name="backgrounds")])
    return _entries(backgrounds, "backgrounds")


def _is_colour(backgrounds: Any) -> bool:
    return (
        isinstance(backgrounds, tuple | list | np.ndarray)
        and len(backgrounds) == 3
        and all(isinstance(x, Real) for x in backgrounds)
    )


def _entries(given: Any, name: str) -> Sequence[Entry]:
    indexed = hasattr(given, "__getitem__")
    if isinstance(given, Mapping) or not (indexed or isinstance(given, Iterable)):
        raise TypeError(f"`{name}` is {shown(given)}; expected a folder, or a sequence of samples.")
    held: Any = given if indexed else list(given)
    if not len(held):
        raise ValueError(f"`{name}` is empty.")
    own = isinstance(held, tuple | list | Made) and isinstance(held[0], Entry)
    return held if own else arrays(held)
