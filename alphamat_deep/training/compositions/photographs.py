"""Photographs with their alphas, and the layers that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from alphamat import estimate_foreground
from alphamat_deep.training.compositions.entries import Entry, Made, layers
from alphamat_deep.training.sample import Sample

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


def estimated(source: Sequence[Entry]) -> Sequence[Entry]:
    """Add foreground and background to photographs of which only the alpha is known.

    They are estimated by `alphamat.estimate_foreground` each time that a photograph is used, a
    quarter of a second for a million pixels. To estimate them once, or by
    `alphamat.closed_form_foreground`, write them to files, and name the folders in `composed`.

    Parameters
    ----------
    source : sequence of Entry
        With `image` and `alpha`; see `composed` and `photographs`.

    Examples
    --------
    >>> from alphamat import datasets
    >>> source = estimated(photographs(datasets.synthetic(32, 48)))
    >>> source[0].read()["foreground"].shape
    (32, 48, 3)
    """
    return Made(len(source), partial(_estimated, source))


def _estimated(source: Sequence[Entry], at: int) -> Entry:
    return Entry(source[at].name, partial(_estimate, source[at].read))


def _estimate(read: Callable[[], Sample]) -> Sample:
    found = read()
    foreground, background = estimate_foreground(found["image"], found["alpha"][..., 0])
    return found | {
        "foreground": foreground.astype(np.float32),
        "background": background.astype(np.float32),
    }
