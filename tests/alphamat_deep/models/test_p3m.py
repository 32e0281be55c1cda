"""What P3M-Net does beside what every network must."""

import cv2
import numpy as np
import pytest
from skimage.transform import resize

import alphamat_deep
from alphamat.rules import IMAGENET_MEAN, IMAGENET_STD


@pytest.mark.parametrize(
    ("size", "limited", "halved"),
    [
        ((1500, 1301), (1245, 1080), (608, 512)),  # 622.5, 540
        ((700, 1080), (700, 1080), (320, 512)),
        ((3400, 200), (3400, 200), (1600, 96)),
        ((63, 90), (63, 90), (32, 32)),
    ],
)
def test_pictures_are_limited_then_halved_without_rounding(size, limited, halved):
    rules = alphamat_deep.PRESETS["p3m"].preprocess
    image = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    small = image if size == limited else cv2.resize(image, limited[::-1])
    expected = resize(small, halved, order=1, anti_aliasing=False)
    prepared = rules.apply(image)
    found = prepared.inputs[0][0] * IMAGENET_STD + IMAGENET_MEAN
    np.testing.assert_allclose(found, expected, atol=1e-5)
    alpha = np.random.default_rng(4).random(halved, dtype=np.float32)
    expected = cv2.resize(cv2.resize(alpha, limited[::-1]), size[::-1])
    np.testing.assert_allclose(rules.undo(alpha, prepared), expected, atol=1e-6)
