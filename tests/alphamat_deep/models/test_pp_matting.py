"""What PP-Matting does beside what every network must."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alphamat_deep
from tests.alphamat_deep import reference_networks as reference

# Counts of features with HRNet_W18 and with HRNet_W48: of its branches, of the pyramid's four
# parts, and of what goes into the first layers of either branch.
WIDER = {18: 48, 36: 96, 72: 192, 144: 384, 4 * 144: 4 * 384, 512 + 144: 512 + 384, 82: 112}


def test_wider_backbones_take_tensors_of_the_same_names():
    tensors = {
        name: np.broadcast_to(np.float32(0.5), [WIDER.get(n, n) for n in shape])
        for name, shape, *_ in reference.manifest("ppmatting_hrnet_w18")["params"]
    }
    model = alphamat_deep.from_state_dict("pp-matting-composition1k", tensors)
    assert jax.eval_shape(model, jnp.zeros((1, 64, 96, 3))).alpha.shape == (1, 64, 96, 1)


@pytest.mark.parametrize(
    ("size", "limited", "cut"),
    [((700, 1301), (512, 952), (512, 928)), ((300, 500), (300, 500), (288, 480))],
)
def test_pictures_are_limited_then_cut_and_alpha_comes_back(size, limited, cut):
    import cv2

    rules = alphamat_deep.PRESETS["pp-matting-512"].preprocess
    image = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = image
    for sides in limited, cut:
        expected = cv2.resize(expected, sides[::-1])
    prepared = rules.apply(image)
    np.testing.assert_allclose(prepared.inputs[0][0], expected / 127.5 - 1, atol=1e-6)
    alpha = np.random.default_rng(4).random(cut, dtype=np.float32)
    expected = cv2.resize(cv2.resize(alpha, limited[::-1]), size[::-1])
    np.testing.assert_allclose(rules.undo(alpha, prepared), expected, atol=1e-6)
