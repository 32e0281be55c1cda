"""What is to be done with each picture of a batch, before anything is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
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
    bits: int = 8,
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
    refuse_unless_among("bits", bits, (8, 16))
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
    bits: int


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
        no_trimap = takes(self.recipe.method).trimap is Need.NO
        for picture in as_pictures(self.inputs):
            name = self._name(picture)
            if not self._is_mine(name):
                continue
            if no_trimap:
                picture = picture._replace(trimap=None)
            output = self.out / name
            fault = picture.fault or self._fault(picture, name, output)
            key = digest(os.path.normcase(name))
            if key in seen:
                fault = fault or f"Another picture becomes {name}, too; name its output otherwise."
            seen.add(key)
            made_of = 0 if fault else digest(f"{settings} {_states(picture)}")
            done = not fault and known.has(name, made_of, output)
            yield Planned(picture, name, output, made_of, done, fault)

    def _name(self, picture: Picture) -> str:
        if picture.output:
            return PurePath(os.path.normpath(picture.output)).as_posix()
        name = f"{picture.image.stem}_{self.recipe.kind}.png"
        return PurePosixPath(picture.folder, name).as_posix()

    def _is_mine(self, name: str) -> bool:
        at, count = self.shard
        return digest(name) % count == at - 1

    def _fault(self, picture: Picture, name: str, output: Path) -> str:
        path = PurePosixPath(name)
        if "\0" in f"{name}{picture.image}{picture.trimap}":
            return "One of its names has a zero byte, which no file has."
        if path.is_absolute() or path.parts[0] in ("..", FOLDER) or PurePath(name).drive:
            return f"The output {name} is not in the folder of all outputs."
        if path.suffix.lower() not in WRITABLE:
            return f"The output {name} cannot be written; expected {', '.join(WRITABLE)}."
        real = os.path.realpath(output)
        for given in (picture.image, picture.trimap):
            if given is not None and real == os.path.realpath(given):
                return f"The output {name} would overwrite {given}."
        needs = takes(self.recipe.method).trimap is Need.YES
        if needs and picture.trimap is None and self.recipe.kind == "alpha":
            return f"It has no trimap, which {name_of(self.recipe.method)} needs."
        return ""


def _states(picture: Picture) -> list[str]:
    paths = (picture.image, picture.trimap)
    return [f"{os.path.abspath(path)} {_state(path)}" for path in paths if path is not None]


def _state(path: Path) -> str:
    """Return what changes when a file does."""
    try:
        found = os.stat(path)
    except OSError:
        return "missing"
    return f"{found.st_size} {found.st_mtime_ns}"


def _settings(recipe: Recipe) -> str:
    """Return text that changes when another recipe is followed."""
    parts = [describe(part) for part in recipe]
    if isinstance(recipe.method, partial):
        bound = recipe.method.keywords.values()
        parts += [_state(Path(value)) for value in bound if isinstance(value, PurePath)]
    return " ".join([*parts, __version__])
