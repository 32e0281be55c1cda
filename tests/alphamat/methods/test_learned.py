import re

import numpy as np
import pytest

import alphamat
from alphamat.network.unet import shapes
from tests.alphamat.network.writers import stored


def scene(height=37, width=50):
    rng = np.random.default_rng(29)
    image = rng.random((height, width, 3))
    trimap = np.full((height, width), 0.5)
    trimap[:5], trimap[-6:, 8:] = 0, 1
    return image, trimap


@pytest.mark.parametrize("axis", [0, 1])
def test_mirrored_pictures_have_mirrored_alphas(axis):
    image, trimap = scene()
    alpha = alphamat.learned(image, trimap, mirrored=True)
    other = alphamat.learned(np.flip(image, axis), np.flip(trimap, axis), mirrored=True)
    np.testing.assert_allclose(np.flip(other, axis), alpha, rtol=0, atol=1e-6)
    once = alphamat.learned(image, trimap)
    assert 1e-3 < np.abs(once - alpha).mean() < 0.2


def test_weights_of_ones_own_are_used(tmp_path):
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes().items()}
    tensors["head.bias"] += 0.3
    (tmp_path / "own.safetensors").write_bytes(stored(tensors))
    image, trimap = scene()
    alpha = alphamat.learned(image, trimap, weights=tmp_path / "own.safetensors")
    np.testing.assert_allclose(alpha, np.where(trimap == 0.5, 0.3, trimap), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mirrored": 1}, TypeError, "`mirrored` is 1; expected True or False"),
        ({"weights": 1}, TypeError, "`weights` is 1; expected the path"),
        ({"weights": __file__}, ValueError, re.escape(f"{__file__} does not hold the network")),
    ],
)
def test_refuses_options_of_another_kind(options, error, message):
    with pytest.raises(error, match=message):
        alphamat.learned(*scene(), **options)
