"""Data sets of finished pictures: image, trimap and alpha in a folder each, files of one name.

Where folders may be called otherwise, they can be named; names are relative to `path`, or absolute.
`trimap` may also be a function, which makes a trimap of each alpha:

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

from alphamat.datasets.sample import Dataset, Sample
from alphamat.files.folders import (
    Folder,
    existing_folder,
    partners,
    pictures,
    raise_faults,
    read_colour,
    read_gray,
    refuse_unless_among,
    size,
)

Trimaps = Folder | tuple[Folder, ...] | Callable | None


def folder(
    path: Folder,
    *,
    image: Folder = "image",
    trimap: Trimaps = "trimap",
    alpha: Folder | None = "alpha",
) -> Dataset:
    """Read any data set that keeps images, trimaps and alphas in folders of their own.

        path/
            image/lion.jpg     image/zebra.png
            trimap/lion.png    trimap/zebra.png
            alpha/lion.png     alpha/zebra.png

    Parameters
    ----------
    path : path of a folder
    image : name of a folder
        Its files say which pictures there are; every other folder has to have the same, whatever
        their suffix. PNG, JPEG, TIFF and WebP count as images.
    trimap : name of a folder, tuple of such, callable or None
        With several, each picture is a sample once for each, and the folder's name is the `group`.
        A function makes the trimap from the alpha as it was read.
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
        If a folder or a file is missing, has no counterpart or another size than its image, or is
        not an image. The message names all of them.
    """
    return match(path, image=image, trimap=trimap, alpha=alpha)


def alphamatting(path: Folder, *, split: str = "training", resolution: str = "low") -> Dataset:
    """Read the benchmark alphamatting.com: 27 training or 8 test pictures.

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
    folder. It was published for research; we know of no further licence.

    The names are those of the archives and of programs that read them. Those of the test set at
    high resolution were not found anywhere, and are taken to be alike.
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


def distinctions646(
    path: Folder,
    *,
    image: Folder = "Image",
    trimap: Trimaps = None,
    alpha: Folder = "GT",
) -> Dataset:
    """Read the test set of Distinctions-646, 50 foregrounds on 20 backgrounds each.

        path/
            Image/…_0.png … Image/…_999.png
            GT/…_0.png …    GT/…_999.png

    The archive has foregrounds and alphas only, in `Test/FG` and `Test/GT`; the authors'
    `gen_dataset.py` makes the 1000 pictures from them, as `compose_composition1k` makes those of
    Composition-1k, with an alpha for each. There are no official trimaps. Many keep it like
    Composition-1k: `image="merged", trimap="trimaps", alpha="alpha_copy"`.

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


def ppm100(
    path: Folder,
    *,
    image: Folder = "image",
    trimap: Trimaps = None,
    alpha: Folder = "matte",
) -> Dataset:
    """Read PPM-100, 100 portrait photographs.

        path/
            image/….jpg
            matte/….jpg

    It has no trimaps. Published scores of methods that need one, such as PaddleSeg's of closed
    form, KNN and others, are for trimaps in which 0 < alpha < 1, grown by an elliptical kernel of
    25 × 25, is unknown, and for pictures reduced to 512 pixels on their short side.

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
    programs that read it; the archive itself was not seen. PaddleSeg's copy has
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
    archive. The layout is that of programs that read it; it was not seen itself. The authors' own
    has the folders below `validation`. Its scores are over the whole image, not the unknown region
    alone.
    """
    return match(path, image=image, trimap=trimap, alpha=alpha)


def p3m500(path: Folder, *, split: str = "P") -> Dataset:
    """Read P3M-500-P or P3M-500-NP, 500 portraits each, with faces blurred or as they were.

        path/
            validation/P3M-500-P/     blurred_image/p_….jpg     mask/p_….png   trimap/p_….png
            validation/P3M-500-NP/    original_image/p_….jpg    mask/p_….png   trimap/p_….png

    Parameters
    ----------
    path : path of a folder
        P3M-10k, as unpacked.
    split : "P" or "NP"
        Privacy preserved, or not.

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
    authors call an MIT licence. The layout is that of programs that read the archive, which was not
    seen itself; a program of the authors' has `validation1` and `validation2` instead. Their scores
    are over the whole image, not the unknown region alone.
    """
    refuse_unless_among("split", split, ("P", "NP"))
    root = f"validation/P3M-500-{split}"
    image = {"P": "blurred_image", "NP": "original_image"}[split]
    return match(path, image=f"{root}/{image}", trimap=f"{root}/trimap", alpha=f"{root}/mask")


def ppm_aim195(
    path: Folder,
    *,
    image: Folder = "val/fg",
    trimap: Trimaps = None,
    alpha: Folder = "val/alpha",
) -> Dataset:
    """Read PPM-AIM-195: the people of PPM-100 and AIM-500, on which PaddleSeg scores its networks.

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
    is the one that PaddleSeg asks of every data set; the archive itself was not seen.
    """
    return match(path, image=image, trimap=trimap, alpha=alpha)


class Photograph(NamedTuple):
    """The files of a sample."""

    name: str
    image: Path
    trimap: Path | Callable | None
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
    """Find the files of each picture by its name, and refuse what is missing or does not fit.

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
