"""Motion for clips and stills: what RVM (Lin et al., WACV 2022) does to frames along time.

Samples here are clips, (T, H, W, C). An affine map, colours or focus change between two random
states along an easing; a frame is held; frames are taken faster, slower, later or backwards. Let
layers be composed afterwards. A foreground moves by a sample of its own:

    moved = random_motion({name: clip[name] for name in ("foreground", "alpha")}, rng)
    clip = with_layers(clip, moved)

The order there: motion of the foreground (probability 0.3; stills 0.95), of the background (0.075),
of both (0.075), `random_affine`, resizing, flips, grain, jitter of each, grey, sharpness, blur of
the foreground, of the background, of both (0.02 / 3 each), pause (0.03).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphamat_deep.training.augment.affine import Affine, draw_affine, move
from alphamat_deep.training.augment.colour import TENSOR_RULES
from alphamat_deep.training.augment.easings import Easing, draw_easing
from alphamat_deep.training.augment.focus import gaussian_blur
from alphamat_deep.training.augment.geometry import size_of
from alphamat_deep.training.augment.jitter import apply_jitter
from alphamat_deep.training.augment.sample import Sample, parts, with_layers


def move_between(sample: Sample, start: Affine, end: Affine, easing: Easing) -> Sample:
    """Move each frame by an affine map between two, as an easing goes.

    Examples
    --------
    >>> clip = {"alpha": np.zeros((3, 1, 5, 1), np.float32)}
    >>> clip["alpha"][:, :, 1] = 1
    >>> moved = move_between(clip, Affine(), Affine(right=2), lambda time: time)["alpha"]
    >>> moved[..., 0].argmax(axis=-1).ravel().tolist()
    [1, 2, 3]
    """
    height, width = size_of(sample)
    frames = []
    for at, share in enumerate(_shares(sample, easing)):
        between = Affine(*(np.multiply(1 - share, start) + np.multiply(share, end)))
        frame = {name: pixels[at] for name, pixels in sample.items()}
        frames.append(move(frame, between.matrix(height, width), height, width))
    return {name: np.stack([frame[name] for frame in frames]) for name in sample}


def random_motion(sample: Sample, rng: np.random.Generator, *, probability: float = 1.0) -> Sample:
    """Move between two affine maps drawn at random, along an easing drawn at random.

    Each map turns by ± 10°, moves by ± 0.1 of the sides, scales by 0.9 … 1.1 and shears by ± 5°.

    Examples
    --------
    >>> clip = {"alpha": np.ones((3, 20, 30, 1), np.float32)}
    >>> random_motion(clip, np.random.default_rng(0))["alpha"].shape
    (3, 20, 30, 1)
    """
    if rng.random() >= probability:
        return sample
    height, width = size_of(sample)
    start, end = (
        draw_affine(rng, height, width, degrees=10, translate=0.1, scale=(0.9, 1.1), shear=5)
        for _ in range(2)
    )
    return move_between(sample, start, end, draw_easing(rng))


def random_motion_jitter(
    sample: Sample,
    rng: np.random.Generator,
    *,
    names: Sequence[str] = ("foreground",),
    probability: float = 0.3,
) -> Sample:
    """Change the colours of layers along time, alike for all that are named.

    Brightness, contrast and hue (a tenth of it) go between two states, normal with sigma 0.1; an
    easing times 0 … 0.2 says how far. Saturation takes the two states of brightness: a slip of the
    author's code, which is kept. RVM jitters foreground and background by a draw for each.

    Examples
    --------
    >>> clip = {"foreground": np.full((3, 4, 4, 3), 0.5, np.float32)}
    >>> jittered = random_motion_jitter(clip, np.random.default_rng(0), probability=1)
    >>> jittered["foreground"].shape
    (3, 4, 4, 3)
    """
    if rng.random() >= probability:
        return sample
    first, last = 0.1 * rng.standard_normal((2, 3))
    strength, easing = 0.2 * rng.random(), draw_easing(rng)
    states = []
    for share in strength * _shares(sample, easing):
        brightness, contrast, hue = (1 - share) * first + share * last
        amounts = [max(1 + x, 0.1) for x in (brightness, contrast, brightness)]
        amounts.append(min(0.5, max(-0.5, 0.1 * hue)))
        states.append(list(zip(TENSOR_RULES, amounts, strict=True)))
    layers = {
        name: np.stack([apply_jitter(*frame) for frame in zip(sample[name], states, strict=True)])
        for name in names
    }
    return with_layers(sample, layers)


def random_motion_blur(
    sample: Sample,
    rng: np.random.Generator,
    *,
    names: Sequence[str] | None = None,
    probability: float = 0.02 / 3,
) -> Sample:
    """Blur layers, all frames by a Gaussian whose sigma goes between two of 0 … 10.

    Its size is 2 sigma, rounded down and made odd. `names` are all layers, unless given.

    Examples
    --------
    >>> clip = {"alpha": np.zeros((3, 20, 30, 1), np.float32)}
    >>> clip["alpha"][:, 9:, 9:] = 1
    >>> blurred = random_motion_blur(clip, np.random.default_rng(0), probability=1)["alpha"]
    >>> bool(((blurred > 0.1) & (blurred < 0.9)).any())
    True
    """
    if rng.random() >= probability:
        return sample
    first, last = rng.uniform(0, 10, size=2)
    shares = _shares(sample, draw_easing(rng))
    sigmas = np.maximum((1 - shares) * first + shares * last, 0)
    layers = {
        name: np.stack([blur_frame(*frame) for frame in zip(sample[name], sigmas, strict=True)])
        for name in names or parts(sample)
    }
    return with_layers(sample, layers)


def blur_frame(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by a Gaussian cut at its sigma: the size is 2 sigma, rounded down and made odd.

    Examples
    --------
    >>> blur_frame(np.ones((9, 9, 1), np.float32), 2.5).max().round(6).item()
    1.0
    """
    size = int(2 * sigma) // 2 * 2 + 1
    return pixels if size == 1 else np.clip(gaussian_blur(pixels, size, sigma=sigma), 0, 1)


