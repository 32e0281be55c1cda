"""The benchmark alphamatting.com."""

from __future__ import annotations

from alphamat.datasets.folder import match
from alphamat.datasets.sample import Dataset
from alphamat.io.folders import Folder, refuse_unless_among


def alphamatting(path: Folder, *, split: str = "training", resolution: str = "low") -> Dataset:
    """Read the benchmark alphamatting.com: 27 training or 8 test pictures.

    Its files::

        path/
            input_training_lowres/GT01.png …
            trimap_training_lowres/Trimap1/GT01.png …    Trimap2/
            gt_training_lowres/GT01.png …
            input_lowres/doll.png …
            trimap_lowres/Trimap1/doll.png …    Trimap2/    Trimap3/

    and the same with `highres`. Training pictures have two trimaps, test pictures three (small,
    large and user); the trimap's folder is the `group`. The truth of the test is not public.

    Parameters
    ----------
    path : path of a folder
        Where the archives were unpacked.
    split : "training" or "test"
    resolution : "low" or "high"
        About 800 pixels wide, or as photographed.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `folder`.

    Notes
    -----
    By Rhemann, Rother, Wang, Gelautz, Kohli & Rott, "A Perceptually Motivated Online Benchmark for
    Image Matting", CVPR 2009; from http://www.alphamatting.com/datasets.php, a ZIP archive for each
    folder. It was published for research; we know of no other licence.

    The names are those of the archives and of programs that read them. We have not found the names
    of the test set at high resolution, and assume that they follow the same pattern.
    """
    refuse_unless_among("split", split, ("training", "test"))
    refuse_unless_among("resolution", resolution, ("low", "high"))
    ending = {"training": "_training", "test": ""}[split] + f"_{resolution}res"
    count = {"training": 2, "test": 3}[split]
    return match(
        path,
        image=f"input{ending}",
        trimap=tuple(f"trimap{ending}/Trimap{at}" for at in range(1, count + 1)),
        alpha=f"gt{ending}" if split == "training" else None,
    )
