"""What F, B, Alpha Matting does beside what every network must."""

from functools import partial

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

import alphamat_deep
from alphamat.rules import known_and_near
from alphamat_deep.catalogue.fba import RULES
from alphamat_deep.compiling import without_values
from alphamat_deep.models.fba import fuse
from tests.alphamat_deep.layers.reference import noise

COLOURS = partial(np.random.default_rng(53).random, dtype=np.float32)


def spots(height, width):
    """Return a trimap with a few known pixels."""
    trimap = np.full((height, width), 128, np.uint8)
    trimap[1, 2:4], trimap[-2, 3], trimap[4, -3:] = 0, 0, 255
    return trimap


def nearness(part):
    """Return, by its definition, how near a part is: (H, W, 3)."""
    places = np.argwhere(part)
    grid = np.stack(np.mgrid[: part.shape[0], : part.shape[1]], -1)
    square = np.square(grid[:, :, None] - places).sum(-1).min(-1)
    widths = np.array([0.02, 0.08, 0.16]) * 320
    return np.exp(-square[..., None] / (2 * widths**2))


def test_a_trimap_says_what_is_known_and_how_near_it_is():
    trimap = spots(11, 14)
    found = known_and_near(trimap)
    known = trimap == 0, trimap == 255
    assert found.shape == (11, 14, 8)
    assert found.dtype == np.float32
    assert np.array_equal(found[..., :2], np.stack(known, -1))
    np.testing.assert_allclose(found[..., 2:5], nearness(known[0]), atol=1e-6)
    np.testing.assert_allclose(found[..., 5:], nearness(known[1]), atol=1e-6)


def test_nothing_is_near_a_part_that_is_not_there():
    trimap = np.full((3, 5), 128, np.uint8)
    assert not known_and_near(trimap).any()
    trimap[1, 1] = 0
    assert np.array_equal(known_and_near(trimap).any((0, 1)), [1, 0, 1, 1, 1, 0, 0, 0])


def test_pictures_and_both_parts_of_the_trimap_grow_by_lanczos():
    image = (255 * COLOURS((21, 16, 3))).astype(np.uint8)
    trimap = np.repeat(np.uint8([0, 128, 255]), 7)[:, None].repeat(16, 1)
    colours, marks = (x[0] for x in RULES.apply(image, trimap).inputs)
    lanczos = partial(cv2.resize, dsize=(16, 24), interpolation=cv2.INTER_LANCZOS4)
    np.testing.assert_allclose(colours, lanczos(image / 255), atol=1e-6)
    for at, level in enumerate((0, 255)):
        part = lanczos(np.float64(trimap == level))
        np.testing.assert_allclose(marks[..., at], part, atol=1e-6)
        assert part.max() > 1.01  # so the authors' 8 bits overflow, and it counts as outside
        inside = np.int64(255 * (1 - part)) == 0
        near = marks[..., 2 + 3 * at : 5 + 3 * at]
        np.testing.assert_allclose(near, nearness(inside), atol=1e-6)


def test_alpha_and_colours_come_back_bilinearly_and_what_is_known_is_the_image():
    image = (255 * COLOURS((21, 16, 3))).astype(np.uint8)
    trimap = spots(21, 16)
    prepared = RULES.apply(image, trimap)
    alpha, foreground = COLOURS((24, 16)), COLOURS((24, 16, 3))
    bilinear = partial(cv2.resize, dsize=(16, 21), interpolation=cv2.INTER_LINEAR)
    found = RULES.undo(alpha, prepared)
    expected = np.select([trimap == 0, trimap == 255], [0, 1], bilinear(alpha))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    colours = RULES.undo_foreground(foreground, found, prepared)
    opaque = (trimap == 255)[..., None]
    np.testing.assert_allclose(
        colours, np.where(opaque, image / 255, bilinear(foreground)), atol=1e-6
    )


def test_fusion_is_that_of_the_paper():
    image, alpha, F, B = COLOURS((2, 3, 5, 3)), COLOURS((2, 3, 5, 1)), *COLOURS((2, 2, 3, 5, 3))
    found = fuse(*map(jnp.asarray, (image, alpha, F, B)))
    F = alpha * image + (1 - alpha**2) * F - alpha * (1 - alpha) * B
    B = (1 - alpha) * image + (2 * alpha - alpha**2) * B - alpha * (1 - alpha) * F
    F, B = np.clip(F, 0, 1), np.clip(B, 0, 1)
    np.testing.assert_allclose(found.foreground, F, atol=1e-6)
    np.testing.assert_allclose(found.background, B, atol=1e-6)

    def missed(at):
        return (
            np.square(image - at * F - (1 - at) * B).sum(-1) + 0.1 * np.square(at - alpha)[..., 0]
        )

    free = (found.alpha > 0) & (found.alpha < 1)
    assert free.mean() > 0.5
    for step in (-0.01, 0.01):
        further = missed(found.alpha + step) - missed(found.alpha)
        assert (further[free[..., 0]] > 0).all()


def test_colours_and_alpha_that_explain_the_image_stay():
    alpha, F, B = COLOURS((1, 4, 3, 1)), *COLOURS((2, 1, 4, 3, 3))
    found = fuse(*map(jnp.asarray, (alpha * F + (1 - alpha) * B, alpha, F, B)))
    for result, given in zip(found, (alpha, F, B), strict=True):
        np.testing.assert_allclose(result, given, atol=1e-6)


def test_sides_that_no_eighth_has_are_refused():
    row = alphamat_deep.PRESETS["fba"]
    model = without_values(row)
    with pytest.raises(ValueError, match=r"20 × 16.*multiples of 8"):
        model(noise(1, 20, 16, 3), noise(1, 20, 16, 8))
