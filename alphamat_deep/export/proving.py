"""The proof that a file computes what its network does, on pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from alphamat.rules import Preprocess
from alphamat_deep.export.ports import Port
from alphamat_deep.matting import Matting

TOLERANCE = {"alpha": 1e-4, "foreground": 1e-3}  # in [0, 1]
SHARE = 1e-3  # of pixels that may differ more, where the network decides by comparing
RESTLESS = 4  # times as far, and as many pixels, as rounding moves the network's own
LAST_BITS = 2.0**-21  # relative; about what the order of a long sum does

Run = Callable[..., Sequence[np.ndarray]]


class Difference(NamedTuple):
    """How far a file's alpha is from its network's, over some pictures."""

    maximum: float
    share: float
    """Of a picture's pixels whose alpha or colour differs by more than `TOLERANCE`."""
    foreground: float
    """The largest difference of a colour; 0 where there are none."""
    own: float
    """How far the network's alpha and colours move when the last bits of its picture do.

    It is far where the network compares numbers that are nearly equal, as where it pools.
    """
    own_share: float
    """Of a picture's pixels whose alpha or colour moves by more than `TOLERANCE` then."""
    pictures: int


def differences(
    matting: Matting, ours: Run, theirs: Run, inputs: list[Port], outputs: list[Port]
) -> Difference:
    """Compare two functions of the same inputs, (B, H, W, C), on three pictures.

    Every second one of a batch is the mirror image. A clip's memory is zeros at first, and then
    what the network remembers.
    """
    states = [np.zeros(port.shape, np.float32) for port in inputs if port.role == "state"]
    rng, found = np.random.default_rng(43), []
    batch, *size, _ = inputs[0].shape
    for picture in _pictures(matting.preset.preprocess, *size):
        taken = [_batch(picture[x.role], batch) for x in inputs if x.role != "state"]
        expected = ours(*taken, *states)
        bits = rng.choice(
            np.array([1 - LAST_BITS, 1 + LAST_BITS], np.float32), (2, *taken[0].shape)
        )
        moved = [ours(taken[0] * each, *taken[1:], *states) for each in bits]
        found.append(_difference(outputs, expected, theirs(*taken, *states), moved))
        states = [x for port, x in zip(outputs, expected, strict=True) if port.role == "state"]
    return worst(found)


def _batch(x: np.ndarray, count: int) -> np.ndarray:
    return np.stack([x[:, ::-1] if at % 2 else x for at in range(count)])


def _difference(
    outputs: list[Port],
    expected: Sequence[np.ndarray],
    found: Sequence[np.ndarray],
    moved: list[Sequence[np.ndarray]],
) -> Difference:
    apart, *own = (_apart(outputs, expected, each) for each in (found, *moved))
    return Difference(
        float(apart["alpha"].max()),
        _share(apart),
        float(apart["foreground"].max()) if "foreground" in apart else 0.0,
        max(float(x.max()) for each in own for x in each.values()),
        max(map(_share, own)),
        1,
    )


def _apart(
    outputs: list[Port], expected: Sequence[np.ndarray], found: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return how far alpha and colours are apart at each pixel, (B, H, W)."""
    return {
        port.role: np.nan_to_num(np.abs(x - y), nan=np.inf).max(-1)
        for port, x, y in zip(outputs, expected, found, strict=True)
        if port.role in TOLERANCE
    }


def _share(apart: dict[str, np.ndarray]) -> float:
    far = [x > TOLERANCE[role] for role, x in apart.items()]
    return float(np.logical_or.reduce(far).mean())


def worst(found: Sequence[Difference]) -> Difference:
    """Return the largest of each number, of all pictures."""
    alpha, share, colours, own, own_share, count = zip(*found, strict=True)
    return Difference(max(alpha), max(share), max(colours), max(own), max(own_share), sum(count))


def _pictures(rules: Preprocess, height: int, width: int) -> Iterator[dict[str, np.ndarray]]:
    """Make inputs of a portrait, of a part of it, and of noise: each (H, W, C)."""
    import cv2

    from alphamat import examples

    portrait = examples.astronaut()
    head = slice(0, 256), slice(96, 352)
    rng = np.random.default_rng(41)
    noise = rng.random((64, 64, 3)), rng.choice(np.array([0, 128, 255], np.uint8), (8, 8))
    plate = portrait.image[:, ::-1]
    for image, trimap in (portrait, [x[head] for x in portrait], noise):
        colours = [
            cv2.resize(_unit(x), (width, height), interpolation=cv2.INTER_LINEAR)
            for x in (image, plate)
        ]
        made: dict[str, np.ndarray] = dict(zip(("image", "plate"), colours, strict=True))
        if rules.encode is not None:
            marks = cv2.resize(trimap, (width, height), interpolation=cv2.INTER_NEAREST)
            made["trimap"] = rules.encode(marks).astype(np.float32)
        yield made


def _unit(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / np.float32(255 if image.dtype == np.uint8 else 1)


def network_run(function: Callable[..., Any], state: Any, precision: str) -> Run:
    """Return a function of arrays of NumPy that JAX computes, picture by picture of a batch."""
    compiled = jax.jit(function)

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        with jax.default_matmul_precision(precision):
            each = [
                compiled(state, *(x[at : at + 1] for x in inputs)) for at in range(len(inputs[0]))
            ]
        return [np.concatenate(x) for x in zip(*each, strict=True)]

    return run


def refuse_unless_equal(found: Difference, *, decides: bool) -> None:
    """Raise ValueError where a file computes something else than its network."""
    restless = max(found.maximum, found.foreground) <= RESTLESS * found.own
    share = SHARE if decides or restless else 0
    if found.share > max(share, RESTLESS * found.own_share if restless else 0):
        raise ValueError(
            f"The file was not kept: its alpha is up to {found.maximum:.2g}, and its colours up to "
            f"{found.foreground:.2g}, from the network's; {found.share:.2%} of a picture is "
            f"farther than {TOLERANCE['alpha']:g}, or in colour {TOLERANCE['foreground']:g}. "
            f"Rounding alone moves the network's own by {found.own:.2g}."
        )
