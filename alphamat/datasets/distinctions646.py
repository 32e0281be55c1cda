"""Distinctions-646, a test set composed like Composition-1k."""

from __future__ import annotations

from alphamat.datasets.folder import Trimaps, match
from alphamat.datasets.sample import Dataset
from alphamat.io.folders import Folder


def distinctions646(
    path: Folder,
    *,
    image: Folder = "Image",
    trimap: Trimaps = None,
    alpha: Folder = "GT",
) -> Dataset:
    """Read the test set of Distinctions-646, 50 foregrounds on 20 backgrounds each.

    Its files::

        path/
            Image/…_0.png … Image/…_999.png
            GT/…_0.png …    GT/…_999.png

    The archive has foregrounds and alphas only, in `Test/FG` and `Test/GT`; the authors'
    `gen_dataset.py` makes 1000 pictures from them, with an alpha for each, as
    `compose_composition1k` does for Composition-1k. There are no official trimaps. Many keep it
    like Composition-1k: `image="merged", trimap="trimaps", alpha="alpha_copy"`.

    Parameters
    ----------
    path : path of a folder
        What the authors' script wrote, their `Test`.
    image, trimap, alpha
        As in `folder`.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `folder`.

    Notes
    -----
    By Qiao et al., "Attention-Guided Hierarchical Structure Aggregation for Image Matting", CVPR
    2020. The authors give access by e-mail, for uses that are not commercial:
    https://github.com/yuhaoliu7456/CVPR2020-HAttMatting. The layout is that of their script there.
    """
    return match(path, image=image, trimap=trimap, alpha=alpha)
