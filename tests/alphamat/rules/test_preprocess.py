"""The authors' rules for pictures, each by hand."""

from functools import partial

import cv2
import numpy as np
import pytest

from alphamat.rules import (
    HALF,
    Brighten,
    Extend,
    Pad,
    Preprocess,
    Resize,
    Stretch,
    area,
    bilinear,
    bilinear_over_black,
    exceed_sides,
    floor_short_side,
    floor_short_side_unless_between,
    floor_sides,
    levels,
    one_hot,
    raw_levels,
    short_side,
    short_side_within,
    square,
    within,
)


def picture(height, width, seed=47):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), (height, width))
    return image, trimap


def test_colours_are_normalised_by_channel():
    image, trimap = picture(5, 7)
    rules = Preprocess((0.1, 0.2, 0.3), (0.5, 0.4, 0.2), encode=levels)
    colours, marks = rules.apply(image, trimap).inputs
    assert colours.shape == (1, 5, 7, 3)
    assert colours.dtype == marks.dtype == np.float32
    expected = (image / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.4, 0.2]
    np.testing.assert_allclose(colours[0], expected, atol=1e-6)


def test_trimaps_are_encoded_as_their_networks_learnt_them():
    trimap = np.array([[0, 128, 255]], np.uint8)
    np.testing.assert_allclose(levels(trimap)[..., 0], [[0, 128 / 255, 1]], rtol=1e-6)
    assert np.array_equal(raw_levels(trimap)[..., 0], [[0, 128, 255]])
    assert np.array_equal(one_hot(trimap), [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]])


@pytest.mark.parametrize("unknown", [1, 102, 254])
def test_every_level_between_is_unknown(unknown):
    image, trimap = picture(6, 6)
    rules = Preprocess(HALF, HALF, encode=raw_levels)
    odd = np.where(trimap == 128, unknown, trimap).astype(np.uint8)
    for given in (odd, odd / 255):
        marks = rules.apply(image, given).inputs[1]
        assert np.array_equal(marks[0, ..., 0], trimap)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 96), (64, 96)), ((65, 127), (64, 96)), ((31, 40), (32, 32)), ((2000, 33), (1600, 32))],
)
def test_sides_are_cut_down_to_multiples_each_by_itself(size, expected):
    assert floor_sides(32, *size, most=1600) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [((30, 40), (30, 40)), ((50, 100), (20, 40)), ((90, 33), (40, 15))]
)
def test_a_long_side_is_limited_in_proportion(size, expected):
    assert within(40, *size) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [((600, 300), (80, 40)), ((20, 33), (40, 66)), ((40, 41), (40, 41))]
)
def test_a_short_side_is_brought_to_a_length_in_proportion(size, expected):
    assert short_side(40, *size) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [((600, 300), (80, 40)), ((20, 33), (20, 33)), ((41, 200), (40, 195))]
)
def test_a_short_side_is_limited_in_proportion(size, expected):
    assert short_side_within(40, *size) == expected


@pytest.mark.parametrize(
    ("size", "always", "unless_between"),
    [
        ((900, 1600), (512, 896), (512, 896)),
        ((1600, 900), (896, 512), (896, 512)),
        ((300, 400), (512, 672), (512, 672)),
        ((480, 640), (512, 672), (480, 640)),
        ((700, 511), (672, 512), (672, 480)),
        ((1001, 1063), (512, 512), (512, 512)),  # 543.7 is cut, not rounded to 544
        ((512, 900), (512, 896), (512, 896)),
        ((300, 512), (512, 864), (288, 512)),
        ((20, 600), (512, 15360), (32, 576)),
    ],
)
def test_a_short_side_is_brought_to_a_length_and_both_cut_in_one_step(size, always, unless_between):
    assert floor_short_side(512, 32, *size) == always
    assert floor_short_side_unless_between(512, 32, *size) == unless_between


