"""From layers to what a bank on a device holds of them: four bytes a pixel."""

from __future__ import annotations

import numpy as np

from alphamat_deep.training.sample import Sample

POINTS = 16


def pack_layers(layers: Sample, rng: np.random.Generator) -> Sample:
    """Return a foreground with its alpha, some points of it, and a background, in bytes.

    Parameters
    ----------
    layers : dict
        As `Entry.read` gives them, with `foreground`, `alpha` and `background`, all of one size.
    rng : Generator
        Decides which points.

    Returns
    -------
    dict of `foreground` and `background`, (H, W, 4) arrays of uint8, and `points`, (16, 2): rows
    and columns of pixels of fractional alpha, or of any pixels where there are none.

    Examples
    --------
    >>> from alphamat_deep.training.compositions import pack_layers, painted
    >>> packed = pack_layers(painted(32, 32)[0].read(), np.random.default_rng(3))
    >>> {key: (x.shape, x.dtype.name) for key, x in packed.items()}
    {'foreground': ((32, 32, 4), 'uint8'), 'points': ((16, 2), 'float32'),
     'background': ((32, 32, 4), 'uint8')}
    """
    alpha = layers["alpha"]
    fractional = np.flatnonzero((alpha > 0) & (alpha < 1))
    drawn = rng.choice(fractional, POINTS) if fractional.size else rng.integers(alpha.size, size=16)
    points = np.stack(np.unravel_index(drawn, alpha.shape[:2]), axis=1)
    return {
        "foreground": _bytes(layers["foreground"], alpha),
        "points": points.astype(np.float32),
        "background": _bytes(layers["background"], np.ones_like(alpha)),
    }


def _bytes(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.concatenate([colours, alpha], axis=-1)).astype(np.uint8)
