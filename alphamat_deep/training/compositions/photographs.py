"""Photographs with their alphas, and the layers that they are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphamat import estimate_foreground, read_image, write_image
from alphamat.io.folders import Folder, existing_folder
from alphamat_deep.training.compositions.entries import Entry, Made, Sample, layers

if TYPE_CHECKING:
    from alphamat.datasets import Dataset


def photographs(
    dataset: Dataset, *, foreground_of: Callable[[str, str], str] = lambda name, group: name
) -> Sequence[Entry]:
    """Return the samples of a data set that `alphamat.datasets` reads, as a source.

    Parameters
    ----------
    dataset : Dataset
        With a truth for each sample. Its `plate`, if any, is the background.
    foreground_of : function
        From the name and the group of a sample to the name of its foreground, such as
        `lambda name, group: name.rpartition("_")[0]` for Distinctions-646.

    Examples
    --------
    >>> from alphamat import datasets
    >>> (photograph,) = photographs(datasets.synthetic(32, 48)[:1])
    >>> sorted(photograph.read())
    ['alpha', 'background', 'image', 'trimap']
    """
    names = [foreground_of(name, group) for name, group in dataset.labels]
    return Made(len(names), partial(_photograph, dataset, names))


def _photograph(dataset: Dataset, names: list[str], at: int) -> Entry:
    return Entry(names[at], partial(_read_sample, dataset, at))


def _read_sample(dataset: Dataset, at: int) -> Sample:
    found = dataset[at]
    given = {"image": found.image, "alpha": found.truth}
    given |= {"trimap": found.trimap, "background": found.plate}
    kept = {key: x for key, x in given.items() if x is not None}
    return layers(kept, " ".join(filter(None, [found.name, found.group])))


def estimated(source: Sequence[Entry], folder: Folder | None = None) -> Sequence[Entry]:
    """Add foreground and background to photographs of which only the alpha is known.

    They are estimated by `alphamat.estimate_foreground` when a photograph is used, and rounded to 8
    bits. That takes about a second for each million pixels.

    Parameters
    ----------
    source : sequence of Entry
        With `image` and `alpha`; see `composed` and `photographs`.
    folder : path of a folder, optional
        Where estimates are kept as PNG files, so that each is made once.

    Examples
    --------
    >>> from alphamat import datasets
    >>> source = estimated(photographs(datasets.synthetic(32, 48)))
    >>> source[0].read()["foreground"].shape
    (32, 48, 3)
    """
    place = None if folder is None else existing_folder(folder)
    return Made(len(source), partial(_estimated, source, place))


def _estimated(source: Sequence[Entry], folder: Path | None, at: int) -> Entry:
    return Entry(source[at].name, partial(_estimate, source[at].read, folder))


def _estimate(read: Callable[[], Sample], folder: Path | None) -> Sample:
    found = read()
    image, alpha = found["image"], found["alpha"]
    if folder is None:
        both = _both_layers(image, alpha)
    else:
        content = hashlib.blake2b(image.tobytes() + alpha.tobytes(), digest_size=16).hexdigest()
        both = _kept(folder / f"{content}.png", image, alpha)
    foreground, background = np.split(both / np.float32(255), 2)
    return found | {"foreground": foreground, "background": background}


def _kept(path: Path, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    try:
        both = read_image(path)
        if both.shape == (2 * len(image), *image.shape[1:]):
            return both
    except (OSError, ValueError):  # not there yet, or damaged
        pass
    both = _both_layers(image, alpha)
    write_image(path, both)
    return both


def _both_layers(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return foreground and background, one below the other."""
    both = np.concatenate(estimate_foreground(image, alpha[..., 0]))
    return np.rint(255 * both).astype(np.uint8)