@pytest.mark.parametrize("size", [(4, 3), (7, 9), (5, 20), (2, 1), (14, 18)])
def test_an_area_s_pixels_count_alike_wherever_one_reaches(size):
    image, _ = picture(7, 9)
    expected = np.empty((*size, 3))
    for i, j in np.ndindex(*size):
        rows, columns = (
            slice(at * side // count, -(-(at + 1) * side // count))
            for at, side, count in zip((i, j), (7, 9), size, strict=True)
        )
        expected[i, j] = image[rows, columns].mean(axis=(0, 1)) / 255
    for given in (image, image / np.float32(255)):
        found = area(given, size)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(area(image[..., 0], size), expected[..., 0], atol=1e-6)


def test_areas_go_there_and_back():
    image, _ = picture(45, 70)
    rules = Preprocess(HALF, HALF, chain=(Resize(partial(floor_sides, 32), how=area),))
    prepared = rules.apply(image)
    np.testing.assert_allclose(prepared.inputs[0][0] / 2 + 0.5, area(image, (32, 64)), atol=1e-6)
    alpha = np.random.default_rng(3).random((32, 64), np.float32)
    assert np.array_equal(rules.undo(alpha, prepared), area(alpha, (45, 70)))


def test_eight_bits_are_resized_as_eight_bits_and_others_are_not_rounded():
    image, _ = picture(45, 70)
    rules = Preprocess((0, 0, 0), (1, 1, 1), chain=(Resize(partial(floor_sides, 32, most=1600)),))
    (colours,) = rules.apply(image).inputs
    expected = cv2.resize(image, (64, 32), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(colours[0] * 255, expected, atol=1e-4)
    for form in (image / 255, (image / 255).astype(np.float32), image * np.uint16(257)):
        assert np.array_equal(rules.apply(form).inputs[0], colours)
    fine = np.sqrt(image / 255)
    (found,) = rules.apply(fine).inputs
    smooth = cv2.resize(fine, (64, 32), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(found[0], smooth, atol=1e-6)


def test_pixels_fade_into_the_black_beyond_the_border_where_they_are_enlarged():
    image = np.uint8([255, 255, 0]).reshape(1, 3, 1)
    found = bilinear_over_black(image, (1, 6))
    np.testing.assert_allclose(found[0, :, 0], [0.75, 1, 1, 0.75, 0.25, 0], atol=1e-6)


def test_pixels_are_neither_averaged_nor_rounded_where_they_are_shrunk():
    image, _ = picture(12, 15)
    small = bilinear_over_black(image, (4, 5))
    np.testing.assert_allclose(small, image[1::3, 1::3] / 255, atol=1e-6)


def test_alpha_may_come_back_another_way():
    image, _ = picture(45, 70)
    rules = Preprocess(HALF, HALF, chain=(Resize(partial(square, 8), back=area),))
    prepared = rules.apply(image)
    small = cv2.resize(image, (8, 8), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(prepared.inputs[0][0] / 2 + 0.5, small / 255, atol=1e-6)
    alpha = np.random.default_rng(3).random((8, 8), np.float32)
    assert np.array_equal(rules.undo(alpha, prepared), area(alpha, (45, 70)))


@pytest.mark.parametrize("image", [picture(6, 8)[0] // 2, picture(6, 8)[0] / 300])
def test_an_image_is_brightened_to_white(image):
    prepared = Preprocess((0, 0, 0), (1, 1, 1), chain=(Brighten(),)).apply(image)
    np.testing.assert_allclose(prepared.inputs[0][0], image / image.max(), rtol=1e-6)


def test_a_black_image_stays_black():
    rules = Preprocess((0, 0, 0), (1, 1, 1), chain=(Brighten(),))
    assert not rules.apply(np.zeros((6, 8, 3), np.uint8)).inputs[0].any()


def test_alpha_is_stretched_from_0_to_1_unless_it_is_constant():
    rules = Preprocess(HALF, HALF, chain=(Stretch(),))
    prepared = rules.apply(picture(1, 3)[0])
    assert np.array_equal(rules.undo(np.float32([[0.25, 0.5, 0.75]]), prepared), [[0, 0.5, 1]])
    assert np.array_equal(rules.undo(np.float32([[0.25] * 3]), prepared), [[0.25] * 3])


@pytest.mark.parametrize("smooth", [False, True])
def test_a_trimap_is_resized_smoothly_or_by_its_nearest(smooth):
    image, trimap = picture(45, 70)
    options = {"how_trimap": bilinear} if smooth else {}
    step = Resize(partial(floor_sides, 32, most=1600), **options)
    rules = Preprocess(HALF, HALF, encode=raw_levels, chain=(step,))
    marks = rules.apply(image, trimap).inputs[1][0, ..., 0]
    assert (set(np.unique(marks)) == {0, 128, 255}) != smooth
    how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    assert np.array_equal(marks, cv2.resize(trimap, (64, 32), interpolation=how))


@pytest.mark.parametrize("size", [(64, 32), (33, 50), (5, 3), (1, 40), (40, 1)])
def test_padding_mirrors_and_is_taken_off_again(size):
    image, trimap = picture(*size)
    rules = Preprocess((0, 0, 0), (1, 1, 1), raw_levels, (Pad(32, 32),), keep_known=False)
    trimap.flat[-1], trimap.flat[-2] = 0, 255
    prepared = rules.apply(image, trimap)
    colours, marks = (x[0] for x in prepared.inputs)
    assert all(
        side % 32 == 0 and side >= n + 64 for side, n in zip(marks.shape, size, strict=False)
    )
    inner = slice(32, 32 + size[0]), slice(32, 32 + size[1])
    np.testing.assert_allclose(colours[inner] * 255, image, atol=1e-4)
    assert np.array_equal(marks[inner][..., 0], trimap)
    if size[0] > 1:
        assert np.array_equal(marks[31, 32:-32], marks[33, 32:-32])
    np.testing.assert_allclose(rules.undo(marks[..., 0] / 255, prepared), trimap / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 96), (64, 96)), ((65, 96), (96, 128)), ((64, 95), (96, 96)), ((1, 31), (32, 32))],
)
def test_both_sides_grow_unless_both_are_multiples(size, expected):
    assert exceed_sides(32, *size) == expected


@pytest.mark.parametrize("size", [(5, 7), (6, 9)])
def test_a_picture_is_extended_by_one_colour_and_its_trimap_by_background(size):
    image, trimap = picture(*size)
    colour = (0.2, 0.3, 0.4)
    rules = Preprocess((0, 0, 0), (1, 1, 1), levels, (Extend(partial(exceed_sides, 3), colour),))
    for given in (image, image / 255 + 1e-5):
        prepared = rules.apply(given, trimap)
        colours, marks = (x[0] for x in prepared.inputs)
        assert colours.shape == (6, 9, 3)
        assert marks.shape == (6, 9, 1)
        outside = np.ones((6, 9), bool)
        outside[: size[0], : size[1]] = False
        np.testing.assert_allclose(colours[~outside], image.reshape(-1, 3) / 255, atol=2e-5)
        assert np.array_equal(colours[outside], np.tile(np.float32(colour), (outside.sum(), 1)))
        assert not marks[outside].any()
        alpha = rules.undo(marks[..., 0], prepared)
        assert np.array_equal(alpha[trimap != 128], trimap[trimap != 128] / 255)


def test_alpha_comes_back_at_the_image_s_size_with_what_is_known():
    image, trimap = picture(45, 70)
    chain = (Resize(partial(within, 50)), Resize(partial(floor_sides, 32, most=1600)))
    for keep in (True, False):
        rules = Preprocess(HALF, HALF, levels, chain, keep_known=keep)
        prepared = rules.apply(image, trimap)
        assert prepared.inputs[0].shape == (1, 32, 32, 3)
        alpha = rules.undo(np.full((32, 32), 0.25, np.float32), prepared)
        assert alpha.shape == (45, 70)
        assert alpha.dtype == np.float64
        known = np.where(trimap == 255, 1, np.where(trimap == 0, 0, 0.25))
        assert np.array_equal(alpha, known if keep else np.full_like(alpha, 0.25))


def test_what_a_network_says_beyond_0_and_1_is_cut_off():
    image, _ = picture(4, 4)
    rules = Preprocess(HALF, HALF)
    alpha = rules.undo(np.array([[-1, 0.5, 2, 1]] * 4), rules.apply(image))
    assert np.array_equal(alpha, [[0, 0.5, 1, 1]] * 4)


def test_sizes_must_agree():
    image, trimap = picture(6, 8)
    with pytest.raises(ValueError, match="`trimap`"):
        Preprocess(HALF, HALF, levels).apply(image, trimap[:, :-1])


def test_a_plate_goes_the_image_s_way():
    (image, _), (plate, _) = picture(45, 70), picture(45, 70, seed=53)
    chain = (Resize(partial(floor_sides, 32)), Pad(3, 4))
    rules = Preprocess(HALF, (0.5, 0.4, 0.2), chain=chain, plate=True)
    prepared = rules.apply(image, plate=plate)
    assert len(prepared.inputs) == 2
    for given, found in zip((image, plate), prepared.inputs, strict=True):
        alone = Preprocess(HALF, (0.5, 0.4, 0.2), chain=chain).apply(given)
        assert np.array_equal(found, alone.inputs[0])
        assert prepared.sizes == alone.sizes


def test_a_plate_must_have_the_image_s_size():
    image, _ = picture(6, 8)
    with pytest.raises(ValueError, match=r"`plate` is 6 × 7 .* the image is 6 × 8"):
        Preprocess(HALF, HALF, plate=True).apply(image, plate=image[:, :-1])
    with pytest.raises(ValueError, match="`plate` contains NaN"):
        Preprocess(HALF, HALF, plate=True).apply(image, plate=np.full((6, 8, 3), np.nan))
