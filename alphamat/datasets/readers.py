"""The data sets by the names that people write."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from alphamat.datasets.alphamatting import alphamatting
from alphamat.datasets.composition1k import composition1k
from alphamat.datasets.cutouts import photomatte85, videomatte240k
from alphamat.datasets.distinctions646 import distinctions646
from alphamat.datasets.folder import folder
from alphamat.datasets.photographs import aim500, p3m500, ppm100, ppm_aim195
from alphamat.datasets.sample import Dataset
from alphamat.datasets.scenes import synthetic


class Reader(NamedTuple):
    """A function that returns a data set, and what its groups are."""

    read: Callable[..., Dataset]
    of_clips: bool = False
    """Whether a group is a clip, whose frames belong together."""


DATASETS = {
    "aim500": Reader(aim500),
    "alphamatting": Reader(alphamatting),
    "composition1k": Reader(composition1k),
    "distinctions646": Reader(distinctions646),
    "folder": Reader(folder),
    "p3m500": Reader(p3m500),
    "photomatte85": Reader(photomatte85),
    "ppm100": Reader(ppm100),
    "ppm-aim195": Reader(ppm_aim195),
    "synthetic": Reader(synthetic),
    "videomatte240k": Reader(videomatte240k, of_clips=True),
}
