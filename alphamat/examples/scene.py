"""Painted scenes, whose alpha and layers are known exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from alphamat.door.parameters import as_count
from alphamat.examples.backdrops import backdrop
from alphamat.examples.painting import Canvas
from alphamat.examples.scenes.defocus import defocus
from alphamat.examples.scenes.fur import fur
from alphamat.examples.scenes.glass import glass
from alphamat.examples.scenes.hair import hair
from alphamat.examples.scenes.lace import lace
from alphamat.examples.scenes.smoke import smoke
from alphamat.memory import refuse_beyond
from alphamat.trimap import from_alpha

SCENES = (hair, fur, smoke, lace, defocus, glass)
SMALLEST = 16  # pixels a side; in smaller pictures some scenes have no known pixels
BYTES = 250  # for each pixel, at the peak


class Painting(NamedTuple):
    """The layers of a scene."""

    alpha: np.ndarray
    foreground: np.ndarray
    background: np.ndarray


class Scene(NamedTuple):
    """A picture and its layers: image = α foreground + (1 - α) background."""

    image: np.ndarray
    trimap: np.ndarray
    alpha: np.ndarray
    foreground: np.ndarray
    background: np.ndarray


def synthetic(
    scene: Callable[[Canvas, np.random.Generator], np.ndarray],
    height: int,
    width: int,
    *,
    background: Callable[[Canvas, np.random.Generator], np.ndarray] = backdrop,
    seed: int = 0,
) -> Scene:
    """Paint a scene.

    Parameters
    ----------
    scene : function
        What is in the foreground: one of `SCENES` or of `FOREGROUNDS` of `alphamat.examples`,
        `any_foreground`, which chooses among the latter, or another function of a canvas and a
        random generator that returns a layer; see `alphamat.examples.painting`.
    height, width : int
        In pixels, at least 16 each. A scene looks the same at any size: its lengths are shares of
        the shorter side.
    background : function
        What is behind: one of `TEXTURES`, `any_background`, which chooses among them, or another
        function of the same arguments that returns colours, (H, W, 3) in [0, 1]. By default a
        garden, hills, a brick wall or a bookshelf.
    seed : int
        Decides shapes, colours and the background.

    Returns
    -------
    Scene
        `image`, `foreground` and `background`, (H, W, 3) float64 in [0, 1]; `alpha`, (H, W) float64
        in [0, 1]; and `trimap`, (H, W) uint8 with 255 where alpha is 1, 0 where it is 0, and 128 in
        a region drawn around the rest, with some margin.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused; the message says why.
    MemoryError
        If this machine cannot hold the scene, which takes about 250 bytes a pixel.

    Notes
    -----
    Alpha is the share of a pixel that the foreground covers, times its opacity. Alphas that 8 bits
    would store as 0 or 255 are exactly 0 or 1. Where alpha is 0, the foreground has the colours of
    nearby painted pixels.

    Each of `SCENES` shows one thing, with each seed in other forms and colours. `FOREGROUNDS` and
    `TEXTURES` vary much more, for training; some foregrounds have no pixel of alpha 1. Their grain
    is that of the pixels: it is another one at another size.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.smoke, 96, 128, seed=7)
    >>> alpha = alphamat.closed_form(scene.image, scene.trimap)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.05)
    True

    All of them:

    >>> for scene in examples.SCENES:
    ...     print(scene.__name__, examples.synthetic(scene, 32, 48).image.shape)
    hair (32, 48, 3)
    fur (32, 48, 3)
    smoke (32, 48, 3)
    lace (32, 48, 3)
    defocus (32, 48, 3)
    glass (32, 48, 3)
    """
    layers = paint(scene, height, width, background=background, seed=seed)
    alpha, front, behind = (layer.astype(np.float64, copy=False) for layer in layers)
    image = behind + alpha[..., None] * (front - behind)
    trimap = from_alpha(alpha, inner=_drawn_around, outer=_drawn_around)
    return Scene(image, trimap, alpha, front, behind)


def paint(
    scene: Callable[[Canvas, np.random.Generator], np.ndarray],
    height: int,
    width: int,
    *,
    background: Callable[[Canvas, np.random.Generator], np.ndarray] = backdrop,
    seed: int = 0,
) -> Painting:
    """Paint the layers of a scene alone, in less time; see `synthetic`.

    Returns
    -------
    Painting
        `alpha`, (H, W), `foreground` and `background`, (H, W, 3), in [0, 1]: float64 of `SCENES`,
        float32 of `FOREGROUNDS` and `TEXTURES`.

    Examples
    --------
    >>> from alphamat import examples
    >>> layers = examples.paint(
    ...     examples.any_foreground, 48, 64, background=examples.any_background, seed=3
    ... )
    >>> layers.foreground.shape, layers.alpha.dtype.name
    ((48, 64, 3), 'float32')
    """
    height, width, seed = _parse_parameters(scene, background, height, width, seed)
    rng = np.random.default_rng(seed)
    canvas = Canvas.of(height, width)
    layer = scene(canvas, rng)
    behind = np.clip(background(canvas, rng), 0, 1)
    alpha = layer[..., 3]
    alpha = np.where(alpha < 0.5 / 255, 0.0, np.where(alpha > 254.5 / 255, 1.0, alpha))
    return Painting(alpha, _colours(layer), behind)


def _parse_parameters(scene, background, height, width, seed) -> tuple[int, int, int]:
    if not callable(scene):
        raise TypeError(
            f"`scene` is {scene!r}; expected a function that paints, such as "
            "alphamat.examples.hair; SCENES and FOREGROUNDS in alphamat.examples have them all."
        )
    if not callable(background):
        raise TypeError(
            f"`background` is {background!r}; expected a function that paints, such as "
            "alphamat.examples.any_background."
        )
    height = as_count(height, "height", least=SMALLEST)
    width = as_count(width, "width", least=SMALLEST)
    seed = as_count(seed, "seed", least=0, most=None)
    refuse_beyond(
        BYTES * height * width, f"A scene of {height} × {width}", "Ask for a smaller one."
    )
    return height, width, seed


def _colours(layer: np.ndarray) -> np.ndarray:
    """Return the colours of a layer; where it is empty, those of nearby painted pixels."""
    import cv2

    height, width = layer.shape[:2]
    alpha = layer[..., 3:]
    painted = alpha > 1e-9  # defocus leaves smaller alphas where the layer is empty
    colours = layer[..., :3] / np.where(painted, alpha, 1)
    if not painted.all() and max(height, width) > 1:
        half = cv2.resize(layer, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
        around = cv2.resize(_colours(half), (width, height), interpolation=cv2.INTER_LINEAR)
        colours = np.where(painted, colours, around)
    return np.clip(colours, 0, 1)


def _drawn_around(region: np.ndarray) -> np.ndarray:
    """Return a region as a person would outline it: with a margin, and without gaps in it."""
    from scipy.ndimage import distance_transform_edt

    side = min(region.shape)
    margin, brush = max(1.0, 0.012 * side), 0.018 * side
    grown = distance_transform_edt(~region) <= margin + brush
    return distance_transform_edt(grown) > brush
