"""The library's own network."""

from __future__ import annotations

import os
from itertools import product

import numpy as np

from alphamat.door.image import Pixels, as_image
from alphamat.door.parameters import as_flag
from alphamat.network.matting import estimate_alpha
from alphamat.network.weights import BUNDLED, read_weights
from alphamat.trimap import Trimap, as_trimap


def learned(
    image: Pixels,
    trimap: Pixels,
    *,
    mirrored: bool = False,
    weights: str | os.PathLike[str] | None = None,
) -> np.ndarray:
    """Estimate alpha with a network that has learnt from painted scenes.

    It has 3.6 million parameters, which come with the package, and was trained on hair, fur, smoke,
    lace and the like that programs paint, never on a photograph. Around each pixel it sees the
    known colours of foreground and background, near and far, and how the pixel compares with them.
    It runs on the CPU, and needs no JAX.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    mirrored : bool
        Take the mean of what the network says of the picture and of its three mirror images: four
        times the work, a little better.
    weights : path, optional
        A .safetensors file of other parameters for the same network, in float16 or float32. None
        takes those of the package. Nothing in the file is executed.

    Returns
    -------
    (H, W) float64 array, alpha in [0, 1]; exactly the trimap on known pixels.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or the file of weights; the message says why.
    OSError
        If the file of weights cannot be read.
    MemoryError
        If this machine cannot hold what the network computes: 600 MB for a megapixel, and 2.5 GB
        for twelve, where they are unknown all over.

    Notes
    -----
    The network itself would give an alpha without known foreground or background; such a trimap is
    refused, as by all methods, since in it nothing says what the foreground is.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> alpha = alphamat.learned(image, trimap)
    >>> bool((alpha[trimap == 255] == 1).all())
    True
    """
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    steps = (1, -1) if as_flag(mirrored, "mirrored") else (1,)
    parameters = read_weights(BUNDLED if weights is None else weights)
    alpha = np.zeros(image.shape[:2])
    for y, x in product(steps, steps):
        turned = np.ascontiguousarray(image[::y, ::x])
        parts = Trimap(*(part[::y, ::x] for part in trimap))
        alpha += estimate_alpha(turned, parts, parameters)[::y, ::x]
    return alpha / len(steps) ** 2
