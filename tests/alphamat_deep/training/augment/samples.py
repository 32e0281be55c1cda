"""Samples for tests, and what authors' programs make of stored ones."""

import json
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from alphamat_deep.training import augment

FOLDER = Path(__file__).parents[5] / "shared" / "oracle_training"


def layers(seed, height=47, width=61, frames=None):
    """Return colours of 8 bits, and an alpha with clear, opaque and fractional parts."""
    rng = np.random.default_rng(seed)
    lead = () if frames is None else (frames,)
    sample = {
        name: (rng.integers(256, size=(*lead, height, width, 3)) / 255).astype(np.float32)
        for name in ("foreground", "background")
    }
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2) + rng.normal(size=(*lead, height, width))
    alpha = np.rint(255 * np.clip((0.4 * height - distance) / 5, 0, 1)) / 255
    return sample | {"alpha": alpha[..., None].astype(np.float32)}


def whole(seed, **size):
    """Return layers with their image, trimap and plate."""
    sample = augment.add_plate(augment.compose(layers(seed, **size)))
    return augment.gca_trimap(sample, np.random.default_rng(seed))


def error_of_composition(sample):
    alpha, image = sample["alpha"].astype(np.float64), sample["image"]
    return abs(alpha * sample["foreground"] + (1 - alpha) * sample["background"] - image).max()


def shares(draw, count, seed=11):
    """Return the share of each value among `count` draws."""
    rng = np.random.default_rng(seed)
    drawn = [draw(rng) for _ in range(count)]
    return {value: drawn.count(value) / count for value in set(drawn)}


@cache
def stored():
    """Return stored results by case, and the inputs they are of: (H, W, C), 8 bits as floats."""
    if not FOLDER.exists():
        pytest.skip("../shared/oracle_training is absent")
    spec = spec_from_file_location("make_inputs", FOLDER / "make_inputs.py")
    maker = module_from_spec(spec)
    spec.loader.exec_module(maker)
    made = json.loads((FOLDER / "data.json").read_text())
    inputs = maker.build(made["seed"], made["inputs"]["main"])
    assert maker.digest(inputs) == made["inputs_sha256"]["main"]
    return np.load(FOLDER / "data.npz"), {
        name: np.moveaxis(array[0], 0, -1) for name, array in inputs.items()
    }


def cases(prefix):
    """Return the names of stored cases, to parametrise by; one that skips where there are none."""
    if not FOLDER.exists():
        return [pytest.param("", marks=pytest.mark.skip("../shared/oracle_training is absent"))]
    names = json.loads((FOLDER / "data.json").read_text())["cases"]
    return [name for name in names if name.startswith(prefix)]
