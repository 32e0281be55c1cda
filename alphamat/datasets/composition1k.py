"""Composition-1k, the test set of Deep Image Matting, and how it is composed.

Xu, Price, Cohen & Huang, "Deep Image Matting", CVPR 2017.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from alphamat.datasets.compose import blend, cover
from alphamat.datasets.folder import Trimaps, match
from alphamat.datasets.sample import Dataset
from alphamat.io.folders import (
    Folder,
    existing_folder,
    raise_faults,
    read_gray,
    refuse_sixteen_bits,
    size,
)
from alphamat.io.images import read_image, write_image

BACKGROUNDS_EACH = 20
LAYERS = "Adobe-licensed images"


def composition1k(
    path: Folder,
    *,
    image: Folder = "merged",
    trimap: Trimaps = LAYERS + "/trimaps",
    alpha: Folder = LAYERS + "/alpha",
) -> Dataset:
    """Read Composition-1k, 50 foregrounds on 20 backgrounds each.

    Its files::

        path/
            merged/NAME_0.png … NAME_19.png        by `compose_composition1k`
            Adobe-licensed images/
                fg/NAME.png
                alpha/NAME.png
                trimaps/NAME_0.png … NAME_19.png

    That is the folder `Test_set` of the archive. Another common layout is `merged`, `trimaps` and
    `alpha_copy`, with an alpha for each picture: `trimap="trimaps", alpha="alpha_copy"`.

    Parameters
    ----------
    path : path of a folder
    image, trimap, alpha
        As in `folder`. The alpha of NAME_7 is called NAME_7 or NAME.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `folder`.

    Notes
    -----
    Foregrounds, alphas and trimaps come from Adobe, on request to the authors, under a licence for
    non-commercial use: https://sites.google.com/view/deepimagematting. The layout is that
    of programs that read the archive.
    """
    return match(
        path,
        image=image,
        trimap=trimap,
        alpha=alpha,
        alphas_of=lambda name: (name, name.rpartition("_")[0]),
    )


def compose_composition1k(
    path: Folder,
    backgrounds: Folder,
    *,
    output: Folder | None = None,
) -> None:
    """Compose the 1000 pictures of Composition-1k.

    Its files::

        path/
            test_fg_names.txt     50 names
            test_bg_names.txt     1000 names
            Adobe-licensed images/fg/NAME.png
            Adobe-licensed images/alpha/NAME.png
        backgrounds/
            2007_000027.jpg …

    The first foreground in the list is put over the first 20 backgrounds, the second over the next
    20, and so on. Its picture over the k-th of them, k = 0 … 19, is written as `NAME_k.png`.

    A background of bw × bh that does not cover a foreground of w × h is resized by Pillow's bicubic
    filter to ceil(r bw) × ceil(r bh), with r = max(w / bw, h / bh). Its upper left w × h are used.
    With a = alpha / 255 in double precision, each channel is a · foreground + (1 - a) · background,
    truncated, not rounded.

    Parameters
    ----------
    path : path of a folder
        The archive's `Test_set`.
    backgrounds : path of a folder
        PASCAL VOC's `VOCdevkit/VOC2012/JPEGImages`.
    output : path of a folder, optional
        `path/merged` by default; it is made where it is missing. Files there are replaced.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no folder `path` or `backgrounds`.
    ValueError
        If lists, layers or backgrounds are missing, cannot be read or do not fit. The message names
        all of them, and nothing is written.

    Notes
    -----
    The order is that of the archive's readme. The arithmetic is that of the script in the archive.
    We know the script from copies that keep its copyright notice, and from MMEditing, whose
    documentation says that its pictures equal Adobe's. The tests find every value equal to a plain
    transcription of its loop. We have not compared with pictures made by Adobe: another version of
    Pillow or its JPEG decoder can change the backgrounds.

    Widely used rewrites with OpenCV differ: they resize with another bicubic filter (a = -0.75, not
    -0.5) and blend in single precision. There are also pictures in circulation whose
    backgrounds were resized bilinearly. Scores on either are not quite comparable.
    """
    root, plates = existing_folder(path), existing_folder(backgrounds)
    output = root / "merged" if output is None else Path(output)
    jobs = _jobs(root, plates)
    output.mkdir(parents=True, exist_ok=True)
    for name, files in jobs.items():
        foreground = _rgb(root / LAYERS / "fg" / name)
        alpha = read_gray(root / LAYERS / "alpha" / name)
        refuse_sixteen_bits(root / LAYERS / "alpha" / name, alpha)
        for at, file in enumerate(files):
            picture = blend(foreground, alpha, cover(_rgb(file), *alpha.shape))
            write_image(output / f"{Path(name).stem}_{at}.png", picture)


def _jobs(root: Path, plates: Path) -> dict[str, list[Path]]:
    """Return the backgrounds of each foreground; raise unless all files are there and fit."""
    faults: list[str] = []
    names = _names(root / "test_fg_names.txt", faults)
    behind = _names(root / "test_bg_names.txt", faults)
    if not faults and len(behind) != BACKGROUNDS_EACH * len(names):
        faults.append(
            f"{root / 'test_bg_names.txt'} has {len(behind)} names; expected "
            f"{BACKGROUNDS_EACH * len(names)}, {BACKGROUNDS_EACH} for each foreground"
        )
    for name in names:
        files = root / LAYERS / "fg" / name, root / LAYERS / "alpha" / name
        colours, alpha = (size(file, faults) for file in files)
        if colours and alpha and colours != alpha:
            faults.append(
                f"{files[1]} is {alpha[0]} × {alpha[1]}, and {files[0]} is "
                f"{colours[0]} × {colours[1]} (height × width)"
            )
    for name in dict.fromkeys(behind):
        size(plates / name, faults)
    raise_faults(root, faults)
    step = BACKGROUNDS_EACH
    return {
        name: [plates / file for file in behind[step * at : step * (at + 1)]]
        for at, name in enumerate(names)
    }


def _names(path: Path, faults: list[str]) -> list[str]:
    if not path.is_file():
        faults.append(f"there is no file {path}")
        return []
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def _rgb(path: Path) -> np.ndarray:
    """Read colours alone, as the official script does, which ignores a fourth channel."""
    pixels = read_image(path)
    refuse_sixteen_bits(path, pixels)
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels[..., :3]
