"""From layers to a sample: a crop around the unknown, a composite, a trimap. No author's recipe."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphamat.trimap import Ellipse, from_alpha
from alphamat_deep.training.sample import Sample


def compose_square(
    layers: Sample,
    rng: np.random.Generator,
    *,
    size: int = 512,
    largest: float = 2.0,
    width: tuple[int, int] = (3, 30),
) -> Sample:
    """Cut a square out of the layers, and put the foreground over the background.

    Parameters
    ----------
    layers : dict
        As `Entry.read` gives them. Where there is an `image`, it is kept.
    rng : Generator
    size : int
        Side of the sample, in pixels.
    largest : float
        The square has `size` to `largest` times `size` pixels on a side, as far as the picture has
        so many. It lies around a pixel of fractional alpha, and is mirrored half of the time.
    width : two int
        The least and the largest kernel that grows the unknown region of a new trimap.

    Returns
    -------
    dict of `image`, `alpha`, `trimap`, and `foreground` and `background` where they are known.

    Examples
    --------
    >>> from alphamat_deep.training.compositions import painted
    >>> sample = compose_square(painted(48, 64)[0].read(), np.random.default_rng(3), size=32)
    >>> {key: x.shape for key, x in sample.items()}
    {'foreground': (32, 32, 3), 'alpha': (32, 32, 1), 'background': (32, 32, 3),
     'image': (32, 32, 3), 'trimap': (32, 32, 1)}
    """
    alpha = layers["alpha"]
    window = _around_unknown(alpha, rng, size, largest)
    mirrored = rng.random() < 0.5
    sample = {}
    for key, x in layers.items():
        own = key == "background" and "image" not in layers
        cut = x[_anywhere(x, rng, size) if own else window]
        sample[key] = _scaled(cut, size, mirrored, nearest=key == "trimap")
    if "image" not in sample:
        alpha, behind = sample["alpha"], sample["background"]
        sample["image"] = behind + alpha * (sample["foreground"] - behind)
    if "trimap" not in sample:
        sample["trimap"] = _trimap(sample["alpha"], rng, width)
    return sample


def _around_unknown(
    alpha: np.ndarray, rng: np.random.Generator, size: int, largest: float
) -> tuple[Any, ...]:
    height, columns = alpha.shape[-3:-1]
    side = min(int(size * rng.uniform(1, largest)), height, columns)
    first = alpha.reshape(-1, height, columns)[0]
    unknown = np.flatnonzero((first > 0) & (first < 1))
    at = rng.choice(unknown) if unknown.size else rng.integers(first.size)
    y, x = divmod(int(at), columns)
    top = int(np.clip(y - side // 2, 0, height - side))
    left = int(np.clip(x - side // 2, 0, columns - side))
    return ..., slice(top, top + side), slice(left, left + side), slice(None)


def _anywhere(background: np.ndarray, rng: np.random.Generator, size: int) -> tuple[Any, ...]:
    height, columns = background.shape[-3:-1]
    short = min(height, columns)
    side = int(rng.integers(min(size, short), short, endpoint=True))
    top, left = (int(rng.integers(0, n - side, endpoint=True)) for n in (height, columns))
    return ..., slice(top, top + side), slice(left, left + side), slice(None)


def _scaled(pixels: np.ndarray, size: int, mirrored: bool, *, nearest: bool) -> np.ndarray:
    import cv2

    smooth = cv2.INTER_AREA if pixels.shape[-2] > size else cv2.INTER_LINEAR
    how = cv2.INTER_NEAREST if nearest else smooth
    scaled = np.empty((*pixels.shape[:-3], size, size, pixels.shape[-1]), np.float32)
    for place in np.ndindex(pixels.shape[:-3]):
        frame = cv2.resize(pixels[place], (size, size), interpolation=how)
        frame = cv2.flip(frame, 1) if mirrored else frame
        scaled[place] = frame.reshape(scaled[place].shape)
    return np.clip(scaled, 0, 1, out=scaled)  # weights of the filters may sum to more than 1


def _trimap(alpha: np.ndarray, rng: np.random.Generator, width: tuple[int, int]) -> np.ndarray:
    inner, outer = (Ellipse.random(rng, size=width, iterations=(1, 1)) for _ in range(2))
    frames = alpha.reshape(-1, *alpha.shape[-3:-1])
    made = [from_alpha(x, inner=inner, outer=outer, low=1e-5, high=1 - 1e-5) for x in frames]
    return (np.reshape(made, alpha.shape).astype(np.float32) / 127.5).round() / 2
