"""Sources: sequences of entries, each of which is read when it is used.

A tuple of entries is a source, so sources from files are joined with `+`, sliced and filtered as
any tuple.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, overload

import numpy as np

from alphamat.door import FULL_SCALE, as_array, as_count, as_number, refuse_other_size, unit_range
from alphamat_deep.training.sample import Sample

MOST_LISTED = 10_000_000
PLANES = ("alpha", "trimap")


class Entry(NamedTuple):
    """A foreground with its alpha, a picture with its alpha, or a background."""

    name: str
    """Which foreground it shows: entries of one name are on one side of a split."""
    read: Callable[[], Sample]
    """Returns float32 layers in [0, 1]: `foreground`, `background` and `image` (H, W, 3), `alpha`
    and `trimap` (H, W, 1), as far as there are any. Those of a clip are (T, H, W, ·)."""


@dataclass(frozen=True)
class Made(Sequence[Entry]):
    """A source whose entries are made when they are taken."""

    length: int
    make: Callable[[int], Entry]

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        places = range(self.length)[index]
        if isinstance(places, range):
            return Made(len(places), partial(_taken, self.make, places))
        return self.make(places)


def _taken(make: Callable[[int], Entry], places: Sequence[int], at: int) -> Entry:
    return make(places[at])


def split(
    source: Sequence[Entry], *, validation: float = 0.1
) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Split a source by foreground: what to train on, and what to validate with.

    A hash of its name decides on which side a foreground is. It stays there when others come or go,
    and all entries of one name are on one side.

    Parameters
    ----------
    source : sequence of Entry
    validation : float
        The chance of a foreground to be in the second part. A part of few foregrounds is larger or
        smaller, and can be empty.

    Examples
    --------
    >>> names = [f"{at:03}" for at in range(200)]
    >>> train, val = split([Entry(name, dict) for name in names], validation=0.2)
    >>> len(train), len(val)
    (162, 38)
    """
    share = as_number(validation, "validation", "a number from 0 to 1", least=0, most=1)
    if len(source) > MOST_LISTED:
        raise ValueError(
            f"`source` has {len(source):,} foregrounds, too many to list; for painted scenes, give "
            "other `seeds` for validation."
        )
    sides: tuple[list[Entry], list[Entry]] = [], []
    for entry in source:
        sides[_share(entry.name) < share].append(entry)
    return tuple(sides[0]), tuple(sides[1])


def _share(name: str) -> float:
    """Return a number from 0 to 1 that belongs to a name."""
    # macOS gives the letters of file names in another form.
    letters = unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(letters, digest_size=8).digest()) / 2**64


def alternate(*sources: Sequence[Entry]) -> Sequence[Entry]:
    """Return a source that takes as often from each of several; shorter ones come again.

    Examples
    --------
    >>> letters, digit = ([Entry(name, dict) for name in names] for names in ("abc", "1"))
    >>> "".join(entry.name for entry in alternate(letters, digit))
    'a1b1c1'
    """
    if not all(map(len, sources)):
        raise ValueError("One of the `sources` is empty.")
    return Made(len(sources) * max(map(len, sources)), partial(_in_turn, sources))


def _in_turn(sources: Sequence[Sequence[Entry]], at: int) -> Entry:
    turn, which = divmod(at, len(sources))
    return sources[which][turn % len(sources[which])]


def repeated(source: Sequence[Entry], frames: int) -> Sequence[Entry]:
    """Return the clips in which each picture of a source stands still.

    The frames are one array in memory, which must not be written to.

    Examples
    --------
    >>> still = arrays([(np.ones((5, 7, 3)), np.ones((5, 7)))])
    >>> repeated(still, 4)[0].read()["alpha"].shape
    (4, 5, 7, 1)
    """
    return Made(len(source), partial(_standing, source, as_count(frames, "frames")))


def _standing(source: Sequence[Entry], frames: int, at: int) -> Entry:
    return Entry(source[at].name, partial(_held, source[at].read, frames))


