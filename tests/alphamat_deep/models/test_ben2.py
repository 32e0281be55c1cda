"""What BEN2 does beside what every network must."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import alphamat_deep
from alphamat.rules import IMAGENET_MEAN, IMAGENET_STD
from alphamat_deep.models import ben2
from tests.alphamat_deep.layers.reference import noise


def test_views_are_the_quarters_row_by_row_and_the_whole():
    x, whole = noise(2, 4, 6, 1), noise(2, 2, 3, 1, seed=1)
    views = ben2.join_views(ben2.cut(x), whole)
    second = [x[1, :2, :3], x[1, :2, 3:], x[1, 2:, :3], x[1, 2:, 3:], whole[1]]
    np.testing.assert_array_equal(views[5:], second)
    quarters, again = ben2.split_views(views)
    np.testing.assert_array_equal(again, whole)
    np.testing.assert_array_equal(ben2.put_together(quarters), x)


def test_positions_are_sines_of_the_row_and_then_of_the_column():
    found = ben2.add_positions(jnp.zeros((1, 3, 5, 8)))[0]
    for y, x, at in np.ndindex(3, 5, 8):
        turn = (y + 0.5) / 3 if at < 4 else (x + 0.5) / 5
        angle = 2 * np.pi * turn / 100 ** (at // 2 % 2)  # 10000 ** (1 / 2) is 100
        wave = np.cos if at % 2 else np.sin
        assert found[y, x, at] == pytest.approx(wave(angle), abs=1e-5)


@pytest.mark.parametrize(("side", "counts"), [(6, (36, 4, 1)), (4, (16, 1, 0))])
def test_sides_of_means_are_rounded_to_the_even_number(side, counts):
    means = ben2.pool(noise(1, 2 * side, 2 * side, 128), side, side, ratios=(1, 4, 8))
    assert tuple(x.shape[1] * x.shape[2] for x in means) == counts
    assert ben2.tokens(means).shape == (1, sum(counts), 128)


def test_pictures_are_shrunk_by_lanczos_and_alpha_is_stretched():
    rules = alphamat_deep.PRESETS["ben2"].preprocess
    image = np.random.default_rng(5).integers(0, 256, (90, 1500, 3), dtype=np.uint8)
    prepared = rules.apply(image)
    small = Image.fromarray(image).resize((1024, 1024), Image.Resampling.LANCZOS)
    expected = (np.asarray(small) / 255 - IMAGENET_MEAN) / IMAGENET_STD
    np.testing.assert_allclose(prepared.inputs[0][0], expected, atol=1e-5)
    alpha = rules.undo(np.random.default_rng(6).random((1024, 1024), np.float32) / 2, prepared)
    assert alpha.shape == (90, 1500)
    assert (alpha.min(), alpha.max()) == (0, 1)
