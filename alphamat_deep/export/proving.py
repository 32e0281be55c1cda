"""The proof that a file computes what its network does, on pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from alphamat.rules import Preprocess
from alphamat_deep.export.ports import Port
from alphamat_deep.matting import Matting

TOLERANCE = 1e-4  # of alpha and colours in [0, 1]
SHARE = 1e-3  # of pixels that may differ more, where the network decides by comparing

Run = Callable[..., Sequence[np.ndarray]]


class Difference(NamedTuple):
    """How far a file's alpha is from its network's, over some pictures."""

    maximum: float
    share: float
    """Of pixels that differ by more than `TOLERANCE`."""
    foreground: float
    """The largest difference of a colour; 0 where there are none."""
    pictures: int


def differences(
    matting: Matting, ours: Run, theirs: Run, inputs: list[Port], outputs: list[Port]
) -> Difference:
    """Compare two functions of the same inputs, (B, H, W, C), on three pictures.

    A clip's memory is zeros at first, and then what the network remembers.
    """
    states = [np.zeros(port.shape, np.float32) for port in inputs if port.role == "state"]
    farthest = share = colours = 0.0
    size = inputs[0].shape[1:3]
    made = list(_pictures(matting.preset.preprocess, *size))
    for pictures in made:
        taken = [pictures[port.role] for port in inputs if port.role != "state"]
        batch = [np.repeat(x[None], inputs[0].shape[0], 0) for x in taken]
        expected, found = ours(*batch, *states), theirs(*batch, *states)
        for port, x, y in zip(outputs, expected, found, strict=True):
            apart = np.abs(x - y)
            if not np.isfinite(y).all() and np.isfinite(x).all():
                apart = np.float32(np.inf)
            if port.role == "alpha":
                farthest = max(farthest, float(apart.max()))
                share = max(share, float((apart > TOLERANCE).mean()))
            elif port.role == "foreground":
                colours = max(colours, float(apart.max()))
        states = [x for port, x in zip(outputs, expected, strict=True) if port.role == "state"]
    return Difference(farthest, share, colours, len(made))


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
        made = dict(zip(("image", "plate"), colours, strict=True))
        if rules.encode is not None:
            marks = cv2.resize(trimap, (width, height), interpolation=cv2.INTER_NEAREST)
            made["trimap"] = rules.encode(marks).astype(np.float32)
        yield made


def _unit(image: np.ndarray) -> np.ndarray:
    return np.float32(image) / np.float32(255 if image.dtype == np.uint8 else 1)


def network_run(function: Callable[..., Any], state: Any, precision: str) -> Run:
    """Return a function of arrays of NumPy that JAX computes."""
    compiled = jax.jit(function)

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        with jax.default_matmul_precision(precision):
            return [np.asarray(x) for x in compiled(state, *inputs)]

    return run


def refuse_unless_equal(found: Difference, *, decides: bool) -> None:
    """Raise ValueError where a file computes something else than its network."""
    allowed = SHARE if decides else 0
    if found.share > allowed or not found.foreground <= TOLERANCE * 10:
        raise ValueError(
            f"The file was not kept: its alpha is up to {found.maximum:.2g} from the network's, on "
            f"{found.share:.2%} of a picture by more than {TOLERANCE:g}, and colours are up to "
            f"{found.foreground:.2g} away."
        )
