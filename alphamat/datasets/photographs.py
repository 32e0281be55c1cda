"""Photographs with their alphas: PPM-100, AIM-500, PPM-AIM-195 and P3M-500."""

from __future__ import annotations

from alphamat.datasets.folder import Trimaps, match
from alphamat.datasets.sample import Dataset
from alphamat.io.folders import Folder, refuse_unless_among


def ppm100(
    path: Folder,
    *,
    image: Folder = "image",
    trimap: Trimaps = None,
    alpha: Folder = "matte",
) -> Dataset:
    """Read PPM-100, 100 portrait photographs.

    Its files::

        path/
            image/….jpg
            matte/….jpg

    It has no trimaps. Published scores of methods that need one, such as PaddleSeg's of closed
    form, KNN and others, are for trimaps whose unknown region is 0 < alpha < 1, grown by an
    elliptical kernel of 25 × 25, and for pictures reduced to 512 pixels on their short side.

    Parameters
    ----------
    path : path of a folder
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
    By Ke et al., "MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition", AAAI
    2022; from https://github.com/ZHKKKe/PPM. The mattes are CC BY-NC-SA 4.0, the photographs are
    from Flickr under licences that allow commercial use and changes. The names are those in most
    programs that read it; we have not seen the archive itself. PaddleSeg's copy has
    `image="val/fg", alpha="val/alpha"`.
    """
    return match(path, image=image, trimap=trimap, alpha=alpha)


def aim500(
    path: Folder,
    *,
    image: Folder = "original",
    trimap: Trimaps = "trimap",
    alpha: Folder = "mask",
) -> Dataset:
    """Read AIM-500, 500 photographs of people, animals, glass, plants and things.

    Its files::

        path/
            original/o_….jpg
            trimap/o_….png
            mask/o_….png

    Parameters
    ----------
    path : path of a folder
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
    By Li, Zhang & Tao, "Deep Automatic Natural Image Matting", IJCAI 2021; from
    https://github.com/JizhiziLi/AIM, which is under the MIT licence; see the `readme.txt` of the
    archive. The layout is that of programs that read it; we have not seen it ourselves. The
    authors' own program has the folders below `validation`. Its scores are over the whole image,
    not the unknown region alone.
    """
    return match(path, image=image, trimap=trimap, alpha=alpha)


def ppm_aim195(
    path: Folder,
    *,
    image: Folder = "val/fg",
    trimap: Trimaps = None,
    alpha: Folder = "val/alpha",
) -> Dataset:
    """Read PPM-AIM-195: people from PPM-100 and AIM-500; PaddleSeg scores its networks on it.

    Its files::

        path/
            val/fg/….jpg
            val/alpha/….png

    `fg` holds the photographs. Where there is no trimap, PaddleSeg makes one as for `ppm100`.

    Parameters
    ----------
    path : path of a folder
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
    From https://paddleseg.bj.bcebos.com/matting/datasets/PPM-AIM-195.zip, linked in the model zoo
    of https://github.com/PaddlePaddle/PaddleSeg; the terms are those of its two sources. The layout
    is the one that PaddleSeg expects of every data set; we have not seen the archive itself.
    """
    return match(path, image=image, trimap=trimap, alpha=alpha)


def p3m500(path: Folder, *, split: str = "P") -> Dataset:
    """Read P3M-500-P or P3M-500-NP, 500 portraits each, with blurred or with clear faces.

    Its files::

        path/
            validation/P3M-500-P/     blurred_image/p_….jpg     mask/p_….png   trimap/p_….png
            validation/P3M-500-NP/    original_image/p_….jpg    mask/p_….png   trimap/p_….png

    Parameters
    ----------
    path : path of a folder
        P3M-10k, as unpacked.
    split : "P" or "NP"
        Blurred faces ("privacy preserved"), or clear ones.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `folder`.

    Notes
    -----
    By Li, Ma, Zhang & Tao, "Privacy-Preserving Portrait Matting", ACM MM 2021; from
    https://github.com/JizhiziLi/P3M, after one has accepted the release agreement, which the
    authors call an MIT licence. The layout is that of programs that read the archive, which we have
    not seen ourselves; a program of the authors' has `validation1` and `validation2` instead.
    Their scores are over the whole image, not the unknown region alone.
    """
    refuse_unless_among("split", split, ("P", "NP"))
    root = f"validation/P3M-500-{split}"
    image = {"P": "blurred_image", "NP": "original_image"}[split]
    return match(path, image=f"{root}/{image}", trimap=f"{root}/trimap", alpha=f"{root}/mask")
