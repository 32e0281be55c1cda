"""Sources of files: cut-outs, finished pictures, clips and backgrounds.

All files are found first. Names are compared, and sizes by the headers: a wrong pair is refused
before the training starts. Files that are missing or damaged are named in a warning and left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from alphamat import read_image
from alphamat.door import as_count
from alphamat.io.folders import (
    Folder,
    existing_folder,
    natural,
    pictures,
    raise_faults,
    read_colour,
    size,
)
from alphamat_deep.training.compositions.entries import PLANES, Entry, Sample, layers

MOST_NAMED = 20
Names = Callable[[str], str]


def cutouts(path: Folder, alpha: Folder | None = None) -> tuple[Entry, ...]:
    """Find cut-outs: RGBA pictures, or foregrounds in one folder and alphas in another.

    Parameters
    ----------
    path : path of a folder
        RGBA pictures with straight alpha, such as PhotoMatte85's, or foreground colours.
    alpha : path of a folder, optional
        An alpha for each, of the same name (the ending may differ) and size. The training sets of
        Composition-1k (`fg` and `alpha`, in two folders) and of Distinctions-646 (`FG` and `GT`)
        are of this kind.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no folder `path`.
    ValueError
        If there is no pair of files, if an alpha has another size than its foreground, or if no
        picture has an alpha channel and `alpha` is not given. The message names all.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import alphamat
    >>> with TemporaryDirectory() as folder:
    ...     alphamat.write_image(folder + "/cat.png", np.ones((5, 7, 4)))
    ...     (cat,) = cutouts(folder)
    ...     cat.name, cat.read()["alpha"].shape
    ('cat', (5, 7, 1))
    """
    root = existing_folder(path)
    if alpha is not None:
        return _matched(root, {"foreground": Path(path), "alpha": Path(alpha)})
    faults, left_out = [], []
    found = pictures(root, faults)
    sizes = {name: size(file, left_out) for name, file in found.items()}
    readable = [name for name in found if sizes[name]]
    cut = [name for name in readable if _may_be_transparent(found[name])]
    if readable and not cut:
        faults.append("no picture has an alpha channel; give a folder of alphas as `alpha`")
    left_out += [f"{found[name]} has no alpha channel" for name in readable if name not in cut]
    _refuse_or_warn(root, faults, left_out, len(cut))
    return tuple(Entry(name, partial(_read_cutout, found[name])) for name in cut)


def composed(
    path: Folder,
    *,
    image: Folder = "image",
    alpha: Folder = "alpha",
    trimap: Folder | None = None,
    foreground: Folder | None = None,
    background: Folder | None = None,
    foreground_of: Names = lambda name: name,
) -> tuple[Entry, ...]:
    """Find finished pictures and their alphas: photographs, or pictures composed beforehand.

    Parameters
    ----------
    path : path of a folder
    image, alpha, trimap, foreground, background : names of folders in it, or None
    foreground_of : function
        From the name of a picture to that of its foreground. Layers may have either name. For
        pictures NAME_0 … NAME_99 of one foreground it is `lambda name: name.rpartition("_")[0]`.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `cutouts`.
    """
    root = existing_folder(path)
    given = {"image": image, "alpha": alpha, "trimap": trimap}
    given |= {"foreground": foreground, "background": background}
    folders = {key: root / name for key, name in given.items() if name is not None}
    return _matched(root, folders, foreground_of)


def listed(path: Folder, lines: str = "train.txt", *, separator: str = " ") -> tuple[Entry, ...]:
    """Find the pictures that a list names, as PaddleSeg has them.

        path/
            train.txt              train/fg/cat.jpg bg/forest.jpg
            train/fg/cat.jpg       train/alpha/cat.jpg      bg/forest.jpg

    A line names a foreground, and may name its background and its trimap. The alpha is in the
    folder `alpha` beside `fg`. Where no background is named, the first file is a whole picture.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `cutouts`; also if there is no file `lines`.
    """
    root, faults, left_out, entries = existing_folder(path), [], [], []
    for line in (root / lines).read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        names = line.strip().split(separator)
        keys = ["foreground", "background", "trimap"] if len(names) > 1 else ["image"]
        files = {key: root / name for key, name in zip(keys, names, strict=False)}
        first = Path(names[0])
        beside = ["alpha" if part == "fg" else part for part in first.parts]
        files["alpha"] = root.joinpath(*beside)
        if not files["alpha"].exists():
            files["alpha"] = files["alpha"].with_suffix(".png")
        if _fit(files, faults, left_out):
            entries.append(Entry(first.with_suffix("").as_posix(), partial(_read, files)))
    _refuse_or_warn(root, faults, left_out, len(entries))
    return tuple(entries)


def clips(foreground: Folder, alpha: Folder, *, frames: int) -> tuple[Entry, ...]:
    """Find the clips of two folders, cut into sequences of `frames` frames.

        foreground/0000/00000.jpg …    alpha/0000/00000.jpg …

    This is the layout of VideoMatte240K. Sequences follow one another without a gap; what is left
    at the end of a clip is not used. All names are compared, and the sizes of each first frame.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `cutouts`.
    """
    folders = {"foreground": existing_folder(foreground), "alpha": existing_folder(alpha)}
    return _sequences(folders, as_count(frames, "frames"))


def plates(path: Folder, *, frames: int | None = None) -> tuple[Entry, ...]:
    """Find backgrounds: the pictures of a folder, or sequences from its folders of frames.

    Parameters
    ----------
    path : path of a folder
    frames : int, optional
        Frames of a sequence; see `clips`. A clip may also stand before a still background.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `cutouts`.
    """
    root = existing_folder(path)
    if frames is None:
        return _matched(root, {"background": root})
    return _sequences({"background": root}, as_count(frames, "frames"))


def _matched(
    root: Path, folders: dict[str, Path], foreground_of: Names = lambda name: name
) -> tuple[Entry, ...]:
    """Return an entry for each picture of the first folder whose layers are all there."""
    faults, left_out, entries = [], [], []
    found = {key: pictures(folder, faults) for key, folder in folders.items()}
    raise_faults(root, faults)
    first, absent = next(iter(found)), 0
    for name, file in found[first].items():
        owner = foreground_of(name)
        partners = {key: named.get(name, named.get(owner)) for key, named in found.items()}
        files = {key: partner for key, partner in partners.items() if partner is not None}
        missing = [folders[key] for key in folders if key not in files]
        left_out += [f"{folder} has no {name}, which {file} needs" for folder in missing]
        absent += bool(missing)
        if not missing and _fit(files, faults, left_out):
            entries.append(Entry(owner, partial(_read, files)))
    if absent == len(found[first]):
        some = ", ".join(str(next(iter(named.values()))) for named in found.values())
        faults.append(f"no file has the name of one in another folder: {some}, …")
    _refuse_or_warn(root, faults, left_out, len(entries))
    return tuple(entries)


def _sequences(folders: dict[str, Path], frames: int) -> tuple[Entry, ...]:
    """Return an entry for each sequence of frames that all folders have."""
    faults, left_out, entries = [], [], []
    first = next(iter(folders.values()))
    for clip in sorted((at.name for at in first.iterdir() if at.is_dir()), key=natural):
        found = {key: pictures(folder / clip, left_out) for key, folder in folders.items()}
        shared = set.intersection(*map(set, found.values()))
        names = [name for name in found[next(iter(found))] if name in shared]
        alone = max(map(len, found.values())) - len(names)
        if alone:
            left_out.append(f"{alone} frames of the clip {clip} have no partner")
        if len(names) < frames:
            left_out.append(f"the clip {clip} has {len(names)} frames, fewer than {frames}")
        elif _fit({key: x[names[0]] for key, x in found.items()}, faults, left_out):
            for start in range(0, len(names) - frames + 1, frames):
                part = names[start : start + frames]
                files = {key: [x[name] for name in part] for key, x in found.items()}
                entries.append(Entry(clip, partial(_read_frames, files)))
    _refuse_or_warn(first, faults, left_out, len(entries))
    return tuple(entries)


def _fit(files: dict[str, Path], faults: list[str], left_out: list[str]) -> bool:
    """Return whether all files are pictures; add a fault if layers differ in size."""
    found = {key: size(file, left_out) for key, file in files.items()}
    sizes = {key: shape for key, shape in found.items() if shape is not None}
    if len(sizes) < len(files):
        return False
    first, (rows, columns) = next(iter(sizes.items()))
    for key, (height, width) in sizes.items():
        if key != "background" and (height, width) != (rows, columns):
            faults.append(
                f"{files[key]} is {height} × {width}, and {files[first]} is {rows} × {columns} "
                "(height × width)"
            )
    return True


def _refuse_or_warn(root: Path, faults: list[str], left_out: list[str], count: int) -> None:
    if not faults and not count:
        faults = [*left_out[:MOST_NAMED], "nothing is left to use"]
    raise_faults(root, faults)
    if left_out:
        more = len(left_out) - MOST_NAMED
        lines = left_out[:MOST_NAMED] + [f"… and {more} more"] * (more > 0)
        warnings.warn(
            f"Not all of {root} is used, {len(left_out)} faults:\n  " + "\n  ".join(lines),
            stacklevel=4,
        )


def _may_be_transparent(path: Path) -> bool:
    """Return whether the header says that a picture has an alpha channel, or does not tell."""
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.simplefilter("ignore")
            return picture.has_transparency_data
    except Exception:  # of 16 bits or a rare kind, which Pillow alone does not read
        return True


def _read_cutout(path: Path) -> Sample:
    pixels = read_image(path)
    if pixels.shape[2:] != (4,):
        raise ValueError(f"{path} has no alpha channel; expected RGBA.")
    return layers({"foreground": _without_alpha(pixels), "alpha": pixels[..., 3]}, str(path))


def _read(files: dict[str, Path]) -> Sample:
    pixels = {key: _pixels(key, file) for key, file in files.items()}
    return layers(pixels, str(next(iter(files.values()))))


def _read_frames(files: dict[str, list[Path]]) -> Sample:
    pixels = {key: np.stack([_pixels(key, x) for x in frames]) for key, frames in files.items()}
    return layers(pixels, str(next(iter(files.values()))[0]))


def _pixels(key: str, path: Path) -> np.ndarray:
    if key in PLANES:
        return read_image(path)
    if key != "foreground":
        return read_colour(path)
    pixels = read_image(path)
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    # A fourth channel is not the alpha that was given.
    return pixels if pixels.shape[2] == 3 else _without_alpha(pixels)


def _without_alpha(pixels: np.ndarray) -> np.ndarray:
    """Return the colours of RGBA; a slice of them would be slow to work with."""
    import cv2

    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)
