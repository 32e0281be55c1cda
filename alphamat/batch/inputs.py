"""The pictures of a batch: in a folder, matched by a pattern, or listed in a manifest."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from glob import has_magic, iglob
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from alphamat.io.folders import SUFFIXES, existing_folder, natural

Named = str | os.PathLike[str]

KINDS = ("alpha", "cutout", "composite", "trimap")
"""NAME_KIND beside a picture NAME is no picture: it was made of it."""
COLUMNS = ("image", "trimap", "output")


class Picture(NamedTuple):
    """A picture, and what belongs to it."""

    image: Path
    trimap: Path | None = None
    output: str = ""
    """File to write, below the folder of all outputs; by default NAME_alpha.png or
    NAME_cutout.png."""
    folder: str = ""
    """Where an output without a name of its own lies, below the folder of all outputs."""
    fault: str = ""
    """Why it cannot be worked on, in one sentence."""


@dataclass(frozen=True)
class Found:
    """Pictures that are searched lazily, anew each time, and come in the same order."""

    search: Callable[[], Iterator[Picture]]
    rules: str
    """How trimaps are found, in words."""

    def __iter__(self) -> Iterator[Picture]:
        return self.search()


def pictures_of(text: Named, *, trimaps: Named | None = None, apart: Named | None = None) -> Found:
    """Return the pictures of a folder, of a pattern, or of a manifest.

    Parameters
    ----------
    text : path of a folder, a pattern such as ``photos/**/*.jpg``, or path of a manifest, NAME.csv
        Folders below a folder belong to it. A manifest has a column `image`, and maybe `trimap` and
        `output`, which may be empty in places; its paths are relative to its own folder.
    trimaps : path of a folder, optional
        Where the trimaps are: that of SUB/NAME.jpg is SUB/NAME or SUB/NAME_trimap there, with any
        suffix. Without it they lie beside the pictures, as NAME_trimap.
    apart : path of a folder, optional
        What is in it does not belong to the folder, as results.

    Raises
    ------
    OSError
        If there is no such thing.
    ValueError
        If a manifest has other columns, or is given with `trimaps`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("lion.jpg", "lion_trimap.png", "zebra.jpg"):
    ...         Path(folder, name).touch()
    ...     [(x.image.name, x.trimap and x.trimap.name) for x in pictures_of(folder)]
    [('lion.jpg', 'lion_trimap.png'), ('zebra.jpg', None)]
    """
    name = os.fspath(text)
    if name.lower().endswith(".csv") and not Path(name).is_dir():
        if trimaps is not None:
            raise ValueError("`trimaps` is given, and a manifest names the trimaps itself.")
        _refuse_other_columns(name)
        return Found(partial(_in_manifest, name), "as the manifest says")
    rules = "NAME_trimap beside a picture NAME, with any suffix"
    if trimaps is not None:
        existing_folder(trimaps)
        rules = f"NAME or NAME_trimap in {trimaps}, with any suffix, in folders as the pictures"
    if has_magic(name) and not Path(name).exists():
        if next(iglob(name, recursive=True), None) is None:
            raise FileNotFoundError(f"'{name}' matches no file.")
        files = partial(_matching, name)
        parts = Path(name).parts
        root = Path(*parts[: next(at for at, part in enumerate(parts) if has_magic(part))])
    else:
        root = Path(name)
        if not root.is_dir():
            found = "is a file" if root.exists() else "does not exist"
            raise NotADirectoryError(
                f"{root} {found}; expected a folder of pictures, a pattern such as 'photos/*.jpg', "
                "or a manifest, NAME.csv."
            )
        files = partial(_below, root)
    aside = frozenset(os.path.realpath(x) for x in (trimaps, apart) if x is not None)
    return Found(partial(_paired, files, root, trimaps, aside), rules)


def _below(root: Path, aside: frozenset[str]) -> Iterator[Path]:
    """Yield the files of a folder and those below it."""
    for here, folders, names in os.walk(root):
        seen = (x for x in folders if x[0] != "." and os.path.realpath(Path(here, x)) not in aside)
        folders[:] = sorted(seen, key=natural)
        yield from (Path(here, name) for name in sorted(names, key=natural))


def _matching(pattern: str, aside: frozenset[str]) -> Iterator[Path]:
    found = (Path(x) for x in iglob(pattern, recursive=True))
    for path in sorted(found, key=lambda x: (x.parent.parts, natural(x.name))):
        if not aside.intersection(os.path.realpath(x) for x in path.parents) and path.is_file():
            yield path


def _paired(
    files: Callable[[frozenset[str]], Iterable[Path]],
    root: Path,
    trimaps: Named | None,
    aside: frozenset[str],
) -> Iterator[Picture]:
    """Yield pictures with their trimaps; folders are listed one at a time."""
    for here, paths in groupby(files(aside), key=lambda path: path.parent):
        folder = here.relative_to(root).as_posix()
        beside = here if trimaps is None else Path(trimaps, folder)
        hints = {os.path.splitext(name)[0]: name for name in _pictures(beside)}
        stems = {os.path.splitext(name)[0] for name in _pictures(here)}
        for path in paths:
            of, _, kind = path.stem.rpartition("_")
            if not _is_picture(path.name) or (kind in KINDS and of in stems):
                continue
            same = [] if trimaps is None else [path.stem]
            names = [hints[x] for x in (*same, f"{path.stem}_trimap") if x in hints]
            trimap = beside / names[0] if names else None
            yield Picture(path, trimap, folder="" if folder == "." else folder)


def _pictures(folder: Path) -> list[str]:
    names = os.listdir(folder) if folder.is_dir() else []
    return sorted(filter(_is_picture, names), reverse=True)


def _is_picture(name: str) -> bool:
    return name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES


def _refuse_other_columns(path: str) -> None:
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        head = next(csv.reader(file), [])
    if "image" not in head or set(head) - set(COLUMNS) or len(set(head)) < len(head):
        raise ValueError(
            f"{path} begins with '{','.join(head)[:80]}'; expected the names of its columns: "
            "image, and maybe trimap and output."
        )


def _in_manifest(path: str) -> Iterator[Picture]:
    above = Path(path).parent
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = csv.DictReader(file, restval="")
        try:
            for row in rows:
                yield _listed(row, above, f"Line {rows.line_num} of {path}")
        except csv.Error as fault:
            raise ValueError(f"{path} is no CSV after line {rows.line_num}: {fault}.") from None


def _listed(row: dict, above: Path, line: str) -> Picture:
    """Return the picture of a line of a manifest."""
    more = row.pop(None, [])
    image, trimap, output = (row.get(name, "").strip() for name in COLUMNS)
    fault = "" if image else f"{line} names no image."
    if more:
        fault = f"{line} has more cells than there are columns."
    return Picture(above / image, above / trimap if trimap else None, output, fault=fault)


def as_pictures(inputs: Iterable) -> Iterator[Picture]:
    """Yield pictures of paths, of pairs (image, trimap), and of pictures."""
    for at, given in enumerate(inputs):
        if isinstance(given, Picture):
            yield given
        elif isinstance(given, str | os.PathLike):
            yield Picture(Path(given))
        elif isinstance(given, tuple) and len(given) == 2 and all(map(_is_path, given)):
            yield Picture(Path(given[0]), Path(given[1]))
        else:
            raise TypeError(
                f"`inputs` has {given!r:.80} at {at}; expected a path, a pair of paths (image, "
                "trimap), or an alphamat.batch.Picture."
            )


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike)
