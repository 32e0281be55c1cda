"""Sources of files: cut-outs, finished pictures, clips and backgrounds.

All files are found first. Names are compared, and sizes by the headers: a wrong pair is refused
before the training starts. Files that are missing or damaged are named in a warning and left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

from alphamat.door import as_count
from alphamat.io.folders import Folder, existing_folder, natural, pictures, raise_faults, size
from alphamat_deep.training.compositions.entries import Entry
from alphamat_deep.training.compositions.pairing import (
    fit,
    read_cutout,
    read_frame,
    read_frames,
    read_layers,
    refuse_or_warn,
)

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
    >>> import numpy as np
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
    cut = {name: found[name] for name in readable if _may_be_transparent(found[name])}
    if readable and not cut:
        faults.append("no picture has an alpha channel; give a folder of alphas as `alpha`")
    left_out += [f"{found[name]} has no alpha channel" for name in readable if name not in cut]
    refuse_or_warn(root, faults, left_out, len(cut), stacklevel=3)
    return tuple(Entry(name, partial(read_cutout, file)) for name, file in cut.items())


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
            train.txt, with lines such as "train/fg/cat.jpg bg/forest.jpg"
            train/fg/cat.jpg …    train/alpha/cat.jpg …    bg/forest.jpg …

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
        if "fg" not in first.parts:
            faults.append(f"{lines} names {first}, which is in no folder `fg`")
            continue
        beside = root.joinpath(*("alpha" if part == "fg" else part for part in first.parts))
        files["alpha"] = beside if beside.exists() else beside.with_suffix(".png")
        if fit(files, faults, left_out):
            entries.append(Entry(first.with_suffix("").as_posix(), partial(read_layers, files)))
    refuse_or_warn(root, faults, left_out, len(entries), stacklevel=3)
    return tuple(entries)


def clips(foreground: Folder, alpha: Folder, *, frames: int | None) -> tuple[Entry, ...]:
    """Find the clips of two folders, cut into sequences of `frames` frames; None gives stills.

        foreground/0000/00000.jpg …    alpha/0000/00000.jpg …

    This is the layout of VideoMatte240K. Sequences follow one another without a gap; what is left
    at the end of a clip is not used. All names are compared, and the sizes of each first frame.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `cutouts`.
    """
    folders = {"foreground": existing_folder(foreground), "alpha": existing_folder(alpha)}
    return _sequences(folders, None if frames is None else as_count(frames, "frames"))


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
        if not missing and fit(files, faults, left_out):
            entries.append(Entry(owner, partial(read_layers, files)))
    if absent == len(found[first]):
        some = ", ".join(str(next(iter(named.values()))) for named in found.values())
        faults.append(f"no file has the name of one in another folder: {some}, …")
    refuse_or_warn(root, faults, left_out, len(entries))
    return tuple(entries)


def _sequences(folders: dict[str, Path], frames: int | None) -> tuple[Entry, ...]:
    """Return an entry for each sequence of frames that all folders have."""
    read, length = (read_frame, 1) if frames is None else (read_frames, frames)
    faults, left_out, entries = [], [], []
    first = next(iter(folders.values()))
    for clip in sorted((at.name for at in first.iterdir() if at.is_dir()), key=natural):
        found = {key: pictures(folder / clip, left_out) for key, folder in folders.items()}
        shared = set.intersection(*map(set, found.values()))
        names = [name for name in found[next(iter(found))] if name in shared]
        alone = max(map(len, found.values())) - len(names)
        if alone:
            left_out.append(f"the clip {clip} has frames without a partner, {alone} of them")
        if len(names) < length:
            left_out.append(f"the clip {clip} has {len(names)} frames, fewer than {length}")
            continue
        fit({key: x[names[0]] for key, x in found.items()}, faults, left_out)
        for start in range(0, len(names) - length + 1, length):
            part = names[start : start + length]
            files = {key: [x[name] for name in part] for key, x in found.items()}
            entries.append(Entry(clip, partial(read, files)))
    refuse_or_warn(first, faults, left_out, len(entries))
    return tuple(entries)


def _may_be_transparent(path: Path) -> bool:
    """Return whether the header says that a picture has an alpha channel, or does not tell."""
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.simplefilter("ignore")
            return picture.has_transparency_data
    except Exception:  # of 16 bits or a rare kind, which Pillow alone does not read
        return True
