"""Data sets in miniature."""

import numpy as np
import pytest
from PIL import Image

SHAPE = (5, 7)
CHANNELS = {"L": SHAPE, "RGB": (*SHAPE, 3), "RGBA": (*SHAPE, 4)}


@pytest.fixture
def put(tmp_path):
    """Return a function that writes small images below `tmp_path`, and returns their pixels."""
    rng = np.random.default_rng(1717)

    def put(name, mode="RGB", pixels=None):
        if pixels is None:
            pixels = rng.integers(0, 256, CHANNELS[mode], dtype=np.uint8)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return pixels

    return put
