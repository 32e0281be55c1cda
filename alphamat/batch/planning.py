"""What is to be done with each picture of a batch, before anything is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from alphamat import __version__
from alphamat.batch.inputs import Named, Picture, as_pictures, pictures_of
from alphamat.batch.journal import FOLDER, digest, finished
from alphamat.door.parameters import as_number
from alphamat.identity import describe
from alphamat.io.folders import refuse_unless_among
from alphamat.io.images import WRITABLE
from alphamat.method import Method, Need, name_of, takes
from alphamat.methods.learned import learned
from alphamat.segmentation import segment as segmented


def plan(
    inputs: Named | Iterable,
    out: Named,
    *,
    method: Method = learned,
    kind: str = "alpha",
    trimaps: Named | None = None,
    shard: tuple[int, int] = (1, 1),
    segment: Callable[..., Any] = segmented,
    doubt: float = 0.5,
    bits: int | str | None = None,
) -> Plan:
    """Return what `run` would do, given the same: iterate over it. Nothing is written.

    Raises
    ------
    TypeError, ValueError, OSError
        As `run` does.

    Examples
    --------
    >>> from alphamat import batch
    >>> todo = batch.plan([("photos/lion.jpg", "trimaps/lion.png")], "alphas")
    >>> [(x.name, x.finished, x.fault) for x in todo]
    [('lion_alpha.png', False, '')]
    """
    refuse_unless_among("kind", kind, ("alpha", "cutout"))
    refuse_unless_among("bits", bits, (None, 8, 16, "half", "float"))
    doubt = as_number(doubt, "doubt", "a number in [0, 1]", least=0, most=1)
    if takes(method).plate is Need.YES:
        raise ValueError(f"`method` is {name_of(method)}, which needs a plate; a batch has none.")
    out = Path(out)
    if isinstance(inputs, str | os.PathLike):
        inputs = pictures_of(inputs, trimaps=trimaps, apart=out)
    elif trimaps is not None:
        raise ValueError("`trimaps` is given, and `inputs` are no folder and no pattern.")
    _refuse_foreign(out)
    return Plan(inputs, out, Recipe(method, kind, segment, doubt, bits), _as_shard(shard))


def _as_shard(shard: tuple[int, int]) -> tuple[int, int]:
    fits = isinstance(shard, tuple) and len(shard) == 2 and all(type(x) is int for x in shard)
    if not (fits and 1 <= shard[0] <= shard[1]):
        raise ValueError(f"`shard` is {shard!r}; expected (3, 64) for the third of 64 parts.")
    return shard


def _refuse_foreign(out: Path) -> None:
    """Raise if a folder has files, and no batch has ever written to it."""
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file; expected a folder for the outputs.")
    if out.is_dir() and not (out / FOLDER).is_dir():
        with os.scandir(out) as files:
            other = next(files, None)
        if other is not None and not (out / FOLDER).is_dir():
            raise FileExistsError(
                f"{out} has files that no batch wrote, such as {other.name}; name a new folder."
            )


class Recipe(NamedTuple):
    """What is made of all pictures of a batch."""

    method: Method
    kind: str
    """"alpha" or "cutout"."""
    segment: Callable[..., Any]
    """What finds the foreground where a cut-out needs a trimap and there is none."""
    doubt: float
    bits: int | str | None


class Planned(NamedTuple):
    """A picture of a batch, and what is to be done with it."""

    picture: Picture
    """Without a trimap if the method takes none."""
    name: str
    """Of the output, below the folder of all outputs."""
    output: Path
    made_of: int
    """A digest of the files, the method and its options."""
    finished: bool
    """Whether the output is there, and was made of the same."""
    fault: str
    """Why it cannot be done."""


@dataclass(frozen=True)
class Plan:
    """The pictures of a batch, or of a shard of it, in the order of its inputs.

    A picture belongs to a shard by the name of its output alone, so that shards need not know of
    each other.
    """

    inputs: Iterable
    out: Path
    recipe: Recipe
    shard: tuple[int, int]

    def count(self) -> int:
        """Count the pictures by going through the inputs, without looking at files."""
        names = (self._name(picture) for picture in as_pictures(self.inputs))
        return sum(self._is_mine(name) for name in names)

    def __iter__(self) -> Iterator[Planned]:
        settings, known, seen = _settings(self.recipe), finished(self.out), set[int]()
        need = takes(self.recipe.method).trimap
        for picture in as_pictures(self.inputs):
            name = self._name(picture)
            if not self._is_mine(name):
                continue
            if need is Need.NO:
                picture = picture._replace(trimap=None)
            output = self.out / name
            files = [path for path in picture[:2] if path is not None]
            there, *states = map(_stat, (output, *files))
            fault = picture.fault or _fault(name)
            key = digest(os.path.normcase(name))
            if key in seen:
                fault = fault or f"Another picture becomes {name}, too; name its output otherwise."
            seen.add(key)
            for path, state in zip(files, states, strict=True):
                if there is not None and state is not None and os.path.samestat(there, state):
                    fault = fault or f"The output {name} would overwrite {path}."
            if need is Need.YES and picture.trimap is None and self.recipe.kind == "alpha":
                method = name_of(self.recipe.method)
                fault = fault or f"It has no trimap, which {method} needs."
            made_of = digest(" ".join([settings, *map(_described, files, states)]))
            size = None if there is None or fault else there.st_size
            done = size is not None and known.has(name, made_of, size)
            yield Planned(picture, name, output, made_of, done, fault)

    def _name(self, picture: Picture) -> str:
        if picture.output:
            return os.path.normpath(picture.output).replace(os.sep, "/")
        name = f"{picture.image.stem}_{self.recipe.kind}.png"
        return f"{picture.folder}/{name}" if picture.folder else name

    def _is_mine(self, name: str) -> bool:
        at, count = self.shard
        return digest(name) % count == at - 1


def _fault(name: str) -> str:
    """Say what is wrong with the name of an output."""
    if name.split("/")[0] in ("", "..", FOLDER) or os.path.splitdrive(name)[0]:
        return f"The output {name} is not in the folder of all outputs."
    if os.path.splitext(name)[1].lower() not in WRITABLE:
        return f"The output {name} cannot be written; expected {', '.join(WRITABLE)}."
    return ""


def _stat(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):  # whoever reads it tells
        return None


def _described(path: Path, state: os.stat_result | None) -> str:
    """Return text that changes when a file does."""
    told = "missing" if state is None else f"{state.st_size} {state.st_mtime_ns}"
    return f"{os.path.abspath(path)} {told}"


def _settings(recipe: Recipe) -> str:
    """Return text that changes when another recipe is followed."""
    parts = [describe(part) for part in recipe]
    if isinstance(recipe.method, partial):
        bound = recipe.method.keywords.values()
        parts += [_described(value, _stat(value)) for value in bound if isinstance(value, Path)]
    return " ".join([*parts, __version__])
