"""Data sets of finished pictures: image, trimap and alpha in a folder each, files of one name.

Folders with other names can be given; the names are relative to `path`, or absolute. `trimap` may
also be a function, which makes a trimap of each alpha:

    from functools import partial
    from alphamat.trimap import Ellipse, from_alpha

    make = partial(from_alpha, inner=Ellipse(25), outer=Ellipse(25))
    datasets.ppm100("PPM-100", trimap=make)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alphamat.datasets.sample import Dataset, Sample
from alphamat.io.folders import (
    Folder,
    existing_folder,
    partners,
    pictures,
    raise_faults,
    read_colour,
    read_gray,
    size,
)

Trimaps = Folder | tuple[Folder, ...] | Callable[[np.ndarray], np.ndarray] | None


def folder(
    path: Folder,
    *,
    image: Folder = "image",
    trimap: Trimaps = "trimap",
    alpha: Folder | None = "alpha",
) -> Dataset:
    """Read any data set that keeps images, trimaps and alphas in folders of their own.

    Its files::

        path/
            image/lion.jpg     image/zebra.png
            trimap/lion.png    trimap/zebra.png
            alpha/lion.png     alpha/zebra.png

    Parameters
    ----------
    path : path of a folder
    image : name of a folder
        Each of its files is a picture; every other folder must have a file of the same name for
        it, with any suffix. PNG, JPEG, TIFF and WebP count as images.
    trimap : name of a folder, tuple of names, callable or None
        With several folders, each picture is a sample for each of them, and the folder's name is
        the `group`. A function makes the trimap from the alpha as it was read.
    alpha : name of a folder, or None
        Gray, or colour with equal channels.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no folder `path`.
    ValueError
        If a folder or a file is missing, belongs to no image, has another size than its image,
        or is not an image. The message names all of them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import alphamat
    >>> from alphamat import datasets
    >>> with tempfile.TemporaryDirectory() as path:
    ...     for folder in ("image", "trimap", "alpha"):
    ...         (Path(path) / folder).mkdir()
    ...         alphamat.write_image(Path(path) / folder / "lion.png", np.ones((4, 5)))
    ...     datasets.folder(path).labels
    [('lion', '')]
    """
    return match(path, image=image, trimap=trimap, alpha=alpha)


class Photograph(NamedTuple):
    """The files of a sample."""

    name: str
    image: Path
    trimap: Path | Callable[..., np.ndarray] | None
    truth: Path | None
    group: str

    def read(self) -> Sample:
        truth = None if self.truth is None else read_gray(self.truth)
        if callable(self.trimap):
            trimap = self.trimap(truth)
        else:
            trimap = None if self.trimap is None else read_gray(self.trimap)
        return Sample(self.name, read_colour(self.image), trimap, truth, self.group)


def match(
    path: Folder,
    *,
    image: Folder,
    trimap: Trimaps,
    alpha: Folder | None,
    alphas_of: Callable[[str], tuple[str, ...]] = lambda name: (name,),
) -> Dataset:
    """Find the files of each picture by its name; raise if some are missing or do not fit.

    `alphas_of` gives the names that the alpha of a picture may have.
    """
    if callable(trimap) and alpha is None:
        raise ValueError("`trimap` is a function of alpha, and there is no `alpha`.")
    root, faults = existing_folder(path), []
    images = pictures(root / image, faults)
    sizes = {name: size(file, faults) for name, file in images.items()}
    truths = {} if alpha is None else partners(root / alpha, images, sizes, faults, alphas_of)
    if trimap is None or callable(trimap):
        hints = [("", dict.fromkeys(images, trimap))]
    elif isinstance(trimap, str | os.PathLike):
        hints = [("", partners(root / trimap, images, sizes, faults))]
    else:
        hints = [(Path(at).name, partners(root / at, images, sizes, faults)) for at in trimap]
    raise_faults(root, faults)
    return Dataset(
        tuple(
            Photograph(name, file, hint[name], truths.get(name), group)
            for name, file in images.items()
            for group, hint in hints
        )
    )