def hold(sample: Sample, frame: int, length: int) -> Sample:
    """Show one frame in place of the `length` - 1 after it.

    Examples
    --------
    >>> clip = {"alpha": np.arange(5, dtype=np.float32).reshape(5, 1, 1, 1)}
    >>> hold(clip, 1, 3)["alpha"].ravel().tolist()
    [0.0, 1.0, 1.0, 1.0, 4.0]
    """
    numbers = np.arange(_length(sample))
    numbers[frame : frame + max(length, 1)] = frame
    return {name: pixels[numbers] for name, pixels in sample.items()}


def random_pause(sample: Sample, rng: np.random.Generator, *, probability: float = 0.03) -> Sample:
    """Hold a random frame, not the last, for a random time.

    Examples
    --------
    >>> clip = {"alpha": np.arange(5, dtype=np.float32).reshape(5, 1, 1, 1)}
    >>> random_pause(clip, np.random.default_rng(0), probability=1)["alpha"].shape
    (5, 1, 1, 1)
    """
    count = _length(sample)
    if count < 2 or rng.random() >= probability:
        return sample
    frame = int(rng.integers(count - 1))
    return hold(sample, frame, int(rng.integers(count - frame)))


def frame_numbers(
    count: int, *, speed: float = 1, shift: int = 0, backwards: bool = False
) -> list[int]:
    """Return which frames to read for a clip, counted from where the clip starts.

    Examples
    --------
    >>> frame_numbers(5, speed=0.5, shift=2)
    [2, 2, 3, 3, 4]
    """
    numbers = [int(speed * at) + shift for at in range(count)]
    return numbers[::-1] if backwards else numbers


def random_frame_numbers(
    count: int,
    rng: np.random.Generator,
    *,
    speeds: Sequence[float] = (0.5, 1, 2, 3, 4, 5),
) -> list[int]:
    """Draw speed, a shift of 0 … `count` - 1 and, half of the time, to go backwards.

    RVM's clips for segmentation have `speeds=(1,)`. Numbers may lie behind the last frame of a
    film; there RVM goes on with its first.

    Examples
    --------
    >>> len(random_frame_numbers(15, np.random.default_rng(0)))
    15
    """
    return frame_numbers(
        count,
        speed=float(rng.choice(speeds)),
        shift=int(rng.integers(count)),
        backwards=bool(rng.random() < 0.5),
    )


def _length(sample: Sample) -> int:
    return len(next(iter(sample.values())))


def _shares(sample: Sample, easing: Easing) -> np.ndarray:
    """Return for each frame how far an easing has gone."""
    return easing(np.linspace(0, 1, _length(sample)))