def _held(read: Callable[[], Sample], frames: int) -> Sample:
    return {key: np.broadcast_to(x, (frames, *x.shape)) for key, x in read().items()}


def arrays(samples: Iterable[Any], *, names: Sequence[str] | None = None) -> Sequence[Entry]:
    """Return a source of arrays that a program has, or reads itself.

    Parameters
    ----------
    samples : iterable of dict, or of tuples
        Layers by their names, see `Entry`, or (foreground, alpha): uint8, uint16, or floating point
        in [0, 1]. A sequence is indexed when a sample is used, so its `__getitem__` may read files.
        What is no sequence is read whole, and kept.
    names : sequence of str, optional
        The foreground that each shows; its number by default.

    Examples
    --------
    >>> source = arrays([{"foreground": np.ones((5, 7, 3)), "alpha": np.ones((5, 7))}])
    >>> {key: (x.shape, x.dtype.name) for key, x in source[0].read().items()}
    {'foreground': ((5, 7, 3), 'float32'), 'alpha': ((5, 7, 1), 'float32')}
    """
    held: Any = samples if hasattr(samples, "__getitem__") else list(samples)
    if names is not None and len(names) != len(held):
        raise ValueError(f"`names` has {len(names)} names for {len(held)} samples.")
    return Made(len(held), partial(_held_entry, held, names))


def _held_entry(held: Any, names: Sequence[str] | None, at: int) -> Entry:
    return Entry(str(at) if names is None else names[at], partial(_parsed, held, at))


def _parsed(held: Any, at: int) -> Sample:
    given = held[at]
    if isinstance(given, np.ndarray):
        given = {"background": given}
    elif not isinstance(given, Mapping):
        if len(given) != 2:
            raise ValueError(
                f"samples[{at}] has {len(given)} parts; expected foreground and alpha."
            )
        given = {"foreground": given[0], "alpha": given[1]}
    return layers({key: as_array(x, name=key) for key, x in given.items()}, f"samples[{at}]")


def layers(given: Mapping[str, np.ndarray], name: str) -> Sample:
    """Return layers as float32 with channels last; raise if they are not, or not of one size."""
    parsed = {key: _layer(x, key, f"{name}, `{key}`,") for key, x in given.items()}
    first = next(iter(parsed))
    for key in parsed.keys() - {"background"}:
        ours, theirs = parsed[key].shape, parsed[first].shape
        refuse_other_size(ours[-3:-1], theirs[-3:-1], f"{name}, `{key}`", f"`{first}`")
        if ours[:-3] != theirs[:-3]:
            raise ValueError(f"{name}, `{key}`, has another number of frames than `{first}`.")
    return parsed


def _layer(pixels: np.ndarray, key: str, name: str) -> np.ndarray:
    if key in PLANES and pixels.shape[-1:] != (1,):
        if pixels.ndim > 2 and pixels.shape[-1] in (3, 4):
            if (pixels[..., :3] != pixels[..., :1]).any():
                raise ValueError(f"{name} has colours; expected one gray channel.")
            pixels = pixels[..., 0]
        pixels = pixels[..., None]
    elif key not in PLANES and (pixels.ndim == 2 or pixels.shape[-1:] == (1,)):
        pixels = np.repeat(pixels[..., None] if pixels.ndim == 2 else pixels, 3, axis=-1)
    if pixels.ndim not in (3, 4) or pixels.shape[-1] != (1 if key in PLANES else 3):
        raise ValueError(f"{name} has shape {pixels.shape}; expected (H, W, 3), alpha (H, W).")
    if key == "trimap":
        levels = unit_range(pixels, name=name)
        return np.where((levels > 0) & (levels < 1), np.float32(0.5), np.float32(levels))
    if pixels.dtype in FULL_SCALE and pixels.size:
        return np.divide(pixels, np.float32(FULL_SCALE[pixels.dtype]), dtype=np.float32)
    return unit_range(pixels, name=name).astype(np.float32)
