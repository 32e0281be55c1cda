import math

import numpy as np
import pytest

from alphamat.datasets.compose import blend, cover


def test_cuts_off_fractions_of_three_by_two_pixels():
    foreground = np.full((2, 3, 3), 200, np.uint8)
    background = np.full((2, 3, 3), 100, np.uint8)
    alpha = np.array([[0, 255, 128], [1, 254, 51]], np.uint8)
    # 100 + 100 · alpha / 255 = 150.2, 100.4, 199.6, 120
    expected = [[100, 200, 150], [100, 199, 120]]
    np.testing.assert_array_equal(blend(foreground, alpha, background)[..., 0], expected)


def test_blends_as_plain_python_does():
    """Where truncation meets a whole number, the last bit of a double decides."""
    rng = np.random.default_rng(4099)
    front, alpha, behind = rng.integers(0, 256, (3, 20_000), dtype=np.uint8)
    behind[:5000] = front[:5000]
    expected = [
        int(a / 255 * f + (1 - a / 255) * b)
        for f, a, b in zip(front.tolist(), alpha.tolist(), behind.tolist(), strict=True)
    ]
    assert np.not_equal(expected, front)[:5000].any()  # less than one level lost, yet one level
    actual = blend(front[None, :, None], alpha[None], behind[None, :, None])
    np.testing.assert_array_equal(actual[0, :, 0], expected)


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (3, 3), (5, 7)])
def test_covers_with_what_is_small(shape):
    y, x = np.indices(shape)
    background = np.stack([20 * y, 20 * x, 0 * x], axis=2).astype(np.uint8)
    covered = cover(background, 5, 7)
    assert covered.shape == (5, 7, 3)
    ratio = max(5 / shape[0], 7 / shape[1])
    for channel, side, size in ((0, 5, shape[0]), (1, 7, shape[1])):
        place = (np.arange(side) + 0.5) * size / math.ceil(size * ratio) - 0.5
        found = covered[..., channel].T if channel == 0 else covered[..., channel]
        inner = (place > 0.6) & (place < size - 1.6)  # a ramp bends at the border
        assert inner.any()
        np.testing.assert_allclose(found[:, inner] - 20 * place[inner], 0, atol=2)


def test_crops_what_is_large_at_its_upper_left():
    background = np.random.default_rng(32).integers(0, 256, (9, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cover(background, 5, 7), background[:5, :7])
